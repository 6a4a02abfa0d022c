//! Language models and embeddings of the zoo: real weights and tokens, from the file to a verdict.

use ndarray::{ArrayD, IxDyn};
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::program::Visibility;
use zktorch_compiler::import::{ImportOptions, model_path};
use zktorch_compiler::{Compiled, Goal, Options, compile_model};
use zktorch_models::zoo::Zoo;
use zktorch_prover::{Proved, Prover, Randomness, keygen};
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify};

const COLUMNS: u32 = 12;

/// A model of the zoo, proved on its sample.
struct Told {
    proof: Proof,
    given: Vec<f64>,
    expected: Vec<f64>,
}

fn told(zoo: &Zoo, name: &str, inputs: Visibility) -> Told {
    let model = zoo.model(name).expect("it is there");
    let sample: Vec<ArrayD<f64>> = model
        .read_inputs()
        .expect("a sample")
        .iter()
        .map(|t| ArrayD::from_shape_vec(IxDyn(&t.shape), t.values.to_f64()).expect("of the shape"))
        .collect();
    let input_shapes = sample.iter().map(|values| values.shape().to_vec()).collect();
    let imported = model_path(&model.onnx, &ImportOptions { input_shapes, ..ImportOptions::default() }).expect("it imports");
    let expected = model.read_outputs().expect("its output")[0].values.to_f64();
    let options = Options { inputs, ..Options::default() };
    let compiled = compile_model(&imported, std::slice::from_ref(&sample), &options).expect("it compiles");
    let integers: Vec<Vec<i64>> = compiled
        .inputs
        .iter()
        .zip(&sample)
        .map(|(port, values)| port.quantise(values.as_slice().expect("row-major")).expect("in range"))
        .collect();
    let output = compiled.outputs[0].clone();
    let proved = proved(compiled, &integers);
    Told { proof: proved.proof, given: output.dequantise(&proved.outputs[0]), expected }
}

/// A proof of a run that the verifier accepts.
fn proved(compiled: Compiled, inputs: &[Vec<i64>]) -> Proved {
    let port = |p: &zktorch_compiler::Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
    let ports = [compiled.inputs.iter().map(port).collect(), compiled.outputs.iter().map(port).collect()];
    let setup = Setup::insecure(COLUMNS).expect("in range");
    let mut randomness = Randomness::from_os().expect("randomness");
    let (proving, verifying) =
        keygen(compiled.program, compiled.weights, &setup, COLUMNS, ports, &mut randomness).expect("keys");
    let proved = Prover::new(&proving, &verifying, randomness).prove(inputs).expect("a proof");
    assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted));
    proved
}

/// The mean over rows of the divergence from the distribution of some logits to that of others.
fn divergence(expected: &[f64], given: &[f64], width: usize) -> f64 {
    let logarithms = |row: &[f64]| -> Vec<f64> {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|v| (v - most).exp()).sum();
        row.iter().map(|v| v - most - sum.ln()).collect()
    };
    let rows = expected.chunks(width).zip(given.chunks(width)).map(|(p, q)| (logarithms(p), logarithms(q)));
    let all: Vec<f64> = rows.map(|(p, q)| p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum()).collect();
    all.iter().sum::<f64>() / all.len() as f64
}

#[test]
fn a_story_of_a_language_model_is_proved_from_its_tokens() {
    let Some(zoo) = Zoo::locate_or_skip("a_story_of_a_language_model_is_proved_from_its_tokens") else { return };
    let Told { proof, given, expected } = told(&zoo, "tinystories_260k_seq32", Visibility::Public);
    let divergence = divergence(&expected, &given, 512);
    assert!(divergence < 0.002, "{divergence}");
    assert!(proof.bytes.len() < 16_000, "{} bytes", proof.bytes.len());
}

#[test]
fn a_story_that_a_language_model_writes_is_one_proof() {
    const NEW: usize = 24;
    let Some(zoo) = Zoo::locate_or_skip("a_story_that_a_language_model_writes_is_one_proof") else { return };
    let model = zoo.model("tinystories_260k_seq32").expect("it is there");
    let text = model.read_inputs().expect("a sample")[0].values.to_f64();
    let sample = ArrayD::from_shape_vec(IxDyn(&[1, 32]), text.clone()).expect("of the shape");
    let options = Options { goal: Goal::Generation { tokens: NEW }, ..Options::default() };
    let imported = model_path(&model.onnx, &ImportOptions::default()).expect("it imports");
    let compiled = compile_model(&imported, &[vec![sample]], &options).expect("it compiles");
    // The sample is the float model's own greedy story.
    let ids: Vec<i64> = text.iter().map(|&id| id as i64).collect();
    let places: Vec<i64> = (7..31).collect();
    let wanted = ids[8..].to_vec();
    let Proved { proof, outputs, .. } = proved(compiled, &[ids, places]);
    assert_eq!(outputs, [wanted]);
    assert!(proof.bytes.len() < 16_000, "{} bytes", proof.bytes.len());
}

#[test]
fn a_recommendation_is_proved_for_public_and_for_hidden_ids() {
    let Some(zoo) = Zoo::locate_or_skip("a_recommendation_is_proved_for_public_and_for_hidden_ids") else { return };
    for inputs in [Visibility::Public, Visibility::Private] {
        let Told { given, expected, .. } = told(&zoo, "ncf_movielens1m", inputs);
        assert!((given[0] - expected[0]).abs() < 0.002, "{given:?} instead of {expected:?}");
    }
}

#[test]
fn transformers_of_three_kinds_are_proved() {
    let Some(zoo) = Zoo::locate_or_skip("transformers_of_three_kinds_are_proved") else { return };
    for name in ["ezkl_nanogpt_untrained", "ezkl_self_attention_untrained", "ttm_timeseries"] {
        let Told { given, expected, .. } = told(&zoo, name, Visibility::Public);
        let largest = expected.iter().fold(0f64, |most, v| most.max(v.abs()));
        let off = given.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest;
        assert!(given.len() == expected.len() && off < 0.005, "{name}: {off}");
    }
}

#[test]
fn the_type_of_a_file_is_proved_from_its_bytes() {
    let Some(zoo) = Zoo::locate_or_skip("the_type_of_a_file_is_proved_from_its_bytes") else { return };
    let Told { proof, given, expected } = told(&zoo, "magika_v3_3", Visibility::Public);
    let off = given.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(given.len() == 214 && off < 0.001, "{off}");
    assert!(proof.bytes.len() < 24_000, "{} bytes", proof.bytes.len());
}
