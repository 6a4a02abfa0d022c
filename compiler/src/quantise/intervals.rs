//! Ranges without samples: interval analysis.

use super::{Calibration, Range};
use crate::graph::{Domain, Graph};
use crate::ops::{Input, Op, Ranges};

/// Assumed of inputs when there are no samples.
const INPUT: Range = Range { lo: -1.0, hi: 1.0 };
/// The same of integers whose type says little.
const INTEGERS: Range = Range { lo: -32767.0, hi: 32767.0 };

impl Calibration {
    /// States the range of every node by interval arithmetic; inputs of which no range is given are in `[-1, 1]`, or what their type has.
    pub fn bound(&mut self, graph: &Graph, inputs: &[Range]) {
        for id in graph.order() {
            let range = match graph.op(id) {
                Op::Input(Input { index, .. }) => inputs.get(*index).copied().unwrap_or_else(|| assumed(graph.domain(id))),
                op => op.operator().range(&Ranges::of(graph, id, |operand| self.range(operand))),
            };
            self.assume(id, range);
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
