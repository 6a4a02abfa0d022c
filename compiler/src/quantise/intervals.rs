//! Ranges without samples: interval analysis.

use super::{Calibration, Range};
use crate::graph::{Graph, NodeId, Op, ReduceKind, Unary};

/// Assumed of inputs when there are no samples.
const INPUT: Range = Range { lo: -1.0, hi: 1.0 };

impl Calibration {
    /// States the range of every node by interval arithmetic; inputs of which no range is given are in `[-1, 1]`.
    pub fn bound(&mut self, graph: &Graph, inputs: &[Range]) {
        for id in graph.order() {
            let operands: Vec<Range> = graph.operands(id).iter().map(|&o| self.range(o)).collect();
            let range = match graph.op(id) {
                Op::Input { index } => inputs.get(*index).copied().unwrap_or(INPUT),
                _ => bound(graph, id, &operands),
            };
            self.assume(id, range);
        }
    }
}

fn symmetric(magnitude: f64) -> Range {
    Range { lo: -magnitude, hi: magnitude }
}

fn bound(graph: &Graph, id: NodeId, operands: &[Range]) -> Range {
    let first = operands.first().copied().unwrap_or(INPUT);
    let second = operands.get(1).copied().unwrap_or(first);
    let count = |shape: &[usize], of: usize| shape.iter().product::<usize>() as f64 / (of.max(1) as f64);
    match graph.op(id) {
        Op::Constant(value) => {
            let hull = |(lo, hi): (f64, f64), &v: &f64| (lo.min(v), hi.max(v));
            let (lo, hi) = value.iter().fold((f64::INFINITY, f64::NEG_INFINITY), hull);
            Range { lo, hi }
        }
        Op::Conv { .. } => {
            let bias = operands.get(2).map_or(0.0, Range::magnitude);
            symmetric(largest_row(graph, graph.operands(id)[1]) * first.magnitude() + bias)
        }
        Op::Einsum { lhs, out, .. } => {
            let shape = graph.shape(graph.operands(id)[0]);
            let contracted = lhs.iter().zip(shape).filter(|(l, _)| !out.contains(l)).map(|(_, &d)| d as f64);
            symmetric(contracted.product::<f64>() * first.magnitude() * second.magnitude())
        }
        Op::Add => Range { lo: first.lo + second.lo, hi: first.hi + second.hi },
        Op::Sub => Range { lo: first.lo - second.hi, hi: first.hi - second.lo },
        Op::Mul => symmetric(first.magnitude() * second.magnitude()),
        Op::Unary(f) => image(f, first),
        Op::Softmax { .. } => Range { lo: 0.0, hi: 1.0 },
        Op::Reduce { kind: ReduceKind::Sum, .. } => {
            let n = count(graph.shape(graph.operands(id)[0]), graph.node(id).len());
            Range { lo: first.lo * n, hi: first.hi * n }
        }
        Op::Pad { value, .. } => Range { lo: first.lo.min(*value), hi: first.hi.max(*value) },
        _ => operands.iter().fold(first, |r, o| Range { lo: r.lo.min(o.lo), hi: r.hi.max(o.hi) }),
    }
}

/// The largest sum of magnitudes over the entries of one output channel.
fn largest_row(graph: &Graph, weight: NodeId) -> f64 {
    let Some(array) = graph.constant(weight) else { return f64::from(u16::MAX) };
    array.outer_iter().map(|row| row.iter().map(|&v| v.abs()).sum()).fold(0.0, f64::max)
}

/// The range of a function, sampled.
fn image(f: &Unary, range: Range) -> Range {
    let steps = 1000;
    let at = |i: i32| f.eval(range.lo + (range.hi - range.lo) * f64::from(i) / f64::from(steps));
    let values = (0..=steps).map(at).chain([f.eval(0.0)]).filter(|v| v.is_finite());
    let (lo, hi) = values.fold((0f64, 0f64), |(lo, hi), v| (lo.min(v), hi.max(v)));
    Range { lo, hi }
}
