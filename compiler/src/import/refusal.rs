//! Why a node is not read.

use tract_onnx::prelude::TractError;

use super::contain::Failure;
use crate::graph::GraphError;
use crate::ops::Misfit;

/// Why a node has no translation, and what to do about it where that is known.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No operator of this name is read.
    #[error("this operator is not supported")]
    Operator,
    /// No operator of this name is read in the domain.
    #[error("the operator of this name in the domain `{0}` is not supported")]
    Domain(String),
    /// The operator means something else in the operator set.
    #[error("in operator set {0} this operator is not supported: convert the model to a later one")]
    Early(i64),
    /// The parser has no operator of this name.
    #[error("no such operator is known")]
    Unknown,
    /// The operator is read, and not in this form.
    #[error("{0}")]
    Form(&'static str),
    /// A convolution over so many axes.
    #[error("a convolution over {0} axes is not supported, only over 1 to 3")]
    Spatial(usize),
    /// A reduction, by tract's name.
    #[error("the reduction {0} is not supported")]
    Reduction(String),
    /// The parser has no rule for operands of these shapes, in a form that may be valid.
    #[error(
        "for operands of the shapes {shapes} this form of the operator is not supported, or they do not go together; write it otherwise, as with \
         MatMul, Mul, Reshape and Transpose",
        shapes = .0.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>().join(", ")
    )]
    Shapes(Vec<Vec<usize>>),
    /// What depends on inputs and must be a constant.
    #[error("{0}")]
    Variable(&'static str),
    /// The model was exported for training.
    #[error("{0}: export the model after model.eval()")]
    Training(&'static str),
    /// An attribute that is not understood.
    #[error("its attribute `{name}` {fault}")]
    Attribute {
        /// The attribute.
        name: String,
        /// What is wrong with it.
        fault: AttributeFault,
    },
    /// A number of things that must be another.
    #[error("it has {got} {what}, expected {expected}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A shape or a bound with an extent that the file leaves open.
    #[error("{what} {dim} is not fixed")]
    Open {
        /// What it is.
        what: &'static str,
        /// As the parser writes it.
        dim: String,
    },
    /// An axis, an index or a bound that does not exist.
    #[error("{0} is out of range")]
    OutOfRange(&'static str),
    /// Something that the node must have.
    #[error("{0}")]
    Missing(&'static str),
    /// Entries of a type that is not translated, by tract's name.
    #[error("tensors of type {0} are not supported")]
    Element(String),
    /// A constant whose entries are not of the kind that is wanted.
    #[error("expected {expected}, got a constant of type {got}: {why}")]
    Entries {
        /// The kind.
        expected: &'static str,
        /// Its type.
        got: String,
        /// The parser's reason.
        why: Failure,
    },
    /// An integer that floats do not hold.
    #[error("entry {position} of a constant of type {kind} is beyond 2^53, where floats lose integers")]
    Inexact {
        /// Its row-major position.
        position: usize,
        /// The constant's type.
        kind: String,
    },
    /// An operator that is not exact, with a result of integers.
    #[error("this operator on integers ({0}) is not supported: its results would be rounded")]
    Rounded(String),
    /// A function that is written in other operators than the model.
    #[error("the function uses version {version} of `{domain}`, the model another")]
    Version {
        /// The operators' domain.
        domain: String,
        /// The function's version.
        version: i64,
    },
    /// The operands do not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The node is not one of a graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The parser's reason.
    #[error(transparent)]
    Parser(#[from] Failure),
}

impl Refusal {
    /// Operators on integers that stand for reals.
    pub(crate) const QUANTISED: Self = Self::Form("quantised operators are not supported: export the float model");
}

impl From<TractError> for Refusal {
    fn from(error: TractError) -> Self {
        Failure::from(error).into()
    }
}

/// What is wrong with an attribute: what follows its name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AttributeFault {
    /// The operator has none of this name.
    #[error("is not understood")]
    Unknown,
    /// The operator has it in other operator sets.
    #[error("does not exist in operator set {0}")]
    Opset(i64),
    /// The node has it twice.
    #[error("is given twice")]
    Twice,
    /// It is a reference outside of a function.
    #[error("refers to an attribute of a function")]
    Reference,
    /// It is left to a default that a function declares.
    #[error("has a default in the function, which is not read: give it in the call")]
    Default,
    /// It asks for what is done in training.
    #[error("is 1, a normalisation by the batch: export the model after model.eval()")]
    Training,
    /// It has another type.
    #[error("is of type {got}, expected {expected}")]
    Type {
        /// Its type.
        got: String,
        /// The type that is read.
        expected: String,
    },
    /// A value that is not computed here.
    #[error("is {got}; only {only} is supported")]
    Only {
        /// The value.
        got: String,
        /// The one that is.
        only: i64,
    },
    /// An integer outside of its range.
    #[error("is {got}, expected {least} to {most}")]
    Integer {
        /// The integer.
        got: i64,
        /// The smallest that is read.
        least: i64,
        /// The largest that is read.
        most: i64,
    },
    /// A list that is too long, or has an integer outside of its range.
    #[error("is {got:?}, expected up to {length} of {least} to {most}")]
    Integers {
        /// The list.
        got: Vec<i64>,
        /// Entries of the longest that is read.
        length: usize,
        /// The smallest entry that is read.
        least: i64,
        /// The largest entry that is read.
        most: i64,
    },
    /// Axes with one twice.
    #[error("is {0:?}, with an axis twice")]
    AxisTwice(Vec<i64>),
    /// No order of axes.
    #[error("is {0:?}, expected each of {axes} axes once", axes = .0.len())]
    Permutation(Vec<i64>),
    /// Padding that is not stated before and after each axis.
    #[error("is {0:?}, expected two numbers for each axis")]
    Pairs(Vec<i64>),
    /// No number.
    #[error("is {0}, expected a finite number")]
    Number(f32),
    /// Not a positive number.
    #[error("is {0}, expected a positive number")]
    Positive(f32),
    /// An unknown word.
    #[error("is `{got}`, expected one of {words:?}")]
    Word {
        /// The word.
        got: String,
        /// Those that are known.
        words: &'static [&'static str],
    },
    /// An ellipsis that says nothing of the result.
    #[error("has `...` more than once in an operand, or without `->` and the axes of the result")]
    Ellipsis,
    /// No equation, or one that is longer.
    #[error("is not an equation of at most {0} letters")]
    Equation(usize),
    /// A type of entries that is not read.
    #[error("is the type {0}, which is not supported")]
    Element(String),
    /// A tensor of more or fewer entries than one.
    #[error("is not a tensor of one entry")]
    Single,
}
