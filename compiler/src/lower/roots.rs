//! Square roots and reciprocals of numbers that no table holds, exactly (docs/lowerings.md, section 12). They are of a row, and a row has many
//! entries, so that their limbs cost little.

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal};
use crate::ops::Label;

impl Lowering<'_> {
    /// `floor(sqrt(x))` for integers `x` that are not negative.
    pub(crate) fn square_root(&mut self, name: &str, x: TensorId, scale: Scale) -> Result<TensorId, Refusal> {
        let (dims, Interval { lo, hi }) = (self.builder.dims(x).to_vec(), self.builder.interval(x));
        let interval = Interval::new(lo.max(0).isqrt(), hi.max(0).isqrt());
        let y = self.builder.advice(name, &dims, Advice::SquareRoot { source: x }, interval, scale);
        self.builder.loose_range(name, y, 0, interval.hi + 1)?;
        let own = Label::of(0..dims.len());
        let square = self.builder.einsum(&format!("{name}.square"), (y, &own), (y, &own), &own)?;
        let rest = self.builder.linear(&format!("{name}.remainder"), &[(1, x), (-1, square)], 0, Scale(0))?;
        let other = self.builder.linear(&format!("{name}.rest"), &[(2, y), (-1, rest)], 0, Scale(0))?;
        self.builder.loose_range(&format!("{name}.remainder"), rest, 0, 2 * interval.hi + 1)?;
        self.builder.loose_range(&format!("{name}.rest"), other, 0, 2 * interval.hi + 1)?;
        Ok(y)
    }

    /// `round(numerator / y)` for positive integers `y`, up to a largest one.
    pub(crate) fn reciprocal(
        &mut self,
        name: &str,
        (numerator, y): (i64, TensorId),
        largest: i64,
        scale: Scale,
    ) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(y).to_vec();
        let one = self.builder.fill(&format!("{name}.one"), &dims, 1);
        let axes: Vec<usize> = (0..dims.len()).collect();
        self.quotient(name, (numerator, one), (y, &axes), Interval::new(0, largest), scale)
    }
}
