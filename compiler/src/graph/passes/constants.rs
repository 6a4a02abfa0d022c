//! Constants: evaluation of what depends on nothing else, and small constants behind broadcasts.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, Slice, Zip};

use super::super::evaluate::apply;
use super::super::{Graph, NodeId};
use crate::ops::{Broadcast, Op};

/// Entries that a folded value may have, where no constant has more.
const FOLDED: usize = 1 << 24;

/// Evaluates nodes whose operands are all constants. Broadcasts of constants stay, so that constants stay small, and so do nodes
/// that would make constants much larger than they are.
pub fn fold_constants(graph: &mut Graph) -> bool {
    let mut changed = false;
    let constants = graph.nodes().filter(|(_, node)| matches!(node.op, Op::Constant(_)));
    let most = constants.map(|(_, node)| node.len()).fold(FOLDED, usize::max);
    for id in graph.order() {
        let node = graph.node(id);
        if matches!(node.op, Op::Input(_) | Op::Constant(_) | Op::Broadcast(Broadcast) | Op::States(_))
            || graph.uses(id) == 0
        {
            continue;
        }
        // The frame of a table of rows is no weight, which could be anything.
        let gathered = || graph.users(id).iter().all(|(user, _)| matches!(graph.op(*user), Op::Gather(_)));
        if matches!(node.op, Op::Pad(_)) && gathered() {
            continue;
        }
        if graph.operands(id).iter().chain([&id]).any(|&id| graph.node(id).len() > most) {
            continue;
        }
        let operands: Option<Vec<Arc<ArrayD<f64>>>> =
            graph.operands(id).iter().map(|&operand| materialised(graph, operand)).collect();
        let Some(operands) = operands else { continue };
        let operands: Vec<&ArrayD<f64>> = operands.iter().map(|o| &**o).collect();
        let node = graph.node(id);
        let value = apply(&node.op, &operands, &node.shape);
        let (name, domain) = (node.name.clone(), node.domain);
        let folded = graph.add_constant_of(domain, name, value);
        graph.replace(id, folded);
        changed = true;
    }
    changed
}

/// The whole value of a constant or of a broadcast constant.
fn materialised(graph: &Graph, id: NodeId) -> Option<Arc<ArrayD<f64>>> {
    let value = graph.behind(id)?;
    if value.shape() == graph.shape(id) {
        return Some(value);
    }
    Some(Arc::new(value.broadcast(IxDyn(graph.shape(id)))?.to_owned()))
}

/// The same constant with extent 1 on every axis along which it does not vary.
pub(super) fn compressed(value: &ArrayD<f64>) -> ArrayD<f64> {
    let mut value = value.clone();
    for axis in (0..value.ndim()).map(Axis) {
        if value.len_of(axis) > 1 {
            let first = value.slice_axis(axis, Slice::from(0..1)).to_owned();
            let constant = value.axis_iter(axis).all(|slice| slice == first.index_axis(axis, 0));
            if constant {
                value = first;
            }
        }
    }
    value
}

/// The one value of all entries.
pub(in crate::graph) fn uniform(value: &ArrayD<f64>) -> Option<f64> {
    let first = *value.first()?;
    value.iter().all(|&v| v == first).then_some(first)
}

/// Combines two constants of one rank, each broadcast where it has extent 1.
pub(super) fn combine(a: &ArrayD<f64>, b: &ArrayD<f64>, f: impl Fn(f64, f64) -> f64) -> Option<ArrayD<f64>> {
    let shape: Vec<usize> = a.shape().iter().zip(b.shape()).map(|(&a, &b)| if a == 1 { b } else { a }).collect();
    let shape = IxDyn(&shape);
    let (a, b) = (a.broadcast(shape.clone())?, b.broadcast(shape)?);
    Some(Zip::from(&a).and(&b).map_collect(|&a, &b| f(a, b)))
}

/// Adds a constant, broadcast to `shape` where it is smaller.
pub(super) fn add_broadcast(graph: &mut Graph, name: &str, value: ArrayD<f64>, shape: &[usize]) -> NodeId {
    let constant = graph.add_constant(name, value);
    if graph.shape(constant) == shape {
        return constant;
    }
    graph.add(name, Broadcast, &[constant], shape)
}
