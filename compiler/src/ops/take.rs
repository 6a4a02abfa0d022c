//! Entries of one axis by constant index (docs/lowerings.md, section 10).

use ndarray::{ArrayD, Axis};
use tract_onnx::tract_core::ops::array::{Gather, Tile, Trilu};
use zktorch_blocks::program::{AxisGroup, GroupMap};

use super::Pad;
use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one, require, with_axes};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator, extent, to_integers};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports =
    &[Import::Named("Gather", gather), Import::Named("Tile", tile), Import::Named("Trilu", triangle)];

/// Entries of one axis by constant index: `out[.., i, ..] = x[.., indices[i], ..]`. Also flips and repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// Along this axis.
    pub axis: usize,
    /// Below the axis' extent.
    pub indices: Vec<usize>,
}

/// Entries by constant index.
fn gather(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let axis = site.op::<Gather>()?.axis;
    let Some(indices) = t.known(site, 1) else { return super::gather::import(t, site, axis) };
    let extent = *t.operand_shape(site, 0)?.get(axis).ok_or(import::Refusal::OutOfRange("the axis"))?;
    let wrap = |index: i64| usize::try_from(if index < 0 { index + extent as i64 } else { index });
    let indices = to_integers(indices)?.into_iter().map(wrap).collect::<Result<Vec<_>, _>>();
    let indices = indices.map_err(|_| import::Refusal::OutOfRange("an index"))?;
    let x = t.operand(site, 0)?;
    let taken = t.add(site, Take { axis, indices }, &[x])?;
    Ok(t.reshape(site, taken, &site.shape))
}

/// Repetition of whole axes.
fn tile(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let repeats = site.op::<Tile>()?.multipliers.iter().map(extent).collect::<Result<Vec<_>, _>>()?;
    let shape = t.operand_shape(site, 0)?;
    let mut x = t.operand(site, 0)?;
    for (axis, &count) in repeats.iter().enumerate().filter(|(_, count)| **count != 1) {
        let indices = (0..shape[axis] * count).map(|i| i % shape[axis]).collect();
        x = t.add(site, Take { axis, indices }, &[x])?;
    }
    Ok(x)
}

/// The entries on one side of a diagonal, and 0 on the other: those of rows with a 0 behind the last.
fn triangle(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let upper = site.op::<Trilu>()?.upper;
    let diagonal = t.known(site, 1).ok_or(import::Refusal::Variable("only a constant diagonal is supported"))?;
    let diagonal = *to_integers(diagonal)?.first().ok_or(import::Refusal::Missing("the diagonal has no value"))?;
    let x = t.operand(site, 0)?;
    let (outer, [rows, columns]) = match site.shape.split_last_chunk::<2>() {
        Some((outer, last)) => (outer.iter().product(), *last),
        None => return Err(import::Refusal::OutOfRange("an axis")),
    };
    let kept = |place: usize| {
        let beyond = (place % columns) as i64 - (place / columns) as i64;
        if upper { beyond >= diagonal } else { beyond <= diagonal }
    };
    let indices = (0..rows * columns).map(|place| if kept(place) { place } else { rows * columns }).collect();
    let flat = t.reshape(site, x, &[outer, rows * columns]);
    let ended = t.add(site, Pad { begin: vec![0; 2], end: vec![0, 1], value: 0.0 }, &[flat])?;
    let taken = t.add(site, Take { axis: 1, indices }, &[ended])?;
    Ok(t.reshape(site, taken, &site.shape))
}

impl Operator for Take {
    fn name(&self) -> &'static str {
        "Take"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let mut shape = with_axes(one(operands)?, &[self.axis])?;
        let extent = shape[self.axis];
        require(self.indices.iter().all(|&i| i < extent), || Misfit::Index { extent })?;
        shape[self.axis] = self.indices.len();
        Ok(Some(shape))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| x.select(Axis(self.axis), &self.indices))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let list = self.indices.iter().map(|&i| u32::try_from(i).ok()).collect();
        let rank = at.graph.shape(id).len();
        let mut groups: Vec<AxisGroup> = (0..rank).map(|a| pass(a, a)).collect();
        groups[self.axis].map = GroupMap::List(list);
        at.layout(id, groups)
    }
}
