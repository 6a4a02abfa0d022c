//! Runs in which some tensors are not what follows from the others.

use super::Edit;
use crate::field_witness::tensor;
use zktorch_blocks::execute::{Trace, Weights, execute};
use zktorch_blocks::program::{Advice, Interval, Program, Source, Tensor, TensorId};

/// What a rule may make of a lie.
const FAR: i64 = 1 << 20;

/// Runs the program with some tensors changed on the way.
pub fn run(program: &Program, weights: &Weights, inputs: &[Vec<i64>], edits: &[(&str, Edit<'_, Vec<i64>>)]) -> Trace {
    let (mut program, mut inputs) = (program.clone(), inputs.to_vec());
    let mut trace = execute(&program, weights, &inputs).expect("the honest run works");
    // A liar's values need not be in the tables.
    program.lookups.clear();
    for (name, edit) in edits {
        let id = tensor(&program, name);
        let mut values = trace.values(&program, id).to_vec();
        edit(&mut values);
        let bound = values.iter().map(|v| v.abs()).max().unwrap_or(0).max(magnitude(&program.tensors[id]));
        program.tensors[id].interval = Interval::new(-bound, bound);
        // The tensor as an input of its own: the rest of the run follows from it.
        if let Source::Input(n) = program.tensors[id].source {
            inputs[n] = values;
        } else {
            program.tensors[id].source = Source::Input(inputs.len());
            program.inputs.push(id);
            inputs.push(values);
        }
        widen(&mut program, id);
        trace = execute(&program, weights, &inputs).expect("the lying run works");
    }
    trace
}

fn magnitude(tensor: &Tensor) -> i64 {
    tensor.interval.lo.abs().max(tensor.interval.hi.abs())
}

/// Makes the intervals behind a tensor as wide as those of their operands ask for.
fn widen(program: &mut Program, from: TensorId) {
    for id in program.tensors.ids().filter(|&id| id > from) {
        let of = |id: TensorId| magnitude(&program.tensors[id]);
        let bound = match &program.tensors[id].source {
            Source::Linear { terms, constant } => constant.abs() + terms.iter().map(|&(c, t)| c.abs() * of(t)).sum::<i64>(),
            Source::Einsum(e) => of(e.lhs) * of(e.rhs) * program.tensors[e.lhs].shape.len() as i64,
            Source::View(v) => of(v.source),
            // A limb is of numbers that are far larger, and nothing squares it.
            Source::Advice(Advice::Floor { source, divisor }) => (FAR << 4).max((of(*source) / divisor + 1).min(FAR << 20)),
            Source::Advice(_) => FAR,
            _ => continue,
        };
        let bound = bound.max(of(id));
        program.tensors[id].interval = Interval::new(-bound, bound);
    }
}
