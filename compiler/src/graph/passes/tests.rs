//! Each pass on tiny graphs: what it must leave, and that values stay.

use ndarray::{ArrayD, IxDyn};

use super::*;
use crate::graph::NodeId;
use crate::ops::{
    Add, Broadcast, Compare, Concat, Conv, Div, Einsum, Label, MaskedSoftmax, Max, MaxPool, Mul, Op, Reduce, ReduceKind,
    Reshape, Select, Softmax, Sub, Transpose, Unary, Window,
};

/// Distinct, signed values.
fn values(shape: &[usize], seed: usize) -> ArrayD<f64> {
    let len: usize = shape.iter().product();
    let data = (0..len).map(|i| (((i + seed) * 7919 + 13) % 101) as f64 / 25.0 - 2.0).collect();
    ArrayD::from_shape_vec(IxDyn(shape), data).unwrap()
}

/// Simplifies, checks that outputs stay, and returns the ops that are left beside inputs, constants and broadcasts.
fn simplified(mut graph: Graph) -> (Graph, Vec<String>) {
    graph.validate().unwrap();
    let inputs: Vec<ArrayD<f64>> =
        graph.inputs().iter().enumerate().map(|(seed, &id)| values(graph.shape(id), seed)).collect();
    let before = graph.evaluate(&inputs).unwrap();
    let original = graph.clone();
    for (name, pass) in PASSES {
        let mut alone = original.clone();
        pass(&mut alone);
        alone.validate().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_close(&before.outputs(), &alone.evaluate(&inputs).unwrap().outputs());
    }
    simplify(&mut graph);
    graph.validate().unwrap();
    assert_close(&before.outputs(), &graph.evaluate(&inputs).unwrap().outputs());
    let mut ops: Vec<String> = graph.nodes().map(|(_, n)| n.op.name().to_owned()).collect();
    ops.retain(|op| !["Input", "Constant", "Broadcast"].contains(&op.as_str()));
    ops.sort();
    (graph, ops)
}

fn assert_close(a: &[&ArrayD<f64>], b: &[&ArrayD<f64>]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.shape(), b.shape());
        for (x, y) in a.iter().zip(b.iter()) {
            assert!((x - y).abs() <= 1e-4 * (1.0 + x.abs()), "{x} became {y}");
        }
    }
}

fn add(graph: &mut Graph, op: Op, operands: &[NodeId]) -> NodeId {
    graph.add_inferred("node", op, operands).unwrap()
}

fn constant(graph: &mut Graph, shape: &[usize], seed: usize, broadcast: &[usize]) -> NodeId {
    let constant = graph.add_constant("constant", values(shape, seed));
    if shape == broadcast { constant } else { graph.add("constant", Broadcast, &[constant], broadcast) }
}

fn scalar(graph: &mut Graph, value: f64, shape: &[usize]) -> NodeId {
    let constant = graph.add_constant("scalar", ArrayD::from_elem(IxDyn(&vec![1; shape.len()]), value));
    graph.add("scalar", Broadcast, &[constant], shape)
}

fn unary(graph: &mut Graph, unary: Unary, x: NodeId) -> NodeId {
    add(graph, Op::Unary(unary), &[x])
}

#[test]
fn batch_normalisation_folds_into_the_convolution_before_it() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 4, 5, 5]);
    let w = constant(&mut g, &[6, 2, 3, 3], 1, &[6, 2, 3, 3]);
    let window = Window { pads_begin: vec![1, 1], pads_end: vec![1, 1], ..Window::dense(&[3, 3]) };
    let conv = add(&mut g, Op::Conv(Conv { window, groups: 2 }), &[x, w]);
    let shape = g.shape(conv).to_vec();
    let bias = constant(&mut g, &[1, 6, 1, 1], 2, &shape);
    let scale = constant(&mut g, &[1, 6, 1, 1], 3, &shape);
    let shift = constant(&mut g, &[1, 6, 1, 1], 4, &shape);
    let y = add(&mut g, Op::Add(Add), &[conv, bias]);
    let y = add(&mut g, Op::Mul(Mul), &[scale, y]);
    let y = add(&mut g, Op::Sub(Sub), &[y, shift]);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["Conv"]);
}

#[test]
fn a_shift_before_a_padded_convolution_stays() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 2, 4]);
    let shift = constant(&mut g, &[1, 2, 1], 1, &[1, 2, 4]);
    let y = add(&mut g, Op::Add(Add), &[x, shift]);
    let w = constant(&mut g, &[3, 2, 3], 2, &[3, 2, 3]);
    let window = Window { pads_begin: vec![1], pads_end: vec![1], ..Window::dense(&[3]) };
    let y = add(&mut g, Op::Conv(Conv { window, groups: 1 }), &[y, w]);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["Add", "Conv"]);
}

