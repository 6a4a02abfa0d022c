//! Quotients of integers, rounded, exactly (docs/lowerings.md, section 2.2).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal};
use crate::ops::Label;

impl Lowering<'_> {
    /// `round(factor a / b)` in an interval, for positive integers `b`, which have some axes of `a` and are the same along the others.
    ///
    /// A divisor that is not positive has no quotient: the run is refused, and there is no proof.
    pub(crate) fn quotient(
        &mut self,
        name: &str,
        (factor, a): (i64, TensorId),
        (b, axes): (TensorId, &[usize]),
        interval: Interval,
        scale: Scale,
    ) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(a).to_vec();
        let spread = self.broadcast_axes(&format!("{name}.divisor.spread"), b, axes, &dims);
        let rule = Advice::Divide { numerator: a, denominator: spread, scale: factor };
        let q = self.builder.advice(name, &dims, rule, interval, scale);
        let (all, own) = (Label::of(0..dims.len()), Label::of(axes.iter().copied()));
        let product = self.builder.einsum(&format!("{name}.product"), (b, &own), (q, &all), &all)?;
        let terms = [(2 * factor, a), (1, spread), (-2, product)];
        let over = self.builder.linear(&format!("{name}.over"), &terms, 0, Scale(0))?;
        let rest = self.builder.linear(&format!("{name}.rest"), &[(2, spread), (-1, over)], -1, Scale(0))?;
        let bound = 2 * self.builder.interval(b).hi;
        self.builder.loose_range(&format!("{name}.over"), over, 0, bound)?;
        self.builder.loose_range(&format!("{name}.rest"), rest, 0, bound)?;
        self.builder.loose_range(name, q, interval.lo, interval.hi - interval.lo + 1)?;
        Ok(q)
    }
}
