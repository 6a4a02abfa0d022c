//! Long chains of products and windows: what would be deeper than programs may be is committed on the way.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_blocks::program::{Advice, Interval, Program, Scale, Source, VIRTUAL_DEPTH};

use crate::graph::{Graph, NodeId};
use crate::ops::{AveragePool, Mul, Op, Pad, Slice, Take, Window};
use crate::{Compiled, Like, Options, compile};

/// The steps of a chain.
const STEPS: usize = 20;

/// Compiles a chain of nodes on one input of integers in an interval; runs and checks it. Returns the program.
fn chain(shape: &[usize], interval: Interval, step: impl Fn(&mut Graph, NodeId, usize) -> NodeId) -> Program {
    let mut graph = Graph::new();
    let x = graph.add_input("x", shape);
    let last = (0..STEPS).fold(x, |last, n| step(&mut graph, last, n));
    graph.add_output("y", last);
    let options = Options {
        inputs_like: vec![Like { scale: Scale(0), interval, columns: Vec::new() }],
        max_error: f64::INFINITY,
        ..Options::default()
    };
    let Compiled { program, weights, outputs, .. } = compile(&graph, &[], &options).expect("it compiles");
    let count = interval.hi - interval.lo + 1;
    let input: Vec<i64> =
        (0..shape.iter().product::<usize>() as i64).map(|i| interval.lo + (7 * i + i / 5) % count).collect();
    let float = ArrayD::from_shape_vec(IxDyn(shape), input.iter().map(|&v| v as f64).collect()).expect("of the shape");
    let trace = execute(&program, &weights, &[input]).expect("in range");
    assert_eq!(check_satisfied(&program, &trace), []);
    let got = outputs[0].dequantise(&trace.values(&program, program.outputs[0]));
    let evaluation = graph.evaluate(&[float]).expect("runs");
    let expected = evaluation.outputs().first().expect("an output").iter();
    assert!(got.iter().zip(expected).all(|(a, &b)| (a - b).abs() < 1e-3), "{got:?}");
    program
}

/// Copies that are committed to keep the program shallow; none of its chains is longer than the bound, and one is as long.
fn grounded(program: &Program) -> usize {
    assert_eq!(program.depths().iter().max(), Some(&VIRTUAL_DEPTH));
    let copy = |t: &&_| matches!(t, zktorch_blocks::program::Tensor { source: Source::Advice(Advice::Copy { .. }), .. });
    program.tensors.iter().filter(copy).filter(|t| t.name.ends_with(".grounded")).count()
}

#[test]
fn twenty_windows_in_a_row() {
    let order: Vec<Option<usize>> = [4, 0, 3, 1, 2].map(Some).to_vec();
    let program = chain(&[1, 5], Interval::new(-8, 7), |graph, x, n| {
        let pad = Op::Pad(Pad { begin: vec![0, 1], end: vec![0, 0], value: 0.0 });
        let op = [Op::Take(Take { axis: 1, indices: order.iter().flatten().copied().collect() }), pad, {
            Op::Slice(Slice { axis: 1, start: 1, end: 6, step: 1 })
        }];
        graph.add_inferred(format!("n{n}"), op[n % 3].clone(), &[x]).expect("shapes fit")
    });
    assert_eq!(grounded(&program), 2);
}

#[test]
fn twenty_products_in_a_row() {
    // Narrow and large: each would stay virtual.
    let program = chain(&[1, 20_000], Interval::new(0, 1), |graph, x, n| {
        graph.add_inferred(format!("n{n}"), Mul, &[x, x]).expect("shapes fit")
    });
    assert_eq!(grounded(&program), 2);
}

#[test]
fn twenty_pools_in_a_row() {
    // Each is a window and a sum; no mean of two entries is rounded.
    let window = Window { strides: vec![1], ..Window::dense(&[2]) };
    let program = chain(&[1, 1, 32], Interval::new(-8, 7), |graph, x, n| {
        let op = Op::AveragePool(AveragePool { window: window.clone(), count_include_pad: false });
        graph.add_inferred(format!("n{n}"), op, &[x]).expect("shapes fit")
    });
    assert_eq!(grounded(&program), 4);
}
