//! Parts at indices that depend on inputs, comparisons of two tensors and division towards zero, against their definitions.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::execute::{ExecuteError, check_satisfied, execute};
use zktorch_blocks::program::Visibility;

use crate::graph::{Domain, Graph, NodeId};
use crate::ops::{Compare, Comparison, GatherNd, Index, Mark, Op, Whole};
use crate::{Compiled, Options, compile};

fn array(shape: &[usize], values: &[f64]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(shape), values.to_vec()).expect("of the shape")
}

/// The outputs of a graph that is compiled for samples, at inputs that may be others.
fn outputs(
    graph: &Graph,
    samples: &[ArrayD<f64>],
    inputs: &[ArrayD<f64>],
    visibility: Visibility,
) -> Result<Vec<Vec<f64>>, ExecuteError> {
    let options = Options { inputs: visibility, ..Options::default() };
    let Compiled { program, weights, inputs: ports, outputs, .. } =
        compile(graph, &[samples.to_vec()], &options).unwrap_or_else(|e| panic!("{e}"));
    let quantised = |(port, x): (&crate::Port, &ArrayD<f64>)| {
        port.quantise(x.as_slice().expect("row-major")).unwrap_or_else(|e| panic!("{e}"))
    };
    let trace = execute(&program, &weights, &ports.iter().zip(inputs).map(quantised).collect::<Vec<_>>())?;
    assert_eq!(check_satisfied(&program, &trace), []);
    Ok(outputs.iter().zip(&program.outputs).map(|(port, &id)| port.dequantise(&trace.values(&program, id))).collect())
}

/// Requires the integers to be what the floats are.
fn exact(graph: &Graph, inputs: &[ArrayD<f64>]) {
    for visibility in [Visibility::Public, Visibility::Private] {
        let given = outputs(graph, inputs, inputs, visibility).unwrap_or_else(|e| panic!("{e}"));
        let evaluation = graph.evaluate(inputs).expect("it runs");
        for (given, wanted) in given.iter().zip(evaluation.outputs()) {
            assert_eq!(given, &wanted.iter().copied().collect::<Vec<_>>());
        }
    }
}

fn output(graph: &mut Graph, op: impl Into<Op>, operands: &[NodeId]) -> NodeId {
    let node = graph.add_inferred("node", op, operands).expect("shapes fit");
    graph.add_output("node", node);
    node
}

#[test]
fn parts_are_those_of_their_indices() {
    let mut graph = Graph::new();
    let any = Domain::Integer { lo: -1 << 30, hi: 1 << 30 };
    let x = graph.add_input_of(any, "x", &[2, 3, 4, 2]);
    let [i, j] = ["i", "j"].map(|name| graph.add_input_of(any, name, &[2, 3]));
    let index = |graph: &mut Graph, of, extent| graph.add_inferred("index", Index { extent }, &[of]).expect("fits");
    let (first, second, third) = (index(&mut graph, i, 2), index(&mut graph, i, 3), index(&mut graph, j, 4));
    output(&mut graph, GatherNd { batch: 0 }, &[x, first]);
    output(&mut graph, GatherNd { batch: 0 }, &[x, first, second, third]);
    let flat = output(&mut graph, GatherNd { batch: 1 }, &[x, second, third]);
    assert_eq!(graph.shape(flat), [2, 3, 2]);
    output(&mut graph, Mark { extent: 4 }, &[third]);
    let x = array(&[2, 3, 4, 2], &(0..48).map(|v| f64::from(v * 7 % 48) - 20.0).collect::<Vec<_>>());
    let (i, j) = (array(&[2, 3], &[0.0, -1.0, 1.0, 1.0, -2.0, 0.0]), array(&[2, 3], &[3.0, -4.0, 0.0, 2.0, -1.0, 1.0]));
    exact(&graph, &[x.clone(), i.clone(), j.clone()]);
    // At [1, -1, 0] are x[1, 2, 0] by the second and third index.
    let evaluated = graph.evaluate(&[x.clone(), i, j]).expect("it runs");
    assert_eq!(evaluated.outputs()[2][[1, 1, 0]], x[[1, 1, 3, 0]]);
}

