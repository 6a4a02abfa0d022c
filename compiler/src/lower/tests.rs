//! Small graphs: the lowered program is satisfied by its trace, and close to the float graph.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_blocks::program::{Interval, Scale, Visibility};

use crate::graph::{Graph, NodeId};
use crate::ops::{
    Add, AveragePool, Broadcast, Concat, Conv, Einsum, Label, Max, MaxPool, Min, Mul, Op, PRelu, Pad, Reduce, ReduceKind,
    Reshape, Slice, Softmax, Sub, Take, Transpose, Unary, Window,
};
use crate::{Compiled, Like, Options, compile};

/// Reproducible numbers in `[-1, 1)`.
fn noise(seed: u64, shape: &[usize]) -> ArrayD<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    ArrayD::from_shape_fn(IxDyn(shape), |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    })
}

fn constant(graph: &mut Graph, seed: u64, shape: &[usize], factor: f64) -> NodeId {
    graph.add_constant(format!("w{seed}"), noise(seed, shape) * factor)
}

fn node(graph: &mut Graph, op: Op, operands: &[NodeId]) -> NodeId {
    let name = format!("n{}", graph.len());
    graph.add_inferred(name, op, operands).expect("shapes fit")
}

/// Compiles with random samples, runs other samples, checks every constraint and the outputs.
fn check(graph: &mut Graph, last: NodeId, tolerance: f64) -> Compiled {
    graph.add_output("out", last);
    graph.validate().expect("the graph is valid");
    let shapes: Vec<Vec<usize>> = graph.inputs().iter().map(|&i| graph.shape(i).to_vec()).collect();
    let sample = |s: u64| -> Vec<ArrayD<f64>> {
        shapes.iter().enumerate().map(|(i, shape)| noise(1000 + s * 10 + i as u64, shape)).collect()
    };
    let samples: Vec<_> = (0..6).map(sample).collect();
    for inputs in [Visibility::Private, Visibility::Public] {
        // The table sizes asserted here are those of this precision.
        let options = Options { inputs, target_error: 0.0025, ..Options::default() };
        let compiled = compile(graph, &samples, &options).unwrap_or_else(|e| panic!("{e}"));
        for s in 3..9 {
            let inputs = sample(s);
            let pairs = compiled.inputs.iter().zip(&inputs);
            let integers: Vec<Vec<i64>> =
                pairs.map(|(p, x)| p.quantise(x.as_slice().expect("row-major")).expect("in range")).collect();
            let trace = execute(&compiled.program, &compiled.weights, &integers).unwrap_or_else(|e| panic!("{e}"));
            let violations = check_satisfied(&compiled.program, &trace);
            assert!(violations.is_empty(), "{violations:?}");
            let evaluation = graph.evaluate(&inputs).expect("runs");
            for ((port, &id), float) in compiled.outputs.iter().zip(&compiled.program.outputs).zip(evaluation.outputs()) {
                let out = port.dequantise(&trace.values(&compiled.program, id));
                let largest = float.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
                for (got, want) in out.iter().zip(float) {
                    let error = (got - *want).abs() / largest;
                    assert!(error <= tolerance, "{got} instead of {want}: {error}\n{}", compiled.report);
                }
            }
        }
        if inputs == Visibility::Public {
            return compiled;
        }
    }
    unreachable!("the loop returns")
}

fn conv(window: Window, groups: usize) -> Op {
    Op::Conv(Conv { window, groups })
}

fn padded(kernel: usize, stride: usize, pad: usize) -> Window {
    Window { strides: vec![stride; 2], pads_begin: vec![pad; 2], pads_end: vec![pad; 2], ..Window::dense(&[kernel; 2]) }
}

