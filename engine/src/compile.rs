//! From an ONNX model to a program, its keys and a report.

use crate::blob::Blob;
use crate::commit::entropy;
use crate::failure::{Failure, Kind};
use crate::files::{self, read};
use crate::folder::{Destination, Files, MODEL, ProgramFile, REPORT, Replaced, decoded, read_verifying_key};
use crate::model::Model;
use crate::model_proof;
use crate::options::CompileOptions;
use crate::plan::{Part, Plan, approached};
use crate::refusals::{compile_failure, import_failure};
use crate::setup::{choose, predict};
use crate::watch::{Phases, Watch, guarded};
use crate::words::{advice, legend};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use zktorch_blocks::port::Port;
use zktorch_compiler::import::{self, ImportError, ImportOptions, model_bytes, model_path};
use zktorch_compiler::inputs::InputSpec;
use zktorch_compiler::report::{Gap, Predictions, Report};
use zktorch_compiler::{Compiled as Program, Earlier, Explanation, Like, Options, WARN_ERROR};
use zktorch_prover::{KeygenError, ProvingKey, keygen, keygen_alike};
use zktorch_verdict::{describe, show};
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof};

/// Predictions that diverge by less, in nats a token, are the model's for most purposes.
const GOOD_KL: f64 = 0.01;
/// Fewer samples than these say little.
const FEW: usize = 8;

