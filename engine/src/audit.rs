//! `audit`: is the program of a key the lowering of a model? Nobody needs the weights to tell.

use crate::blob::Blob;
use crate::failure::Failure;
use crate::files;
use crate::folder::read_verifying_key;
use crate::refusals::import_failure;
use crate::watch::guarded;
use serde_json::{Value, json};
use zktorch_blocks::program::{Program, Role, Tensor};
use zktorch_compiler::audit::{AuditError, Renamed, audit as compare};
use zktorch_compiler::goal::Temperature;
use zktorch_compiler::graph::Graph;
use zktorch_compiler::import::{ImportError, ImportOptions, load_bytes, load_path};
use zktorch_compiler::quantise::Settings;
use zktorch_compiler::{Goal, Problem, extend};
use zktorch_verdict::show;
use zktorch_verifier::key::{KeyPort, VerifyingKey};

/// A model has at most this many numbers for each that a key commits to (normalisations are folded into weights), and so many more.
const FOLDED: usize = 4;
const SPARE: usize = 1 << 20;
/// What may be behind a rejection.
const WITHHELD: &str = "if the file lacks its weights, a tensor that decides what the program looks like (such as a mask that the model computes) \
may be among them: audit the whole model to find out";
/// A weight of fewer bits is worth a word.
const COARSE: u32 = 6;

/// Whether a key's program is a model's.
#[derive(Clone, Debug)]
pub struct Audited {
    accepted: bool,
    text: String,
    json: Value,
}

impl Audited {
    /// Whether it is.
    pub fn accepted(&self) -> bool {
        self.accepted
    }

    /// For people.
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        self.json.clone()
    }
}

/// Lowers a model, which may lack its weights, by the annotations of a key, and compares the result with the key's program.
///
/// # Errors
/// If the key or the model cannot be read.
pub fn audit(model: &Blob, key: &Blob) -> Result<Audited, Failure> {
    guarded(|| audited(model, key))
}

fn audited(model: &Blob, key_blob: &Blob) -> Result<Audited, Failure> {
    if let Blob::Path(path) = model {
        files::readable(path)?;
    }
    let key = read_verifying_key(key_blob)?;
    // A key that is not well formed has no sizes to go by.
    key.layout().map_err(|e| key_blob.failure("audit", e))?;
    let weights: usize = weights(&key.program).map(|t| t.shape.len()).sum();
    let goal = Goal::claimed(&key.program);
    let options = ImportOptions {
        input_shapes: key.inputs.iter().take(goal.own_inputs(key.inputs.len())).map(|p| p.shape.clone()).collect(),
        withheld: Some(FOLDED * weights + SPARE),
        ..ImportOptions::default()
    };
    let graph = match model {
        Blob::Path(path) => load_path(path, &options),
        Blob::Bytes { bytes, .. } => load_bytes(bytes, &options),
    };
    let answer = match graph {
        Ok(graph) => {
            let asked = extend(goal, &graph).map_err(AuditError::from).map_err(Other::from);
            asked.and_then(|asked| ports(&asked, &key)).and_then(|ports| {
                let inner = compare(&graph, &key.program)?;
                Ok(Names { ports, inner })
            })
        }
        Err(
            error @ (ImportError::InputShape { .. } | ImportError::InputShapeCount { .. } | ImportError::Withheld { .. }),
        ) => Err(Other::Import(error)),
        Err(error) => return Err(import_failure(model, &error)),
    };
    let program = key.program_digest().map_err(|e| key_blob.failure("audit", e))?;
    Ok(describe(&model.name(), (&key, show::hex(&program)), weights, &answer))
}

