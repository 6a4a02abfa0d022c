//! Chains of views.

use super::super::{Graph, NodeId};
use crate::ops::{AveragePool, Broadcast, MaxPool, Op, Reduce, Reshape, Take, Transpose, Window};

/// Merges chains of reshapes, of transposes and of broadcasts, turns transposes that move axes of extent 1 only into
/// reshapes, and drops views that change nothing.
pub fn merge_views(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        if let Some(new) = merged(graph, id) {
            graph.replace(id, new);
            changed = true;
        }
    }
    changed
}

fn merged(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id).clone();
    let operands = graph.operands(id);
    let x = *operands.first()?;
    let x_shape = graph.shape(x).to_vec();
    let inner = || graph.operands(x).first().copied();
    match &node.op {
        Op::Reshape(Reshape) | Op::Broadcast(Broadcast) if x_shape == node.shape => Some(x),
        Op::Reshape(Reshape) if matches!(graph.op(x), Op::Reshape(Reshape)) => {
            let y = inner()?;
            Some(graph.add(node.name, Reshape, &[y], &node.shape))
        }
        Op::Broadcast(Broadcast) if matches!(graph.op(x), Op::Broadcast(Broadcast)) => {
            let y = inner()?;
            Some(graph.add(node.name, Broadcast, &[y], &node.shape))
        }
        Op::Transpose(Transpose(perm)) if perm.iter().copied().eq(0..perm.len()) => Some(x),
        Op::Transpose(Transpose(perm)) => {
            let moved: Vec<usize> = perm.iter().copied().filter(|&axis| x_shape[axis] != 1).collect();
            if moved.is_sorted() {
                return Some(graph.add(node.name, Reshape, &[x], &node.shape));
            }
            let Op::Transpose(Transpose(first)) = graph.op(x) else { return None };
            let composed = perm.iter().map(|&axis| first[axis]).collect();
            let y = inner()?;
            Some(graph.add(node.name, Transpose(composed), &[y], &node.shape))
        }
        Op::Concat(_) if operands.len() == 1 => Some(x),
        Op::Slice(_) | Op::Pad(_) if x_shape == node.shape => Some(x),
        Op::Take(Take { indices, axis }) if x_shape == node.shape && indices.iter().copied().eq(0..x_shape[*axis]) => {
            Some(x)
        }
        Op::Reduce(Reduce { axes, .. }) if axes.iter().all(|&axis| x_shape[axis] == 1) => Some(x),
        Op::MaxPool(MaxPool(window)) | Op::AveragePool(AveragePool { window, .. })
            if *window == Window::dense(&vec![1; window.rank()]) =>
        {
            Some(x)
        }
        _ => None,
    }
}
