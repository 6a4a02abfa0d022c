//! `audit`: is the program of a key the lowering of a model? Nobody needs the weights to tell.

use crate::args::Audit;
use crate::failure::Failure;
use crate::files;
use crate::folder::read_verifying_key;
use crate::outcome::Outcome;
use crate::pipeline::import_failure;
use crate::show;
use serde_json::{Value, json};
use zktorch_blocks::program::{Program, Role, Tensor};
use zktorch_compiler::audit::audit;
use zktorch_compiler::graph::Graph;
use zktorch_compiler::import::{ImportError, ImportOptions, load_path};
use zktorch_compiler::quantise::Settings;
use zktorch_verifier::key::{Port, VerifyingKey};

/// A model has at most this many numbers for each that a key commits to (normalisations are folded into weights), and so many more.
const FOLDED: usize = 4;
const SPARE: usize = 1 << 20;
/// A weight of fewer bits is worth a word.
const COARSE: u32 = 6;

pub fn command(args: &Audit) -> Result<Outcome, Failure> {
    files::readable(&args.model)?;
    let key = read_verifying_key(&args.key)?;
    // A key that is not well formed has no sizes to go by.
    key.layout().map_err(|e| Failure::file("audit", &args.key, e))?;
    let weights: usize = weights(&key.program).map(|t| t.shape.len()).sum();
    let options = ImportOptions {
        input_shapes: key.inputs.iter().map(|p| p.shape.clone()).collect(),
        withheld: Some(FOLDED * weights + SPARE),
        ..ImportOptions::default()
    };
    let answer = match load_path(&args.model, &options) {
        Ok(graph) => ports(&graph, &key).and_then(|()| audit(&graph, &key.program).map_err(|e| e.to_string())),
        Err(
            error @ (ImportError::InputShape { .. } | ImportError::InputShapeCount { .. } | ImportError::Withheld { .. }),
        ) => Err(error.to_string()),
        Err(error) => return Err(import_failure(&args.model, &error)),
    };
    describe(args, &key, weights, &answer)
}

/// Whether names and shapes of inputs and outputs are the model's.
fn ports(graph: &Graph, key: &VerifyingKey) -> Result<(), String> {
    let port = |name: &str, id| Port { name: name.to_owned(), shape: graph.shape(id).to_vec(), element: graph.element(id) };
    let inputs: Vec<Port> = graph.inputs().iter().map(|&id| port(&graph.node(id).name, id)).collect();
    let outputs: Vec<Port> = graph.outputs().iter().zip(graph.output_names()).map(|(&id, name)| port(name, id)).collect();
    let text = |ports: &[Port]| {
        let one = |p: &Port| format!("`{}` [{}] {}", p.name, show::shape(&p.shape), p.element.name());
        ports.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    for (what, model, key) in [("inputs", &inputs, &key.inputs), ("outputs", &outputs, &key.outputs)] {
        if model != key {
            return Err(format!("the model's {what} are {}, the key's {}", text(model), text(key)));
        }
    }
    Ok(())
}

fn weights(program: &Program) -> impl Iterator<Item = &Tensor> {
    program.tensors.iter().filter(|t| t.role() == Role::Weight)
}

fn describe(
    args: &Audit,
    key: &VerifyingKey,
    weights_in_key: usize,
    answer: &Result<(), String>,
) -> Result<Outcome, Failure> {
    let digest = show::hex(&key.program_digest().map_err(|e| Failure::file("audit", &args.key, e))?);
    let settings = Settings::of(&key.program);
    let widths: Vec<u32> = weights(&key.program).map(|t| t.interval.bits()).collect();
    let coarse: Vec<&str> = weights(&key.program).filter(|t| t.interval.bits() < COARSE).map(|t| t.name.as_str()).collect();
    let mut lines = Vec::new();
    match answer {
        Ok(()) => {
            lines.push(("audit", format!("accepted: the key's program is the lowering of `{}`", args.model.display())));
            lines.push(("program digest", format!("{digest}, of the model as of the key")));
        }
        Err(why) => {
            lines.push(("audit", format!("REJECTED: the key's program is not the lowering of `{}`", args.model.display())));
            lines.push(("reason", why.clone()));
            lines.push(("program digest", format!("{digest}, of the key")));
        }
    }
    let range = widths.iter().min().zip(widths.iter().max());
    if let (Ok(()), Some((lo, hi))) = (answer, range) {
        let tables = settings.map_or(String::new(), |s| format!(", functions of {} bits", s.bits));
        let text = format!("{} of {lo} to {hi} bits{tables}: the maker's choice", show::things(weights_in_key, "weight"));
        lines.push(("precision", text));
        if !coarse.is_empty() {
            lines.push(("NOTE", format!("weights of fewer than {COARSE} bits: {}", coarse.join(", "))));
        }
    }
    lines.push(("not looked at", "the weights' values: proofs are about those of the model digest".into()));
    lines.push(("model digest", show::hex(&key.model_digest())));
    let tensor =
        |t: &Tensor| json!({ "name": t.name, "shape": t.shape.dims(), "scale": t.scale, "bits": t.interval.bits() });
    let with = |role: Role| -> Vec<Value> { key.program.tensors.iter().filter(|t| t.role() == role).map(tensor).collect() };
    let json = json!({
        "verdict": if answer.is_ok() { "accepted" } else { "rejected" },
        "reason": answer.as_ref().err(),
        "program_digest": digest,
        "model_digest": show::hex(&key.model_digest()),
        "bits": settings.map(|s| s.bits),
        "weights": with(Role::Weight),
        "activations": with(Role::Witness),
    });
    Ok(Outcome { accepted: answer.is_ok(), text: show::lines(&lines), json })
}
