//! Files of ours, read and written as the command line does it.

use crate::failure::exception;
use crate::values::{Shown, shown};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use zktorch_engine::{Blob, CommitmentDestination, Committed, Failure, Files, Kind, write};
use zktorch_prover::binding::Opening;
use zktorch_verdict::{Case, claimed, show};
use zktorch_verifier::codec::DecodeError;
use zktorch_verifier::commitment::Commitment;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::model::ModelProof;
use zktorch_verifier::proof::Proof;

/// A call without Python's lock.
fn free<T: Send>(py: Python<'_>, act: impl FnOnce() -> Result<T, Failure> + Send) -> PyResult<T> {
    py.detach(act).map_err(|failure| exception(py, &failure))
}

/// The bytes of a file, whatever they are.
#[pyfunction]
pub fn read_bytes(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = free(py, || Ok(Blob::Path(path).read()?.into_owned()))?;
    Ok(PyBytes::new(py, &bytes))
}

/// The bytes of a file that is of a kind.
#[pyfunction]
pub fn read_file(py: Python<'_>, path: PathBuf, kind: String) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = free(py, || {
        let bytes = Blob::Path(path.clone()).read()?.into_owned();
        is_of(&kind, &bytes).map_err(|why| Failure::file("read", &path, why))?;
        Ok(bytes)
    })?;
    Ok(PyBytes::new(py, &bytes))
}

fn is_of(kind: &str, bytes: &[u8]) -> Result<(), DecodeError> {
    match kind {
        "proof" => Proof::from_bytes(bytes).map(drop),
        "verifying key" => VerifyingKey::from_bytes(bytes).map(drop),
        "model proof" => ModelProof::from_bytes(bytes).map(drop),
        "opening" => Opening::from_bytes(bytes).map(drop),
        _ => Commitment::from_bytes(bytes).map(drop),
    }
}

/// Writes a file whole or not at all, over nothing that cannot be made again unless that is forced.
#[pyfunction]
pub fn write_file(py: Python<'_>, path: PathBuf, data: Vec<u8>, force: bool) -> PyResult<()> {
    free(py, || write(&path, &data, force))
}

/// Writes a commitment and, beside it, its opening.
#[pyfunction]
pub fn write_binding(py: Python<'_>, path: PathBuf, commitment: Vec<u8>, opening: Vec<u8>, force: bool) -> PyResult<()> {
    free(py, || {
        let both = committed("the commitment", &commitment, &opening)?;
        CommitmentDestination::listed("the commitment", &path, Files::default()).force(force).check()?;
        both.write(CommitmentDestination::new(&path)?)
    })
}

/// A commitment and its opening from their bytes.
pub fn committed(name: &str, commitment: &[u8], opening: &[u8]) -> Result<Committed, Failure> {
    let failed = |why: DecodeError| Failure::file("read", Path::new(name), why);
    let commitment = Commitment::from_bytes(commitment).map_err(failed)?;
    Ok(Committed { commitment, opening: Opening::from_bytes(opening).map_err(failed)? })
}

/// Names, shapes and digests of what is committed to, as JSON.
#[pyfunction]
pub fn describe_commitment(py: Python<'_>, data: Vec<u8>, name: String) -> PyResult<String> {
    let failed = |why: DecodeError| exception(py, &Failure::file("read", Path::new(&name), why));
    let found = Commitment::from_bytes(&data).map_err(failed)?;
    let one = found.tensors.iter().map(|c| json!({ "name": c.name, "shape": c.shape, "digest": show::hex(&c.digest()) }));
    Ok(Value::Array(one.collect()).to_string())
}

/// What a proof says of public inputs and outputs, by its key. It is not verified.
#[pyfunction]
pub fn public_values(py: Python<'_>, proof: Vec<u8>, key: Vec<u8>) -> PyResult<(Vec<Shown>, Vec<Shown>)> {
    let [inputs, outputs] = free(py, || {
        let failed = |why: &dyn std::fmt::Display| Failure::file("read", Path::new("the proof"), why);
        let case = Case::read(&key, &proof).map_err(|e| failed(&e))?;
        if case.proof.key != case.key_digest {
            return Err(failed(&"it was made with another key").of(Kind::Mismatch));
        }
        claimed(&case.key, &case.proof).ok_or_else(|| failed(&"its key is not well formed"))
    })?;
    Ok((shown(py, &inputs), shown(py, &outputs)))
}
