//! Advice: tensors the prover computes by a rule that the verifier never runs.
//!
//! The rules are not trusted: lookups and constraints pin the values down. They stand in the program so that proving needs
//! nothing but the program, the weights and the inputs.

use super::{TableId, TensorId};
use serde::{Deserialize, Serialize};

/// How the prover computes a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advice {
    /// `floor((x + floor(divisor/2)) / divisor)`: round half up.
    Round {
        /// `x`.
        source: TensorId,
        /// A positive divisor.
        divisor: i64,
    },
    /// `floor(x / divisor)`: limbs, floors.
    Floor {
        /// `x`.
        source: TensorId,
        /// A positive divisor.
        divisor: i64,
    },
    /// The entry of `column` in the row of `table` whose column 0 is `x`. Column 0 must be a [`super::Column::Count`].
    Table {
        /// `x`.
        source: TensorId,
        /// The table.
        table: TableId,
        /// The column read.
        column: usize,
    },
    /// `x[indices[i..], ..]`: the entries at the indices on the first axis.
    Rows {
        /// `x`.
        source: TensorId,
        /// Integers below the axis' extent.
        indices: TensorId,
    },
    /// Maximum of `x` over some axes, after rounding each entry by `divisor` as in [`Advice::Round`]. This tensor has the
    /// axes that are left, in order.
    Max {
        /// `x`.
        source: TensorId,
        /// Axes of `x` that disappear.
        axes: Vec<usize>,
        /// A positive divisor, 1 for none.
        divisor: i64,
    },
    /// 1 at the first position, row-major over the given axes, where `x` is 0; else 0.
    FirstZero {
        /// `x`.
        source: TensorId,
        /// Axes of `x` that are searched together, ascending.
        axes: Vec<usize>,
    },
    /// `m - floor((x + floor(divisor/2)) / divisor)`: how far a rounded entry lies below its maximum.
    Gap {
        /// `m`, of the shape of `x`.
        reference: TensorId,
        /// `x`.
        source: TensorId,
        /// A positive divisor, 1 for none.
        divisor: i64,
    },
    /// `floor((2 scale a + b) / (2 b))`: the rounded quotient of `scale * a` and a positive `b`.
    Divide {
        /// `a`.
        numerator: TensorId,
        /// `b`.
        denominator: TensorId,
        /// A positive multiplier of `a`.
        scale: i64,
    },
    /// `floor(sqrt(x))` of a non-negative `x`.
    SquareRoot {
        /// `x`.
        source: TensorId,
    },
    /// Exponent `h` such that `2^h M <= x < 2^h (M + 1)` with `M` of `bits` bits, for positive `x` (0 where `x` is shorter).
    Exponent {
        /// `x`.
        source: TensorId,
        /// Bits of the mantissa `M`.
        bits: u32,
    },
    /// How many steps `y = floor((x + floor(divisor/2)) / divisor)` lies beyond `[lo, hi]`, rounded away from 0; negative below, 0 inside.
    Excess {
        /// `x`.
        source: TensorId,
        /// A positive divisor, 1 for none.
        divisor: i64,
        /// The least value inside.
        lo: i64,
        /// The largest value inside.
        hi: i64,
        /// A positive step.
        step: i64,
    },
    /// The sign of `x`: -1, 0 or 1.
    Sign {
        /// `x`.
        source: TensorId,
    },
    /// The same values as `x`, which is virtual: a committed (or public) copy, tied by a zero constraint.
    Copy {
        /// `x`.
        source: TensorId,
    },
    /// The first index of the last axis at which `x` is largest. This tensor has the other axes.
    ArgMax {
        /// `x`.
        source: TensorId,
    },
    /// 1 at `[.., r, e]` where entry `e` of the last axis of `x` is the largest but `r`, the first of equal ones first; else 0. This tensor has
    /// an axis more before the last.
    Top {
        /// `x`.
        source: TensorId,
    },
    /// The first index of the last axis up to which weights, times a scale, add up to more than a threshold; the last if none is. This tensor has
    /// the other axes, as the threshold has.
    Quantile {
        /// The weights.
        weights: TensorId,
        /// The threshold.
        threshold: TensorId,
        /// A positive multiplier of the weights.
        scale: i64,
    },
    /// Of trees whose nodes lie along the last axis: 1 at the nodes to which bits lead, else 0.
    Descent {
        /// A bit a node: which of its two children is next.
        bits: TensorId,
        /// 0 for a root, else `1 + 2 p + b` for the child of an earlier node `p` that is next where its bit is `b`.
        parents: Vec<u32>,
    },
    /// As [`Advice::Round`], of a *later* tensor: what a recurrence hands on from each step to the next. The first axis counts steps, and `x` at
    /// a step follows from this tensor at the steps before (docs/lowerings.md, section 28).
    Carry {
        /// `x`, of this tensor's shape.
        source: TensorId,
        /// A positive divisor.
        divisor: i64,
    },
}

impl Advice {
    /// The earlier tensors that the rule reads.
    pub fn operands(&self) -> impl Iterator<Item = TensorId> {
        let (first, second) = match *self {
            Self::Descent { bits, .. } => (Some(bits), None),
            Self::Carry { .. } => (None, None),
            Self::Divide { numerator, denominator, .. } => (Some(numerator), Some(denominator)),
            Self::Gap { reference, source, .. } => (Some(reference), Some(source)),
            Self::Quantile { weights, threshold, .. } => (Some(weights), Some(threshold)),
            Self::Rows { source, indices } => (Some(source), Some(indices)),
            Self::Round { source, .. }
            | Self::Floor { source, .. }
            | Self::Table { source, .. }
            | Self::Max { source, .. }
            | Self::FirstZero { source, .. }
            | Self::SquareRoot { source }
            | Self::Exponent { source, .. }
            | Self::Excess { source, .. }
            | Self::Sign { source }
            | Self::Top { source }
            | Self::Copy { source }
            | Self::ArgMax { source } => (Some(source), None),
        };
        first.into_iter().chain(second)
    }
}
