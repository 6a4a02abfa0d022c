//! Convolution: window matrices and one matrix product per group.

use ndarray::{Array2, ArrayD, ArrayView2, IxDyn};

use super::super::Window;

/// `x [N, C, spatial..]`, `w [O, C / groups, kernel..]`, `bias [O]`.
pub(super) fn conv(
    window: &Window,
    groups: usize,
    x: &ArrayD<f64>,
    w: &ArrayD<f64>,
    bias: Option<&ArrayD<f64>>,
) -> ArrayD<f64> {
    let plane = Plane::new(window, &x.shape()[2..]);
    let (batch, channels, outputs) = (x.shape()[0], x.shape()[1] / groups, w.shape()[0] / groups);
    let (x, w) = (x.as_standard_layout(), w.as_standard_layout());
    let (Some(x), Some(w)) = (x.as_slice(), w.as_slice()) else { return ArrayD::zeros(IxDyn(&[0])) };
    let (rows, positions) = (channels * window.taps(), plane.positions());
    let mut result = Vec::with_capacity(batch * groups * outputs * positions);
    for (sample, group) in (0..batch).flat_map(|n| (0..groups).map(move |g| (n, g))) {
        let first = (sample * groups + group) * channels * plane.size();
        let columns = plane.columns(&x[first..first + channels * plane.size()], channels);
        let weights = &w[group * outputs * rows..(group + 1) * outputs * rows];
        let Ok(weights) = ArrayView2::from_shape((outputs, rows), weights) else { continue };
        let mut product = weights.dot(&columns);
        if let Some(bias) = bias {
            for (mut row, b) in product.rows_mut().into_iter().zip(bias.iter().skip(group * outputs)) {
                row += *b;
            }
        }
        result.extend(product.iter());
    }
    let mut shape = vec![batch, groups * outputs];
    shape.extend((0..window.rank()).map(|axis| plane.out[axis]));
    ArrayD::from_shape_vec(IxDyn(&shape), result).unwrap_or_else(|_| ArrayD::zeros(IxDyn(&shape)))
}

/// The window's geometry over at most two spatial axes; a missing axis has extent 1.
struct Plane {
    extent: [usize; 2],
    out: [usize; 2],
    /// Per axis and tap, the input index of each window position.
    sources: [Vec<Vec<Option<usize>>>; 2],
}

impl Plane {
    fn new(window: &Window, spatial: &[usize]) -> Self {
        let axis = |axis: usize| -> (usize, usize, Vec<Vec<Option<usize>>>) {
            let Some(&extent) = spatial.get(axis) else { return (1, 1, vec![vec![Some(0)]]) };
            let out = window.output_extent(axis, extent).unwrap_or(0);
            let sources = (0..window.kernel[axis])
                .map(|tap| (0..out).map(|position| window.source(axis, position, tap, extent)).collect())
                .collect();
            (extent, out, sources)
        };
        let ((h, oh, sh), (w, ow, sw)) = (axis(0), axis(1));
        Self { extent: [h, w], out: [oh, ow], sources: [sh, sw] }
    }

    fn size(&self) -> usize {
        self.extent[0] * self.extent[1]
    }

    fn positions(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// The matrix of windows: a row per channel and tap, a column per window position.
    fn columns(&self, x: &[f64], channels: usize) -> Array2<f64> {
        let rows = channels * self.sources[0].len() * self.sources[1].len();
        let mut data = Vec::with_capacity(rows * self.positions());
        for channel in x.chunks_exact(self.size().max(1)) {
            for vertical in &self.sources[0] {
                for horizontal in &self.sources[1] {
                    for row in vertical {
                        match row {
                            None => data.extend(std::iter::repeat_n(0.0, self.out[1])),
                            Some(h) => {
                                let line = &channel[h * self.extent[1]..(h + 1) * self.extent[1]];
                                data.extend(horizontal.iter().map(|w| w.map_or(0.0, |w| line[w])));
                            }
                        }
                    }
                }
            }
        }
        Array2::from_shape_vec((rows, self.positions()), data).unwrap_or_else(|_| Array2::zeros((rows, self.positions())))
    }
}
