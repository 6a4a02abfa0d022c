//! What errors are measured against and on, what is refused, and what becomes of columns that differ in size.

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::Scale;

use super::*;
use crate::Unevaluated;
use crate::graph::{Domain, NodeId};
use crate::ops::{Add, Einsum, Label, Mul, Op, Unary};

/// Reproducible numbers in `[-1, 1)`.
fn noise(seed: u64, shape: &[usize]) -> ArrayD<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
    })
}

fn dense(graph: &mut Graph, x: NodeId, seed: u64, outputs: usize) -> NodeId {
    let inputs = graph.shape(x)[1];
    let weight = graph.add_constant("weight", noise(seed, &[inputs, outputs]));
    let op = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) });
    graph.add_inferred("dense", op, &[x, weight]).expect("shapes fit")
}

fn perceptron(layers: u64) -> Graph {
    let mut graph = Graph::new();
    let mut x = graph.add_input("x", &[1, 16]);
    for layer in 0..layers {
        x = dense(&mut graph, x, layer + 1, 16);
        x = graph.add_inferred("tanh", Unary::Relu, &[x]).expect("shapes fit");
    }
    let y = dense(&mut graph, x, 99, 4);
    graph.add_output("y", y);
    graph
}

fn samples(count: u64) -> Vec<Vec<ArrayD<f64>>> {
    (0..count).map(|s| vec![noise(1000 + s, &[1, 16])]).collect()
}

#[test]
fn the_report_is_about_all_samples() {
    let compiled = compile(&perceptron(1), &samples(20), &Options::default()).expect("it compiles");
    let accuracy = compiled.report.accuracy.expect("there were samples");
    assert_eq!((accuracy.measured, accuracy.samples), (20, 20));
    assert_eq!(compiled.report.output_error, Some(accuracy.error()));
    assert!(accuracy.error() > 0.0 && accuracy.error() < WARN_ERROR);
}

#[test]
fn without_samples_errors_are_unknown() {
    let compiled = compile(&perceptron(1), &[], &Options::default()).expect("it compiles");
    assert_eq!((compiled.report.output_error, compiled.report.accuracy), (None, None));
    assert!(compiled.report.tensors.iter().all(|tensor| tensor.max_error.is_none()));
}

#[test]
fn without_samples_outputs_that_cannot_be_told_apart_are_refused() {
    let refused = compile(&perceptron(12), &[], &Options::default()).err().expect("intervals of twelve layers say nothing");
    assert!(matches!(refused, CompileError::Uncalibrated { error, .. } if error > 0.5), "{refused}");
    assert!(compile(&perceptron(12), &samples(16), &Options::default()).is_ok());
}

#[test]
fn a_large_error_is_refused_with_its_tensor() {
    let options = Options { bits: Some(8), max_error: 1e-5, ..Options::default() };
    let refused = compile(&perceptron(2), &samples(16), &options).err().expect("8 bits are not that close");
    let CompileError::Inexact { origin, error, accepted, .. } = &refused else { panic!("{refused}") };
    assert!(*error > *accepted && origin.contains("it arises at `"), "{refused}");
}

/// What a model gives, one percent more.
struct Off<'g>(&'g Graph);

impl Reference for Off<'_> {
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, Unevaluated> {
        Ok(Reference::outputs(self.0, inputs)?.into_iter().map(|output| output * 1.1).collect())
    }
}

#[test]
fn a_wrong_import_is_an_error() {
    let graph = perceptron(1);
    let refused = compile_against(&graph, &Off(&graph), &samples(16), &Options::default()).err().expect("the graph is off");
    let CompileError::Inexact { origin, error, .. } = &refused else { panic!("{refused}") };
    assert!((0.08..0.1).contains(error) && origin.contains("in floats of 64 bits too"), "{refused}");
}