/// A compiled model, what its folder holds, and what is to be said of it.
pub struct Compiled {
    /// The model.
    pub model: Model,
    files: Files,
    report: Report,
    warning: Option<String>,
    warnings: Vec<String>,
    json: serde_json::Map<String, Value>,
    lines: Vec<(&'static str, String)>,
    insecure: bool,
    seeded: bool,
    /// Bits that were asked for.
    asked: Option<u32>,
}

/// From an ONNX model to a program, its keys and the proof about its weights.
///
/// # Errors
/// If the model cannot be proved, or the integers are too far from it, or a sample does not fit.
pub fn compile(model: &Blob, options: &CompileOptions, watch: &mut dyn Watch) -> Result<Compiled, Failure> {
    guarded(|| make(model, options, &mut Phases::new(watch)))
}

/// What the nodes of a model would become, and what stands in the way: nodes that are not read first.
///
/// # Errors
/// If it cannot be read.
pub fn explain(model: &Blob, options: &CompileOptions) -> Result<Explanation, Failure> {
    guarded(|| {
        let imported = match imported(model, options) {
            Err(ImportError::Unsupported(nodes)) => {
                let obstacles = nodes.iter().map(ToString::to_string).collect();
                return Ok(Explanation { obstacles, ..Explanation::default() });
            }
            imported => imported.map_err(|e| import_failure(model, &e))?,
        };
        let options = Options { bits: options.bits, inputs: options.input, outputs: options.output, ..Options::default() };
        zktorch_compiler::explain(&imported.graph, &options).map_err(|e| compile_failure(model, &e))
    })
}

fn imported(model: &Blob, options: &CompileOptions) -> Result<import::Model, ImportError> {
    let options = ImportOptions { input_shapes: options.input_shapes.clone(), ..ImportOptions::default() };
    match model {
        Blob::Path(path) => model_path(path, &options),
        Blob::Bytes { bytes, .. } => model_bytes(bytes, &options),
    }
}

/// From an ONNX model to a program and its weights, or those of an earlier program of the model.
fn program(
    model: &Blob,
    options: &CompileOptions,
    alike: Option<Earlier>,
    phases: &mut Phases<'_>,
) -> Result<(Program, Plan), Failure> {
    phases.begin("reading the model");
    if let Blob::Path(path) = model {
        files::readable(path)?;
    }
    let imported = imported(model, options).map_err(|e| import_failure(model, &e))?;
    let inputs = InputSpec::of(&imported.graph);
    for name in &imported.batched {
        phases.note(&format!(
            "the file leaves the first axis of input `{name}` open: it is 1, one sample a proof; --input-shape sets another"
        ));
    }
    let plan = Plan::of(&imported.graph);
    phases.expect(plan.seconds());
    phases.begin("reading samples");
    let samples: Vec<_> = options.calibrate.iter().map(|given| given.samples(&inputs)).collect::<Result<_, _>>()?;
    let samples = samples.concat();
    phases.begin("quantising");
    let like = options.input_like.as_ref();
    let inputs_like = like.map_or_else(|| Ok(Vec::new()), |key| outputs_of(key, &inputs))?;
    let options = Options {
        goal: options.goal(&imported.graph)?,
        bits: options.bits,
        inputs: options.input,
        outputs: options.output,
        inputs_like,
        alike: alike.map(Arc::new),
        target_kl: options.target_kl,
        max_error: options.max_error,
        ..Options::default()
    };
    let steps = plan.steps(samples.len());
    let phases = RefCell::new(phases);
    let step = Cell::new(0);
    let told = || {
        step.set(step.get() + 1);
        phases.borrow_mut().part(plan.done(Part::Quantise, approached(step.get(), steps)));
    };
    let compiled = zktorch_compiler::compile_model_watched(&imported, &samples, &options, &told);
    compiled.map(|compiled| (compiled, plan)).map_err(|e| compile_failure(model, &e))
}

/// What the outputs of a key are like, one for each input.
fn outputs_of(blob: &Blob, inputs: &[InputSpec]) -> Result<Vec<Like>, Failure> {
    let key = read_verifying_key(blob)?;
    let program = &key.program;
    let tensors: Vec<_> = program.outputs.iter().filter_map(|&id| program.tensors.get(id)).collect();
    let shapes = |all: &mut dyn Iterator<Item = &[usize]>| all.map(show::shape).collect::<Vec<_>>().join(", ");
    if tensors.len() != inputs.len() || tensors.iter().zip(inputs).any(|(t, i)| t.shape.dims() != i.shape) {
        let (got, expected) =
            (shapes(&mut tensors.iter().map(|t| t.shape.dims())), shapes(&mut inputs.iter().map(|i| i.shape.as_slice())));
        let why = format!("its outputs have shapes {got}, the model's inputs {expected}");
        return Err(blob.failure("use", why).of(Kind::Mismatch));
    }
    let columns = program.outputs.iter().map(|&id| program.column_exponents(id).to_vec());
    let like = tensors.iter().zip(columns);
    Ok(like.map(|(t, columns)| Like { scale: t.scale, interval: t.interval, columns }).collect())
}

/// The keys and the model proof of a model that was compiled before.
struct Folder {
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
fn make(model: &Blob, options: &CompileOptions, phases: &mut Phases<'_>) -> Result<Compiled, Failure> {
    let base = options.weights_of.as_deref().map(Folder::read).transpose()?;
    let level = if options.model_proof { Level::Widths } else { Level::Padding };
    let mut randomness =
        entropy(options.test_seed).randomness().map_err(|e| Failure::internal(format!("no randomness: {e}")))?;
    let earlier = base.as_ref().map(Folder::earlier);
    let (Program { program, weights, mut report, inputs, outputs }, plan) = program(model, options, earlier, phases)?;
    let ports = [&inputs, &outputs].map(|ports| ports.iter().map(key_port).collect());
    let (proving, verifying) = match &base {
        None => {
            phases.begin("preparing the setup");
            let (setup, column_bits) = choose(&options.setup, &program)?;
            phases.begin("committing to the weights");
            phases.part(plan.done(Part::Commit, 0.0));
            keygen(program, weights, &setup, column_bits, ports, &mut randomness)
        }
        Some(folder) => keygen_alike(program, ports, (&folder.proving, &folder.verifying)),
    }
    .map_err(|error| match error {
        KeygenError::Model => Failure::new(Kind::Mismatch, error.to_string()),
        KeygenError::Key(_) | KeygenError::Program(_) => Failure::usage(error.to_string()),
    })?;
    let cost = predict(&verifying.program, verifying.setup.decider(), verifying.column_bits)?;
    report.predictions = Some(Predictions {
        proof_bytes: Some(cost.proof_bytes as u64),
        prove_seconds: Some(cost.prove_seconds),
        memory_bytes: Some(cost.memory_bytes as u64),
    });
    let known = base.as_ref().and_then(|folder| folder.proof(level));
    let make = || model_proof::make(&proving, &verifying, level, randomness.fork(), (phases, &plan));
    let proof = known.map_or_else(make, Ok)?;
    let (file, files) = Files::new(inputs, outputs, &proving, &verifying, Some(proof))?;
    let compiled = Compiled::new(Model::new(file, proving, verifying)?, files, report)?;
    Ok(Compiled { seeded: options.test_seed.is_some(), asked: options.bits, ..compiled })
}

/// A port as a key has it.
pub(crate) fn key_port(port: &Port) -> KeyPort {
    KeyPort { name: port.name.clone(), shape: port.shape.clone(), element: port.element }
}

impl Compiled {
    fn new(mut model: Model, files: Files, report: Report) -> Result<Self, Failure> {
        let key = &model.verifying;
        let setup = key.setup.describe();
        let layout = key.layout().map_err(|e| Failure::usage(e.to_string()))?;
        let (matrices, rows) = describe::matrices(key, &layout);
        let mut lines = vec![
            ("setup", setup.name.clone()),
            ("", setup.trust.to_owned()),
            ("matrices", matrices),
            ("model digest", model.model_digest()),
            ("key digest", model.key_digest().to_owned()),
        ];
        lines.extend(report.predictions.iter().map(|p| ("predicted", predicted(p))));
        let warning = imprecise(&report);
        let warnings: Vec<String> = warning.iter().cloned().chain(sparse(&report, model.inputs())).collect();
        let json = serde_json::to_value(&report).map_err(|e| Failure::internal(format!("{REPORT}: {e}")))?;
        let Value::Object(mut json) = json else { return Err(Failure::internal(format!("{REPORT}: it is no object"))) };
        let sizes = files.sizes().into_iter().map(|(name, bytes)| (name.to_owned(), json!(bytes)));
        let fields = [
            ("warning", json!(warning)),
            ("warnings", json!(warnings)),
            ("setup", json!(setup)),
            ("columns", json!(1u64 << key.column_bits)),
            ("rows", rows),
            ("model_digest", json!(model.model_digest())),
            ("key_digest", json!(model.key_digest())),
            ("files", sizes.collect::<serde_json::Map<_, _>>().into()),
        ];
        json.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        let mut bytes = serde_json::to_vec_pretty(&json).map_err(|e| Failure::internal(format!("{REPORT}: {e}")))?;
        bytes.push(b'\n');
        (model.proof, model.report) = (files.bytes(MODEL).map(<[u8]>::to_vec), Some(bytes));
        let insecure = setup.insecure;
        Ok(Self { model, files, report, warning, warnings, json, lines, insecure, seeded: false, asked: None })
    }

