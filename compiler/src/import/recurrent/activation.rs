//! The functions that recurrent layers may name.

use tract_onnx::pb::{AttributeProto, NodeProto};

use super::super::operators::ACTIVATIONS;
use super::super::refusal::Refusal;
use super::super::spelling::{Spelling, attribute};

/// A function with its numbers.
pub(super) struct Activation {
    name: &'static str,
    alpha: Option<f32>,
    beta: Option<f32>,
}

/// The functions of all directions. Numbers are for those that take them, in order.
pub(super) fn of(node: &NodeProto, defaults: &[&'static str]) -> Result<Vec<Activation>, Refusal> {
    let names: Vec<&'static str> = match attribute(node, "activations") {
        None => defaults.to_vec(),
        Some(attribute) => {
            let known = |word: &Vec<u8>| ACTIVATIONS.iter().copied().find(|name| word.eq_ignore_ascii_case(name.as_bytes()));
            attribute.strings.iter().filter_map(known).collect()
        }
    };
    if names.len() != defaults.len() {
        return Err(Refusal::Count { what: "activations", got: names.len(), expected: defaults.len() });
    }
    let numbers = |name: &str| attribute(node, name).map_or(&[][..], |attribute| &attribute.floats).iter().copied();
    let (mut alphas, mut betas) = (numbers("activation_alpha"), numbers("activation_beta"));
    let of = |name: &'static str| {
        let (alpha, beta) = takes(name);
        let alpha = alpha.then(|| alphas.next()).flatten();
        let function = Activation { name, alpha, beta: beta.then(|| betas.next()).flatten() };
        // No operator of ONNX says what they are otherwise.
        let open = matches!(name, "Affine" | "ScaledTanh") && (function.alpha.is_none() || function.beta.is_none());
        if open { Err(Refusal::Form("`Affine` and `ScaledTanh` need both of their numbers")) } else { Ok(function) }
    };
    let functions = names.into_iter().map(of).collect::<Result<_, _>>()?;
    match alphas.next().or(betas.next()) {
        None => Ok(functions),
        Some(_) => Err(Refusal::Form("it has more numbers for activations than these take")),
    }
}

/// Whether a function takes an `alpha`, and a `beta`.
fn takes(name: &str) -> (bool, bool) {
    match name {
        "Affine" | "ScaledTanh" | "HardSigmoid" => (true, true),
        "LeakyRelu" | "ThresholdedRelu" | "Elu" => (true, false),
        _ => (false, false),
    }
}

impl Activation {
    /// The function of a value.
    pub fn of(&self, s: &mut Spelling<'_>, x: &str) -> String {
        let scaled = |s: &mut Spelling<'_>, op: &str, x: &str, by: Option<f32>| match by {
            None => x.to_owned(),
            Some(by) => {
                let by = s.float(by);
                s.put(op, &[x, &by])
            }
        };
        match self.name {
            "Affine" => {
                let slope = scaled(s, "Mul", x, self.alpha);
                scaled(s, "Add", &slope, self.beta)
            }
            "ScaledTanh" => {
                let inner = scaled(s, "Mul", x, self.beta);
                let tanh = s.put("Tanh", &[&inner]);
                scaled(s, "Mul", &tanh, self.alpha)
            }
            name => {
                let y = s.put(name, &[x]);
                for (name, number) in [("alpha", self.alpha), ("beta", self.beta)] {
                    if let Some(f) = number {
                        s.attribute(AttributeProto { name: name.to_owned(), r#type: 1, f, ..AttributeProto::default() });
                    }
                }
                y
            }
        }
    }
}
