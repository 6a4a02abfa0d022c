//! Masks that depend on inputs, as exporters write them: that they are found, and that the integers are those of the floats.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_blocks::program::Visibility;

use super::super::simplify;
use super::*;
use crate::graph::Domain;
use crate::ops::{Broadcast, Compare, Comparison, Mul, Sub};
use crate::{Compiled, Options, compile};

const SCORES: [usize; 3] = [2, 3, 3];
const KEYS: [usize; 3] = [2, 1, 3];
const INTEGERS: Domain = Domain::Integer { lo: -1 << 40, hi: 1 << 40 };

fn array(shape: &[usize], value: impl Fn(usize) -> f64) -> ArrayD<f64> {
    let len: usize = shape.iter().product();
    ArrayD::from_shape_vec(IxDyn(shape), (0..len).map(value).collect()).expect("of the shape")
}

fn scores() -> ArrayD<f64> {
    array(&SCORES, |i| (i as f64 * 2.3).sin() * 3.0)
}

/// The second key of the first row of keys is padding, and the last two of the second's.
fn keys() -> ArrayD<f64> {
    array(&KEYS, |i| f64::from(u8::from(![1, 4, 5].contains(&i))))
}

/// The softmax over keys of scores that are masked somehow by bits of keys.
fn masked(domain: Domain, mask: impl Fn(&mut Graph, NodeId, NodeId) -> NodeId) -> Graph {
    let mut graph = Graph::new();
    let (x, bits) = (graph.add_input("x", &SCORES), graph.add_input_of(domain, "keys", &KEYS));
    let scores = mask(&mut graph, x, bits);
    let y = graph.add_inferred("y", Softmax { axes: vec![2] }, &[scores]).expect("shapes fit");
    graph.add_output("y", y);
    graph
}

fn node(graph: &mut Graph, op: impl Into<Op>, operands: &[NodeId]) -> NodeId {
    graph.add_inferred("node", op, operands).expect("shapes fit")
}

fn wide(graph: &mut Graph, x: NodeId) -> NodeId {
    graph.add("wide", Broadcast, &[x], &SCORES)
}

fn number(graph: &mut Graph, value: f64, shape: &[usize]) -> NodeId {
    add_broadcast(graph, "number", ArrayD::from_elem(IxDyn(&[1, 1, 1]), value), shape)
}

/// Lower by a triangle of a number.
fn causal(graph: &mut Graph, x: NodeId, low: f64) -> NodeId {
    let triangle = ArrayD::from_shape_fn(IxDyn(&[1, 3, 3]), |i| if i[2] > i[1] { low } else { 0.0 });
    let triangle = add_broadcast(graph, "triangle", triangle, &SCORES);
    node(graph, Add, &[x, triangle])
}

/// Lower by a number where bits are 0, chosen.
fn chosen(graph: &mut Graph, x: NodeId, keys: NodeId, low: f64) -> NodeId {
    let (zero, low) = (number(graph, 0.0, &KEYS), number(graph, low, &KEYS));
    let term = node(graph, Select, &[keys, zero, low]);
    let term = wide(graph, term);
    node(graph, Add, &[x, term])
}

/// `x + (1 - keys) low`, of integers.
fn computed(graph: &mut Graph, x: NodeId, keys: NodeId, low: f64) -> NodeId {
    let (one, low) = (number(graph, 1.0, &KEYS), number(graph, low, &KEYS));
    let real = node(graph, Unary::ToReal, &[keys]);
    let other = node(graph, Sub, &[one, real]);
    let term = node(graph, Mul, &[other, low]);
    let term = wide(graph, term);
    node(graph, Add, &[x, term])
}

/// `x`, or a number where bits are 0.
fn replaced(graph: &mut Graph, x: NodeId, keys: NodeId, low: f64) -> NodeId {
    let not = node(graph, Unary::Not, &[keys]);
    let (not, low) = (wide(graph, not), number(graph, low, &SCORES));
    node(graph, Select, &[not, low, x])
}

