//! Operators that only move entries.

use tract_onnx::prelude::{IntoTValue, Tensor, tvec};
use tract_onnx::tract_core::internal::{AxisOp, DimLike, EvalContext, TDim, ToDim};
use tract_onnx::tract_core::ops::array::{Gather, Pad, PadMode, Slice, StridedSlice, Tile, TypedConcat};
use tract_onnx::tract_core::ops::downsample::Downsample;

use crate::graph::{NodeId, Op};
use crate::import::translate::{Refusal, Site, Translator, to_array, to_integers};

/// Anything that keeps the entries in row-major order.
pub(in crate::import) fn reshape(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let x = t.operand(site, 0)?;
    Ok(t.reshape(site, x, &site.shape))
}

/// One axis moved to another place.
pub(in crate::import) fn move_axis(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let AxisOp::Move(from, to) = *site.op::<AxisOp>()? else { return Err("expected a move of one axis".to_owned()) };
    let mut perm: Vec<usize> = (0..site.shape.len()).collect();
    let axis = perm.remove(from);
    perm.insert(to, axis);
    let x = t.operand(site, 0)?;
    t.add(site, Op::Transpose(perm), &[x])
}

/// Concatenation.
pub(in crate::import) fn concat(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let axis = site.op::<TypedConcat>()?.axis;
    let operands = (0..site.node.inputs.len()).map(|i| t.operand(site, i)).collect::<Result<Vec<_>, _>>()?;
    t.add(site, Op::Concat { axis }, &operands)
}

/// A range of one axis.
pub(in crate::import) fn slice(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<Slice>()?;
    let (start, end) = (extent(&op.start)?, extent(&op.end)?);
    let x = t.operand(site, 0)?;
    t.add(site, Op::Slice { axis: op.axis, start, end, step: 1 }, &[x])
}

/// Every `stride`-th entry of one axis.
pub(in crate::import) fn downsample(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<Downsample>()?;
    let step = usize::try_from(op.stride).map_err(|_| "a negative stride is not supported here")?;
    let x = t.operand(site, 0)?;
    let end = t.operand_shape(site, 0)?[op.axis];
    t.add(site, Op::Slice { axis: op.axis, start: op.modulo, end, step }, &[x])
}

