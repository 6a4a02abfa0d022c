//! Pooling (docs/lowerings.md, section 11, and docs/lowerings.md, section 12).

use zktorch_blocks::program::{Advice, AxisGroup, GroupMap, Interval, TensorId};

use super::builder::Refusal;
use super::layout::pass;
use super::{Lowering, Value};
use crate::graph::{NodeId, Op, Window};
use crate::quantise::is_tiling;

/// Gaps below a maximum are looked up in a table of at most twice as many rows.
const WIDEST_GAP: i64 = 1 << 16;

impl Lowering<'_> {
    pub(super) fn max_pool(&mut self, id: NodeId) -> Result<Value, Refusal> {
        self.fused_pool(id)
    }

    /// A max pool with the function around it: pool first, then apply the function to the maxima.
    pub(super) fn fused_pool(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let pool = self.plan.pools.get(&id).cloned().ok_or("its pool was not planned")?;
        let value = self.value(pool.source)?;
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        let domain = self.signed();
        let wide = !(domain.contains(lo) && domain.contains(hi)) && value.scale > self.plan.scale(pool.source);
        let name = self.name(id);
        let out = &self.graph.shape(id)[2..].to_vec();
        let m = if wide && is_tiling(&pool.window) {
            let shift = value.scale - self.plan.scale(pool.source);
            let x = self.max_window(&format!("{name}.window"), value.tensor, &pool.window, out)?;
            let m = self.rounded_max(&name, x, pool.window.rank(), shift, self.plan.scale(pool.source))?;
            if pool.function.is_none() {
                self.builder.loose_range(&format!("{name}.max"), m.tensor, domain.lo, domain.hi - domain.lo + 1)?;
            }
            m
        } else {
            let value = self.narrow(pool.source)?;
            let x = self.max_window(&format!("{name}.window"), value.tensor, &pool.window, out)?;
            let axes: Vec<usize> = (0..pool.window.rank()).collect();
            let m = Value { tensor: self.attained_max(&name, x, &axes)?, depth: 0, ..value };
            match pool.function {
                Some(_) => self.fit(&name, m, self.plan.scale(pool.source))?,
                None => m,
            }
        };
        match pool.function {
            Some(function) => self.apply(id, m, function),
            None => Ok(m),
        }
    }

    /// `[N, C, H..]` as `[k.., N, C, oh..]`, slots in the padding replaced by others of the same window.
    fn max_window(&mut self, name: &str, x: TensorId, window: &Window, out: &[usize]) -> Result<TensorId, Refusal> {
        let source = self.builder.dims(x).to_vec();
        let rank = window.rank();
        let dims: Vec<usize> = window.kernel.iter().chain(&source[..2]).chain(out).copied().collect();
        let mut groups = vec![pass(rank, 0), pass(rank + 1, 1)];
        for axis in 0..rank {
            let map = tap_map(window, axis, out[axis], source[2 + axis])?;
            groups.push(AxisGroup { out_axes: vec![rank + 2 + axis, axis], source_axes: vec![2 + axis], map });
        }
        Ok(self.builder.view(name, x, &dims, groups))
    }

    /// The maximum over the leading axes of the rounded entries: `m - d_j` is entry `j` rounded, `z` marks the first
    /// `d_j = 0`, and the tuple `(z - d, z)` is a row of the ReLU table: `d >= 0`, and `z > 0` only where `d = z - 1`,
    /// which `sum z = 1` turns into `d = 0`. The caller looks up `m`.
    pub(super) fn rounded_max(
        &mut self,
        name: &str,
        x: TensorId,
        over: usize,
        shift: i32,
        scale: i32,
    ) -> Result<Value, Refusal> {
        let divisor = 1i64.checked_shl(shift as u32).filter(|d| *d > 0 && shift < 40);
        let divisor = divisor.ok_or_else(|| format!("a requantisation by {shift} bits"))?;
        let dims = self.builder.dims(x).to_vec();
        let axes: Vec<usize> = (0..over).collect();
        let kept: Vec<usize> = (over..dims.len()).collect();
        let domain = self.signed();
        let rule = Advice::Max { source: x, axes: axes.clone(), divisor };
        let m = self.builder.advice(&format!("{name}.max"), &dims[over..], rule, domain, scale);
        let spread = self.broadcast_axes(&format!("{name}.max.spread"), m, &kept, &dims);
        let rule = Advice::Gap { reference: spread, source: x, divisor };
        let d = self.builder.advice(&format!("{name}.gap"), &dims, rule, Interval::new(0, -domain.lo), scale);
        let terms = [(1, x), (-divisor, spread), (divisor, d)];
        let remainder = self.builder.linear(&format!("{name}.remainder"), &terms, divisor / 2, 0)?;
        self.builder.remainder(&format!("{name}.remainder"), remainder, divisor)?;
        self.attained(name, d, &axes)?;
        Ok(Value { tensor: m, scale, depth: 0 })
    }

    /// The maximum over some axes of entries that other lookups pin. The result has the axes that are left.
    pub(super) fn attained_max(&mut self, name: &str, x: TensorId, axes: &[usize]) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(x).to_vec();
        let kept: Vec<usize> = (0..dims.len()).filter(|a| !axes.contains(a)).collect();
        let kept_dims: Vec<usize> = kept.iter().map(|&a| dims[a]).collect();
        let (interval, scale) = (self.builder.interval(x), self.builder.tensor(x).scale);
        let rule = Advice::Max { source: x, axes: axes.to_vec(), divisor: 1 };
        let m = self.builder.advice(&format!("{name}.max"), &kept_dims, rule, interval, scale);
        let spread = self.broadcast_axes(&format!("{name}.max.spread"), m, &kept, &dims);
        let d = self.builder.linear(&format!("{name}.gap"), &[(1, spread), (-1, x)], 0, scale)?;
        self.attained(name, d, axes)?;
        Ok(m)
    }

    /// Requires `d >= 0`, and `d = 0` somewhere along the axes.
    fn attained(&mut self, name: &str, d: TensorId, axes: &[usize]) -> Result<(), Refusal> {
        let z = self.selector(name, d, axes)?;
        let u = self.builder.linear(&format!("{name}.key"), &[(1, z), (-1, d)], 0, 0)?;
        // As wide as honest gaps: those of inputs and of sums that were not rounded are wider than activations.
        let gap = self.builder.interval(d).hi.clamp(-self.signed().lo, WIDEST_GAP);
        let reach = gap.unsigned_abs().next_power_of_two() as i64;
        let table = self.builder.relu_table(-reach, 2 * reach as usize);
        self.builder.lookup(&[u, z], table);
        Ok(())
    }

    /// `z = 1` at the first zero of `d` along the axes, with `sum z = 1`; the caller looks up `z`.
    pub(super) fn selector(&mut self, name: &str, d: TensorId, axes: &[usize]) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(d).to_vec();
        let rule = Advice::FirstZero { source: d, axes: axes.to_vec() };
        let z = self.builder.advice(&format!("{name}.first"), &dims, rule, Interval::new(0, 1), 0);
        let count = self.sum_axes(&format!("{name}.count"), z, axes, false)?;
        let excess = self.builder.linear(&format!("{name}.excess"), &[(1, count)], -1, 0)?;
        self.builder.zero(excess);
        Ok(z)
    }

    /// The sum over some axes, which disappear or stay with extent 1.
    pub(super) fn sum_axes(&mut self, name: &str, x: TensorId, axes: &[usize], keep: bool) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(x).to_vec();
        let labels: Vec<u8> = (0..dims.len() as u8).collect();
        let mut ones_dims: Vec<usize> = axes.iter().map(|&a| dims[a]).collect();
        let mut ones_labels: Vec<u8> = axes.iter().map(|&a| a as u8).collect();
        let unit = |a: usize| 128 + a as u8;
        if keep {
            ones_dims.extend(vec![1; axes.len()]);
            ones_labels.extend(axes.iter().map(|&a| unit(a)));
        }
        let out: Vec<u8> =
            (0..dims.len()).filter_map(|a| if !axes.contains(&a) { Some(a as u8) } else { keep.then(|| unit(a)) }).collect();
        let ones = self.builder.fill(&format!("{name}.ones"), &ones_dims, 1);
        self.builder.einsum(name, (ones, &ones_labels), (x, &labels), &out)
    }

    pub(super) fn average_pool(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::AveragePool { window, count_include_pad } = self.graph.op(id).clone() else {
            return Err("not an average pool".to_owned());
        };
        let operand = self.operand(id, 0)?;
        let (source, out) = (self.graph.shape(operand).to_vec(), self.graph.shape(id)[2..].to_vec());
        let rank = window.rank();
        let counts = if count_include_pad { None } else { uneven_counts(&window, &source[2..], &out) };
        if counts.iter().flatten().any(|&count| count == 0) {
            return Err("a window lies in the padding altogether: its mean is that of no entries".to_owned());
        }
        let divisor = match &counts {
            None => window.taps() as i64,
            Some(counts) => counts.iter().fold(1, |l, &c| lcm(l, c)),
        };
        let x = if divisor.count_ones() == 1 { self.value(operand)? } else { self.narrow(operand)? };
        let name = self.name(id);
        let mut dims = source[..2].to_vec();
        let mut groups = vec![pass(0, 0), pass(1, 1)];
        for axis in 0..rank {
            dims.extend([out[axis], window.kernel[axis]]);
            let (o, source_axes) = (2 + 2 * axis, vec![2 + axis]);
            let map = affine_map(&window, axis, out[axis], source[2 + axis]);
            groups.push(AxisGroup { out_axes: vec![o, o + 1], source_axes, map });
        }
        let view = self.builder.view(&format!("{name}.window"), x.tensor, &dims, groups);
        let labels: Vec<u8> = (0..dims.len() as u8).collect();
        let (positions, taps): (Vec<u8>, Vec<u8>) = (0..rank as u8).map(|a| (2 + 2 * a, 3 + 2 * a)).unzip();
        let out_labels: Vec<u8> = [0, 1].into_iter().chain(positions.iter().copied()).collect();
        let (ones, ones_labels) = match counts {
            None => (self.builder.fill(&format!("{name}.ones"), &window.kernel, 1), taps),
            Some(counts) => {
                let weights: Vec<i64> = counts.iter().flat_map(|c| vec![divisor / c; window.taps()]).collect();
                let dims: Vec<usize> = out.iter().chain(&window.kernel).copied().collect();
                let tensor = self.builder.constant(&format!("{name}.weights"), &dims, weights);
                (tensor, positions.into_iter().chain(taps).collect())
            }
        };
        let sum = self.builder.einsum(&format!("{name}.sum"), (ones, &ones_labels), (view, &labels), &out_labels)?;
        self.mean_of(&name, Value { tensor: sum, depth: x.depth + 1, ..x }, divisor)
    }

    /// A sum divided by a count: a change of scale where it is a power of two, else rounded.
    pub(super) fn mean_of(&mut self, name: &str, sum: Value, divisor: i64) -> Result<Value, Refusal> {
        if divisor.count_ones() == 1 {
            let scale = sum.scale + divisor.trailing_zeros() as i32;
            self.builder.set_scale(sum.tensor, scale);
            return Ok(Value { scale, ..sum });
        }
        if divisor > 1 << 16 {
            return Err(format!("a mean over {divisor} entries, at most 65536 are possible"));
        }
        // A mean is as wide as what it is the mean of: an input, or a sum that was not rounded, has more bits than an activation.
        let Interval { lo, hi } = self.builder.interval(sum.tensor);
        let [lo, hi] = [lo, hi].map(|end| (end + divisor / 2).div_euclid(divisor));
        let y = self.divide(name, sum.tensor, divisor, Interval::new(lo, hi), sum.scale)?;
        self.builder.loose_range(name, y.tensor, lo, hi - lo + 1)?;
        Ok(y)
    }
}

