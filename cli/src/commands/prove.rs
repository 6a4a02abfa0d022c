//! `prove`: inference and a proof of it.

use crate::args::Prove;
use crate::binding::{Bound, PendingBinding, opening_of, private};
use crate::failure::Failure;
use crate::files::Pending;
use crate::folder::{self, ProgramFile, digest_of};
use crate::outcome::Outcome;
use crate::pipeline::{Port, run_failure, tensors};
use crate::place;
use crate::progress::Progress;
use crate::text;
use crate::tokens::Tokenizer;
use serde_json::{Value, json};
use zktorch_blocks::program::TensorId;
use zktorch_prover::binding::{Opened, Opening};
use zktorch_prover::{Blinders, ProveError, Proved, Prover, ProvingKey, Randomness};
use zktorch_verdict::{Tensor, show, texts};
use zktorch_verifier::commitment::{Commitment, Committed};
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify, verify_drawn};

pub fn command(args: &Prove) -> Result<Outcome, Failure> {
    if let Some(threads) = args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        pool.map_err(|e| Failure::undecided(format!("cannot start {threads} threads: {e}")))?;
    }
    files(args).force(args.force).check()?;
    let pending = Pending::new(&args.output)?;
    let keep = args.keep.as_deref().map(PendingBinding::new).transpose()?;
    let mut progress = Progress::new();
    progress.begin("load");
    let file = ProgramFile::read(&args.dir)?;
    let (proving, verifying) = (file.proving_key(&args.dir)?, file.verifying_key(&args.dir)?);
    if args.keep.is_some() && file.program.bound().next().is_none() {
        return Err(Failure::file("keep commitments for", &args.dir, "no input or output of the model is private")
            .hint("a proof shows them all; compile with --input private or --output private to have some committed"));
    }
    let bound = Bound::read(&args.bind, &file, &proving, &verifying)?;
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::read).transpose()?;
    let seed = text::seed(&file, args.seed.as_deref(), || digest_of(&verifying))?;
    let asked = text::Asked { generate: args.generate, tokenizer: tokenizer.as_ref(), seed };
    let inputs = inputs(args, &file, &proving, (&bound, asked), &mut progress)?;
    let load = progress.seconds();
    let proved = prove(&proving, &verifying, &inputs, &bound.blinders, &mut progress)?;
    let seed = args.seed.as_deref();
    let checked =
        (!args.unchecked).then(|| check(&proving, &verifying, (&proved.proof, seed), &mut progress)).transpose()?;
    progress.begin("write");
    if let Some(keep) = keep {
        let (commitment, opening) = kept(&file, &verifying, &proved, &inputs);
        keep.write(&commitment, &opening)?;
    }
    let bytes = proved.proof.to_bytes().map_err(|e| Failure::undecided(format!("the proof does not encode: {e}")))?;
    pending.write(&bytes)?;
    let seconds = progress.seconds();
    drop(progress);
    let outputs = tensors(&file.outputs, &proved.outputs);
    let proof_bytes = proved.proof.bytes.len();
    let mut phases = vec![("load", load)];
    phases.extend(proved.stages.iter().map(|s| (s.stage.name(), s.seconds)));
    phases.extend(checked.map(|seconds| ("check", seconds)));
    let shown: Vec<String> = phases.iter().map(|(name, s)| format!("{name} {}", show::seconds(*s))).collect();
    let said = [tensors(&file.inputs, &inputs), outputs.clone()].concat();
    let texts = tokenizer.map(|tokenizer| tokenizer.texts(&said)).unwrap_or_default();
    let mut text: String = outputs.iter().map(|t| t.text() + "\n").collect();
    text.extend(texts::lines(&texts).into_iter().map(|(_, line)| line + "\n"));
    text.push_str(&show::lines(&[
        (
            "proof",
            format!(
                "{} ({}, with public values {})",
                args.output.display(),
                show::bytes(proof_bytes),
                show::bytes(bytes.len())
            ),
        ),
        ("time", format!("{} ({})", show::seconds(seconds), shown.join(", "))),
    ]));
    let phases: Vec<Value> = phases.iter().map(|(name, seconds)| json!({ "name": name, "seconds": seconds })).collect();
    let json = json!({
        "outputs": Tensor::list(&outputs),
        "texts": texts::to_json(&texts),
        "proof_bytes": proof_bytes,
        "file_bytes": bytes.len(),
        "seconds": seconds,
        "threads": rayon::current_num_threads(),
        "phases": phases,
    });
    Ok(Outcome::done(text, json))
}

