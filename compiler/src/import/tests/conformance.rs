//! ONNX's own conformance cases for single operators: what imports must match, and nothing may panic.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use zktorch_formats::tensor_proto;
use zktorch_models::zoo::Zoo;

use super::archive;
use crate::graph::Graph;
use crate::import::{ImportOptions, load_bytes};
use crate::{Options, compile};

/// At least so many cases must match; raise it with the operators.
const MATCHING: usize = 812;

/// Cases whose inputs are refused, with a part of the reason.
const INPUTS_REFUSED: [(&str, &str); 1] =
    [("node_frozen/test_gather_negative_indices", "entry 1 is not one of the integer values that the model takes")];

fn tensors(files: &BTreeMap<String, Vec<u8>>, case: &str, kind: &str) -> Option<Vec<ArrayD<f64>>> {
    (0..)
        .map_while(|index| files.get(&format!("{case}/test_data_set_0/{kind}_{index}.pb")))
        .map(|bytes| {
            let tensor = tensor_proto::parse(bytes).ok()?;
            ArrayD::from_shape_vec(IxDyn(&tensor.shape), tensor.values.to_f64()).ok()
        })
        .collect()
}

/// A case's graph, inputs and expected outputs.
struct Case {
    graph: Graph,
    inputs: Vec<ArrayD<f64>>,
    outputs: Vec<ArrayD<f64>>,
}

/// `None` where the case does not import.
fn import(files: &BTreeMap<String, Vec<u8>>, case: &str) -> Option<Case> {
    let (inputs, outputs) = (tensors(files, case, "input")?, tensors(files, case, "output")?);
    let input_shapes = inputs.iter().map(|i| i.shape().to_vec()).collect();
    let graph =
        load_bytes(&files[&format!("{case}/model.onnx")], &ImportOptions { input_shapes, ..ImportOptions::default() })
            .ok()?;
    Some(Case { graph, inputs, outputs })
}

/// `None` where the case does not import, else what differs.
fn run(files: &BTreeMap<String, Vec<u8>>, case: &str) -> Option<Result<(), String>> {
    let Case { graph, inputs, outputs } = import(files, case)?;
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

/// The files of all cases, if they are there.
fn cases(test: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let archive = Zoo::locate_or_skip(test)?.root().join("onnx-node-tests/conformance_node_frozen.tgz");
    if !archive.exists() {
        eprintln!("SKIPPED {test}: no {}", archive.display());
        return None;
    }
    Some(archive::files(&archive).unwrap())
}

#[test]
fn what_imports_matches_the_onnx_node_tests() {
    let Some(files) = cases("what_imports_matches_the_onnx_node_tests") else { return };
    let cases: Vec<&str> = files.keys().filter_map(|name| name.strip_suffix("/model.onnx")).collect();
    let (mut matching, mut failures) = (0, Vec::new());
    for case in &cases {
        match run(&files, case) {
            None => {}
            Some(Ok(())) => matching += 1,
            Some(Err(reason)) if INPUTS_REFUSED.iter().any(|(of, why)| of == case && reason.contains(why)) => {}
            Some(Err(reason)) => failures.push(format!("{case}: {reason}")),
        }
    }
    println!("{matching} of {} cases import and match", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(matching >= MATCHING, "only {matching} cases match");
}

#[test]
fn every_average_pool_of_the_onnx_node_tests_compiles() {
    let Some(files) = cases("every_average_pool_of_the_onnx_node_tests_compiles") else { return };
    let cases: Vec<&str> =
        files.keys().filter_map(|name| name.strip_suffix("/model.onnx")).filter(|c| c.contains("averagepool")).collect();
    for case in &cases {
        let Case { graph, inputs, .. } = import(&files, case).unwrap_or_else(|| panic!("{case} does not import"));
        let compiled = compile(&graph, &[inputs], &Options::default()).unwrap_or_else(|e| panic!("{case}: {e}"));
        let error = compiled.report.accuracy.expect("there was a sample").tensor_error;
        assert!(error < 0.001, "{case}: {error}");
    }
    let ceil = cases.iter().filter(|c| c.contains("ceil") && !c.ends_with("False")).count();
    assert!(ceil >= 4, "{ceil} of {} in ceil mode", cases.len());
}
