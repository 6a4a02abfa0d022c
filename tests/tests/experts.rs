//! A mixture of experts behind latent attention, of DeepSeek's shape: from the file to a verdict, against onnxruntime's output.

use std::path::{Path, PathBuf};

use serde_json::Value;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_blocks::program::Visibility;
use zktorch_compiler::import::{ImportOptions, model_path};
use zktorch_compiler::inputs::{InputSpec, read};
use zktorch_compiler::{Compiled, Options, compile_model};
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_tests::field_witness::tensor;
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::{Verdict, verify};

const COLUMNS: u32 = 12;
/// Experts, and how many of them a token has.
const EXPERTS: usize = 6;
const TOP: usize = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/moe_small")
}

/// The layer and its input.
fn layer(inputs: Visibility) -> (Compiled, Vec<i64>) {
    let model = model_path(&folder().join("model.onnx"), &ImportOptions::default()).expect("it imports");
    let specs = InputSpec::of(&model.graph);
    let samples = read(&folder().join("calibration.npy"), &specs).expect("samples");
    let input = read(&folder().join("input.json"), &specs).expect("an input").remove(0).remove(0);
    let options = Options { inputs, ..Options::default() };
    let compiled = compile_model(&model, &samples, &options).unwrap_or_else(|e| panic!("{e}"));
    let integers = compiled.inputs[0].quantise(input.as_slice().expect("row-major")).expect("in range");
    (compiled, integers)
}

/// How far outputs are off, relative to the largest of onnxruntime's.
fn off(given: &[f64]) -> f64 {
    let text = std::fs::read(folder().join("expected.json")).expect("it is there");
    let json: Value = serde_json::from_slice(&text).expect("JSON");
    let expected: Vec<f64> =
        json["output_data"][0].as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect();
    assert_eq!(given.len(), expected.len());
    let largest = expected.iter().fold(0f64, |most, v| most.max(v.abs()));
    given.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

#[test]
fn experts_and_their_gates_are_proved() {
    for visibility in [Visibility::Public, Visibility::Private] {
        let (compiled, integers) = layer(visibility);
        let Compiled { program, weights, inputs, outputs, .. } = compiled;
        let port = |p: &zktorch_compiler::Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
        let ports = [inputs.iter().map(port).collect(), outputs.iter().map(port).collect()];
        let setup = Setup::insecure(COLUMNS).expect("in range");
        let mut randomness = Randomness::from_os().expect("randomness");
        let (proving, verifying) = keygen(program, weights, &setup, COLUMNS, ports, &mut randomness).expect("keys");
        let proved = Prover::new(&proving, &verifying, randomness).prove(&[integers]).expect("a proof");
        assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted));
        let off = off(&outputs[0].dequantise(&proved.outputs[0]));
        assert!(off < 0.005, "{off}");
    }
}

#[test]
fn a_token_has_as_many_experts_as_the_model_says() {
    let (Compiled { program, weights, .. }, integers) = layer(Visibility::Public);
    let trace = execute(&program, &weights, &[integers]).expect("in range");
    let marks = program.tensors.iter().find(|t| t.shape.dims().ends_with(&[TOP, EXPERTS])).expect("a router");
    let marks = trace.values(&program, tensor(&program, &marks.name)).to_vec();
    for token in marks.chunks(TOP * EXPERTS) {
        let experts: Vec<i64> = (0..EXPERTS).map(|e| token[e] + token[EXPERTS + e]).collect();
        assert!(experts.iter().all(|&chosen| chosen <= 1) && experts.iter().sum::<i64>() == TOP as i64, "{token:?}");
    }
}
