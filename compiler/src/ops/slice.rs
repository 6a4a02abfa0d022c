//! Parts of an axis (docs/lowerings.md, section 10).

use ndarray::{ArrayD, Axis, Slice as Cut};
use tract_onnx::prelude::Tensor;
use tract_onnx::tract_core::internal::ToDim;
use tract_onnx::tract_core::ops::array::{Slice as TractSlice, StridedSlice};
use tract_onnx::tract_core::ops::downsample::Downsample;

use super::Op;

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one, require, with_axes};
use super::take::Take;
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator, extent, integer, to_integers};
use crate::lower::{Lowering, Refusal, Value, affine, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports =
    &[Import::Named("Slice", slice), Import::Named("StridedSlice", strided_slice), Import::Named("Downsample", downsample)];

/// Entries `start, start + step, ..` below `end` along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Along this axis.
    pub axis: usize,
    /// First index.
    pub start: usize,
    /// One past the last index.
    pub end: usize,
    /// At least 1.
    pub step: usize,
}

/// A range of one axis.
fn slice(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<TractSlice>()?;
    let (start, end) = (extent(&op.start)?, extent(&op.end)?);
    let x = t.operand(site, 0)?;
    t.add(site, Slice { axis: op.axis, start, end, step: 1 }, &[x])
}

/// Every `stride`-th entry of one axis.
fn downsample(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<Downsample>()?;
    let step = usize::try_from(op.stride).map_err(|_| import::Refusal::Form("a negative stride is not supported here"))?;
    let x = t.operand(site, 0)?;
    let end = t.operand_shape(site, 0)?[op.axis];
    t.add(site, Slice { axis: op.axis, start: op.modulo, end, step }, &[x])
}

/// Ranges with steps, which may be negative, over several axes.
fn strided_slice(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<StridedSlice>()?;
    let x_shape = t.operand_shape(site, 0)?;
    let variable = || import::Refusal::Variable("only constant bounds are supported");
    let begin: &Tensor = t.known(site, 1).ok_or_else(variable)?;
    let end: &Tensor = t.known(site, 2).ok_or_else(variable)?;
    let integers = |input: Option<usize>| -> Result<Option<Vec<i64>>, import::Refusal> {
        input.map(|index| to_integers(t.known(site, index).ok_or_else(variable)?)).transpose()
    };
    let rank = x_shape.len();
    let axes: Vec<usize> = match integers(op.optional_axes_input)? {
        Some(axes) => axes.iter().map(|&a| (if a < 0 { a + rank as i64 } else { a }) as usize).collect(),
        None => (0..rank).collect(),
    };
    let steps: Vec<i32> = match integers(op.optional_steps_input)? {
        Some(steps) => steps.iter().map(|&s| s.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32).collect(),
        None => vec![1; axes.len()],
    };
    let mut views = Vec::new();
    for (index, &axis) in axes.iter().enumerate() {
        let whole = *x_shape.get(axis).ok_or(import::Refusal::OutOfRange("an axis"))?;
        let dim = op.prepare_one_dim(index, &whole.to_dim(), begin, end, &steps).map_err(import::Failure::from)?;
        let (first, last) = (integer(&dim.begin)?, integer(&dim.end)?);
        views.push(range(axis, whole, first, last, i64::from(dim.stride))?);
    }
    let mut x = t.operand(site, 0)?;
    for view in views.into_iter().flatten() {
        x = t.add(site, view, &[x])?;
    }
    Ok(t.reshape(site, x, &site.shape))
}

/// Entries `first, first + step, ..` before `last` of an axis; nothing to do for all of them.
fn range(axis: usize, whole: usize, first: i64, last: i64, step: i64) -> Result<Option<Op>, import::Refusal> {
    let bound = |value: i64| usize::try_from(value).map_err(|_| import::Refusal::OutOfRange("a bound"));
    if step > 0 {
        let (start, end) = (bound(first)?.min(whole), bound(last)?.min(whole));
        let step = bound(step)?;
        let all = (start, end, step) == (0, whole, 1);
        return Ok((!all).then_some(Slice { axis, start, end: end.max(start), step }.into()));
    }
    let stride = bound(-step)?;
    let count = usize::try_from((first - last).max(0)).unwrap_or(0).div_ceil(stride.max(1));
    let first = bound(first)?;
    let indices = (0..count).map(|i| first.saturating_sub(i * stride)).collect();
    Ok(Some(Take { axis, indices }.into()))
}

impl Operator for Slice {
    fn name(&self) -> &'static str {
        "Slice"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let Self { axis, start, end, step } = *self;
        let x = one(operands)?;
        let mut shape = with_axes(x, &[axis])?;
        let fits = step > 0 && start <= end && end <= x[axis];
        require(fits, || Misfit::Range { bounds: [start, end], step, axis, shape: x.to_vec() })?;
        shape[axis] = (end - start).div_ceil(step);
        Ok(Some(shape))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let cut = Cut::new(self.start as isize, Some(self.end as isize), self.step as isize);
        operands.first().map_or_else(empty, |x| x.slice_axis(Axis(self.axis), cut).to_owned())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let rank = at.graph.shape(id).len();
        let cut = |a| if a == self.axis { affine(a, a, self.step as i64, self.start as i64) } else { pass(a, a) };
        at.layout(id, (0..rank).map(cut).collect())
    }
}
