//! Why a proof is not accepted.

use super::{Check, Message};
use crate::program::Interval;

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The proof ends before the message.
    #[error("proof ends inside message `{0}`")]
    Truncated(Message),
    /// Bytes follow the last message.
    #[error("{0} bytes follow the last message")]
    Trailing(usize),
    /// Not a point of the curve in compressed form, or outside of the prime-order subgroup where that counts.
    #[error("message `{0}` is not a point of the group")]
    Point(Message),
    /// Not a canonical scalar.
    #[error("message `{0}` is not a canonical scalar")]
    Scalar(Message),
    /// An equation does not hold.
    #[error("the check `{0}` fails")]
    Check(Check),
    /// The statement does not fit the key or its program.
    #[error(transparent)]
    Statement(#[from] Misfit),
    /// The program asks for more than [`crate::work`] allows.
    #[error("verification would take more work than any program may ask for")]
    Work,
}

/// What of a proof's file does not fit the key or its program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The name of the key in a proof.
    #[error("the proof was made for another verifying key")]
    Key,
    /// The name of the model in a model proof.
    #[error("the model proof was made for another model")]
    Model,
    /// The scales that the proof's outputs are shown with.
    #[error("the outputs' scales are not those of the key")]
    Scales,
    /// The seed that draws follow from.
    #[error("the proof is about what another seed draws")]
    Seed,
    /// The number of a model proof's parts.
    #[error("the model proof has {got} parts, expected {expected}")]
    Parts {
        /// As many as the key's weights ask for.
        expected: usize,
        /// As many as the proof has.
        got: usize,
    },
    /// The program of a part of a model proof commits to more than is supported.
    #[error("the program's committed tensors take {rows} rows, at most {most} are supported")]
    Rows {
        /// Rows of its matrices.
        rows: usize,
        /// The most that are supported.
        most: usize,
    },
    /// A public tensor has no values.
    #[error("the statement has no values for tensor `{tensor}`")]
    Missing {
        /// Its name.
        tensor: String,
    },
    /// A public tensor has too few values, or too many.
    #[error("tensor `{tensor}` has {expected} entries, the statement {got}")]
    Length {
        /// Its name.
        tensor: String,
        /// Its entries.
        expected: usize,
        /// Those of the statement.
        got: usize,
    },
    /// A value of a public tensor that it cannot have.
    #[error("{value} of tensor `{tensor}` is outside of {}..={}", interval.lo, interval.hi)]
    Range {
        /// The tensor's name.
        tensor: String,
        /// The value.
        value: i64,
        /// The values it can have.
        interval: Interval,
    },
    /// Values follow those of the last public tensor.
    #[error("the statement has values for more tensors than the program")]
    Surplus,
}

/// Passes if the condition holds.
///
/// # Errors
/// [`Reject::Check`] with the check's name.
pub fn check(condition: bool, name: Check) -> Result<(), Reject> {
    if condition { Ok(()) } else { Err(Reject::Check(name)) }
}
