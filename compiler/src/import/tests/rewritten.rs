//! What the parser reads wrongly or not at all, with the values that are right.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::pb::{FunctionProto, ModelProto, OperatorSetIdProto, TensorProto, ValueInfoProto};

use super::proto::{Attr::*, Change, floats, integers, model, node};

/// The outputs of a model for an input.
fn run(model: &ModelProto, shape: &[usize], x: &[f64]) -> Vec<Vec<f64>> {
    let graph = model.import().unwrap();
    let x = ArrayD::from_shape_vec(IxDyn(shape), x.to_vec()).unwrap();
    let evaluation = graph.evaluate(&[x]).unwrap();
    evaluation.outputs().iter().map(|output| output.iter().copied().collect()).collect()
}

#[test]
fn negative_pads_crop() {
    let pads = |pads: &[i64], axes: Option<&[i64]>| {
        let mut tensors = vec![integers("p", &[pads.len() as i64], pads), floats("v", &[], &[9.0])];
        let mut names = vec!["x", "p", "v"];
        if let Some(axes) = axes {
            tensors.push(integers("a", &[axes.len() as i64], axes));
            names.push("a");
        }
        model(&[5], vec![node("Pad", &names, &["y"], &[])], tensors).opset("", 18)
    };
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    assert_eq!(run(&pads(&[-1, -2], None), &[5], &x), [[2.0, 3.0]]);
    assert_eq!(run(&pads(&[-2, 1], None), &[5], &x), [[3.0, 4.0, 5.0, 9.0]]);
    assert_eq!(run(&pads(&[2, -3], Some(&[-1])), &[5], &x), [[9.0, 9.0, 1.0, 2.0]]);
    let rows = vec![integers("p", &[2], &[-1, 1]), floats("v", &[], &[9.0]), integers("a", &[1], &[0])];
    let nodes = vec![
        node("Pad", &["x", "p", "v", "a"], &["p2"], &[]),
        node("Shape", &["p2"], &["s"], &[]),
        node("Reshape", &["p2", "s"], &["y"], &[]),
    ];
    assert_eq!(run(&model(&[2, 2], nodes, rows).opset("", 18), &[2, 2], &x[..4]), [[3.0, 4.0, 9.0, 9.0]]);
    for opset in [9, 10] {
        let attribute = model(&[5], vec![node("Pad", &["x"], &["y"], &[("pads", Ints(&[-1, 1]))])], Vec::new());
        assert_eq!(run(&attribute.opset("", opset), &[5], &x), [[2.0, 3.0, 4.0, 5.0, 0.0]]);
    }
    let reflected = vec![integers("p", &[2], &[-1, 1])];
    let reflected = model(&[5], vec![node("Pad", &["x", "p"], &["y"], &[("mode", Text("reflect"))])], reflected);
    assert!(reflected.refusal().contains("negative pads are supported in the mode `constant` only"));
}

#[test]
fn an_output_may_be_an_input_or_a_tensor() {
    let relu = model(&[2], vec![node("Relu", &["x"], &["y"], &[])], vec![floats("c", &[1], &[7.0])]);
    let both = relu.output("x").output("c").output("x");
    assert_eq!(run(&both, &[2], &[-1.0, 2.0]), [vec![0.0, 2.0], vec![-1.0, 2.0], vec![7.0], vec![-1.0, 2.0]]);
    let graph = both.import().unwrap();
    assert_eq!(graph.output_names(), ["y", "x", "c", "x"]);
    assert_eq!(graph.node(graph.inputs()[0]).name, "x");
}

#[test]
fn dropout_is_an_identity_or_refused() {
    let bool_ = |value: u8| TensorProto { data_type: 9, raw_data: vec![value], ..floats("t", &[], &[]) };
    let dropout = |ratio: f32, training: u8| {
        let nodes = vec![node("Dropout", &["x", "r", "t"], &["y", "mask"], &[])];
        model(&[2], nodes, vec![floats("r", &[], &[ratio]), bool_(training)])
    };
    assert_eq!(run(&dropout(0.5, 0), &[2], &[1.0, 2.0]), [[1.0, 2.0]]);
    assert_eq!(run(&dropout(0.0, 1), &[2], &[1.0, 2.0]), [[1.0, 2.0]]);
    assert!(dropout(0.5, 1).refusal().contains("it is in training mode: export the model after model.eval()"));
    assert_eq!(run(&dropout(0.5, 0).output("mask"), &[2], &[1.0, 2.0]), [[1.0, 2.0], [1.0, 1.0]]);
}

