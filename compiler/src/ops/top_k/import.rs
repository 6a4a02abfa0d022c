//! From tract's operators that order entries.

use tract_onnx::tract_core::ops::array::Topk;
use tract_onnx::tract_core::ops::nn::Reduce as TractReduce;

use super::super::{Einsum, Label, Transpose};
use super::{IndexOf, TopK};
use crate::graph::NodeId;
use crate::import::{Refusal, Site, Translator, to_integers};

/// Values and indices.
pub(super) fn top_k(t: &mut Translator<'_>, site: &Site<'_>) -> Result<Vec<NodeId>, Refusal> {
    let &Topk { axis, largest, .. } = site.op::<Topk>()?;
    let x = t.operand(site, 0)?;
    let top = t.known(site, 1).map(|k| to_integers(k)).transpose()?;
    let top =
        top.and_then(|k| usize::try_from(*k.first()?).ok()).ok_or(Refusal::Variable("only a constant k is supported"))?;
    let (x, order) = axis_last(t, site, x, axis)?;
    let z = t.add(site, TopK { top, largest, last: false }, &[x])?;
    let n = t.graph.shape(x).len();
    let values = t.add(site, pick(n), &[z, x])?;
    let indices = t.add(site, IndexOf, &[z])?;
    [values, indices].into_iter().map(|id| restored(t, site, id, &order)).collect()
}

/// The index of the largest or smallest entry along an axis, which stays with extent 1.
pub(in crate::ops) fn arg(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    op: &TractReduce,
    (largest, last): (bool, bool),
) -> Result<NodeId, Refusal> {
    let &[axis] = &op.axes[..] else { return Err(Refusal::Form("only one axis is supported")) };
    let x = t.operand(site, 0)?;
    let (x, order) = axis_last(t, site, x, axis)?;
    let z = t.add(site, TopK { top: 1, largest, last }, &[x])?;
    let index = t.add(site, IndexOf, &[z])?;
    restored(t, site, index, &order)
}

/// A node with an axis as the last, and the order that undoes it.
pub(in crate::ops) fn axis_last(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    x: NodeId,
    axis: usize,
) -> Result<(NodeId, Vec<usize>), Refusal> {
    let rank = t.graph.shape(x).len();
    let order: Vec<usize> = (0..rank).filter(|&a| a != axis).chain([axis]).collect();
    let back = (0..rank).map(|axis| order.iter().position(|&a| a == axis).unwrap_or(axis)).collect();
    let moved = if axis + 1 == rank { x } else { t.add(site, Transpose(order), &[x])? };
    Ok((moved, back))
}

pub(in crate::ops) fn restored(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    x: NodeId,
    order: &[usize],
) -> Result<NodeId, Refusal> {
    if order.is_sorted() { Ok(x) } else { t.add(site, Transpose(order.to_vec()), &[x]) }
}

/// `sum_e z[.., r, e] x[.., e]` for rank `n`.
pub(in crate::ops) fn pick(n: usize) -> Einsum {
    let rows = Label::of(0..n - 1);
    let of = |axes: &[usize]| rows.iter().copied().chain(Label::of(axes.iter().copied())).collect();
    Einsum { lhs: of(&[n - 1, n]), rhs: of(&[n]), out: of(&[n - 1]) }
}
