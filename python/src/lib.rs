//! The part of the package `zktorch` that is not Python: `zktorch._native`.
//!
//! It hands on what [`zktorch_engine`] computes, and formats nothing: arrays cross as shapes and bytes, descriptions as JSON. `_native.pyi` says
//! what Python sees. Every call that may be long runs on a thread of its own ([`work`]), so that others go on and Ctrl-C is heard.

mod compiled;
mod failure;
mod files;
mod key;
mod models;
mod pool;
mod values;
mod work;

use pyo3::prelude::*;
use std::ffi::OsString;
use std::io::Write;

/// The module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::command_line;
    #[pymodule_export]
    use super::compiled::{Compiled, Options, Proved};
    #[pymodule_export]
    use super::files::{describe_commitment, public_values, read_bytes, read_file, write_binding, write_file};
    #[pymodule_export]
    use super::key::{Key, verify_together};
    #[pymodule_export]
    use super::models::{audit, explain, inspect, strip};
    #[pymodule_export]
    use super::target_features;
    #[pymodule_export]
    use super::work::Cancel;

    /// Of package and command line.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

/// The command line: its exit code. Words begin with the program's name.
#[pyfunction]
fn command_line(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| {
        let code = zktorch::run_with(words);
        // Nobody does it for a library.
        drop(std::io::stdout().flush());
        code
    })
}

/// Instructions that the module was compiled to take for granted: a wheel for others must not have those of its maker's processor.
#[pyfunction]
fn target_features() -> Vec<&'static str> {
    let mut all = Vec::new();
    macro_rules! note {
        ($($name:literal)*) => { $(if cfg!(target_feature = $name) { all.push($name) })* };
    }
    note!("sse4.2" "avx" "avx2" "bmi2" "adx" "avx512f" "avx512ifma");
    all
}
