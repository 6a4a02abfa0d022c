//! Ranges: by one table, or by limbs where a table would cost more (docs/lowerings.md, section 3).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::builder::Builder;
use super::error::Refusal;

/// Bits of the largest range table.
const TABLE_BITS: u32 = 16;

impl Builder {
    /// Requires a remainder in `[0, divisor)`, hence 0 of 1. The remainder is an integer, because what it is the remainder of is one
    /// and the quotient is looked up; so a multiple of it may be looked up in a larger table. Uniqueness of the
    /// quotient needs no integrality: two of them would differ by less than 1.
    pub fn remainder(&mut self, name: &str, x: TensorId, divisor: i64) -> Result<(), Refusal> {
        if divisor == 1 {
            self.zero(x);
            return Ok(());
        }
        let shared = 1i64 << self.shared_bits;
        if divisor.count_ones() == 1 && divisor < shared {
            let scaled = self.linear(&format!("{name}.scaled"), &[(shared / divisor, x)], 0, Scale(0))?;
            let table = self.range_table(0, shared as usize);
            self.lookup(&[scaled], table);
            return Ok(());
        }
        self.exact_range(name, x, divisor)
    }

    /// Requires integers of an interval, and no others.
    pub fn within(&mut self, name: &str, x: TensorId, Interval { lo, hi }: Interval) -> Result<(), Refusal> {
        let shifted = self.linear(&format!("{name}.offset"), &[(1, x)], -lo, Scale(0))?;
        self.exact_range(name, shifted, hi - lo + 1)
    }

    /// Requires `x` in `[0, bound)`, exactly: one table, or limbs where a table would cost more.
    fn exact_range(&mut self, name: &str, x: TensorId, bound: i64) -> Result<(), Refusal> {
        let shared = 1i64 << self.shared_bits;
        let splits = bound % shared == 0 && bound > shared;
        if bound <= 1 << TABLE_BITS && !(splits && self.limb_is_cheaper(x, bound)) {
            let table = self.range_table(0, bound as usize);
            self.lookup(&[x], table);
            return Ok(());
        }
        if !splits {
            let why = format!("`{name}`: a range of {bound} values cannot be split into limbs of {shared}");
            return Err(Refusal::Width(why));
        }
        let hi = self.limb(name, x, shared, bound / shared)?;
        self.exact_range(name, hi, bound / shared)
    }

    /// Whether a limb for every entry costs less than the rows of a new table.
    fn limb_is_cheaper(&self, x: TensorId, rows: i64) -> bool {
        !self.has_range_table(rows as usize) && 2 * self.tensor(x).shape.len() < rows as usize
    }

    /// Requires an integer interval that contains `[lo, lo + count)`: the shared range table where it is large enough.
    pub fn loose_range(&mut self, name: &str, x: TensorId, lo: i64, count: i64) -> Result<(), Refusal> {
        let bits = 64 - (count - 1).max(1).leading_zeros();
        let scale = self.tensor(x).scale;
        let shifted = self.linear(&format!("{name}.offset"), &[(1, x)], -lo, scale)?;
        self.loose(name, shifted, bits)
    }

    fn loose(&mut self, name: &str, x: TensorId, bits: u32) -> Result<(), Refusal> {
        if bits <= self.shared_bits {
            let table = self.range_table(0, 1 << self.shared_bits);
            self.lookup(&[x], table);
            return Ok(());
        }
        if bits <= TABLE_BITS && !self.limb_is_cheaper(x, 1 << bits) {
            return self.exact_range(name, x, 1 << bits);
        }
        let hi = self.limb(name, x, 1 << self.shared_bits, 1 << (bits - self.shared_bits))?;
        self.loose(name, hi, bits - self.shared_bits)
    }

    /// Splits `x = low * hi + lo`, with `lo` looked up in `[0, low)`; the caller bounds `hi`.
    pub fn limb(&mut self, name: &str, x: TensorId, low: i64, bound: i64) -> Result<TensorId, Refusal> {
        let dims = self.dims(x).to_vec();
        let rule = Advice::Floor { source: x, divisor: low };
        let hi = self.advice(&format!("{name}.high"), &dims, rule, Interval::new(0, bound - 1), Scale(0));
        let lo = self.linear(&format!("{name}.low"), &[(1, x), (-low, hi)], 0, Scale(0))?;
        let table = self.range_table(0, low as usize);
        self.lookup(&[lo], table);
        Ok(hi)
    }
}
