//! Means of windows (docs/lowerings.md, section 12).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::cnn::{PaddingSpec, SumPool};
use zktorch_blocks::program::AxisGroup;

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::pad::Pad;
use super::shape::{Misfit, one};
use super::window::{Window, affine_map, check_layout, pool, pooled};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("SumPool", import)];

/// Mean over windows of the trailing spatial axes of `[N, C, spatial..]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// Geometry over the spatial axes.
    pub window: Window,
    /// Whether the divisor is the kernel's size (padding counts as zeros) or the number of entries that are not
    /// padding.
    pub count_include_pad: bool,
}

/// Mean of windows; a sum of windows is the mean times the window's size.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<SumPool>()?;
    check_layout(&op.pool_spec)?;
    if !op.normalize {
        return Err(import::Refusal::Form("a sum over windows is not supported, only the mean"));
    }
    let x_shape = t.operand_shape(site, 0)?;
    let mut window = Window::of(&op.pool_spec, &x_shape, &site.shape)?;
    let mut x = t.operand(site, 0)?;
    let mut count_include_pad = op.count_include_pad;
    if count_include_pad && let PaddingSpec::ExplicitOnnxPool(begin, end, true) = &op.pool_spec.padding {
        // Declared padding counts, what ceil mode adds beyond it does not: make the former part of the operand.
        let frame = |pads: &[usize]| [&[0, 0], pads].concat();
        let pad = Pad { begin: frame(begin), end: frame(end), value: 0.0 };
        x = t.add(site, pad, &[x])?;
        for axis in 0..window.rank() {
            window.pads_begin[axis] = 0;
            window.pads_end[axis] = window.pads_end[axis].saturating_sub(end[axis]);
        }
        count_include_pad = false;
    }
    let padded = window.pads_begin.iter().chain(&window.pads_end).any(|&p| p > 0);
    t.add(site, AveragePool { window, count_include_pad: count_include_pad && padded }, &[x])
}

impl Operator for AveragePool {
    fn name(&self) -> &'static str {
        "AveragePool"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        pooled(&self.window, one(operands)?)
    }

    fn averaged(&self, _: &[usize]) -> usize {
        self.window.taps()
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(x) = operands.first() else { return empty() };
        pool(&self.window, x, shape, |entries| {
            let count = if self.count_include_pad { self.window.taps() } else { entries.len() };
            entries.iter().sum::<f64>() / count as f64
        })
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        // Padding may count as zeros.
        Range::hull([at.operand(0).lo, at.operand(0).hi, 0.0])
    }

    fn nature(&self) -> Nature {
        Nature::LINEAR
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let (source, out) = (at.graph.shape(operand).to_vec(), at.graph.shape(id)[2..].to_vec());
        let rank = self.window.rank();
        let counts = if self.count_include_pad { None } else { uneven_counts(&self.window, &source[2..], &out) };
        if counts.iter().flatten().any(|&count| count == 0) {
            return Err("a window lies in the padding altogether: its mean is that of no entries".into());
        }
        let divisor = match &counts {
            None => self.window.taps() as i64,
            Some(counts) => counts.iter().fold(1, |l, &c| lcm(l, c)),
        };
        let x = if divisor.count_ones() == 1 { at.value(operand)? } else { at.narrow(operand)? };
        let name = at.name(id);
        let mut dims = source[..2].to_vec();
        let mut groups = vec![pass(0, 0), pass(1, 1)];
        for axis in 0..rank {
            dims.extend([out[axis], self.window.kernel[axis]]);
            let (o, source_axes) = (2 + 2 * axis, vec![2 + axis]);
            let map = affine_map(&self.window, axis, out[axis], source[2 + axis]);
            groups.push(AxisGroup { out_axes: vec![o, o + 1], source_axes, map });
        }
        let view = at.builder.view(&format!("{name}.window"), x.tensor, &dims, groups);
        let labels = Label::of(0..dims.len());
        let [positions, taps] = [2, 3].map(|first| Label::of((0..rank).map(|axis| first + 2 * axis)));
        let out_labels = [Label::of(0..2), positions.clone()].concat();
        let (ones, ones_labels) = match counts {
            None => (at.builder.fill(&format!("{name}.ones"), &self.window.kernel, 1), taps),
            Some(counts) => {
                let weights: Vec<i64> = counts.iter().flat_map(|c| vec![divisor / c; self.window.taps()]).collect();
                let dims: Vec<usize> = out.iter().chain(&self.window.kernel).copied().collect();
                let tensor = at.builder.constant(&format!("{name}.weights"), &dims, weights);
                (tensor, positions.into_iter().chain(taps).collect())
            }
        };
        let sum = at.builder.einsum(&format!("{name}.sum"), (ones, &ones_labels), (view, &labels), &out_labels)?;
        at.mean_of(&name, Value { tensor: sum, depth: x.depth + 1, ..x }, divisor)
    }
}

/// Entries of each window that are not padding, if not all windows are full.
fn uneven_counts(window: &Window, extents: &[usize], out: &[usize]) -> Option<Vec<i64>> {
    let mut counts = vec![1i64];
    for (axis, (&extent, &out)) in extents.iter().zip(out).enumerate() {
        let valid =
            |p: usize| (0..window.kernel[axis]).filter(|&t| window.source(axis, p, t, extent).is_some()).count() as i64;
        counts = counts.iter().flat_map(|c| (0..out).map(move |p| c * valid(p))).collect();
    }
    counts.iter().any(|&c| c != window.taps() as i64).then_some(counts)
}

fn lcm(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}