/// Ranges with steps, which may be negative, over several axes.
pub(in crate::import) fn strided_slice(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<StridedSlice>()?;
    let x_shape = t.operand_shape(site, 0)?;
    let constant = "only constant bounds are supported";
    let begin: &Tensor = t.known(site, 1).ok_or(constant)?;
    let end: &Tensor = t.known(site, 2).ok_or(constant)?;
    let integers = |input: Option<usize>| -> Result<Option<Vec<i64>>, Refusal> {
        input.map(|index| to_integers(t.known(site, index).ok_or(constant)?)).transpose()
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
        let whole = *x_shape.get(axis).ok_or("an axis is out of range")?;
        let dim = op.prepare_one_dim(index, &whole.to_dim(), begin, end, &steps).map_err(|e| e.to_string())?;
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
fn range(axis: usize, whole: usize, first: i64, last: i64, step: i64) -> Result<Option<Op>, Refusal> {
    let bound = |value: i64| usize::try_from(value).map_err(|_| format!("the bound {value} is out of range"));
    if step > 0 {
        let (start, end) = (bound(first)?.min(whole), bound(last)?.min(whole));
        let step = bound(step)?;
        let all = (start, end, step) == (0, whole, 1);
        return Ok((!all).then_some(Op::Slice { axis, start, end: end.max(start), step }));
    }
    let stride = bound(-step)?;
    let count = usize::try_from((first - last).max(0)).unwrap_or(0).div_ceil(stride.max(1));
    let first = bound(first)?;
    let indices = (0..count).map(|i| first.saturating_sub(i * stride)).collect();
    Ok(Some(Op::Take { axis, indices }))
}

/// A frame: of a constant, or of entries of the operand.
pub(in crate::import) fn pad(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<Pad>()?;
    let mut x = t.operand(site, 0)?;
    if let PadMode::Constant(value) = &op.mode {
        let value = to_array(value)?.first().copied().ok_or("the padding has no value")?;
        let (begin, end) = op.pads.iter().copied().unzip();
        return t.add(site, Op::Pad { begin, end, value }, &[x]);
    }
    let shape = t.operand_shape(site, 0)?;
    for (axis, &(begin, end)) in op.pads.iter().enumerate().filter(|(_, pads)| **pads != (0, 0)) {
        let last = shape[axis] as i64 - 1;
        let inside = |position: i64| match op.mode {
            PadMode::Edge => position.clamp(0, last),
            _ if position < 0 => -position,
            _ if position > last => 2 * last - position,
            _ => position,
        };
        let positions = -(begin as i64)..=last + end as i64;
        let indices = positions.map(|p| usize::try_from(inside(p)).map_err(|_| "the padding is too wide"));
        let indices = indices.collect::<Result<Vec<_>, _>>()?;
        x = t.add(site, Op::Take { axis, indices }, &[x])?;
    }
    Ok(x)
}

/// Repetition of axes of extent 1.
pub(in crate::import) fn broadcast(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let x = t.operand(site, 0)?;
    Ok(t.broadcast(site, x, &site.shape))
}

/// Repetition of whole axes.
pub(in crate::import) fn tile(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let repeats = site.op::<Tile>()?.multipliers.iter().map(extent).collect::<Result<Vec<_>, _>>()?;
    let shape = t.operand_shape(site, 0)?;
    let mut x = t.operand(site, 0)?;
    for (axis, &count) in repeats.iter().enumerate().filter(|(_, count)| **count != 1) {
        let indices = (0..shape[axis] * count).map(|i| i % shape[axis]).collect();
        x = t.add(site, Op::Take { axis, indices }, &[x])?;
    }
    Ok(x)
}

/// Entries by constant index.
pub(in crate::import) fn gather(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let axis = site.op::<Gather>()?.axis;
    let indices = t.known(site, 1).ok_or("indices that depend on inputs are not supported, only constant ones")?;
    let extent = *t.operand_shape(site, 0)?.get(axis).ok_or("the axis is out of range")?;
    let wrap = |index: i64| usize::try_from(if index < 0 { index + extent as i64 } else { index });
    let indices = to_integers(indices)?.into_iter().map(wrap).collect::<Result<Vec<_>, _>>();
    let indices = indices.map_err(|_| "an index is out of range")?;
    let x = t.operand(site, 0)?;
    let taken = t.add(site, Op::Take { axis, indices }, &[x])?;
    Ok(t.reshape(site, taken, &site.shape))
}

/// The operand itself.
pub(in crate::import) fn identity(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    t.operand(site, 0)
}

/// Dropout in inference; tract's operator refuses to be evaluated in training.
pub(in crate::import) fn dropout(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let shape = t.operand_shape(site, 0)?;
    let probe = Tensor::zero_dt(t.operand_type(site, 0)?, &shape).map_err(|e| e.to_string())?;
    let mut operands = tvec![probe.into_tvalue()];
    for index in 1..site.node.inputs.len() {
        let operand = t.known(site, index).ok_or("the ratio and the mode of a dropout must be constants")?;
        operands.push(operand.clone().into_tvalue());
    }
    site.node.op.eval(&EvalContext::out_of_plan(), operands).map_err(|e| e.to_string())?;
    t.operand(site, 0)
}

fn integer(dim: &TDim) -> Result<i64, Refusal> {
    dim.to_i64().map_err(|_| format!("the bound {dim} is not fixed"))
}

fn extent(dim: &TDim) -> Result<usize, Refusal> {
    dim.to_usize().map_err(|_| format!("the bound {dim} is not fixed"))
}
