//! Convolution over one to three spatial axes (docs/lowerings.md, section 9).

use ndarray::{Array2, ArrayD, ArrayView2, IxDyn};
use tract_onnx::tract_core::ops::cnn::{Conv as TractConv, KernelFormat};
use zktorch_blocks::program::{AxisGroup, GroupMap, TensorId};

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty, integers};
use super::regroup::reshape_groups;
use super::shape::{Misfit, require};
use super::window::{Window, is_channels_first, slide};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("Conv", import)];

/// Labels of a convolution.
const BATCH: Label = Label(0);
const GROUP: Label = Label(1);
const OUT: Label = Label(2);
const IN: Label = Label(3);
const SPACE: Label = Label(10);
const TAP: Label = Label(20);

/// Convolution (cross-correlation, as in ONNX) with zero padding over one to three spatial axes. Operands:
/// `x [N, C, spatial..]`, `w [O, C / groups, kernel..]`, optionally `bias [O]`; result `[N, O, spatial..]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Geometry over the spatial axes.
    pub window: Window,
    /// Channel groups; divides both channel counts.
    pub groups: usize,
}

fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<TractConv>()?;
    // Of integers as they are: without zero points, and with the scale 1.
    let whole = [0.0, 1.0].iter().cycle().zip(3..9).all(|(&plain, slot)| t.uniform(site, slot) == Some(plain));
    if op.q_params.is_some() && !whole {
        return Err(import::Refusal::QUANTISED);
    }
    if op.kernel_fmt != KernelFormat::OIHW || !is_channels_first(&op.pool_spec) {
        return Err(import::Refusal::Form("only the layouts NCHW and OIHW are supported"));
    }
    if !matches!(op.pool_spec.rank(), 1..=3) {
        return Err(import::Refusal::Spatial(op.pool_spec.rank()));
    }
    let x_shape = t.operand_shape(site, 0)?;
    let window = Window::of(&op.pool_spec, &x_shape, &site.shape)?;
    let mut operands = vec![t.operand(site, 0)?, t.operand(site, 1)?];
    if t.uniform(site, 2) != Some(0.0) {
        let bias = t.operand(site, 2)?;
        operands.push(t.broadcast(site, bias, &[op.pool_spec.output_channels]));
    }
    t.add(site, Conv { window, groups: op.group }, &operands)
}

impl Operator for Conv {
    fn name(&self) -> &'static str {
        "Conv"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let ([x, w], bias) = match *operands {
            [x, w] => ([x, w], None),
            [x, w, bias] => ([x, w], Some(bias)),
            _ => return Err(Misfit::Arity { expected: 2..=3, got: operands.len() }),
        };
        let layout = || Misfit::Layout { expected: "[N, C, W], [N, C, H, W] or [N, C, D, H, W]", got: x.to_vec() };
        let spatial = x.get(2..).filter(|spatial| matches!(spatial.len(), 1..=3)).ok_or_else(layout)?;
        let fits = w.len() == x.len()
            && self.groups > 0
            && x[1] % self.groups == 0
            && w[1] == x[1] / self.groups
            && w[0] % self.groups == 0
            && w[2..] == self.window.kernel;
        require(fits, || Misfit::Weights {
            weights: w.to_vec(),
            x: x.to_vec(),
            groups: self.groups,
            kernel: self.window.kernel.clone(),
        })?;
        if let Some(bias) = bias.filter(|bias| *bias != [w[0]]) {
            return Err(Misfit::Bias { channels: w[0], got: bias.to_vec() });
        }
        Ok(Some([&[x[0], w[0]], slide(&self.window, spatial)?.as_slice()].concat()))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        integers(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        match operands {
            [x, w, bias @ ..] => convolve(&self.window, self.groups, x, w, bias.first().copied()),
            _ => empty(),
        }
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let bias = if at.all().len() > 2 { at.operand(2).magnitude() } else { 0.0 };
        Range::symmetric(Range::times(largest_row(at), at.operand(0).magnitude()) + bias)
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (x, w) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let kernel = at.constant(w).ok_or("the kernel must be a constant")?;
        let (x, finer) = at.convolved(x)?;
        let name = at.name(id);
        let out = at.graph.shape(id).to_vec();
        let channels = at.builder.dims(x.tensor)[1];
        let (outs, ins) = (out[1] / self.groups, channels / self.groups);
        let depthwise = self.groups > 1 && outs == 1 && ins == 1;

        let (lead, lead_labels, w_lead, w_labels) = match (self.groups, depthwise) {
            (1, _) => (vec![channels], vec![IN], vec![outs, ins], vec![OUT, IN]),
            (_, true) => (vec![self.groups], vec![GROUP], vec![self.groups], vec![GROUP]),
            _ => (vec![self.groups, ins], vec![GROUP, IN], vec![self.groups, outs, ins], vec![GROUP, OUT, IN]),
        };
        let (view, mut x_labels) = windows(at, &format!("{name}.window"), x.tensor, &lead, &self.window, &out[2..]);
        x_labels.splice(1..1, lead_labels);
        let taps: Vec<usize> = (0..self.window.rank()).filter(|&a| self.window.kernel[a] > 1).collect();
        let w_dims: Vec<usize> = w_lead.into_iter().chain(taps.iter().map(|&a| self.window.kernel[a])).collect();
        let w_labels: Vec<Label> = w_labels.into_iter().chain(taps.iter().map(|&a| TAP.nth(a))).collect();

        let scale = at.weight_scale(id, x.scale - finer, &kernel)?;
        let kernel = kernel.reshaped(w_dims).map_err(|e| format!("kernel: {e}"))?;
        let weight = at.weight(&format!("{name}.weight"), kernel.shape(), &kernel, scale)?;
        let mut out_labels = match (self.groups, depthwise) {
            (1, _) => vec![BATCH, OUT],
            (_, true) => vec![BATCH, GROUP],
            _ => vec![BATCH, GROUP, OUT],
        };
        out_labels.extend((0..self.window.rank()).map(|a| SPACE.nth(a)));
        let mut tensor = at.builder.einsum(&name, (weight, &w_labels), (view, &x_labels), &out_labels)?;
        if at.builder.dims(tensor) != out {
            let groups = reshape_groups(at.builder.dims(tensor), &out);
            tensor = at.builder.view(&format!("{name}.channels"), tensor, &out, groups);
        }
        let value = Value { tensor, scale: x.scale + scale, depth: x.depth + 1 };
        match at.graph.operands(id).get(2) {
            None => Ok(value),
            Some(&bias) => {
                let bias = at.constant(bias).ok_or("the bias must be a constant")?;
                let mut shape = vec![out[1]];
                shape.extend(vec![1; self.window.rank()]);
                let bias = bias.reshaped(shape).map_err(|e| format!("bias: {e}"))?;
                at.add_constant(&format!("{name}.biased"), (1, value), (1, &bias), at.exact(id))
            }
        }
    }
}

