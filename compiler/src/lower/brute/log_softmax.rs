//! Log-softmax: at small widths nothing but the honest output satisfies it; at its own, no single lie does.

use super::*;
use crate::ops::LogSoftmax;
use crate::ops::log_softmax::Precision;

#[test]
fn a_log_softmax_has_one_solution() {
    let precision = Precision { rows: 6, exponential: 2, mantissa: 2, logarithm: 3 };
    let (program, weights) = lowered(&[2], SMALL, 20, |l, _, x| l.log_softmax_of("p", x, 1, &[0], precision));
    for (a, b) in [(0, 0), (5, -5), (-20, -4), (12, 13), (3, 20)] {
        unique(&program, &weights, &[vec![a, b]]);
    }
}

#[test]
fn a_log_softmax_row_is_exact() {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[2, 5]);
    let y = graph.add_inferred("y", LogSoftmax { axes: vec![1] }, &[x]).expect("fits");
    graph.add_output("y", y);
    let values = |s: usize| ArrayD::from_shape_fn(IxDyn(&[2, 5]), |i| ((s * 7 + i[0] * 3 + i[1] * 5) % 23) as f64 - 11.0);
    let samples: Vec<Vec<ArrayD<f64>>> = (0..12).map(|s| vec![values(s)]).collect();
    let compiled = crate::compile(&graph, &samples, &crate::Options::default()).expect("compiles");
    let (program, weights) = (&compiled.program, &compiled.weights);
    let x = compiled.inputs[0].quantise(samples[3][0].as_slice().expect("row-major")).expect("fits");
    let honest = execute(program, weights, &[x]).expect("runs");
    assert_eq!(zktorch_blocks::execute::check_satisfied(program, &honest), vec![]);
    for (id, tensor) in program.tensors.enumerate() {
        let Source::Advice(_) = tensor.source else { continue };
        for at in 0..tensor.shape.len() {
            for delta in [-2, -1, 1, 2] {
                let mut trace = honest.clone();
                let mut values = honest.values(program, id).to_vec();
                values[at] += delta;
                trace.replace(id, values);
                assert!(!accepted(program, &mut trace, id), "`{}` changed by {delta}", tensor.name);
            }
        }
    }
}
