//! Ranges without samples: interval analysis.

use super::{Calibration, Range};
use crate::graph::{Domain, Graph, NodeId, Recurrence};
use crate::ops::{Input, Op, Ranges};

/// Assumed of inputs when there are no samples.
const INPUT: Range = Range { lo: -1.0, hi: 1.0 };
/// The same of integers whose type says little.
const INTEGERS: Range = Range { lo: -32767.0, hi: 32767.0 };

impl Calibration {
    /// States the range of every node by interval arithmetic; inputs of which no range is given are in `[-1, 1]`, or what their type has.
    pub fn bound(&mut self, graph: &Graph, inputs: &[Range]) {
        let order = graph.order();
        for &id in &order {
            if matches!(graph.op(id), Op::States(_)) {
                self.bound_steps(graph, inputs, &Recurrence::of(graph, &order, id, |id| !self.knows(id)));
            } else {
                self.bound_node(graph, inputs, id);
            }
        }
    }

    fn bound_node(&mut self, graph: &Graph, inputs: &[Range], id: NodeId) {
        let range = match graph.op(id) {
            Op::Input(Input { index, .. }) => inputs.get(*index).copied().unwrap_or_else(|| assumed(graph.domain(id))),
            op => op.operator().range(&Ranges::of(graph, id, |operand| self.range(operand))),
        };
        self.assume(id, range);
    }

    /// States can be what they are at the first step, and what a step makes of them, until no step adds anything.
    fn bound_steps(&mut self, graph: &Graph, inputs: &[Range], recurrence: &Recurrence) {
        recurrence.others.iter().for_each(|&id| self.bound_node(graph, inputs, id));
        let begin = |id: NodeId| graph.initial(id).map_or(Range { lo: 0.0, hi: 0.0 }, |initial| self.range(initial));
        let begin: Vec<(NodeId, Range)> = recurrence.states.iter().map(|&(id, _)| (id, begin(id))).collect();
        begin.into_iter().for_each(|(id, range)| self.assume(id, range));
        for _ in 0..recurrence.steps {
            for &id in recurrence.body.iter().filter(|&&id| !matches!(graph.op(id), Op::States(_))) {
                self.bound_node(graph, inputs, id);
            }
            let mut grown = false;
            for &(id, carry) in &recurrence.states {
                let (own, next) = (self.range(id), self.range(carry));
                let all = Range::hull([own.lo, own.hi, next.lo, next.hi]);
                grown |= all != own;
                self.assume(id, all);
            }
            if !grown {
                break;
            }
        }
    }
}

fn assumed(domain: Domain) -> Range {
    match domain.range() {
        None => INPUT,
        Some((lo, hi)) if hi - lo < 1 << 16 => Range { lo: lo as f64, hi: hi as f64 },
        Some((lo, _)) if lo >= 0 => Range { lo: 0.0, ..INTEGERS },
        Some(_) => INTEGERS,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::ops::{Compare, Comparison, Div, Max, Min, PRelu, Select};

    const A: (f64, f64) = (-2.0, 3.0);

    /// The range of an operation on an input from -2 to 3 and a constant.
    fn range(op: impl Into<Op>, constant: &[f64]) -> (f64, f64) {
        let (mut graph, op) = (Graph::new(), op.into());
        let shape = [constant.len()];
        let x = graph.add_input("x", &shape);
        let c = graph.add_constant("c", ArrayD::from_shape_vec(IxDyn(&shape), constant.to_vec()).unwrap());
        let operands = if matches!(op, Op::Select(Select)) { vec![x, x, c] } else { vec![x, c] };
        let y = graph.add_inferred("y", op, &operands).unwrap();
        let mut calibration = Calibration::default();
        calibration.bound(&graph, &[Range { lo: A.0, hi: A.1 }]);
        let range = calibration.range(y);
        (range.lo, range.hi)
    }

    #[test]
    fn quotients_slopes_and_comparisons() {
        assert_eq!(range(Op::Div(Div), &[0.5, -0.25]), (-12.0, 12.0));
        assert_eq!(range(Op::PRelu(PRelu), &[3.0, -4.0]), (-6.0, 8.0));
        assert_eq!(range(Op::Compare(Compare(Comparison::Less)), &[7.0, 9.0]), (0.0, 1.0));
        assert_eq!(range(Op::Select(Select), &[7.0, 9.0]), (-2.0, 9.0));
        assert_eq!(range(Op::Max(Max), &[1.0, 2.0]), (1.0, 3.0));
        assert_eq!(range(Op::Min(Min), &[1.0, 2.0]), (-2.0, 2.0));
    }
}
