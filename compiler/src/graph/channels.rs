//! Channels between two products with weights: powers of two that bring them to one size, taken from the weights behind them and put into those
//! before.
//!
//! The entries of a tensor share a scale, so that a channel whose weights are a hundredth of others' has seven bits less. What lies between two
//! products and commutes with positive factors leaves the model what it is when one is multiplied and the other divided. Only weights
//! change, so that the program is that of the same architecture.

use ndarray::{ArrayD, IxDyn};

use super::passes::uniform;
use super::{Graph, NodeId};
use crate::ops::{Add, Broadcast, Constant, Conv, Einsum, Mul, Op, PRelu, Unary};

/// Nodes between two products.
const FARTHEST: usize = 16;

/// A tensor between two products.
pub(crate) struct Channels {
    /// The nodes whose channels are scaled.
    pub nodes: Vec<NodeId>,
    /// Their axis of channels.
    pub axis: usize,
    /// Constants that are multiplied with the powers, and along which axis.
    before: Vec<(NodeId, usize)>,
    /// The one that is divided by them.
    behind: (NodeId, usize),
}

/// All tensors of a graph whose channels can be scaled.
pub(crate) fn channels(graph: &Graph) -> Vec<Channels> {
    graph.order().into_iter().filter_map(|id| found(graph, id)).collect()
}

impl Channels {
    /// Multiplies channels by powers of two.
    pub fn scale(&self, graph: &mut Graph, exponents: &[i32]) {
        let behind: Vec<i32> = exponents.iter().map(|e| -e).collect();
        self.before.iter().for_each(|&(constant, axis)| shift(graph, constant, axis, exponents));
        shift(graph, self.behind.0, self.behind.1, &behind);
    }
}

fn shift(graph: &mut Graph, constant: NodeId, axis: usize, exponents: &[i32]) {
    let Some(value) = graph.constant(constant) else { return };
    let mut shape = vec![1; value.ndim()];
    shape[axis] = exponents.len();
    let powers = ArrayD::from_shape_fn(IxDyn(&shape), |at| f64::from(exponents[at[axis]]).exp2());
    graph.set_constant(constant, &**value * &powers);
}

/// The tensor that begins with a product with weights.
fn found(graph: &Graph, id: NodeId) -> Option<Channels> {
    let operands = graph.operands(id);
    let (axis, mut before) = match (graph.op(id), &operands[..]) {
        (Op::Conv(_), [_, weights, bias @ ..]) => {
            let mut before = vec![(weight(graph, *weights)?, 0)];
            if let [bias] = bias {
                before.push((weight(graph, *bias)?, 0));
            }
            (1, before)
        }
        (Op::Einsum(Einsum { lhs, rhs, out }), &[a, b]) => {
            let (constant, own, other) = if graph.constant(b).is_some() { (b, rhs, lhs) } else { (a, lhs, rhs) };
            let constant = weight(graph, constant)?;
            let mut made = own.iter().filter(|label| out.contains(label) && !other.contains(label));
            let (label, None) = (made.next()?, made.next()) else { return None };
            let at = |labels: &[_]| labels.iter().position(|l| l == label);
            (at(out)?, vec![(constant, at(own)?)])
        }
        _ => return None,
    };
    let (mut current, mut nodes) = (id, Vec::new());
    for _ in 0..FARTHEST {
        let ([(user, position)], false) = (&graph.users(current)[..], graph.outputs().contains(&current)) else {
            return None;
        };
        let (user, operands) = (*user, graph.operands(*user));
        let beside = || operands.get(1 - position.min(&1)).copied();
        match graph.op(user) {
            Op::Add(Add) => before.push(aligned(graph, beside()?, user, axis)?),
            Op::Mul(Mul) => {
                nodes.push(current);
                return Some(Channels { nodes, axis, before, behind: aligned(graph, beside()?, user, axis)? });
            }
            Op::Unary(Unary::Relu | Unary::LeakyRelu(_) | Unary::Abs) => nodes.push(current),
            Op::PRelu(PRelu) if *position == 0 && graph.behind(operands[1]).is_some() => nodes.push(current),
            Op::MaxPool(_) | Op::AveragePool(_) if axis == 1 => nodes.push(current),
            Op::Conv(Conv { groups, .. }) if *position == 0 && axis == 1 => {
                let weights = weight(graph, operands[1])?;
                let (own, all) = (graph.shape(weights)[1], graph.shape(current)[1]);
                nodes.push(current);
                let place = match (*groups, own) {
                    (1, _) => 1,
                    (groups, 1) if groups == all && graph.shape(weights)[0] == all => 0,
                    _ => return None,
                };
                return Some(Channels { nodes, axis, before, behind: (weights, place) });
            }
            Op::Einsum(Einsum { lhs, rhs, .. }) => {
                let (own, other) = if *position == 0 { (lhs, rhs) } else { (rhs, lhs) };
                let constant = weight(graph, beside()?)?;
                let place = other.iter().position(|label| *label == own[axis])?;
                nodes.push(current);
                return Some(Channels { nodes, axis, before, behind: (constant, place) });
            }
            _ => return None,
        }
        current = user;
    }
    None
}