/// An income and a rate, standardised, with a price and its uncertainty as outputs.
fn tabular() -> (Graph, Vec<Vec<ArrayD<f64>>>) {
    let mut graph = Graph::new();
    let row = |values: [f64; 2]| ArrayD::from_shape_vec(IxDyn(&[1, 2]), values.to_vec()).expect("a row");
    let x = graph.add_input("x", &[1, 2]);
    let mean = graph.add_constant("mean", row([-50_000.0, -0.03]));
    let centred = graph.add_inferred("centred", Add, &[x, mean]).expect("shapes fit");
    let deviation = graph.add_constant("deviation", row([1e-4, 100.0]));
    let standard = graph.add_inferred("standard", Mul, &[centred, deviation]).expect("shapes fit");
    let hidden = dense(&mut graph, standard, 3, 4);
    let hidden = graph.add_inferred("relu", Unary::Relu, &[hidden]).expect("shapes fit");
    let y = dense(&mut graph, hidden, 4, 2);
    let sizes = graph.add_constant("sizes", row([3000.0, 0.01]));
    let y = graph.add_inferred("heads", Mul, &[y, sizes]).expect("shapes fit");
    graph.add_output("y", y);
    let sample = |s| {
        let noise = noise(s, &[1, 2]);
        vec![row([50_000.0 + 10_000.0 * noise[[0, 0]], 0.03 + 0.01 * noise[[0, 1]]])]
    };
    (graph, (0..32).map(sample).collect())
}

#[test]
fn columns_of_different_size_are_right_each() {
    let (graph, samples) = tabular();
    let compiled = compile(&graph, &samples, &Options::default()).expect("it compiles");
    assert!(compiled.report.output_error.is_some_and(|error| error < columns::GOOD), "{}", compiled.report);
    let (input, output) = (&compiled.inputs[0], &compiled.outputs[0]);
    assert!(input.columns[1] < -15 && input.columns[0] == 0, "{:?}", input.columns);
    let back = input.dequantise(&input.quantise(&[52_000.0, 0.031]).expect("in range"));
    assert!((back[0] / 52_000.0 - 1.0).abs() < 1e-3 && (back[1] / 0.031 - 1.0).abs() < 1e-3, "{back:?}");
    assert_eq!(compiled.program.column_exponents(compiled.program.outputs[0]), output.columns);
    let program = &compiled.program;
    assert_eq!(crate::audit::audit(&graph, program).map(|_| ()), Ok(()));
}

fn row(values: &[f64]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(&[1, values.len()]), values.to_vec()).expect("a row")
}

/// Amounts in tens of thousands and a flag, which counts as much as they do.
fn flagged(amounts: f64) -> Graph {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[1, 4]);
    let size = [1.0 / amounts, 1.0 / amounts, 1.0, 1.0 / amounts];
    let mut weight = noise(7, &[4, 8]);
    weight.indexed_iter_mut().for_each(|(index, w)| *w *= size[index[0]]);
    let weight = graph.add_constant("weight", weight);
    let op = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) });
    let y = graph.add_inferred("first", op, &[x, weight]).expect("shapes fit");
    let y = graph.add_inferred("relu", Unary::Relu, &[y]).expect("shapes fit");
    let y = dense(&mut graph, y, 8, 1);
    graph.add_output("y", y);
    graph
}

fn amounts(amount: f64, flag: impl Fn(u64) -> f64, count: u64) -> Vec<Vec<ArrayD<f64>>> {
    let sample = |s| {
        let noise = noise(s, &[3]);
        vec![row(&[amount * noise[[0]], amount * noise[[1]], flag(s), amount * noise[[2]]])]
    };
    (0..count).map(sample).collect()
}

/// The largest difference between a compiled model and its graph on further inputs, as a part of the largest output.
fn difference(graph: &Graph, compiled: &Compiled, inputs: &[Vec<ArrayD<f64>>]) -> f64 {
    let (mut difference, mut size) = (0f64, 0f64);
    for input in inputs {
        let wanted: Vec<f64> = Reference::outputs(graph, input).expect("it runs").remove(0).into_iter().collect();
        let integers = compiled.inputs[0].quantise(&input[0].iter().copied().collect::<Vec<f64>>()).expect("in range");
        let trace = zktorch_blocks::execute::execute(&compiled.program, &compiled.weights, &[integers]).expect("it runs");
        let got = compiled.outputs[0].dequantise(&trace.values(&compiled.program, compiled.program.outputs[0]));
        for (got, wanted) in got.iter().zip(&wanted) {
            difference = difference.max((got - wanted).abs());
            size = size.max(wanted.abs());
        }
    }
    difference / size
}