/// The largest sum of magnitudes over the entries of one output channel.
fn largest_row(at: &Ranges<'_>) -> f64 {
    match at.constant(1) {
        Some(array) => array.outer_iter().map(|row| row.iter().map(|v| v.abs()).sum()).fold(0.0, f64::max),
        None => at.shape(1).iter().skip(1).product::<usize>() as f64 * at.operand(1).magnitude(),
    }
}

/// `[N, C, H..]` as `[N, lead.., oh, kh..]`, and the labels of all but the leading channel axes. Taps of extent 1
/// are left out; without any window the tensor itself.
fn windows(
    at: &mut Lowering<'_>,
    name: &str,
    x: TensorId,
    lead: &[usize],
    window: &Window,
    spatial: &[usize],
) -> (TensorId, Vec<Label>) {
    let source = at.builder.dims(x).to_vec();
    let mut dims = vec![source[0]];
    dims.extend(lead);
    let channels = AxisGroup { out_axes: (1..dims.len()).collect(), source_axes: vec![1], map: GroupMap::Reshape };
    let mut groups = vec![pass(0, 0), channels];
    let mut labels = vec![BATCH];
    let mut moved = lead.len() > 1;
    for (axis, &extent) in spatial.iter().enumerate() {
        let mut group = AxisGroup { out_axes: vec![dims.len()], source_axes: vec![2 + axis], map: GroupMap::Reshape };
        dims.push(extent);
        labels.push(SPACE.nth(axis));
        let (stride, offset) = (window.strides[axis] as i64, -(window.pads_begin[axis] as i64));
        let mut strides = vec![stride];
        if window.kernel[axis] > 1 {
            group.out_axes.push(dims.len());
            dims.push(window.kernel[axis]);
            labels.push(TAP.nth(axis));
            strides.push(window.dilations[axis] as i64);
        }
        if strides != [1] || offset != 0 || source[2 + axis] != extent {
            group.map = GroupMap::Affine { strides, offset };
            moved = true;
        }
        groups.push(group);
    }
    if moved { (at.builder.view(name, x, &dims, groups), labels) } else { (x, labels) }
}

/// `x [N, C, spatial..]`, `w [O, C / groups, kernel..]`, `bias [O]`.
fn convolve(window: &Window, groups: usize, x: &ArrayD<f64>, w: &ArrayD<f64>, bias: Option<&ArrayD<f64>>) -> ArrayD<f64> {
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

/// The window's geometry over at most three spatial axes; a missing axis has extent 1.
struct Plane {
    extent: [usize; 3],
    out: [usize; 3],
    /// Per axis and tap, the input index of each window position.
    sources: [Vec<Vec<Option<usize>>>; 3],
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
        let [(d, od, sd), (h, oh, sh), (w, ow, sw)] = [0, 1, 2].map(axis);
        Self { extent: [d, h, w], out: [od, oh, ow], sources: [sd, sh, sw] }
    }

    fn size(&self) -> usize {
        self.extent.iter().product()
    }

    fn positions(&self) -> usize {
        self.out.iter().product()
    }

    /// The matrix of windows: a row per channel and tap, a column per window position.
    fn columns(&self, x: &[f64], channels: usize) -> Array2<f64> {
        let [deep, vertical, horizontal] = &self.sources;
        let rows = channels * self.sources.iter().map(Vec::len).product::<usize>();
        let mut data = Vec::with_capacity(rows * self.positions());
        for channel in x.chunks_exact(self.size().max(1)) {
            for ((deep, vertical), horizontal) in deep
                .iter()
                .flat_map(|d| vertical.iter().map(move |v| (d, v)))
                .flat_map(|dv| horizontal.iter().map(move |h| (dv, h)))
            {
                for line in deep.iter().flat_map(|d| vertical.iter().map(move |v| Some((*d)? * self.extent[1] + (*v)?))) {
                    match line {
                        None => data.extend(std::iter::repeat_n(0.0, self.out[2])),
                        Some(line) => {
                            let line = &channel[line * self.extent[2]..(line + 1) * self.extent[2]];
                            data.extend(horizontal.iter().map(|w| w.map_or(0.0, |w| line[w])));
                        }
                    }
                }
            }
        }
        Array2::from_shape_vec((rows, self.positions()), data).unwrap_or_else(|_| Array2::zeros((rows, self.positions())))
    }
}