#[test]
fn scales_fold_into_einsum_weights_and_shifts_merge() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[3, 4]);
    let w = constant(&mut g, &[4, 5], 1, &[4, 5]);
    let product = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) });
    let y = add(&mut g, product, &[x, w]);
    let bias = constant(&mut g, &[1, 5], 2, &[3, 5]);
    let y = add(&mut g, Op::Add(Add), &[bias, y]);
    let scale = constant(&mut g, &[1, 5], 3, &[3, 5]);
    let y = add(&mut g, Op::Mul(Mul), &[y, scale]);
    let shift = constant(&mut g, &[1, 5], 4, &[3, 5]);
    let y = add(&mut g, Op::Add(Add), &[y, shift]);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["Add", "Einsum"]);
}

#[test]
fn a_scale_along_a_free_axis_of_the_variable_stays() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[3, 4]);
    let w = constant(&mut g, &[4, 5], 1, &[4, 5]);
    let product = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([2, 0]) });
    let y = add(&mut g, product, &[x, w]);
    let scale = constant(&mut g, &[1, 3], 3, &[5, 3]);
    let y = add(&mut g, Op::Mul(Mul), &[y, scale]);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["Einsum", "Mul"]);
}

#[test]
fn a_sum_divided_by_its_count_is_a_mean() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[2, 3, 7]);
    let y = add(&mut g, Op::Reduce(Reduce { kind: ReduceKind::Sum, axes: vec![1, 2] }), &[x]);
    let n = scalar(&mut g, 21.0, &[2, 1, 1]);
    let y = add(&mut g, Op::Div(Div), &[y, n]);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["ReduceMean"]);
}

#[test]
fn views_merge() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 2, 3]);
    let y = add(&mut g, Op::Transpose(Transpose(vec![2, 1, 0])), &[x]);
    let y = add(&mut g, Op::Transpose(Transpose(vec![2, 1, 0])), &[y]);
    let y = add(&mut g, Op::Transpose(Transpose(vec![1, 0, 2])), &[y]);
    let y = g.add("r", Reshape, &[y], &[6]);
    let y = g.add("r", Reshape, &[y], &[3, 2]);
    let y = add(&mut g, Op::Concat(Concat { axis: 0 }), &[y]);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["Reshape"]);
}

#[test]
fn clips_merge() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[9]);
    let y = unary(&mut g, Unary::Relu, x);
    let y = unary(&mut g, Unary::Clip { lo: f64::NEG_INFINITY, hi: 1.5 }, y);
    g.add_output("y", y);
    let (graph, ops) = simplified(g);
    assert_eq!(ops, ["Clip"]);
    let clip = graph.nodes().any(|(_, n)| matches!(n.op, Op::Unary(Unary::Clip { lo: 0.0, hi: 1.5 })));
    assert!(clip);
}

#[test]
fn spelled_out_activations_get_their_names() {
    let shape = [30];
    let mut g = Graph::new();
    let x = g.add_input("x", &shape);
    // x (1 + erf(x / sqrt 2)) / 2
    let c = scalar(&mut g, std::f64::consts::SQRT_2, &shape);
    let y = add(&mut g, Op::Div(Div), &[x, c]);
    let y = unary(&mut g, Unary::Erf, y);
    let one = scalar(&mut g, 1.0, &shape);
    let y = add(&mut g, Op::Add(Add), &[y, one]);
    let y = add(&mut g, Op::Mul(Mul), &[x, y]);
    let half = scalar(&mut g, 0.5, &shape);
    let gelu = add(&mut g, Op::Mul(Mul), &[y, half]);
    g.add_output("gelu", gelu);
    // x sigmoid(x)
    let s = unary(&mut g, Unary::Sigmoid, x);
    let silu = add(&mut g, Op::Mul(Mul), &[s, x]);
    g.add_output("silu", silu);
    // x clip(x + 3, 0, 6) / 6
    let three = scalar(&mut g, 3.0, &shape);
    let y = add(&mut g, Op::Add(Add), &[x, three]);
    let y = unary(&mut g, Unary::Clip { lo: 0.0, hi: 6.0 }, y);
    let y = add(&mut g, Op::Mul(Mul), &[x, y]);
    let six = scalar(&mut g, 6.0, &shape);
    let hard_swish = add(&mut g, Op::Div(Div), &[y, six]);
    g.add_output("hard swish", hard_swish);
    let (graph, _) = simplified(g);
    let names: Vec<&str> = graph.outputs().iter().map(|&id| graph.op(id).name()).collect();
    assert_eq!(names, ["Gelu", "Silu", "HardSwish"]);
}

