//! Logarithms of sums of exponentials, out of two tables (docs/lowerings.md, section 14).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, power};
use crate::ops::Label;

/// Entries of a row whose sum has a logarithm, at most: as many integers can be nearest to the sum.
pub(crate) const LONGEST: usize = (1 << 16) - 1;

/// How fine the steps are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Precision {
    /// Rows of the table of exponentials.
    pub rows: usize,
    /// Scale of the exponentials.
    pub exponential: Scale,
    /// Bits of a sum that was brought near 1.
    pub mantissa: i32,
    /// Scale of the logarithms.
    pub logarithm: Scale,
}

impl Lowering<'_> {
    /// `log S` for a sum `S` of exponentials, between 1 and `entries`: `h = round(S)`, `b` the binary logarithm of `h` rounded down, and
    /// `log S = log(2^-b S) + b log 2`.
    pub(crate) fn logarithm(
        &mut self,
        name: &str,
        sum: TensorId,
        entries: i64,
        precision: Precision,
    ) -> Result<TensorId, Refusal> {
        let Precision { exponential, mantissa, logarithm, .. } = precision;
        let dims = self.builder.dims(sum).to_vec();
        let unit = logarithm.units();
        let most = entries.ilog2();
        let h =
            self.divide(&format!("{name}.whole"), sum, power(exponential.0)?, Interval::new(1, entries), Scale(0))?.tensor;
        let factor = |h: i64| 1i64 << (most - h.ilog2());
        let part = |h: i64| (f64::from(h.ilog2()) * std::f64::consts::LN_2 * unit).round() as i64;
        let columns = vec![(1..=entries).map(factor).collect(), (1..=entries).map(part).collect()];
        let table = self.builder.data_table(&format!("powers of two up to {entries}"), 1, columns);
        let advice = |of: &mut Self, suffix: &str, (source, table, column), interval| {
            let rule = Advice::Table { source, table, column };
            of.builder.advice(&format!("{name}.{suffix}"), &dims, rule, interval, Scale(0))
        };
        let factor = advice(self, "factor", (h, table, 1), Interval::new(1, 1 << most));
        let high = advice(self, "log.high", (h, table, 2), Interval::new(0, part(entries)));
        self.builder.lookup(&[h, factor, high], table);

        let labels = Label::of(0..dims.len());
        let near = self.builder.einsum(&format!("{name}.near"), (factor, &labels), (sum, &labels), &labels)?;
        // From h = 2: three quarters; below 2.
        let (lo, hi) = (3 * power(mantissa)? / 4, 2 * power(mantissa)?);
        let drop = power(most as i32 + exponential.0 - mantissa)?;
        let q = self.divide(&format!("{name}.mantissa"), near, drop, Interval::new(lo, hi), Scale(0))?.tensor;
        let entry = |q: i64| ((q as f64).ln() * unit - f64::from(mantissa) * std::f64::consts::LN_2 * unit).round() as i64;
        let table = self.builder.data_table("log", lo, vec![(lo..=hi).map(entry).collect()]);
        let low = advice(self, "log.low", (q, table, 1), Interval::new(entry(lo), entry(hi)));
        self.builder.lookup(&[q, low], table);
        self.builder.linear(&format!("{name}.log"), &[(1, high), (1, low)], 0, logarithm)
    }
}
