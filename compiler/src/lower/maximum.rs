//! Maxima that are attained, and sums over axes (docs/lowerings.md, section 11).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value};
use crate::ops::Label;

/// Gaps below a maximum are looked up in a table of at most twice as many rows.
const WIDEST_GAP: i64 = 1 << 16;

/// First label of the axes of extent 1 that a sum leaves.
const UNIT: Label = Label(128);

impl Lowering<'_> {
    /// The maximum over the leading axes of the rounded entries: `m - d_j` is entry `j` rounded, `z` marks the first
    /// `d_j = 0`, and the tuple `(z - d, z)` is a row of the ReLU table: `d >= 0`, and `z > 0` only where `d = z - 1`,
    /// which `sum z = 1` turns into `d = 0`. The caller looks up `m`.
    pub(crate) fn rounded_max(
        &mut self,
        name: &str,
        x: TensorId,
        over: usize,
        shift: i32,
        scale: Scale,
    ) -> Result<Value, Refusal> {
        let divisor = 1i64.checked_shl(shift as u32).filter(|d| *d > 0 && shift < 40);
        let divisor = divisor.ok_or_else(|| Refusal::Width(format!("a requantisation by {shift} bits")))?;
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
        let remainder = self.builder.linear(&format!("{name}.remainder"), &terms, divisor / 2, Scale(0))?;
        self.builder.remainder(&format!("{name}.remainder"), remainder, divisor)?;
        self.attained(name, d, &axes)?;
        Ok(Value { tensor: m, scale, depth: 0 })
    }

    /// The maximum over some axes of entries that other lookups pin. The result has the axes that are left.
    pub(crate) fn attained_max(&mut self, name: &str, x: TensorId, axes: &[usize]) -> Result<TensorId, Refusal> {
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
        let u = self.builder.linear(&format!("{name}.key"), &[(1, z), (-1, d)], 0, Scale(0))?;
        // As wide as honest gaps: those of inputs and of sums that were not rounded are wider than activations.
        let gap = self.builder.interval(d).hi.clamp(-self.signed().lo, WIDEST_GAP);
        let reach = gap.unsigned_abs().next_power_of_two() as i64;
        let table = self.builder.relu_table(-reach, 2 * reach as usize);
        self.builder.lookup(&[u, z], table);
        Ok(())
    }

    /// `z = 1` at the first zero of `d` along the axes, with `sum z = 1`; the caller looks up `z`.
    pub(crate) fn selector(&mut self, name: &str, d: TensorId, axes: &[usize]) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(d).to_vec();
        let rule = Advice::FirstZero { source: d, axes: axes.to_vec() };
        let z = self.builder.advice(&format!("{name}.first"), &dims, rule, Interval::new(0, 1), Scale(0));
        let count = self.sum_axes(&format!("{name}.count"), z, axes, false)?;
        let excess = self.builder.linear(&format!("{name}.excess"), &[(1, count)], -1, Scale(0))?;
        self.builder.zero(excess);
        Ok(z)
    }

    /// The sum over some axes, which disappear or stay with extent 1.
    pub(crate) fn sum_axes(&mut self, name: &str, x: TensorId, axes: &[usize], keep: bool) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(x).to_vec();
        let labels = Label::of(0..dims.len());
        let mut ones_dims: Vec<usize> = axes.iter().map(|&a| dims[a]).collect();
        let mut ones_labels = Label::of(axes.iter().copied());
        if keep {
            ones_dims.extend(vec![1; axes.len()]);
            ones_labels.extend(axes.iter().map(|&a| UNIT.nth(a)));
        }
        let out = labels.iter().enumerate().filter_map(|(axis, &own)| match axes.contains(&axis) {
            true => keep.then(|| UNIT.nth(axis)),
            false => Some(own),
        });
        let out: Vec<Label> = out.collect();
        let ones = self.builder.fill(&format!("{name}.ones"), &ones_dims, 1);
        self.builder.einsum(name, (ones, &ones_labels), (x, &labels), &out)
    }

    /// A sum divided by a count: a change of scale where it is a power of two, else rounded.
    pub(crate) fn mean_of(&mut self, name: &str, sum: Value, divisor: i64) -> Result<Value, Refusal> {
        if divisor.count_ones() == 1 {
            let scale = sum.scale + divisor.trailing_zeros() as i32;
            self.builder.set_scale(sum.tensor, scale);
            return Ok(Value { scale, ..sum });
        }
        if divisor > 1 << 16 {
            return Err(format!("a mean over {divisor} entries, at most 65536 are possible").into());
        }
        // A mean is as wide as what it is the mean of: an input, or a sum that was not rounded, has more bits than an activation.
        let Interval { lo, hi } = self.builder.interval(sum.tensor);
        let [lo, hi] = [lo, hi].map(|end| (end + divisor / 2).div_euclid(divisor));
        let y = self.divide(name, sum.tensor, divisor, Interval::new(lo, hi), sum.scale)?;
        self.builder.loose_range(name, y.tensor, lo, hi - lo + 1)?;
        Ok(y)
    }
}
