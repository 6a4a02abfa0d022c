//! Trained models: the integers classify as the floats do, and the proofs of the zoo's classifiers are accepted.

use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_blocks::program::Program;
use zktorch_compiler::audit::{AuditError, audit};
use zktorch_compiler::graph::Graph;
use zktorch_compiler::import::{ImportOptions, load_bytes, load_path, model_path, strip};
use zktorch_compiler::{Compiled, Options, compile, compile_model};
use zktorch_models::bundled;
use zktorch_models::data::{self, Dataset};
use zktorch_models::zoo::Zoo;
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_tests::classifiers;
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::{Verdict, verify};

/// Samples that set the ranges.
const CALIBRATION: usize = 64;

fn array(shape: &[usize], values: &[f32]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), wide(values)).expect("values of the shape")
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn top1<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> usize {
    let first = |best: Option<(usize, T)>, (i, v): (usize, T)| match best {
        Some((j, w)) if w >= v => Some((j, w)),
        _ => Some((i, v)),
    };
    values.into_iter().enumerate().fold(None, first).expect("a class").0
}

fn compiled(graph: &Graph, samples: &[Vec<f32>]) -> Compiled {
    let shape = graph.shape(graph.inputs()[0]).to_vec();
    let samples: Vec<Vec<ArrayD<f64>>> = samples.iter().map(|s| vec![array(&shape, s)]).collect();
    compile(graph, &samples, &Options::default()).expect("the model compiles")
}

/// The share of images for which integers and floats have the same first class. An image out of range counts as different.
fn agreement(graph: &Graph, compiled: &Compiled, images: &[Vec<f32>]) -> f64 {
    let shape = graph.shape(graph.inputs()[0]).to_vec();
    let same = |image: &Vec<f32>| {
        let float = graph.evaluate(&[array(&shape, image)]).expect("the model runs");
        let Ok(input) = compiled.inputs[0].quantise(&wide(image)) else { return false };
        let trace = match execute(&compiled.program, &compiled.weights, &[input]) {
            Ok(trace) => trace,
            Err(error) => {
                println!("{error}");
                return false;
            }
        };
        let output = trace.values(&compiled.program, compiled.program.outputs[0]);
        top1(output.iter().copied()) == top1(float.outputs()[0].iter().copied())
    };
    images.par_iter().filter(|image| same(image)).count() as f64 / images.len() as f64
}

/// Whether a program is the lowering of a model from which the weights were taken.
fn audited(model: &Path, program: &Program) -> Result<(), AuditError> {
    let bytes = strip(&std::fs::read(model).expect("it is there"), model.parent()).expect("it is a model").bytes;
    let options = ImportOptions { withheld: Some(1 << 24), ..ImportOptions::default() };
    audit(&load_bytes(&bytes, &options).expect("it imports"), program).map(|_| ())
}

#[test]
fn the_bundled_cnn_classifies_as_its_floats_do() {
    let graph = load_bytes(bundled::DIGITS_CNN.onnx, &ImportOptions::default()).expect("it imports");
    let calibration = bundled::digits_calibration().expect("it is there").samples();
    let compiled = compiled(&graph, &calibration);
    let test = bundled::digits_test().expect("it is there");
    let share = agreement(&graph, &compiled, &test.images);
    assert!(share >= 0.998, "{share}");
}

#[test]
fn the_mnist_cnn_of_the_zoo_classifies_as_its_floats_do() {
    let Some(zoo) = Zoo::locate_or_skip("the_mnist_cnn_of_the_zoo_classifies_as_its_floats_do") else { return };
    let model = zoo.model("mnist_cnn_ms").expect("it is there");
    let graph = load_path(&model.onnx, &ImportOptions::default()).expect("it imports");
    let test = data::load(&zoo, Dataset::MnistT10k).expect("it is there");
    let compiled = compiled(&graph, &test.images[..CALIBRATION]);
    let share = agreement(&graph, &compiled, &test.images);
    assert!(share >= 0.998, "{share}");
}

#[test]
fn classifiers_of_the_zoo_are_proved_and_verified() {
    let Some(zoo) = Zoo::locate_or_skip("classifiers_of_the_zoo_are_proved_and_verified") else { return };
    let setup = Setup::insecure(12).expect("in range");
    for name in classifiers::SMALL {
        let model = zoo.model(name).expect("it is there");
        let imported = model_path(&model.onnx, &ImportOptions::default()).expect("it imports");
        let input = model.read_inputs().expect("a sample")[0].values.to_f32();
        let expected = model.read_outputs().expect("its output")[0].values.to_f32();
        let samples = vec![vec![array(imported.graph.shape(imported.graph.inputs()[0]), &input)]];
        let Compiled { program, weights, report, inputs, outputs } =
            compile_model(&imported, &samples, &Options::default()).expect("the model compiles");
        assert_eq!(audited(&model.onnx, &program), Ok(()), "{name}");
        let integers = inputs[0].quantise(&wide(&input)).expect("in range");
        let port = |p: &zktorch_compiler::Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
        let ports = [vec![port(&inputs[0])], vec![port(&outputs[0])]];
        let mut randomness = Randomness::from_os().expect("randomness");
        let (proving, verifying) = keygen(program, weights, &setup, 12, ports, &mut randomness).expect("keys");
        let proved = Prover::new(&proving, &verifying, randomness).prove(&[integers]).expect("a proof");
        assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted), "{name}");

        let proved = outputs[0].dequantise(&proved.outputs[0]);
        let largest = expected.iter().fold(0f64, |m, &v| m.max(f64::from(v).abs()));
        let difference = proved.iter().zip(&expected).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, f64::max);
        // The report compares with tract; onnxruntime's outputs differ from its in the last digits.
        let worst = report.accuracy.expect("there was a sample").worst.remove(0);
        let (reported, error) = (worst.difference, worst.error);
        assert!(difference <= reported + 1e-4 * largest && error <= 0.005, "{name}: {difference} against {reported}");
    }
}
