//! `inspect`: what a file or folder contains.

use crate::blob::Blob;
use crate::failure::{Failure, Kind as FailureKind};
use crate::folder::{MODEL, PROGRAM, PROVING, ProgramFile, REPORT, VERIFYING, decoded};
use crate::header::kind;
use crate::watch::guarded;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use zktorch_blocks::port::Port;
use zktorch_blocks::program::{Limits, Program, Role, TensorId};
use zktorch_compiler::report::GroupError;
use zktorch_prover::ProvingKey;
use zktorch_verdict::{describe, show};
use zktorch_verifier::codec::{Kind, decode};
use zktorch_verifier::commitment::Commitment;
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof};
use zktorch_verifier::proof::Proof;

/// What a file or folder contains, in both formats.
#[derive(Clone, Debug)]
pub struct Inspected {
    name: String,
    kind: &'static str,
    lines: Vec<(&'static str, String)>,
    json: serde_json::Map<String, Value>,
}

/// Says what a file, or a folder that was made by compiling, contains.
///
/// # Errors
/// If it is none of ours, or damaged.
pub fn inspect(blob: &Blob) -> Result<Inspected, Failure> {
    guarded(|| {
        let found = match blob {
            Blob::Path(path) if path.is_dir() => folder(path)?,
            _ => file(blob.path(), &blob.read()?)?,
        };
        Ok(Inspected { name: blob.name(), ..found })
    })
}

impl Inspected {
    fn new(kind: &'static str) -> Self {
        Self { name: String::new(), kind, lines: Vec::new(), json: serde_json::Map::new() }
    }

    /// Adds a fact: a line for people, a field for programs.
    fn add(&mut self, label: &'static str, text: impl Into<String>, field: &str, value: Value) {
        self.lines.push((label, text.into()));
        self.json.insert(field.into(), value);
    }

