//! Samples that say nothing of a range, values far from 1, and what was lowered wrongly for other reasons.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{check_satisfied, execute};

use crate::graph::{Graph, NodeId};
use crate::ops::{Conv, Einsum, Label, LogSoftmax, Max, MaxPool, Min, Op, PRelu, Unary, Window};
use crate::{Options, compile};

fn array(shape: &[usize], value: impl Fn(usize) -> f64) -> ArrayD<f64> {
    let len: usize = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), (0..len).map(value).collect()).expect("of the shape")
}

fn node(graph: &mut Graph, op: Op, operands: &[NodeId]) -> NodeId {
    let name = format!("n{}", graph.len());
    graph.add_inferred(name, op, operands).expect("shapes fit")
}

/// The largest error of an entry of the last node for inputs, after compilation with samples, relative to the largest entry.
fn error(graph: &Graph, last: NodeId, samples: &[Vec<ArrayD<f64>>], inputs: &[ArrayD<f64>]) -> f64 {
    let mut graph = graph.clone();
    graph.add_output("out", last);
    let compiled = compile(&graph, samples, &Options::default()).unwrap_or_else(|e| panic!("{e}"));
    let integers: Vec<Vec<i64>> = compiled
        .inputs
        .iter()
        .zip(inputs)
        .map(|(port, x)| port.quantise(x.as_slice().expect("row-major")).expect("in range"))
        .collect();
    let trace = execute(&compiled.program, &compiled.weights, &integers).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(check_satisfied(&compiled.program, &trace), vec![]);
    let out = compiled.outputs[0].dequantise(&trace.values(&compiled.program, compiled.program.outputs[0]));
    let evaluation = graph.evaluate(inputs).expect("runs");
    let float = evaluation.outputs()[0];
    let largest = float.iter().fold(0f64, |m, v| m.max(v.abs()));
    out.iter().zip(float).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

fn pool(size: usize) -> Op {
    Op::MaxPool(MaxPool(Window { strides: vec![size; 2], ..Window::dense(&[size; 2]) }))
}

#[test]
fn samples_that_are_constant() {
    // Within a window nothing differs, so that the samples do not tell how far its entries may lie apart.
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 1, 6, 6]);
    let w = g.add_constant("w", array(&[2, 1, 3, 3], |i| (i as f64 * 1.7).sin() * 0.5));
    let y = node(&mut g, Op::Conv(Conv { window: Window::dense(&[3, 3]), groups: 1 }), &[x, w]);
    let relu = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let behind = node(&mut g, pool(2), &[relu]);
    let alone = node(&mut g, pool(2), &[x]);
    let input = array(&[1, 1, 6, 6], |i| 0.9 + 0.1 * (i as f64).sin());
    let constant = vec![vec![array(&[1, 1, 6, 6], |_| 1.0)]; 3];
    for last in [relu, behind, alone] {
        let error = error(&g, last, &constant, std::slice::from_ref(&input));
        assert!(error < 0.02, "{error}");
    }
}

#[test]
fn extremes_of_constants_that_are_equal() {
    for op in [Op::Max(Max), Op::Min(Min)] {
        let mut g = Graph::new();
        let (a, b) = (g.add_input("a", &[4]), g.add_input("b", &[4]));
        let y = node(&mut g, op, &[a, b]);
        let samples = vec![vec![array(&[4], |_| 0.75), array(&[4], |_| 0.75)]];
        let inputs = [array(&[4], |i| 0.1 * i as f64), array(&[4], |i| 0.3 - 0.1 * i as f64)];
        // Samples without error let the cheapest widths do.
        let error = error(&g, y, &samples, &inputs);
        assert!(error < 0.06, "{error}");
    }
}

#[test]
fn samples_that_are_zero() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 4]);
    let w = g.add_constant("w", array(&[4, 3], |i| (i as f64 * 2.3).cos() * 0.2));
    let y =
        node(&mut g, Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) }), &[x, w]);
    let y = node(&mut g, Op::Unary(Unary::LeakyRelu(0.1)), &[y]);
    let input = array(&[1, 4], |i| 0.5 - 0.3 * i as f64);
    let error = error(&g, y, &[vec![array(&[1, 4], |_| 0.0)]], &[input]);
    assert!(error < 0.05, "{error}");
}

#[test]
fn values_near_1e_minus_15() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 4]);
    let w = g.add_constant("w", array(&[4, 3], |i| (i as f64 * 2.3).cos()));
    let y =
        node(&mut g, Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) }), &[x, w]);
    let y = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let small = |s: usize| array(&[1, 4], move |i| ((i + s) as f64).sin() * 3e-15);
    let samples: Vec<_> = (0..4).map(|s| vec![small(s)]).collect();
    let error = error(&g, y, &samples, &[small(1)]);
    assert!(error < 0.005, "{error}");
}

#[test]
fn slopes_far_below_1() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 3]);
    let slope = g.add_constant("slope", array(&[1, 3], |i| 1.1e-4 * (i + 1) as f64));
    let y = node(&mut g, Op::PRelu(PRelu), &[x, slope]);
    let negative = |s: usize| array(&[1, 3], move |i| -1.0 - ((i + s) as f64).sin().abs());
    let samples: Vec<_> = (0..4).map(|s| vec![negative(s)]).collect();
    let error = error(&g, y, &samples, &[negative(2)]);
    assert!(error < 0.005, "{error}");
}

#[test]
fn a_function_between_two_pools() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 1, 8, 8]);
    let y = node(&mut g, pool(2), &[x]);
    let y = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let y = node(&mut g, pool(2), &[y]);
    let values = |s: usize| array(&[1, 1, 8, 8], move |i| ((i * 7 + s) as f64).sin());
    let samples: Vec<_> = (0..4).map(|s| vec![values(s)]).collect();
    let error = error(&g, y, &samples, &[values(2)]);
    assert!(error < 0.005, "{error}");
}

#[test]
fn logarithms_of_probabilities() {
    for (spread, entries) in [(8.0, 10), (60.0, 6), (12.0, 300)] {
        let mut g = Graph::new();
        let x = g.add_input("x", &[2, entries]);
        let y = node(&mut g, Op::LogSoftmax(LogSoftmax { axes: vec![1] }), &[x]);
        let logits = |s: usize| array(&[2, entries], move |i| ((i * 13 + s * 5) as f64).sin() * spread);
        let samples: Vec<_> = (0..6).map(|s| vec![logits(s)]).collect();
        let error = error(&g, y, &samples, &[logits(3)]);
        assert!(error < 0.001, "{error} of {entries} entries within {spread}");
    }
}