#[test]
fn residual_sums_are_not_fused() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[4]);
    let a = unary(&mut g, Unary::Relu, x);
    let b = unary(&mut g, Unary::Tanh, x);
    let sum = add(&mut g, Op::Add(Add), &[a, b]);
    g.add_output("sum", sum);
    let (_, ops) = simplified(g);
    assert_eq!(ops, ["Add", "Relu", "Tanh"]);
}

#[test]
fn constants_fold_and_dead_nodes_go() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[2, 2]);
    let a = constant(&mut g, &[2, 2], 1, &[2, 2]);
    let b = constant(&mut g, &[1, 2], 2, &[2, 2]);
    let c = add(&mut g, Op::Max(Max), &[a, b]);
    let c = unary(&mut g, Unary::Exp, c);
    let y = add(&mut g, Op::Max(Max), &[x, c]);
    let dead = unary(&mut g, Unary::Exp, x);
    unary(&mut g, Unary::Exp, dead);
    g.add_output("y", y);
    let (graph, ops) = simplified(g);
    assert_eq!((ops, graph.len()), (vec!["Max".to_owned()], 3));
}

#[test]
fn a_pool_of_one_entry_that_skips_or_pads_stays() {
    let skips = Window { strides: vec![2], pads_begin: vec![1], pads_end: vec![1], ..Window::dense(&[1]) };
    for (window, left) in [(skips, vec!["MaxPool"]), (Window::dense(&[1]), vec![])] {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 1, 3]);
        let y = add(&mut g, Op::MaxPool(MaxPool(window)), &[x]);
        g.add_output("y", y);
        simplify(&mut g);
        let ops: Vec<&str> = g.nodes().map(|(_, n)| n.op.name()).filter(|op| *op != "Input").collect();
        assert_eq!(ops, left);
    }
}

#[test]
fn the_logarithm_of_a_softmax_is_one_node() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[2, 5]);
    let p = add(&mut g, Op::Softmax(Softmax { axes: vec![1] }), &[x]);
    let y = unary(&mut g, Unary::Log, p);
    g.add_output("y", y);
    assert_eq!(simplified(g).1, ["LogSoftmax"]);
}
/// Softmax over the last axis of scores `[2, 3, 3]` that are masked somehow; a causal mask's weights on a few scores.
fn masked(mask: impl Fn(&mut Graph, NodeId) -> NodeId) -> (Graph, Vec<String>) {
    let mut g = Graph::new();
    let x = g.add_input("x", &[2, 3, 3]);
    let scores = mask(&mut g, x);
    let y = add(&mut g, Op::Softmax(Softmax { axes: vec![2] }), &[scores]);
    g.add_output("y", y);
    simplified(g)
}

#[test]
fn masks_are_found_whatever_their_number_is() {
    let causal = |low: f64| ArrayD::from_shape_fn(IxDyn(&[1, 3, 3]), |i| if i[2] > i[1] { low } else { 0.0 });
    for low in [f64::NEG_INFINITY, f64::from(f32::MIN), -1e9, -1e4] {
        let (graph, ops) = masked(|g, x| {
            let mask = g.add_constant("mask", causal(low));
            let mask = g.add("mask", Broadcast, &[mask], &[2, 3, 3]);
            add(g, Op::Add(Add), &[x, mask])
        });
        assert_eq!(ops, ["Softmax"], "{low}");
        let gap = graph
            .nodes()
            .find_map(|(_, n)| if let Op::MaskedSoftmax(MaskedSoftmax { gap, .. }) = n.op { Some(gap) } else { None });
        assert_eq!(gap, Some(-low));
    }
    let (_, ops) = masked(|g, x| {
        let condition = g.add_constant("condition", causal(1.0).mapv(|v| 1.0 - v));
        let condition = g.add("condition", Broadcast, &[condition], &[2, 3, 3]);
        let low = scalar(g, -1e4, &[2, 3, 3]);
        add(g, Op::Select(Select), &[condition, x, low])
    });
    assert_eq!(ops, ["Softmax"]);
}

