//! Entries, or parts, of a tensor by indices of several axes that depend on inputs (docs/lowerings.md, section 24).

use ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::ops::array::{GatherElements, GatherNd as TractGatherNd};
use zktorch_blocks::program::Scale;

use super::index::indices as counted;
use super::mark::marks;
use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::regroup::reshape_groups;
use super::shape::{Misfit, arity, require};
use super::top_k::{axis_last, pick, restored};
use super::{IndexOf, Op, Reshape, Slice, Take};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator, to_integers};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("GatherElements", elements), Import::Named("GatherNd", of_several_axes)];

/// `out[b.., i.., r..] = x[b.., c_0[b.., i..], c_1[b.., i..], .., r..]`: operand 0 has so many axes `b` in common with the indices, which are
/// the other operands, all of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatherNd {
    /// Axes that all operands have.
    pub batch: usize,
}

/// Row-major places of an axis' entries: the sum of all indices times these.
pub(super) fn strides(extents: &[usize]) -> Vec<usize> {
    (0..extents.len()).map(|axis| extents[axis + 1..].iter().product()).collect()
}

/// The indices of known ones, those from the end counted from the beginning.
pub(super) fn known_indices(list: &[i64], extent: usize) -> Result<Vec<usize>, import::Refusal> {
    let wrap = |&index: &i64| usize::try_from(if index < 0 { index + extent as i64 } else { index }).ok();
    let all = list.iter().map(|index| wrap(index).filter(|&index| index < extent)).collect::<Option<_>>();
    all.ok_or(import::Refusal::OutOfRange("an index"))
}

/// Entries at one index each along an axis: along all others there is nothing but a place of its own.
fn elements(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let axis = site.op::<GatherElements>()?.axis;
    let x = t.operand(site, 0)?;
    let (x_shape, shape) = (t.graph.shape(x).to_vec(), site.shape.clone());
    let extent = *x_shape.get(axis).ok_or(import::Refusal::OutOfRange("the axis"))?;
    if let Some(list) = t.known(site, 1) {
        let list = known_indices(&to_integers(list)?, extent)?;
        let (own, steps) = (strides(&shape), strides(&x_shape));
        let place = |(flat, index): (usize, usize)| {
            let on = |a: usize| if a == axis { index } else { flat / own[a] % shape[a] };
            (0..shape.len()).map(|a| on(a) * steps[a]).sum()
        };
        return taken(t, site, x, list.into_iter().enumerate().map(place).collect());
    }
    let mut x = x;
    for other in (0..shape.len()).filter(|&a| a != axis && shape[a] < x_shape[a]) {
        x = t.add(site, Slice { axis: other, start: 0, end: shape[other], step: 1 }, &[x])?;
    }
    let indices = t.operand(site, 1)?;
    let (x, order) = axis_last(t, site, x, axis)?;
    let (indices, _) = axis_last(t, site, indices, axis)?;
    let batch = shape.len() - 1;
    // An order has its bits already.
    let mut behind = indices;
    while let (Op::Reshape(Reshape), Some(&inner)) = (t.graph.op(behind), t.graph.operands(behind).first()) {
        behind = inner;
    }
    let entries = if matches!(t.graph.op(behind), Op::IndexOf(IndexOf)) {
        let z = marks(t, site, indices, extent)?;
        t.add(site, pick(shape.len()), &[z, x])?
    } else {
        let indices = counted(t, site, indices, extent)?;
        t.add(site, GatherNd { batch }, &[x, indices])?
    };
    restored(t, site, entries, &order)
}

/// Parts at indices of several axes, which stand on the indices' last axis.
fn of_several_axes(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let batch = site.op::<TractGatherNd>()?.batch_dims;
    let (x, indices) = (t.operand(site, 0)?, t.operand_shape(site, 1)?);
    let shape = t.graph.shape(x).to_vec();
    let depth = indices.last().copied().unwrap_or(0);
    let fits = depth > 0 && batch < indices.len() && batch + depth <= shape.len() && shape[..batch] == indices[..batch];
    if !fits {
        return Err(import::Refusal::OutOfRange("an axis of the indices"));
    }
    if let Some(list) = t.known(site, 1) {
        let list = to_integers(list)?;
        let steps = strides(&shape[..batch + depth]);
        let places = list.len() / depth / shape[..batch].iter().product::<usize>().max(1);
        let mut parts = Vec::with_capacity(list.len() / depth);
        for (n, index) in list.chunks(depth).enumerate() {
            // All places of one batch stand together.
            let mut part = n / places.max(1) * steps[batch] * shape[batch];
            for (axis, index) in (batch..).zip(index) {
                part += known_indices(&[*index], shape[axis])?[0] * steps[axis];
            }
            parts.push(part);
        }
        return taken_parts(t, site, (x, batch + depth), parts);
    }
    let indices = coordinates(t, site, &shape[batch..batch + depth])?;
    let operands: Vec<NodeId> = std::iter::once(x).chain(indices).collect();
    t.add(site, GatherNd { batch }, &operands)
}

