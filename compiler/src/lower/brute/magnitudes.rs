//! Functions by tables with several steps.

use super::*;
use crate::ops::{Reduce, ReduceKind};

/// Twelve bits, of which an argument keeps at least four beside its sign at the scale that it is looked up at.
const WIDE: Settings = Settings { bits: 12, shift: 8, shared: 8, signs: false, saturates: false, wide: true };

/// The root of a sum of squares of two numbers of 15 bits.
fn root() -> Graph {
    let mut graph = Graph::new();
    let x = graph.add_input("x", &[1, 2]);
    let square = graph.add_inferred("square", Unary::Square, &[x]).expect("of the shape");
    let sum = Reduce { kind: ReduceKind::Sum, axes: vec![1] };
    let sum = graph.add_inferred("sum", sum, &[square]).expect("of the shape");
    let y = graph.add_inferred("root", Unary::Sqrt, &[sum]).expect("of the shape");
    graph.add_output("y", y);
    graph
}

fn program() -> (Program, Weights) {
    let graph = root();
    let mut calibration = Calibration::default();
    calibration.bound(&graph, &[Range { lo: -100.0, hi: 100.0 }]);
    let lowered = super::super::lower(&graph, &calibration, WIDE, PUBLIC).expect("it has integers");
    (lowered.program, lowered.weights)
}

#[test]
fn small_arguments_have_their_own_steps() {
    let (program, weights) = program();
    let input = program.tensors[program.inputs[0]].scale.units();
    let output = program.tensors[program.outputs[0]].scale.units();
    for size in [0.3, 1.0, 3.0, 10.0, 30.0, 99.0f64] {
        let integers = [0.6 * size, -0.8 * size].map(|v| (v * input).round() as i64);
        let trace = execute(&program, &weights, &[integers.to_vec()]).expect("in range");
        let got = trace.values(&program, program.outputs[0])[0] as f64 / output;
        // With one step for all, the root of the least would be 0; half a step of a result is 0.0625.
        assert!((got - size).abs() < 0.06 * size + 0.07, "{got} instead of {size}");
    }
}

#[test]
fn each_lie_about_a_step_is_refused() {
    let (program, weights) = program();
    let advice: Vec<TensorId> =
        program.tensors.ids().filter(|&id| matches!(program.tensors[id].source, Source::Advice(_))).collect();
    let named = |part: &str| advice.iter().any(|&id| program.tensors[id].name.contains(part));
    assert!(named(".scale0") && named(".scale1") && named(".far0"), "several scales");
    for input in [[0, 0], [1, 2], [40, -7], [2000, 100], [-3000, 2900]] {
        let honest = execute(&program, &weights, &[input.to_vec()]).expect("in range");
        for &id in &advice {
            for shift in [-256, -2, -1, 1, 2, 256] {
                let mut trace = honest.clone();
                let lie = honest.values(&program, id).iter().map(|v| v + shift).collect();
                trace.replace(id, lie);
                // All that is virtual follows from the lie.
                for later in program.tensors.ids().filter(|later| *later > id) {
                    if let Some(values) = definition(&program, &trace, later) {
                        trace.replace(later, values);
                    }
                }
                let caught = program.lookups.iter().any(|lookup| first_miss(&program, &trace, lookup).is_some())
                    || program.zeros.iter().any(|&zero| trace.values(&program, zero).iter().any(|&v| v != 0));
                assert!(caught, "`{}` moved by {shift} at {input:?}", program.tensors[id].name);
            }
        }
    }
}
