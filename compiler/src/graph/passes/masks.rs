//! Masks of attention: what keeps scores in front of a softmax from ever having weight, whether it is known or depends on inputs.
//!
//! Exporters write a mask as a sum with -inf, with the smallest float, with -1e9 or -1e4, or as a choice between scores and such a number. What
//! it does is the same: the entry has no weight, whatever its score is. Taken as a number it would cost all precision of the scores.

mod bits;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ndarray::{ArrayD, Axis, Zip};

use super::super::{Graph, NodeId};
use super::constants::{add_broadcast, combine, uniform};
use crate::ops::{Add, Connective, Logic, MaskedSoftmax, Op, Select, Softmax, Unary};
use bits::Found;

/// An entry that is lowered by less may be meant to have weight: biases by distance reach some hundreds.
const LEAST: f64 = 1000.0;

/// Makes softmaxes of masked scores take the mask as an operand. A softmax with several masks takes what all of them keep.
pub fn find_masks(graph: &mut Graph) -> bool {
    let mut changed = false;
    let mut found_bits = Found::default();
    for id in graph.order() {
        let (axes, gap, before) = match graph.op(id).clone() {
            Op::Softmax(Softmax { axes }) => (axes, f64::INFINITY, None),
            Op::MaskedSoftmax(MaskedSoftmax { axes, gap }) => (axes, gap, graph.operands(id).get(1).copied()),
            _ => continue,
        };
        let Some(&scores) = graph.operands(id).first() else { continue };
        if graph.uses(id) == 0 || graph.uses(scores) > 1 {
            continue;
        }
        let found = match graph.op(scores) {
            Op::Add(Add) => added(graph, scores, &axes).or_else(|| added_bits(graph, scores, &axes, &mut found_bits)),
            Op::Select(Select) => selected(graph, scores, &axes),
            _ => None,
        };
        if let Some(Masked { scores, mask, gap: by }) = found {
            let node = graph.node(id).clone();
            let mask = joined(graph, &format!("{}.mask", node.name), before, mask, &node.shape, &mut found_bits);
            let softmax = MaskedSoftmax { axes, gap: gap.min(by) };
            let masked = graph.add(node.name, softmax, &[scores, mask], &node.shape);
            graph.replace(id, masked);
            changed = true;
        }
    }
    changed
}

/// Scores, 1 for the entries that count, and by how much the others are lowered at least.
struct Masked {
    scores: NodeId,
    mask: Mask,
    gap: f64,
}

/// What keeps an entry: a constant, or a node whose entries are this bit.
enum Mask {
    Constant(ArrayD<f64>),
    Bits(NodeId, bool),
}

/// The node of a mask, which may have extents 1; together with another mask it keeps what both do.
fn joined(graph: &mut Graph, name: &str, before: Option<NodeId>, mask: Mask, shape: &[usize], found: &mut Found) -> NodeId {
    let mask = match (mask, before.and_then(|before| graph.behind(before))) {
        (Mask::Constant(mask), Some(before)) => {
            return match combine(&mask, &before, |a, b| a * b) {
                Some(both) => add_broadcast(graph, name, both, shape),
                None => add_broadcast(graph, name, mask, shape),
            };
        }
        (Mask::Constant(mask), None) if before.is_none() => return add_broadcast(graph, name, mask, shape),
        (Mask::Constant(mask), None) => found.constant(graph, name, mask),
        (Mask::Bits(bits, kept_if), _) => found.kept(graph, bits, kept_if),
    };
    let Some(before) = before else { return mask };
    let before = match graph.behind(before) {
        Some(known) => found.constant(graph, name, known.as_ref().clone()),
        None => before,
    };
    found.both(graph, name, before, mask)
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
    Some(Masked { scores, mask: Mask::Constant(mask), gap })
}

