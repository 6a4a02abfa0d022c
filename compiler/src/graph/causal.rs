//! Whether a model is causal: what it says at a token depends on that token and those before it alone.
//!
//! It is found out by structure, operator by operator, never by trying. A node's entries have *token axes*: an entry depends on no token behind
//! the largest of its coordinates on them. Sums over such an axis mix tokens; they are causal where the entries that are summed up
//! vanish for later tokens than those of another axis, as the weights of an attention with a triangular mask do.

use std::collections::{BTreeSet, HashMap};

use super::{Graph, NodeId};
use crate::ops::{
    Broadcast, Concat, Connective, CumSum, Einsum, Gather, LogSoftmax, Logic, MaskedSoftmax, Norm, Op, Reduce, Slice,
    Softmax, Take, Transpose,
};
use Crossing::{Mixes, Moves};

/// The axes of a node's result that count tokens.
pub type TokenAxes = BTreeSet<usize>;

/// Where a model stops being causal, or known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node `{node}` ({op}) {why}")]
pub struct NotCausal {
    /// The node.
    pub node: String,
    /// Its operator.
    pub op: &'static str,
    /// What it does.
    pub why: Crossing,
}

/// How a node lets tokens depend on later ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Crossing {
    /// It sums over tokens.
    #[error("lets what is said at a token depend on later ones: a causal mask is missing, or not known to be one")]
    Mixes,
    /// It moves them.
    #[error("moves tokens along their axis, or is not known not to")]
    Moves,
}

/// The token axes of every node of a causal model, whose tokens lie along an axis of an input.
///
/// # Errors
/// The first node that is not causal.
pub(crate) fn causal(graph: &Graph, tokens: NodeId, axis: usize) -> Result<HashMap<NodeId, TokenAxes>, NotCausal> {
    let mut known: HashMap<NodeId, TokenAxes> = HashMap::new();
    for id in graph.order() {
        let axes = if id == tokens {
            TokenAxes::from([axis])
        } else {
            let operands: Vec<(NodeId, TokenAxes)> =
                graph.operands(id).into_iter().map(|o| (o, known.get(&o).cloned().unwrap_or_default())).collect();
            if operands.iter().all(|(_, axes)| axes.is_empty()) {
                TokenAxes::new()
            } else {
                flow(graph, id, &operands).map_err(|why| {
                    let node = graph.node(id);
                    NotCausal { node: node.name.clone(), op: node.op.name(), why }
                })?
            }
        };
        known.insert(id, axes);
    }
    Ok(known)
}

/// The token axes of a node's result by those of its operands.
fn flow(graph: &Graph, id: NodeId, operands: &[(NodeId, TokenAxes)]) -> Result<TokenAxes, Crossing> {
    let all = || operands.iter().flat_map(|(_, axes)| axes.iter().copied()).collect::<TokenAxes>();
    let apart_from = |axis: usize| if all().contains(&axis) { Err(Moves) } else { Ok(all()) };
    let each = |place: &dyn Fn(usize) -> Option<usize>| all().into_iter().map(|axis| place(axis).ok_or(Moves)).collect();
    let shape = graph.shape(id);
    match graph.op(id) {
        op if op.goes_by_entry() => Ok(all()),
        Op::Broadcast(_) => Ok(all()),
        Op::Norm(Norm { axes, .. })
        | Op::Reduce(Reduce { axes, .. })
        | Op::Softmax(Softmax { axes })
        | Op::LogSoftmax(LogSoftmax { axes }) => {
            if axes.iter().any(|axis| all().contains(axis)) {
                Err(Mixes)
            } else {
                Ok(all())
            }
        }
        Op::MaskedSoftmax(MaskedSoftmax { axes, .. }) => {
            let mut result = all();
            for key in axes.iter().filter(|axis| all().contains(axis)) {
                let query = (0..shape.len()).find(|q| !axes.contains(q) && is_banded(graph, id, *q, *key)).ok_or(Mixes)?;
                result.insert(query);
            }
            Ok(result)
        }
        Op::Einsum(einsum) => contracted(graph, einsum, operands),
        Op::Reshape(_) => {
            let from = graph.shape(operands.first().ok_or(Moves)?.0);
            each(&|axis| same_place(from, axis, shape))
        }
        Op::Transpose(Transpose(order)) => each(&|axis| order.iter().position(|&source| source == axis)),
        Op::Slice(Slice { axis, start, step, .. }) if (*start, *step) != (0, 1) => apart_from(*axis),
        Op::Slice(_) => Ok(all()),
        Op::Take(Take { axis, .. }) | Op::Concat(Concat { axis }) => apart_from(*axis),
        // Of orders along the last axis: the places are a new one before it, and indices leave none of it.
        Op::TopK(_) => {
            let last = shape.len().checked_sub(2).ok_or(Moves)?;
            apart_from(last)
        }
        Op::IndexOf(_) => apart_from(shape.len()),
        Op::CumSum(CumSum { axis, reverse: true, .. }) => apart_from(*axis),
        Op::CumSum(_) => Ok(all()),
        Op::Gather(Gather { axis }) => {
            let [(_, of_table), (ids, of_ids)] = operands else { return Err(Moves) };
            let more = graph.shape(*ids).len();
            let table = of_table.iter().map(|&a| match a {
                a if a < *axis => Ok(a),
                a if a > *axis => Ok(a + more - 1),
                _ => Err(Moves),
            });
            table.chain(of_ids.iter().map(|&a| Ok(axis + a))).collect()
        }
        _ => Err(Moves),
    }
}

