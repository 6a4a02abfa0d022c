//! What the parser would take, and must not see: each file is refused before it, by a reason that names the cause.

use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};

use super::proto::{Attr, Attr::*, Change, floats, integers, model, node};
use crate::import::{AttributeFault, ImportError, Refusal};

/// One node of the input `x`, of a shape.
fn unary(op: &str, shape: &[i64], attributes: &[(&str, Attr<'_>)]) -> ModelProto {
    model(shape, vec![node(op, &["x"], &["y"], attributes)], Vec::new())
}

/// One node of the input `x` and of tensors in the order of their names.
fn with(op: &str, shape: &[i64], tensors: Vec<TensorProto>, attributes: &[(&str, Attr<'_>)]) -> ModelProto {
    let names: Vec<&str> = std::iter::once("x").chain(tensors.iter().map(|t| t.name.as_str())).collect();
    model(shape, vec![node(op, &names, &["y"], attributes)], tensors.clone())
}

fn refused(model: &ModelProto, parts: &[&str]) {
    let text = model.refusal();
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn axes_are_distinct_and_exist() {
    refused(&unary("Transpose", &[2, 3], &[("perm", Ints(&[0, 0]))]), &["`the Transpose`", "`perm`", "[0, 0]"]);
    refused(&unary("Transpose", &[2, 3], &[("perm", Ints(&[0, 2]))]), &["`perm`", "[0, 2]"]);
    refused(&unary("Transpose", &[2, 3], &[("perm", Ints(&[0]))]), &["a permutation of 1 axes, of 2"]);
    refused(&unary("ReduceMean", &[2, 3], &[("axes", Ints(&[1, 1]))]), &["`axes`", "twice"]);
    refused(&unary("ReduceMean", &[2, 3], &[("axes", Ints(&[1, -1]))]), &["with one of 2 twice"]);
    refused(&unary("ReduceMean", &[2, 3], &[("axes", Ints(&[2]))]), &["axis 2 of 2"]);
    refused(&unary("Softmax", &[2, 3], &[("axis", Int(-3))]), &["`the Softmax`", "axis -3 of 2"]);
    refused(&unary("Softmax", &[2, 3], &[("axis", Int(i64::MAX))]), &["`axis`"]);
    refused(&unary("Flatten", &[2, 3], &[("axis", Int(3))]), &["axis 3 of 2"]);
    for op in ["Unsqueeze", "Squeeze"] {
        refused(&with(op, &[1, 1], vec![integers("axes", &[2], &[0, 0])], &[]), &["twice"]);
        refused(&with(op, &[1, 1], vec![integers("axes", &[1], &[7])], &[]), &["axis 7 of"]);
    }
    let slice = |axes: &[i64], steps: &[i64]| {
        let bounds = |name, value| integers(name, &[2], &[value, value]);
        vec![bounds("a", 0), bounds("b", 1), integers("c", &[2], axes), integers("d", &[2], steps)]
    };
    refused(&with("Slice", &[2, 3], slice(&[0, -2], &[1, 1]), &[]), &["twice"]);
    refused(&with("Slice", &[2, 3], slice(&[0, 1], &[1, 0]), &[]), &["a step of 0"]);
    refused(&with("Gather", &[2, 3], vec![integers("i", &[1], &[2])], &[]), &["index 2 of 2"]);
    refused(&with("Gather", &[2, 3], vec![integers("i", &[1], &[1])], &[("axis", Int(4))]), &["axis 4 of 2"]);
    let depth = vec![integers("depth", &[], &[3]), floats("values", &[2], &[0.0, 1.0])];
    refused(&with("OneHot", &[2], depth, &[("axis", Int(1 << 40))]), &["`axis`"]);
}

#[test]
fn what_the_parser_has_no_rule_for_is_unsupported_in_our_words() {
    let equation = [("equation", Text("...ij,j"))];
    let einsum = with("Einsum", &[1, 2, 3, 4], vec![floats("v", &[4], &[1.0, 2.0, 3.0, 4.0])], &equation);
    let product = with("MatMul", &[1, 3], vec![floats("w", &[2, 1], &[1.0, 2.0])], &[]);
    let ellipsis = Refusal::Attribute { name: "equation".to_owned(), fault: AttributeFault::Ellipsis };
    let shapes = Refusal::Shapes(vec![vec![1, 3], vec![2, 1]]);
    for (model, name, why) in [(einsum, "Einsum", ellipsis), (product, "MatMul", shapes)] {
        let error = model.import().unwrap_err();
        let crate::import::ImportError::Unsupported(nodes) = &error else { panic!("{error}") };
        assert_eq!((nodes[0].name.as_str(), nodes[0].op.as_str()), (format!("the {name}").as_str(), name));
        assert_eq!(nodes[0].hint, why);
        assert!(!error.to_string().contains("unify") && !error.to_string().contains("rule"), "{error}");
    }
}

#[test]
fn sizes_are_possible() {
    let wide = 1i64 << 62;
    refused(&with("Reshape", &[2, 3], vec![integers("s", &[2], &[wide, wide])], &[]), &["`the Reshape`", "extents"]);
    refused(&with("Reshape", &[2, 3], vec![integers("s", &[2], &[1 << 20, 1 << 20])], &[]), &["`the Reshape`"]);
    refused(&with("Reshape", &[2, 3], vec![integers("s", &[2], &[2, 4])], &[]), &["`the Reshape`"]);
    refused(&with("Reshape", &[2, 3], vec![integers("s", &[2], &[-1, -1])], &[]), &["more than one of which is open"]);
    refused(&with("Expand", &[1, 3], vec![integers("s", &[2], &[1 << 26, 3])], &[]), &["`the Expand`"]);
    refused(&with("Expand", &[1, 3], vec![integers("s", &[2], &[-5, 3])], &[]), &["-5"]);
    refused(&with("Tile", &[1, 3], vec![integers("s", &[2], &[1 << 24, 1 << 24])], &[]), &["`the Tile`"]);
    refused(&with("Tile", &[1, 3], vec![integers("s", &[1], &[2])], &[]), &["1 numbers for 2 axes"]);
    let split = |sizes: &[i64]| {
        let sizes = integers("sizes", &[sizes.len() as i64], sizes);
        model(&[6], vec![node("Split", &["x", "sizes"], &["y", "z"], &[])], vec![sizes]).output("z")
    };
    split(&[2, 4]).import().unwrap();
    refused(&split(&[2, 3]), &["`the Split`", "[2, 3] for 2 parts of 6 entries"]);
    refused(&split(&[2, 2, 2]), &["[2, 2, 2] for 2 parts"]);
    refused(&split(&[-1, 7]), &["[-1, 7]"]);
    let odd = model(&[5], vec![node("Split", &["x"], &["y", "z"], &[])], Vec::new()).output("z");
    refused(&odd, &["5 entries do not split into 2 equal parts"]);
    let range = |limit: i64, step: i64| {
        let numbers = vec![integers("a", &[], &[0]), integers("b", &[], &[limit]), integers("c", &[], &[step])];
        let nodes = vec![
            node("Range", &["a", "b", "c"], &["r"], &[]),
            node("Cast", &["r"], &["f"], &[("to", Int(1))]),
            node("Add", &["x", "f"], &["y"], &[]),
        ];
        model(&[1], nodes, numbers)
    };
    range(5, 1).import().unwrap();
    refused(&range(1 << 40, 1), &["`the Range`", "from 0 to 1099511627776 by 1"]);
    refused(&range(5, 0), &["by 0"]);
}

/// Values that are computed from constants, one from the other, each of them as large as may be.
#[test]
fn computed_constants_are_bounded_together() {
    let mut nodes = vec![node("Concat", &["c", "c"], &["v0"], &[("axis", Int(0))])];
    for n in 0..40 {
        let (a, b) = (format!("v{n}"), format!("v{}", n + 1));
        nodes.push(node("Concat", &[&a, &a], &[&b], &[("axis", Int(0))]));
    }
    nodes.push(node("Add", &["x", "v40"], &["y"], &[]));
    refused(&model(&[1], nodes, vec![floats("c", &[1], &[1.0])]), &["`the Concat", "more than 16777216 entries"]);
    // The product of a column and a row.
    let ones = vec![1.5; 1 << 14];
    let nodes = vec![node("MatMul", &["a", "b"], &["c"], &[]), node("Add", &["x", "c"], &["y"], &[])];
    let tensors = vec![floats("a", &[1 << 14, 1], &ones), floats("b", &[1, 1 << 14], &ones)];
    refused(&model(&[1], nodes, tensors), &["`the MatMul`", "more than 16777216 entries"]);
    let mut nodes: Vec<NodeProto> = (0..9)
        .flat_map(|n| {
            let (sum, before) = (format!("s{n}"), if n == 0 { "x".to_owned() } else { format!("s{}", n - 1) });
            let made = format!("t{n}");
            [node("Expand", &["c", "shape"], &[&made], &[]), node("Add", &[&before, &made], &[&sum], &[])]
        })
        .collect();
    nodes.push(node("Relu", &["s8"], &["y"], &[]));
    let tensors = vec![floats("c", &[1], &[1.0]), integers("shape", &[1], &[1 << 22])];
    refused(&model(&[1], nodes, tensors), &["compute to more than 33554432 entries"]);
}

#[test]
fn windows_fit() {
    let kernel = || floats("w", &[4, 2, 3, 3], &[0.5; 72]);
    let conv = |shape: &[i64], attributes: &[(&str, Attr<'_>)]| with("Conv", shape, vec![kernel()], attributes);
    conv(&[1, 2, 5, 5], &[("pads", Ints(&[1, 1, 1, 1]))]).import().unwrap();
    refused(&conv(&[1, 2, 5, 5], &[("group", Int(0))]), &["`group`", "is 0"]);
    refused(&conv(&[1, 2, 5, 5], &[("group", Int(2))]), &["2 channels in 2 groups"]);
    refused(&conv(&[1, 3, 5, 5], &[]), &["3 channels in 1 groups"]);
    refused(&conv(&[1, 2, 5, 5], &[("strides", Ints(&[1, -1]))]), &["`strides`", "-1"]);
    refused(&conv(&[1, 2, 5, 5], &[("dilations", Ints(&[0, 1]))]), &["`dilations`"]);
    refused(&conv(&[1, 2, 5, 5], &[("pads", Ints(&[-1, 0, 0, 0]))]), &["`pads`", "-1"]);
    refused(&conv(&[1, 2, 5, 5], &[("pads", Ints(&[1, 0, 0]))]), &["`pads`"]);
    refused(&conv(&[1, 2, 5, 5], &[("pads", Ints(&[1, 1]))]), &["`pads`", "of 2 axes"]);
    refused(&conv(&[1, 2, 5, 5], &[("kernel_shape", Ints(&[3, 2]))]), &["`kernel_shape`", "[4, 2, 3, 3]"]);
    refused(&conv(&[1, 2, 2, 5], &[]), &["a window of 3 on an axis of 2 entries"]);
    let bias = vec![kernel(), floats("z", &[3], &[0.0; 3])];
    refused(&with("Conv", &[1, 2, 5, 5], bias, &[]), &["a bias of shape [3] for 4 channels"]);
    for pool in ["MaxPool", "AveragePool"] {
        let window = |kernel: &'static [i64], pads: &'static [i64]| {
            unary(pool, &[1, 1, 3, 3], &[("kernel_shape", Ints(kernel)), ("pads", Ints(pads)), ("strides", Ints(&[2, 2]))])
        };
        window(&[2, 2], &[1, 1, 1, 1]).import().unwrap();
        refused(&window(&[1, 1], &[1, 1, 1, 1]), &[pool, "padding by 1", "where a window has 1"]);
        refused(&window(&[0, 1], &[0, 0, 0, 0]), &["`kernel_shape`"]);
    }
}

#[test]
fn attributes_that_are_not_understood_are_refused_by_name() {
    let five = |attributes: &[(&str, Attr<'_>)], outputs: &[&str]| {
        let tensor = |name| floats(name, &[2], &[0.5, 1.5]);
        let inputs = ["x", "a", "b", "c", "d"];
        let tensors = inputs[1..].iter().map(|name| tensor(name)).collect();
        model(&[1, 2, 3, 3], vec![node("BatchNormalization", &inputs, outputs, attributes)], tensors)
    };
    five(&[("momentum", Float(0.5)), ("training_mode", Int(0))], &["y"]).import().unwrap();
    refused(&five(&[("training_mode", Int(1))], &["y"]), &["`training_mode` is 1", "model.eval()"]);
    refused(&five(&[], &["y", "m", "v"]), &["exported for training", "model.eval()"]);
    refused(&five(&[("spatial", Int(0))], &["y"]).opset("", 8), &["`spatial` is 0"]);
    refused(&unary("Relu", &[2], &[("leak", Float(0.5))]), &["`the Relu`", "`leak` is not understood"]);
    refused(&unary("Swish", &[2], &[("alpha", Float(1.5))]), &["`alpha` is 1.5"]);
    refused(&unary("LeakyRelu", &[2], &[("alpha", Int(1))]), &["`alpha`", "expected float"]);
    refused(&unary("LeakyRelu", &[2], &[("alpha", Float(0.1)), ("alpha", Float(0.2))]), &["`alpha` is given twice"]);
    // The parser ignores bounds where operator set 11 and later have operands.
    refused(&unary("Clip", &[2], &[("min", Float(0.0))]), &["`min` does not exist in operator set 17"]);
    unary("Clip", &[2], &[("min", Float(0.0))]).opset("", 10).import().unwrap();
    refused(&unary("ReduceSum", &[2], &[("axes", Ints(&[0]))]), &["`axes` does not exist"]);
    let pads = vec![integers("p", &[2], &[1, 1])];
    refused(&with("Pad", &[2], pads, &[("mode", Text("wrap"))]), &["`wrap` exists from operator set 19 on"]);
}

#[test]
fn domains_and_operator_sets_are_those_that_are_understood() {
    let mut evil = unary("Relu", &[2], &[]).opset("evil", 1);
    evil.graph.as_mut().unwrap().node[0].domain = "evil".to_owned();
    refused(&evil, &["`the Relu` (Relu)", "domain `evil`"]);
    let relu = || unary("Relu", &[2], &[]);
    relu().opset("ai.onnx", 17).import().unwrap();
    refused(&relu().opset("", 99), &["operator set 99"]);
    refused(&relu().opset("", 0), &["operator set 0"]);
    relu().opset("", 6).import().unwrap();
    refused(&unary("Softplus", &[2], &[]).opset("", 6), &["in operator set 6 this operator is not supported"]);
    refused(&relu().opset("ai.onnx", 16), &["two versions"]);
    let mut none = relu();
    none.opset_import.clear();
    refused(&none, &["does not say which operator set"]);
}

#[test]
fn values_are_made_once() {
    let twice = vec![node("Relu", &["x"], &["y"], &[]), node("Neg", &["y"], &["y"], &[])];
    refused(&model(&[2], twice, Vec::new()), &["`y` is made twice"]);
    let tensor = || floats("y", &[2], &[1.0, 2.0]);
    refused(&model(&[2], vec![node("Relu", &["x"], &["y"], &[])], vec![tensor()]), &["is a tensor of the file too"]);
    let add = || vec![node("Add", &["x", "w"], &["y"], &[])];
    let w = || floats("w", &[2], &[1.0, 2.0]);
    refused(&model(&[2], add(), vec![w(), w()]), &["two tensors `w`"]);
    let short = TensorProto { dims: vec![3], ..w() };
    refused(&model(&[3], add(), vec![short]), &["`w`", "not as many entries"]);
    refused(&model(&[2], add(), vec![TensorProto { float_data: Vec::new(), ..w() }]), &["`w` has no data"]);
    let long = TensorProto { dims: vec![1; 17], ..floats("w", &[1], &[1.0]) };
    refused(&model(&[2], add(), vec![long]), &["more than 16 axes"]);
}

#[test]
fn types_that_are_not_read_are_named() {
    refused(&unary("Relu", &[2], &[]).input_type(16), &["`x`", "bfloat16"]);
    refused(&unary("Relu", &[2], &[]).input_type(8), &["`x`", "string"]);
    let add = || vec![node("Add", &["x", "w"], &["y"], &[])];
    let of = |data_type| TensorProto { data_type, raw_data: vec![1; 2], ..floats("w", &[2], &[]) };
    refused(&model(&[2], add(), vec![of(17)]), &["`w`", "float8e4m3fn"]);
    refused(&model(&[2], add(), vec![of(22)]), &["`w`", "int4"]);
    refused(&unary("Cast", &[2], &[("to", Int(16))]), &["`to`", "bfloat16"]);
}

#[test]
fn what_is_not_a_number_is_named_with_its_place() {
    let bad = |f: f32| floats("w", &[2, 3], &[0.0, 1.0, 2.0, 3.0, f, 5.0]);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for op in ["Add", "Mul", "PRelu", "MatMul"] {
            let shape = if op == "MatMul" { [3, 2] } else { [2, 3] };
            refused(&with(op, &shape, vec![bad(value)], &[]), &["tensor `w`", "[1, 1]", "finite"]);
        }
    }
    let half = TensorProto { data_type: 10, raw_data: vec![0, 0, 0, 0x7e], ..floats("w", &[2], &[]) };
    let nodes = vec![node("Cast", &["w"], &["v"], &[("to", Int(1))]), node("Add", &["x", "v"], &["y"], &[])];
    refused(&model(&[2], nodes, vec![half]), &["tensor `w`", "NaN at [1]"]);
    refused(&unary("LeakyRelu", &[2], &[("alpha", Float(f32::NAN))]), &["`alpha` is NaN"]);
    let pad = vec![integers("p", &[2], &[1, 1]), floats("v", &[], &[f32::NEG_INFINITY])];
    refused(&with("Pad", &[2], pad, &[]), &["tensor `v`"]);
    // Computed: nothing in the file is infinite.
    let nodes = vec![node("Log", &["w"], &["v"], &[]), node("Mul", &["x", "v"], &["y"], &[])];
    let error = model(&[2], nodes, vec![floats("w", &[2], &[1.0, 0.0])]).import().unwrap_err();
    let ImportError::NotFinite { tensor, place, value } = &error else { panic!("{error}") };
    assert!(tensor.contains("the Log") && *place == [1] && *value == f64::NEG_INFINITY, "{error}");
}

#[test]
fn minus_infinity_is_a_mask_or_no_bound() {
    let mask = || floats("m", &[2, 2], &[0.0, f32::NEG_INFINITY, 0.0, 0.0]);
    let softmax = |then: &str| {
        let nodes = vec![node("Add", &["x", "m"], &["s"], &[]), node(then, &["s"], &["y"], &[])];
        model(&[2, 2], nodes, vec![mask()])
    };
    softmax("Softmax").import().unwrap();
    refused(&softmax("Relu"), &["tensor `m`", "-inf at [0, 1]"]);
    // An output too, as it is.
    refused(&softmax("Softmax").output("s"), &["tensor `m`"]);
    let bounds = |lo: f32, hi: f32| with("Clip", &[2], vec![floats("a", &[], &[lo]), floats("b", &[], &[hi])], &[]);
    bounds(f32::NEG_INFINITY, f32::INFINITY).import().unwrap();
    refused(&bounds(f32::INFINITY, 1.0), &["tensor `a`"]);
    let most = |op: &str, bound: f32| with(op, &[2], vec![floats("w", &[], &[bound])], &[]);
    most("Max", f32::NEG_INFINITY).import().unwrap();
    most("Min", f32::INFINITY).import().unwrap();
    refused(&most("Max", f32::INFINITY), &["tensor `w`"]);
    refused(&most("Min", f32::NEG_INFINITY), &["tensor `w`"]);
    refused(&bounds(0.0, f32::NAN), &["tensor `b`"]);
}

#[test]
fn operands_that_the_parser_forgets() {
    let skip = |operands: &[&str]| {
        let mut skip = node("SkipSimplifiedLayerNormalization", operands, &["y"], &[]);
        skip.domain = "com.microsoft".into();
        let row = |name| floats(name, &[3], &[1.0, -2.0, 0.5]);
        model(&[2, 3], vec![skip], vec![row("g"), row("b")]).opset("com.microsoft", 1)
    };
    skip(&["x", "x", "g"]).import().unwrap();
    skip(&["x", "x", "g", ""]).import().unwrap();
    refused(&skip(&["x", "x", "g", "b"]), &["its bias is not supported"]);
}
