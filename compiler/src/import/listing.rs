//! What is read, for people: every operator with what its attributes may be.

use std::fmt;

use super::expand;
use super::operators::{self, Kind, OWN};

/// An operator that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its domain, empty for ONNX's own.
    pub domain: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its attributes, each with what it may be and in which operator sets.
    pub attributes: Vec<(&'static str, String)>,
    /// Whether all of its operands must be constants.
    pub constant: bool,
    /// What there is to know of it beside that.
    pub remark: &'static str,
}

/// All operators that are read, by name.
pub fn listed() -> Vec<Listed> {
    let one = |op: &operators::Operator| {
        let sets = |(first, last): (i64, i64)| match (first, last) {
            (0, i64::MAX) => String::new(),
            (0, last) => format!(", to set {last}"),
            (first, i64::MAX) => format!(", from set {first}"),
            (first, last) => format!(", in sets {first} to {last}"),
        };
        let attributes = op.attributes.iter().map(|(name, kind, of)| (*name, format!("{kind}{}", sets(*of)))).collect();
        let remark = REMARKS.iter().find(|(domain, name, _)| *domain == op.domain && *name == op.name);
        let remark = remark.map_or("", |(.., remark)| *remark);
        Listed { domain: op.domain, name: op.name, attributes, constant: op.constant, remark }
    };
    let expanded = expand::known().map(|(domain, name, attributes)| Listed {
        domain,
        name,
        attributes: attributes.iter().map(|&name| (name, "as ONNX says".to_owned())).collect(),
        constant: false,
        remark: "Written in other operators.",
    });
    let mut all: Vec<Listed> = operators::all().filter(|op| op.domain != OWN).map(one).chain(expanded).collect();
    all.sort_by_key(|op| (op.domain, op.name));
    all
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("0 or 1"),
            Self::Only(only) => write!(f, "{only} only"),
            Self::Positive => f.write_str("positive"),
            Self::Integer => f.write_str("an integer"),
            Self::Axis => f.write_str("an axis"),
            Self::Axes => f.write_str("axes"),
            Self::Permutation => f.write_str("an order of all axes"),
            Self::Extents => f.write_str("positive integers"),
            Self::Pads => f.write_str("numbers of entries"),
            Self::Bounds => f.write_str("integers"),
            Self::Frame => f.write_str("numbers of entries, of which some may be negative"),
            Self::Number => f.write_str("a number"),
            Self::Numbers => f.write_str("numbers"),
            Self::Word(words) => f.write_str(&words.join(", ")),
            Self::Words(words) => write!(f, "any of {}", words.join(", ")),
            Self::Equation => f.write_str("an equation"),
            Self::Type => f.write_str("a type"),
            Self::Single => f.write_str("a constant of one entry"),
            Self::Constant => f.write_str("a constant"),
            Self::Idle => f.write_str("without effect"),
        }
    }
}

/// Domain, name, and what the attributes do not tell.
static REMARKS: &[(&str, &str, &str)] = &[
    (
        "",
        "Attention",
        "Scores with a mask (`qk_matmul_output_mode` 2) are a result only where the mask is added: others make them minus infinity. A row of which a mask leaves nothing is refused when the model runs.",
    ),
    ("", "BatchNormalization", "Training is refused: it normalises by the batch."),
    ("", "CausalConvWithState", "A kernel is an input or a constant, of at most 64 entries a channel."),
    ("", "Dropout", "Training is refused unless nothing is dropped; the mask is true everywhere."),
    ("", "Gather", "Indices are constants, or integers that depend on inputs."),
    ("", "GRU", "All steps are one tensor."),
    ("", "LSTM", "All steps are one tensor."),
    ("", "RNN", "All steps are one tensor."),
    ("", "NegativeLogLikelihoodLoss", "By `GatherElements`, as the standard's body."),
    ("", "SoftmaxCrossEntropyLoss", "By `LogSoftmax` and `GatherElements`, as the standard's body."),
    ("", "Scatter", "The earlier name of `ScatterElements`."),
    ("com.microsoft", "Attention", "Without keys of the past; the weights are a constant."),
    (
        "com.microsoft",
        "MultiHeadAttention",
        "Queries, keys and values are three tensors, without keys of the past; a mask of padding has two axes.",
    ),
    ("com.microsoft", "EmbedLayerNormalization", "Without its mask."),
    ("com.microsoft", "SkipLayerNormalization", "The sum is a further result; mean and variance are refused."),
    ("com.microsoft", "SkipSimplifiedLayerNormalization", "The sum is a further result; a bias is refused."),
];