#[test]
fn a_column_that_samples_do_not_show_is_not_lost() {
    for amount in [2e3, 2e4, 1e5, 1e7] {
        let graph = flagged(amount);
        let compiled = compile(&graph, &amounts(amount, |_| 0.0, 64), &Options::default()).expect("it compiles");
        let unseen = difference(&graph, &compiled, &amounts(amount, |s| (s % 2) as f64, 16));
        assert!(unseen < 0.005, "flags beside {amount}: {unseen}");
        let report = &compiled.report;
        let gap = crate::report::Gap { input: "x".into(), columns: vec![2], of: 4, zero: true };
        assert_eq!(report.gaps, [gap]);
        assert!(report.unseen < columns::GOOD && report.output_error.is_some_and(|e| e < columns::GOOD), "{report}");
    }
}

#[test]
fn columns_that_are_seen_have_their_scales_beside_one_that_is_not() {
    let ((_, samples), graph) = (tabular(), standardised());
    let samples: Vec<Vec<ArrayD<f64>>> =
        samples.into_iter().map(|sample| vec![row(&[sample[0][[0, 0]], sample[0][[0, 1]], 0.0])]).collect();
    let compiled = compile(&graph, &samples, &Options::default()).expect("it compiles");
    assert!(compiled.report.output_error.is_some_and(|error| error < columns::GOOD), "{}", compiled.report);
    let shown: Vec<Vec<ArrayD<f64>>> = samples.iter().map(|s| vec![row(&[s[0][[0, 0]], s[0][[0, 1]], 1.0])]).collect();
    assert!(difference(&graph, &compiled, &shown) < columns::GOOD);
    let too_large = compiled.inputs[0].quantise(&[50_000.0, 0.03, 9.0]);
    assert!(matches!(too_large, Err(crate::InputError::OutOfRange { position: 2, .. })), "{too_large:?}");
}

/// An income, a rate and a count, standardised in the model.
fn standardised() -> Graph {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[1, 3]);
    let mean = graph.add_constant("mean", row(&[-50_000.0, -0.03, -2.0]));
    let y = graph.add_inferred("centred", Add, &[x, mean]).expect("shapes fit");
    let deviation = graph.add_constant("deviation", row(&[1e-4, 100.0, 0.7]));
    let y = graph.add_inferred("standard", Mul, &[y, deviation]).expect("shapes fit");
    let y = dense(&mut graph, y, 3, 8);
    let y = graph.add_inferred("relu", Unary::Relu, &[y]).expect("shapes fit");
    let y = dense(&mut graph, y, 4, 2);
    graph.add_output("y", y);
    graph
}

#[test]
fn one_sample_shows_the_size_of_every_column() {
    let graph = standardised();
    let sample = vec![vec![row(&[52_000.0, 0.031, 3.0])]];
    let compiled = compile(&graph, &sample, &Options::default()).expect("it compiles");
    let others = [[48_000.0, 0.03, 0.0], [50_000.0, 0.02, 1.0], [41_000.0, 0.035, 4.0]].map(|x| vec![row(&x)]);
    let error = difference(&graph, &compiled, &others);
    assert!(error < 0.01, "{error}");
}

#[test]
fn thresholds_get_the_widths_that_they_need() {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[1, 8]);
    let y = graph.add_inferred("floor", Op::Unary(Unary::Floor), &[x]).expect("shapes fit");
    graph.add_output("y", y);
    // Some are a little below 0, but none of the eight that the search looks at.
    let samples: Vec<Vec<ArrayD<f64>>> = (0..128)
        .map(|s| {
            let mut values = noise(s, &[1, 8]);
            if s % 16 == 3 {
                values[[0, (s % 8) as usize]] = -0.0007 - s as f64 * 1e-5;
            }
            vec![values]
        })
        .collect();
    let compiled = compile(&graph, &samples, &Options::default()).expect("it compiles");
    assert_eq!(compiled.report.bits, 16);
    assert_eq!(compiled.report.output_error, Some(0.0));
}