/// `x + v`, where `v` has one of two values by a bit, and these lie far apart.
fn added_bits(graph: &mut Graph, sum: NodeId, axes: &[usize], found: &mut Found) -> Option<Masked> {
    let [a, b] = graph.operands(sum)[..] else { return None };
    [(a, b), (b, a)].into_iter().find_map(|(scores, term)| {
        let bits = found.two_valued(graph, term)?;
        let Some([of_false, of_true]) = bits.uniform() else {
            let (rest, kept_if, gap) = parted(&bits.values, graph.shape(sum), axes)?;
            bits.declare(graph);
            let node = graph.node(sum).clone();
            let rest = add_broadcast(graph, &node.name, rest, &node.shape);
            let scores = graph.add(node.name, Add, &[scores, rest], &node.shape);
            return Some(Masked { scores, mask: Mask::Bits(bits.node, kept_if), gap });
        };
        let gap = (of_true - of_false).abs();
        (gap >= LEAST && of_true.max(of_false).is_finite()).then_some(())?;
        bits.declare(graph);
        // What is added to all that is kept, a softmax does not see.
        Some(Masked { scores, mask: Mask::Bits(bits.node, of_true > of_false), gap })
    })
}

/// Values by entry and bit as a constant to add, which of the bits keeps an entry unless that constant takes it out, and by how much
/// the others are lowered.
fn parted(values: &[ArrayD<f64>; 2], shape: &[usize], axes: &[usize]) -> Option<(ArrayD<f64>, bool, f64)> {
    let wide = |values: &ArrayD<f64>| Some(values.broadcast(shape)?.to_owned());
    let (of_false, of_true) = (wide(&values[0])?, wide(&values[1])?);
    let low = |v: f64| v <= -LEAST;
    let good = |v: &f64| *v < LEAST;
    (of_false.iter().all(good) && of_true.iter().all(good)).then_some(())?;
    let kept_if = of_false.iter().copied().all(low);
    let (kept, out) = if kept_if { (&of_true, &of_false) } else { (&of_false, &of_true) };
    out.iter().copied().all(low).then_some(())?;
    let left = largest_of_rows(&kept.mapv(|v| f64::from(u8::from(!low(v)))), axes);
    left.iter().all(|&left| left == 1.0).then_some(())?;
    let least = kept.iter().copied().filter(|&v| !low(v)).fold(f64::INFINITY, f64::min);
    let gap = kept.iter().chain(out).copied().filter(|&v| low(v)).fold(f64::INFINITY, |gap, v| gap.min(least - v));
    // A power of two, into which biases, which are weights, do not enter. No float is smaller than the smallest.
    let gap = if gap.is_finite() { gap.log2().floor().exp2() } else { gap };
    Some((kept.mapv(|v| v.max(f64::from(f32::MIN))), kept_if, gap))
}

/// `x` or a number far below 0, as a condition says.
fn selected(graph: &Graph, select: NodeId, axes: &[usize]) -> Option<Masked> {
    let [condition, a, b] = graph.operands(select)[..] else { return None };
    let low = |id: NodeId| graph.behind(id).and_then(|c| uniform(&c)).filter(|&v| v <= -LEAST);
    let (scores, low, kept_if) = match (low(a), low(b)) {
        (None, Some(low)) => (a, low, true),
        (Some(low), None) => (b, low, false),
        _ => return None,
    };
    graph.behind(scores).is_none().then_some(())?;
    let Some(known) = graph.behind(condition) else {
        return Some(Masked { scores, mask: Mask::Bits(condition, kept_if), gap: -low });
    };
    let mask = known.mapv(|c| f64::from(u8::from((c != 0.0) == kept_if)));
    // A row of which nothing is left has equal weights, whatever its scores are: no mask.
    let rows = largest_of_rows(&mask, axes);
    let masks = mask.iter().any(|&kept| kept == 0.0) && rows.iter().all(|&kept| kept == 1.0);
    masks.then_some(Masked { scores, mask: Mask::Constant(mask), gap: -low })
}

/// The largest entry of each row along some axes.
fn largest_of_rows(values: &ArrayD<f64>, axes: &[usize]) -> ArrayD<f64> {
    axes.iter().fold(values.clone(), |rows, &axis| {
        rows.fold_axis(Axis(axis), f64::NEG_INFINITY, |a, b| a.max(*b)).insert_axis(Axis(axis))
    })
}
