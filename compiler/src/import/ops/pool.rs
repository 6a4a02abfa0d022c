//! Pooling, and the geometry of windows.

use tract_onnx::tract_core::ops::cnn::{MaxPool, PaddingSpec, PoolSpec, SumPool};
use tract_onnx::tract_core::ops::nn::DataFormat;

use crate::graph::{NodeId, Op, Window};
use crate::import::translate::{Refusal, Site, Translator};

/// Whether tensors are `[N, C, spatial..]`.
pub(super) fn is_channels_first(spec: &PoolSpec) -> bool {
    spec.data_format == DataFormat::NCHW
}

/// The window with explicit padding: just as much as the result's extent needs.
pub(super) fn window(spec: &PoolSpec, input: &[usize], output: &[usize]) -> Result<Window, Refusal> {
    let (Some(input), Some(output)) = (input.get(2..), output.get(2..)) else {
        return Err("expected an operand of shape [N, C, spatial..]".to_owned());
    };
    let padding = spec.computed_padding(input);
    let mut window = Window {
        kernel: spec.kernel_shape.to_vec(),
        strides: spec.strides().to_vec(),
        dilations: spec.dilations().to_vec(),
        pads_begin: padding.iter().map(|p| p.pad_before).collect(),
        pads_end: vec![0; input.len()],
    };
    let attributes = [&window.kernel, &window.strides, &window.dilations, &window.pads_begin];
    if output.len() != input.len() || attributes.iter().any(|values| values.len() != input.len()) {
        return Err(format!("the window does not have {} axes: {window:?}", input.len()));
    }
    for axis in 0..input.len() {
        let span = window.dilations[axis].saturating_mul(window.kernel[axis].saturating_sub(1)).saturating_add(1);
        let needed = output[axis].saturating_sub(1).saturating_mul(window.strides[axis]).saturating_add(span);
        window.pads_end[axis] = needed.saturating_sub(input[axis].saturating_add(window.pads_begin[axis]));
    }
    Ok(window)
}

/// Maximum of windows.
pub(in crate::import) fn max_pool(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<MaxPool>()?;
    check_layout(&op.pool_spec)?;
    let x_shape = t.operand_shape(site, 0)?;
    let window = window(&op.pool_spec, &x_shape, &site.shape)?;
    let x = t.operand(site, 0)?;
    t.add(site, Op::MaxPool(window), &[x])
}

/// Mean of windows; a sum of windows is the mean times the window's size.
pub(in crate::import) fn sum_pool(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<SumPool>()?;
    check_layout(&op.pool_spec)?;
    if !op.normalize {
        return Err("a sum over windows is not supported, only the mean".to_owned());
    }
    let x_shape = t.operand_shape(site, 0)?;
    let mut window = window(&op.pool_spec, &x_shape, &site.shape)?;
    let mut x = t.operand(site, 0)?;
    let mut count_include_pad = op.count_include_pad;
    if count_include_pad && let PaddingSpec::ExplicitOnnxPool(begin, end, true) = &op.pool_spec.padding {
        // Declared padding counts, what ceil mode adds beyond it does not: make the former part of the operand.
        let frame = |pads: &[usize]| [&[0, 0], pads].concat();
        let pad = Op::Pad { begin: frame(begin), end: frame(end), value: 0.0 };
        x = t.add(site, pad, &[x])?;
        for axis in 0..window.rank() {
            window.pads_begin[axis] = 0;
            window.pads_end[axis] = window.pads_end[axis].saturating_sub(end[axis]);
        }
        count_include_pad = false;
    }
    let padded = window.pads_begin.iter().chain(&window.pads_end).any(|&p| p > 0);
    t.add(site, Op::AveragePool { window, count_include_pad: count_include_pad && padded }, &[x])
}

fn check_layout(spec: &PoolSpec) -> Result<(), Refusal> {
    if is_channels_first(spec) { Ok(()) } else { Err("only the layout NCHW is supported".to_owned()) }
}
