//! Products and sums with constants: batch normalisation, biases, means.
//!
//! The normal form is `x * scale + shift`, constants on the right. It moves into the weights and the bias of the node
//! *before* it. A shift never moves into a node after it: zero padding would not see it.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::super::{Graph, NodeId};
use super::constants::{add_broadcast, combine, compressed, uniform};
use crate::ops::{Add, Div, Einsum, Label, Mul, Op, Reduce, ReduceKind, Sub};

/// Brings products and sums with constants to normal form and folds them into convolutions, einsums and reductions.
pub fn fold_affine(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        let step = match graph.op(id) {
            Op::Sub(Sub) | Op::Div(Div) => without_inverse(graph, id),
            Op::Add(Add) => sum(graph, id),
            Op::Mul(Mul) => product(graph, id),
            _ => None,
        };
        if let Some(new) = step {
            graph.replace(id, new);
            changed = true;
        }
    }
    changed
}

/// `x - c` as `x + (-c)`, `c - x` as `x * (-1) + c`, `x / c` as `x * (1 / c)`.
fn without_inverse(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let [x, c] = graph.operands(id)[..] else { return None };
    if matches!(graph.op(id), Op::Sub(Sub))
        && graph.behind(c).is_none()
        && let Some(value) = graph.behind(x)
    {
        let minus_one = ArrayD::from_elem(IxDyn(&vec![1; value.ndim()]), -1.0);
        let negated = with_constant(graph, id, Op::Mul(Mul), c, minus_one);
        return Some(with_constant(graph, id, Op::Add(Add), negated, compressed(&value)));
    }
    if graph.behind(x).is_some() {
        return None;
    }
    let value = graph.behind(c)?;
    let (op, value) = match graph.op(id) {
        Op::Sub(Sub) => (Op::Add(Add), value.mapv(|v| -v)),
        _ if value.iter().all(|v| v.recip().is_finite()) => (Op::Mul(Mul), value.mapv(f64::recip)),
        _ => return None,
    };
    Some(with_constant(graph, id, op, x, value))
}

/// The node `op(x, constant)` in place of `id`.
pub(in crate::graph) fn with_constant(graph: &mut Graph, id: NodeId, op: Op, x: NodeId, value: ArrayD<f64>) -> NodeId {
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    let constant = add_broadcast(graph, &name, value, &shape);
    graph.add(name, op, &[x, constant], &shape)
}

/// The variable and the constant operand, and whether they change places for that.
pub(in crate::graph) fn split(graph: &Graph, id: NodeId) -> Option<(NodeId, Arc<ArrayD<f64>>, bool)> {
    let [a, b] = graph.operands(id)[..] else { return None };
    match (graph.behind(a), graph.behind(b)) {
        (None, Some(constant)) => Some((a, constant, false)),
        (Some(constant), None) => Some((b, constant, true)),
        _ => None,
    }
}

fn sum(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (x, shift, swapped) = split(graph, id)?;
    let shift = compressed(&shift);
    if uniform(&shift) == Some(0.0) {
        return Some(x);
    }
    if graph.uses(x) == 1 {
        match graph.op(x) {
            Op::Add(Add) => {
                if let Some((y, first, _)) = split(graph, x) {
                    let total = combine(&first, &shift, |a, b| a + b)?;
                    return Some(with_constant(graph, id, Op::Add(Add), y, total));
                }
            }
            Op::Conv(_) => {
                if let Some(folded) = shifted_conv(graph, id, x, &shift) {
                    return Some(folded);
                }
            }
            _ => {}
        }
    }
    swapped.then(|| with_constant(graph, id, Op::Add(Add), x, shift))
}

fn product(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (x, scale, swapped) = split(graph, id)?;
    let scale = compressed(&scale);
    if uniform(&scale) == Some(1.0) {
        return Some(x);
    }
    if graph.uses(x) == 1
        && let Some(folded) = fold_scale(graph, id, x, &scale)
    {
        return Some(folded);
    }
    swapped.then(|| with_constant(graph, id, Op::Mul(Mul), x, scale))
}

/// `id = x * scale` with the scale inside of `x`, which has no other user.
fn fold_scale(graph: &mut Graph, id: NodeId, x: NodeId, scale: &ArrayD<f64>) -> Option<NodeId> {
    match graph.op(x).clone() {
        Op::Mul(Mul) => {
            let (y, first, _) = split(graph, x)?;
            let total = combine(&first, scale, |a, b| a * b)?;
            Some(with_constant(graph, id, Op::Mul(Mul), y, total))
        }
        Op::Add(Add) => {
            let (y, shift, _) = split(graph, x)?;
            let shift = combine(&shift, scale, |a, b| a * b)?;
            let scaled = with_constant(graph, id, Op::Mul(Mul), y, scale.clone());
            Some(with_constant(graph, id, Op::Add(Add), scaled, shift))
        }
        Op::Conv(_) => scaled_conv(graph, x, scale),
        Op::Einsum(Einsum { lhs, rhs, out }) => scaled_einsum(graph, x, [&lhs, &rhs], &out, scale),
        Op::Reduce(Reduce { kind: ReduceKind::Sum, axes }) => {
            let y = *graph.operands(x).first()?;
            let count: usize = axes.iter().map(|&axis| graph.shape(y)[axis]).product();
            let mean = (uniform(scale)? * count as f64 - 1.0).abs() < 1e-6;
            let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
            mean.then(|| graph.add(name, Reduce { kind: ReduceKind::Mean, axes }, &[y], &shape))
        }
        _ => None,
    }
}