    /// Warns of randomness from a fixed seed.
    fn seeded(&mut self, seeded: bool) {
        if seeded {
            self.add("WARNING", "made with a fixed seed: it hides nothing", "seeded", json!(true));
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        format!("{}: {}\n{}", self.name, self.kind, show::lines(&self.lines))
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let mut map = self.json.clone();
        map.insert("kind".into(), json!(self.kind));
        Value::Object(map)
    }
}

fn folder(dir: &Path) -> Result<Inspected, Failure> {
    let program = ProgramFile::read(dir)?;
    let key = program.verifying_key(dir)?;
    program.check_others(dir, &key.model_digest())?;
    let mut found = Inspected::new("compiled model");
    describe_key(&mut found, &key)?;
    if let Some(report) = std::fs::read(dir.join(REPORT)).ok().and_then(|b| serde_json::from_slice::<Value>(&b).ok()) {
        describe_report(&mut found, &report);
    }
    let size = |name: &str| std::fs::metadata(dir.join(name)).ok().map(|m| m.len() as usize);
    let sizes = [PROGRAM, PROVING, VERIFYING, MODEL, REPORT].map(|name| (name, size(name)));
    let text: Vec<String> =
        sizes.iter().map(|(name, n)| format!("{name} {}", n.map_or("ABSENT".into(), show::bytes))).collect();
    found.add(
        "files",
        text.join(", "),
        "files",
        sizes.iter().map(|(name, n)| ((*name).to_owned(), json!(n))).collect::<serde_json::Map<_, _>>().into(),
    );
    Ok(found)
}

fn describe_report(found: &mut Inspected, report: &Value) {
    if let Some(error) = report.get("output_error").and_then(Value::as_f64) {
        let group = report.pointer("/accuracy/worst/0").and_then(|group| GroupError::deserialize(group).ok());
        let text = match group {
            Some(group) => format!("{} (largest error on the calibration samples)", group.describe()),
            None => format!("{:.3} % (largest error on the calibration samples)", 100.0 * error),
        };
        found.add("error", text, "output_error", json!(error));
    }
    if let Some(p) = report.get("predictions") {
        let number = |name: &str| p.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let text = format!(
            "proof {}, {} of one core, {} of memory",
            show::bytes(number("proof_bytes") as usize),
            show::seconds(number("prove_seconds")),
            show::bytes(number("memory_bytes") as usize)
        );
        found.add("predicted", text, "predictions", p.clone());
    }
}

fn file(path: &Path, bytes: &[u8]) -> Result<Inspected, Failure> {
    let mut found = match kind(bytes) {
        Some(Kind::Program) => program(path, bytes),
        Some(Kind::ProvingKey) => proving_key(path, bytes),
        Some(Kind::VerifyingKey) => {
            let mut found = Inspected::new("verifying key");
            describe_key(&mut found, &decoded(path, VerifyingKey::from_bytes(bytes))?)?;
            Ok(found)
        }
        Some(Kind::Proof) => proof(path, bytes),
        Some(Kind::ModelProof) => model_proof(path, bytes),
        Some(Kind::Commitment) => commitment(path, bytes),
        Some(Kind::Opening) => {
            let mut found = Inspected::new("opening");
            let what = "contains private values and the blinders of their commitments: keep it";
            found.add("secret", what, "secret", json!(true));
            Ok(found)
        }
        None => report(bytes).ok_or_else(|| {
            Failure::file("inspect", path, "not a zktorch file")
                .hint("expected a program, a key, a proof, a report, or a folder made by `zktorch compile`")
        }),
    }?;
    found.add("size", show::bytes(bytes.len()), "file_bytes", json!(bytes.len()));
    Ok(found)
}

fn program(path: &Path, bytes: &[u8]) -> Result<Inspected, Failure> {
    let file: ProgramFile = decoded(path, decode(Kind::Program, bytes))?;
    file.program.validate(&Limits::default()).map_err(|e| Failure::file("read", path, e))?;
    let mut found = Inspected::new("program");
    let port = |p: &Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
    let [inputs, outputs] = [&file.inputs, &file.outputs].map(|ports| ports.iter().map(port).collect::<Vec<_>>());
    describe_program(&mut found, &file.program, &inputs, &outputs);
    Ok(found)
}

fn proving_key(path: &Path, bytes: &[u8]) -> Result<Inspected, Failure> {
    let key = decoded(path, ProvingKey::from_bytes(bytes))?;
    let weights: usize = key.weights.values().map(|w| w.len()).sum();
    let mut found = Inspected::new("proving key");
    let what = "contains the weights and the blinders of their commitments: keep it";
    found.add("secret", what, "secret", json!(true));
    let text = format!("{} in {}", show::things(weights, "weight"), show::things(key.weights.len(), "tensor"));
    found.add("weights", text, "weights", json!(weights));
    found.add("generators", show::count(key.generators.columns()), "columns", json!(key.generators.columns()));
    Ok(found)
}

fn proof(path: &Path, bytes: &[u8]) -> Result<Inspected, Failure> {
    let proof = decoded(path, Proof::from_bytes(bytes))?;
    let mut found = Inspected::new("proof");
    found.add("status", "not checked: use `zktorch verify`", "status", json!("unchecked"));
    found.add("key digest", show::hex(&proof.key), "key_digest", json!(show::hex(&proof.key)));
    let values: Vec<usize> = proof.statement.iter().map(Vec::len).collect();
    let text = format!("{} in {}", show::things(values.iter().sum(), "value"), show::things(values.len(), "tensor"));
    found.add("public", text, "public_values", json!(values));
    found.add("messages", show::bytes(proof.bytes.len()), "proof_bytes", json!(proof.bytes.len()));
    found.seeded(proof.seeded);
    Ok(found)
}

fn model_proof(path: &Path, bytes: &[u8]) -> Result<Inspected, Failure> {
    let proof = decoded(path, ModelProof::from_bytes(bytes))?;
    let mut found = Inspected::new("model proof");
    let status = "not checked: `zktorch verify` does, at the first use of a key";
    found.add("status", status, "status", json!("unchecked"));
    found.add("model digest", show::hex(&proof.model), "model_digest", json!(show::hex(&proof.model)));
    let (text, level) = match proof.level {
        Level::Widths => ("weights are integers of their declared widths, with zero padding", "widths"),
        Level::Padding => ("weights have zero padding", "padding"),
    };
    found.add("says", text, "level", json!(level));
    found.add("parts", show::count(proof.parts.len()), "parts", json!(proof.parts.len()));
    found.seeded(proof.seeded);
    Ok(found)
}

fn commitment(path: &Path, bytes: &[u8]) -> Result<Inspected, Failure> {
    let commitment = decoded(path, Commitment::from_bytes(bytes))?;
    let mut found = Inspected::new("commitment");
    for c in &commitment.tensors {
        let text = format!("{} [{}] at scale {}: {}", c.name, show::shape(&c.shape), c.scale, show::hex(&c.digest()));
        found.lines.push(("tensor", text));
    }
    let tensors = commitment.tensors.iter().map(describe::committed).collect();
    found.json.insert("tensors".into(), Value::Array(tensors));
    let setup = commitment.setup.describe();
    found.add("setup", setup.name.clone(), "setup", json!(setup));
    Ok(found)
}

/// The report that `compile` leaves.
fn report(bytes: &[u8]) -> Option<Inspected> {
    let report: Value = serde_json::from_slice(bytes).ok()?;
    let mut found = Inspected::new("report of a compilation");
    for (field, label) in [("model_digest", "model digest"), ("key_digest", "key digest")] {
        let digest = report.get(field)?.as_str()?;
        found.add(label, digest, field, json!(digest));
    }
    describe_report(&mut found, &report);
    Some(found)
}

fn describe_key(found: &mut Inspected, key: &VerifyingKey) -> Result<(), Failure> {
    // Nothing is said of a key that is not well formed: its sizes need not even fit in a word.
    let layout = key.layout().map_err(|e| Failure::new(FailureKind::File, e.to_string()))?;
    describe_program(found, &key.program, &key.inputs, &key.outputs);
    let setup = key.setup.describe();
    found.add("setup", setup.name.clone(), "setup", json!(setup));
    found.lines.push(("", setup.trust.to_owned()));
    if setup.insecure {
        found.lines.push(("WARNING", "anybody can forge proofs for this key".into()));
    }
    let bits = describe::soundness_bits(key);
    found.add("soundness", format!("{bits} bits"), "soundness_bits", json!(bits));
    let (matrices, rows) = describe::matrices(key, &layout);
    found.add("matrices", matrices, "rows", rows);
    found.json.insert("columns".into(), json!(1u64 << key.column_bits));
    let digest = key.digest().map_err(|e| Failure::new(FailureKind::File, e.to_string()))?;
    found.add("model digest", show::hex(&key.model_digest()), "model_digest", json!(show::hex(&key.model_digest())));
    found.add("key digest", show::hex(&digest), "key_digest", json!(show::hex(&digest)));
    Ok(())
}

fn describe_program(found: &mut Inspected, program: &Program, inputs: &[KeyPort], outputs: &[KeyPort]) {
    let describe = |ids: &[TensorId], ports: &[KeyPort]| -> (String, Value) {
        let text = |(&id, port): (&TensorId, &KeyPort)| {
            let role = program.tensors.get(id).map_or(Role::Witness, |t| t.role());
            let seen = if role == Role::Public { "public" } else { "private" };
            (
                format!("{} [{}] {seen}", port.name, show::shape(&port.shape)),
                json!({ "name": port.name, "shape": port.shape, "element": port.element.name(), "visibility": seen }),
            )
        };
        let (texts, values): (Vec<_>, Vec<_>) = ids.iter().zip(ports).map(text).unzip();
        (texts.join(", "), Value::Array(values))
    };
    let (text, value) = describe(&program.inputs, inputs);
    found.add("inputs", text, "inputs", value);
    let (text, value) = describe(&program.outputs, outputs);
    found.add("outputs", text, "outputs", value);
    let volume =
        |role| program.with_role(role).filter_map(|id| program.tensors.get(id)).map(|t| t.shape.len()).sum::<usize>();
    let (weights, witness) = (volume(Role::Weight), volume(Role::Witness));
    let text = format!(
        "{} ({} weights, {} committed values)",
        show::count(program.tensors.len()),
        show::count(weights),
        show::count(witness)
    );
    found.add("tensors", text, "tensors", json!(program.tensors.len()));
    let lookups: usize =
        program.lookups.iter().filter_map(|l| program.tensors.get(*l.columns.first()?)).map(|t| t.shape.len()).sum();
    let rows: usize = program.tables.iter().map(|t| t.rows).sum();
    let text = format!(
        "{} of {}, in {} of {} rows",
        show::things(program.lookups.len(), "lookup"),
        show::things(lookups, "value"),
        show::things(program.tables.len(), "table"),
        show::count(rows)
    );
    found.add(
        "lookups",
        text,
        "lookups",
        json!({ "instances": program.lookups.len(), "values": lookups, "tables": program.tables.len(), "table_rows": rows }),
    );
    found.json.insert("weights".into(), json!(weights));
    found.json.insert("committed".into(), json!(witness));
}
