//! Arrays, on their way between Python and the library: shapes, and numbers of 64 bits as bytes.

use crate::failure::{input, internal};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use zktorch_engine::{Array, Blob};
use zktorch_verdict::Tensor;

/// An array as Python gives it: its shape, and floats of 64 bits.
pub type Crossing = (Vec<usize>, Vec<u8>);

/// A tensor as Python gets it: name, shape, element, and floats of 64 bits if it is real, else integers.
pub type Shown = (String, Vec<usize>, &'static str, Py<PyBytes>);

/// Arrays for the library.
pub fn arrays(py: Python<'_>, given: Vec<Crossing>) -> PyResult<Vec<Array>> {
    given.into_iter().map(|(shape, bytes)| array(py, shape, &bytes)).collect()
}

fn array(py: Python<'_>, shape: Vec<usize>, bytes: &[u8]) -> PyResult<Array> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let values: Vec<f64> = chunks.iter().copied().map(f64::from_ne_bytes).collect();
    let expected = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
    if !rest.is_empty() || expected != Some(values.len()) {
        return Err(input(py, "the bytes of an array are not as many as its shape says"));
    }
    Ok(Array { shape, values })
}

/// Floats of 64 bits as they lie in memory.
pub fn bytes_of(values: &[f64]) -> Vec<u8> {
    values.iter().copied().flat_map(f64::to_ne_bytes).collect()
}

/// Tensors for Python.
pub fn shown(py: Python<'_>, tensors: &[Tensor]) -> Vec<Shown> {
    let one = |tensor: &Tensor| {
        let element = tensor.element.name();
        let bytes: Vec<u8> = match element {
            "real" => bytes_of(&tensor.data()),
            _ => tensor.integers.iter().copied().flat_map(i64::to_ne_bytes).collect(),
        };
        (tensor.name.clone(), tensor.shape.clone(), element, PyBytes::new(py, &bytes).unbind())
    };
    tensors.iter().map(one).collect()
}

/// A file, or what is in it under another name.
pub fn blob(py: Python<'_>, path: PathBuf, name: Option<String>) -> PyResult<Blob> {
    let Some(name) = name else { return Ok(Blob::Path(path)) };
    let bytes = std::fs::read(&path).map_err(|e| internal(py, &format!("{}: {e}", path.display())))?;
    Ok(Blob::Bytes { name, bytes })
}