/// What is read and written.
fn files(args: &Prove) -> place::Files {
    let mut files = folder::ALL.iter().fold(place::Files::default(), |files, n| files.input("DIR", args.dir.join(n)));
    if let Some(path) = &args.input {
        files = files.samples("--input", path);
    }
    files = args.tokenizer.iter().fold(files, |files, path| files.input("--tokenizer", path));
    for path in &args.bind {
        files = files.input("--bind", path).input("the opening of --bind", opening_of(path));
    }
    files = files.output("-o", &args.output);
    match &args.keep {
        Some(path) => PendingBinding::listed("--keep", path, files),
        None => files,
    }
}

/// Verifies a proof before anybody has it; the seconds that this took.
fn check(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    (proof, seed): (&Proof, Option<&str>),
    progress: &mut Progress,
) -> Result<f64, Failure> {
    progress.begin("check");
    let start = progress.seconds();
    let refused = |why: &dyn std::fmt::Display| {
        Failure::undecided(format!("the proof does not verify, and is not written: {why}")).hint(
            "are proving.key and verifying.key as `zktorch compile` made them, together? If they are, this is a defect of zktorch",
        )
    };
    let generators = Some(&proving.generators);
    let verdict = match seed {
        None => verify(verifying, proof, generators),
        Some(seed) => verify_drawn(verifying, proof, generators, seed.as_bytes()),
    };
    match verdict.map_err(|e| refused(&e))? {
        Verdict::Accepted => Ok(progress.seconds() - start),
        Verdict::Rejected(reason) => Err(refused(&reason)),
    }
}

/// Integers of all inputs: the bound ones from their openings, the others from the file, which must not contradict.
fn inputs(
    args: &Prove,
    file: &ProgramFile,
    proving: &ProvingKey,
    (bound, asked): (&Bound, text::Asked<'_>),
    progress: &mut Progress,
) -> Result<Vec<Vec<i64>>, Failure> {
    let Some(path) = &args.input else {
        let all: Option<Vec<Vec<i64>>> = (0..file.inputs.len()).map(|n| bound.values.get(&n).cloned()).collect();
        return all.ok_or_else(|| Failure::undecided("not all inputs are bound").hint("give the others with --input FILE"));
    };
    let given = text::read_input(path, file, &proving.weights, asked, progress)?;
    for (n, values) in &bound.values {
        if given.get(*n) != Some(values) {
            let name = &file.inputs[*n].name;
            return Err(Failure::file("use", path, format!("its input `{name}` is not the committed one"))
                .hint("leave --input out to take the inputs from the openings"));
        }
    }
    Ok(given)
}

/// The private inputs and outputs of a proof, for other proofs to be bound to.
fn kept(file: &ProgramFile, key: &VerifyingKey, proved: &Proved, inputs: &[Vec<i64>]) -> (Commitment, Opening) {
    let inputs = private(file, &file.program.inputs, &file.inputs).map(|(n, id, port)| (id, port, &inputs[n]));
    let outputs = private(file, &file.program.outputs, &file.outputs).map(|(n, id, port)| (id, port, &proved.outputs[n]));
    let tensor = |(id, port, values): (TensorId, &Port, &Vec<i64>)| {
        let committed = Committed::of(key, &proved.proof, id, &port.name)?;
        Some((committed, Opened::new(values.clone(), proved.blinders.get(&id)?)))
    };
    let (tensors, openings) = inputs.chain(outputs).filter_map(tensor).unzip();
    (Commitment { setup: key.setup.clone(), tensors }, Opening { tensors: openings })
}

/// Proves, with fresh randomness, and refuses to hand out a proof that the prover itself knows to be wrong.
pub fn prove(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    inputs: &[Vec<i64>],
    blinders: &Blinders,
    progress: &mut Progress,
) -> Result<Proved, Failure> {
    let randomness = Randomness::from_os().map_err(|e| Failure::undecided(format!("no randomness: {e}")))?;
    let prover = Prover::new(proving, verifying, randomness).bound(blinders);
    prover.progress(|stage| progress.begin(stage.name())).prove(inputs).map_err(|error| match error {
        ProveError::Execute(error) => run_failure(error),
        ProveError::Inconsistent { .. } => Failure::undecided(format!("internal error: {error}"))
            .hint("this is a defect of zktorch; please report it with the model"),
        other => Failure::undecided(format!("no proof: {other}")),
    })
}
