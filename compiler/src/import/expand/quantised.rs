//! Quantised models, by their own integers: products are of integers, and rounded as ONNX says, to the nearest integer and of two to the even one.

use tract_onnx::pb::NodeProto;

use super::Expanded;
use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, INT32, INT64, Setting, operand};
use crate::import::refusal::Refusal;
use crate::import::tensors;
use crate::import::{descent, nearest};

const CONV: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];

pub(super) const RULES: &[Expanded] = &[
    ("", "DequantizeLinear", &["axis", "block_size"], dequantize),
    ("", "DynamicQuantizeLinear", &[], dynamic),
    ("", "MatMulInteger", &[], mat_mul),
    ("", "ConvInteger", CONV, conv),
    ("", "QLinearMatMul", &[], rounded_mat_mul),
    ("", "QLinearConv", CONV, rounded_conv),
];

/// A type of quantised numbers: its number, and the integers that it has.
pub(super) fn bounds(kind: i32) -> Result<(i64, i64), Refusal> {
    match kind {
        2 => Ok((0, 255)),
        3 => Ok((-128, 127)),
        4 => Ok((0, 65535)),
        5 => Ok((-32768, 32767)),
        other => Err(Refusal::Element(tensors::type_name(other))),
    }
}

/// A scale or zero point, brought to the axes of an operand: of an axis, or of blocks along it.
pub(super) fn spread(
    e: &mut Emitter,
    node: &NodeProto,
    attributes: &Attributes<'_>,
    parameter: &str,
) -> Result<String, Refusal> {
    let (axis, block) = (attributes.int("axis", 1)?, attributes.int("block_size", 0)?);
    let x = operand(node, 0)?;
    let Some(dims) = e.dims_of(parameter) else { return Ok(parameter.to_owned()) };
    if block > 0 {
        let rank = dims.len() as i64;
        let axis =
            usize::try_from(if axis < 0 { axis + rank } else { axis }).map_err(|_| Refusal::OutOfRange("the axis"))?;
        if axis >= dims.len() {
            return Err(Refusal::OutOfRange("the axis"));
        }
        let mut apart = dims.clone();
        apart.insert(axis + 1, 1);
        let apart = e.reshape(parameter, &apart);
        let mut repeats = vec![1; dims.len() + 1];
        repeats[axis + 1] = block;
        let repeats = e.ints("repeats", &repeats);
        let tiled = e.op("Tile", &[&apart, &repeats], &[]);
        let shape = e.op("Shape", &[x], &[]);
        return Ok(e.op("Reshape", &[&tiled, &shape], &[]));
    }
    match dims[..] {
        [] => Ok(parameter.to_owned()),
        [1] => Ok(e.reshape(parameter, &[])),
        [_] if axis < 0 => {
            let mut shape = vec![1; axis.unsigned_abs().min(16) as usize];
            shape[0] = -1;
            Ok(e.reshape(parameter, &shape))
        }
        [_] => {
            // As many axes of extent 1 as the operand has behind this one.
            let shape = e.op("Shape", &[x], &[]);
            let before = e.ints("before", &[&vec![1; axis.min(16) as usize][..], &[-1]].concat());
            let start = e.ints("start", &[axis + 1]);
            let end = e.ints("end", &[i64::from(i32::MAX)]);
            let behind = if e.opset >= 10 {
                e.op("Slice", &[&shape, &start, &end], &[])
            } else {
                e.op(
                    "Slice",
                    &[&shape],
                    &[("starts", Setting::Ints(&[axis + 1])), ("ends", Setting::Ints(&[i32::MAX.into()]))],
                )
            };
            let zero = e.single(0, INT64);
            let one = e.single(1, INT64);
            let behind = e.op("Mul", &[&behind, &zero], &[]);
            let behind = e.op("Add", &[&behind, &one], &[]);
            let shape = e.op("Concat", &[&before, &behind], &[("axis", Setting::Int(0))]);
            Ok(e.op("Reshape", &[parameter, &shape], &[]))
        }
        _ => Err(Refusal::Form("a scale of several axes without blocks is not supported")),
    }
}

