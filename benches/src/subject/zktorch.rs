//! Ours: the release binary.

use super::{Plan, Subject, sizes, word};
use crate::bound::{REFERENCE, Work};
use crate::measure::Usage;
use crate::model::Model;
use crate::record::{ProofBytes, ProofParts, Proving, Row, relative_error};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::size::ProofSize;

/// Bytes of a compressed point: a row commitment, a hidden message.
const POINT_BYTES: u64 = 48;

/// The `zktorch` binary.
#[derive(Clone, Debug)]
pub struct Zktorch {
    /// The binary.
    pub binary: PathBuf,
    /// Further words for `compile`.
    pub compile_args: Vec<String>,
}

impl Subject for Zktorch {
    fn name(&self) -> String {
        match self.compile_args.is_empty() {
            true => "zktorch".into(),
            false => format!("zktorch {}", self.compile_args.join(" ")),
        }
    }

    fn measure(&self, model: &Model, work: &Path, plan: &Plan, row: &mut Row) -> Result<()> {
        let (dir, proof) = (work.join("compiled"), work.join("proof.zkp"));
        let (report, usage) = self.compile(model, &dir, plan)?;
        row.compile = Some(usage);
        row.proving_key_bytes = sizes(&dir, &["program.zkc", "proving.key"]);
        row.verifying_key_bytes = sizes(&dir, &["verifying.key"]);
        row.calibration_error = report["output_error"].as_f64();
        row.predicted = serde_json::from_value(report["predictions"].clone()).ok();
        // The compiler counts multiplications of the program, padded convolutions included: a stand-in for unknown MACs.
        row.macs = row.macs.or_else(|| report.pointer("/totals/multiplications")?.as_u64());
        row.parameters = row.parameters.or_else(|| report.pointer("/totals/weights")?.as_u64());
        let mut proved = Value::Null;
        for &threads in &plan.threads {
            let (value, usage, all_seconds) = plan.fastest(|| self.prove(model, &dir, &proof, threads, plan))?;
            row.proofs.push(Proving { threads, usage, phases: phases(&value), all_seconds });
            proved = value;
        }
        row.output_error = model.expected.as_ref().and_then(|expected| relative_error(&outputs(&proved)?, expected));
        let key = dir.join("verifying.key");
        let size = parts(&key, &proof, row)?;
        row.bound_seconds = Work::of_report(&report).map(|work| {
            let (messages, hidden_scalars) = (size.messages as f64, size.hidden_scalars as f64);
            Work { messages, hidden_scalars, ..work }.seconds(&REFERENCE)
        });
        let args = ["verify", "--key", word(&key)?, word(&proof)?, "--format", "json"];
        let (verdict, usage, _) = plan.fastest(|| plan.step("verify", &self.binary, &args, &[]))?;
        row.verify = Some(usage);
        row.verify_inner_seconds = verdict["seconds"].as_f64();
        if verdict["verdict"] != "accepted" {
            bail!("verify: {}", verdict["verdict"]);
        }
        Ok(())
    }
}

impl Zktorch {
    /// Leaves out the words for `compile` that a binary of before does not know.
    pub fn without_unknown(mut self) -> Self {
        let known = |word: &String| self.knows("compile", word.split('=').next().unwrap_or(word));
        self.compile_args = self.compile_args.iter().filter(|word| known(word)).cloned().collect();
        self
    }

    /// Whether a command has an option: binaries of before have fewer.
    fn knows(&self, command: &str, option: &str) -> bool {
        let help = Command::new(&self.binary).args([command, "--help"]).output();
        help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains(option))
    }

    /// Compiles a model to a folder; the report, and what that used.
    pub(crate) fn compile(&self, model: &Model, dir: &Path, plan: &Plan) -> Result<(Value, Usage)> {
        let mut args = vec!["compile", word(&model.onnx)?, "-o", word(dir)?, "--calibrate", word(&model.calibration)?];
        args.extend(model.shapes.iter().flat_map(|shape| ["--input-shape", shape]));
        args.extend(self.compile_args.iter().map(String::as_str));
        args.extend(["--format", "json"]);
        plan.step("compile", &self.binary, &args, &[])
    }

    /// Proves the model's input; what `prove` prints, and what it used. The proof is not verified: that is a process of its own.
    pub(crate) fn prove(
        &self,
        model: &Model,
        dir: &Path,
        proof: &Path,
        threads: usize,
        plan: &Plan,
    ) -> Result<(Value, Usage)> {
        // What is there may not be overwritten.
        let _ = fs::remove_file(proof);
        let number = threads.to_string();
        let input = word(&model.input)?;
        let mut args =
            vec!["prove", word(dir)?, "--input", input, "-o", word(proof)?, "--threads", &number, "--format", "json"];
        args.extend(self.knows("prove", "--unchecked").then_some("--unchecked"));
        plan.step(&format!("prove on {threads} threads"), &self.binary, &args, &[])
    }
}

/// `[{"name", "seconds"}]`.
fn phases(proved: &Value) -> Vec<(String, f64)> {
    let list = proved["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|p| Some((p["name"].as_str()?.to_owned(), p["seconds"].as_f64()?))).collect()
}

/// `[{"name", "shape", "data"}]`.
fn outputs(proved: &Value) -> Option<Vec<Vec<f64>>> {
    let list = proved["outputs"].as_array()?;
    list.iter().map(|output| output["data"].as_array()?.iter().map(Value::as_f64).collect()).collect()
}

/// Splits the proof's bytes, from the key and the proof themselves.
fn parts(key: &Path, proof: &Path, row: &mut Row) -> Result<ProofSize> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut proof = Proof::from_bytes(&read(proof)?)?;
    let key = VerifyingKey::from_bytes(&read(key)?)?;
    // The size of a proof depends on the key alone, generators included: nothing is verified here.
    let relation = Relation::new(&key)?;
    let size = ProofSize::of(&relation, key.setup.decider())?;
    let argument = proof.bytes.len();
    // The verifier has the public values; everything else in the file counts.
    proof.statement = Vec::new();
    let total = proof.to_bytes()?.len() as u64;
    let (rows, messages) = (size.rows as u64 * POINT_BYTES, size.messages as u64 * POINT_BYTES);
    let rest = total.checked_sub(rows + messages).context("the proof is shorter than its rows and messages")?;
    let hidden_scalars = size.hidden_scalars as u64;
    row.proof = Some(ProofBytes { total, parts: Some(ProofParts { rows, messages, rest, hidden_scalars }) });
    if size.bytes != argument {
        bail!("the argument has {argument} bytes, its program foretells {}", size.bytes);
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_prove_prints() {
        let output = json!({ "name": "y", "shape": [1, 2], "data": [1.5, -2] });
        let value = json!({ "outputs": [output], "phases": [{ "name": "commit", "seconds": 0.25 }, { "name": "odd" }] });
        assert_eq!(outputs(&value), Some(vec![vec![1.5, -2.0]]));
        assert_eq!(phases(&value), [("commit".to_owned(), 0.25)]);
        assert_eq!(outputs(&json!({})), None);
    }
}
