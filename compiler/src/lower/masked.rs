//! Softmax of masked scores: entries that the mask takes out have weight 0, whatever their scores are.
//!
//! The mask `M` is public, 1 for the entries that count. An entry that counts has the gap `d = m - y` to the largest of those that count; one that
//! does not has the gap `D`, the last row of the table of exponentials, by `M (x - 2^k m) - (1 - M) 2^k D` in place of `x - 2^k m`. The mask is
//! a column of that table, so that the last row serves entries that do not count, and no others.

use zktorch_blocks::program::{Advice, Interval, TensorId};

use super::builder::Refusal;
use super::softmax::{EXPONENTIAL, RESULT};
use super::{Lowering, Value};
use crate::graph::{NodeId, Op};
use crate::quantise::{softmax_rows, to_integer, to_real};

/// A score that is lower by more has no weight in floats of 32 bits: `exp(-104) = 0`.
const NOTHING: f64 = 104.0;

/// A mask: its entries on the axes along which it varies, their labels, and the same for all entries.
struct Mask {
    compact: TensorId,
    labels: Vec<u8>,
    spread: TensorId,
}

impl Lowering<'_> {
    pub(super) fn masked_softmax(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::MaskedSoftmax { axes, gap } = self.graph.op(id).clone() else {
            return Err("not a masked softmax".to_owned());
        };
        let name = self.name(id);
        let scores = self.operand(id, 0)?;
        let x = self.out_of_reach(scores, gap)?;
        let mask = self.mask(id)?;
        let dims = self.builder.dims(x.tensor).to_vec();
        let kept: Vec<usize> = (0..dims.len()).filter(|a| !axes.contains(a)).collect();
        let rows = softmax_rows(self.settings);
        let scale = self.plan.scale(scores);

        let d = self.masked_gaps(&name, x, (scale, rows as i64 - 2), &mask, (&axes, &kept))?;
        let z = self.selector(&name, d, &axes)?;
        let key = self.builder.linear(&format!("{name}.key"), &[(1, d), (-1, z)], 0, scale)?;
        let exponential = |row: usize| {
            let gap = to_real(row.saturating_sub(1) as i64, scale);
            if row + 1 == rows { 0 } else { to_integer((-gap).exp(), EXPONENTIAL) as i64 }
        };
        let columns = vec![
            (0..rows).map(exponential).collect(),
            (0..rows).map(|row| i64::from(row == 0)).collect(),
            (0..rows).map(|row| i64::from(row + 1 != rows)).collect(),
        ];
        let table = self.builder.data_table(&format!("exp(-d) at scale {scale}, 0 where masked"), -1, columns);
        let rule = Advice::Table { source: key, table, column: 1 };
        let one = 1i64 << EXPONENTIAL;
        let e = self.builder.advice(&format!("{name}.exp"), &dims, rule, Interval::new(0, one), EXPONENTIAL);
        self.builder.lookup(&[key, e, z, mask.spread], table);
        let tensor = self.normalise(&name, e, &axes, &kept)?;
        Ok(Value { tensor, scale: RESULT, depth: 0 })
    }

    /// Scores so small, against any prover, that `gap` less leaves nothing of their weight.
    fn out_of_reach(&mut self, scores: NodeId, gap: f64) -> Result<Value, Refusal> {
        let reach = |lowering: &Self, x: Value| {
            let Interval { lo, hi } = lowering.builder.interval(x.tensor);
            to_real(lo, x.scale).abs().max(to_real(hi, x.scale).abs())
        };
        let x = self.value(scores)?;
        if 2.0 * reach(self, x) + NOTHING <= gap {
            return Ok(x);
        }
        let x = self.narrow(scores)?;
        let reach = reach(self, x);
        if 2.0 * reach + NOTHING <= gap {
            return Ok(x);
        }
        Err(format!(
            "scores reach {reach:.0}: an entry that the mask lowers by {gap:.0} may have weight, expected a lower mask"
        ))
    }

    fn mask(&mut self, id: NodeId) -> Result<Mask, Refusal> {
        let operand = self.operand(id, 1)?;
        let values = self.constant(operand).ok_or("the mask must be a constant")?;
        let dims = self.graph.shape(id).to_vec();
        let first = dims.len().saturating_sub(values.ndim());
        let varies: Vec<usize> =
            values.shape().iter().enumerate().filter(|(_, d)| **d > 1).map(|(axis, _)| first + axis).collect();
        let compact_dims: Vec<usize> = varies.iter().map(|&a| dims[a]).collect();
        let entries = values.iter().map(|&v| i64::from(v != 0.0)).collect();
        let name = self.name(id);
        let compact = self.builder.constant(&format!("{name}.mask"), &compact_dims, entries);
        let spread = self.broadcast_axes(&format!("{name}.mask.spread"), compact, &varies, &dims);
        Ok(Mask { compact, labels: varies.iter().map(|&a| a as u8).collect(), spread })
    }

    /// `d = m - y` for entries that count, where `y` is `x` rounded to the scale and `m` the largest such; `last` for the others.
    fn masked_gaps(
        &mut self,
        name: &str,
        x: Value,
        (scale, last): (i32, i64),
        mask: &Mask,
        (axes, kept): (&[usize], &[usize]),
    ) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(x.tensor).to_vec();
        let labels: Vec<u8> = (0..dims.len() as u8).collect();
        let (x, divisor) = self.shifted(name, x, scale)?;
        let Interval { lo, hi } = self.builder.interval(x);
        let bound = (1i64 << 20).min(lo.unsigned_abs().max(hi.unsigned_abs()) as i64 / divisor + 1);
        // Entries that do not count are as small as any can be.
        let counted =
            self.builder.einsum(&format!("{name}.counted"), (mask.compact, &mask.labels), (x, &labels), &labels)?;
        let lowest = self.builder.linear(&format!("{name}.lowest"), &[(1, counted), (-lo, mask.spread)], lo, 0)?;
        let kept_dims: Vec<usize> = kept.iter().map(|&a| dims[a]).collect();
        let rule = Advice::Max { source: lowest, axes: axes.to_vec(), divisor };
        let m = self.builder.advice(&format!("{name}.max"), &kept_dims, rule, Interval::new(-bound, bound), scale);
        self.builder.loose_range(&format!("{name}.max"), m, -bound, 2 * bound + 1)?;
        let spread = self.broadcast_axes(&format!("{name}.max.spread"), m, kept, &dims);
        let below = self.builder.linear(&format!("{name}.below"), &[(1, x), (-divisor, spread)], 0, 0)?;
        let below =
            self.builder.einsum(&format!("{name}.masked"), (mask.compact, &mask.labels), (below, &labels), &labels)?;
        let away = divisor.checked_mul(last).ok_or("a requantisation by too many bits")?;
        let below = self.builder.linear(&format!("{name}.placed"), &[(1, below), (away, mask.spread)], -away, 0)?;
        let zero = self.builder.fill(&format!("{name}.zero"), &dims, 0);
        let rule = Advice::Gap { reference: zero, source: below, divisor };
        let d = self.builder.advice(&format!("{name}.gap"), &dims, rule, Interval::new(0, last), scale);
        let remainder = self.builder.linear(&format!("{name}.remainder"), &[(1, below), (divisor, d)], divisor / 2, 0)?;
        if divisor == 1 {
            self.builder.zero(remainder);
        } else {
            self.builder.remainder(&format!("{name}.remainder"), remainder, divisor)?;
        }
        Ok(d)
    }
}