/// A triangle of a number, wide.
fn triangle(graph: &mut Graph, low: f64) -> NodeId {
    let triangle = ArrayD::from_shape_fn(IxDyn(&[1, 3, 3]), |i| if i[2] > i[1] { low } else { 0.0 });
    add_broadcast(graph, "triangle", triangle, &SCORES)
}

/// `x + where(test, low, otherwise)`.
fn filled(graph: &mut Graph, x: NodeId, test: NodeId, otherwise: NodeId) -> NodeId {
    let low = number(graph, f64::from(f32::MIN), &SCORES);
    let term = node(graph, Select, &[test, low, otherwise]);
    node(graph, Add, &[x, term])
}

/// `1 - keys`, of integers, wide.
fn inverted(graph: &mut Graph, keys: NodeId) -> NodeId {
    let (one, real) = (number(graph, 1.0, &KEYS), node(graph, Unary::ToReal, &[keys]));
    let other = node(graph, Sub, &[one, real]);
    wide(graph, other)
}

fn spellings() -> Vec<(&'static str, Graph)> {
    let truth = |g: &mut Graph, keys| node(g, Unary::NonZero, &[keys]);
    vec![
        ("chosen", masked(Domain::Boolean, |g, x, keys| chosen(g, x, keys, f64::from(f32::MIN)))),
        ("infinite", masked(Domain::Boolean, |g, x, keys| chosen(g, x, keys, f64::NEG_INFINITY))),
        ("computed", masked(INTEGERS, |g, x, keys| computed(g, x, keys, -1e4))),
        ("replaced", masked(Domain::Boolean, |g, x, keys| replaced(g, x, keys, -1e9))),
        (
            "of a cast",
            masked(INTEGERS, |g, x, keys| {
                let keys = truth(g, keys);
                chosen(g, x, keys, -1e9)
            }),
        ),
        (
            "before a causal one",
            masked(Domain::Boolean, |g, x, keys| {
                let x = chosen(g, x, keys, -1e9);
                causal(g, x, -1e9)
            }),
        ),
        (
            "behind a causal one",
            masked(INTEGERS, |g, x, keys| {
                let x = causal(g, x, f64::NEG_INFINITY);
                computed(g, x, keys, f64::from(f32::MIN))
            }),
        ),
        (
            "filled where it is not 0",
            masked(INTEGERS, |g, x, keys| {
                let other = inverted(g, keys);
                let test = node(g, Unary::NonZero, &[other]);
                filled(g, x, test, other)
            }),
        ),
        (
            "chosen before a causal one",
            masked(INTEGERS, |g, x, keys| {
                let kept = node(g, Unary::NonZero, &[keys]);
                let (pad, causal) = (node(g, Unary::Not, &[kept]), triangle(g, f64::from(f32::MIN)));
                let pad = wide(g, pad);
                filled(g, x, pad, causal)
            }),
        ),
        (
            "filled where a sum with a causal one is 0",
            masked(INTEGERS, |g, x, keys| {
                let (real, causal) = (node(g, Unary::ToReal, &[keys]), triangle(g, f64::from(f32::MIN)));
                let real = wide(g, real);
                let sum = node(g, Add, &[causal, real]);
                let zero = number(g, 0.0, &SCORES);
                let test = node(g, Compare(Comparison::Equal), &[sum, zero]);
                filled(g, x, test, causal)
            }),
        ),
        (
            "added to a causal one",
            masked(INTEGERS, |g, x, keys| {
                let (other, low) = (inverted(g, keys), number(g, -1e9, &SCORES));
                let (other, causal) = (node(g, Mul, &[other, low]), triangle(g, -1e9));
                let term = node(g, Add, &[causal, other]);
                node(g, Add, &[x, term])
            }),
        ),
        (
            "joined with a causal one",
            masked(Domain::Boolean, |g, x, keys| {
                let triangle = ArrayD::from_shape_fn(IxDyn(&[1, 3, 3]), |i| f64::from(u8::from(i[2] <= i[1])));
                let triangle = g.add_constant_of(Domain::Boolean, "triangle", triangle);
                let (triangle, keys) = (wide(g, triangle), wide(g, keys));
                let both = node(g, Logic(Connective::And), &[triangle, keys]);
                let (zero, low) = (number(g, 0.0, &SCORES), number(g, -1e9, &SCORES));
                let term = node(g, Select, &[both, zero, low]);
                node(g, Add, &[x, term])
            }),
        ),
    ]
}