/// The operand at a place, if there is one.
pub(super) fn given(node: &NodeProto, position: usize) -> Option<&str> {
    node.input.get(position).filter(|name| !name.is_empty()).map(String::as_str)
}

/// Integers in the place of quantised numbers: less their zero point, which has been brought to their axes.
fn centred(e: &mut Emitter, x: &str, zero: Option<&str>) -> String {
    let x = e.cast(x, INT32);
    match zero {
        None => x,
        Some(zero) => {
            let zero = e.cast(zero, INT32);
            e.op("Sub", &[&x, &zero], &[])
        }
    }
}

/// Integers with a zero point, held to a type's, as the result of a node.
pub(super) fn saturated(e: &mut Emitter, node: &NodeProto, x: &str, zero: Option<&str>, kind: i32) -> Result<(), Refusal> {
    let (least, most) = bounds(kind)?;
    let x = match zero {
        None => x.to_owned(),
        Some(zero) => {
            let zero = e.cast(zero, INT64);
            e.op("Add", &[x, &zero], &[])
        }
    };
    let [least, most] = [least, most].map(|bound| e.single(bound, INT64));
    let x = e.op("Max", &[&x, &least], &[]);
    let x = e.op("Min", &[&x, &most], &[]);
    let x = e.cast(&x, kind);
    e.result(node, 0, &x);
    Ok(())
}

/// The type of a result, which is that of its zero point.
pub(super) fn kind_of(e: &Emitter, zero: Option<&str>, otherwise: i32) -> Result<i32, Refusal> {
    match zero {
        None => Ok(otherwise),
        Some(zero) => {
            e.type_of(zero).ok_or(Refusal::Variable("the zero point must be a constant, or an input of the model"))
        }
    }
}

fn dequantize(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let scale = spread(e, node, attributes, operand(node, 1)?)?;
    let zero = given(node, 2).map(|zero| spread(e, node, attributes, zero)).transpose()?;
    let x = centred(e, operand(node, 0)?, zero.as_deref());
    let x = e.cast(&x, FLOAT);
    let result = e.op("Mul", &[&x, &scale], &[]);
    e.result(node, 0, &result);
    Ok(())
}

/// `scale = (max - min) / 255`, where 0 lies between them; the zero point and the entries are quotients by it.
fn dynamic(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let x = operand(node, 0)?;
    let flat = e.reshape(x, &[-1]);
    let zero = e.number(0.0, FLOAT);
    let most = e.reduce("ReduceMax", &flat, 0, false);
    let most = e.op("Max", &[&most, &zero], &[]);
    let least = e.reduce("ReduceMin", &flat, 0, false);
    let least = e.op("Min", &[&least, &zero], &[]);
    let range = e.op("Sub", &[&most, &least], &[]);
    let steps = e.number(255.0, FLOAT);
    let scale = e.op("Div", &[&range, &steps], &[]);
    e.result(node, 1, &scale);
    let times = [("over", Setting::Int(1)), ("times", Setting::Int(255))];
    let below = e.op("Neg", &[&least], &[]);
    let point = e.op(nearest::NAME, &[&below, &range], &times);
    let whole = e.cast(&point, 2);
    e.result(node, 2, &whole);
    let nearest = e.op(nearest::NAME, &[x, &range], &times);
    saturated(e, node, &nearest, Some(&point), 2)
}

/// Zero points of the rows of a product would be rows of their own.
pub(super) fn single(e: &Emitter, parameter: Option<&str>) -> Result<(), Refusal> {
    let several = parameter.and_then(|name| e.dims_of(name)).is_some_and(|dims| dims.iter().product::<i64>() != 1);
    if several {
        Err(Refusal::Form("a scale or zero point for each row of the first factor is not supported"))
    } else {
        Ok(())
    }
}

