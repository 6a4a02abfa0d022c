//! Entries that go where lengths, places or conditions say: `ReverseSequence`, `TensorScatter`, `MaxUnpool`, `Compress`.

use tract_onnx::pb::NodeProto;

use super::Expanded;
use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, INT64, Setting, operand};
use crate::import::refusal::Refusal;
use crate::import::tensors;

pub(super) const RULES: &[Expanded] = &[
    ("", "ReverseSequence", &["batch_axis", "time_axis"], reverse_sequence),
    ("", "TensorScatter", &["axis", "mode"], tensor_scatter),
    ("", "MaxUnpool", &["kernel_shape", "pads", "strides"], max_unpool),
    ("", "Compress", &["axis"], compress),
];

/// The first entries of each sequence, as many as it is long, in the other order: at step `t` the entry of step `length - 1 - t`.
fn reverse_sequence(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let (time, batch) = (attributes.int("time_axis", 0)?, attributes.int("batch_axis", 1)?);
    if !matches!((time, batch), (0, 1) | (1, 0)) {
        return Err(Refusal::OutOfRange("one of its axes"));
    }
    let x = operand(node, 0)?;
    let lengths = e.cast(operand(node, 1)?, INT64);
    let shape = e.op("Shape", &[x], &[]);
    let [zero, one, axis] = [0, 1, time].map(|number| e.single(number, INT64));
    let steps = e.op("Gather", &[&shape, &axis], &[("axis", Setting::Int(0))]);
    let steps = e.op("Range", &[&zero, &steps, &one], &[]);
    // Along its own axis each, with one more for all others.
    let [along_time, along_batch] = if time == 0 { [[-1, 1, 1], [1, -1, 1]] } else { [[1, -1, 1], [-1, 1, 1]] };
    let (steps, lengths) = (e.reshape(&steps, &along_time), e.reshape(&lengths, &along_batch));
    let within = e.op("Less", &[&steps, &lengths], &[]);
    let last = e.op("Sub", &[&lengths, &one], &[]);
    let mirrored = e.op("Sub", &[&last, &steps], &[]);
    let places = e.op("Where", &[&within, &mirrored, &steps], &[]);
    let flat = e.reshape(x, &[0, 0, -1]);
    let flat_shape = e.op("Shape", &[&flat], &[]);
    let places = e.op("Expand", &[&places, &flat_shape], &[]);
    let taken = e.op("GatherElements", &[&flat, &places], &[("axis", Setting::Int(time))]);
    let result = e.op("Reshape", &[&taken, &shape], &[]);
    e.result(node, 0, &result);
    Ok(())
}

/// A cache with new entries from an index on, which may begin again at its end.
fn tensor_scatter(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let (cache, update) = (operand(node, 0)?, operand(node, 1)?);
    let unknown = Refusal::Variable("the shape of its cache must be declared: it is an input or a tensor of the file");
    let rank = e.dims_of(cache).ok_or(unknown)?.len() as i64;
    let axis = attributes.int("axis", -2)?;
    let axis = if axis < 0 { axis + rank } else { axis };
    if !(1..rank).contains(&axis) {
        return Err(Refusal::OutOfRange("its axis"));
    }
    let extent = |e: &mut Emitter, x: &str| {
        let (shape, axis) = (e.op("Shape", &[x], &[]), e.single(axis, INT64));
        e.op("Gather", &[&shape, &axis], &[("axis", Setting::Int(0))])
    };
    let [zero, one] = [0, 1].map(|number| e.single(number, INT64));
    let entries = extent(e, update);
    let entries = e.op("Range", &[&zero, &entries, &one], &[]);
    let only = |at: i64| -> Vec<i64> { (0..rank).map(|axis| if axis == at { -1 } else { 1 }).collect() };
    let mut places = e.reshape(&entries, &only(axis));
    if node.input.get(2).is_some_and(|name| !name.is_empty()) {
        let first = e.cast(operand(node, 2)?, INT64);
        let first = e.reshape(&first, &only(0));
        places = e.op("Add", &[&first, &places], &[]);
    }
    match attributes.word("mode", "linear")?.as_str() {
        "linear" => {}
        "circular" => {
            let around = extent(e, cache);
            places = e.op("Mod", &[&places, &around], &[]);
        }
        _ => return Err(Refusal::Form("its mode is none of linear and circular")),
    }
    let shape = e.op("Shape", &[update], &[]);
    let places = e.op("Expand", &[&places, &shape], &[]);
    let result = e.op("ScatterElements", &[cache, &places, update], &[("axis", Setting::Int(axis))]);
    e.result(node, 0, &result);
    Ok(())
}

