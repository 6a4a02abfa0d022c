//! Attributes of a node, of which all are known.

use std::collections::HashSet;

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};

use crate::import::refusal::{AttributeFault, Refusal};
use crate::import::tensors;

/// The attributes of a node by name.
pub(super) struct Attributes<'n>(&'n NodeProto);

impl<'n> Attributes<'n> {
    /// Those of a node, each known and there once.
    ///
    /// # Errors
    /// The first that is not.
    pub fn of(node: &'n NodeProto, known: &[&str]) -> Result<Self, Refusal> {
        let mut names = HashSet::new();
        for attribute in &node.attribute {
            let name = attribute.name.as_str();
            let fault = match () {
                () if !known.contains(&name) => Some(AttributeFault::Unknown),
                () if !names.insert(name) => Some(AttributeFault::Twice),
                () if !attribute.ref_attr_name.is_empty() => Some(AttributeFault::Reference),
                () => None,
            };
            if let Some(fault) = fault {
                return Err(Refusal::Attribute { name: name.to_owned(), fault });
            }
        }
        Ok(Self(node))
    }

    fn find(&self, name: &str, kind: AttributeType) -> Result<Option<&'n AttributeProto>, Refusal> {
        let found = self.0.attribute.iter().find(|attribute| attribute.name == name);
        match found {
            Some(attribute) if attribute.r#type != kind as i32 => {
                let got = AttributeType::try_from(attribute.r#type).unwrap_or(AttributeType::Undefined).to_string();
                let fault = AttributeFault::Type { got, expected: kind.to_string() };
                Err(Refusal::Attribute { name: name.to_owned(), fault })
            }
            found => Ok(found),
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.attribute.iter().any(|attribute| attribute.name == name)
    }

    pub fn int(&self, name: &str, default: i64) -> Result<i64, Refusal> {
        Ok(self.find(name, AttributeType::Int)?.map_or(default, |attribute| attribute.i))
    }

    /// A finite number.
    pub fn float(&self, name: &str, default: f32) -> Result<f32, Refusal> {
        let number = self.find(name, AttributeType::Float)?.map_or(default, |attribute| attribute.f);
        self.finite(name, &[number.into()])?;
        Ok(number)
    }

    pub fn word(&self, name: &str, default: &str) -> Result<String, Refusal> {
        let word = self.find(name, AttributeType::String)?;
        Ok(word.map_or_else(|| default.to_owned(), |attribute| String::from_utf8_lossy(&attribute.s).into_owned()))
    }

    pub fn ints(&self, name: &str) -> Result<&'n [i64], Refusal> {
        Ok(self.find(name, AttributeType::Ints)?.map_or(&[], |attribute| &attribute.ints))
    }

    /// Finite numbers.
    pub fn floats(&self, name: &str) -> Result<&'n [f32], Refusal> {
        let floats = self.find(name, AttributeType::Floats)?.map_or(&[][..], |attribute| &attribute.floats);
        match floats.iter().find(|v| !v.is_finite()) {
            Some(&number) => Err(Refusal::Attribute { name: name.to_owned(), fault: AttributeFault::Number(number) }),
            None => Ok(floats),
        }
    }

    pub fn strings(&self, name: &str) -> Result<&'n [Vec<u8>], Refusal> {
        Ok(self.find(name, AttributeType::Strings)?.map_or(&[], |attribute| &attribute.strings))
    }

    pub fn tensor(&self, name: &str) -> Result<Option<&'n TensorProto>, Refusal> {
        Ok(self.find(name, AttributeType::Tensor)?.and_then(|attribute| attribute.t.as_ref()))
    }

    /// The finite numbers of a list of 32 bits, or of a tensor that has its name and an ending.
    pub fn numbers(&self, list: &str, tensor: &str) -> Result<Vec<f64>, Refusal> {
        let Some(given) = self.tensor(tensor)? else {
            return Ok(self.floats(list)?.iter().map(|&v| v.into()).collect());
        };
        let unread = || Refusal::Form("a tensor among its attributes has entries that are not read");
        let numbers = tensors::numbers(given).ok_or_else(unread)?;
        self.finite(tensor, &numbers)?;
        Ok(numbers)
    }

    fn finite(&self, name: &str, numbers: &[f64]) -> Result<(), Refusal> {
        match numbers.iter().find(|v| !v.is_finite()) {
            Some(&number) => {
                let fault = AttributeFault::Number(number as f32);
                Err(Refusal::Attribute { name: name.to_owned(), fault })
            }
            None => Ok(()),
        }
    }
}
