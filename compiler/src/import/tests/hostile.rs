//! Files of a few bytes that ask for a great deal, by operators that are read or written out here: each is refused before it is made.

use std::time::Instant;

use super::proto::{Attr::*, Change, floats, integers, model, node};

/// Nothing that is refused takes longer, in seconds of a busy machine: what is not refused takes hours, or all memory.
const MOST: u64 = 300;

fn refused(begun: Instant, text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert!(begun.elapsed().as_secs() < MOST, "{:?} for: {text}", begun.elapsed());
}

#[test]
fn ensembles_of_more_numbers_than_a_file_has_are_refused() {
    for aggregate in ["SUM", "MIN"] {
        let begun = Instant::now();
        let mut ensemble = node(
            "TreeEnsembleRegressor",
            &["x"],
            &["y"],
            &[
                ("nodes_treeids", Ints(&[0, 0, 0])),
                ("nodes_nodeids", Ints(&[0, 1, 2])),
                ("nodes_featureids", Ints(&[0, 0, 0])),
                ("nodes_truenodeids", Ints(&[1, 0, 0])),
                ("nodes_falsenodeids", Ints(&[2, 0, 0])),
                ("nodes_modes", Texts(&["BRANCH_LEQ", "LEAF", "LEAF"])),
                ("nodes_values", Floats(&[0.5, 0.0, 0.0])),
                ("target_treeids", Ints(&[0, 0])),
                ("target_nodeids", Ints(&[1, 2])),
                ("target_ids", Ints(&[0, 0])),
                ("target_weights", Floats(&[1.0, 2.0])),
                ("n_targets", Int(1 << 40)),
                ("aggregate_function", Text(aggregate)),
            ],
        );
        ensemble.domain = "ai.onnx.ml".to_owned();
        let file = model(&[1, 2], vec![ensemble], vec![]).opset("ai.onnx.ml", 3);
        refused(begun, &file.refusal(), &["the TreeEnsembleRegressor", "more than 2^26 numbers"]);
    }
}

#[test]
fn nodes_that_are_a_child_of_many_are_bounded() {
    // Twenty-two nodes, of which each has the next for both of its children: four million.
    let begun = Instant::now();
    let count = 22;
    let next = |n: i64| (n + 1).min(count - 1);
    let ids: Vec<i64> = (0..count).collect();
    let children: Vec<i64> = ids.iter().map(|&n| next(n)).collect();
    let modes: Vec<&str> = ids.iter().map(|&n| if n + 1 == count { "LEAF" } else { "BRANCH_LEQ" }).collect();
    let zeros = vec![0; count as usize];
    let mut ensemble = node(
        "TreeEnsembleRegressor",
        &["x"],
        &["y"],
        &[
            ("nodes_treeids", Ints(&zeros)),
            ("nodes_nodeids", Ints(&ids)),
            ("nodes_featureids", Ints(&zeros)),
            ("nodes_truenodeids", Ints(&children)),
            ("nodes_falsenodeids", Ints(&children)),
            ("nodes_modes", Texts(&modes)),
            ("nodes_values", Floats(&vec![0.0; count as usize])),
            ("target_treeids", Ints(&[0])),
            ("target_nodeids", Ints(&[count - 1])),
            ("target_ids", Ints(&[0])),
            ("target_weights", Floats(&[1.0])),
        ],
    );
    ensemble.domain = "ai.onnx.ml".to_owned();
    let file = model(&[1, 2], vec![ensemble.clone()], vec![]).opset("ai.onnx.ml", 3);
    refused(begun, &file.refusal(), &["more than 2^20 nodes, or do not end"]);
    // A circle.
    ensemble.attribute.iter_mut().filter(|a| a.name.ends_with("truenodeids")).for_each(|a| a.ints[5] = 2);
    let file = model(&[1, 2], vec![ensemble.clone()], vec![]).opset("ai.onnx.ml", 3);
    refused(begun, &file.refusal(), &["more than 2^20 nodes, or do not end"]);
    // A child that is none of the nodes.
    ensemble.attribute.iter_mut().filter(|a| a.name.ends_with("truenodeids")).for_each(|a| a.ints[5] = 99);
    let file = model(&[1, 2], vec![ensemble], vec![]).opset("ai.onnx.ml", 3);
    refused(begun, &file.refusal(), &["the number of a node"]);
}

#[test]
fn columns_that_no_operand_has_are_refused() {
    let begun = Instant::now();
    let mut node = node("FeatureVectorizer", &["x"; 2000], &["y"], &[("inputdimensions", Ints(&[1 << 20; 2000]))]);
    node.domain = "ai.onnx.ml".to_owned();
    let file = model(&[1, 2], vec![node], vec![]).opset("ai.onnx.ml", 3);
    refused(begun, &file.refusal(), &["the FeatureVectorizer", "the number of its columns"]);
}