#[test]
fn a_small_lenet() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 1, 12, 12]);
    let (w1, b1) = (constant(&mut g, 1, &[4, 1, 3, 3], 0.5), constant(&mut g, 2, &[4], 0.5));
    let y = node(&mut g, conv(Window::dense(&[3, 3]), 1), &[x, w1, b1]);
    let y = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let y = node(&mut g, Op::MaxPool(MaxPool(padded(2, 2, 0))), &[y]);
    let (w2, b2) = (constant(&mut g, 3, &[6, 4, 2, 2], 0.4), constant(&mut g, 4, &[6], 0.4));
    let y = node(&mut g, conv(Window::dense(&[2, 2]), 1), &[y, w2, b2]);
    let y = node(&mut g, Op::MaxPool(MaxPool(padded(2, 2, 0))), &[y]);
    let y = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let y = g.add("flat", Reshape, &[y], &[1, 24]);
    let w3 = constant(&mut g, 5, &[24, 5], 0.3);
    let y = node(
        &mut g,
        Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) }),
        &[y, w3],
    );
    let compiled = check(&mut g, y, 0.01);
    let totals = &compiled.report.totals;
    assert!(totals.tables <= 5, "{:?}", compiled.program.tables.iter().map(|t| &t.name).collect::<Vec<_>>());
    assert!(totals.table_rows < 10_000, "{totals:?}");
    // Per pooled window 4 gaps and selectors, a maximum and an activation; a limb for each remainder at most.
    let windows = 4 * 5 * 5 + 6 * 2 * 2;
    assert!((10 * windows..=14 * windows).contains(&totals.committed), "{totals:?}");
}

#[test]
fn overlapping_and_padded_pools() {
    for (kernel, stride, pad) in [(3, 2, 1), (2, 1, 0), (3, 3, 0), (2, 2, 0)] {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 3, 7, 7]);
        let w = constant(&mut g, 1, &[5, 3, 3, 3], 0.5);
        let y = node(&mut g, conv(padded(3, 1, 1), 1), &[x, w]);
        let y = node(&mut g, Op::MaxPool(MaxPool(padded(kernel, stride, pad))), &[y]);
        check(&mut g, y, 0.01);
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 3, 7, 7]);
        let w = constant(&mut g, 1, &[5, 3, 3, 3], 0.5);
        let y = node(&mut g, conv(padded(3, 2, 1), 1), &[x, w]);
        let y = node(&mut g, Op::Unary(Unary::Tanh), &[y]);
        for count_include_pad in [true, false] {
            let mut g = g.clone();
            let y =
                node(&mut g, Op::AveragePool(AveragePool { window: padded(kernel, stride, pad), count_include_pad }), &[y]);
            check(&mut g, y, 0.01);
        }
    }
}

#[test]
fn maxima_and_means_of_values_wider_than_activations() {
    // Inputs have two bits more than activations, and a sum of them one more.
    for doubled in [false, true] {
        for pool in [
            Op::MaxPool(MaxPool(padded(3, 2, 1))),
            Op::Reduce(Reduce { kind: ReduceKind::Max, axes: vec![2, 3] }),
            Op::AveragePool(AveragePool { window: padded(3, 2, 1), count_include_pad: false }),
            Op::Reduce(Reduce { kind: ReduceKind::Mean, axes: vec![2, 3] }),
        ] {
            let mut g = Graph::new();
            let x = g.add_input("x", &[1, 2, 5, 5]);
            let y = if doubled { node(&mut g, Op::Add(Add), &[x, x]) } else { x };
            let y = node(&mut g, pool, &[y]);
            g.add_output("out", y);
            let samples: Vec<_> = (0..4).map(|s| vec![noise(s, &[1, 2, 5, 5])]).collect();
            let options = Options { bits: Some(8), ..Options::default() };
            let compiled = compile(&g, &samples, &options).unwrap_or_else(|e| panic!("{e}"));
            assert!(compiled.report.accuracy.is_some_and(|a| a.tensor_error < 0.01));
        }
    }
}

/// Compiles on samples of the inputs, each in a range of its own, and requires a small error.
fn compiles(g: &Graph, bits: u32, ranges: &[(f64, f64)]) {
    let shapes: Vec<Vec<usize>> = g.inputs().iter().map(|&i| g.shape(i).to_vec()).collect();
    let within = |s: usize, i: usize| {
        let (lo, hi) = ranges[i];
        noise((10 * s + i) as u64, &shapes[i]).mapv(|v| lo + (v + 1.0) * 0.5 * (hi - lo))
    };
    let samples: Vec<Vec<ArrayD<f64>>> = (0..4).map(|s| (0..shapes.len()).map(|i| within(s, i)).collect()).collect();
    let options = Options { bits: Some(bits), ..Options::default() };
    let compiled = compile(g, &samples, &options).unwrap_or_else(|e| panic!("{e}"));
    assert!(compiled.report.output_error.is_some_and(|e| e < 0.02), "{:?}", compiled.report.output_error);
}

