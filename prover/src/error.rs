//! Why there is no proof.

use crate::multiplicities::Miss;
use zktorch_accumulator::setup::SetupError;
use zktorch_blocks::execute::ExecuteError;
use zktorch_blocks::transcript::{Equation, Misfit, Reject};
use zktorch_verifier::key::KeyError;

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The program does not run on the inputs.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The run does not satisfy the program.
    #[error(transparent)]
    Miss(#[from] Miss),
    /// The verifying key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The setup is not usable.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A check failed on the prover's own side.
    #[error("the proof fails its own check: {reason}; violated constraints: {}", violated.iter().map(|e| e.label()).collect::<Vec<_>>().join(", "))]
    Inconsistent {
        /// The check.
        reason: Reject,
        /// Labels of the constraints that the hidden scalars violate.
        violated: Vec<Equation>,
    },
    /// The proving key belongs to another model.
    #[error("the proving key and the verifying key are not of one model")]
    Foreign,
}

impl From<Misfit> for ProveError {
    fn from(reason: Misfit) -> Self {
        Reject::from(reason).into()
    }
}

impl From<Reject> for ProveError {
    fn from(reason: Reject) -> Self {
        Self::Inconsistent { reason, violated: Vec::new() }
    }
}