/// The token axes of a sum of products.
fn contracted(graph: &Graph, einsum: &Einsum, operands: &[(NodeId, TokenAxes)]) -> Result<TokenAxes, Crossing> {
    let sides: Vec<_> = operands.iter().zip([&einsum.lhs, &einsum.rhs]).collect();
    let mut result = TokenAxes::new();
    for label in sides.iter().flat_map(|((_, axes), labels)| axes.iter().map(|&axis| labels[axis])) {
        if let Some(axis) = einsum.out.iter().position(|&out| out == label) {
            result.insert(axis);
            continue;
        }
        // The sum is over tokens: one factor vanishes beyond the query's.
        let query = sides.iter().find_map(|((id, _), labels)| {
            let key = labels.iter().position(|&own| own == label)?;
            let query = (0..labels.len()).find(|&q| einsum.out.contains(&labels[q]) && is_banded(graph, *id, q, key))?;
            einsum.out.iter().position(|&out| out == labels[query])
        });
        result.insert(query.ok_or(Mixes)?);
    }
    Ok(result)
}

/// Whether a node's entries vanish wherever the coordinate on axis `key` is larger than that on axis `query`: behind a mask that everybody
/// knows. Weights that happen to vanish do not count, since a key commits to weights that no audit sees.
fn is_banded(graph: &Graph, id: NodeId, query: usize, key: usize) -> bool {
    let operands = graph.operands(id);
    match graph.op(id) {
        // Of scores and a mask, whose axes are the same; weights vanish where the mask does.
        Op::MaskedSoftmax(MaskedSoftmax { axes, .. }) => {
            axes.contains(&key) && operands.get(1).is_some_and(|&mask| keeps_no_later(graph, mask, query, key))
        }
        Op::Mul(_) => operands.iter().any(|&x| is_banded(graph, x, query, key)),
        Op::Einsum(Einsum { lhs, rhs, out }) => operands.iter().zip([lhs, rhs]).any(|(&x, labels)| {
            let place = |axis: usize| labels.iter().position(|label| *label == out[axis]);
            matches!((place(query), place(key)), (Some(query), Some(key)) if is_banded(graph, x, query, key))
        }),
        _ => behind_layout(graph, id, query, key).is_some_and(|(x, query, key)| is_banded(graph, x, query, key)),
    }
}

/// The same of a mask, or of what one is made of.
fn keeps_no_later(graph: &Graph, id: NodeId, query: usize, key: usize) -> bool {
    if let Some(values) = graph.behind(id) {
        // Along an axis of extent 1 a value stands for all keys.
        let band = || values.indexed_iter().all(|(at, &value)| at[key] <= at[query] || value == 0.0);
        return graph.masks(id) && values.shape()[key] > 1 && band();
    }
    match graph.op(id) {
        Op::Logic(Logic(Connective::And)) => graph.operands(id).iter().any(|&x| keeps_no_later(graph, x, query, key)),
        _ => behind_layout(graph, id, query, key).is_some_and(|(x, query, key)| keeps_no_later(graph, x, query, key)),
    }
}

/// The operand of a node that arranges its entries anew, with two axes as they are there.
fn behind_layout(graph: &Graph, id: NodeId, query: usize, key: usize) -> Option<(NodeId, usize, usize)> {
    let x = *graph.operands(id).first()?;
    // A constant that is arranged anew is a weight, whatever it says.
    let x = Some(x).filter(|&x| graph.constant(x).is_none())?;
    let [from, to] = [graph.shape(x), graph.shape(id)];
    match graph.op(id) {
        Op::Broadcast(Broadcast) => Some((x, query, key)),
        Op::Transpose(Transpose(order)) => Some((x, *order.get(query)?, *order.get(key)?)),
        Op::Reshape(_) => Some((x, same_place(to, query, from)?, same_place(to, key, from)?)),
        _ => None,
    }
}

/// The axis of a shape that an axis of another one becomes, where both hold the same entries in row-major order.
fn same_place(from: &[usize], axis: usize, to: &[usize]) -> Option<usize> {
    let stride = |shape: &[usize], axis: usize| shape[axis + 1..].iter().product::<usize>();
    (0..to.len()).find(|&other| to[other] == from[axis] && stride(to, other) == stride(from, axis))
}

#[cfg(test)]
mod tests;
