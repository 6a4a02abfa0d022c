//! Rows of scores: gaps below their maximum, and exponentials of these (docs/lowerings.md, section 13).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value};
use crate::goal::{AT, Temperature};
use crate::quantise::{to_entry, to_real};

/// A table of exponentials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exponentials {
    /// Its rows, the flagged one included.
    pub rows: usize,
    /// The scale of its entries.
    pub scale: Scale,
    /// What gaps are divided by; none for 1.
    pub temperature: Option<Temperature>,
}

impl Exponentials {
    /// A table of a softmax.
    pub fn new(rows: usize, scale: Scale) -> Self {
        Self { rows, scale, temperature: None }
    }
}

impl Lowering<'_> {
    /// `e = exp(-d)` by a table, in which a flag says that some `d` along the axes is 0, and a mask that its last row serves entries that do
    /// not count.
    pub(crate) fn exponentials(
        &mut self,
        name: &str,
        d: TensorId,
        scale: Scale,
        axes: &[usize],
        Exponentials { rows, scale: finer, temperature }: Exponentials,
        mask: Option<TensorId>,
    ) -> Result<TensorId, Refusal> {
        let z = self.selector(name, d, axes)?;
        let key = self.builder.linear(&format!("{name}.key"), &[(1, d), (-1, z)], 0, scale)?;
        let divisor = temperature.map_or(1.0, Temperature::get);
        let exponential = |row: usize| {
            let gap = to_real(row.saturating_sub(1) as i64, scale);
            if mask.is_some() && row + 1 == rows { 0 } else { to_entry((-gap / divisor).exp(), finer) as i64 }
        };
        let mut title = match temperature {
            None => format!("exp(-d) at scale {scale}"),
            Some(temperature) => format!("{AT}{temperature}, at scale {scale}"),
        };
        let mut columns = vec![(0..rows).map(exponential).collect(), (0..rows).map(|r| i64::from(r == 0)).collect()];
        if mask.is_some() {
            title += ", 0 where masked";
            columns.push((0..rows).map(|row| i64::from(row + 1 != rows)).collect());
        }
        let table = self.builder.data_table(&title, -1, columns);
        let rule = Advice::Table { source: key, table, column: 1 };
        let dims = self.builder.dims(d).to_vec();
        let e = self.builder.advice(&format!("{name}.exp"), &dims, rule, Interval::new(0, 1i64 << finer.0), finer);
        let tuple: Vec<TensorId> = [key, e, z].into_iter().chain(mask).collect();
        self.builder.lookup(&tuple, table);
        Ok(e)
    }

    /// `m` repeated along the axes, and `d = m - y`, where `y` is `x` rounded to the scale and `m` its maximum, which is looked up itself.
    pub(crate) fn gaps(
        &mut self,
        name: &str,
        x: Value,
        scale: Scale,
        axes: &[usize],
        kept: &[usize],
        rows: usize,
    ) -> Result<(TensorId, TensorId), Refusal> {
        let dims = self.builder.dims(x.tensor).to_vec();
        let (x, divisor) = self.shifted(name, x, scale)?;
        let bound = (1i64 << 20).min(self.builder.interval(x).magnitude() / divisor + 1);
        let kept_dims: Vec<usize> = kept.iter().map(|&a| dims[a]).collect();
        let rule = Advice::Max { source: x, axes: axes.to_vec(), divisor };
        let m = self.builder.advice(&format!("{name}.max"), &kept_dims, rule, Interval::new(-bound, bound), scale);
        self.builder.loose_range(&format!("{name}.max"), m, -bound, 2 * bound + 1)?;
        let spread = self.broadcast_axes(&format!("{name}.max.spread"), m, kept, &dims);
        let rule = Advice::Gap { reference: spread, source: x, divisor };
        let d = self.builder.advice(&format!("{name}.gap"), &dims, rule, Interval::new(0, rows as i64 - 2), scale);
        let terms = [(1, x), (-divisor, spread), (divisor, d)];
        let remainder = self.builder.linear(&format!("{name}.remainder"), &terms, divisor / 2, Scale(0))?;
        self.builder.remainder(&format!("{name}.remainder"), remainder, divisor)?;
        Ok((spread, d))
    }
}