#[test]
fn kernels_with_zeros_without_end_are_refused() {
    let far = 1i64 << 20;
    let transposed = |strides: &[i64], dilations: &[i64], more: &[i64]| {
        let tensors = vec![floats("w", &[1, 1, 2, 1, 1], &[1.0, 2.0]), floats("b", &[1], &[0.5])];
        let attributes = [("strides", Ints(strides)), ("dilations", Ints(dilations)), ("output_padding", Ints(more))];
        model(&[1, 1, 1, 1, 1], vec![node("ConvTranspose", &["x", "w", "b"], &["y"], &attributes)], tensors)
    };
    let begun = Instant::now();
    transposed(&[2, 1, 1], &[1, 1, 1], &[1, 0, 0]).import().expect("it imports");
    for (strides, dilations) in [([far; 3], [1; 3]), ([far / 2; 3], [far; 3]), ([far, far, 1], [1; 3])] {
        let text = transposed(&strides, &dilations, &[0; 3]).refusal();
        refused(begun, &text, &["the ConvTranspose", "more than 2^27 entries"]);
    }
    for more in [i64::MAX, -1] {
        refused(begun, &transposed(&[2, 1, 1], &[1; 3], &[more, 0, 0]).refusal(), &["`output_padding`"]);
    }
}

#[test]
fn windows_of_more_entries_than_an_image_are_refused() {
    let begun = Instant::now();
    let attributes = [("kernel_shape", Ints(&[1023, 1023])), ("pads", Ints(&[511; 4]))];
    let file = model(&[1, 1, 1024, 1024], vec![node("MaxPool", &["x"], &["y", "i"], &attributes)], vec![]).output("i");
    refused(begun, &file.refusal(), &["the MaxPool", "more than 2^20 entries"]);
}

#[test]
fn a_resize_takes_time_of_its_operand() {
    let begun = Instant::now();
    let tensors = vec![integers("sizes", &[2], &[1, 1])];
    let attributes = [("mode", Text("linear")), ("antialias", Int(1))];
    let file = model(&[1, 1 << 19], vec![node("Resize", &["x", "", "", "sizes"], &["y"], &attributes)], tensors);
    file.opset("", 18).import().expect("it imports");
    assert!(begun.elapsed().as_secs() < MOST, "{:?}", begun.elapsed());
}

#[test]
fn numbers_that_nodes_state_are_bounded_together() {
    let begun = Instant::now();
    let tensors = vec![floats("up", &[1], &[(1 << 20) as f32]), floats("down", &[1], &[1.0 / (1 << 20) as f32])];
    let mut nodes = Vec::new();
    let mut last = "x".to_owned();
    for n in 0..50 {
        for scales in ["up", "down"] {
            let next = format!("{scales}{n}");
            nodes.push(node("Resize", &[&last, "", scales], &[&next], &[("mode", Text("linear"))]));
            last = next;
        }
    }
    nodes.push(node("Identity", &[&last], &["y"], &[]));
    refused(begun, &model(&[1], nodes, tensors).refusal(), &["the Resize", "more than 2^24 public numbers"]);
}

#[test]
fn what_recurrences_are_spelled_by_is_in_no_file() {
    for (op, operands) in [("zktorch.States", &["x", "w"][..]), ("zktorch.Carry", &["x", "x"]), ("zktorch.Last", &["x"])] {
        for domain in ["", "zktorch"] {
            let mut node = node(op, operands, &["y"], &[]);
            node.domain = domain.to_owned();
            let file = model(&[4, 1, 1], vec![node], vec![floats("w", &[1, 1], &[1.0])]).opset("zktorch", 1);
            refused(Instant::now(), &file.refusal(), &[op, "not supported"]);
        }
    }
}

#[test]
fn nodes_of_trees_come_behind_their_parents() {
    let reached = |parents: &[i64]| {
        let mut descent = node("Descent", &["x", "parents"], &["y"], &[]);
        descent.domain = "zktorch".to_owned();
        let parents = integers("parents", &[parents.len() as i64], parents);
        model(&[1, 3], vec![descent], vec![parents]).input_type(9).opset("zktorch", 1)
    };
    reached(&[0, 1, 2]).import().expect("it imports");
    for circle in [[1, 0, 0], [0, 3, 0], [0, 1, 7], [0, -1, 0], [0, i64::MAX, 0]] {
        refused(Instant::now(), &reached(&circle).refusal(), &["a parent that does not come before its child"]);
    }
    refused(Instant::now(), &reached(&[0, 1]).refusal(), &["Descent"]);
}
