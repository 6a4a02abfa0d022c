//! ezkl, a halo2 prover: installed from PyPI into a virtual environment of its own, driven by `peers/ezkl.py`.

use super::{Plan, Subject, sizes, word};
use crate::model::Model;
use crate::record::{ProofBytes, Proving, Row, relative_error};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version measured.
const VERSION: &str = "23.0.5";
/// The driver.
const SCRIPT: &str = include_str!("../../peers/ezkl.py");

/// An installed ezkl.
#[derive(Clone, Debug)]
pub struct Ezkl {
    python: PathBuf,
    script: PathBuf,
}

impl Ezkl {
    /// Installs ezkl below `cache`, unless that has been done.
    ///
    /// # Errors
    /// If Python or the package is not to be had.
    pub fn install(cache: &Path) -> Result<Self> {
        let home = cache.join(format!("ezkl-{VERSION}"));
        let (python, script, done) = (home.join("venv/bin/python"), home.join("driver.py"), home.join("installed"));
        fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
        if !done.is_file() {
            command(Path::new("python3"), &["-m", "venv", "--clear", word(&home.join("venv"))?])?;
            command(
                &python,
                &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &format!("ezkl=={VERSION}")],
            )?;
            fs::write(&done, VERSION)?;
        }
        fs::write(&script, SCRIPT)?;
        Ok(Self { python, script })
    }

    /// One step of the driver.
    fn step(
        &self,
        step: &str,
        model: &Model,
        work: &Path,
        plan: &Plan,
        threads: usize,
    ) -> Result<(Value, crate::measure::Usage)> {
        let [script, onnx, input, calibration] =
            [&self.script, &model.onnx, &model.input, &model.calibration_json].map(|p| word(p));
        let args =
            [script?, step, "--model", onnx?, "--input", input?, "--calibration", calibration?, "--work", word(work)?];
        plan.step(step, &self.python, &args, &[("RAYON_NUM_THREADS", threads.to_string())])
    }
}

impl Subject for Ezkl {
    fn name(&self) -> String {
        format!("ezkl {VERSION}")
    }

    fn measure(&self, model: &Model, work: &Path, plan: &Plan, row: &mut Row) -> Result<()> {
        let most = plan.threads.iter().copied().max().unwrap_or(1);
        row.compile = Some(self.step("compile", model, work, plan, most)?.1);
        row.keys = Some(self.step("setup", model, work, plan, most)?.1);
        row.proving_key_bytes = sizes(work, &["ezkl.circuit", "ezkl.pk", "ezkl.srs"]);
        row.verifying_key_bytes = sizes(work, &["ezkl.vk", "ezkl.settings"]);
        let mut proved = Value::Null;
        for &threads in &plan.threads {
            // A proof takes minutes: once is enough.
            let (value, usage) = self.step("prove", model, work, plan, threads)?;
            row.proofs.push(Proving { threads, all_seconds: vec![usage.seconds], usage, phases: Vec::new() });
            proved = value;
        }
        row.proof = proved["proof_bytes"].as_u64().map(|total| ProofBytes { total, parts: None });
        let outputs = serde_json::from_value::<Vec<Vec<f64>>>(proved["outputs"].clone()).ok();
        row.output_error =
            outputs.zip(model.expected.as_ref()).and_then(|(found, expected)| relative_error(&found, expected));
        let (verdict, usage, _) = plan.fastest(|| self.step("verify", model, work, plan, most))?;
        row.verify = Some(usage);
        row.verify_inner_seconds = verdict["seconds"].as_f64();
        if verdict["accepted"] != true {
            bail!("verify: not accepted");
        }
        Ok(())
    }
}

/// Runs a command that is not measured.
fn command(program: &Path, args: &[&str]) -> Result<()> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        bail!("{} {}: {}", program.display(), args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