/// The indices of several axes of these extents, which stand on the last axis of operand 1.
pub(super) fn coordinates(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    extents: &[usize],
) -> Result<Vec<NodeId>, import::Refusal> {
    let list = t.operand(site, 1)?;
    let shape = t.graph.shape(list).to_vec();
    let (axis, places) = (shape.len() - 1, &shape[..shape.len() - 1]);
    let mut all = Vec::with_capacity(extents.len());
    for (n, &extent) in extents.iter().enumerate() {
        let one =
            if extents.len() == 1 { list } else { t.add(site, Slice { axis, start: n, end: n + 1, step: 1 }, &[list])? };
        let one = t.reshape(site, one, places);
        all.push(counted(t, site, one, extent)?);
    }
    Ok(all)
}

/// Entries by their row-major places, as the node's result.
fn taken(t: &mut Translator<'_>, site: &Site<'_>, x: NodeId, places: Vec<usize>) -> Result<NodeId, import::Refusal> {
    let rank = t.graph.shape(x).len();
    taken_parts(t, site, (x, rank), places)
}

/// Parts behind so many axes, by their row-major places.
fn taken_parts(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    (x, axes): (NodeId, usize),
    indices: Vec<usize>,
) -> Result<NodeId, import::Refusal> {
    let (outer, rest) = t.graph.shape(x).split_at(axes);
    let flat = [outer.iter().product(), rest.iter().product()];
    let x = t.reshape(site, x, &flat);
    let parts = t.add(site, Take { axis: 0, indices }, &[x])?;
    Ok(t.reshape(site, parts, &site.shape))
}

impl GatherNd {
    /// The shapes of the indices, and of the rest that is taken whole.
    fn parts<'s>(&self, operands: &[&'s [usize]]) -> Result<(&'s [usize], &'s [usize]), Misfit> {
        arity(operands, 2..=usize::MAX)?;
        let (x, indices, axes) = (operands[0], operands[1], self.batch + operands.len() - 1);
        let fits = operands[1..].iter().all(|other| *other == indices)
            && axes <= x.len()
            && self.batch <= indices.len()
            && x[..self.batch] == indices[..self.batch];
        require(fits, || Misfit::Unlike(operands.iter().map(|shape| shape.to_vec()).collect()))?;
        Ok((indices, &x[axes..]))
    }
}

impl Operator for GatherNd {
    fn name(&self) -> &'static str {
        "GatherND"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let (indices, rest) = self.parts(operands)?;
        Ok(Some([indices, rest].concat()))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let [x, indices @ ..] = operands else { return empty() };
        let Some(places) = indices.first() else { return empty() };
        let axes = self.batch + indices.len();
        let (outer, rest) = x.shape().split_at(axes);
        let (steps, width) = (strides(outer), rest.iter().product::<usize>());
        let own = strides(&places.shape()[..self.batch]);
        let many: usize = places.shape()[self.batch..].iter().product();
        let all: Vec<f64> = x.iter().copied().collect();
        let mut entries = Vec::with_capacity(places.len() * width);
        for n in 0..places.len() {
            let on = |axis: usize| n / many.max(1) / own[axis] % outer[axis];
            let batch: usize = (0..self.batch).map(|axis| on(axis) * steps[axis]).sum();
            let index = |(k, list): (usize, &&ArrayD<f64>)| {
                let value = list.iter().nth(n).copied().unwrap_or(0.0).max(0.0) as usize;
                value.min(outer[self.batch + k].saturating_sub(1)) * steps[self.batch + k]
            };
            let part = batch + indices.iter().enumerate().map(index).sum::<usize>();
            entries.extend_from_slice(&all[part * width..(part + 1) * width]);
        }
        ArrayD::from_shape_vec(IxDyn(shape), entries).unwrap_or_else(|_| empty())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    /// Lookups of rows, by the row-major places of all axes that have an index or are common.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, operands) = (at.name(id), at.graph.operands(id));
        let x = at.value(at.operand(id, 0)?)?;
        let part = |suffix: &str| format!("{name}.{suffix}");
        let dims = at.builder.dims(x.tensor).to_vec();
        let (outer, rest) = dims.split_at(self.batch + operands.len() - 1);
        let steps = strides(outer);
        let mut terms = Vec::with_capacity(operands.len());
        for (&index, &step) in operands[1..].iter().zip(&steps[self.batch..]) {
            terms.push((step as i64, at.value(index)?.tensor));
        }
        let places = at.graph.shape(operands[1]).to_vec();
        if self.batch > 0 {
            let batch = &outer[..self.batch];
            let own = strides(batch);
            let place = |n: usize| (0..self.batch).map(|axis| (n / own[axis] % batch[axis] * steps[axis]) as i64).sum();
            let base = at.builder.constant(&part("base"), batch, (0..batch.iter().product()).map(place).collect());
            let axes: Vec<usize> = (0..self.batch).collect();
            terms.push((1, at.broadcast_axes(&part("base.spread"), base, &axes, &places)));
        }
        let list = at.builder.linear(&part("place"), &terms, 0, Scale(0))?;
        let flat = [&[outer.iter().product()], rest].concat();
        let source = match flat == dims {
            true => x.tensor,
            false => at.builder.view(&part("source"), x.tensor, &flat, reshape_groups(&dims, &flat)),
        };
        let tensor = at.builder.rows(&name, source, list);
        Ok(Value { tensor, scale: x.scale, depth: 0 })
    }
}
