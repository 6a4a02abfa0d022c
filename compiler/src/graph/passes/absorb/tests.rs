//! Products whose operands are views: what is left of these, and that the product is the same.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_blocks::program::{Program, Source};

use super::super::simplify;
use super::*;
use crate::audit::audit;
use crate::graph::Domain;
use crate::ops::{Gather, Softmax};
use crate::{Compiled, Options, compile};

/// Numbers without structure.
fn values(shape: &[usize], seed: usize) -> ArrayD<f64> {
    let len: usize = shape.iter().product();
    let number = |i: usize| ((i + 101 * seed) as f64 * 12.9898).sin() * 43758.5453 % 1.0;
    ArrayD::from_shape_vec(IxDyn(shape), (0..len).map(number).collect()).expect("of the shape")
}

fn add(graph: &mut Graph, op: impl Into<Op>, operands: &[NodeId]) -> NodeId {
    graph.add_inferred("node", op, operands).expect("shapes fit")
}

fn product(graph: &mut Graph, labels: [&[usize]; 3], operands: &[NodeId]) -> NodeId {
    let [lhs, rhs, out] = labels.map(|labels| Label::of(labels.iter().copied()));
    add(graph, Einsum { lhs, rhs, out }, operands)
}

/// Applies all passes, checks that outputs stay, and returns what is left beside inputs and constants.
fn simplified(graph: &Graph) -> (Graph, Vec<&'static str>) {
    graph.validate().expect("valid");
    let inputs: Vec<ArrayD<f64>> = graph.inputs().iter().enumerate().map(|(n, &id)| values(graph.shape(id), n)).collect();
    let before = graph.evaluate(&inputs).expect("runs");
    let mut after = graph.clone();
    simplify(&mut after);
    after.validate().expect("valid");
    let outputs = after.evaluate(&inputs).expect("runs");
    for (a, b) in before.outputs().into_iter().zip(outputs.outputs()) {
        assert_eq!(a.shape(), b.shape());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a} became {b}");
    }
    let mut ops: Vec<&str> =
        after.nodes().map(|(_, n)| n.op.name()).filter(|o| !["Input", "Constant"].contains(o)).collect();
    ops.sort_unstable();
    (after, ops)
}

const KEYS: usize = 2;
const GROUP: usize = 3;
const ROWS: usize = 5;
const SIZE: usize = 4;

/// What exporters write for heads that share keys or values: head `h` has those of `h / GROUP`.
fn repeated(graph: &mut Graph, x: NodeId) -> NodeId {
    let x = graph.add("unsqueeze", Reshape, &[x], &[1, KEYS, 1, ROWS, SIZE]);
    let x = graph.add("expand", Broadcast, &[x], &[1, KEYS, GROUP, ROWS, SIZE]);
    graph.add("reshape", Reshape, &[x], &[1, KEYS * GROUP, ROWS, SIZE])
}

/// `[1, ROWS, heads * SIZE]` as `[1, heads, ROWS, SIZE]`.
fn heads(graph: &mut Graph, x: NodeId, heads: usize) -> NodeId {
    let x = graph.add("heads", Reshape, &[x], &[1, ROWS, heads, SIZE]);
    add(graph, Transpose(vec![0, 2, 1, 3]), &[x])
}