#[test]
fn a_row_of_which_nothing_is_left_has_equal_weights() {
    for shape in [&[1, 3, 1][..], &[1, 3, 3]] {
        let (_, ops) = masked(|g, x| {
            let condition = ArrayD::from_shape_fn(IxDyn(shape), |i| if i[1] == 1 { 0.0 } else { 1.0 });
            let condition = g.add_constant("condition", condition);
            let condition = g.add("condition", Broadcast, &[condition], &[2, 3, 3]);
            let low = scalar(g, -1e4, &[2, 3, 3]);
            add(g, Op::Select(Select), &[condition, x, low])
        });
        assert_eq!(ops, ["Softmax", "Where"]);
    }
}

#[test]
fn biases_by_distance_are_no_masks_and_stay_beside_one() {
    let distance = |far: f64| {
        ArrayD::from_shape_fn(IxDyn(&[1, 3, 3]), |i| if i[2] > i[1] { far } else { (i[2] as f64 - i[1] as f64) * 0.5 })
    };
    for (far, masked_too) in [(-300.0, false), (-1e5, true)] {
        let (graph, ops) = masked(|g, x| {
            let bias = g.add_constant("bias", distance(far));
            let bias = g.add("bias", Broadcast, &[bias], &[2, 3, 3]);
            add(g, Op::Add(Add), &[x, bias])
        });
        assert_eq!(ops, ["Add", "Softmax"]);
        assert_eq!(graph.nodes().any(|(_, n)| matches!(n.op, Op::MaskedSoftmax(_))), masked_too);
        let finite =
            graph.nodes().filter_map(|(id, _)| graph.constant(id)).all(|c| c.iter().all(|v| v.abs() < 2.0 || !masked_too));
        assert!(finite);
    }
}

#[test]
fn functions_that_agree_on_small_values_only_keep_their_values() {
    let shape = [7];
    let far = ArrayD::from_shape_vec(IxDyn(&shape), vec![-1e5, -60.0, -3.0, 0.0, 5.0, 60.0, 1e5]).unwrap();
    let chains: [&[Unary]; 6] = [
        &[Unary::LeakyRelu(0.1), Unary::Clip { lo: -1000.0, hi: 20.0 }],
        &[Unary::Silu, Unary::Clip { lo: -30.0, hi: 30.0 }],
        &[Unary::Gelu, Unary::Clip { lo: -20.0, hi: 20.0 }],
        &[Unary::Clip { lo: -20.0, hi: 20.0 }, Unary::Softplus],
        &[Unary::Abs, Unary::Clip { lo: 0.0, hi: 50.0 }],
        &[Unary::Square, Unary::Clip { lo: 0.0, hi: 200.0 }],
    ];
    for chain in chains {
        let mut g = Graph::new();
        let x = g.add_input("x", &shape);
        let y = chain.iter().fold(x, |x, f| unary(&mut g, f.clone(), x));
        g.add_output("y", y);
        let before = g.evaluate(std::slice::from_ref(&far)).unwrap();
        simplify(&mut g);
        let after = g.evaluate(std::slice::from_ref(&far)).unwrap();
        assert_close(&before.outputs(), &after.outputs());
    }
}

#[test]
fn a_jump_at_one_point_and_a_difference_of_relus_keep_their_values() {
    let points = ArrayD::from_shape_vec(IxDyn(&[5]), vec![-2.0, 0.0, 3.0, 15.0, 40.0]).unwrap();
    let mut g = Graph::new();
    let x = g.add_input("x", &[5]);
    let (zero, fifteen) = (scalar(&mut g, 0.0, &[5]), scalar(&mut g, 15.0, &[5]));
    let relu = unary(&mut g, Unary::Relu, x);
    let here = add(&mut g, Op::Compare(Compare(crate::ops::Comparison::Equal)), &[x, zero]);
    let jump = add(&mut g, Op::Add(Add), &[relu, here]);
    g.add_output("jump", jump);
    let moved = add(&mut g, Op::Sub(Sub), &[x, fifteen]);
    let moved = unary(&mut g, Unary::Relu, moved);
    let relu = unary(&mut g, Unary::Relu, x);
    let clipped = add(&mut g, Op::Sub(Sub), &[relu, moved]);
    g.add_output("clipped", clipped);
    simplify(&mut g);
    let outputs = g.evaluate(&[points]).unwrap();
    let values: Vec<Vec<f64>> = outputs.outputs().into_iter().map(|o| o.iter().copied().collect()).collect();
    assert_eq!(values, [[0.0, 1.0, 3.0, 15.0, 40.0], [0.0, 0.0, 3.0, 15.0, 15.0]]);
}
