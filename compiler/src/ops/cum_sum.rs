//! Sums of all entries so far (docs/lowerings.md, section 12).

use ndarray::{ArrayD, Axis};
use tract_onnx::tract_core::ops::array::CumSum as TractCumSum;

use super::operator::{Imports, Nature, Operator, Ranges, empty, integers};
use super::shape::{Misfit, one, with_axes};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, affine, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("CumSum", import)];

/// Entry `i` along the axis is the sum of the operand's entries `0..=i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CumSum {
    /// Along this axis.
    pub axis: usize,
    /// The sum is that of entries `0..i`.
    pub exclusive: bool,
    /// Entries count from the end.
    pub reverse: bool,
}

fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let &TractCumSum { axis, exclusive, reverse } = site.op()?;
    let x = t.operand(site, 0)?;
    t.add(site, CumSum { axis, exclusive, reverse }, &[x])
}

impl Operator for CumSum {
    fn name(&self) -> &'static str {
        "CumSum"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        with_axes(one(operands)?, &[self.axis]).map(Some)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        integers(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let Some(&x) = operands.first() else { return empty() };
        let mut sums = x.clone();
        for mut lane in sums.lanes_mut(Axis(self.axis)) {
            if self.reverse {
                lane.invert_axis(Axis(0));
            }
            let mut sum = 0.0;
            for entry in &mut lane {
                let before = sum;
                sum += *entry;
                *entry = if self.exclusive { before } else { sum };
            }
        }
        sums
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let (x, entries) = (at.operand(0), at.entries(0, &[self.axis]));
        Range::hull([x.lo, x.hi, x.lo * entries, x.hi * entries, 0.0])
    }

    fn nature(&self) -> Nature {
        Nature::LINEAR
    }

    /// Sums of 2, 4, 8, .. entries, each of two sums of half as many, by a view that is shifted and begins with zeros: exact, and nothing
    /// is committed or looked up.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let x = at.value(operand)?;
        let (name, dims) = (at.name(id), at.graph.shape(id).to_vec());
        let shift = |by: usize| {
            let offset = if self.reverse { by as i64 } else { -(by as i64) };
            (0..dims.len()).map(|a| if a == self.axis { affine(a, a, 1, offset) } else { pass(a, a) }).collect()
        };
        let mut sum = x.tensor;
        if self.exclusive {
            sum = at.builder.view(&format!("{name}.before"), sum, &dims, shift(1));
        }
        let mut reach = 1;
        while reach < dims[self.axis] {
            let shifted = at.builder.view(&format!("{name}.{reach}.before"), sum, &dims, shift(reach));
            sum = at.builder.linear(&format!("{name}.{reach}"), &[(1, sum), (1, shifted)], 0, x.scale)?;
            reach *= 2;
        }
        Ok(Value { tensor: sum, ..x })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;
    use zktorch_blocks::execute::{check_satisfied, execute};
    use zktorch_blocks::program::{Interval, Scale};

    use super::*;
    use crate::graph::Graph;
    use crate::{Compiled, Like, Options, compile};

    /// The sums by their definition.
    fn defined(x: &[f64], op: CumSum) -> Vec<f64> {
        let counts = |i: usize, j: usize| match (op.reverse, op.exclusive) {
            (false, false) => j <= i,
            (false, true) => j < i,
            (true, false) => j >= i,
            (true, true) => j > i,
        };
        (0..x.len()).map(|i| (0..x.len()).filter(|&j| counts(i, j)).map(|j| x[j]).sum()).collect()
    }

    #[test]
    fn the_integers_are_the_sums_that_the_definition_gives() {
        for entries in [1, 2, 3, 8, 13, 700] {
            for (exclusive, reverse) in [(false, false), (false, true), (true, false), (true, true)] {
                let op = CumSum { axis: 1, exclusive, reverse };
                let mut graph = Graph::new();
                let x = graph.add_input("x", &[1, entries, 1]);
                let y = graph.add_inferred("y", op, &[x]).expect("shapes fit");
                graph.add_output("y", y);
                let interval = Interval::new(-8, 7);
                let like = Like { scale: Scale(0), interval, columns: Vec::new() };
                let options = Options { inputs_like: vec![like], max_error: f64::INFINITY, ..Options::default() };
                let Compiled { program, weights, outputs, .. } = compile(&graph, &[], &options).expect("it compiles");
                let input: Vec<i64> = (0..entries as i64).map(|i| (7 * i + i / 5) % 16 - 8).collect();
                let floats: Vec<f64> = input.iter().map(|&v| v as f64).collect();
                let trace = execute(&program, &weights, &[input]).expect("in range");
                assert_eq!(check_satisfied(&program, &trace), []);
                let wanted = defined(&floats, op);
                assert_eq!(outputs[0].dequantise(&trace.values(&program, program.outputs[0])), wanted);
                let array = ArrayD::from_shape_vec(IxDyn(&[1, entries, 1]), floats).expect("of the shape");
                assert_eq!(op.evaluate(&[&array], &[]).into_iter().collect::<Vec<_>>(), wanted);
                assert!(program.lookups.is_empty(), "a sum needs none");
            }
        }
    }

    #[test]
    fn a_key_of_another_sum_fails_its_audit() {
        let graph = |exclusive, reverse| {
            let mut graph = Graph::new();
            let x = graph.add_input("x", &[4]);
            let y = graph.add_inferred("y", CumSum { axis: 0, exclusive, reverse }, &[x]).expect("shapes fit");
            graph.add_output("y", y);
            graph
        };
        let all = [(false, false), (false, true), (true, false), (true, true)];
        for compiled in all {
            let program = compile(&graph(compiled.0, compiled.1), &[], &Options::default()).expect("it compiles").program;
            for said in all {
                let verdict = crate::audit::audit(&graph(said.0, said.1), &program);
                assert_eq!(verdict.is_ok(), said == compiled, "{said:?} for {compiled:?}");
            }
        }
    }
}