/// Attention of six heads that share two keys and values.
fn attention() -> Graph {
    let mut graph = Graph::new();
    let q = graph.add_input("q", &[1, ROWS, KEYS * GROUP * SIZE]);
    let [k, v] = ["k", "v"].map(|name| graph.add_input(name, &[1, ROWS, KEYS * SIZE]));
    let q = heads(&mut graph, q, KEYS * GROUP);
    let [k, v] = [k, v].map(|x| {
        let x = heads(&mut graph, x, KEYS);
        repeated(&mut graph, x)
    });
    let k = add(&mut graph, Transpose(vec![0, 1, 3, 2]), &[k]);
    let scores = product(&mut graph, [&[0, 1, 2, 3], &[0, 1, 3, 4], &[0, 1, 2, 4]], &[q, k]);
    let weights = add(&mut graph, Softmax { axes: vec![3] }, &[scores]);
    let rows = product(&mut graph, [&[0, 1, 2, 3], &[0, 1, 3, 4], &[0, 1, 2, 4]], &[weights, v]);
    let rows = add(&mut graph, Transpose(vec![0, 2, 1, 3]), &[rows]);
    let rows = graph.add("joined", Reshape, &[rows], &[1, ROWS, KEYS * GROUP * SIZE]);
    let w = graph.add_constant("w", values(&[KEYS * GROUP * SIZE, 7], 9));
    let y = product(&mut graph, [&[0, 1, 2], &[2, 3], &[0, 1, 3]], &[rows, w]);
    graph.add_output("y", y);
    graph
}

#[test]
fn heads_share_keys_and_values_that_are_repeated_nowhere() {
    let (graph, ops) = simplified(&attention());
    assert!(!ops.contains(&"Broadcast") && !ops.contains(&"Transpose"), "{ops:?}");
    let shared = KEYS * ROWS * SIZE;
    for (id, _) in graph.nodes().filter(|(_, node)| matches!(node.op, Op::Einsum(_))) {
        let [_, b] = graph.operands(id)[..] else { panic!("two operands") };
        assert!(graph.constant(b).is_some() || graph.node(b).len() == shared, "{:?}", graph.shape(b));
    }
    let Compiled { program, weights, .. } = compile(&graph, &[], &Options::default()).expect("it compiles");
    let inputs: Vec<Vec<i64>> = program.inputs.iter().map(|&id| vec![1; program.tensors[id].shape.len()]).collect();
    let trace = execute(&program, &weights, &inputs).expect("in range");
    assert_eq!(check_satisfied(&program, &trace), []);
}

#[test]
fn a_repetition_that_is_summed_over_stays() {
    let mut graph = Graph::new();
    let (x, y) = (graph.add_input("x", &[2, 1, 3]), graph.add_input("y", &[2, 4, 3]));
    let x = graph.add("repeated", Broadcast, &[x], &[2, 4, 3]);
    let z = product(&mut graph, [&[0, 1, 2], &[0, 1, 2], &[0, 2]], &[x, y]);
    graph.add_output("z", z);
    assert_eq!(simplified(&graph).1, ["Broadcast", "Einsum"]);
}

/// Words that are looked up in a table, and compared with its rows, or with those of another one that is the same.
fn language(tied: bool) -> Graph {
    let mut graph = Graph::new();
    let ids = graph.add_input_of(Domain::Integer { lo: 0, hi: 10 }, "ids", &[1, 3]);
    let table = graph.add_constant("table", values(&[11, 4], 5));
    let rows = if tied { table } else { graph.add_constant("rows", values(&[11, 4], 5)) };
    let x = add(&mut graph, Gather { axis: 0 }, &[table, ids]);
    let rows = add(&mut graph, Transpose(vec![1, 0]), &[rows]);
    let rows = graph.add("batched", Reshape, &[rows], &[1, 4, 11]);
    let y = product(&mut graph, [&[0, 1, 2], &[0, 2, 3], &[0, 1, 3]], &[x, rows]);
    graph.add_output("y", y);
    simplify(&mut graph);
    graph
}

fn weights(program: &Program) -> usize {
    program.tensors.iter().filter(|t| matches!(t.source, Source::Weight)).map(|t| t.shape.len()).sum()
}

#[test]
fn a_table_that_is_transposed_elsewhere_is_one_weight() {
    let [tied, untied] = [true, false].map(language);
    let [one, two] = [&tied, &untied].map(|graph| compile(graph, &[], &Options::default()).expect("it compiles").program);
    assert_eq!((weights(&one), weights(&two)), (44, 88));
    assert!(audit(&tied, &one).is_ok() && audit(&untied, &two).is_ok());
    assert!(audit(&tied, &two).is_err() && audit(&untied, &one).is_err());
}
