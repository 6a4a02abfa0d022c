//! Softmaxes that are written as exponentials over their sum.

use super::super::{Graph, NodeId};
use super::{of_unary, repeated};
use crate::ops::{Div, Mul, Op, Reduce, ReduceKind, Softmax, Sub, Unary};

/// Makes one node of every softmax. Taken apart, nothing says that the sum of exponentials is far from 0.
pub fn find_softmaxes(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        if let Some((scores, axes)) = exponentials_over_sum(graph, id) {
            let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
            let softmax = graph.add(name, Softmax { axes }, &[scores], &shape);
            graph.replace(id, softmax);
            changed = true;
        }
    }
    changed
}

/// `x` and the axes of `exp(x - c) / sum exp(x - c)` for any `c` that is the same along the axes, or none.
fn exponentials_over_sum(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<usize>)> {
    let [a, b] = graph.operands(id)[..] else { return None };
    let (e, sum) = match graph.op(id) {
        Op::Div(Div) => (a, repeated(graph, b)),
        Op::Mul(Mul) => [(a, b), (b, a)].into_iter().find_map(|(e, r)| {
            let sum = of_unary(graph, repeated(graph, r), &Unary::Recip)?;
            Some((e, repeated(graph, sum)))
        })?,
        _ => return None,
    };
    let Op::Reduce(Reduce { kind: ReduceKind::Sum, axes }) = graph.op(sum) else { return None };
    if graph.operands(sum)[..] != [e] {
        return None;
    }
    let scores = of_unary(graph, e, &Unary::Exp)?;
    Some((unshifted(graph, scores, axes), axes.clone()))
}

/// What a softmax sees of scores: not what is taken away from a whole row of them.
fn unshifted(graph: &Graph, scores: NodeId, axes: &[usize]) -> NodeId {
    let [x, shift] = graph.operands(scores)[..] else { return scores };
    let of_rows = axes.iter().all(|&axis| graph.shape(repeated(graph, shift))[axis] == 1);
    if matches!(graph.op(scores), Op::Sub(Sub)) && of_rows { x } else { scores }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::super::simplify;
    use super::*;
    use crate::ops::Broadcast;

    /// `exp(x - m) / sum exp(x - m)` along the last axis, where `m` is `x`'s maximum along some axis, with a quotient or a reciprocal.
    fn decomposed(shifted_along: usize, reciprocal: bool) -> Graph {
        let (mut graph, shape) = (Graph::new(), [2, 3]);
        let x = graph.add_input("x", &shape);
        let mut node = |op: Op, operands: &[NodeId]| graph.add_inferred("node", op, operands).expect("shapes fit");
        let m = node(Reduce { kind: ReduceKind::Max, axes: vec![shifted_along] }.into(), &[x]);
        let m = graph.add("node", Broadcast, &[m], &shape);
        let mut node = |op: Op, operands: &[NodeId]| graph.add_inferred("node", op, operands).expect("shapes fit");
        let shifted = node(Sub.into(), &[x, m]);
        let e = node(Unary::Exp.into(), &[shifted]);
        let mut sum = node(Reduce { kind: ReduceKind::Sum, axes: vec![1] }.into(), &[e]);
        if reciprocal {
            sum = node(Unary::Recip.into(), &[sum]);
        }
        let sum = graph.add("node", Broadcast, &[sum], &shape);
        let y = graph.add_inferred("y", if reciprocal { Op::from(Mul) } else { Div.into() }, &[e, sum]).expect("shapes fit");
        graph.add_output("y", y);
        graph
    }

    #[test]
    fn exponentials_over_their_sum_are_a_softmax() {
        let x = ArrayD::from_shape_fn(IxDyn(&[2, 3]), |at| (at[0] * 5 + at[1] * 3 % 4) as f64 * 0.7 - 1.0);
        for (along, reciprocal) in [(1, false), (1, true), (0, false)] {
            let mut graph = decomposed(along, reciprocal);
            let before = graph.evaluate(std::slice::from_ref(&x)).expect("it runs").outputs()[0].clone();
            simplify(&mut graph);
            graph.validate().expect("well formed");
            let softmax = graph.nodes().find(|(_, node)| matches!(node.op, Op::Softmax(_)));
            let scores = graph.operands(softmax.expect("found").0)[0];
            assert_eq!(matches!(graph.op(scores), Op::Input(_)), along == 1, "another shift is seen");
            let after = graph.evaluate(std::slice::from_ref(&x)).expect("it runs").outputs()[0].clone();
            assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-12));
        }
    }
}
