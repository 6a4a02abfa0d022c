//! `ConvTranspose` as a convolution: of a kernel that is divided by the steps of the result.
//!
//! With steps of `s`, entry `s q + r` of the result is the sum over taps `s j + r` of the kernel times entry `q - j` of the operand. So `r` is a
//! further channel of a convolution without steps, over as few taps as each entry of the result has, and the kernel is flipped.

use super::super::refusal::Refusal;
use super::super::sizes::MOST;
use super::sketch::{LONGEST, Sketch};
use crate::graph::NodeId;
use crate::ops::{Add, Conv, Pad, Slice, Take, Window};

/// The result along an axis, of what the kernel reaches.
struct Axis {
    stride: usize,
    /// Taps of the divided kernel.
    taps: usize,
    /// Where the result begins; before the first entry, if negative.
    begin: i64,
    /// Its extent.
    out: usize,
}

pub(super) fn conv_transpose(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let (x_shape, w_shape) = (s.shape(0)?, s.shape(1)?);
    let rank = x_shape.len().saturating_sub(2);
    if w_shape.len() != x_shape.len() || !matches!(rank, 1..=3) {
        return Err(Refusal::Spatial(rank));
    }
    let groups = s.integer("group", 1) as usize;
    if groups == 0 || x_shape[1] != w_shape[0] || w_shape[0] % groups != 0 || w_shape.contains(&0) || x_shape.contains(&0) {
        return Err(Refusal::Shapes(vec![x_shape, w_shape]));
    }
    let kernel = &w_shape[2..];
    if let Some(stated) = s.list("kernel_shape", rank)?
        && stated.iter().zip(kernel).any(|(&stated, &own)| stated != own as i64)
    {
        return Err(Refusal::Form("its kernel has another shape than it states"));
    }
    let (strides, dilations) = (s.extents("strides", rank)?, s.extents("dilations", rank)?);
    let axes = axes(s, &x_shape[2..], kernel, &strides, &dilations)?;
    let (ins, outs) = (w_shape[0] / groups, w_shape[1]);
    // Of the kernel with all of its zeros, and of the result with what is cut off.
    let kernel_entries = product(w_shape[..2].iter().copied().chain(axes.iter().map(|axis| axis.taps * axis.stride)));
    let reached = axes.iter().zip(&x_shape[2..]).map(|(axis, extent)| (extent + axis.taps - 1) * axis.stride);
    let result_entries = product([x_shape[0], groups * outs].into_iter().chain(reached));
    if [kernel_entries, result_entries].iter().any(|entries| entries.is_none_or(|entries| entries > MOST)) {
        return Err(Refusal::Form("with the zeros between its taps its kernel, or its result, has more than 2^27 entries"));
    }
    let phases: usize = strides.iter().product();

    let mut w = s.operand_node(1)?;
    for (n, axis) in axes.iter().enumerate() {
        w = divided(s, w, 2 + n, dilations[n], axis)?;
    }
    // [groups ins, outs, (taps, stride)..] as [groups outs strides.., ins, taps..].
    let parts: Vec<usize> = axes.iter().flat_map(|axis| [axis.taps, axis.stride]).collect();
    let w_parts = s.reshape(w, &[&[groups, ins, outs], parts.as_slice()].concat());
    let [taps, steps]: [Vec<usize>; 2] = [0, 1].map(|first| (0..rank).map(|n| 3 + first + 2 * n).collect());
    let turned = s.transpose(w_parts, &[&[0, 2], steps.as_slice(), &[1], &taps].concat())?;
    let taps: Vec<usize> = axes.iter().map(|axis| axis.taps).collect();
    let w = s.reshape(turned, &[&[groups * outs * phases, ins], taps.as_slice()].concat());

    let reach: Vec<usize> = taps.iter().map(|taps| taps - 1).collect();
    let window = Window { pads_begin: reach.clone(), pads_end: reach, ..Window::dense(&taps) };
    let x = s.operand_node(0)?;
    let bias = if s.has(2) { Some(s.operand_node(2)?) } else { None };
    let lengths: Vec<usize> = axes.iter().zip(&x_shape[2..]).map(|(axis, extent)| extent + axis.taps - 1).collect();
    let cut = |axis: &Axis, length: usize| axis.begin >= 0 && axis.begin as usize + axis.out <= length * axis.stride;
    let inside = axes.iter().zip(&lengths).all(|(axis, &length)| cut(axis, length));
    let mut operands = vec![x, w];
    if let Some(bias) = bias.filter(|_| inside) {
        // Each channel's, for all of its phases.
        let each = (0..groups * outs * phases).map(|n| n / phases).collect();
        operands.push(if phases == 1 { bias } else { s.add(Take { axis: 0, indices: each }, &[bias])? });
    }
    let mut y = s.add(Conv { window, groups }, &operands)?;
    if phases > 1 {
        let split = [&[x_shape[0], groups * outs], strides.as_slice(), &lengths].concat();
        y = s.reshape(y, &split);
        let pairs: Vec<usize> = (0..rank).flat_map(|n| [2 + rank + n, 2 + n]).collect();
        y = s.transpose(y, &[&[0, 1], pairs.as_slice()].concat())?;
        let joined: Vec<usize> = lengths.iter().zip(&strides).map(|(length, stride)| length * stride).collect();
        y = s.reshape(y, &[&[x_shape[0], groups * outs], joined.as_slice()].concat());
    }
    for (n, axis) in axes.iter().enumerate() {
        let whole = s.shape_of(y)[2 + n];
        let start = (axis.begin.max(0) as usize).min(whole);
        let end = usize::try_from(axis.begin + axis.out as i64).unwrap_or(0).clamp(start, whole);
        if (start, end) != (0, whole) {
            y = s.add(Slice { axis: 2 + n, start, end, step: 1 }, &[y])?;
        }
    }
    if !inside {
        let own = s.shape_of(y);
        let (mut begin, mut end) = (vec![0; own.len()], vec![0; own.len()]);
        for (n, axis) in axes.iter().enumerate() {
            begin[2 + n] = usize::try_from(-axis.begin).unwrap_or(0).min(axis.out);
            end[2 + n] = axis.out - begin[2 + n] - own[2 + n];
        }
        y = s.add(Pad { begin, end, value: 0.0 }, &[y])?;
        if let Some(bias) = bias {
            let shape = s.shape_of(y);
            let channels: Vec<usize> = (0..shape.len()).map(|axis| if axis == 1 { shape[1] } else { 1 }).collect();
            let bias = s.reshape(bias, &channels);
            let bias = s.repeat(bias, &shape);
            y = s.add(Add, &[y, bias])?;
        }
    }
    Ok(vec![y])
}

