//! Masks of attention: constants in front of a softmax that keep entries from ever having weight.
//!
//! Exporters write a mask as a sum with -inf, with the smallest float, with -1e9 or -1e4, or as a choice between scores and such a number. What
//! it does is the same: the entry has no weight, whatever its score is. Taken as a number it would cost all precision of the scores.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, Zip};

use super::super::{Graph, NodeId};
use super::constants::{add_broadcast, uniform};
use crate::ops::{Add, MaskedSoftmax, Op, Select, Softmax};

/// An entry that is lowered by less may be meant to have weight: biases by distance reach some hundreds.
const LEAST: f64 = 1000.0;

/// Makes softmaxes of masked scores take the mask as an operand.
pub fn find_masks(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        let Op::Softmax(Softmax { axes }) = graph.op(id).clone() else { continue };
        let Some(&scores) = graph.operands(id).first() else { continue };
        if graph.uses(id) == 0 || graph.uses(scores) > 1 {
            continue;
        }
        let found = match graph.op(scores) {
            Op::Add(Add) => added(graph, scores, &axes),
            Op::Select(Select) => selected(graph, scores, &axes),
            _ => None,
        };
        if let Some(Masked { scores, mask, gap }) = found {
            let node = graph.node(id).clone();
            let mask = add_broadcast(graph, &format!("{}.mask", node.name), mask, &node.shape);
            let masked = graph.add(node.name, MaskedSoftmax { axes, gap }, &[scores, mask], &node.shape);
            graph.replace(id, masked);
            changed = true;
        }
    }
    changed
}

/// Scores, 1 for the entries that count, and by how much the others are lowered at least.
struct Masked {
    scores: NodeId,
    mask: ArrayD<f64>,
    gap: f64,
}

/// `x + c`, where some entries of `c` lie far below the largest of their row.
fn added(graph: &mut Graph, sum: NodeId, axes: &[usize]) -> Option<Masked> {
    let [a, b] = graph.operands(sum)[..] else { return None };
    let (x, c): (NodeId, Arc<ArrayD<f64>>) = match (graph.behind(a), graph.behind(b)) {
        (None, Some(c)) => (a, c),
        (Some(c), None) => (b, c),
        _ => return None,
    };
    let largest = largest_of_rows(&c, axes).broadcast(c.raw_dim())?.to_owned();
    if !largest.iter().all(|v| v.is_finite()) {
        return None;
    }
    let lowered = Zip::from(c.as_ref()).and(&largest).map_collect(|c, largest| largest - c);
    let mask = lowered.mapv(|by| f64::from(u8::from(by < LEAST)));
    let gap = lowered.iter().copied().filter(|&by| by >= LEAST).fold(f64::INFINITY, f64::min);
    if mask.iter().all(|&kept| kept == 1.0) {
        return None;
    }
    // A softmax does not see what is added to a whole row.
    let same = Zip::from(&lowered).and(&mask).all(|&by, &kept| by == 0.0 || kept == 0.0);
    let scores = if same {
        x
    } else {
        let rest =
            Zip::from(c.as_ref()).and(&largest).and(&mask).map_collect(|&c, &l, &kept| if kept == 1.0 { c } else { l });
        let node = graph.node(sum).clone();
        let rest = add_broadcast(graph, &node.name, rest, &node.shape);
        graph.add(node.name, Add, &[x, rest], &node.shape)
    };
    Some(Masked { scores, mask, gap })
}

/// `x` or a number far below 0, as a constant says.
fn selected(graph: &Graph, select: NodeId, axes: &[usize]) -> Option<Masked> {
    let [condition, a, b] = graph.operands(select)[..] else { return None };
    let condition = graph.behind(condition)?;
    let low = |id: NodeId| graph.behind(id).and_then(|c| uniform(&c)).filter(|&v| v <= -LEAST);
    let (scores, low, kept_if) = match (low(a), low(b)) {
        (None, Some(low)) => (a, low, true),
        (Some(low), None) => (b, low, false),
        _ => return None,
    };
    graph.behind(scores).is_none().then_some(())?;
    let mask = condition.mapv(|c| f64::from(u8::from((c != 0.0) == kept_if)));
    // A row of which nothing is left has equal weights, whatever its scores are: no mask.
    let rows = largest_of_rows(&mask, axes);
    let masks = mask.iter().any(|&kept| kept == 0.0) && rows.iter().all(|&kept| kept == 1.0);
    masks.then_some(Masked { scores, mask, gap: -low })
}

/// The largest entry of each row along some axes.
fn largest_of_rows(values: &ArrayD<f64>, axes: &[usize]) -> ArrayD<f64> {
    axes.iter().fold(values.clone(), |rows, &axis| {
        rows.fold_axis(Axis(axis), f64::NEG_INFINITY, |a, b| a.max(*b)).insert_axis(Axis(axis))
    })
}
