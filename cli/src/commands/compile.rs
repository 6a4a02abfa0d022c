//! `compile`: from an ONNX file to a folder with program, keys and report.

use crate::args::{Compile, SetupChoice, Toggle};
use crate::failure::Failure;
use crate::files::{PendingFolder, read};
use crate::folder::{self, Files, MODEL, PROGRAM, PROVING, ProgramFile, REPORT, VERIFYING, decoded};
use crate::model_proof;
use crate::outcome::Outcome;
use crate::pipeline::{Choices, Compiled, Predictions, Report, compile_model, explain_model};
use crate::place;
use crate::progress::Progress;
use crate::setup::{choose, predict};
use serde_json::{Value, json};
use std::path::Path;
use zktorch_compiler::report::Gap;
use zktorch_compiler::{Earlier, WARN_ERROR};
use zktorch_prover::{KeygenError, ProvingKey, Randomness, keygen, keygen_alike};
use zktorch_verdict::{describe, show};
use zktorch_verifier::codec::DecodeError;
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof};

/// Predictions that diverge by less, in nats a token, are the model's for most purposes.
const GOOD_KL: f64 = 0.01;
/// Fewer samples than these say little.
const FEW: usize = 8;

/// A compiled model with its keys.
pub struct Made {
    /// The files, without the report.
    pub files: Files,
    /// The proving key.
    pub proving: ProvingKey,
    /// The verifying key.
    pub verifying: VerifyingKey,
    /// The compiler's report, with predictions.
    pub report: Report,
    /// The model's inputs.
    pub inputs: Vec<crate::pipeline::Port>,
    /// The model's outputs.
    pub outputs: Vec<crate::pipeline::Port>,
}

pub fn command(args: &Compile) -> Result<Outcome, Failure> {
    let choices = choices(args);
    // The arguments' parser asks for the one or the other.
    let Some(out) = args.out.as_deref().filter(|_| !args.explain) else { return explained(args, &choices) };
    // The folder is looked at as a whole.
    files(args, out).force(true).check()?;
    let folder = PendingFolder::new(out)?;
    let replaced = folder::vacant(out, args.force)?;
    let mut progress = Progress::new();
    let level = if args.model_proof == Toggle::On { Level::Widths } else { Level::Padding };
    let base = match &args.weights_of {
        Some(dir) => Base::Folder(Box::new(Folder::read(dir)?)),
        None => Base::Setup(&args.setup),
    };
    let made = make(&args.model, &choices, base, level, &mut progress)?;
    progress.begin("writing");
    let seconds = progress.seconds();
    let (mut text, mut json) = describe(&made, out)?;
    let replaced = replaced.map(|old| old.describe(&made.verifying));
    if let Some((what, _)) = &replaced {
        text.push_str(&format!("\nREPLACED: {what}\n"));
    }
    if let Value::Object(map) = &mut json {
        map.insert("compile_seconds".into(), json!(seconds));
        let replaced = replaced.map(|(what, same)| json!({ "what": what, "same_program": same }));
        map.insert("replaced".into(), json!(replaced));
    }
    let mut report = serde_json::to_vec_pretty(&json).map_err(|e| Failure::undecided(format!("{REPORT}: {e}")))?;
    report.push(b'\n');
    made.files.write(folder, report)?;
    Ok(Outcome::done(format!("{text}\ncompiled in {}\n", show::seconds(seconds)), json))
}

/// What the model would become; the answer is no where something stands in the way.
fn explained(args: &Compile, choices: &Choices) -> Result<Outcome, Failure> {
    let explanation = explain_model(&args.model, choices)?;
    let json = serde_json::to_value(&explanation).map_err(|e| Failure::undecided(e.to_string()))?;
    let text: Vec<String> = explanation.to_string().lines().map(show::plain).collect();
    Ok(Outcome { accepted: explanation.obstacles.is_empty(), text: text.join("\n"), json })
}

fn choices(args: &Compile) -> Choices {
    Choices {
        calibrate: args.calibrate.clone(),
        task: args.task,
        new_tokens: args.new_tokens,
        temperature: args.temperature,
        bits: args.bits,
        max_error: args.max_error,
        target_kl: args.target_kl,
        input: args.input,
        input_like: args.input_like.clone(),
        output: args.output,
        input_shapes: args.input_shape.iter().map(|s| s.0.clone()).collect(),
    }
}