#[test]
fn functions_of_values_wider_than_activations() {
    // A slope that differs by channel, and a function behind an overlapping pool: both straight on the input.
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 2, 5, 5]);
    let slope = g.add_constant("slope", noise(7, &[1, 2, 1, 1]));
    let slope = g.add("slopes", Broadcast, &[slope], &[1, 2, 5, 5]);
    let y = node(&mut g, Op::PRelu(PRelu), &[x, slope]);
    g.add_output("out", y);
    compiles(&g, 10, &[(-1.0, 1.0)]);
    for function in [Unary::Relu, Unary::Tanh] {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 2, 5, 5]);
        let y = node(&mut g, Op::MaxPool(MaxPool(padded(3, 2, 1))), &[x]);
        let y = node(&mut g, Op::Unary(function), &[y]);
        g.add_output("out", y);
        compiles(&g, 10, &[(-1.0, 1.0)]);
    }
}

#[test]
fn extremes_of_operands_far_apart() {
    // The result is small, the difference of the operands is not.
    for (op, far) in [(Op::Max(Max), (-50.0, 0.0)), (Op::Min(Min), (0.0, 50.0))] {
        let mut g = Graph::new();
        let (a, b) = (g.add_input("a", &[1, 8]), g.add_input("b", &[1, 8]));
        let y = node(&mut g, op, &[a, b]);
        g.add_output("out", y);
        compiles(&g, 14, &[far, (-1.0, 1.0)]);
    }
}

#[test]
fn scores_of_too_fine_a_scale_are_refused() {
    // Each factor adds 15 bits of scale, none of which is dropped before the softmax.
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 3]);
    let scaled = (0..3).fold(x, |y, i| {
        let factor = g.add_constant(format!("c{i}"), ArrayD::from_elem(IxDyn(&[1, 1]), 0.9f64));
        let factor = g.add(format!("c{i}.broadcast"), Broadcast, &[factor], &[1, 3]);
        node(&mut g, Op::Mul(Mul), &[y, factor])
    });
    let y = node(&mut g, Op::Softmax(Softmax { axes: vec![1] }), &[scaled]);
    g.add_output("out", y);
    let options = Options { bits: Some(8), ..Options::default() };
    let error =
        compile(&g, &[vec![noise(1, &[1, 3])]], &options).err().expect("the scores have 53 bits of scale").to_string();
    assert!(error.contains("requantisation by") && error.contains("at most 40"), "{error}");
}

#[test]
fn pools_whose_windows_hold_nothing_are_refused() {
    for op in [
        Op::AveragePool(AveragePool { window: padded(2, 2, 2), count_include_pad: false }),
        Op::MaxPool(MaxPool(padded(2, 2, 2))),
    ] {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 1, 4, 4]);
        let y = node(&mut g, op, &[x]);
        g.add_output("out", y);
        let error = compile(&g, &[], &Options::default()).err().expect("the corners lie in the padding").to_string();
        assert!(error.contains("a window lies in the padding altogether"), "{error}");
    }
}

#[test]
fn grouped_and_depthwise_convolutions() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 6, 9, 8]);
    let w = constant(&mut g, 1, &[6, 1, 3, 3], 0.5);
    let y = node(&mut g, conv(padded(3, 2, 1), 6), &[x, w]);
    let y = node(&mut g, Op::Unary(Unary::Clip { lo: 0.0, hi: 1.0 }), &[y]);
    let w = constant(&mut g, 2, &[9, 2, 1, 1], 0.7);
    let y = node(&mut g, conv(Window::dense(&[1, 1]), 3), &[y, w]);
    let w = constant(&mut g, 3, &[4, 9, 1, 1], 0.7);
    let y = node(&mut g, conv(padded(1, 2, 0), 1), &[y, w]);
    check(&mut g, y, 0.01);
}

#[test]
fn residual_block_and_global_mean() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 4, 7, 7]);
    let w = constant(&mut g, 1, &[4, 4, 3, 3], 0.3);
    let y = node(&mut g, conv(padded(3, 1, 1), 1), &[x, w]);
    let shortcut = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let w = constant(&mut g, 2, &[4, 4, 3, 3], 0.3);
    let y = node(&mut g, conv(padded(3, 1, 1), 1), &[shortcut, w]);
    let y = node(&mut g, Op::Add(Add), &[y, shortcut]);
    let y = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    let y = node(&mut g, Op::Reduce(Reduce { kind: ReduceKind::Mean, axes: vec![2, 3] }), &[y]);
    let y = g.add("flat", Reshape, &[y], &[1, 4]);
    let w = constant(&mut g, 3, &[3, 4], 1.0);
    let y =
        node(&mut g, Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([2, 1]), out: Label::of([0, 2]) }), &[y, w]);
    let y = node(&mut g, Op::Softmax(Softmax { axes: vec![1] }), &[y]);
    check(&mut g, y, 0.01);
}

