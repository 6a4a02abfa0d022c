//! Steps of tract that may fail or panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::{TractError, TractResult};

/// Why a step of tract has no result, in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An error: all of its reasons, the outermost first.
    #[error("{0}")]
    Refused(String),
    /// A panic, which went no further.
    #[error("{0}")]
    Panicked(String),
}

impl From<TractError> for Failure {
    fn from(error: TractError) -> Self {
        let mut reasons: Vec<String> = error.chain().map(ToString::to_string).collect();
        reasons.dedup();
        Self::Refused(reasons.join(": "))
    }
}

/// Runs a step of the parser.
pub(super) fn guarded<T>(step: impl FnOnce() -> TractResult<T>) -> Result<T, Failure> {
    contained(step)?.map_err(Failure::from)
}

/// Runs a step that may panic.
///
/// tract asserts what well-formed models fulfil, and its operators' attributes are taken over here with the same trust. Models
/// come from anybody, and their checking beforehand would be a second parser; nothing outlives a step that failed.
pub(super) fn contained<T>(step: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Failure::Panicked(text.unwrap_or_else(|| "the parser gave up".to_owned()))
    })
}