/// What is read and written.
fn files(args: &Compile, out: &Path) -> place::Files {
    let mut files = place::Files::default().input("the model", &args.model);
    for path in &args.calibrate {
        files = files.samples("--calibrate", path);
    }
    if let Some(path) = &args.input_like {
        files = files.input("--input-like", path);
    }
    if let Some(dir) = &args.weights_of {
        files = [PROGRAM, PROVING, VERIFYING, MODEL]
            .iter()
            .fold(files, |files, name| files.input("--weights-of", dir.join(name)));
    }
    if let SetupChoice::File(path) = &args.setup {
        files = files.input("--setup", path);
    }
    folder::ALL.iter().fold(files, |files, name| files.output(name, out.join(name)))
}

/// What a model's commitments rest on.
pub enum Base<'a> {
    /// A setup: they are made.
    Setup(&'a SetupChoice),
    /// A folder of the same model, which has them.
    Folder(Box<Folder>),
}

/// The keys and the model proof of a compiled model.
pub struct Folder {
    proving: ProvingKey,
    verifying: VerifyingKey,
    proof: Option<ModelProof>,
}

impl Folder {
    fn read(dir: &Path) -> Result<Self, Failure> {
        let program = ProgramFile::read(dir)?;
        let (proving, verifying) = (program.proving_key(dir)?, program.verifying_key(dir)?);
        program.check_others(dir, &verifying.model_digest())?;
        let path = dir.join(MODEL);
        let proof = if path.exists() { Some(decoded(&path, ModelProof::from_bytes(&read(&path)?))?) } else { None };
        Ok(Self { proving, verifying, proof })
    }

    fn earlier(&self) -> Earlier {
        Earlier { program: self.verifying.program.clone(), weights: self.proving.weights.clone() }
    }

    /// The model proof, if it shows what is asked for.
    fn proof(&self, level: Level) -> Option<Vec<u8>> {
        self.proof.as_ref().filter(|proof| proof.level == level)?.to_bytes().ok()
    }
}

/// Compiles a model, chooses the setup, makes the keys and the proof about the weights.
pub fn make(
    model: &Path,
    choices: &Choices,
    base: Base<'_>,
    level: Level,
    progress: &mut Progress,
) -> Result<Made, Failure> {
    let alike = match &base {
        Base::Setup(_) => None,
        Base::Folder(folder) => Some(folder.earlier()),
    };
    let Compiled { program, weights, mut report, inputs, outputs } = compile_model(model, choices, alike, progress)?;
    let port = |p: &crate::pipeline::Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
    let ports = [inputs.iter().map(port).collect(), outputs.iter().map(port).collect()];
    let (proving, verifying) = match &base {
        Base::Setup(setup) => {
            progress.begin("preparing the setup");
            let (setup, column_bits) = choose(setup, &program)?;
            progress.begin("committing to the weights");
            let mut randomness = Randomness::from_os().map_err(|e| Failure::undecided(format!("no randomness: {e}")))?;
            keygen(program, weights, &setup, column_bits, ports, &mut randomness)
        }
        Base::Folder(folder) => keygen_alike(program, ports, (&folder.proving, &folder.verifying)),
    }
    .map_err(|e: KeygenError| Failure::undecided(e.to_string()))?;
    let cost = predict(&verifying.program, verifying.setup.decider(), verifying.column_bits)?;
    report.predictions = Some(Predictions {
        proof_bytes: Some(cost.proof_bytes as u64),
        prove_seconds: Some(cost.prove_seconds),
        memory_bytes: Some(cost.memory_bytes as u64),
    });
    let known = match &base {
        Base::Setup(_) => None,
        Base::Folder(folder) => folder.proof(level),
    };
    let model = known.map_or_else(|| model_proof::make(&proving, &verifying, level, progress), Ok)?;
    let files = Files::new(inputs.clone(), outputs.clone(), &proving, &verifying, model)?;
    Ok(Made { files, proving, verifying, report, inputs, outputs })
}