#[test]
fn layout_and_elementwise() {
    let mut g = Graph::new();
    let a = g.add_input("a", &[1, 4, 6]);
    let b = g.add_input("b", &[1, 4, 6]);
    let product = node(&mut g, Op::Mul(Mul), &[a, b]);
    let scaled = constant(&mut g, 1, &[1, 4, 1], 2.0);
    let scaled = g.add("scale", Broadcast, &[scaled], &[1, 4, 6]);
    let y = node(&mut g, Op::Mul(Mul), &[product, scaled]);
    let y = node(&mut g, Op::Sub(Sub), &[y, a]);
    let y = node(&mut g, Op::Unary(Unary::Silu), &[y]);
    let z = node(&mut g, Op::Transpose(Transpose(vec![0, 2, 1])), &[b]);
    let z = g.add("fold", Reshape, &[z], &[1, 4, 6]);
    let y = node(&mut g, Op::Concat(Concat { axis: 1 }), &[y, z, a]);
    let y = node(&mut g, Op::Slice(Slice { axis: 1, start: 1, end: 11, step: 3 }), &[y]);
    let y = node(&mut g, Op::Pad(Pad { begin: vec![0, 1, 0], end: vec![0, 0, 2], value: 0.5 }), &[y]);
    let y = node(&mut g, Op::Take(Take { axis: 2, indices: vec![7, 0, 3, 3] }), &[y]);
    let top = node(&mut g, Op::Reduce(Reduce { kind: ReduceKind::Max, axes: vec![2] }), &[y]);
    let top = g.add("spread", Broadcast, &[top], &[1, 5, 4]);
    let low = node(&mut g, Op::Unary(Unary::Neg), &[top]);
    let y = node(&mut g, Op::Max(Max), &[y, low]);
    let y = node(&mut g, Op::Sub(Sub), &[top, y]);
    check(&mut g, y, 0.02);
}

#[test]
fn outputs_that_are_four_times_an_input_or_another_output() {
    // Such a product is a change of scale, and the tensor itself has one scale only.
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 1]);
    let f = node(&mut g, Op::Unary(Unary::Relu), &[x]);
    let four = g.add_constant("four", ArrayD::from_elem(IxDyn(&[1, 1]), 4f64));
    for (name, of) in [("4x", x), ("4f", f)] {
        let product = node(&mut g, Op::Mul(Mul), &[of, four]);
        g.add_output(name, product);
    }
    g.add_output("x", x);
    check(&mut g, f, 0.02);
}

#[test]
fn inputs_like_another_models_outputs_are_as_large() {
    // Without samples ranges follow from the given interval: 100 is no number of a model whose inputs lie in [-1, 1].
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 2]);
    let y = node(&mut g, Op::Unary(Unary::Tanh), &[x]);
    let y = node(&mut g, Op::Add(Add), &[y, x]);
    let y = node(&mut g, Op::Unary(Unary::Relu), &[y]);
    g.add_output("y", y);
    let inputs_like = vec![Like { scale: Scale(4), interval: Interval::new(-2048, 2047), columns: Vec::new() }];
    let compiled = compile(&g, &[], &Options { inputs_like, ..Options::default() }).expect("it compiles");
    let input = compiled.inputs[0].quantise(&[100.0, -100.0]).expect("in range");
    let trace = execute(&compiled.program, &compiled.weights, &[input]).expect("in range");
    let out = compiled.outputs[0].dequantise(&trace.values(&compiled.program, compiled.program.outputs[0]));
    assert!((out[0] - 101.0).abs() < 0.5 && out[1] == 0.0, "{out:?}");
}

#[test]
fn debug_output_shows_no_weights() {
    let mut g = Graph::new();
    let x = g.add_input("x", &[1, 2]);
    let w = g.add_constant("w", ArrayD::from_elem(IxDyn(&[1, 2]), 0.8125f64));
    let y = node(&mut g, Op::Mul(Mul), &[x, w]);
    g.add_output("y", y);
    let sample = vec![ArrayD::from_elem(IxDyn(&[1, 2]), 0.8125f64)];
    let text = format!("{g:?} {:?}", g.evaluate(&sample).expect("runs"));
    assert!(text.contains("Constant [1, 2]") && text.contains("Mul") && !text.contains("0.8125"), "{text}");
}
