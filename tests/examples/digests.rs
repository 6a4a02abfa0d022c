//! Digests of what the compiler and the prover make under a test seed, to compare two commits:
//! `cargo run --release -p zktorch-tests --example digests > before.txt`.
//!
//! One line a model: of the program with its weights, of the verifying key, and of a proof, for every classifier of the zoo and every case that
//! compiles. Classifiers that take long are compiled only; `--only NAME` restricts to names that contain it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use zktorch_accumulator::setup::Setup;
use zktorch_compiler::import::{ImportOptions, Model, model_path};
use zktorch_compiler::inputs::{InputSpec, read};
use zktorch_compiler::{Compiled, Options, Port, compile_model};
use zktorch_models::zoo::Zoo;
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_tests::classifiers;
use zktorch_verifier::key::KeyPort;

/// A model, its samples, and whether it is proved.
struct Subject {
    name: String,
    model: Model,
    samples: Vec<Vec<ArrayD<f64>>>,
    proved: bool,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only =
        arguments.iter().position(|a| a == "--only").and_then(|at| arguments.get(at + 1)).cloned().unwrap_or_default();
    let Some(zoo) = Zoo::locate_or_skip("digests") else { std::process::exit(2) };
    let setup = Setup::insecure(12).expect("in range");
    let small = classifiers::SMALL.into_iter().map(|name| (name, true));
    for (name, proved) in small.chain(classifiers::LARGE.into_iter().map(|name| (name, false))) {
        if name.contains(&only) {
            println!("{}", line(&classifier(&zoo, name, proved), &setup));
        }
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(zoo.root().join("cases"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir() && path.to_string_lossy().contains(&only))
        .collect();
    folders.sort();
    let lines: Vec<String> = folders.par_iter().filter_map(|folder| Some(line(&case(folder)?, &setup))).collect();
    println!("{}", lines.join("\n"));
}

fn classifier(zoo: &Zoo, name: &str, proved: bool) -> Subject {
    let files = zoo.model(name).expect("it is there");
    let model = model_path(&files.onnx, &ImportOptions::default()).expect("it imports");
    let shape = model.graph.shape(model.graph.inputs()[0]).to_vec();
    let input = files.read_inputs().expect("a sample")[0].values.to_f64();
    let sample = ArrayD::from_shape_vec(IxDyn(&shape), input).expect("values of the shape");
    Subject { name: name.to_owned(), model, samples: vec![vec![sample]], proved }
}

/// The case in a folder, if it imports.
fn case(folder: &Path) -> Option<Subject> {
    let model = model_path(&folder.join("model.onnx"), &ImportOptions::default()).ok()?;
    let specs = InputSpec::of(&model.graph);
    let file = [folder.join("calib.npy"), folder.join("input.json")].into_iter().find(|file| file.exists())?;
    let name = folder.file_name()?.to_string_lossy().into_owned();
    Some(Subject { name, model, samples: read(&file, &specs).ok()?, proved: true })
}

fn line(subject: &Subject, setup: &Setup) -> String {
    let name = &subject.name;
    match compile_model(&subject.model, &subject.samples, &Options::default()) {
        Ok(compiled) => format!("{name} {}", digests(compiled, subject, setup)),
        Err(error) => format!("{name} refused {}", digest(error.to_string().as_bytes())),
    }
}

fn digests(compiled: Compiled, subject: &Subject, setup: &Setup) -> String {
    let weights: BTreeMap<_, Vec<i64>> = compiled.weights.iter().map(|(&id, values)| (id, values.to_vec())).collect();
    let program = digest(&serde_json::to_vec(&(&compiled.program, weights)).expect("serialises"));
    if !subject.proved {
        return program;
    }
    let ports = |ports: &[Port]| -> Vec<KeyPort> {
        ports.iter().map(|p| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element }).collect()
    };
    let quantise = |(port, values): (&Port, &ArrayD<f64>)| port.quantise(&values.iter().copied().collect::<Vec<_>>());
    let integers = compiled.inputs.iter().zip(&subject.samples[0]).map(quantise).collect::<Result<Vec<_>, _>>();
    let integers = integers.expect("a sample is in range");
    let both = [ports(&compiled.inputs), ports(&compiled.outputs)];
    let mut randomness = Randomness::insecure_seed(1);
    let (proving, verifying) = keygen(compiled.program, compiled.weights, setup, 12, both, &mut randomness).expect("keys");
    let key = digest(&verifying.to_bytes().expect("encodes"));
    let proof = match Prover::new(&proving, &verifying, randomness).prove(&integers) {
        Ok(proved) => digest(&proved.proof.to_bytes().expect("encodes")),
        Err(error) => format!("unproved {}", digest(error.to_string().as_bytes())),
    };
    format!("{program} {key} {proof}")
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
