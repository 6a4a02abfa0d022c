//! Ranges without samples: interval analysis.

use super::{Calibration, Range};
use crate::graph::{Domain, Graph, NodeId, Op, ReduceKind, Unary};

/// Assumed of inputs when there are no samples.
const INPUT: Range = Range { lo: -1.0, hi: 1.0 };
/// The same of integers whose type says little.
const INTEGERS: Range = Range { lo: -32767.0, hi: 32767.0 };
/// Nothing is known.
const UNBOUNDED: Range = Range { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

impl Calibration {
    /// States the range of every node by interval arithmetic; inputs of which no range is given are in `[-1, 1]`, or what their type has.
    pub fn bound(&mut self, graph: &Graph, inputs: &[Range]) {
        for id in graph.order() {
            let operands: Vec<Range> = graph.operands(id).iter().map(|&o| self.range(o)).collect();
            let range = match graph.op(id) {
                Op::Input { index } => inputs.get(*index).copied().unwrap_or_else(|| assumed(graph.domain(id))),
                _ => bound(graph, id, &operands),
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

fn symmetric(magnitude: f64) -> Range {
    Range { lo: -magnitude, hi: magnitude }
}

/// The smallest range with all of these numbers.
fn hull(values: impl IntoIterator<Item = f64>) -> Range {
    let start = Range { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
    values.into_iter().fold(start, |r, v| Range { lo: r.lo.min(v), hi: r.hi.max(v) })
}

fn corners(a: Range, b: Range, f: impl Fn(f64, f64) -> f64) -> Range {
    hull([f(a.lo, b.lo), f(a.lo, b.hi), f(a.hi, b.lo), f(a.hi, b.hi)])
}

/// 0 times infinity counts as 0: the 0 is one.
fn times(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

fn bound(graph: &Graph, id: NodeId, operands: &[Range]) -> Range {
    let first = operands.first().copied().unwrap_or(UNBOUNDED);
    let second = operands.get(1).copied().unwrap_or(UNBOUNDED);
    let operand = |n: usize| graph.operands(id).get(n).copied().unwrap_or(id);
    let entries = |n: usize, axes: &[usize]| axes.iter().map(|&a| graph.shape(operand(n))[a] as f64).product::<f64>();
    let all = || hull(operands.iter().flat_map(|r| [r.lo, r.hi]));
    match graph.op(id) {
        Op::Input { .. } => assumed(graph.domain(id)),
        Op::Constant(value) => hull(value.iter().copied()),
        Op::Conv { .. } => {
            let bias = operands.get(2).map_or(0.0, Range::magnitude);
            symmetric(times(largest_row(graph, operand(1), second), first.magnitude()) + bias)
        }
        Op::Einsum { lhs, out, .. } => {
            let contracted: Vec<usize> = (0..lhs.len()).filter(|&axis| !out.contains(&lhs[axis])).collect();
            symmetric(entries(0, &contracted) * times(first.magnitude(), second.magnitude()))
        }
        Op::Add => Range { lo: first.lo + second.lo, hi: first.hi + second.hi },
        Op::Sub => Range { lo: first.lo - second.hi, hi: first.hi - second.lo },
        Op::Mul => symmetric(times(first.magnitude(), second.magnitude())),
        Op::Div => symmetric(times(first.magnitude(), largest_reciprocal(graph, operand(1), second))),
        Op::Max => Range { lo: first.lo.max(second.lo), hi: first.hi.max(second.hi) },
        Op::Min => Range { lo: first.lo.min(second.lo), hi: first.hi.min(second.hi) },
        Op::Compare(_) => Range { lo: 0.0, hi: 1.0 },
        Op::Select => hull(operands.iter().skip(1).flat_map(|r| [r.lo, r.hi])),
        Op::PRelu => {
            let negative = corners(Range { lo: first.lo.min(0.0), hi: first.hi.min(0.0) }, second, times);
            hull([first.lo.max(0.0), first.hi.max(0.0), negative.lo, negative.hi])
        }
        Op::Unary(f) => image(f, first),
        Op::ColumnScale(exponents) => hull(exponents.iter().flat_map(|&e| {
            let power = f64::from(e).exp2();
            [first.lo * power, first.hi * power]
        })),
        Op::MaxPool(_) | Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min | ReduceKind::Mean, .. } => first,
        // Padding may count as zeros.
        Op::AveragePool { .. } => hull([first.lo, first.hi, 0.0]),
        Op::Reduce { kind: ReduceKind::Sum, axes } => {
            let n = entries(0, axes);
            Range { lo: first.lo * n, hi: first.hi * n }
        }
        Op::Softmax { .. } | Op::MaskedSoftmax { .. } => Range { lo: 0.0, hi: 1.0 },
        Op::LogSoftmax { axes } => Range { lo: first.lo - first.hi - entries(0, axes).ln(), hi: 0.0 },
        Op::Pad { value, .. } => hull([first.lo, first.hi, *value]),
        Op::Concat { .. } => all(),
        Op::Reshape | Op::Transpose(_) | Op::Slice { .. } | Op::Broadcast | Op::Take { .. } => first,
    }
}

/// The largest sum of magnitudes over the entries of one output channel.
fn largest_row(graph: &Graph, weight: NodeId, range: Range) -> f64 {
    match graph.constant(weight) {
        Some(array) => array.outer_iter().map(|row| row.iter().map(|v| v.abs()).sum()).fold(0.0, f64::max),
        None => graph.shape(weight).iter().skip(1).product::<usize>() as f64 * range.magnitude(),
    }
}

/// The largest magnitude of `1 / d` over the entries of a divisor.
fn largest_reciprocal(graph: &Graph, divisor: NodeId, range: Range) -> f64 {
    let behind = match graph.op(divisor) {
        Op::Broadcast => graph.operands(divisor).first().copied().unwrap_or(divisor),
        _ => divisor,
    };
    match graph.constant(behind) {
        Some(values) => values.iter().map(|v| v.recip().abs()).fold(0.0, f64::max),
        None if range.lo > 0.0 || range.hi < 0.0 => range.lo.recip().abs().max(range.hi.recip().abs()),
        None => f64::INFINITY,
    }
}

/// The range of a function: of one that never decreases at the ends of the argument's, of others sampled, with 0 as a value.
fn image(f: &Unary, range: Range) -> Range {
    if f.is_monotone() || matches!(f, Unary::ToReal) {
        return hull([f.eval(range.lo), f.eval(range.hi)]);
    }
    match f {
        Unary::NonZero => return Range { lo: 0.0, hi: 1.0 },
        Unary::Wrap { lo, hi } => return Range { lo: *lo as f64, hi: *hi as f64 },
        _ => {}
    }
    if !(range.hi - range.lo).is_finite() {
        return UNBOUNDED;
    }
    let steps = 1000;
    let at = |i: i32| f.eval(range.lo + (range.hi - range.lo) * f64::from(i) / f64::from(steps));
    let inner = (range.lo <= 0.0 && 0.0 <= range.hi).then(|| f.eval(0.0));
    let values = (0..=steps).map(at).chain(inner).filter(|v| v.is_finite());
    hull(values.chain([0.0]))
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::graph::Comparison;

    const A: (f64, f64) = (-2.0, 3.0);

    /// The range of an operation on an input from -2 to 3 and a constant.
    fn range(op: Op, constant: &[f64]) -> (f64, f64) {
        let mut graph = Graph::new();
        let shape = [constant.len()];
        let x = graph.add_input("x", &shape);
        let c = graph.add_constant("c", ArrayD::from_shape_vec(IxDyn(&shape), constant.to_vec()).unwrap());
        let operands = if matches!(op, Op::Select) { vec![x, x, c] } else { vec![x, c] };
        let y = graph.add_inferred("y", op, &operands).unwrap();
        let mut calibration = Calibration::default();
        calibration.bound(&graph, &[Range { lo: A.0, hi: A.1 }]);
        let range = calibration.range(y);
        (range.lo, range.hi)
    }

    #[test]
    fn quotients_slopes_and_comparisons() {
        assert_eq!(range(Op::Div, &[0.5, -0.25]), (-12.0, 12.0));
        assert_eq!(range(Op::PRelu, &[3.0, -4.0]), (-6.0, 8.0));
        assert_eq!(range(Op::Compare(Comparison::Less), &[7.0, 9.0]), (0.0, 1.0));
        assert_eq!(range(Op::Select, &[7.0, 9.0]), (-2.0, 9.0));
        assert_eq!(range(Op::Max, &[1.0, 2.0]), (1.0, 3.0));
        assert_eq!(range(Op::Min, &[1.0, 2.0]), (-2.0, 2.0));
    }

    #[test]
    fn monotone_functions_do_not_pass_through_0() {
        assert_eq!(image(&Unary::Exp, Range { lo: 0.0, hi: 0.0 }), Range { lo: 1.0, hi: 1.0 });
        assert_eq!(image(&Unary::Clip { lo: 1.0, hi: 2.0 }, INPUT), Range { lo: 1.0, hi: 1.0 });
    }
}
