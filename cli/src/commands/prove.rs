//! `prove`: inference and a proof of it.

use super::run::run_failure;
use crate::args::Prove;
use crate::failure::Failure;
use crate::files::Pending;
use crate::folder::ProgramFile;
use crate::outcome::Outcome;
use crate::pipeline::{floats, read_input};
use crate::progress::Progress;
use crate::show;
use serde_json::{Value, json};
use zktorch_prover::{ProveError, Proved, ProvingKey, Randomness};
use zktorch_verifier::key::VerifyingKey;

pub fn command(args: &Prove) -> Result<Outcome, Failure> {
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Failure::undecided(format!("cannot start {threads} threads: {e}")))?;
    }
    let pending = Pending::new(&args.output)?;
    let mut progress = Progress::new();
    progress.begin("load");
    let file = ProgramFile::read(&args.dir)?;
    let (proving, verifying) = (file.proving_key(&args.dir)?, file.verifying_key(&args.dir)?);
    let inputs = read_input(&args.input, &file.inputs)?;
    let load = progress.seconds();
    let proved = prove(&proving, &verifying, &inputs, &mut progress)?;
    progress.begin("write");
    let bytes = proved.proof.to_bytes().map_err(|e| Failure::undecided(format!("the proof does not encode: {e}")))?;
    pending.write(&bytes)?;
    let seconds = progress.seconds();
    drop(progress);
    let outputs = floats(&file.outputs, &proved.outputs);
    let proof_bytes = proved.proof.bytes.len();
    let mut phases = vec![("load", load)];
    phases.extend(proved.phases.iter().map(|p| (p.name, p.seconds)));
    let shown: Vec<String> = phases.iter().map(|(name, s)| format!("{name} {}", show::seconds(*s))).collect();
    let mut text: String = outputs.iter().map(|t| t.text() + "\n").collect();
    text.push_str(&show::lines(&[
        (
            "proof",
            format!("{} ({}, with public values {})", args.output.display(), show::bytes(proof_bytes), show::bytes(bytes.len())),
        ),
        ("time", format!("{} ({})", show::seconds(seconds), shown.join(", "))),
    ]));
    let phases: Vec<Value> = phases.iter().map(|(name, seconds)| json!({ "name": name, "seconds": seconds })).collect();
    let json = json!({
        "outputs": show::tensors(&outputs),
        "integers": proved.outputs,
        "proof_bytes": proof_bytes,
        "file_bytes": bytes.len(),
        "seconds": seconds,
        "threads": rayon::current_num_threads(),
        "phases": phases,
    });
    Ok(Outcome::done(text, json))
}

/// Proves, with fresh randomness, and refuses to hand out a proof that the prover itself knows to be wrong.
pub fn prove(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    inputs: &[Vec<i64>],
    progress: &mut Progress,
) -> Result<Proved, Failure> {
    let randomness = Randomness::from_os().map_err(|e| Failure::undecided(format!("no randomness: {e}")))?;
    let proved = zktorch_prover::prove(proving, verifying, inputs, randomness, &mut |phase| progress.begin(phase));
    let proved = proved.map_err(|error| match error {
        ProveError::Execute(error) => run_failure(error),
        other => Failure::undecided(format!("no proof: {other}")),
    })?;
    if proved.violated.is_empty() {
        return Ok(proved);
    }
    Err(Failure::undecided(format!("internal error: the proof violates its own constraints: {}", proved.violated.join(", ")))
        .hint("this is a defect of zktorch; please report it with the model"))
}
