//! Operators that are written in others, or drawn: what they give for an input, against their definitions.

use ndarray::{ArrayD, IxDyn};

use super::proto::{Attr::*, Change, floats, integers, model, node};

fn array(shape: &[usize], values: &[f64]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), values.to_vec()).expect("of the shape")
}

/// What a model gives for an input.
fn given(file: &tract_onnx::pb::ModelProto, x: ArrayD<f64>) -> ArrayD<f64> {
    let graph = file.import().unwrap_or_else(|e| panic!("{e}"));
    let evaluation = graph.evaluate(&[x]).expect("it runs");
    evaluation.outputs()[0].clone()
}

#[test]
fn sequences_are_names_of_values() {
    // [x, 2 x] with x put in front, without its last: x and x, one behind the other.
    let nodes = vec![
        node("Add", &["x", "x"], &["twice"], &[]),
        node("SequenceConstruct", &["x", "twice"], &["s"], &[]),
        node("SequenceInsert", &["s", "x", "first"], &["t"], &[]),
        node("SequenceErase", &["t"], &["u"], &[]),
        node("ConcatFromSequence", &["u"], &["y"], &[("axis", Int(0))]),
    ];
    let x = array(&[2], &[1.0, -2.0]);
    let file = model(&[2], nodes.clone(), vec![integers("first", &[], &[0])]);
    assert_eq!(given(&file, x.clone()), array(&[4], &[1.0, -2.0, 1.0, -2.0]));
    let mut last = nodes;
    last[4] = node("SequenceAt", &["t", "last"], &["y"], &[]);
    let tensors = vec![integers("first", &[], &[0]), integers("last", &[], &[-1])];
    assert_eq!(given(&model(&[2], last.clone(), tensors), x.clone()), array(&[2], &[2.0, -4.0]));
    let beyond = vec![integers("first", &[], &[0]), integers("last", &[], &[3])];
    assert!(model(&[2], last, beyond).refusal().contains("its position is out of range"));
    // Parts of two and one.
    let nodes = vec![
        node("SplitToSequence", &["x", "two"], &["s"], &[("axis", Int(0))]),
        node("SequenceAt", &["s", "last"], &["y"], &[]),
    ];
    let tensors = vec![integers("two", &[], &[2]), integers("last", &[], &[-1])];
    assert_eq!(given(&model(&[3], nodes, tensors), array(&[3], &[1.0, 2.0, 3.0])), array(&[1], &[3.0]));
}

#[test]
fn entries_of_a_known_condition_are_kept() {
    let mut condition = integers("c", &[3], &[1, 0, 1]);
    (condition.data_type, condition.int64_data, condition.int32_data) = (9, vec![], vec![1, 0, 1]);
    let file = model(&[2, 3], vec![node("Compress", &["x", "c"], &["y"], &[("axis", Int(1))])], vec![condition]);
    let x = array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(given(&file, x), array(&[2, 2], &[1.0, 3.0, 4.0, 6.0]));
}

#[test]
fn determinants_are_sums_over_permutations() {
    let file = |n: i64| model(&[n, n], vec![node("Det", &["x"], &["y"], &[])], vec![]);
    let matrix = array(&[3, 3], &[2.0, -1.0, 3.0, 0.0, 4.0, 1.0, 5.0, -2.0, 1.0]);
    // 2 (4 + 2) + 1 (0 - 5) + 3 (0 - 20)
    assert_eq!(given(&file(3), matrix), array(&[], &[-53.0]));
    let triangle =
        ArrayD::from_shape_fn(IxDyn(&[5, 5]), |at| if at[0] <= at[1] { (at[0] + 2 * at[1] + 1) as f64 } else { 0.0 });
    let wanted: f64 = (0..5).map(|n| (3 * n + 1) as f64).product();
    assert_eq!(given(&file(5), triangle.clone()), array(&[], &[wanted]));
    // Two rows in the other order.
    let mut turned = triangle;
    for column in 0..5 {
        turned.swap([1, column].as_slice(), [4, column].as_slice());
    }
    assert_eq!(given(&file(5), turned), array(&[], &[-wanted]));
    assert!(file(7).refusal().contains("more than 6 rows"));
}

#[test]
fn products_so_far_go_either_way() {
    type Attributes<'a> = &'a [(&'a str, super::proto::Attr<'a>)];
    let file = |attributes: Attributes<'_>| {
        model(&[1, 5], vec![node("CumProd", &["x", "axis"], &["y"], attributes)], vec![integers("axis", &[], &[1])])
    };
    let x = array(&[1, 5], &[2.0, -1.0, 3.0, 0.5, 4.0]);
    let cases: [(Attributes<'_>, [f64; 5]); 3] = [
        (&[], [2.0, -2.0, -6.0, -3.0, -12.0]),
        (&[("exclusive", Int(1))], [1.0, 2.0, -2.0, -6.0, -3.0]),
        (&[("exclusive", Int(1)), ("reverse", Int(1))], [-6.0, 6.0, 2.0, 4.0, 1.0]),
    ];
    for (attributes, wanted) in cases {
        let file = file(attributes).opset("", 26);
        assert_eq!(given(&file, x.clone()), array(&[1, 5], &wanted));
    }
}

#[test]
fn a_deformed_convolution_without_offsets_is_one() {
    let zeros = floats("o", &[1, 8, 2, 2], &[0.0; 32]);
    let w = floats("w", &[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let file = model(&[1, 1, 3, 3], vec![node("DeformConv", &["x", "w", "o"], &["y"], &[])], vec![w, zeros]).opset("", 19);
    let x = array(&[1, 1, 3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    assert_eq!(given(&file, x), array(&[1, 1, 2, 2], &[37.0, 47.0, 67.0, 77.0]));
}

#[test]
fn integers_of_four_bits_stand_for_reals() {
    let packed = |data_type: i32| tract_onnx::pb::TensorProto {
        name: "q".to_owned(),
        dims: vec![3],
        data_type,
        raw_data: vec![0xf1, 0x08],
        ..tract_onnx::pb::TensorProto::default()
    };
    for (data_type, wanted) in [(21, [1.5, 8.5, 5.0]), (22, [1.5, 0.5, -3.0])] {
        let nodes = vec![node("DequantizeLinear", &["q", "s"], &["w"], &[]), node("Add", &["x", "w"], &["y"], &[])];
        let tensors = vec![packed(data_type), floats("s", &[], &[0.5])];
        assert_eq!(given(&model(&[3], nodes, tensors), array(&[3], &[1.0; 3])), array(&[3], &wanted));
        // What is read as it is has no such type.
        let nodes = vec![node("Cast", &["q"], &["w"], &[("to", Int(1))]), node("Add", &["x", "w"], &["y"], &[])];
        assert!(model(&[3], nodes, vec![packed(data_type)]).import().is_err());
    }
}
