//! Samples at places that are computed: `DeformConv` and `RoiAlign`, as sums over all entries of each axis ([`samples`](super::samples)).

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::samples::{affine, less};
use super::sketch::{LONGEST, Sketch};
use crate::graph::NodeId;
use crate::ops::{
    Add, Compare, Comparison, Connective, Einsum, Index, Label, Logic, Mark, Max, Mix, Mul, Pad, Reduce, ReduceKind, Slice,
    Sub, Take, Unary,
};

/// Weights of one axis altogether.
const MOST: usize = 1 << 24;

fn fits(parts: &[usize]) -> Result<(), Refusal> {
    let all = parts.iter().try_fold(1usize, |all, &part| all.checked_mul(part));
    let few = all.is_some_and(|all| all <= MOST);
    if few { Ok(()) } else { Err(Refusal::Form("its samples have more than 2^24 weights along an axis")) }
}

/// One entry of the last axis.
fn last(s: &mut Sketch<'_>, x: NodeId, at: usize) -> Result<NodeId, Refusal> {
    let axis = s.shape_of(x).len() - 1;
    s.add(Slice { axis, start: at, end: at + 1, step: 1 }, &[x])
}

/// `[.., extent]` for places `[.., 1]` along an axis: what every entry weighs, none beyond both ends.
fn weights(s: &mut Sketch<'_>, place: NodeId, extent: usize) -> Result<NodeId, Refusal> {
    let rows: Vec<(f64, f64)> = (0..extent).map(|j| (1.0, -(j as f64))).collect();
    let apart = affine(s, place, &rows)?;
    let apart = s.add(Unary::Abs, &[apart])?;
    less(s, apart)
}

