//! ONNX's own conformance cases for single operators: what imports must match, and nothing may panic.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use zktorch_models::{tensor_proto, zoo::Zoo};

use super::archive;
use crate::import::{ImportOptions, load_bytes};

/// At least so many cases must match; raise it with the operators.
const MATCHING: usize = 700;

fn tensors(files: &BTreeMap<String, Vec<u8>>, case: &str, kind: &str) -> Option<Vec<ArrayD<f32>>> {
    (0..)
        .map_while(|index| files.get(&format!("{case}/test_data_set_0/{kind}_{index}.pb")))
        .map(|bytes| {
            let tensor = tensor_proto::parse(bytes).ok()?;
            ArrayD::from_shape_vec(IxDyn(&tensor.shape), tensor.values.to_f32()).ok()
        })
        .collect()
}

/// `None` where the case does not import, else what differs.
fn run(files: &BTreeMap<String, Vec<u8>>, case: &str) -> Option<Result<(), String>> {
    let (inputs, outputs) = (tensors(files, case, "input")?, tensors(files, case, "output")?);
    let input_shapes = inputs.iter().map(|i| i.shape().to_vec()).collect();
    let graph = load_bytes(&files[&format!("{case}/model.onnx")], &ImportOptions { input_shapes, raw: false }).ok()?;
    let evaluation = match graph.evaluate(&inputs) {
        Ok(evaluation) => evaluation,
        Err(error) => return Some(Err(error.to_string())),
    };
    for (got, expected) in evaluation.outputs().into_iter().zip(&outputs) {
        if got.shape() != expected.shape() {
            return Some(Err(format!("shape {:?} instead of {:?}", got.shape(), expected.shape())));
        }
        let close = |a: f32, b: f32| a == b || (a - b).abs() <= 1e-4 * (1.0 + b.abs()) || (a.is_nan() && b.is_nan());
        if let Some((a, b)) = got.iter().zip(expected).find(|(a, b)| !close(**a, **b)) {
            return Some(Err(format!("{a} instead of {b}")));
        }
    }
    Some(Ok(()))
}

#[test]
fn what_imports_matches_the_onnx_node_tests() {
    let Some(zoo) = Zoo::locate_or_skip("what_imports_matches_the_onnx_node_tests") else { return };
    let archive = zoo.root().join("onnx-node-tests/conformance_node_frozen.tgz");
    if !archive.exists() {
        eprintln!("SKIPPED what_imports_matches_the_onnx_node_tests: no {}", archive.display());
        return;
    }
    let files = archive::files(&archive).unwrap();
    let cases: Vec<&str> = files.keys().filter_map(|name| name.strip_suffix("/model.onnx")).collect();
    let (mut matching, mut failures) = (0, Vec::new());
    for case in &cases {
        match run(&files, case) {
            None => {}
            Some(Ok(())) => matching += 1,
            Some(Err(reason)) => failures.push(format!("{case}: {reason}")),
        }
    }
    println!("{matching} of {} cases import and match", cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(matching >= MATCHING, "only {matching} cases match");
}
