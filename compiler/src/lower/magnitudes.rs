//! Functions that are steep near 0, in tables whose steps are the finer the smaller an argument is (docs/lowerings.md, section 6).
//!
//! A table with one step for all arguments wastes its rows on large ones: the logarithm of a power that is a millionth of another one has no digit
//! left. Here an argument is rounded at several scales, each 8 bits finer than the one before. It is looked up at the finest of them at which it
//! has no more bits than activations have; `far` says of each scale in turn that this is it.

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value};
use crate::graph::NodeId;
use crate::ops::{Label, Unary};

/// Bits from one scale to the next.
const STEP: i32 = 8;
/// Scales behind the coarsest.
const FINER: i32 = 3;

impl Lowering<'_> {
    /// `o = f(x)` for the node `id`, with as many scales as its operand has bits for; none if that is one.
    pub(crate) fn by_magnitude(&mut self, id: NodeId, function: &Unary) -> Result<Option<Value>, Refusal> {
        let operand = self.operand(id, 0)?;
        let (x, coarsest) = (self.value(operand)?, self.plan.scale(operand));
        let finer = ((x.scale - coarsest) / STEP).clamp(0, FINER);
        // What is not far has a bit at least at the coarsest scale.
        let Some(near) = (self.settings.bits as i32 - 1 - STEP).try_into().ok().map(|bits: u32| (1i64 << bits) - 1) else {
            return Ok(None);
        };
        if finer == 0 || near == 0 {
            return Ok(None);
        }
        let (name, dims, domain) = (self.name(id), self.builder.dims(x.tensor).to_vec(), self.signed());
        let rounded = self.at_scales(&name, x, coarsest, finer)?;

        let far = (domain.lo..=domain.hi).map(|key| i64::from(key.abs() > near)).collect();
        let far = self.builder.data_table(&format!("beyond {near}"), domain.lo, vec![far]);
        let mut keys = rounded.into_iter();
        let mut key = keys.next().ok_or("an argument has no scale")?;
        let mut stops = Vec::new();
        let all = Label::of(0..dims.len());
        for (n, next) in keys.enumerate() {
            let part = |suffix: &str| format!("{name}.{suffix}{n}");
            let rule = Advice::Table { source: key, table: far, column: 1 };
            let stop = self.builder.advice(&part("far"), &dims, rule, Interval::new(0, 1), Scale(0));
            self.builder.lookup(&[key, stop], far);
            let back = self.builder.linear(&part("back"), &[(1, key), (-1, next)], 0, Scale(0))?;
            let back = self.builder.einsum(&part("chosen"), (stop, &all), (back, &all), &all)?;
            key = self.builder.linear(&part("key"), &[(1, next), (1, back)], 0, Scale(0))?;
            stops.push(stop);
        }

        let to = self.plan.scale(id) + if self.is_steep(id) { STEP } else { 0 };
        let (mut classes, mut column, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
        for class in 0..=finer {
            let from = coarsest + class * STEP;
            let rows = self.run_of_rows(operand, function, from, to)?;
            offsets.push(column.len() as i64 - rows.start);
            classes.extend(rows.entries.iter().map(|_| i64::from(class)));
            column.extend(rows.entries);
        }
        let bounds = column.iter().fold((0, 0), |(lo, hi), &entry| (entry.min(lo), entry.max(hi)));
        let table =
            self.builder.data_table(&format!("{} from scale {coarsest} on", function.name()), 0, vec![classes, column]);
        let last = *offsets.last().unwrap_or(&0);
        let mut terms = vec![(1, key)];
        terms.extend(stops.iter().zip(offsets.windows(2)).map(|(&stop, pair)| (pair[0] - pair[1], stop)));
        let index = self.builder.linear(&format!("{name}.row"), &terms, last, Scale(0))?;
        let passed: Vec<(i64, TensorId)> = stops.iter().map(|&stop| (-1, stop)).collect();
        let class = self.builder.linear(&format!("{name}.class"), &passed, i64::from(finer), Scale(0))?;
        let rule = Advice::Table { source: index, table, column: 2 };
        let tensor = self.builder.advice(&name, &dims, rule, Interval::new(bounds.0, bounds.1), to);
        self.builder.lookup(&[index, class, tensor], table);
        Ok(Some(Value { tensor, scale: to, depth: 0 }))
    }

    /// A value rounded at scales from the coarsest on, of which the finest is rounded first, and each other one is what the next finer one is
    /// rounded to. The caller looks up the coarsest, an integer; then all are, since remainders are.
    fn at_scales(&mut self, name: &str, x: Value, coarsest: Scale, finer: i32) -> Result<Vec<TensorId>, Refusal> {
        let finest = coarsest + finer * STEP;
        let interval = |bits: i32| {
            let half = 1i64 << bits;
            Interval::new(-half, half - 1)
        };
        let bits = self.settings.bits as i32 - 1;
        let (x, divisor) = self.shifted(name, x, finest)?;
        let (mut all, dims) = (Vec::new(), self.builder.dims(x).to_vec());
        let (mut from, mut divisor) = (x, divisor);
        for level in (0..=finer).rev() {
            let part = format!("{name}.scale{level}");
            // The finest is the argument itself where it has no more bits.
            if divisor > 1 {
                let (own, rule) = (interval(bits + level * STEP), Advice::Round { source: from, divisor });
                let next = self.builder.advice(&part, &dims, rule, own, coarsest + level * STEP);
                let terms = [(1, from), (-divisor, next)];
                let rest = self.builder.linear(&format!("{part}.rest"), &terms, divisor / 2, Scale(0))?;
                self.builder.within(&format!("{part}.rest"), rest, Interval::new(0, divisor - 1))?;
                from = next;
            }
            all.push(from);
            divisor = 1 << STEP;
        }
        all.reverse();
        Ok(all)
    }
}
