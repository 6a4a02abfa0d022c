//! Sliding windows: geometry that convolutions and pools share.

use ndarray::{ArrayD, Dimension, IxDyn, indices};
use tract_onnx::tract_core::ops::cnn::PoolSpec;
use tract_onnx::tract_core::ops::nn::DataFormat;
use zktorch_blocks::program::GroupMap;

use super::shape::{Misfit, require};
use crate::import::Refusal;

/// The axes of what windows slide over.
const LAYOUT: &str = "[N, C, spatial..]";

/// A sliding window over spatial axes, all vectors one entry per spatial axis. Padding is explicit: `ceil_mode` and
/// `auto_pad` are resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Taps per axis, at least 1.
    pub kernel: Vec<usize>,
    /// Step between windows, at least 1.
    pub strides: Vec<usize>,
    /// Step between taps, at least 1.
    pub dilations: Vec<usize>,
    /// Padding before the first entry.
    pub pads_begin: Vec<usize>,
    /// Padding after the last entry.
    pub pads_end: Vec<usize>,
}

impl Window {
    /// A dense window: strides and dilations 1, no padding.
    pub fn dense(kernel: &[usize]) -> Self {
        let rank = kernel.len();
        Self {
            kernel: kernel.to_vec(),
            strides: vec![1; rank],
            dilations: vec![1; rank],
            pads_begin: vec![0; rank],
            pads_end: vec![0; rank],
        }
    }

    /// The number of spatial axes.
    pub fn rank(&self) -> usize {
        self.kernel.len()
    }

    /// The number of taps of the whole window.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// The result's extent along spatial axis `axis` for the given input extent, or `None` if no window fits.
    pub fn output_extent(&self, axis: usize, extent: usize) -> Option<usize> {
        let span = self.dilations[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)?;
        let padded = extent.checked_add(self.pads_begin[axis])?.checked_add(self.pads_end[axis])?;
        Some(padded.checked_sub(span)? / self.strides[axis] + 1)
    }

    /// The input index of tap `tap` of window `position` along `axis`; `None` in the padding.
    pub fn source(&self, axis: usize, position: usize, tap: usize, extent: usize) -> Option<usize> {
        (position * self.strides[axis] + tap * self.dilations[axis])
            .checked_sub(self.pads_begin[axis])
            .filter(|&index| index < extent)
    }

    /// The window with explicit padding: just as much as the result's extent needs.
    pub(crate) fn of(spec: &PoolSpec, input: &[usize], output: &[usize]) -> Result<Self, Refusal> {
        let (Some(input), Some(output)) = (input.get(2..), output.get(2..)) else {
            return Err(Misfit::Layout { expected: LAYOUT, got: input.to_vec() }.into());
        };
        let padding = spec.computed_padding(input);
        let mut window = Self {
            kernel: spec.kernel_shape.to_vec(),
            strides: spec.strides().to_vec(),
            dilations: spec.dilations().to_vec(),
            pads_begin: padding.iter().map(|p| p.pad_before).collect(),
            pads_end: vec![0; input.len()],
        };
        let attributes = [&window.kernel, &window.strides, &window.dilations, &window.pads_begin];
        if output.len() != input.len() || attributes.iter().any(|values| values.len() != input.len()) {
            return Err(Misfit::Window { kernel: window.kernel, spatial: input.to_vec() }.into());
        }
        for axis in 0..input.len() {
            let span = window.dilations[axis].saturating_mul(window.kernel[axis].saturating_sub(1)).saturating_add(1);
            let needed = output[axis].saturating_sub(1).saturating_mul(window.strides[axis]).saturating_add(span);
            window.pads_end[axis] = needed.saturating_sub(input[axis].saturating_add(window.pads_begin[axis]));
        }
        Ok(window)
    }
}

