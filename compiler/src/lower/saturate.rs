//! Functions that are constant beyond two points, on values far wider than their tables (docs/lowerings.md, section 7).
//!
//! A table over all that such a function meets would waste its rows, and with them bits, on entries that are all equal. Here a value `y` beyond the
//! table's domain `[L, U]` is brought back by `G a`, and a class `s`, the sign of `a`, tells the table that it was: `y = z + G a`, `(a, s)` is a
//! row of the table of signs, and `(z + G s, s, o)` a row of the function's, which counts from `L - G` to `U + G`. Rows of class 1 stand for
//! the `G` largest `z`, rows of class -1 for the smallest, so that `z` and `a` are `y` in mixed radix: one solution for every `y`.

use zktorch_blocks::program::{Advice, Interval, Scale};

use super::{Lowering, Refusal, Value};
use crate::graph::NodeId;
use crate::ops::Unary;
use crate::quantise::{Domain, to_entry, to_real};

impl Lowering<'_> {
    /// `o = f(min(max(y, L), U))` for `y` the value `x` rounded to the domain's scale, at most `2^reach` steps beyond it; for the node `id`.
    pub(crate) fn saturated(
        &mut self,
        id: NodeId,
        x: Value,
        function: &Unary,
        domain: Domain,
        reach: u32,
    ) -> Result<Value, Refusal> {
        let name = self.name(id);
        let Domain { scale, lo, hi, step } = domain;
        let (x, divisor) = self.shifted(&name, x, scale)?;
        let dims = self.builder.dims(x).to_vec();
        let ends = Interval::new(-(1i64 << reach), (1i64 << reach) - 1);

        let rule = Advice::Excess { source: x, divisor, lo, hi, step };
        let excess = self.builder.advice(&format!("{name}.excess"), &dims, rule, ends, Scale(0));
        let signs = self.builder.data_table("sign", ends.lo, vec![(ends.lo..=ends.hi).map(i64::signum).collect()]);
        let rule = Advice::Table { source: excess, table: signs, column: 1 };
        let class = self.builder.advice(&format!("{name}.class"), &dims, rule, Interval::new(-1, 1), Scale(0));
        self.builder.lookup(&[excess, class], signs);

        let near = self.builder.linear(&format!("{name}.near"), &[(1, x), (-divisor * step, excess)], 0, scale)?;
        let z = self.divide(&name, near, divisor, Interval::new(lo, hi), scale)?.tensor;

        let key = self.builder.linear(&format!("{name}.key"), &[(1, z), (step, class)], 0, scale)?;
        let entry = |y: i64| to_entry(function.eval(to_real(y.clamp(lo, hi), scale)), scale) as i64;
        let keys = lo - step..=hi + step;
        let class_of = |key: i64| i64::from(key > hi) - i64::from(key < lo);
        let columns = vec![keys.clone().map(class_of).collect(), keys.map(entry).collect()];
        let table =
            self.builder.data_table(&format!("{} at scale {scale}, saturating", function.name()), lo - step, columns);
        let rule = Advice::Table { source: key, table, column: 2 };
        let tensor = self.builder.advice(&name, &dims, rule, Interval::new(entry(lo), entry(hi)), scale);
        self.builder.lookup(&[key, class, tensor], table);
        Ok(Value { tensor, scale, depth: 0 })
    }
}
