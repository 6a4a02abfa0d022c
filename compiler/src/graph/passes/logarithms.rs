//! Logarithms of probabilities, and of sums of exponentials.

use super::super::{Graph, NodeId};
use super::{of_unary, repeated};
use crate::ops::{LogSoftmax, Op, Reduce, ReduceKind, Reshape, Slice, Softmax, Sub, Unary};

/// Makes the logarithm of a softmax one node: small probabilities are all the same to a softmax, and are not to a logarithm. Likewise that
/// of a sum of exponentials, which may be far too large for their tables.
pub fn join_log_softmax(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        let joined = of_softmax(graph, id).or_else(|| less_sum(graph, id)).or_else(|| of_sum(graph, id));
        if let Some(joined) = joined {
            graph.replace(id, joined);
            changed = true;
        }
    }
    changed
}

fn of_softmax(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let softmax = of_unary(graph, id, &Unary::Log)?;
    let Op::Softmax(Softmax { axes }) = graph.op(softmax).clone() else { return None };
    let scores = *graph.operands(softmax).first()?;
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    Some(graph.add(name, LogSoftmax { axes }, &[scores], &shape))
}

/// The scores and the axes of a logarithm of a sum of exponentials.
fn sum(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<usize>)> {
    let mut summed = of_unary(graph, id, &Unary::Log)?;
    if let Op::Reshape(Reshape) = graph.op(summed) {
        summed = *graph.operands(summed).first()?;
    }
    let Op::Reduce(Reduce { kind: ReduceKind::Sum, axes }) = graph.op(summed).clone() else { return None };
    let scores = of_unary(graph, *graph.operands(summed).first()?, &Unary::Exp)?;
    Some((scores, axes))
}

/// `x - log(sum(exp(x)))`.
fn less_sum(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Op::Sub(Sub) = graph.op(id) else { return None };
    let [x, all] = graph.operands(id)[..] else { return None };
    let (scores, axes) = sum(graph, repeated(graph, all))?;
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    let same = scores == x && axes.iter().all(|&axis| graph.shape(repeated(graph, all)).get(axis) == Some(&1));
    same.then(|| graph.add(name, LogSoftmax { axes }, &[x], &shape))
}

/// `log(sum(exp(x)))` is what any `x` of a row is more than the logarithm of its share, as the first one.
fn of_sum(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (scores, axes) = sum(graph, id)?;
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    let share = graph.add_inferred(name.clone(), LogSoftmax { axes: axes.clone() }, &[scores]).ok()?;
    let mut firsts = [scores, share];
    for &axis in &axes {
        for first in &mut firsts {
            let cut = Slice { axis, start: 0, end: 1, step: 1 };
            *first = graph.add_inferred(name.clone(), cut, &[*first]).ok()?;
        }
    }
    let difference = graph.add_inferred(name.clone(), Sub, &firsts).ok()?;
    Some(graph.add(name, Reshape, &[difference], &shape))
}
