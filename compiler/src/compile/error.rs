//! What can keep a graph from being compiled.

use zktorch_blocks::execute::ExecuteError;
use zktorch_blocks::program::Invalid;

use super::ask::Misposed;
use crate::graph::EvaluateError;
use crate::lower::LowerError;
use crate::reference::Unevaluated;

/// Why a graph cannot be compiled.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    /// An option is out of range.
    #[error("--bits {0}: expected 8 to 16")]
    Bits(u32),
    /// A calibration sample does not fit the model.
    #[error("calibration sample {sample}: {error}")]
    Sample {
        /// Index of the sample.
        sample: usize,
        /// What is wrong with it.
        error: EvaluateError,
    },
    /// A calibration sample makes the model produce infinities or NaN.
    #[error(
        "calibration sample {sample}: tensor `{tensor}` has an entry that is not finite; expected finite inputs and activations"
    )]
    NotFinite {
        /// Index of the sample.
        sample: usize,
        /// The tensor's name.
        tensor: String,
    },
    /// The model cannot be asked for what proofs shall show.
    #[error(transparent)]
    Goal(#[from] Misposed),
    /// It cannot share the weights of an earlier program.
    #[error("it cannot share the weights of that program: {0}")]
    Unlike(#[from] Unlike),
    /// Operations that cannot be lowered.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The program does not validate: a bug of the compiler.
    #[error("the lowered program is not well formed: {0}")]
    Invalid(#[from] Invalid),
    /// No widths carry the calibration samples.
    #[error("no bit widths carry the calibration samples: {}", stuck(.0))]
    Execute(#[from] ExecuteError),
    /// The model cannot be evaluated as its file says.
    #[error("calibration sample {sample}: the model as its file says cannot be run: {reason}")]
    Reference {
        /// Index of the sample.
        sample: usize,
        /// The reason.
        reason: Unevaluated,
    },
    /// The integers are too far from the model.
    #[error(
        "the integer program's outputs are too far from the model's: {group}; at most {} % are accepted; {origin}",
        percent(*accepted)
    )]
    Inexact {
        /// The worst error, in words.
        group: String,
        /// The output with the largest error.
        output: String,
        /// Its entries.
        entries: String,
        /// The error.
        error: f64,
        /// The largest error that is accepted.
        accepted: f64,
        /// Where the error arises.
        origin: String,
    },
    /// Without samples, intervals are so wide that outputs cannot be told apart.
    #[error(
        "without calibration samples ranges follow from interval analysis, which leaves too few bits to tell outputs apart: on random inputs the error is {:.0} % at `{output}` {entries}",
        100.0 * error
    )]
    Uncalibrated {
        /// The output with the largest error.
        output: String,
        /// Its entries.
        entries: String,
        /// The error.
        error: f64,
    },
}

/// Why a program does not share the weights of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlike {
    /// No annotations.
    #[error("that one was not compiled from a model")]
    Annotations,
    /// Another number of inputs, or other kinds.
    #[error("they have different inputs")]
    Inputs,
    /// Scales for columns, which are of one length.
    #[error("its inputs or outputs have scales for their columns")]
    Columns,
}

/// Percents, as many digits as there are.
fn percent(part: f64) -> f64 {
    (1e8 * part).round() / 1e6
}

/// Why a run on a calibration sample itself cannot go on: no sample left the range that the samples set.
fn stuck(error: &ExecuteError) -> String {
    match error {
        ExecuteError::OutOfRange { tensor, position, allowed, .. } if allowed.lo > 0 => format!(
            "entry {position} of tensor `{tensor}` is so small beside others that it rounds to 0 in 16 bits, where the function that it goes \
             into (a logarithm, a root, a reciprocal) has no value"
        ),
        ExecuteError::OutOfRange { tensor, position, .. } => {
            format!("entry {position} of tensor `{tensor}` does not fit its bits at any scale that the others need")
        }
        other => other.to_string(),
    }
}