/// A convolution whose taps are read at places that are moved by offsets, and weighed by a mask.
pub(super) fn deform_conv(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let (image, kernel, offsets) = (s.shape(0)?, s.shape(1)?, s.shape(2)?);
    let all = || Refusal::Shapes(vec![image.clone(), kernel.clone(), offsets.clone()]);
    let (&[n, c, h, w], &[outs, ins, kh, kw], &[on, oc, oh, ow]) = (&image[..], &kernel[..], &offsets[..]) else {
        return Err(all());
    };
    let (groups, parts) = (s.integer("group", 1) as usize, s.integer("offset_group", 1) as usize);
    let taps = kh * kw;
    let whole = groups > 0 && parts > 0 && c == ins * groups && outs % groups == 0 && c % parts == 0;
    if !whole || [image.as_slice(), &kernel, &offsets].concat().contains(&0) || on != n || oc != parts * taps * 2 {
        return Err(all());
    }
    if s.list("kernel_shape", 2)?.is_some_and(|stated| stated != [kh as i64, kw as i64]) {
        return Err(Refusal::Form("its kernel has another shape than it states"));
    }
    let (strides, dilations) = (s.extents("strides", 2)?, s.extents("dilations", 2)?);
    let pads = s.list("pads", 4)?.unwrap_or_else(|| vec![0; 4]);
    for (axis, (extent, out, own)) in [(h, oh, kh), (w, ow, kw)].into_iter().enumerate() {
        let room = extent as i64 + pads[axis] + pads[axis + 2] - ((own - 1) * dilations[axis]) as i64 - 1;
        if room < 0 || room / strides[axis] as i64 + 1 != out as i64 {
            return Err(all());
        }
    }
    let places = taps * oh * ow;
    if places > LONGEST {
        return Err(Refusal::Form("it has more than 2^20 taps"));
    }
    fits(&[n, parts, places, h.max(w)])?;
    // [N, parts, taps, 2, places] as [N, parts, taps places, 2].
    let offsets = s.operand_node(2)?;
    let offsets = s.reshape(offsets, &[n, parts, taps, 2, oh * ow]);
    let offsets = s.transpose(offsets, &[0, 1, 2, 4, 3])?;
    let offsets = s.reshape(offsets, &[n, parts, places, 2]);
    let [ln, lg, lc, ly, lx, lp] = [0, 1, 2, 3, 4, 5].map(|label| Label::of([label])[0]);
    let x = s.operand_node(0)?;
    let mut x = s.reshape(x, &[n, parts, c / parts, h, w]);
    for (axis, extent) in [(1, w), (0, h)] {
        let own = last(s, offsets, axis)?;
        // Where a tap is without its offset is a public number, of a one behind all offsets.
        let beside_one = s.add(Pad { begin: vec![0; 4], end: vec![0, 0, 1, 0], value: 1.0 }, &[own])?;
        let rows = (0..places).map(|at| {
            let (tap, place) = (at / (oh * ow), at % (oh * ow));
            let (tap, place) = if axis == 0 { (tap / kw, place / ow) } else { (tap % kw, place % ow) };
            let fixed = (place * strides[axis] + tap * dilations[axis]) as f64 - pads[axis] as f64;
            if fixed == 0.0 { vec![(at, 1.0)] } else { vec![(at, 1.0), (places, fixed)] }
        });
        let rows = Arc::new(rows.collect());
        let place = s.add(Mix { axis: 2, rows }, &[beside_one])?;
        let weights = weights(s, place, extent)?;
        let einsum = match axis {
            1 => Einsum { lhs: vec![ln, lg, lc, ly, lx], rhs: vec![ln, lg, lp, lx], out: vec![ln, lg, lc, ly, lp] },
            _ => Einsum { lhs: vec![ln, lg, lc, ly, lp], rhs: vec![ln, lg, lp, ly], out: vec![ln, lg, lc, lp] },
        };
        x = s.add(einsum, &[x, weights])?;
    }
    if s.has(4) {
        if s.shape(4)? != [n, parts * taps, oh, ow] {
            return Err(Refusal::Shapes(vec![s.shape(4)?]));
        }
        let mask = s.operand_node(4)?;
        let mask = s.reshape(mask, &[n, parts, 1, places]);
        let mask = s.repeat(mask, &[n, parts, c / parts, places]);
        x = s.add(Mul, &[x, mask])?;
    }
    let x = s.reshape(x, &[n, groups, ins, taps, oh * ow]);
    let kernel = s.operand_node(1)?;
    let kernel = s.reshape(kernel, &[groups, outs / groups, ins, taps]);
    let [lo, lt] = [6, 7].map(|label| Label::of([label])[0]);
    let sum = Einsum { lhs: vec![ln, lg, lc, lt, lp], rhs: vec![lg, lo, lc, lt], out: vec![ln, lg, lo, lp] };
    let y = s.add(sum, &[x, kernel])?;
    let mut y = s.reshape(y, &[n, outs, oh, ow]);
    if s.has(3) {
        let bias = s.operand_node(3)?;
        let bias = s.reshape(bias, &[1, outs, 1, 1]);
        let bias = s.repeat(bias, &[n, outs, oh, ow]);
        y = s.add(Add, &[y, bias])?;
    }
    Ok(vec![y])
}