/// Why the key's program is not the model's.
#[derive(Debug, thiserror::Error)]
enum Other {
    #[error("the model's {what}s are {model}, the key's {key}")]
    Ports { what: &'static str, model: String, key: String },
    /// The key's inputs are none that the model can have.
    #[error(transparent)]
    Import(ImportError),
    #[error("{}", reason(.0))]
    Program(#[from] AuditError),
}

/// Why programs differ, on one line: what helps a compilation helps no audit.
fn reason(error: &AuditError) -> String {
    let AuditError::Lower(error) = error else { return error.to_string() };
    let one = |p: &Problem| format!("node `{}` ({}): {}", p.node, p.op, p.why);
    let problems: Vec<String> = error.problems.iter().map(one).collect();
    format!("the model cannot be lowered by the key's annotations: {}", problems.join("; "))
}

/// Names that differ, where nothing else does.
struct Names {
    /// Of inputs and outputs: what each is, its name in the model and in the key.
    ports: Vec<(String, String, String)>,
    /// Of the program's tensors.
    inner: Vec<Renamed>,
}

impl Names {
    fn differ(&self) -> bool {
        !self.ports.is_empty() || !self.inner.is_empty()
    }

    /// What a person has to know of them.
    fn text(&self) -> String {
        let port = |(what, model, key): &(String, String, String)| format!("{what} `{model}` is called `{key}` in the key");
        let ports = self.ports.iter().map(port).chain((!self.inner.is_empty()).then(|| {
            format!("{} of the program have other names than by this file", show::things(self.inner.len(), "tensor"))
        }));
        format!("only names differ: {}", ports.collect::<Vec<_>>().join("; "))
    }

    fn json(&self) -> Value {
        let port = |(what, model, key): &(String, String, String)| json!({ "what": what, "model": model, "key": key });
        json!({ "ports": self.ports.iter().map(port).collect::<Vec<_>>(), "tensors": self.inner.len() })
    }
}

/// Whether inputs and outputs are the model's; which of them have other names. A name that is another one's in the model would make
/// people take one value for another.
fn ports(graph: &Graph, key: &VerifyingKey) -> Result<Vec<(String, String, String)>, Other> {
    let port =
        |name: &str, id| KeyPort { name: name.to_owned(), shape: graph.shape(id).to_vec(), element: graph.element(id) };
    let inputs: Vec<KeyPort> = graph.inputs().iter().map(|&id| port(&graph.node(id).name, id)).collect();
    let outputs: Vec<KeyPort> = graph.outputs().iter().zip(graph.output_names()).map(|(&id, name)| port(name, id)).collect();
    let text = |ports: &[KeyPort]| {
        let one = |p: &KeyPort| format!("`{}` [{}] {}", p.name, show::shape(&p.shape), p.element.name());
        ports.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let mut renamed = Vec::new();
    for (what, model, key) in [("input", &inputs, &key.inputs), ("output", &outputs, &key.outputs)] {
        let differ = || Err(Other::Ports { what, model: text(model), key: text(key) });
        let like = |port: &KeyPort| (port.shape.clone(), port.element);
        if !model.iter().map(like).eq(key.iter().map(like)) {
            return differ();
        }
        for (own, theirs) in model.iter().zip(key).filter(|(own, theirs)| own.name != theirs.name) {
            if inputs.iter().chain(&outputs).any(|port| port.name == theirs.name) {
                return differ();
            }
            renamed.push((what.to_owned(), own.name.clone(), theirs.name.clone()));
        }
    }
    Ok(renamed)
}

fn weights(program: &Program) -> impl Iterator<Item = &Tensor> {
    program.tensors.iter().filter(|t| t.role() == Role::Weight)
}

fn describe(
    model: &str,
    (key, digest): (&VerifyingKey, String),
    weights_in_key: usize,
    answer: &Result<Names, Other>,
) -> Audited {
    let settings = Settings::of(&key.program);
    let widths: Vec<u32> = weights(&key.program).map(|t| t.interval.bits()).collect();
    let coarse: Vec<&str> = weights(&key.program).filter(|t| t.interval.bits() < COARSE).map(|t| t.name.as_str()).collect();
    let mut lines = Vec::new();
    match answer {
        Ok(names) => {
            lines.push(("audit", format!("accepted: the key's program is the lowering of `{}`", model)));
            if names.differ() {
                lines.push(("NOTE", names.text()));
            }
            let whose = if names.differ() { "of the key, under the key's names" } else { "of the model as of the key" };
            lines.push(("program digest", format!("{digest}, {whose}")));
        }
        Err(why) => {
            lines.push(("audit", format!("REJECTED: the key's program is not the lowering of `{}`", model)));
            lines.push(("reason", why.to_string()));
            lines.push(("", WITHHELD.to_owned()));
            lines.push(("program digest", format!("{digest}, of the key")));
        }
    }
    let range = widths.iter().min().zip(widths.iter().max());
    if let (Ok(_), Some((lo, hi))) = (answer, range) {
        let tables = settings.map_or(String::new(), |s| format!(", functions of {} bits", s.bits));
        let text = format!("{} of {lo} to {hi} bits{tables}: the maker's choice", show::things(weights_in_key, "weight"));
        lines.push(("precision", text));
        if !coarse.is_empty() {
            lines.push(("NOTE", format!("weights of fewer than {COARSE} bits: {}", coarse.join(", "))));
        }
    }
    let temperature = match Goal::claimed(&key.program) {
        Goal::Sample { temperature, .. } if answer.is_ok() => Some(temperature),
        _ => None,
    };
    lines.extend(temperature.map(|temperature| ("temperature", temperature.to_string())));
    lines.push(("not looked at", "the weights' values: proofs are about those of the model digest".into()));
    lines.push(("model digest", show::hex(&key.model_digest())));
    let tensor =
        |t: &Tensor| json!({ "name": t.name, "shape": t.shape.dims(), "scale": t.scale, "bits": t.interval.bits() });
    let with = |role: Role| -> Vec<Value> { key.program.tensors.iter().filter(|t| t.role() == role).map(tensor).collect() };
    let json = json!({
        "verdict": if answer.is_ok() { "accepted" } else { "rejected" },
        "reason": answer.as_ref().err().map(ToString::to_string),
        "other_names": answer.as_ref().ok().map(Names::json),
        "program_digest": digest,
        "model_digest": show::hex(&key.model_digest()),
        "bits": settings.map(|s| s.bits),
        "temperature": temperature.map(Temperature::get),
        "weights": with(Role::Weight),
        "activations": with(Role::Witness),
    });
    Audited { accepted: answer.is_ok(), text: show::lines(&lines), json }
}
