//! From tract's operators that order entries, and those that use indices which come of it.

use tract_onnx::prelude::{DatumType, Tensor};
use tract_onnx::tract_core::ops::array::{GatherElements, OneHot, ScatterElements, ScatterReduction, Topk};
use tract_onnx::tract_core::ops::nn::Reduce as TractReduce;

use super::super::{Add, Einsum, Label, Op, Reshape, Transpose, Unary};
use super::{IndexOf, TopK};
use crate::graph::{Graph, NodeId};
use crate::import::{Refusal, Site, Translator, to_array, to_integers};

const FOREIGN: Refusal = Refusal::Form("only indices that a TopK, ArgMax or ArgMin along the same axis made are supported");
const LAST: Refusal = Refusal::Form("only along the last axis with indices that depend on inputs");

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
fn axis_last(t: &mut Translator<'_>, site: &Site<'_>, x: NodeId, axis: usize) -> Result<(NodeId, Vec<usize>), Refusal> {
    let rank = t.graph.shape(x).len();
    let order: Vec<usize> = (0..rank).filter(|&a| a != axis).chain([axis]).collect();
    let back = (0..rank).map(|axis| order.iter().position(|&a| a == axis).unwrap_or(axis)).collect();
    let moved = if axis + 1 == rank { x } else { t.add(site, Transpose(order), &[x])? };
    Ok((moved, back))
}

fn restored(t: &mut Translator<'_>, site: &Site<'_>, x: NodeId, order: &[usize]) -> Result<NodeId, Refusal> {
    if order.is_sorted() { Ok(x) } else { t.add(site, Transpose(order.to_vec()), &[x]) }
}

/// `sum_e z[.., r, e] x[.., e]` for rank `n`.
fn pick(n: usize) -> Einsum {
    let rows = Label::of(0..n - 1);
    let of = |axes: &[usize]| rows.iter().copied().chain(Label::of(axes.iter().copied())).collect();
    Einsum { lhs: of(&[n - 1, n]), rhs: of(&[n]), out: of(&[n - 1]) }
}

/// Entries at indices along the last axis.
pub(super) fn gather_elements(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let axis = site.op::<GatherElements>()?.axis;
    let (x, indices) = (t.operand(site, 0)?, t.operand(site, 1)?);
    let z = marks(t, site, indices)?;
    let shape = t.graph.shape(x).to_vec();
    fits(t, z, &shape, axis)?;
    t.add(site, pick(shape.len()), &[z, x])
}

/// Entries at indices along the last axis, and 0 elsewhere, or what there is and these added.
pub(super) fn scatter_elements(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let ScatterElements { axis, reduction } = site.op::<ScatterElements>()?.clone();
    let (indices, updates) = (t.operand(site, 1)?, t.operand(site, 2)?);
    let (z, shape) = (marks(t, site, indices)?, site.shape.clone());
    fits(t, z, &shape, axis)?;
    let empty = t.uniform(site, 0) == Some(0.0);
    // Of places of one order no two are the same entry.
    let distinct = places(&t.graph, z) == Some(t.graph.shape(indices)[axis]);
    match reduction {
        ScatterReduction::Add => {}
        ScatterReduction::None if empty && distinct => {}
        _ => return Err(Refusal::Form("only sums, and distinct entries of zeros, are supported")),
    }
    let Einsum { lhs, rhs, out } = pick(shape.len());
    let placed = t.add(site, Einsum { lhs, rhs: out, out: rhs }, &[z, updates])?;
    if empty {
        return Ok(placed);
    }
    let data = t.operand(site, 0)?;
    t.add(site, Add, &[data, placed])
}

/// Bits of indices.
pub(super) fn one_hot(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let OneHot { axis, dim, off, on } = site.op::<OneHot>()?.clone();
    let indices = t.operand(site, 0)?;
    let z = marks(t, site, indices)?;
    let value = |tensor: &Tensor| Ok::<_, Refusal>(to_array(tensor)?.first().copied());
    if value(&off)? != Some(0.0) || value(&on)? != Some(1.0) {
        return Err(Refusal::Form("only 0 and 1 are supported"));
    }
    let shape = t.graph.shape(z);
    if axis + 1 != shape.len() || shape[axis] != dim {
        return Err(LAST);
    }
    match on.datum_type() {
        DatumType::Bool => Ok(z),
        kind if kind.is_integer() => t.add(site, Unary::Wrap { lo: 0, hi: 1 }, &[z]),
        _ => t.add(site, Unary::ToReal, &[z]),
    }
}

/// The bits behind indices, with the indices' own axes and that of the entries.
fn marks(t: &mut Translator<'_>, site: &Site<'_>, indices: NodeId) -> Result<NodeId, Refusal> {
    let mut id = indices;
    while let Op::Reshape(Reshape) | Op::Unary(Unary::ToReal | Unary::Trunc | Unary::Wrap { .. }) = t.graph.op(id) {
        id = *t.graph.operands(id).first().ok_or(FOREIGN)?;
    }
    let (Op::IndexOf(IndexOf), Some(&z)) = (t.graph.op(id), t.graph.operands(id).first()) else { return Err(FOREIGN) };
    let extent = t.graph.shape(z).last().copied().ok_or(FOREIGN)?;
    let shape = [t.graph.shape(indices), &[extent]].concat();
    Ok(t.reshape(site, z, &shape))
}

/// How many places of one order there are behind bits.
fn places(graph: &Graph, z: NodeId) -> Option<usize> {
    match graph.op(z) {
        Op::TopK(TopK { top, .. }) => Some(*top),
        Op::Reshape(Reshape) => places(graph, *graph.operands(z).first()?),
        _ => None,
    }
}

/// Whether bits are of the entries of rows of this shape.
fn fits(t: &Translator<'_>, z: NodeId, shape: &[usize], axis: usize) -> Result<(), Refusal> {
    let bits = t.graph.shape(z);
    let rank = shape.len();
    let same = bits.len() == rank + 1 && bits[..rank - 1] == shape[..rank - 1] && bits[rank] == shape[rank - 1];
    if axis + 1 == rank && same { Ok(()) } else { Err(LAST) }
}