/// The entries of a constant that varies along the channel axis (axis 1) at most, one per channel.
fn per_channel(value: &ArrayD<f64>, channels: usize) -> Option<ArrayD<f64>> {
    let elsewhere = value.shape().iter().enumerate().any(|(axis, &extent)| axis != 1 && extent != 1);
    if elsewhere || value.ndim() < 2 {
        return None;
    }
    let flat: Vec<f64> = value.iter().copied().collect();
    let flat = if flat.len() == 1 { vec![flat[0]; channels] } else { flat };
    (flat.len() == channels).then(|| ArrayD::from_shape_vec(IxDyn(&[channels]), flat).ok()).flatten()
}

fn shifted_conv(graph: &mut Graph, id: NodeId, conv: NodeId, shift: &ArrayD<f64>) -> Option<NodeId> {
    let operands = graph.operands(conv);
    let shift = per_channel(shift, graph.shape(conv)[1])?;
    let bias = match operands.get(2) {
        Some(&bias) => combine(&*graph.behind(bias)?, &shift, |a, b| a + b)?,
        None => shift,
    };
    let (name, node) = (graph.node(id).name.clone(), graph.node(conv).clone());
    let bias = add_broadcast(graph, &name, bias, &[node.shape[1]]);
    Some(graph.add(node.name, node.op, &[operands[0], operands[1], bias], &node.shape))
}

fn scaled_conv(graph: &mut Graph, conv: NodeId, scale: &ArrayD<f64>) -> Option<NodeId> {
    let operands = graph.operands(conv);
    let node = graph.node(conv).clone();
    let scale = per_channel(scale, node.shape[1])?;
    let weights = graph.constant(operands[1])?;
    let mut per_output = vec![1; weights.ndim()];
    per_output[0] = node.shape[1];
    let rows = scale.clone().into_shape_with_order(IxDyn(&per_output)).ok()?;
    let weights = combine(weights, &rows, |w, s| w * s)?;
    let bias = match operands.get(2) {
        Some(&bias) => Some(combine(&*graph.behind(bias)?, &scale, |b, s| b * s)?),
        None => None,
    };
    let mut scaled = vec![operands[0], graph.add_constant(node.name.clone(), weights)];
    if let Some(bias) = bias {
        scaled.push(add_broadcast(graph, &node.name, bias, &[node.shape[1]]));
    }
    Some(graph.add(node.name, node.op, &scaled, &node.shape))
}

/// Scales the constant operand, if it has all the labels along which the scale varies.
pub(in crate::graph) fn scaled_einsum(
    graph: &mut Graph,
    einsum: NodeId,
    labels: [&[Label]; 2],
    out: &[Label],
    scale: &ArrayD<f64>,
) -> Option<NodeId> {
    let mut operands = graph.operands(einsum);
    // A weight that something else uses too stays as it is: it is one.
    let side = (0..2).find(|&side| graph.constant(operands[side]).is_some() && graph.uses(operands[side]) == 1)?;
    let weights = graph.constant(operands[side])?;
    let varies = |label: &Label| out.iter().position(|l| l == label).map_or(1, |axis| scale.shape()[axis]);
    if out.iter().any(|label| varies(label) != 1 && !labels[side].contains(label)) {
        return None;
    }
    // Bring the scale's axes into the order of the weights' labels.
    let order: Vec<usize> = labels[side].iter().filter_map(|l| out.iter().position(|o| o == l)).collect();
    let rest: Vec<usize> = (0..out.len()).filter(|axis| !order.contains(axis)).collect();
    let shape: Vec<usize> = labels[side].iter().map(varies).collect();
    let permuted = scale.view().permuted_axes(IxDyn(&[rest, order].concat()));
    let permuted = permuted.as_standard_layout().into_owned().into_shape_with_order(IxDyn(&shape)).ok()?;
    let weights = combine(weights, &permuted, |w, s| w * s)?;
    let node = graph.node(einsum).clone();
    operands[side] = graph.add_constant(node.name.clone(), weights);
    Some(graph.add(node.name, node.op, &operands, &node.shape))
}