/// A constant that is a weight and used once, or zeros. One number for all entries is public, and must stay so.
fn weight(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let value = graph.constant(id)?;
    let scales = uniform(value).is_none_or(|number| number == 0.0);
    (matches!(graph.op(id), Op::Constant(Constant(_))) && scales && graph.uses(id) == 1).then_some(id)
}

/// A weight that is added to a node or multiplied with it, and which of its axes is that of the node.
fn aligned(graph: &Graph, id: NodeId, user: NodeId, axis: usize) -> Option<(NodeId, usize)> {
    let id = match graph.op(id) {
        Op::Broadcast(Broadcast) if graph.uses(id) == 1 => *graph.operands(id).first()?,
        _ => id,
    };
    let (constant, shape) = (weight(graph, id)?, graph.shape(user));
    let own = axis.checked_sub(shape.len() - graph.shape(constant).len())?;
    (graph.shape(constant)[own] == shape[axis]).then_some((constant, own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Label, Window};

    fn values(shape: &[usize], seed: usize) -> ArrayD<f64> {
        let mut next = seed;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            next = next * 7919 % 1009 + 1;
            (next % 17) as f64 - 8.5
        })
    }

    #[test]
    fn weights_change_and_the_model_does_not() {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 2, 4, 4]);
        let w = g.add_constant("w", values(&[3, 2, 3, 3], 3));
        let b = g.add_constant("b", values(&[3], 5));
        let y = g.add_inferred("conv", Conv { window: Window::dense(&[3, 3]), groups: 1 }, &[x, w, b]).unwrap();
        let y = g.add_inferred("relu", Unary::Relu, &[y]).unwrap();
        let w = g.add_constant("v", values(&[3, 1, 2, 2], 7));
        let y = g.add_inferred("depthwise", Conv { window: Window::dense(&[2, 2]), groups: 3 }, &[y, w]).unwrap();
        let w = g.add_constant("u", values(&[3, 2], 9));
        let lhs = Label::of([0, 1, 2, 3]);
        let einsum = Einsum { rhs: vec![lhs[1], Label(9)], out: vec![lhs[0], Label(9), lhs[2], lhs[3]], lhs };
        let y = g.add_inferred("pointwise", einsum, &[y, w]).unwrap();
        g.add_output("y", y);

        let found = channels(&g);
        assert_eq!(found.len(), 2);
        let mut other = g.clone();
        found[0].scale(&mut other, &[0, 5, 12]);
        found[1].scale(&mut other, &[7, 0, 3]);
        let x = values(&[1, 2, 4, 4], 1);
        let run = |graph: &Graph| graph.evaluate(std::slice::from_ref(&x)).unwrap();
        assert_eq!(run(&g).outputs(), run(&other).outputs());
        let relu = |graph: &Graph| graph.order().into_iter().find(|&id| graph.node(id).name == "relu").unwrap();
        let (small, large) = (run(&g), run(&other));
        let (small, large) = (small.value(relu(&g)).unwrap(), large.value(relu(&other)).unwrap());
        assert!(small.iter().zip(large).zip(0..).all(|((a, b), at)| a * f64::from([0, 5, 12][at / 4]).exp2() == *b));
    }

    #[test]
    fn what_is_public_or_shown_is_left_alone() {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 2]);
        let product = |labels: [usize; 2]| Einsum { lhs: Label::of([0, 1]), rhs: Label::of(labels), out: Label::of([0, 2]) };
        let ones = g.add_constant("ones", ArrayD::from_elem(IxDyn(&[2, 3]), 1.0));
        let y = g.add_inferred("sums", product([1, 2]), &[x, ones]).unwrap();
        let w = g.add_constant("w", values(&[3, 2], 3));
        let y = g.add_inferred("layer", product([1, 2]), &[y, w]).unwrap();
        g.add_output("hidden", y);
        let w = g.add_constant("v", values(&[2, 2], 4));
        let y = g.add_inferred("last", product([1, 2]), &[y, w]).unwrap();
        g.add_output("y", y);
        assert!(channels(&g).is_empty());
    }
}
