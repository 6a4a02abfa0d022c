//! Connectives of which one operand is known, and choices whose condition is.

use ndarray::{ArrayD, IxDyn};

use super::super::{Graph, NodeId};
use super::constants::{add_broadcast, uniform};
use super::split;
use crate::ops::{Connective, Logic, Op, Select, Unary};

/// Leaves out what a constant decides.
pub fn decide_logic(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        let decided = match *graph.op(id) {
            Op::Logic(Logic(connective)) => connected(graph, id, connective),
            Op::Unary(Unary::Not) => twice_negated(graph, id),
            Op::Select(Select) => chosen(graph, id),
            _ => None,
        };
        if let Some(new) = decided {
            graph.replace(id, new);
            changed = true;
        }
    }
    changed
}

fn connected(graph: &mut Graph, id: NodeId, connective: Connective) -> Option<NodeId> {
    let (x, constant, _) = split(graph, id)?;
    let known = f64::from(u8::from(uniform(&constant.mapv(|v| f64::from(u8::from(v != 0.0))))? != 0.0));
    let [of_false, of_true] = [0.0, 1.0].map(|v| connective.eval(v, known));
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    Some(match (of_false, of_true) {
        (0.0, 1.0) => x,
        (1.0, 0.0) => graph.add(name, Unary::Not, &[x], &shape),
        (value, _) => {
            let value = ArrayD::from_elem(IxDyn(&vec![1; shape.len()]), value);
            add_broadcast(graph, &name, value, &shape)
        }
    })
}

fn twice_negated(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let &inner = graph.operands(id).first()?;
    matches!(graph.op(inner), Op::Unary(Unary::Not)).then(|| graph.operands(inner).first().copied())?
}

fn chosen(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let [condition, a, b] = graph.operands(id)[..] else { return None };
    if a == b {
        return Some(a);
    }
    let known = uniform(&*graph.behind(condition)?)?;
    Some(if known != 0.0 { a } else { b })
}
