//! What a liar makes of the advice that stands on a lie.

use super::index::{coordinates, entry, position, within};
use super::{Changes, Machine, Told};
use ark_ff::Field;
use std::collections::BTreeSet;
use std::ops::Range;
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::program::{Advice, Column, Shape, TensorId};

/// `floor((x + floor(d / 2)) / d)`.
fn round(x: i64, divisor: i64) -> i64 {
    x.saturating_add(divisor / 2).div_euclid(divisor)
}

/// How many steps `y` lies beyond an interval, rounded away from it.
fn excess(y: i64, [lo, hi]: [i64; 2], step: i64) -> i64 {
    let steps = |beyond: i64| (beyond - 1).div_euclid(step) + 1;
    match y {
        y if y > hi => steps(y - hi),
        y if y < lo => -steps(lo - y),
        _ => 0,
    }
}

/// The entries along the axes of the row in which a position lies.
fn row(shape: &Shape, axes: &[usize], at: usize) -> Vec<usize> {
    let own = coordinates(shape, at);
    let range = |axis: usize| if axes.contains(&axis) { 0..shape.dims()[axis] } else { own[axis]..own[axis] + 1 };
    let ranges: Vec<Range<usize>> = (0..shape.rank()).map(range).collect();
    within(&ranges).iter().map(|coordinates| position(shape, coordinates)).collect()
}