fn describe(made: &Made, dir: &Path) -> Result<(String, Value), Failure> {
    let key = &made.verifying;
    let setup = key.setup.describe();
    let layout = key.layout().map_err(|e| Failure::undecided(e.to_string()))?;
    let (matrices, rows) = describe::matrices(key, &layout);
    let digest = key.digest().map_err(|e: DecodeError| Failure::undecided(format!("verifying key: {e}")))?;
    let sizes = made.files.sizes();
    let mut lines = vec![
        ("setup", setup.name.clone()),
        ("", setup.trust.to_owned()),
        ("matrices", matrices),
        ("model digest", show::hex(&key.model_digest())),
        ("key digest", show::hex(&digest)),
    ];
    if let Some(p) = &made.report.predictions {
        let predicted = format!(
            "proof {}, {} of one core, {} of memory",
            show::bytes(p.proof_bytes.unwrap_or(0) as usize),
            show::seconds(p.prove_seconds.unwrap_or(0.0)),
            show::bytes(p.memory_bytes.unwrap_or(0) as usize)
        );
        lines.push(("predicted", predicted));
    }
    let written: Vec<String> = sizes.iter().map(|(name, bytes)| format!("{name} ({})", show::bytes(*bytes))).collect();
    lines.push(("written", format!("{}: {}, {REPORT}", dir.display(), written.join(", "))));
    let mut text = format!("{}\n{}", made.report, show::lines(&lines));
    let warning = imprecise(&made.report);
    let warnings: Vec<String> = warning.iter().cloned().chain(sparse(made)).collect();
    for warning in &warnings {
        text.push_str(&format!("\nWARNING: {}\n", show::plain(warning)));
    }
    if setup.insecure {
        text.push_str(
            "\nWARNING: this setup is INSECURE. Anybody can forge proofs for this key. For tests and benchmarks only.\n",
        );
    }
    let mut json = serde_json::to_value(&made.report).map_err(|e| Failure::undecided(format!("{REPORT}: {e}")))?;
    if let Value::Object(map) = &mut json {
        map.insert("warning".into(), json!(warning));
        map.insert("warnings".into(), json!(warnings));
        map.insert("setup".into(), json!(setup));
        map.insert("columns".into(), json!(1u64 << key.column_bits));
        map.insert("rows".into(), rows);
        map.insert("model_digest".into(), json!(show::hex(&key.model_digest())));
        map.insert("key_digest".into(), json!(show::hex(&digest)));
        map.insert(
            "files".into(),
            sizes.iter().map(|(name, bytes)| ((*name).to_owned(), json!(bytes))).collect::<serde_json::Map<_, _>>().into(),
        );
    }
    Ok((text, json))
}

/// What the samples leave open.
fn sparse(made: &Made) -> Vec<String> {
    let report = &made.report;
    if report.samples == 0 {
        let one = |port: &crate::pipeline::Port| {
            let [lo, hi] = port.limits(0).map(show::number);
            format!("`{}` from {lo} to {hi}", port.name)
        };
        let inputs: Vec<String> = made.inputs.iter().map(one).collect();
        return vec![format!("without samples a program takes inputs in an assumed range only: {}.", inputs.join(", "))];
    }
    let mut warnings = Vec::new();
    if report.samples < FEW {
        let samples = show::things(report.samples, "calibration sample");
        warnings.push(format!(
            "{samples} say little of the values that inputs take: others may be refused, or less exact than the report says. Give some tens."
        ));
    }
    let reach = |gap: &Gap| {
        let port = made.inputs.iter().find(|port| port.name == gap.input)?;
        let column = *gap.columns.first()?;
        let ([lo, hi], step) = (port.limits(column), port.step(column));
        let [lo, hi, step] = [lo, hi, step].map(show::number);
        Some(format!(". The program takes numbers from {lo} to {hi} there, in steps of {step}"))
    };
    let gap = |gap: &Gap| format!("the samples say nothing of {gap}{}.", reach(gap).unwrap_or_default());
    warnings.extend(report.gaps.iter().map(gap));
    if report.unseen > WARN_ERROR {
        warnings.push(format!(
            "what is lost of inputs that the samples show too little of may move outputs by {:.0} % of what they reach. Give samples in which all \
             columns take their usual values.",
            100.0 * report.unseen
        ));
    }
    warnings
}

/// What a user must know of the errors, if they are large or not known.
fn imprecise(report: &Report) -> Option<String> {
    match &report.accuracy {
        None => Some(
            "there were no calibration samples: how far the integers are from the model is not known. Give typical inputs with \
             --calibrate."
                .to_owned(),
        ),
        Some(_) if report.language.is_some_and(|language| language.left_out == 0 && language.kl_mean <= GOOD_KL) => None,
        Some(accuracy) if accuracy.error() > WARN_ERROR => {
            accuracy.worst.first().map(|group| format!("the outputs are off: {}.", group.describe()))
        }
        Some(_) => None,
    }
}
