//! `Attention` against the standard's definition, written out.

use ndarray::{Array4, ArrayD};
use tract_onnx::pb::TensorProto;

use super::proto::{
    Attr::{self, *},
    Change, floats, integers, model, node,
};

/// What the standard says, of as many heads of queries for each head of keys and values.
fn attention(
    q: &Array4<f64>,
    k: &Array4<f64>,
    v: &Array4<f64>,
    scale: f64,
    bias: impl Fn(usize, usize) -> f64,
) -> Array4<f64> {
    let (_, heads, places, width) = q.dim();
    let (_, shared, known, _) = k.dim();
    Array4::from_shape_fn((1, heads, places, v.dim().3), |(_, head, i, c)| {
        let of = head / (heads / shared);
        let score = |j: usize| (0..width).map(|d| q[[0, head, i, d]] * k[[0, of, j, d]]).sum::<f64>() * scale + bias(i, j);
        let weights: Vec<f64> = (0..known).map(|j| score(j).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().enumerate().map(|(j, weight)| weight / sum * v[[0, of, j, c]]).sum()
    })
}

fn values(shape: (usize, usize, usize, usize)) -> Array4<f64> {
    Array4::from_shape_fn(shape, |(_, h, i, j)| ((h * 31 + i * 7 + j) as f64 * 1.7).sin())
}

/// The two are close.
fn same(given: &ArrayD<f64>, wanted: &[f64]) {
    assert_eq!(given.len(), wanted.len());
    assert!(given.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-5), "{given:?} instead of {wanted:?}");
}

#[test]
fn heads_are_shared_and_nothing_looks_ahead() {
    // Keys and values are the first two heads of the queries.
    let q = values((1, 4, 3, 2));
    let k = Array4::from_shape_fn((1, 2, 3, 2), |i| q[i]);
    let nodes = vec![
        node("Slice", &["x", "zero", "two", "one"], &["k"], &[]),
        node("Attention", &["x", "k", "k"], &["y"], &[("is_causal", Int(1)), ("scale", Float(0.5))]),
    ];
    let numbers = [("zero", 0), ("two", 2), ("one", 1)].map(|(name, value)| integers(name, &[1], &[value]));
    let graph = model(&[1, 4, 3, 2], nodes, numbers.to_vec()).opset("", 23).import().unwrap();
    let given = graph.evaluate(&[q.clone().into_dyn()]).unwrap();
    let ahead = |i, j| if j > i { f64::NEG_INFINITY } else { 0.0 };
    same(given.outputs()[0], attention(&q, &k, &k, 0.5, ahead).as_standard_layout().as_slice().unwrap());
}

#[test]
fn masks_are_kept_or_added_and_heads_may_lie_beside_each_other() {
    let x = values((1, 1, 3, 4)).into_shape_with_order((1, 3, 4)).unwrap();
    let q = x.clone().into_shape_with_order((1, 3, 2, 2)).unwrap().permuted_axes([0, 2, 1, 3]);
    let bits = TensorProto { data_type: 9, raw_data: vec![1, 0, 1, 0, 1, 1, 1, 1, 0], ..floats("m", &[3, 3], &[]) };
    let added = floats("m", &[3, 3], &[0.5, -1.0, 2.0, 0.0, 1.0, 0.25, -0.5, 0.0, 3.0]);
    let kept = |i: usize, j: usize| if bits.raw_data[3 * i + j] == 1 { 0.0 } else { f64::NEG_INFINITY };
    let more = |i: usize, j: usize| f64::from(added.float_data[3 * i + j]);
    let wanted = |bias: &dyn Fn(usize, usize) -> f64| attention(&q, &q, &q, 0.5f64.sqrt(), bias);
    for (mask, wanted) in [(bits.clone(), wanted(&kept)), (added.clone(), wanted(&more))] {
        let heads = [("q_num_heads", Int(2)), ("kv_num_heads", Int(2))];
        let nodes = vec![node("Attention", &["x", "x", "x", "m"], &["y"], &heads)];
        let graph = model(&[1, 3, 4], nodes, vec![mask]).opset("", 23).import().unwrap();
        let given = graph.evaluate(&[x.clone().into_dyn()]).unwrap();
        let wanted = wanted.permuted_axes([0, 2, 1, 3]);
        same(given.outputs()[0], &wanted.iter().copied().collect::<Vec<_>>());
    }
}

#[test]
fn what_is_not_spelled_is_refused() {
    let refusal = |operands: &[&str], results: &[&str], attributes: &[(&str, Attr<'_>)]| {
        model(&[1, 2, 3, 4], vec![node("Attention", operands, results, attributes)], vec![]).opset("", 23).refusal()
    };
    assert!(refusal(&["x", "x", "x", "", "x"], &["y"], &[]).contains("keys of the past without values"));
    let biased = [("is_causal", Int(1)), ("qk_matmul_output_mode", Int(2))];
    assert!(refusal(&["x", "x", "x"], &["z", "", "", "y"], &biased).contains("minus infinity"));
}

#[test]
fn a_choice_that_guards_against_no_number_is_none() {
    let nodes = vec![
        node("Softmax", &["x"], &["w"], &[("axis", Int(-1))]),
        node("IsNaN", &["w"], &["none"], &[]),
        node("Where", &["none", "zero", "w"], &["y"], &[]),
    ];
    let graph = model(&[1, 3], nodes, vec![floats("zero", &[], &[0.0])]).import().unwrap();
    let given = graph.evaluate(&[ArrayD::zeros(vec![1, 3])]).unwrap();
    same(given.outputs()[0], &[1.0 / 3.0; 3]);
    let other = vec![node("IsNaN", &["x"], &["none"], &[]), node("Where", &["none", "x", "zero"], &["y"], &[])];
    let graph = model(&[1, 3], other, vec![floats("zero", &[], &[0.0])]).import().unwrap();
    let given = graph.evaluate(&[ArrayD::from_elem(vec![1, 3], 2.0)]).unwrap();
    same(given.outputs()[0], &[0.0; 3]);
}

#[test]
fn a_scatter_over_everything_is_what_it_writes() {
    let scatter = |places: &[i64]| {
        let doubled = node("Add", &["x", "x"], &["u"], &[]);
        let nodes = vec![doubled, node("ScatterND", &["x", "i", "u"], &["y"], &[])];
        model(&[2, 2], nodes, vec![integers("i", &[2, 1], places)]).opset("", 18)
    };
    let graph = scatter(&[0, 1]).import().unwrap();
    let x = ArrayD::from_shape_fn(vec![2, 2], |i| (2 * i[0] + i[1]) as f64);
    same(graph.evaluate(&[x]).unwrap().outputs()[0], &[0.0, 2.0, 4.0, 6.0]);
    for (places, expected) in
        [([1, 0], [4.0, 6.0, 0.0, 2.0]), ([0, 0], [4.0, 6.0, 2.0, 3.0]), ([1, 1], [0.0, 1.0, 4.0, 6.0])]
    {
        let x = ArrayD::from_shape_fn(vec![2, 2], |i| (2 * i[0] + i[1]) as f64);
        same(scatter(&places).import().unwrap().evaluate(&[x]).unwrap().outputs()[0], &expected);
    }
}