#[test]
fn an_index_beyond_its_axis_is_refused() {
    for op in [Op::from(GatherNd { batch: 0 }), Mark { extent: 3 }.into()] {
        let mut graph = Graph::new();
        let ids = graph.add_input_of(Domain::ANY, "ids", &[2]);
        let index = graph.add_inferred("index", Index { extent: 3 }, &[ids]).expect("fits");
        let rows = graph.add_constant("rows", array(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let operands = if matches!(op, Op::Mark(_)) { vec![index] } else { vec![rows, index] };
        output(&mut graph, op, &operands);
        let sample = [array(&[2], &[-3.0, 2.0])];
        for visibility in [Visibility::Public, Visibility::Private] {
            assert!(outputs(&graph, &sample, &sample, visibility).is_ok());
            for beyond in [3.0, -4.0] {
                let input = [array(&[2], &[0.0, beyond])];
                assert!(outputs(&graph, &sample, &input, visibility).is_err(), "{beyond}");
            }
        }
    }
}

#[test]
fn two_tensors_of_reals_are_compared_as_their_integers() {
    let mut graph = Graph::new();
    let [a, b] = ["a", "b"].map(|name| graph.add_input(name, &[6]));
    let bounds = graph.add_constant("bounds", array(&[6], &[0.3, -1.0, 1e30, -1e30, 0.25, 0.0]));
    for comparison in [Comparison::Less, Comparison::LessEqual, Comparison::Equal] {
        for (x, y) in [(a, b), (b, a), (a, bounds), (bounds, a)] {
            output(&mut graph, Compare(comparison), &[x, y]);
        }
    }
    let a = array(&[6], &[0.5, -1.0, 0.125, 0.75, 0.25, -0.5]);
    let b = array(&[6], &[0.5, 0.25, -1.5, 0.75, 0.1875, 0.5]);
    exact(&graph, &[a, b]);
}

#[test]
fn whole_parts_are_those_of_division_towards_zero() {
    let mut graph = Graph::new();
    let any = Domain::Integer { lo: -1 << 31, hi: 1 << 31 };
    let [a, b] = ["a", "b"].map(|name| graph.add_input_of(any, name, &[8]));
    let [x, y] = ["x", "y"].map(|name| graph.add_input(name, &[8]));
    for part in [Whole::Quotient, Whole::Remainder] {
        output(&mut graph, part, &[a, b]);
    }
    output(&mut graph, Whole::Remainder, &[x, y]);
    let a = array(&[8], &[7.0, -7.0, 7.0, -7.0, 0.0, 3000.0, -1.0, 6.0]);
    let b = array(&[8], &[3.0, 3.0, -3.0, -3.0, 5.0, -7.0, 4.0, -6.0]);
    let x = array(&[8], &[1.75, -1.75, 1.75, -1.75, 0.0, 1.5, -0.125, 0.5]);
    let y = array(&[8], &[0.5, 0.5, -0.5, -0.5, 1.0, -0.25, 0.5, -0.5]);
    exact(&graph, &[a, b, x, y]);
}

#[test]
fn a_key_of_other_indices_fails_its_audit() {
    let graph = |extent: usize, batch: usize| {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[4, 4, 4]);
        let ids = graph.add_input_of(Domain::Integer { lo: 0, hi: 2 }, "ids", &[4, 2]);
        let index = graph.add_inferred("index", Index { extent }, &[ids]).expect("fits");
        output(&mut graph, GatherNd { batch }, &[x, index]);
        output(&mut graph, Mark { extent }, &[index]);
        graph
    };
    let program = compile(&graph(4, 0), &[], &Options::default()).expect("it compiles").program;
    assert!(crate::audit::audit(&graph(4, 0), &program).is_ok());
    for other in [graph(3, 0), graph(4, 1)] {
        assert!(crate::audit::audit(&other, &program).is_err());
    }
}
