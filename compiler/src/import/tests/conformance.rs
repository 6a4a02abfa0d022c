//! ONNX's own conformance cases for single operators: what imports must match, and nothing may panic.

use ndarray::{ArrayD, IxDyn};
use zktorch_formats::TensorData;
use zktorch_models::node_cases::{self, NodeCase};
use zktorch_models::zoo::Zoo;

use crate::graph::Graph;
use crate::import::{ImportOptions, load_bytes};
use crate::{Options, compile};

/// At least so many cases must match; raise it with the operators.
const MATCHING: usize = 1033;

/// Cases whose inputs are refused, with a part of the reason.
const INPUTS_REFUSED: [(&str, &str); 1] =
    [("test_gather_negative_indices", "entry 1 is not one of the integer values that the model takes")];

fn arrays(tensors: &[TensorData]) -> Option<Vec<ArrayD<f64>>> {
    // Those without entries are constants.
    tensors
        .iter()
        .filter(|t| !t.shape.contains(&0))
        .map(|t| ArrayD::from_shape_vec(IxDyn(&t.shape), t.values.to_f64()).ok())
        .collect()
}

/// A case's graph, inputs and expected outputs.
struct Case {
    graph: Graph,
    inputs: Vec<ArrayD<f64>>,
    outputs: Vec<ArrayD<f64>>,
}

/// `None` where the case does not import.
fn import(case: &NodeCase) -> Option<Case> {
    let tensors = case.tensors.as_ref()?;
    let (inputs, outputs) = (arrays(&tensors.inputs)?, arrays(&tensors.outputs)?);
    let input_shapes = tensors.inputs.iter().map(|t| t.shape.clone()).collect();
    let graph = load_bytes(&case.model, &ImportOptions { input_shapes, ..ImportOptions::default() }).ok()?;
    Some(Case { graph, inputs, outputs })
}

/// `None` where the case does not import, else what differs.
fn run(case: &NodeCase) -> Option<Result<(), String>> {
    let Case { graph, inputs, outputs } = import(case)?;
    let evaluation = match graph.evaluate(&inputs) {
        Ok(evaluation) => evaluation,
        Err(error) => return Some(Err(error.to_string())),
    };
    for (got, expected) in evaluation.outputs().into_iter().zip(&outputs) {
        if got.shape() != expected.shape() {
            return Some(Err(format!("shape {:?} instead of {:?}", got.shape(), expected.shape())));
        }
        let close = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-4 * (1.0 + b.abs()) || (a.is_nan() && b.is_nan());
        if let Some((a, b)) = got.iter().zip(expected).find(|(a, b)| !close(**a, **b)) {
            return Some(Err(format!("{a} instead of {b}")));
        }
    }
    Some(Ok(()))
}

/// All cases, if they are there.
fn cases(test: &str) -> Option<Vec<NodeCase>> {
    let archive = node_cases::archive(&Zoo::locate_or_skip(test)?);
    if !archive.exists() {
        eprintln!("SKIPPED {test}: no {}", archive.display());
        return None;
    }
    Some(node_cases::read(&archive).unwrap())
}

#[test]
fn what_imports_matches_the_onnx_node_tests() {
    let Some(cases) = cases("what_imports_matches_the_onnx_node_tests") else { return };
    let (mut matching, mut failures) = (0, Vec::new());
    for case in &cases {
        match run(case) {
            None => {}
            Some(Ok(())) => matching += 1,
            Some(Err(reason)) if INPUTS_REFUSED.iter().any(|(of, why)| *of == case.name && reason.contains(why)) => {}
            Some(Err(reason)) => failures.push(format!("{}: {reason}", case.name)),
        }
    }
    println!("{matching} of {} cases import and match", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(matching >= MATCHING, "only {matching} cases match");
}

#[test]
fn every_recurrent_layer_of_the_onnx_node_tests_compiles() {
    let Some(cases) = cases("every_recurrent_layer_of_the_onnx_node_tests_compiles") else { return };
    let layers = |case: &&NodeCase| ["lstm", "gru_", "rnn_"].iter().any(|cell| case.name.contains(cell));
    let cases: Vec<&NodeCase> = cases.iter().filter(layers).collect();
    assert!(cases.len() >= 11, "{}", cases.len());
    for case in &cases {
        let name = &case.name;
        let Case { graph, inputs, .. } = import(case).unwrap_or_else(|| panic!("{name} does not import"));
        // One case has a column of its own whose numbers are nearly 0.
        let options = Options { max_error: f64::INFINITY, ..Options::default() };
        let compiled = compile(&graph, &[inputs], &options).unwrap_or_else(|e| panic!("{name}: {e}"));
        let error = compiled.report.accuracy.expect("there was a sample").tensor_error;
        assert!(error < 0.002, "{name}: {error}");
    }
}

#[test]
fn every_average_pool_of_the_onnx_node_tests_compiles() {
    let Some(cases) = cases("every_average_pool_of_the_onnx_node_tests_compiles") else { return };
    let cases: Vec<&NodeCase> = cases.iter().filter(|case| case.name.contains("averagepool")).collect();
    for case in &cases {
        let name = &case.name;
        let Case { graph, inputs, .. } = import(case).unwrap_or_else(|| panic!("{name} does not import"));
        let compiled = compile(&graph, &[inputs], &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let error = compiled.report.accuracy.expect("there was a sample").tensor_error;
        assert!(error < 0.002, "{name}: {error}");
    }
    let ceil = cases.iter().filter(|c| c.name.contains("ceil") && !c.name.ends_with("False")).count();
    assert!(ceil >= 4, "{ceil} of {} in ceil mode", cases.len());
}
