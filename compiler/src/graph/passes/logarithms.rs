//! Logarithms of probabilities.

use super::super::{Graph, NodeId};
use crate::ops::{LogSoftmax, Op, Softmax, Unary};

/// Makes the logarithm of a softmax one node: small probabilities are all the same to a softmax, and are not to a logarithm.
pub fn join_log_softmax(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        if let Some(joined) = joined(graph, id) {
            graph.replace(id, joined);
            changed = true;
        }
    }
    changed
}

fn joined(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let Op::Unary(Unary::Log) = graph.op(id) else { return None };
    let softmax = *graph.operands(id).first()?;
    let Op::Softmax(Softmax { axes }) = graph.op(softmax).clone() else { return None };
    let scores = *graph.operands(softmax).first()?;
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    Some(graph.add(name, LogSoftmax { axes }, &[scores], &shape))
}
