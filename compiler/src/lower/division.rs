//! Quotients of integers, exactly: rounded to the nearest, down, or towards zero (docs/lowerings.md, sections 2.2 and 23).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value};
use crate::ops::Label;

/// A number without its sign, and whether it is at least 0; none where it cannot be less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude {
    pub tensor: TensorId,
    pub sign: Option<TensorId>,
}

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

    /// `|x| = 2 s x - x` with `s = [x >= 0]`, in a committed copy.
    pub(crate) fn magnitude(&mut self, name: &str, x: TensorId) -> Result<Magnitude, Refusal> {
        let Interval { lo, hi } = self.builder.interval(x);
        if lo >= 0 {
            return Ok(Magnitude { tensor: x, sign: None });
        }
        let sign = self.nonnegative(name, x)?;
        let size = self.signed_as(&format!("{name}.size"), x, (sign, None))?;
        let interval = Interval::new(0, hi.max(lo.saturating_neg()));
        let tensor = self.builder.copy_within(&format!("{name}.magnitude"), size, interval);
        Ok(Magnitude { tensor, sign: Some(sign) })
    }

    /// `x` where bits are 1, else `-x`. The bits have some axes of `x`, or all.
    pub(crate) fn signed_as(
        &mut self,
        name: &str,
        x: TensorId,
        (sign, axes): (TensorId, Option<&[usize]>),
    ) -> Result<TensorId, Refusal> {
        let all = Label::of(0..self.builder.dims(x).len());
        let own = axes.map_or_else(|| all.clone(), |axes| Label::of(axes.iter().copied()));
        let kept = self.builder.einsum(&format!("{name}.kept"), (sign, &own), (x, &all), &all)?;
        let scale = self.builder.tensor(x).scale;
        self.builder.linear(name, &[(2, kept), (-1, x)], 0, scale)
    }

    /// `floor(a / b)` of numbers that are not negative, of one shape and scale: `round((2 a - b) / (2 b))`. No quotient for `b = 0`.
    fn floored(&mut self, name: &str, a: TensorId, b: TensorId) -> Result<TensorId, Refusal> {
        let part = |suffix: &str| format!("{name}.{suffix}");
        let most = self.builder.interval(a).hi;
        let numerator = self.builder.linear(&part("numerator"), &[(2, a), (-1, b)], 0, Scale(0))?;
        let divisor = self.builder.linear(&part("divisor"), &[(2, b)], 0, Scale(0))?;
        let axes: Vec<usize> = (0..self.builder.dims(a).len()).collect();
        self.quotient(name, (1, numerator), (divisor, &axes), Interval::new(0, most), Scale(0))
    }

    /// The quotient of two tensors of one shape and scale, rounded towards zero.
    pub(crate) fn truncated_quotient(&mut self, name: &str, a: TensorId, b: TensorId) -> Result<TensorId, Refusal> {
        let part = |suffix: &str| format!("{name}.{suffix}");
        let (a, b) = (self.magnitude(&part("first"), a)?, self.magnitude(&part("second"), b)?);
        let q = self.floored(&part("quotient"), a.tensor, b.tensor)?;
        match (a.sign, b.sign) {
            (None, None) => Ok(q),
            (Some(sign), None) | (None, Some(sign)) => self.signed_as(name, q, (sign, None)),
            (Some(first), Some(second)) => {
                let once = self.signed_as(&part("once"), q, (first, None))?;
                self.signed_as(name, once, (second, None))
            }
        }
    }

    /// What is left of the first of two tensors of one shape and scale by whole multiples of the second: of the first's sign.
    pub(crate) fn truncated_remainder(&mut self, name: &str, a: TensorId, b: TensorId) -> Result<TensorId, Refusal> {
        let part = |suffix: &str| format!("{name}.{suffix}");
        let (a, b) = (self.magnitude(&part("first"), a)?, self.magnitude(&part("second"), b)?);
        let q = self.floored(&part("quotient"), a.tensor, b.tensor)?;
        let value = |tensor| Value { tensor, scale: Scale(0), depth: 0 };
        let whole = self.product(&part("whole"), value(b.tensor), value(q))?.tensor;
        let scale = self.builder.tensor(a.tensor).scale;
        let left = self.builder.linear(&part("left"), &[(1, a.tensor), (-1, whole)], 0, scale)?;
        // The product says nothing of how small it is.
        let most = self.builder.interval(a.tensor).hi.min(self.builder.interval(b.tensor).hi - 1).max(0);
        let left = self.builder.copy_within(&part("remainder"), left, Interval::new(0, most));
        a.sign.map_or(Ok(left), |sign| self.signed_as(name, left, (sign, None)))
    }
}
