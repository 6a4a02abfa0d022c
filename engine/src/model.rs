//! A compiled model: its program and both keys.

use crate::failure::Failure;
use crate::folder::{Destination, Files, MODEL, ProgramFile, REPORT, Replaced};
use crate::run::Runnable;
use std::path::Path;
use zktorch_blocks::port::Port;
use zktorch_prover::ProvingKey;
use zktorch_verdict::show::hex;
use zktorch_verifier::codec::DecodeError;
use zktorch_verifier::key::VerifyingKey;

/// A compiled model, with all that a prover needs. It holds weights, so that it has no debug output.
pub struct Model {
    pub(crate) file: ProgramFile,
    pub(crate) proving: ProvingKey,
    pub(crate) verifying: VerifyingKey,
    key_digest: String,
    /// What else lay in the folder, as it was there.
    pub(crate) proof: Option<Vec<u8>>,
    pub(crate) report: Option<Vec<u8>>,
}

impl Model {
    pub(crate) fn new(file: ProgramFile, proving: ProvingKey, verifying: VerifyingKey) -> Result<Self, Failure> {
        let digest = verifying.digest().map_err(|e: DecodeError| Failure::internal(format!("verifying key: {e}")))?;
        Ok(Self { file, proving, verifying, key_digest: hex(&digest), proof: None, report: None })
    }

    /// Reads a folder that was made by compiling.
    ///
    /// # Errors
    /// If files are missing, damaged or of different compilations.
    pub fn read(dir: &Path) -> Result<Self, Failure> {
        let file = ProgramFile::read(dir)?;
        let (proving, verifying) = (file.proving_key(dir)?, file.verifying_key(dir)?);
        let model = Self::new(file, proving, verifying)?;
        // Neither is needed to prove, and what does not belong there is found out by whoever verifies.
        let [proof, report] = [MODEL, REPORT].map(|name| std::fs::read(dir.join(name)).ok());
        Ok(Self { proof, report, ..model })
    }

    /// Writes a folder with what this one has.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, place: Destination) -> Result<Option<Replaced>, Failure> {
        let replaced = place.replaced(&self.verifying);
        let (inputs, outputs) = (self.file.inputs.clone(), self.file.outputs.clone());
        let (_, files) = Files::new(inputs, outputs, &self.proving, &self.verifying, self.proof.clone())?;
        files.write(place, self.report.as_deref())?;
        Ok(replaced)
    }

    /// The bytes of the proof about the weights, if there is one.
    pub fn model_proof(&self) -> Option<&[u8]> {
        self.proof.as_deref()
    }

    /// The bytes of the report, if there is one.
    pub fn report_json(&self) -> Option<&[u8]> {
        self.report.as_deref()
    }

    /// What it takes to run it.
    pub fn runnable(&self) -> Runnable<'_> {
        Runnable::of(&self.file, &self.proving.weights, &self.verifying)
    }

    /// The inputs, in order.
    pub fn inputs(&self) -> &[Port] {
        &self.file.inputs
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> &[Port] {
        &self.file.outputs
    }

    /// The key of whoever verifies.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// SHA-256 of the verifying key, in hexadecimal.
    pub fn key_digest(&self) -> &str {
        &self.key_digest
    }

    /// SHA-256 of the commitments to the weights, in hexadecimal: the model's name.
    pub fn model_digest(&self) -> String {
        hex(&self.verifying.model_digest())
    }
}