/// Entries at the places that a `MaxPool` took them from, and zeros elsewhere.
fn max_unpool(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let unknown = || Refusal::Variable("the shape of its operand must be declared: it is an input or a tensor of the file");
    let shape = e.dims_of(operand(node, 0)?).ok_or_else(unknown)?;
    let rank = shape.len().saturating_sub(2);
    let kernel = attributes.ints("kernel_shape")?;
    let or = |name: &'static str, length: usize, otherwise: i64| -> Result<Vec<i64>, Refusal> {
        let list = attributes.ints(name)?.to_vec();
        let list = if list.is_empty() { vec![otherwise; length] } else { list };
        let few = list.iter().all(|own| (0..=LARGEST).contains(own));
        if few { Ok(list) } else { Err(Refusal::OutOfRange("one of its attributes")) }
    };
    let (strides, pads) = (or("strides", rank, 1)?, or("pads", 2 * rank, 0)?);
    if rank == 0 || [kernel.len(), strides.len()] != [rank; 2] || pads.len() != 2 * rank {
        return Err(Refusal::Count { what: "extents of its kernel", got: kernel.len(), expected: rank });
    }
    let mut extents = shape[..2].to_vec();
    for n in 0..rank {
        let extent = shape[2 + n].clamp(0, LARGEST);
        extents.push((extent - 1) * strides[n] + kernel[n].clamp(0, LARGEST) - pads[n] - pads[n + rank]);
    }
    let all =
        extents.iter().try_fold(1usize, |all, &own| all.checked_mul(usize::try_from(own).ok().filter(|&own| own > 0)?));
    e.room(all)?;
    let zeros = e.floats("zeros", &[all.unwrap_or(0)], &vec![0.0; all.unwrap_or(0)], FLOAT);
    let places = e.reshape(operand(node, 1)?, &[-1]);
    let entries = e.reshape(operand(node, 0)?, &[-1]);
    let scattered = e.op("ScatterElements", &[&zeros, &places, &entries], &[("axis", Setting::Int(0))]);
    let mut result = e.reshape(&scattered, &extents);
    if node.input.get(2).is_some_and(|name| !name.is_empty()) {
        let stated = e.tensor_of(operand(node, 2)?).and_then(tensors::integers);
        let stated = stated.ok_or(Refusal::Variable("its output shape must be a constant"))?;
        let more: Option<Vec<i64>> = stated.iter().zip(&extents).map(|(to, own)| to.checked_sub(*own)).collect();
        match more.filter(|more| stated.len() == extents.len() && more.iter().all(|more| (0..=LARGEST).contains(more))) {
            None => return Err(Refusal::OutOfRange("its output shape")),
            Some(more) if e.opset >= 11 => {
                let frame = e.ints("frame", &[vec![0; more.len()], more].concat());
                result = e.op("Pad", &[&result, &frame], &[]);
            }
            Some(more) => {
                let frame = [vec![0; more.len()], more].concat();
                result = e.op("Pad", &[&result], &[("pads", Setting::Ints(&frame))]);
            }
        }
    }
    e.result(node, 0, &result);
    Ok(())
}

/// An extent, a stride or a width of padding, at most.
const LARGEST: i64 = 1 << 20;

/// Entries at which a condition holds.
fn compress(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let kept = e.tensor_of(operand(node, 1)?).and_then(tensors::numbers);
    let kept =
        kept.ok_or(Refusal::Variable("how many entries it keeps depends on inputs: its condition must be a constant"))?;
    let indices: Vec<i64> = (0..).zip(&kept).filter(|(_, kept)| **kept != 0.0).map(|(index, _)| index).collect();
    let (x, axis) = match attributes.has("axis") {
        true => (operand(node, 0)?.to_owned(), attributes.int("axis", 0)?),
        false => (e.reshape(operand(node, 0)?, &[-1]), 0),
    };
    let indices = e.ints("kept", &indices);
    let result = e.op("Gather", &[&x, &indices], &[("axis", Setting::Int(axis))]);
    e.result(node, 0, &result);
    Ok(())
}
