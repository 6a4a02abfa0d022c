//! Softmaxes at their own widths, too wide for all advice to be tried: no single entry of advice can be another, near the honest one.

use super::*;
use crate::ops::{LogSoftmax, Op};

/// Compiles one operator on samples of a shape, and tells every lie of one entry about its runs on some of the samples.
fn no_single_lie_is_accepted(op: impl Into<Op>, shape: &[usize], samples: &[ArrayD<f64>], runs: usize) {
    let mut graph = Graph::new();
    let x = graph.add_input("x", shape);
    let y = graph.add_inferred("y", op, &[x]).expect("fits");
    graph.add_output("y", y);
    let samples: Vec<Vec<ArrayD<f64>>> = samples.iter().map(|sample| vec![sample.clone()]).collect();
    let compiled = crate::compile(&graph, &samples, &crate::Options::default()).expect("compiles");
    let (program, weights) = (&compiled.program, &compiled.weights);
    for sample in samples.iter().rev().take(runs) {
        let x = compiled.inputs[0].quantise(sample[0].as_slice().expect("row-major")).expect("fits");
        let honest = execute(program, weights, &[x]).expect("runs");
        assert_eq!(zktorch_blocks::execute::check_satisfied(program, &honest), vec![]);
        for (id, tensor) in program.tensors.enumerate() {
            let Source::Advice(_) = tensor.source else { continue };
            for (at, delta) in (0..tensor.shape.len()).flat_map(|at| [-2, -1, 1, 2].map(|delta| (at, delta))) {
                let mut trace = honest.clone();
                let mut values = honest.values(program, id).to_vec();
                values[at] += delta;
                trace.replace(id, values);
                assert!(!accepted(program, &mut trace, id), "`{}` changed by {delta}", tensor.name);
            }
        }
    }
}

/// Recomputes what follows from a changed tensor and checks every constraint.
fn accepted(program: &Program, trace: &mut Trace, changed: TensorId) -> bool {
    for id in program.tensors.ids().filter(|id| *id > changed) {
        if let Some(values) = definition(program, trace, id) {
            trace.replace(id, values);
        }
    }
    program.lookups.iter().all(|l| first_miss(program, trace, l).is_none())
        && program.zeros.iter().all(|&z| trace.values(program, z).iter().all(|&v| v == 0))
}

#[test]
fn a_softmax_row_is_exact() {
    let sample = |s: usize| ArrayD::from_shape_fn(IxDyn(&[1, 3]), |i| ((s * 7 + i[1] * 5) % 11) as f64 - 5.0);
    let samples: Vec<ArrayD<f64>> = (0..20).map(sample).collect();
    no_single_lie_is_accepted(Softmax { axes: vec![1] }, &[1, 3], &samples, 20);
}

#[test]
fn a_log_softmax_row_is_exact() {
    let sample = |s: usize| ArrayD::from_shape_fn(IxDyn(&[2, 5]), |i| ((s * 7 + i[0] * 3 + i[1] * 5) % 23) as f64 - 11.0);
    let samples: Vec<ArrayD<f64>> = (0..12).map(sample).collect();
    no_single_lie_is_accepted(LogSoftmax { axes: vec![1] }, &[2, 5], &samples, 1);
}