#[test]
fn a_constant_of_shape_is_of_float_zeros() {
    let nodes = vec![node("ConstantOfShape", &["s"], &["c"], &[]), node("Add", &["x", "c"], &["y"], &[])];
    let sum = model(&[2], nodes, vec![integers("s", &[1], &[2])]);
    assert_eq!(run(&sum, &[2], &[1.0, 2.0]), [[1.0, 2.0]]);
}

#[test]
fn tensors_of_bfloat16_are_read() {
    let bits = |v: f32| (v.to_bits() >> 16) as u16;
    let raw = [1.5, -2.0].iter().flat_map(|&v| bits(v).to_le_bytes()).collect();
    for tensor in [
        TensorProto { raw_data: raw, ..floats("w", &[2], &[]) },
        TensorProto { int32_data: [1.5, -2.0].map(|v| i32::from(bits(v))).to_vec(), ..floats("w", &[2], &[]) },
    ] {
        let nodes = vec![node("Cast", &["w"], &["v"], &[("to", Int(1))]), node("Mul", &["x", "v"], &["y"], &[])];
        let product = model(&[2], nodes, vec![TensorProto { data_type: 16, ..tensor }]);
        assert_eq!(run(&product, &[2], &[1.0, 3.0]), [[1.5, -6.0]]);
    }
}

#[test]
fn padding_that_follows_from_extents_counts() {
    let attributes = [("auto_pad", Text("SAME_UPPER")), ("pads", Ints(&[0, 0])), ("kernel_shape", Ints(&[2]))];
    let pool = model(&[1, 1, 3], vec![node("MaxPool", &["x"], &["y"], &attributes)], Vec::new());
    assert_eq!(run(&pool, &[1, 1, 3], &[3.0, 1.0, 2.0]), [[3.0, 2.0, 2.0]]);
}

#[test]
fn nodes_that_no_output_needs_do_not_matter() {
    let nodes = vec![node("Frobnicate", &["x"], &["z"], &[]), node("Relu", &["x"], &["y"], &[])];
    let mut relu = model(&[2], nodes, vec![floats("unused", &[2], &[f32::NAN, 0.0])]);
    // An old file, which lists its tensors among the inputs.
    let graph = relu.graph.as_mut().unwrap();
    graph.input.push(ValueInfoProto { name: "unused".to_owned(), ..graph.input[0].clone() });
    assert_eq!(run(&relu, &[2], &[-1.0, 2.0]), [[0.0, 2.0]]);
}

#[test]
fn functions_of_the_model_are_read() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let function = FunctionProto {
        name: Some("leaky".into()),
        domain: Some("own".into()),
        input: names(&["a"]),
        output: names(&["b"]),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        node: vec![node("LeakyRelu", &["a"], &["t"], &[("alpha", Float(0.5))]), node("Neg", &["t"], &["b"], &[])],
        ..FunctionProto::default()
    };
    let calls = ["leaky", "leaky"].map(|op| node(op, &["x"], &["y"], &[]));
    let [mut first, mut second] = calls;
    (first.domain, second.domain) = ("own".into(), "own".into());
    (first.output[0], second.input[0]) = ("h".into(), "h".into());
    let mut twice = model(&[2], vec![first, second], Vec::new()).opset("own", 1);
    twice.functions = vec![function];
    assert_eq!(run(&twice, &[2], &[-2.0, 4.0]), [[-1.0, 2.0]]);
    // The same operators of another version may mean something else.
    twice.functions[0].opset_import[0].version = 11;
    assert!(twice.refusal().contains("the function uses version 11"));
}
