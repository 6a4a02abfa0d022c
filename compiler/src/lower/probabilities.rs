//! Probabilities of gaps below a maximum: by division, or by subtraction of the logarithm of the sum (docs/lowerings.md, section 13).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Exponentials, Lowering, Precision, Refusal, Value, power};
use crate::quantise::{to_entry, to_real};

/// Scale of probabilities.
const RESULT: Scale = Scale(15);
/// Scale of exponentials: `exp(0) = 2^14`.
const EXPONENTIAL: Scale = Scale(14);
/// Bits of exponentials beyond those that count a row's entries, where their sum is all that is made of them: what rounding takes from a
/// row's tail is at most `2^-11` of the sum.
const TAIL: i32 = 10;
/// Bits of a sum that was brought near 1, and the scale of its logarithm: both finer than gaps are.
const LOGARITHM: (i32, Scale) = (12, Scale(16));

/// How a row is divided by its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Normaliser {
    /// `round(e / S)`, exactly: a committed quotient an entry, its remainder in limbs, and a product.
    Quotient,
    /// `exp(-(d + log S))` by a second table: a lookup an entry, and a logarithm a row. A row's probabilities are all off by the same factor,
    /// as much as a gap's rounding makes.
    Logarithm,
}

/// Gaps of scores below their row's maximum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gaps<'a> {
    /// `d`, from 0 to `rows - 2`.
    pub d: TensorId,
    pub scale: Scale,
    /// Rows of the table of exponentials.
    pub rows: usize,
    /// 1 where an entry counts, else 0: there the gap is `rows - 2`, which no other has.
    pub mask: Option<TensorId>,
    /// Axes of a row.
    pub axes: &'a [usize],
    /// The others.
    pub kept: &'a [usize],
}

impl Lowering<'_> {
    /// `exp(-d) / sum exp(-d)` along the axes.
    pub(crate) fn probabilities(&mut self, name: &str, gaps: Gaps<'_>, by: Normaliser) -> Result<Value, Refusal> {
        let tensor = match by {
            Normaliser::Quotient => self.by_quotient(name, gaps)?,
            Normaliser::Logarithm => {
                let entries = gaps.axes.iter().map(|&a| self.builder.dims(gaps.d)[a]).product::<usize>();
                let exponential = EXPONENTIAL.max(Scale(entries.next_power_of_two().ilog2() as i32 + TAIL));
                let (mantissa, logarithm) = LOGARITHM;
                let precision = Precision { rows: gaps.rows, exponential, mantissa, logarithm };
                self.by_logarithm(name, gaps, precision, RESULT)?
            }
        };
        Ok(Value { tensor, scale: RESULT, depth: 0 })
    }

    /// `p = round(2^15 e / S)`.
    fn by_quotient(&mut self, name: &str, gaps: Gaps<'_>) -> Result<TensorId, Refusal> {
        let (e, sum) = self.exponentials_and_sum(name, gaps, EXPONENTIAL)?;
        let unit = power(RESULT.0)?;
        self.quotient(name, (unit, e), (sum, gaps.kept), Interval::new(0, unit), RESULT)
    }

    /// `p = round(exp(-(d + log S)))` at a scale; 0 where an entry does not count: its key lies behind all others.
    pub(super) fn by_logarithm(
        &mut self,
        name: &str,
        gaps: Gaps<'_>,
        precision: Precision,
        result: Scale,
    ) -> Result<TensorId, Refusal> {
        let Gaps { d, scale, rows, mask, axes, kept } = gaps;
        let dims = self.builder.dims(d).to_vec();
        let entries: usize = axes.iter().map(|&a| dims[a]).product();
        let (_, sum) = self.exponentials_and_sum(name, gaps, precision.exponential)?;
        let logarithm = self.logarithm(name, sum, entries as i64, precision)?;
        let most = ((entries as f64).ln() * scale.units()).ceil() as i64 + 1;
        let near = format!("{name}.log.near");
        let drop = power(precision.logarithm - scale)?;
        let logarithm = self.divide(&near, logarithm, drop, Interval::new(0, most), scale)?.tensor;
        self.builder.loose_range(&near, logarithm, 0, most + 1)?;
        let spread = self.broadcast_axes(&format!("{near}.spread"), logarithm, kept, &dims);

        let away = mask.map_or(0, |_| most);
        let terms: Vec<_> = [(1, d), (1, spread)].into_iter().chain(mask.map(|mask| (-away, mask))).collect();
        let key = self.builder.linear(&format!("{name}.position"), &terms, away, scale)?;
        let (last, end) = (rows as i64 - 2 + away, rows as i64 - 1 + most + away);
        let probability = |key: i64| match mask {
            Some(_) if key >= last => 0,
            _ => to_entry((-to_real(key, scale)).exp(), result) as i64,
        };
        let title = format!("exp(-d) at scale {scale}, of a sum");
        let table = self.builder.data_table(&title, 0, vec![(0..end).map(probability).collect()]);
        let rule = Advice::Table { source: key, table, column: 1 };
        let p = self.builder.advice(name, &dims, rule, Interval::new(0, power(result.0)?), result);
        self.builder.lookup(&[key, p], table);
        Ok(p)
    }

    /// `e = exp(-d)`, and a committed copy of its sums.
    fn exponentials_and_sum(
        &mut self,
        name: &str,
        Gaps { d, scale, rows, mask, axes, .. }: Gaps<'_>,
        exponential: Scale,
    ) -> Result<(TensorId, TensorId), Refusal> {
        let e = self.exponentials(name, d, scale, axes, Exponentials::new(rows, exponential), mask)?;
        let sum = self.sum_axes(&format!("{name}.sum"), e, axes, false)?;
        Ok((e, self.builder.copy(&format!("{name}.total"), sum)))
    }
}