/// Bytes, as they come in.
fn bytes() -> (Graph, Vec<Vec<ArrayD<f64>>>) {
    let mut graph = Graph::new();
    let x = graph.add_input_of(Domain::Integer { lo: 0, hi: 255 }, "x", &[1, 2]);
    let y = graph.add_inferred("y", Unary::Relu, &[x]).expect("shapes fit");
    graph.add_output("y", y);
    let sample = |s: u32| vec![ArrayD::from_elem(IxDyn(&[1, 2]), f64::from(8 * s))];
    (graph, (0..8).map(sample).collect())
}

#[test]
fn a_key_cannot_scale_columns_of_integers() {
    let (graph, samples) = bytes();
    let options = Options::default();
    // 8 y in place of y: a key that calls it an integer would show it as it stands.
    let columns = Columns { inputs: vec![vec![]], outputs: vec![vec![0, -3]] };
    let task = Task::new(&graph, columns, &graph, &samples, &options).expect("they are samples");
    let forged = chosen(&task).expect("it can be lowered").best;
    let program = &forged.trial.lowered.program;
    let output = program.outputs[0];
    assert_eq!((program.tensors[output].scale, program.column_exponents(output)), (Scale(0), &[0, -3][..]));
    assert_eq!(crate::audit::audit(&graph, program), Err(crate::audit::AuditError::Columns(output)));

    let honest = compile(&graph, &samples, &options).expect("it compiles").program;
    let mut forged = honest.clone();
    forged.columns = vec![(honest.inputs[0], vec![0, 3])];
    assert_eq!(crate::audit::audit(&graph, &forged), Err(crate::audit::AuditError::Columns(honest.inputs[0])));
    let like = Like { scale: Scale(0), interval: zktorch_blocks::program::Interval::new(0, 31), columns: vec![0, 3] };
    let refused =
        compile(&graph, &samples, &Options { inputs_like: vec![like], ..options }).err().expect("no such integers");
    assert!(refused.to_string().contains("a scale for each column"), "{refused}");
}

#[test]
fn an_explanation_says_what_nodes_become_and_what_stands_in_the_way() {
    let explained = explain(&perceptron(2), &Options::default()).expect("inputs have integers");
    let names: Vec<&str> = explained.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["dense", "tanh", "dense", "tanh", "dense"]);
    assert!(explained.obstacles.is_empty() && explained.waiting.is_empty());
    let relu = &explained.nodes[1];
    assert!(relu.lookups >= 16 && relu.committed > 0 && relu.milliseconds > 0.0, "{relu:?}");
    assert_eq!(explained.nodes[0].weights, 16 * 16);
    assert!(explained.to_string().contains("nothing stands in the way"));
    // A kernel that depends on inputs has no rule.
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[2, 3]);
    let kernel = graph.add_input("k", &[1, 1, 1, 1]);
    let image = graph.add_input("i", &[1, 1, 2, 3]);
    let window = crate::ops::Window::dense(&[1, 1]);
    let conv = graph.add("conv", crate::ops::Conv { window, groups: 1 }, &[image, kernel], &[1, 1, 2, 3]);
    let after = graph.add_inferred("after", Unary::Relu, &[conv]).expect("shapes fit");
    let apart = graph.add_inferred("apart", Unary::Relu, &[x]).expect("shapes fit");
    graph.add_output("y", after);
    graph.add_output("z", apart);
    let explained = explain(&graph, &Options::default()).expect("inputs have integers");
    assert_eq!(explained.obstacles.len(), 1, "{explained}");
    assert!(explained.obstacles[0].contains("`conv`"), "{explained}");
    assert_eq!(explained.waiting, ["after"]);
    assert!(explained.nodes.iter().any(|node| node.name == "apart"));
}