/// How many entries there are, if a word holds that.
fn product(mut extents: impl Iterator<Item = usize>) -> Option<usize> {
    extents.try_fold(1usize, |all, own| all.checked_mul(own))
}

/// What ONNX says of the result's extents, and where it begins.
fn axes(
    s: &Sketch<'_>,
    extents: &[usize],
    kernel: &[usize],
    strides: &[usize],
    dilations: &[usize],
) -> Result<Vec<Axis>, Refusal> {
    let rank = extents.len();
    let auto = s.word("auto_pad", "NOTSET");
    let more = s.list("output_padding", rank)?.unwrap_or_else(|| vec![0; rank]);
    if more.iter().any(|more| !(0..=LONGEST as i64).contains(more)) {
        return Err(Refusal::OutOfRange("its attribute `output_padding`"));
    }
    let stated = s.list("output_shape", rank)?;
    let pads = s.list("pads", 2 * rank)?.unwrap_or_else(|| vec![0; 2 * rank]);
    let mut axes = Vec::with_capacity(rank);
    for n in 0..rank {
        let stride = strides[n];
        let span = ((kernel[n] - 1) * dilations[n] + 1) as i64;
        let whole = (stride * (extents[n] - 1)) as i64 + span + more[n];
        let wanted = match (&stated, auto) {
            (Some(stated), _) => Some(stated[n]),
            (None, "SAME_UPPER" | "SAME_LOWER") => Some((extents[n] * stride) as i64),
            _ => None,
        };
        let (begin, out) = match wanted {
            None if auto == "VALID" => (0, whole),
            None => (pads[n], whole - pads[n] - pads[n + rank]),
            Some(out) => {
                // What the result lacks is divided between both ends, the odd one as `auto_pad` says.
                let total = (whole - out).max(0);
                (if auto == "SAME_UPPER" { total / 2 } else { total - total / 2 }, out)
            }
        };
        let out = usize::try_from(out).ok().filter(|&out| out > 0).ok_or(Refusal::OutOfRange("its padding"))?;
        axes.push(Axis { stride, taps: (span as usize).div_ceil(stride), begin, out });
    }
    Ok(axes)
}

/// A kernel's axis with zeros between its taps and behind them, of as many entries as steps divide, in the order in which a convolution goes.
fn divided(s: &mut Sketch<'_>, w: NodeId, axis: usize, dilation: usize, to: &Axis) -> Result<NodeId, Refusal> {
    let mut shape = s.shape_of(w);
    let mut w = w;
    if dilation > 1 {
        let taps = shape[axis];
        let spread = [&shape[..=axis], &[1], &shape[axis + 1..]].concat();
        w = s.reshape(w, &spread);
        let frame = |width| (0..spread.len()).map(|a| if a == axis + 1 { width } else { 0 }).collect();
        w = s.add(Pad { begin: frame(0), end: frame(dilation - 1), value: 0.0 }, &[w])?;
        shape[axis] = taps * dilation;
        w = s.reshape(w, &shape);
        shape[axis] = (taps - 1) * dilation + 1;
        w = s.add(Slice { axis, start: 0, end: shape[axis], step: 1 }, &[w])?;
    }
    let whole = to.taps * to.stride;
    if whole > shape[axis] {
        let frame = |width| (0..shape.len()).map(|a| if a == axis { width } else { 0 }).collect();
        w = s.add(Pad { begin: frame(0), end: frame(whole - shape[axis]), value: 0.0 }, &[w])?;
    }
    if to.taps == 1 {
        return Ok(w);
    }
    let flipped = (0..to.taps).rev().flat_map(|tap| (0..to.stride).map(move |r| tap * to.stride + r)).collect();
    s.add(Take { axis, indices: flipped }, &[w])
}