pub(super) fn product(e: &mut Emitter, [a, b]: [&str; 2], zeros: [Option<&str>; 2]) -> Result<String, Refusal> {
    single(e, zeros[0])?;
    let (a, b) = (centred(e, a, zeros[0]), centred(e, b, zeros[1]));
    Ok(e.op("MatMul", &[&a, &b], &[]))
}

fn mat_mul(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let operands = [operand(node, 0)?, operand(node, 1)?];
    let result = product(e, operands, [given(node, 2), given(node, 3)])?;
    e.result(node, 0, &result);
    Ok(())
}

/// `scale_a scale_b / scale_y`, in floats of 32 bits, as onnxruntime has it.
pub(super) fn ratio(e: &mut Emitter, [a, b, y]: [&str; 3]) -> String {
    let product = e.op("Mul", &[a, b], &[]);
    e.op("Div", &[&product, y], &[])
}

fn rounded_mat_mul(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let at = |position| operand(node, position);
    single(e, Some(at(1)?))?;
    let sums = product(e, [at(0)?, at(3)?], [Some(at(2)?), Some(at(5)?)])?;
    let ratio = ratio(e, [at(1)?, at(4)?, at(6)?]);
    let ratio = e.cast(&ratio, FLOAT);
    let nearest = e.op(nearest::NAME, &[&sums, &ratio], &[]);
    let kind = kind_of(e, Some(at(7)?), 2)?;
    saturated(e, node, &nearest, Some(at(7)?), kind)
}

/// A parameter for each output channel, brought to the axes of a kernel, or to those of the result behind the batch.
pub(super) fn channels(e: &mut Emitter, parameter: &str, kernel: &str) -> Result<String, Refusal> {
    let several = e.dims_of(parameter).is_some_and(|dims| dims.iter().product::<i64>() != 1);
    if !several {
        return Ok(parameter.to_owned());
    }
    let rank = e.dims_of(kernel).map(|dims| dims.len());
    let rank = rank.ok_or(Refusal::Variable("a kernel with a scale for each channel must be a constant"))?;
    let mut shape = vec![1; rank - 1];
    shape[0] = -1;
    Ok(e.reshape(parameter, &shape))
}

pub(super) fn windows(
    e: &mut Emitter,
    node: &NodeProto,
    [x, kernel]: [&str; 2],
    zeros: [Option<&str>; 2],
) -> Result<String, Refusal> {
    single(e, zeros[0])?;
    let several = zeros[1].and_then(|name| e.dims_of(name)).is_some_and(|dims| dims.iter().product::<i64>() != 1);
    let zero = match (zeros[1], several) {
        (Some(zero), true) => {
            let rank = e.dims_of(kernel).map_or(4, |dims| dims.len());
            let mut shape = vec![1; rank];
            shape[0] = -1;
            Some(e.reshape(zero, &shape))
        }
        (zero, _) => zero.map(str::to_owned),
    };
    let x = centred(e, x, zeros[0]);
    let kernel = centred(e, kernel, zero.as_deref());
    Ok(e.like(descent::WHOLE_CONV, node, &[&x, &kernel]))
}

fn conv(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let operands = [operand(node, 0)?, operand(node, 1)?];
    let result = windows(e, node, operands, [given(node, 2), given(node, 3)])?;
    e.result(node, 0, &result);
    Ok(())
}

fn rounded_conv(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let at = |position| operand(node, position);
    let mut sums = windows(e, node, [at(0)?, at(3)?], [Some(at(2)?), Some(at(5)?)])?;
    if let Some(bias) = given(node, 8) {
        let bias = channels(e, bias, at(3)?)?;
        sums = e.op("Add", &[&sums, &bias], &[]);
    }
    let scale = channels(e, at(4)?, at(3)?)?;
    let ratio = ratio(e, [at(1)?, &scale, at(6)?]);
    let nearest = e.op(nearest::NAME, &[&sums, &ratio], &[]);
    let kind = kind_of(e, Some(at(7)?), 2)?;
    saturated(e, node, &nearest, Some(at(7)?), kind)
}