/// Means of samples of regions, of as many samples a bin as the node says.
pub(super) fn roi_align(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let (image, regions) = (s.shape(0)?, s.shape(1)?);
    let (&[n, c, h, w], &[count, 4]) = (&image[..], &regions[..]) else {
        return Err(Refusal::Shapes(vec![image, regions]));
    };
    if image.contains(&0) || count == 0 || s.shape(2)? != [count] {
        return Err(Refusal::Shapes(vec![image, regions]));
    }
    if s.word("mode", "avg") != "avg" {
        return Err(Refusal::Form(
            "the largest of its samples is the largest product of an entry with its weight, which is not supported",
        ));
    }
    let positive =
        |s: &Sketch<'_>, name: &'static str| usize::try_from(s.integer(name, 1)).map_err(|_| Refusal::OutOfRange(name));
    let (bins_h, bins_w) = (positive(s, "output_height")?, positive(s, "output_width")?);
    let samples = usize::try_from(s.integer("sampling_ratio", 0)).unwrap_or(0);
    if samples == 0 {
        return Err(Refusal::Form("how many samples a bin has depends on its region: state `sampling_ratio`"));
    }
    let otherwise = if s.opset < 16 { "output_half_pixel" } else { "half_pixel" };
    let half = s.word("coordinate_transformation_mode", otherwise) == "half_pixel";
    let scale = s.float("spatial_scale", 1.0);
    let (places_h, places_w) = (bins_h * samples, bins_w * samples);
    fits(&[count, places_h.max(places_w), h.max(w)])?;
    fits(&[count, c, h, w])?;
    // The image of each region.
    let x = s.operand_node(0)?;
    let [lr, ln, lc, ly, lx, lp, lq] = [0, 1, 2, 3, 4, 5, 6].map(|label| Label::of([label])[0]);
    let x = match s.numbers(2, "which image each of its regions is of must be a constant, where there are several") {
        Ok(Some(of)) => {
            let indices: Vec<usize> = of.iter().map(|&of| of as usize).collect();
            if indices.iter().any(|&of| of >= n) {
                return Err(Refusal::OutOfRange("the image of a region"));
            }
            s.add(Take { axis: 0, indices }, &[x])?
        }
        Ok(None) => return Err(Refusal::Missing("it does not say which image each of its regions is of")),
        Err(_) => {
            let of = s.operand_node(2)?;
            let index = s.add(Index { extent: n }, &[of])?;
            let marks = s.add(Mark { extent: n }, &[index])?;
            let marks = s.add(Unary::ToReal, &[marks])?;
            s.add(Einsum { lhs: vec![lr, ln], rhs: vec![ln, lc, ly, lx], out: vec![lr, lc, ly, lx] }, &[marks, x])?
        }
    };
    let regions = s.operand_node(1)?;
    let mut x = x;
    for (axis, extent, bins) in [(0, w, bins_w), (1, h, bins_h)] {
        let (first, end) = (last(s, regions, axis)?, last(s, regions, axis + 2)?);
        let mut span = s.add(Sub, &[end, first])?;
        let shape = s.shape_of(span);
        let factor = s.number(scale, &shape);
        span = s.add(Mul, &[span, factor])?;
        let mut begin = s.add(Mul, &[first, factor])?;
        if half {
            let shift = s.number(-0.5, &shape);
            begin = s.add(Add, &[begin, shift])?;
        } else {
            let one = s.number(1.0, &shape);
            span = s.add(Max, &[span, one])?;
        }
        // `begin + span (i + 1/2) / places` for each place, from both.
        let places = bins * samples;
        let shares: Vec<(f64, f64)> = (0..places).map(|i| ((i as f64 + 0.5) / places as f64, 0.0)).collect();
        let shares = affine(s, span, &shares)?;
        let begin = s.repeat(begin, &[count, places]);
        let place = s.add(Add, &[begin, shares])?;
        // Beyond both ends by more than one there is nothing, and the border before.
        let shape = s.shape_of(place);
        let ends = [s.number(-1.0, &shape), s.number(extent as f64, &shape)];
        let [before, behind] =
            [(ends[0], place), (place, ends[1])].map(|(low, high)| s.add(Compare(Comparison::LessEqual), &[low, high]));
        let inside = s.add(Logic(Connective::And), &[before?, behind?])?;
        let inside = s.add(Unary::ToReal, &[inside])?;
        let held = s.add(Unary::Clip { lo: 0.0, hi: (extent - 1) as f64 }, &[place])?;
        let held = s.reshape(held, &[count, places, 1]);
        let weights = weights(s, held, extent)?;
        let inside = s.reshape(inside, &[count, places, 1]);
        let inside = s.repeat(inside, &[count, places, extent]);
        let weights = s.add(Mul, &[weights, inside])?;
        // The mean of a bin's samples, axis by axis.
        let weights = s.reshape(weights, &[count, bins, samples, extent]);
        let weights = s.add(Reduce { kind: ReduceKind::Mean, axes: vec![2] }, &[weights])?;
        let weights = s.reshape(weights, &[count, bins, extent]);
        let einsum = match axis {
            0 => Einsum { lhs: vec![lr, lc, ly, lx], rhs: vec![lr, lq, lx], out: vec![lr, lc, ly, lq] },
            _ => Einsum { lhs: vec![lr, lc, ly, lq], rhs: vec![lr, lp, ly], out: vec![lr, lc, lp, lq] },
        };
        x = s.add(einsum, &[x, weights])?;
    }
    Ok(vec![x])
}
