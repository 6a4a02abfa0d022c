//! Why a model cannot be imported.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::defect::{Defect, ExternalFault};
use super::refusal::Refusal;
use super::unfit::Unfit;
use crate::graph::GraphError;

/// A node of the ONNX model that has no translation.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsupportedNode {
    /// The ONNX node's name.
    pub name: String,
    /// The operator, as the importer sees it.
    pub op: String,
    /// Why, or what to do about it.
    pub hint: Refusal,
}

impl fmt::Display for UnsupportedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}` ({}): {}", self.name, self.op, self.hint)
    }
}

/// Why a model cannot be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The bytes are not an ONNX model.
    #[error("not a valid ONNX model: {reason}")]
    Malformed {
        /// What is wrong.
        reason: Defect,
    },
    /// It is an ONNX model, but not one that means anything.
    #[error("the model is not valid: {reason}")]
    Invalid {
        /// What is wrong.
        reason: Defect,
    },
    /// Weights are stored in another file, which cannot be used.
    #[error("tensor `{tensor}` keeps its data in `{location}`: {reason}")]
    ExternalData {
        /// The tensor.
        tensor: String,
        /// The other file, as the model names it.
        location: String,
        /// What is wrong with it.
        reason: ExternalFault,
    },
    /// A tensor lacks its data, and is larger than any that it can stand for.
    #[error(
        "tensor `{tensor}` of shape {shape:?} has no data, and there is no room for it among the {most} weights that the key may have"
    )]
    Withheld {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<i64>,
        /// Numbers that may stand in for data.
        most: usize,
    },
    /// An input's shape is not fixed, and none was given.
    #[error("input `{name}` has the shape {declared}, which is not fixed: give one with --input-shape")]
    DynamicInput {
        /// The input.
        name: String,
        /// The shape in the model.
        declared: String,
    },
    /// An axis of an input is not fixed, and nothing that is given says what it is.
    #[error(
        "axis {axis}{symbol} of input `{name}`, which has the shape {declared}, is not fixed: give the input's shape with --input-shape"
    )]
    OpenAxis {
        /// The input.
        name: String,
        /// The shape in the model.
        declared: String,
        /// The axis.
        axis: usize,
        /// Its name in brackets, if it has one.
        symbol: String,
    },
    /// More input shapes are given than there are inputs.
    #[error("the model has {expected} inputs, {got} input shapes were given")]
    InputShapeCount {
        /// Inputs of the model.
        expected: usize,
        /// Shapes given.
        got: usize,
    },
    /// A given input shape contradicts the model.
    #[error("input `{name}` has the shape {declared} in the model, which does not admit {got:?}")]
    InputShape {
        /// The input.
        name: String,
        /// The shape in the model.
        declared: String,
        /// The given shape.
        got: Vec<usize>,
    },
    /// A tensor has entries of a type that is not read.
    #[error("tensor `{tensor}` has entries of the type {element}, which is not supported")]
    Element {
        /// The tensor, or the input.
        tensor: String,
        /// ONNX's name of the type.
        element: String,
    },
    /// A number of the model is none.
    #[error(
        "{tensor}: {value} at {place:?}; expected a finite number (minus infinity is one only in a mask that is added in front of a softmax)"
    )]
    NotFinite {
        /// The tensor, or the node.
        tensor: String,
        /// Index of the entry; none for a number that is no tensor's.
        place: Vec<usize>,
        /// What stands there.
        value: f64,
    },
    /// A node's operands or results do not have the shapes that its operator admits.
    #[error("node `{node}` ({op}): {reason}")]
    Shape {
        /// The node's name.
        node: String,
        /// The operator.
        op: String,
        /// What is wrong.
        reason: Unfit,
    },
    /// Types and shapes of the model cannot be inferred.
    #[error("the model's types and shapes cannot be inferred: {reason}")]
    Inference {
        /// What is wrong.
        reason: Defect,
    },
    /// Some nodes have no translation.
    #[error("{} unsupported nodes:{}", .0.len(), list(.0))]
    Unsupported(Vec<UnsupportedNode>),
    /// The translation is not a valid graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl ImportError {
    pub(super) fn malformed(reason: impl Into<Defect>) -> Self {
        Self::Malformed { reason: reason.into() }
    }

    pub(super) fn invalid(reason: impl Into<Defect>) -> Self {
        Self::Invalid { reason: reason.into() }
    }

    pub(super) fn inference(reason: impl Into<Defect>) -> Self {
        Self::Inference { reason: reason.into() }
    }

    /// Whether exporters write such a model in training mode: dropouts and normalisations that say so, or have further results.
    pub fn of_training(&self) -> bool {
        let training = |hint: &Refusal| match hint {
            Refusal::Training(_) => true,
            Refusal::Attribute { name, .. } => name == "training_mode",
            _ => false,
        };
        match self {
            Self::Unsupported(nodes) => nodes.iter().any(|node| training(&node.hint)),
            Self::Shape { reason, .. } => matches!(reason, Unfit::Results { .. }),
            _ => false,
        }
    }

    /// What to do about the first node that is not supported, where there is something.
    pub fn way_out(&self) -> Option<&'static str> {
        let Self::Unsupported(nodes) = self else { return None };
        nodes.iter().find_map(|node| way_out(&node.op))
    }
}

fn way_out(op: &str) -> Option<&'static str> {
    Some(match op {
        "Hardmax" => "let the model end in the scores: whoever reads the proof can take the largest of the proved ones",
        "LSTM" | "GRU" | "RNN" => "write the cell out as a loop over steps of Linear, sigmoid and tanh, and export that",
        "Resize" | "Upsample" => {
            "enlarge by whole factors with repeat_interleave, or with reshapes and expansions; other sizes as a product with a constant matrix"
        }
        "Loop" | "If" | "Scan" => "export with a fixed length, so that loops are unrolled and branches decided",
        op if op.starts_with("Random") || op == "Bernoulli" => {
            "a proof is of a function: call model.eval() before export, or take the noise as input"
        }
        _ => return None,
    })
}

fn list(nodes: &[UnsupportedNode]) -> String {
    nodes.iter().map(|node| format!("\n  {node}")).collect()
}
