//! Verifying.

use crate::failure::{exception, input};
use crate::values::{Crossing, Shown, arrays, shown};
use crate::work::{Terms, run};
use pyo3::prelude::*;
use std::path::Path;
use zktorch_engine::{Blob, Failure, Given, Subject, Verified, VerifyOptions, verify};
use zktorch_verdict::{Answer, Requirement, show};
use zktorch_verifier::key::VerifyingKey;

/// A verifying key, with the proof about its weights.
#[pyclass(frozen, module = "zktorch._native")]
pub struct Key {
    key: Blob,
    model_proof: Option<Blob>,
    /// SHA-256 of the key, in hexadecimal.
    #[pyo3(get)]
    digest: String,
    /// SHA-256 of the commitments to the weights.
    #[pyo3(get)]
    model_digest: String,
    /// Names of the inputs.
    #[pyo3(get)]
    input_names: Vec<String>,
}

impl Key {
    fn subject(&self, proof: Vec<u8>, name: String) -> Subject {
        let (key, proof) = (self.key.clone(), Blob::Bytes { name, bytes: proof });
        Subject { key, proof, model_proof: self.model_proof.clone() }
    }
}

/// Words of requirements.
fn requirements(py: Python<'_>, words: &[String]) -> PyResult<Vec<Requirement>> {
    let known = || Requirement::ALL.map(|r| format!("`{}`", r.word())).join(", ");
    let one = |word: &String| {
        Requirement::named(word).ok_or_else(|| input(py, &format!("require: `{word}` is none of {}", known())))
    };
    words.iter().map(one).collect()
}

/// What the verdict on one proof shows: its JSON, public inputs and outputs. Nothing decided is a verdict too.
type Said = (String, Vec<Shown>, Vec<Shown>);

#[pymethods]
impl Key {
    #[new]
    fn new(py: Python<'_>, data: Vec<u8>, model_proof: Option<Vec<u8>>, name: String) -> PyResult<Self> {
        let blob = Blob::Bytes { name, bytes: data };
        let (digest, model_digest, input_names) = described(&blob).map_err(|failure| exception(py, &failure))?;
        let model_proof = model_proof.map(|bytes| Blob::Bytes { name: "model.proof".into(), bytes });
        Ok(Self { key: blob, model_proof, digest, model_digest, input_names })
    }

    /// The verdict on a proof.
    #[expect(clippy::too_many_arguments, reason = "the package calls it in one place")]
    fn verify(
        &self,
        py: Python<'_>,
        proof: Vec<u8>,
        name: String,
        known: Option<Vec<Crossing>>,
        require: Vec<String>,
        bind: Vec<(String, Vec<u8>)>,
        seed: Option<String>,
    ) -> PyResult<Said> {
        let subject = self.subject(proof, name);
        let bind = bind.into_iter().map(|(name, bytes)| Blob::Bytes { name, bytes }).collect();
        let given = known.map(|known| arrays(py, known).map(Given::Arrays)).transpose()?;
        let options =
            VerifyOptions { require: requirements(py, &require)?, bind, input: given, seed, ..VerifyOptions::default() };
        match decided(py, vec![subject], options)? {
            Ok(Verified::One(answer)) => Ok(said(py, &answer)),
            Ok(several) => Ok((several.json().to_string(), Vec::new(), Vec::new())),
            Err(failure) => Ok((failure.json().to_string(), Vec::new(), Vec::new())),
        }
    }
}

/// Digest of a key, digest of its model, names of inputs.
fn described(blob: &Blob) -> Result<(String, String, Vec<String>), Failure> {
    let failed = |why: &dyn std::fmt::Display| Failure::file("read", Path::new(&blob.name()), why);
    let key = VerifyingKey::from_bytes(&blob.read()?).map_err(|e| failed(&e))?;
    let digest = key.digest().map_err(|e| failed(&e))?;
    let names = key.inputs.iter().map(|port| port.name.clone()).collect();
    Ok((show::hex(&digest), show::hex(&key.model_digest()), names))
}

/// A verdict, or why there is none: what is wrong with a proof is no exception, what the caller gave beside it is.
fn decided(py: Python<'_>, subjects: Vec<Subject>, options: VerifyOptions) -> PyResult<Result<Verified, Failure>> {
    run(py, Terms::default(), move |watch| match verify(&subjects, &options, watch) {
        Err(failure) if is_of_the_proof(&failure) => Ok(Err(failure)),
        other => other.map(Ok),
    })
}

/// Whether a failure is one of the files that are verified, and not of what is asked beside them.
fn is_of_the_proof(failure: &Failure) -> bool {
    matches!(failure.kind(), zktorch_engine::Kind::File | zktorch_engine::Kind::Mismatch)
}

fn said(py: Python<'_>, answer: &Answer) -> Said {
    let (inputs, outputs) =
        answer.shown().map_or((Vec::new(), Vec::new()), |found| (shown(py, &found.inputs), shown(py, &found.outputs)));
    (answer.json().to_string(), inputs, outputs)
}

/// The verdict on several proofs, each with its key.
#[pyfunction]
pub fn verify_together(
    py: Python<'_>,
    keys: Vec<PyRef<'_, Key>>,
    proofs: Vec<(Vec<u8>, String)>,
    require: Vec<String>,
) -> PyResult<String> {
    let subjects = keys.iter().zip(proofs).map(|(key, (proof, name))| key.subject(proof, name)).collect();
    let options = VerifyOptions { require: requirements(py, &require)?, ..VerifyOptions::default() };
    Ok(match decided(py, subjects, options)? {
        Ok(verified) => verified.json().to_string(),
        Err(failure) => failure.json().to_string(),
    })
}
