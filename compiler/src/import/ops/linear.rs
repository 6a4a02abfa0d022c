//! Convolutions and einsums.

use tract_onnx::tract_core::axes::Axis;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat};
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::pool::{is_channels_first, window};
use crate::graph::{NodeId, Op};
use crate::import::translate::{Refusal, Site, Translator};

/// Convolution over one or two spatial axes.
pub(in crate::import) fn conv(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<Conv>()?;
    if op.q_params.is_some() {
        return Err("quantised operators are not supported: export the float model".to_owned());
    }
    if op.kernel_fmt != KernelFormat::OIHW || !is_channels_first(&op.pool_spec) {
        return Err("only the layouts NCHW and OIHW are supported".to_owned());
    }
    if !matches!(op.pool_spec.rank(), 1 | 2) {
        return Err(format!("a convolution over {} axes is not supported, only over 1 or 2", op.pool_spec.rank()));
    }
    let x_shape = t.operand_shape(site, 0)?;
    let window = window(&op.pool_spec, &x_shape, &site.shape)?;
    let mut operands = vec![t.operand(site, 0)?, t.operand(site, 1)?];
    if t.uniform(site, 2) != Some(0.0) {
        let bias = t.operand(site, 2)?;
        operands.push(t.broadcast(site, bias, &[op.pool_spec.output_channels]));
    }
    t.add(site, Op::Conv { window, groups: op.group }, &operands)
}

/// MatMul, Gemm's product, and other einsums of two operands.
pub(in crate::import) fn einsum(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<EinSum>()?;
    if op.q_params.is_some() {
        return Err("quantised operators are not supported: export the float model".to_owned());
    }
    if op.axes.input_count() != 2 || op.axes.output_count() != 1 {
        return Err(format!("an einsum of {} operands is not supported, only of 2", op.axes.input_count()));
    }
    let axes: Vec<&Axis> = op.axes.iter_all_axes().collect();
    let repeated = axes.iter().any(|a| a.inputs.iter().chain(&a.outputs).any(|positions| positions.len() > 1));
    if repeated || axes.len() > usize::from(u8::MAX) {
        return Err("an einsum with a label twice in one operand is not supported".to_owned());
    }
    let (lhs, a) = operand(t, site, &axes, 0)?;
    let (rhs, b) = operand(t, site, &axes, 1)?;
    let out = labels(&axes, site.shape.len(), |axis| axis.outputs[0].first().copied());
    // A label that only the result has is an axis of extent 1.
    let kept: Vec<u8> = out.iter().copied().filter(|l| lhs.contains(l) || rhs.contains(l)).collect();
    let product = t.add(site, Op::Einsum { lhs, rhs, out: kept }, &[a, b])?;
    Ok(t.reshape(site, product, &site.shape))
}

/// The labels of one side, by position; the label is the axis' index.
fn labels(axes: &[&Axis], rank: usize, position: impl Fn(&Axis) -> Option<usize>) -> Vec<u8> {
    let at = |p: usize| axes.iter().position(|axis| position(axis) == Some(p));
    (0..rank).filter_map(|p| at(p).and_then(|label| u8::try_from(label).ok())).collect()
}

/// An operand and its labels, without the axes of extent 1 that the other operand broadcasts.
fn operand(t: &mut Translator<'_>, site: &Site<'_>, axes: &[&Axis], side: usize) -> Result<(Vec<u8>, NodeId), Refusal> {
    let (own, other) = (t.operand_shape(site, side)?, t.operand_shape(site, 1 - side)?);
    let labels = labels(axes, own.len(), |axis| axis.inputs[side].first().copied());
    if labels.len() != own.len() {
        return Err("an einsum with an axis without label is not supported".to_owned());
    }
    let broadcast = |axis: usize| {
        let across = axes[usize::from(labels[axis])].inputs[1 - side].first();
        own[axis] == 1 && across.is_some_and(|&position| other[position] != 1)
    };
    let kept: Vec<usize> = (0..own.len()).filter(|&axis| !broadcast(axis)).collect();
    let shape: Vec<usize> = kept.iter().map(|&axis| own[axis]).collect();
    let x = t.operand(site, side)?;
    Ok((kept.iter().map(|&axis| labels[axis]).collect(), t.reshape(site, x, &shape)))
}
