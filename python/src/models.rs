//! What can be said of a model's file.

use crate::failure::internal;
use crate::values::blob;
use crate::work::{Terms, run};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use zktorch_engine::{Blob, CompileOptions};

/// Whether a key's program is a model: the command line's JSON and text.
#[pyfunction]
pub fn audit(py: Python<'_>, path: PathBuf, name: Option<String>, key: Vec<u8>) -> PyResult<(String, String)> {
    let (model, key) = (blob(py, path, name)?, Blob::Bytes { name: "the key".into(), bytes: key });
    let found = run(py, Terms::default(), move |_| zktorch_engine::audit(&model, &key))?;
    Ok((found.json().to_string(), found.text()))
}

/// A model without its weights, and what was taken out.
#[pyfunction]
pub fn strip(py: Python<'_>, path: PathBuf, name: Option<String>) -> PyResult<(Py<PyBytes>, String)> {
    let model = blob(py, path, name)?;
    let found = run(py, Terms::default(), move |_| zktorch_engine::strip(&model, None))?;
    Ok((PyBytes::new(py, found.bytes()).unbind(), found.json().to_string()))
}

/// What the nodes of a model would become.
#[pyfunction]
pub fn explain(py: Python<'_>, path: PathBuf, name: Option<String>) -> PyResult<(String, String)> {
    let model = blob(py, path, name)?;
    let found = run(py, Terms::default(), move |_| zktorch_engine::explain(&model, &CompileOptions::default()))?;
    let json = serde_json::to_string(&found).map_err(|e| internal(py, &e.to_string()))?;
    Ok((json, found.to_string()))
}

/// What a file or folder contains.
#[pyfunction]
pub fn inspect(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let found = run(py, Terms::default(), move |_| zktorch_engine::inspect(&Blob::Path(path)))?;
    Ok(found.json().to_string())
}
