//! The program: what a proof is about, as data.
//!
//! A [`Program`] is a list of integer tensors in topological order. Each says where its values come from
//! ([`Source`]): the statement's input, committed weights, constants, a linear expression, an einsum, a view,
//! advice, marks or draws. On top of these stand the [`Lookup`]s (a tuple of tensors is a row of a [`Table`] at every valid position), the
//! [`RowLookup`]s and the zero constraints (a tensor vanishes). Everything is public but the values of committed tensors.
//!
//! A tensor is **committed** if it is a weight, or an input or advice that is not public; **public** if the verifier
//! holds its values; else **virtual**: its evaluations follow from those of other tensors. Every tensor is zero outside
//! its valid box once its axes are padded to powers of two (docs/protocol.md, section 2).

mod advice;
mod columns;
mod depth;
mod draws;
mod element;
mod fault;
mod id;
mod marks;
mod rows;
mod scale;
mod shape;
mod table;
mod validate;
mod view;

pub use advice::Advice;
pub use depth::VIRTUAL_DEPTH;
pub use draws::{Draws, LARGEST_WORD, WORDS};
pub use element::Element;
pub use fault::{Fault, Invalid};
pub use id::{IdVec, TableId, TensorId};
pub use marks::{Marks, Relation};
pub use rows::RowLookup;
pub use scale::Scale;
pub use shape::{Shape, index_bits};
pub use table::{Column, Table};
pub use validate::Limits;
pub use view::{AxisGroup, GroupMap, View};

use serde::{Deserialize, Serialize};

/// A closed interval of integers that contains every entry of a tensor on honest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Smallest value.
    pub lo: i64,
    /// Largest value.
    pub hi: i64,
}

impl Interval {
    /// The interval from `lo` to `hi`, both included.
    pub const fn new(lo: i64, hi: i64) -> Self {
        Self { lo, hi }
    }

    /// Whether `value` lies in the interval.
    pub const fn contains(&self, value: i64) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// The largest magnitude of a value.
    pub fn magnitude(&self) -> i64 {
        self.lo.saturating_neg().max(self.hi)
    }

    /// Bits that hold every value, in two's complement if there are negative ones.
    pub fn bits(&self) -> u32 {
        let magnitude = self.hi.max(!self.lo).max(0);
        64 - magnitude.leading_zeros() + u32::from(self.lo < 0)
    }
}

/// Who knows a tensor's values, where its [`Source`] leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// Part of the statement: the verifier holds the values and checks that they lie in the interval.
    Public,
    /// Not part of the statement: committed, or virtual.
    Private,
}

/// Where a tensor's values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The `n`-th input of the program. Public or committed, by [`Tensor::visibility`].
    Input(usize),
    /// Weights, committed at compile time. The values lie in the proving key, never in the program.
    Weight,
    /// The same value at every valid position.
    Fill(i64),
    /// Values everybody knows, row-major over the valid box.
    Constant(Vec<i64>),
    /// `sum_j c_j T_j + constant` over tensors of this shape (the constant on the valid box).
    Linear {
        /// Coefficients and tensors.
        terms: Vec<(i64, TensorId)>,
        /// Added at every valid position.
        constant: i64,
    },
    /// A two-operand einsum.
    Einsum(Einsum),
    /// A rearrangement of another tensor.
    View(View),
    /// Values the prover computes by the rule, and the lookups and constraints pin down. Public or committed, by
    /// [`Tensor::visibility`].
    Advice(Advice),
    /// Zeros and ones by indices that everybody knows.
    Marks(Marks),
    /// Random numbers that follow from what the statement shows.
    Draws(Draws),
}

/// `out[..] = sum over contracted labels of lhs[..] * rhs[..]`, labels as in `numpy.einsum`.
///
/// A label is *batch* if all three have it, *free* if the output and one operand have it, *contracted* if both
/// operands have it and the output does not. No label stands twice in one operand; a label of one operand alone
/// must be in the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Einsum {
    /// Left operand.
    pub lhs: TensorId,
    /// Right operand.
    pub rhs: TensorId,
    /// One label per axis of `lhs`.
    pub lhs_labels: Vec<u8>,
    /// One label per axis of `rhs`.
    pub rhs_labels: Vec<u8>,
    /// One label per axis of the output.
    pub out_labels: Vec<u8>,
}

/// A tensor of integers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Name for people: the ONNX value it stands for, and a suffix.
    pub name: String,
    /// Extents of its axes (the valid box); empty for a scalar.
    pub shape: Shape,
    /// Where its values come from.
    pub source: Source,
    /// Whether the statement contains it.
    pub visibility: Visibility,
    /// Contains every value of an honest run; for public tensors checked by the verifier.
    pub interval: Interval,
    /// `real = value * 2^-scale`.
    pub scale: Scale,
}

/// At every valid position the tuple of the columns' values is a row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// Tensors of one shape, one for each column of the table.
    pub columns: Vec<TensorId>,
    /// The table.
    pub table: TableId,
}

/// A compiled model without its weights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// In topological order: a tensor's source only names earlier ones.
    pub tensors: IdVec<TensorId, Tensor>,
    /// Tables of the lookups.
    pub tables: IdVec<TableId, Table>,
    /// The lookup instances.
    pub lookups: Vec<Lookup>,
    /// Lookups of rows of tensors.
    pub row_lookups: Vec<RowLookup>,
    /// Tensors that vanish: zero everywhere.
    pub zeros: Vec<TensorId>,
    /// The model's inputs in order.
    pub inputs: Vec<TensorId>,
    /// The model's outputs in order. Each is public or committed.
    pub outputs: Vec<TensorId>,
    /// What the compiler decided by weights and samples, so that the lowering can be repeated without them. Means nothing to a
    /// proof.
    pub annotations: Vec<i64>,
    /// Powers of two of the columns of inputs and outputs, see [`Program::column_exponents`].
    pub columns: Vec<(TensorId, Vec<i32>)>,
}

/// How the protocol treats a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Committed in the verifying key.
    Weight,
    /// Committed in the proof.
    Witness,
    /// Part of the statement.
    Public,
    /// In the program.
    Constant,
    /// Never committed.
    Virtual,
}

impl Tensor {
    /// How the protocol treats this tensor.
    pub fn role(&self) -> Role {
        match (&self.source, self.visibility) {
            (Source::Weight, _) => Role::Weight,
            (Source::Fill(_) | Source::Constant(_), _) => Role::Constant,
            (Source::Input(_) | Source::Advice(_), Visibility::Public) => Role::Public,
            (Source::Input(_) | Source::Advice(_), Visibility::Private) => Role::Witness,
            (Source::Linear { .. } | Source::Einsum(_) | Source::View(_) | Source::Marks(_) | Source::Draws(_), _) => {
                Role::Virtual
            }
        }
    }
}

impl Program {
    /// Ids of the public tensors in program order: the statement.
    pub fn statement(&self) -> impl Iterator<Item = TensorId> + '_ {
        self.with_role(Role::Public)
    }

    /// Ids of the inputs and outputs that are committed, ascending. They own their rows, so that a
    /// proof can be about commitments that exist already.
    pub fn bound(&self) -> impl Iterator<Item = TensorId> + '_ {
        self.with_role(Role::Witness).filter(|id| self.inputs.contains(id) || self.outputs.contains(id))
    }

    /// Ids of the tensors that have the role, in program order.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = TensorId> + '_ {
        self.tensors.enumerate().filter(move |(_, t)| t.role() == role).map(|(id, _)| id)
    }
}
