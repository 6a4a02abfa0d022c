//! Operators of onnxruntime's optimiser against what it makes them of.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto};

use super::proto::{Attr::*, Change, floats, model, node};

fn fused(op: &str, inputs: &[&str], outputs: &[&str], attributes: &[(&str, super::proto::Attr<'_>)]) -> NodeProto {
    NodeProto { domain: "com.microsoft".into(), ..node(op, inputs, outputs, attributes) }
}

fn ramp(name: &str, dims: &[i64]) -> TensorProto {
    let count = dims.iter().product::<i64>();
    floats(name, dims, &(0..count).map(|n| ((n * 7 + 3) % 11) as f32 / 8.0 - 0.6).collect::<Vec<_>>())
}

/// Whether nodes give the same for `x`, with these tensors.
fn same(shape: &[i64], one: Vec<NodeProto>, other: Vec<NodeProto>, tensors: Vec<TensorProto>) {
    let extents: Vec<usize> = shape.iter().map(|&extent| extent as usize).collect();
    let count = extents.iter().product::<usize>();
    let values = (0..count).map(|n| ((n * 5 + 1) % 13) as f64 / 6.0 - 1.0).collect();
    let x = ArrayD::from_shape_vec(IxDyn(&extents), values).unwrap();
    let run = |nodes: Vec<NodeProto>| {
        let graph = model(shape, nodes, tensors.clone()).opset("", 23).opset("com.microsoft", 1).import().unwrap();
        graph.evaluate(std::slice::from_ref(&x)).unwrap().outputs()[0].clone()
    };
    let (one, other) = (run(one), run(other));
    assert_eq!(one.shape(), other.shape());
    assert!(one.iter().zip(&other).all(|(a, b)| (a - b).abs() < 1e-5), "{one} instead of {other}");
}

#[test]
fn convolutions_with_a_function() {
    let numbers = |values: &[f32]| AttributeProto {
        name: "activation_params".into(),
        r#type: 6,
        floats: values.to_vec(),
        ..AttributeProto::default()
    };
    let weights = || vec![ramp("w", &[2, 1, 3, 3]), ramp("b", &[2]), ramp("z", &[1, 2, 4, 4])];
    let pads = ("pads", Ints(&[1, 1, 1, 1]));
    let mut leaky = fused("FusedConv", &["x", "w", "b", "z"], &["y"], &[("activation", Text("LeakyRelu")), pads]);
    leaky.attribute.push(numbers(&[0.25]));
    let apart = vec![
        node("Conv", &["x", "w", "b"], &["c"], &[("pads", Ints(&[1, 1, 1, 1]))]),
        node("Add", &["c", "z"], &["s"], &[]),
        node("LeakyRelu", &["s"], &["y"], &[("alpha", Float(0.25))]),
    ];
    same(&[1, 1, 4, 4], vec![leaky], apart, weights());
    let turned = |to: &[i64]| {
        [(
            "perm",
            Ints(match to {
                [0, 3, 1, 2] => &[0, 3, 1, 2],
                _ => &[0, 2, 3, 1],
            }),
        )]
    };
    let last = fused("NhwcConv", &["x", "k"], &["y"], &[]);
    let apart = vec![
        node("Transpose", &["x"], &["a"], &turned(&[0, 3, 1, 2])),
        node("Transpose", &["k"], &["l"], &turned(&[0, 3, 1, 2])),
        node("Conv", &["a", "l"], &["c"], &[]),
        node("Transpose", &["c"], &["y"], &turned(&[0, 2, 3, 1])),
    ];
    same(&[1, 5, 4, 2], vec![last], apart, vec![ramp("k", &[3, 2, 2, 2])]);
}

#[test]
fn products_with_a_function() {
    let gemm = fused(
        "FusedGemm",
        &["x", "w", "b"],
        &["y"],
        &[("transB", Int(1)), ("activation", Text("LeakyRelu")), ("activation_alpha", Float(0.5))],
    );
    let apart = vec![
        node("Gemm", &["x", "w", "b"], &["g"], &[("transB", Int(1))]),
        node("LeakyRelu", &["g"], &["y"], &[("alpha", Float(0.5))]),
    ];
    same(&[2, 3], vec![gemm], apart, vec![ramp("w", &[4, 3]), ramp("b", &[4])]);
    let product = fused("FusedMatMul", &["x", "w"], &["y"], &[("alpha", Float(0.5))]);
    let apart = vec![node("MatMul", &["x", "w"], &["m"], &[]), node("Mul", &["m", "h"], &["y"], &[])];
    same(&[2, 3], vec![product], apart, vec![ramp("w", &[3, 4]), floats("h", &[], &[0.5])]);
}

#[test]
fn normalisations_of_a_sum() {
    let skip = vec![
        fused("SkipLayerNormalization", &["x", "z", "g", "h", "b"], &["n", "", "", "s"], &[("epsilon", Float(0.01))]),
        node("Add", &["n", "s"], &["y"], &[]),
    ];
    let apart = vec![
        node("Add", &["x", "z"], &["t"], &[]),
        node("Add", &["t", "b"], &["s"], &[]),
        node("LayerNormalization", &["s", "g", "h"], &["n"], &[("axis", Int(-1)), ("epsilon", Float(0.01))]),
        node("Add", &["n", "s"], &["y"], &[]),
    ];
    let tensors = vec![ramp("z", &[1, 2, 4]), ramp("g", &[4]), ramp("h", &[4]), ramp("b", &[4])];
    same(&[1, 2, 4], skip, apart, tensors);
}

#[test]
fn attention_of_packed_and_of_several_tensors() {
    let packed = fused("Attention", &["x", "w", "b"], &["y"], &[("num_heads", Int(2)), ("unidirectional", Int(1))]);
    let heads = [("q_num_heads", Int(2)), ("kv_num_heads", Int(2)), ("is_causal", Int(1))];
    let apart = vec![
        node("MatMul", &["x", "w"], &["m"], &[]),
        node("Add", &["m", "b"], &["a"], &[]),
        node("Split", &["a"], &["q", "k", "v"], &[("axis", Int(2)), ("num_outputs", Int(3))]),
        node("Attention", &["q", "k", "v"], &["y"], &heads),
    ];
    same(&[1, 3, 4], vec![packed], apart, vec![ramp("w", &[4, 12]), ramp("b", &[12])]);
    let several = fused("MultiHeadAttention", &["x", "x", "x", "", "", "m"], &["y"], &[("num_heads", Int(2))]);
    let heads = [("q_num_heads", Int(2)), ("kv_num_heads", Int(2))];
    let apart = vec![node("Attention", &["x", "x", "x", "m"], &["y"], &heads)];
    same(&[1, 3, 4], vec![several], apart, vec![ramp("m", &[1, 1, 3, 3])]);
}
