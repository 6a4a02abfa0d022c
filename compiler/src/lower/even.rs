//! Rounding to the nearest integer, of two to the even one, exactly (docs/lowerings.md, section 26).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value, power};

/// Bits that are dropped, at most.
const WIDEST: i32 = 44;

impl Lowering<'_> {
    /// `x / 2^shift`, rounded: `x + d/2 = 2 d h + r` with `r` in `[0, 2 d)` is `2 h` where `r <= d`, and one more above.
    pub(crate) fn nearest(&mut self, name: &str, x: TensorId, shift: i32) -> Result<Value, Refusal> {
        let part = |suffix: &str| format!("{name}.{suffix}");
        if shift <= 0 {
            let tensor = self.builder.linear(name, &[(power(-shift)?, x)], 0, Scale(0))?;
            return Ok(Value { tensor, scale: Scale(0), depth: 1 });
        }
        if shift > WIDEST {
            return Err(Refusal::Width(format!("a quotient by 2^{shift}, at most 2^{WIDEST} is possible")));
        }
        let d = power(shift)?;
        let raised = self.builder.linear(&part("raised"), &[(1, x)], d / 2, Scale(0))?;
        let Interval { lo, hi } = self.builder.interval(raised);
        let (dims, halves) = (self.builder.dims(x).to_vec(), Interval::new(lo.div_euclid(2 * d), hi.div_euclid(2 * d)));
        let rule = Advice::Floor { source: raised, divisor: 2 * d };
        let half = self.builder.advice(&part("half"), &dims, rule, halves, Scale(0));
        self.builder.loose_range(&part("half"), half, halves.lo, halves.hi - halves.lo + 1)?;
        let rest = self.builder.linear(&part("rest"), &[(1, raised), (-2 * d, half)], 0, Scale(0))?;
        self.builder.remainder(&part("rest"), rest, 2 * d)?;
        // What the remainder is, which its interval does not show.
        let known = Interval::new(0, 2 * d - 1);
        self.rounded_up(name, (&[(1, rest)], -d - 1), (half, known))
    }

    /// `n / s`, rounded, of magnitude `most` at most, for positive integers `s`: the same with `2 n + s = 4 s h + r`.
    pub(crate) fn nearest_quotient(&mut self, name: &str, n: TensorId, s: TensorId, most: i64) -> Result<Value, Refusal> {
        let part = |suffix: &str| format!("{name}.{suffix}");
        let dims = self.builder.dims(n).to_vec();
        let doubled = self.builder.linear(&part("doubled"), &[(2, n), (-1, s)], 0, Scale(0))?;
        let fourfold = self.builder.linear(&part("fourfold"), &[(4, s)], 0, Scale(0))?;
        let halves = Interval::new((-most).div_euclid(2) - 1, most / 2 + 1);
        let rule = Advice::Divide { numerator: doubled, denominator: fourfold, scale: 1 };
        let half = self.builder.advice(&part("half"), &dims, rule, halves, Scale(0));
        self.builder.loose_range(&part("half"), half, halves.lo, halves.hi - halves.lo + 1)?;
        let [half, fourfold] = [half, fourfold].map(|tensor| Value { tensor, scale: Scale(0), depth: 0 });
        let product = self.product(&part("product"), half, fourfold)?;
        let terms = [(2, n), (1, s), (-1, product.tensor)];
        let rest = self.builder.linear(&part("rest"), &terms, 0, Scale(0))?;
        let gap = self.builder.linear(&part("gap"), &[(1, fourfold.tensor), (-1, rest)], -1, Scale(0))?;
        let bound = self.builder.interval(fourfold.tensor).hi.max(1);
        self.builder.loose_range(&part("rest"), rest, 0, bound)?;
        self.builder.loose_range(&part("gap"), gap, 0, bound)?;
        let known = Interval::new(0, bound - 1);
        self.rounded_up(name, (&[(1, rest), (-2, s)], -1), (half.tensor, known))
    }

    /// `2 h + [gap >= 0]`, where the gap is a remainder less something that is no larger than what bounds it.
    fn rounded_up(
        &mut self,
        name: &str,
        (terms, constant): (&[(i64, TensorId)], i64),
        (half, rest): (TensorId, Interval),
    ) -> Result<Value, Refusal> {
        let above = self.builder.linear(&format!("{name}.above"), terms, constant, Scale(0))?;
        let up = self.sign_within(&format!("{name}.up"), above, rest.hi)?;
        let tensor = self.builder.linear(name, &[(2, half), (1, up)], 0, Scale(0))?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }
}