/// Checks a window's own fields and slides it over the spatial extents.
pub(super) fn slide(window: &Window, spatial: &[usize]) -> Result<Vec<usize>, Misfit> {
    let rank = spatial.len();
    let misfit = || Misfit::Window { kernel: window.kernel.clone(), spatial: spatial.to_vec() };
    let vectors = [&window.kernel, &window.strides, &window.dilations, &window.pads_begin, &window.pads_end];
    let complete = vectors.iter().all(|v| v.len() == rank);
    require(complete, misfit)?;
    let positive = vectors[..3].iter().all(|v| v.iter().all(|&e| e > 0));
    require(positive, || Misfit::Still)?;
    (0..rank).map(|axis| window.output_extent(axis, spatial[axis]).ok_or_else(misfit)).collect()
}

/// The shape of windows over `[N, C, spatial..]`.
pub(super) fn pooled(window: &Window, x: &[usize]) -> Result<Option<Vec<usize>>, Misfit> {
    let (outer, spatial) = x.split_at_checked(2).ok_or_else(|| Misfit::Layout { expected: LAYOUT, got: x.to_vec() })?;
    Ok(Some([outer, slide(window, spatial)?.as_slice()].concat()))
}

/// Whether windows neither overlap nor touch padding.
pub(crate) fn is_tiling(window: &Window) -> bool {
    window.kernel == window.strides
        && window.dilations.iter().all(|&d| d == 1)
        && window.pads_begin.iter().chain(&window.pads_end).all(|&p| p == 0)
}

/// Whether tensors are `[N, C, spatial..]`.
pub(super) fn is_channels_first(spec: &PoolSpec) -> bool {
    spec.data_format == DataFormat::NCHW
}

pub(super) fn check_layout(spec: &PoolSpec) -> Result<(), Refusal> {
    if is_channels_first(spec) { Ok(()) } else { Err(Refusal::Form("only the layout NCHW is supported")) }
}

/// Taps of a window along an axis as an index map `(position, tap) -> source`, zero in the padding.
pub(super) fn affine_map(window: &Window, axis: usize, out: usize, extent: usize) -> GroupMap {
    let (k, s) = (window.kernel[axis], window.strides[axis]);
    let padded = window.pads_begin[axis] > 0 || window.pads_end[axis] > 0;
    if k == s && window.dilations[axis] == 1 && !padded && out * k == extent {
        return GroupMap::Reshape;
    }
    let strides = vec![s as i64, window.dilations[axis] as i64];
    GroupMap::Affine { strides, offset: -(window.pads_begin[axis] as i64) }
}

/// Applies `summary` to the entries of each window, padding left out.
pub(super) fn pool(window: &Window, x: &ArrayD<f64>, shape: &[usize], summary: impl Fn(&[f64]) -> f64) -> ArrayD<f64> {
    let spatial = &x.shape()[2..];
    let planes = x.shape()[0] * x.shape()[1];
    let offsets: Vec<Vec<usize>> =
        indices(IxDyn(&shape[2..])).into_iter().map(|p| entries(window, spatial, p.slice())).collect();
    let size: usize = spatial.iter().product();
    let x = x.as_standard_layout();
    let data = x.as_slice().unwrap_or_default();
    let mut result = Vec::with_capacity(planes * offsets.len());
    let mut scratch = Vec::with_capacity(window.taps());
    for plane in data.chunks_exact(size.max(1)) {
        for window_offsets in &offsets {
            scratch.clear();
            scratch.extend(window_offsets.iter().map(|&offset| plane[offset]));
            result.push(summary(&scratch));
        }
    }
    ArrayD::from_shape_vec(IxDyn(shape), result).unwrap_or_else(|_| ArrayD::zeros(IxDyn(&[0])))
}

/// Row-major offsets, within a plane, of the entries of the window at `position`.
fn entries(window: &Window, spatial: &[usize], position: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    for (axis, &extent) in spatial.iter().enumerate() {
        let sources: Vec<usize> =
            (0..window.kernel[axis]).filter_map(|tap| window.source(axis, position[axis], tap, extent)).collect();
        offsets = offsets.iter().flat_map(|&o| sources.iter().map(move |s| o * extent + s)).collect();
    }
    offsets
}