    /// What the compiler found out.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// What a user must know of the errors, if they are large or not known.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The same, and what the samples leave open.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The bytes of a file of the folder.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.files.bytes(name)
    }

    /// For programs: the report, with setup, digests and sizes.
    pub fn json(&self) -> Value {
        Value::Object(self.json.clone())
    }

    /// For people, of a model that was written to a folder.
    pub fn text(&self, dir: &str) -> String {
        let sizes = self.files.sizes();
        let written: Vec<String> = sizes.iter().map(|(name, bytes)| format!("{name} ({})", show::bytes(*bytes))).collect();
        let mut lines = self.lines.clone();
        lines.push(("written", format!("{dir}: {}, {REPORT}", written.join(", "))));
        let legend = legend(&self.report);
        let advice = advice(&self.report, self.asked, &self.model.verifying.setup);
        let mut text = format!("{}\n{legend}\n{}\n{advice}", self.report, show::lines(&lines));
        for warning in &self.warnings {
            text.push_str(&format!("\nWARNING: {}\n", show::plain(warning)));
        }
        if self.insecure {
            text.push_str(
                "\nWARNING: this setup is INSECURE. Anybody can forge proofs for this key. For tests and benchmarks only.\n",
            );
        }
        if self.seeded {
            text.push_str("\nWARNING: these keys come from a test seed: whoever knows it can read the weights.\n");
        }
        text
    }

    /// Writes the five files.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&self, place: Destination) -> Result<Option<Replaced>, Failure> {
        let replaced = place.replaced(&self.model.verifying);
        self.files.write(place, self.model.report_json())?;
        Ok(replaced)
    }
}

/// What a proof will cost, in words.
pub(crate) fn predicted(p: &Predictions) -> String {
    format!(
        "proof {}, {} of one core, {} of memory",
        show::bytes(p.proof_bytes.unwrap_or(0) as usize),
        show::seconds(p.prove_seconds.unwrap_or(0.0)),
        show::bytes(p.memory_bytes.unwrap_or(0) as usize)
    )
}

/// What the samples leave open.
fn sparse(report: &Report, inputs: &[Port]) -> Vec<String> {
    if report.samples == 0 {
        let one = |port: &Port| {
            let [lo, hi] = port.limits(0).map(show::number);
            format!("`{}` from {lo} to {hi}", port.name)
        };
        let ranges: Vec<String> = inputs.iter().map(one).collect();
        return vec![format!("without samples a program takes inputs in an assumed range only: {}.", ranges.join(", "))];
    }
    let mut warnings = Vec::new();
    if report.samples < FEW {
        let samples = show::things(report.samples, "calibration sample");
        warnings.push(format!(
            "{samples} say little of the values that inputs take: others may be refused, or less exact than the report says. Give some tens."
        ));
    }
    let reach = |gap: &Gap| {
        let port = inputs.iter().find(|port| port.name == gap.input)?;
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
