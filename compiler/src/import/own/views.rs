//! Entries that are moved, and columns of patches that are added up to an image.

use super::super::refusal::Refusal;
use super::resize::along;
use super::sketch::{LONGEST, Sketch, axis_of};
use crate::graph::NodeId;
use crate::ops::{Pad, Row, Slice, Take};

/// The middle of every axis, or zeros around it.
pub(super) fn center_crop_pad(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let rank = shape.len();
    let axes = s.axes("axes", rank)?.unwrap_or_else(|| (0..rank).collect());
    let wanted = s.numbers(1, "its shape must be a constant")?.unwrap_or_default();
    if wanted.len() != axes.len() {
        return Err(Refusal::Count { what: "extents", got: wanted.len(), expected: axes.len() });
    }
    let mut x = s.operand_node(0)?;
    let (mut begin, mut end) = (vec![0; rank], vec![0; rank]);
    for (axis, wanted) in axes.into_iter().zip(wanted) {
        let wanted = bounded(wanted)?;
        if wanted < shape[axis] {
            let start = (shape[axis] - wanted) / 2;
            x = s.add(Slice { axis, start, end: start + wanted, step: 1 }, &[x])?;
        }
        begin[axis] = wanted.saturating_sub(shape[axis]) / 2;
        end[axis] = wanted.saturating_sub(shape[axis]) - begin[axis];
    }
    if begin.iter().chain(&end).all(|&width| width == 0) {
        return Ok(vec![x]);
    }
    Ok(vec![s.add(Pad { begin, end, value: 0.0 }, &[x])?])
}

/// A frame of what lies at the other end.
pub(super) fn wrap_pad(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    if s.opset < 19 {
        return Err(Refusal::Form("the mode `wrap` exists from operator set 19 on"));
    }
    let shape = s.shape(0)?;
    let pads = s.numbers(1, "its pads must be constants")?.ok_or(Refusal::Missing("its pads are missing"))?;
    let axes = match s.numbers(3, "its axes must be constants")? {
        None => (0..shape.len()).collect(),
        Some(axes) => axes.into_iter().map(|axis| axis_of(axis as i64, shape.len())).collect::<Result<Vec<_>, _>>()?,
    };
    if pads.len() != 2 * axes.len() {
        return Err(Refusal::Count { what: "pads", got: pads.len(), expected: 2 * axes.len() });
    }
    let mut x = s.operand_node(0)?;
    for (n, &axis) in axes.iter().enumerate() {
        let (begin, end) = (bounded(pads[n])?, bounded(pads[n + axes.len()])?);
        let extent = shape[axis];
        if (begin, end) != (0, 0) && extent > 0 {
            let first = extent - begin % extent;
            let indices = (0..begin + extent + end).map(|place| (first + place) % extent).collect();
            x = s.add(Take { axis, indices }, &[x])?;
        }
    }
    Ok(vec![x])
}

/// Patches of an image, each a column, added up where they overlap.
pub(super) fn col2im(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let list = |s: &Sketch<'_>, position, what| -> Result<Vec<usize>, Refusal> {
        let list = s.numbers(position, what)?.unwrap_or_default();
        list.into_iter().map(bounded).collect()
    };
    let image = list(s, 1, "its image's shape must be a constant")?;
    let block = list(s, 2, "its block's shape must be a constant")?;
    let shape = s.shape(0)?;
    let rank = image.len();
    let (strides, dilations) = (s.extents("strides", rank)?, s.extents("dilations", rank)?);
    let pads = s.list("pads", 2 * rank)?.unwrap_or_else(|| vec![0; 2 * rank]);
    // No more of them than the operand has rows.
    let taps = block.iter().try_fold(1usize, |taps, &own| taps.checked_mul(own)).unwrap_or(0);
    if block.len() != rank || shape.len() != 3 || taps == 0 || shape[1] % taps != 0 {
        return Err(Refusal::Shapes(vec![shape, image, block]));
    }
    let places: Vec<i64> = (0..rank)
        .map(|n| {
            let span = (dilations[n] * (block[n] - 1) + 1) as i64;
            (image[n] as i64 + pads[n] + pads[n + rank] - span).div_euclid(strides[n] as i64) + 1
        })
        .collect();
    let all = places.iter().try_fold(1i64, |all, &own| all.checked_mul(own));
    if places.iter().any(|&p| p < 1) || all != i64::try_from(shape[2]).ok() {
        return Err(Refusal::Shapes(vec![shape, image, block]));
    }
    let places: Vec<usize> = places.into_iter().map(|p| p as usize).collect();
    let outer = [shape[0], shape[1] / taps];
    let x = s.operand_node(0)?;
    let x = s.reshape(x, &[&outer, block.as_slice(), &places].concat());
    let pairs: Vec<usize> = (0..rank).flat_map(|n| [2 + n, 2 + rank + n]).collect();
    let x = s.transpose(x, &[&[0, 1], pairs.as_slice()].concat())?;
    let joined: Vec<usize> = block.iter().zip(&places).map(|(taps, places)| taps * places).collect();
    let mut x = s.reshape(x, &[&outer, joined.as_slice()].concat());
    for n in 0..rank {
        let mut rows = vec![Row::new(); image[n]];
        for (tap, place) in (0..block[n]).flat_map(|tap| (0..places[n]).map(move |place| (tap, place))) {
            let index = (place * strides[n] + tap * dilations[n]) as i64 - pads[n];
            if let Some(row) = usize::try_from(index).ok().and_then(|index| rows.get_mut(index)) {
                row.push((tap * places[n] + place, 1.0));
            }
        }
        x = along(s, x, 2 + n, rows)?;
    }
    Ok(vec![x])
}

/// An extent that is not too large.
fn bounded(extent: f64) -> Result<usize, Refusal> {
    if (0.0..=LONGEST as f64).contains(&extent) { Ok(extent as usize) } else { Err(Refusal::OutOfRange("an extent")) }
}