impl Machine<'_> {
    /// The advice by its rule, where it stands on something that changed and is an integer still.
    pub(super) fn by_rule(&self, told: &Told, id: TensorId, rule: &Advice) -> Changes {
        let shape = &self.program.tensors[id].shape;
        let moved = rule.operands().flat_map(|of| told.get(&of).into_iter().flat_map(|c| c.keys().copied()));
        let moved: BTreeSet<usize> = moved.collect();
        let value = |of: TensorId, at: usize| self.integer(told, of, at);
        let valid = moved.iter().copied().filter(|&at| entry(shape, at).is_some());
        let each = |f: &dyn Fn(usize) -> Option<i64>| -> Changes {
            valid.clone().filter_map(|at| Some((at, from_i64(f(at)?) - from_i64(self.honest(id, at))))).collect()
        };
        match rule {
            Advice::Round { source, divisor } => each(&|at| Some(round(value(*source, at)?, *divisor))),
            Advice::Floor { source, divisor } => each(&|at| Some(value(*source, at)?.div_euclid(*divisor))),
            Advice::Copy { source } => {
                valid.map(|at| (at, self.value(told, *source, at) - from_i64(self.honest(id, at)))).collect()
            }
            Advice::Sign { source } => each(&|at| Some(value(*source, at)?.signum())),
            Advice::SquareRoot { source } => each(&|at| value(*source, at)?.checked_isqrt()),
            Advice::Exponent { source, bits } => {
                each(&|at| Some(i64::from((64 - value(*source, at)?.max(0).leading_zeros()).saturating_sub(*bits))))
            }
            Advice::Gap { reference, source, divisor } => {
                each(&|at| Some(value(*reference, at)? - round(value(*source, at)?, *divisor)))
            }
            Advice::Excess { source, divisor, lo, hi, step } => {
                each(&|at| Some(excess(round(value(*source, at)?, *divisor), [*lo, *hi], *step)))
            }
            Advice::Divide { numerator, denominator, scale } => each(&|at| {
                let (a, b) = (i128::from(value(*numerator, at)?), i128::from(value(*denominator, at)?));
                let quotient = (2 * i128::from(*scale) * a + b).checked_div_euclid(2 * b)?;
                i64::try_from(quotient).ok().filter(|_| b > 0)
            }),
            Advice::Table { source, table, column } => each(&|at| {
                let table = &self.program.tables[*table];
                let Some(Column::Count { start }) = table.columns.first() else { return None };
                // Beyond the table's ends a liar takes what stands there.
                let row = value(*source, at)?.saturating_sub(*start).clamp(0, table.rows as i64 - 1);
                Some(table.columns[*column].entry(row as usize))
            }),
            Advice::Rows { source, indices } => self.rows(told, id, *source, *indices),
            Advice::Max { source, axes, divisor } => {
                let largest = |entries: &[i64]| Some(round(*entries.iter().max()?, *divisor));
                self.of_rows(told, id, (*source, axes), largest)
            }
            Advice::ArgMax { source } => {
                let first = |entries: &[i64]| {
                    let best = entries.iter().max();
                    entries.iter().position(|entry| Some(entry) == best).map(|at| at as i64)
                };
                self.of_rows(told, id, (*source, &[self.program.tensors[*source].shape.rank() - 1]), first)
            }
            Advice::Quantile { weights, threshold, scale } => self.quantiles(told, id, [*weights, *threshold], *scale),
            Advice::FirstZero { source, axes } => self.first_zeros(told, id, *source, axes),
            Advice::Top { source } => self.tops(told, id, *source),
            Advice::Descent { bits, parents } => self.descents(told, id, *bits, parents),
            // It stands on what comes later, and stays as it is.
            Advice::Carry { .. } => Changes::new(),
        }
    }

    /// The rows at indices that changed. Beyond the source's end a liar takes the last.
    fn rows(&self, told: &Told, id: TensorId, source: TensorId, indices: TensorId) -> Changes {
        let (shape, from) = (&self.program.tensors[indices].shape, &self.program.tensors[source].shape);
        let behind = Shape(from.dims()[1..].to_vec());
        let mut changes = Changes::new();
        for &at in told.get(&indices).into_iter().flat_map(Changes::keys).filter(|&&at| entry(shape, at).is_some()) {
            let Some(index) = self.integer(told, indices, at) else { continue };
            let row = index.clamp(0, self.program.first_extent(source) as i64 - 1) as usize;
            for d in behind.padded_indices() {
                let here = at << behind.bits() | d;
                let value = self.value(told, source, row << behind.bits() | d);
                changes.insert(here, value - from_i64(self.honest(id, here)));
            }
        }
        changes
    }

    /// What becomes of the rows of a source, over some of its axes, in which an entry changed.
    fn of_rows(
        &self,
        told: &Told,
        id: TensorId,
        (source, axes): (TensorId, &[usize]),
        rule: impl Fn(&[i64]) -> Option<i64>,
    ) -> Changes {
        let (shape, from) = (&self.program.tensors[id].shape, &self.program.tensors[source].shape);
        let mut changes = Changes::new();
        for &at in told.get(&source).into_iter().flat_map(Changes::keys).filter(|&&at| entry(from, at).is_some()) {
            let own = coordinates(from, at);
            let kept: Vec<usize> = (0..from.rank()).filter(|axis| !axes.contains(axis)).map(|axis| own[axis]).collect();
            let here = position(shape, &kept);
            if changes.contains_key(&here) {
                continue;
            }
            let entries: Option<Vec<i64>> = row(from, axes, at).iter().map(|&at| self.integer(told, source, at)).collect();
            if let Some(value) = entries.and_then(|all| rule(&all)) {
                changes.insert(here, from_i64(value) - from_i64(self.honest(id, here)));
            }
        }
        changes
    }

    /// Where the weights of rows come to lie above thresholds, if either changed.
    fn quantiles(&self, told: &Told, id: TensorId, [weights, threshold]: [TensorId; 2], scale: i64) -> Changes {
        let (shape, from) = (&self.program.tensors[id].shape, &self.program.tensors[weights].shape);
        let last = from.rank() - 1;
        let moved = |of: TensorId| told.get(&of).into_iter().flat_map(Changes::keys).copied();
        let of_weights = moved(weights).filter(|&at| entry(from, at).is_some());
        let rows: BTreeSet<usize> = of_weights.map(|at| position(shape, &coordinates(from, at)[..last])).collect();
        let rows = rows.into_iter().chain(moved(threshold).filter(|&at| entry(shape, at).is_some()));
        let first = |here: usize| {
            let above = self.integer(told, threshold, here)?;
            let mut sum = 0i64;
            let mut entries =
                row(from, &[last], position(from, &[&coordinates(shape, here)[..], &[0]].concat())).into_iter();
            let at = entries.position(|at| {
                sum = sum.saturating_add(self.integer(told, weights, at).unwrap_or(0).saturating_mul(scale));
                sum > above
            });
            Some(at.unwrap_or(from.dims()[last] - 1) as i64)
        };
        rows.filter_map(|here| Some((here, from_i64(first(here)?) - from_i64(self.honest(id, here))))).collect()
    }

    fn first_zeros(&self, told: &Told, id: TensorId, source: TensorId, axes: &[usize]) -> Changes {
        let shape = &self.program.tensors[id].shape;
        let mut changes = Changes::new();
        for &at in told.get(&source).into_iter().flat_map(Changes::keys).filter(|&&at| entry(shape, at).is_some()) {
            if changes.contains_key(&at) {
                continue;
            }
            let entries = row(shape, axes, at);
            let first = entries.iter().find(|&&at| self.value(told, source, at) == from_i64(0));
            for &at in &entries {
                changes.insert(at, from_i64(i64::from(Some(&at) == first)) - from_i64(self.honest(id, at)));
            }
        }
        changes
    }

    /// The nodes to which bits that changed lead. What is no bit leads to no child.
    fn descents(&self, told: &Told, id: TensorId, bits: TensorId, parents: &[u32]) -> Changes {
        let shape = &self.program.tensors[id].shape;
        let mut changes = Changes::new();
        for &at in told.get(&bits).into_iter().flat_map(Changes::keys).filter(|&&at| entry(shape, at).is_some()) {
            if changes.contains_key(&at) {
                continue;
            }
            let places = row(shape, &[shape.rank() - 1], at);
            let mut reached: Vec<i64> = Vec::with_capacity(parents.len());
            for &code in parents {
                reached.push(match code.checked_sub(1).map(|code| (code as usize / 2, i64::from(code % 2))) {
                    None => 1,
                    Some((parent, bit)) => {
                        reached[parent] * i64::from(self.integer(told, bits, places[parent]) == Some(bit))
                    }
                });
            }
            for (&here, &value) in places.iter().zip(&reached) {
                changes.insert(here, from_i64(value) - from_i64(self.honest(id, here)));
            }
        }
        changes
    }

    fn tops(&self, told: &Told, id: TensorId, source: TensorId) -> Changes {
        let (shape, from) = (&self.program.tensors[id].shape, &self.program.tensors[source].shape);
        let (last, mut changes) = (from.rank() - 1, Changes::new());
        for &at in told.get(&source).into_iter().flat_map(Changes::keys).filter(|&&at| entry(from, at).is_some()) {
            let entries: Option<Vec<i64>> =
                row(from, &[last], at).iter().map(|&at| self.integer(told, source, at)).collect();
            let Some(entries) = entries else { continue };
            let mut order: Vec<usize> = (0..entries.len()).collect();
            order.sort_by_key(|&e| std::cmp::Reverse(entries[e]));
            for (place, e) in (0..shape.dims()[last]).flat_map(|place| (0..entries.len()).map(move |e| (place, e))) {
                let here = position(shape, &[&coordinates(from, at)[..last], &[place, e]].concat());
                changes.insert(here, from_i64(i64::from(order[place] == e)) - from_i64(self.honest(id, here)));
            }
        }
        changes
    }

    /// Advice that makes up for a lie exactly, in the field: quotients and gaps move by what leaves their remainders as they are.
    pub(super) fn exactly(&self, told: &Told, rule: &Advice) -> Changes {
        let mut changes = Changes::new();
        let mut add = |of: TensorId, factor: Fr| {
            for (&at, &by) in told.get(&of).into_iter().flatten() {
                *changes.entry(at).or_default() += factor * by;
            }
        };
        let inverse = |divisor: i64| from_i64(divisor).inverse().unwrap_or_default();
        match *rule {
            Advice::Round { source, divisor } | Advice::Floor { source, divisor } => add(source, inverse(divisor)),
            Advice::Copy { source } => add(source, from_i64(1)),
            Advice::Gap { reference, source, divisor } => {
                add(reference, from_i64(1));
                add(source, -inverse(divisor));
            }
            _ => {}
        }
        changes
    }
}
