//! Steps of tract that may fail or panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::TractResult;

/// Runs a step of the parser; its errors and panics become text.
pub(super) fn guarded<T>(step: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    contained(step)?.map_err(|error| {
        let mut reasons: Vec<String> = error.chain().map(ToString::to_string).collect();
        reasons.dedup();
        reasons.join(": ")
    })
}

/// Runs a step, whose panic becomes text.
///
/// tract asserts what well-formed models fulfil, and its operators' attributes are taken over here with the same trust. Models
/// come from anybody, and their checking beforehand would be a second parser; nothing outlives a step that failed.
pub(super) fn contained<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        text.unwrap_or_else(|| "the parser gave up".to_owned())
    })
}
