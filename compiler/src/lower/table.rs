//! Functions by lookups in tables (docs/lowerings.md, section 6).

use zktorch_blocks::program::{Advice, Interval, Scale, TableId};

use super::{FINER, Lowering, Note, Refusal, Value};
use crate::graph::NodeId;
use crate::ops::Unary;
use crate::quantise::{to_entry, to_real};

/// No table entry exceeds this.
const ENTRY: f64 = (1u64 << 30) as f64;
/// Scale of what a gate multiplies with, which is at most 1.
const SHARE: Scale = Scale(15);
/// In the place of 0, where a share is a quotient of zeros.
const NEAR: f64 = 1e-6;

/// Entries of a table for arguments from a first one on.
pub(super) struct Rows {
    pub start: i64,
    pub entries: Vec<i64>,
}

impl Lowering<'_> {
    /// `o = f(y)` by a lookup of `(y, o)`; for the node `id`.
    pub(crate) fn apply(&mut self, id: NodeId, y: Value, function: Unary) -> Result<Value, Refusal> {
        let shared = self.within_signed(y);
        if function == Unary::Relu && self.settings.signs && self.plan.pools.is_empty() && shared {
            return self.relu_by_sign(id, y);
        }
        let (table, scale, interval) = self.function_table(id, y, function)?;
        let dims = self.builder.dims(y.tensor).to_vec();
        let rule = Advice::Table { source: y.tensor, table, column: 1 };
        let tensor = self.builder.advice(&self.name(id), &dims, rule, interval, scale);
        self.builder.lookup(&[y.tensor, tensor], table);
        Ok(Value { tensor, scale, depth: 0 })
    }

    /// `o = s y`, where `s` is the sign bit of `y`: `y + 2^(w-1) = 2^j h + lo`, `lo` and `(h, s)` looked up. No table of
    /// `2^w` rows: for nets with few activations (docs/lowerings.md, section 6).
    fn relu_by_sign(&mut self, id: NodeId, y: Value) -> Result<Value, Refusal> {
        let name = self.name(id);
        let domain = self.signed();
        let shared = self.settings.shared.min(self.settings.bits - 1);
        let dims = self.builder.dims(y.tensor).to_vec();
        let raised = self.builder.linear(&format!("{name}.raised"), &[(1, y.tensor)], -domain.lo, y.scale)?;
        let highs = 1i64 << (self.settings.bits - shared);
        let high = self.builder.limb(&name, raised, 1 << shared, highs)?;
        let column = (0..highs).map(|h| i64::from(2 * h >= highs)).collect();
        let table = self.builder.data_table(&format!("sign of {} bits", self.settings.bits - shared), 0, vec![column]);
        let rule = Advice::Table { source: high, table, column: 1 };
        let sign = self.builder.advice(&format!("{name}.sign"), &dims, rule, Interval::new(0, 1), Scale(0));
        self.builder.lookup(&[high, sign], table);
        let product = self.product(&format!("{name}.product"), Value { tensor: sign, scale: Scale(0), depth: 0 }, y)?;
        let tensor = self.builder.copy(&name, product.tensor);
        Ok(Value { tensor, scale: y.scale, depth: 0 })
    }

    /// `x sigmoid(x)` with a wide `x`: its table's steps are a small part of each entry, and not of the largest.
    pub(crate) fn gate(&mut self, id: NodeId, operand: NodeId, function: &Unary) -> Result<Value, Refusal> {
        let x = self.wide(operand, self.settings.bits + FINER)?;
        let y = self.table_input(operand)?;
        let (name, dims, domain) = (self.name(id), self.builder.dims(y.tensor).to_vec(), self.signed());
        let share = |i: i64| {
            let x = if i == 0 { NEAR } else { to_real(i, y.scale) };
            to_entry(function.eval(x) / x, SHARE) as i64
        };
        let column = (domain.lo..=domain.hi).map(share).collect();
        let (table, scale, interval) = self.column_table(y.scale, SHARE, function, domain.lo, column);
        let rule = Advice::Table { source: y.tensor, table, column: 1 };
        let share = self.builder.advice(&format!("{name}.share"), &dims, rule, interval, scale);
        self.builder.lookup(&[y.tensor, share], table);
        self.product(&name, x, Value { tensor: share, scale, depth: 0 })
    }

    /// Whether a value's interval is one of activations.
    fn within_signed(&self, y: Value) -> bool {
        let (domain, Interval { lo, hi }) = (self.signed(), self.builder.interval(y.tensor));
        domain.contains(lo) && domain.contains(hi)
    }

    /// The table of a function of a value: the table, the output's scale and interval.
    fn function_table(&mut self, id: NodeId, y: Value, function: Unary) -> Result<(TableId, Scale, Interval), Refusal> {
        let (domain, from) = (self.signed(), y.scale);
        if function == Unary::Relu && self.within_signed(y) {
            let rows = 1usize << self.settings.bits;
            return Ok((self.builder.relu_table(domain.lo, rows), from, Interval::new(0, domain.hi)));
        }
        let keeps_grid =
            matches!(function, Unary::LeakyRelu(_) | Unary::Clip { .. } | Unary::Abs | Unary::ThresholdedRelu(_));
        let to = if keeps_grid { from.min(self.plan.scale(id)) } else { self.plan.scale(id) };
        let entry = |x: i64| to_entry(function.eval(to_real(x, from)), to);
        let fits = |x: i64| entry(x).abs() < ENTRY;
        let operand = self.operand(id, 0)?;
        let Interval { lo: least, hi: most } = self.builder.interval(y.tensor);
        // Integers that are few have a table of their own: whatever they are, they have a row.
        if self.has_table(operand)? && (least..=most).all(fits) {
            let column: Vec<i64> = (least..=most).map(|x| entry(x) as i64).collect();
            return Ok(self.column_table(from, to, &function, least, column));
        }
        let rows = self.run_of_rows(operand, &function, from, to)?;
        if rows.entries.is_empty() {
            return Err(Refusal::Width("the function has no value in the calibrated range".to_owned()));
        }
        Ok(self.column_table(from, to, &function, rows.start, rows.entries))
    }

    /// The rows of a function's table for arguments at a scale: it begins where the function does, around the middle of what it meets.
    pub(super) fn run_of_rows(
        &mut self,
        operand: NodeId,
        function: &Unary,
        from: Scale,
        to: Scale,
    ) -> Result<Rows, Refusal> {
        let domain = self.signed();
        let entry = |x: i64| to_entry(function.eval(to_real(x, from)), to);
        let fits = |x: i64| entry(x).abs() < ENTRY;
        let start = self.decide(Note::TableStart, domain.lo..=domain.hi + 1, |samples| {
            let range = samples.range(operand);
            let middle = (((range.lo + range.hi) / 2.0) * from.units()) as i64;
            let seed = [middle.clamp(domain.lo, domain.hi), 0, 1, -1].into_iter().find(|&x| fits(x));
            seed.map_or(domain.hi + 1, |seed| (domain.lo..=seed).rev().take_while(|&x| fits(x)).last().unwrap_or(seed))
        })?;
        let entries = (start..=domain.hi).take_while(|&x| fits(x)).map(|x| entry(x) as i64).collect();
        Ok(Rows { start, entries })
    }

    /// The table of a function's values from a first argument on.
    fn column_table(
        &mut self,
        from: Scale,
        to: Scale,
        function: &Unary,
        lo: i64,
        column: Vec<i64>,
    ) -> (TableId, Scale, Interval) {
        let bounds = (column.iter().copied().min().unwrap_or(0), column.iter().copied().max().unwrap_or(0));
        let name = format!("{} at scale {from}", function.name());
        (self.builder.data_table(&name, lo, vec![column]), to, Interval::new(bounds.0, bounds.1))
    }
}
