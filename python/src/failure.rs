//! Failures as exceptions of the package, which `zktorch/_errors.py` has.

use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;
use serde_json::json;
use zktorch_engine::{Failure, Kind};

/// As `_errors.py` calls it.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Unsupported => "unsupported",
        Kind::Inexact => "inexact",
        Kind::Input => "input",
        Kind::Mismatch => "key",
        Kind::File => "file",
        Kind::Usage => "usage",
        Kind::Cancelled => "cancelled",
        Kind::Internal => "internal",
    }
}

/// The exception for a failure.
pub fn exception(py: Python<'_>, failure: &Failure) -> PyErr {
    if failure.kind() == Kind::Cancelled {
        return PyKeyboardInterrupt::new_err(());
    }
    let nodes = failure.nodes().iter().map(|node| json!({ "name": node.name, "op": node.op, "why": node.why }));
    let nodes: Vec<_> = nodes.collect();
    let details = match failure.inexact() {
        _ if !nodes.is_empty() => json!({ "nodes": nodes }),
        Some(off) => {
            json!({ "output": off.output, "entries": off.entries, "error": off.error, "accepted": off.accepted })
        }
        None => json!({}),
    };
    make(py, word(failure.kind()), failure.what(), failure.advice(), &details.to_string())
}

/// An exception of a kind that `_errors.py` knows.
pub fn make(py: Python<'_>, kind: &str, what: &str, hint: Option<&str>, details: &str) -> PyErr {
    let made = py.import("zktorch._errors").and_then(|module| module.call_method1("_make", (kind, what, hint, details)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(_) => PyRuntimeError::new_err(what.to_owned()),
    }
}

/// An input that is none, found before the library sees it.
pub fn input(py: Python<'_>, what: &str) -> PyErr {
    make(py, "input", what, None, "{}")
}

/// A defect.
pub fn internal(py: Python<'_>, what: &str) -> PyErr {
    make(py, "internal", what, Some("this is a defect of zktorch; please report it with the call and its files"), "{}")
}
