//! Named tensors as people read them.

use crate::show::{number, plain, shape};
use serde_json::{Value, json};
use std::fmt::Write;
use zktorch_blocks::port::{Port, to_real};
use zktorch_blocks::program::{Element, Program, Scale, TensorId};
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::proof::Proof;

/// Entries of a tensor that are shown to people.
const SHOWN: usize = 12;

/// A named tensor: exact integers, and the floats that they stand for.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The ONNX name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What its entries are.
    pub element: Element,
    /// `real = integer * 2^-scale`.
    pub scale: Scale,
    /// By which powers of two columns of the last axis are larger; empty for none.
    pub columns: Vec<i32>,
    /// Row-major values.
    pub integers: Vec<i64>,
}

impl Tensor {
    /// The values of a port.
    pub fn of(port: &Port, integers: Vec<i64>) -> Self {
        let Port { name, shape, element, scale, columns, .. } = port.clone();
        Self { name, shape, element, scale, columns, integers }
    }

    /// The values as floats: exact below 2^53.
    pub fn data(&self) -> Vec<f64> {
        let columns = self.columns.iter().copied().chain(self.columns.is_empty().then_some(0)).cycle();
        self.integers.iter().zip(columns).map(|(&v, exponent)| to_real(v, self.scale - exponent)).collect()
    }

    /// `{"name", "shape", "element", "data", "integers", "scale", "columns"}`; data that are integers are written as such.
    pub fn json(&self) -> Value {
        let Self { name, shape, element, scale, columns, integers } = self;
        let data = if *element == Element::Real { json!(self.data()) } else { json!(integers) };
        json!({
            "name": name, "shape": shape, "element": element.name(), "data": data, "integers": integers, "scale": scale,
            "columns": columns
        })
    }

    /// One line.
    pub fn text(&self) -> String {
        let mut text = format!("{} [{}]:", plain(&self.name), shape(&self.shape));
        for (&integer, value) in self.integers.iter().zip(self.data()).take(SHOWN) {
            let shown = if self.element == Element::Real { number(value) } else { integer.to_string() };
            // Writing to a string does not fail.
            let _ = write!(text, " {shown}");
        }
        if self.integers.len() > SHOWN {
            let _ = write!(text, " .. ({} values)", self.integers.len());
        }
        text
    }

    /// A list of tensors as JSON.
    pub fn list(all: &[Self]) -> Value {
        Value::Array(all.iter().map(Self::json).collect())
    }
}

/// Ports of tensors of a program, with the names and shapes that a key gives them.
pub fn ports(program: &Program, ids: &[TensorId], named: &[KeyPort]) -> Vec<Port> {
    let port = |(&id, port): (&TensorId, &KeyPort)| {
        let tensor = program.tensors.get(id)?;
        let (name, shape) = (port.name.clone(), port.shape.clone());
        let columns = program.column_exponents(id).to_vec();
        Some(Port { name, shape, element: port.element, scale: tensor.scale, columns, interval: tensor.interval })
    };
    ids.iter().zip(named).filter_map(port).collect()
}

/// The values that a proof shows of a tensor.
pub(crate) fn values<'a>(program: &Program, id: TensorId, proof: &'a Proof) -> Option<&'a Vec<i64>> {
    proof.statement.get(program.statement().position(|other| other == id)?)
}

/// What a proof says of public inputs and outputs, **whether it holds or not**: none for a key that is not well formed.
pub fn claimed(key: &VerifyingKey, proof: &Proof) -> Option<[Vec<Tensor>; 2]> {
    // The sizes of a key that is not well formed are anything.
    key.layout().ok()?;
    let program = &key.program;
    Some([public(program, &program.inputs, &key.inputs, proof), public(program, &program.outputs, &key.outputs, proof)])
}

/// The public ones among some tensors.
pub(crate) fn public(program: &Program, ids: &[TensorId], named: &[KeyPort], proof: &Proof) -> Vec<Tensor> {
    let tensor = |(&id, port): (&TensorId, &Port)| Some(Tensor::of(port, values(program, id, proof)?.clone()));
    ids.iter().zip(&ports(program, ids, named)).filter_map(tensor).collect()
}
