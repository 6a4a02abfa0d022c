//! Pooling over the spatial axes of `[N, C, spatial..]`.

use ndarray::{ArrayD, Dimension, IxDyn, indices};

use super::super::Window;

/// Maximum of each window; a window without entries gives negative infinity.
pub(super) fn max_pool(window: &Window, x: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    pool(window, x, shape, |entries| entries.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Mean of each window.
pub(super) fn average_pool(window: &Window, count_include_pad: bool, x: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    pool(window, x, shape, |entries| {
        let count = if count_include_pad { window.taps() } else { entries.len() };
        entries.iter().sum::<f64>() / count as f64
    })
}

/// Applies `summary` to the entries of each window, padding left out.
fn pool(window: &Window, x: &ArrayD<f64>, shape: &[usize], summary: impl Fn(&[f64]) -> f64) -> ArrayD<f64> {
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