/// Taps of a window along an axis as an index map `(position, tap) -> source`, zero in the padding.
fn affine_map(window: &Window, axis: usize, out: usize, extent: usize) -> GroupMap {
    let (k, s) = (window.kernel[axis], window.strides[axis]);
    let padded = window.pads_begin[axis] > 0 || window.pads_end[axis] > 0;
    if k == s && window.dilations[axis] == 1 && !padded && out * k == extent {
        return GroupMap::Reshape;
    }
    let strides = vec![s as i64, window.dilations[axis] as i64];
    GroupMap::Affine { strides, offset: -(window.pads_begin[axis] as i64) }
}

/// The same with slots in the padding replaced by the window's first valid slot.
fn tap_map(window: &Window, axis: usize, out: usize, extent: usize) -> Result<GroupMap, Refusal> {
    let taps = 0..window.kernel[axis];
    let source = |p: usize, t: usize| window.source(axis, p, t, extent);
    if (0..out).all(|p| taps.clone().all(|t| source(p, t).is_some())) {
        return Ok(affine_map(window, axis, out, extent));
    }
    let mut list = Vec::new();
    for p in 0..out {
        let first = taps.clone().find_map(|t| source(p, t)).ok_or("a window lies in the padding altogether")?;
        list.extend(taps.clone().map(|t| u32::try_from(source(p, t).unwrap_or(first)).ok()));
    }
    Ok(GroupMap::List(list))
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