#[test]
fn masks_of_inputs_are_found_whatever_they_are_written_as() {
    for (name, graph) in spellings() {
        let inputs = [scores(), keys()];
        let before = graph.evaluate(&inputs).expect("it runs").outputs()[0].clone();
        let mut graph = graph;
        simplify(&mut graph);
        graph.validate().unwrap_or_else(|e| panic!("{name}: {e}"));
        let left: Vec<&str> = graph.nodes().map(|(_, node)| node.op.name()).collect();
        assert!(!left.contains(&"Add") && graph.nodes().all(|(_, n)| !matches!(n.op, Op::Softmax(_))), "{name}: {left:?}");
        let after = graph.evaluate(&inputs).expect("it runs").outputs()[0].clone();
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-6), "{name}");

        for visibility in [Visibility::Public, Visibility::Private] {
            let options = Options { inputs: visibility, ..Options::default() };
            let Compiled { program, weights, inputs: ports, outputs, .. } =
                compile(&graph, &[inputs.to_vec()], &options).unwrap_or_else(|e| panic!("{name}: {e}"));
            let integers = |keys: &ArrayD<f64>| -> Vec<Vec<i64>> {
                let quantise = |(port, x): (&crate::Port, &ArrayD<f64>)| port.quantise(x.as_slice().expect("row-major"));
                ports.iter().zip([&scores(), keys]).map(|pair| quantise(pair).expect("in range")).collect()
            };
            let trace = execute(&program, &weights, &integers(&keys())).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(check_satisfied(&program, &trace), []);
            let given = outputs[0].dequantise(&trace.values(&program, program.outputs[0]));
            for (given, wanted) in given.iter().zip(&before) {
                assert!((given - wanted).abs() < 0.01 && (*wanted > 0.0 || *given == 0.0), "{name}: {given}, not {wanted}");
            }
            // A row of which nothing is left has no flag, and a sum of 0.
            assert!(
                execute(&program, &weights, &integers(&array(&KEYS, |i| f64::from(u8::from(i < 3))))).is_err(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_bias_by_bits_that_may_have_weight_is_no_mask() {
    let mut graph = masked(Domain::Boolean, |g, x, keys| chosen(g, x, keys, -300.0));
    simplify(&mut graph);
    assert!(graph.nodes().any(|(_, node)| matches!(node.op, Op::Softmax(_))));
}

#[test]
fn biases_beside_a_mask_of_inputs_stay() {
    let biases = array(&SCORES, |i| i as f64 / 4.0);
    let biases = |g: &mut Graph| g.add_constant("biases", biases.clone());
    let mut graph = masked(INTEGERS, |g, x, keys| {
        let (other, low, biases) = (inverted(g, keys), number(g, f64::from(f32::MIN), &SCORES), biases(g));
        let other = node(g, Mul, &[other, low]);
        let term = node(g, Add, &[biases, other]);
        node(g, Add, &[x, term])
    });
    let inputs = [scores(), keys()];
    let before = graph.evaluate(&inputs).expect("it runs").outputs()[0].clone();
    simplify(&mut graph);
    assert!(graph.nodes().any(|(_, node)| matches!(node.op, Op::MaskedSoftmax(_))));
    let after = graph.evaluate(&inputs).expect("it runs").outputs()[0].clone();
    assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-6));
}
