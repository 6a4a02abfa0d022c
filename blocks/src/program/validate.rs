//! Well-formedness of a program.
//!
//! A program may come from a file that nobody trusts. Everything here is total: references are looked up, sizes and
//! intervals are computed with checked arithmetic, and what cannot be represented is refused.

use super::{
    Advice, AxisGroup, Column, Einsum, GroupMap, Interval, Lookup, Program, Role, Source, Table, Tensor, TensorId, View,
};
use std::collections::BTreeSet;

/// Why a program is not well formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Invalid {
    /// The tensor, table or lookup.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

/// Bounds on what a program read from a file may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bits of the largest padded tensor.
    pub tensor_bits: usize,
    /// Number of tensors.
    pub tensors: usize,
    /// Rows of a table.
    pub table_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tensor_bits: 34, tensors: 1 << 18, table_rows: 1 << 18 }
    }
}

/// No value of a program reaches this magnitude.
const MAGNITUDE: i64 = 1 << 62;
/// Bits of an index into a padded tensor, and of the leaves of all lookups, whatever the limits say.
const INDEX_BITS: usize = index_bits_of(usize::BITS);
/// The largest extent of an axis.
const EXTENT: usize = 1 << if INDEX_BITS < 40 { INDEX_BITS } else { 40 };
/// Entries of all lookups and tables.
const LEAVES: usize = 1 << if usize::BITS < 64 { INDEX_BITS } else { 62 };
/// Rows of a table, whatever the limits say.
const ROWS: usize = 1 << if INDEX_BITS < 32 { INDEX_BITS } else { 32 };
/// Axes of a tensor, columns of a table.
const RANK: usize = 32;

/// As many as leave two bits of a machine word free, so that sums of a few lengths fit it too.
const fn index_bits_of(word: u32) -> usize {
    if word < 50 { word as usize - 2 } else { 48 }
}

type Check<T = ()> = Result<T, String>;

fn ensure(condition: bool, why: impl FnOnce() -> String) -> Check {
    if condition { Ok(()) } else { Err(why()) }
}

impl Program {
    /// Checks every shape, reference and width, so that nothing that runs the program can go out of bounds.
    ///
    /// Intervals are checked for completeness only: a virtual tensor's declared interval contains everything that its
    /// operands' intervals allow, and stays below 2^62. Soundness rests on lookups, never on intervals.
    ///
    /// # Errors
    /// The first thing that is not well formed.
    pub fn validate(&self, limits: &Limits) -> Result<(), Invalid> {
        let invalid = |what: String| move |why: String| Invalid { what, why };
        let most = limits.tensors;
        for (what, len) in [
            ("tensors", self.tensors.len()),
            ("tables", self.tables.len()),
            ("lookups", self.lookups.len()),
            ("zero constraints", self.zeros.len()),
        ] {
            ensure(len <= most, || format!("{len} of them, at most {most} are allowed"))
                .map_err(invalid(what.to_owned()))?;
        }
        for (id, table) in self.tables.enumerate() {
            check_table(table, limits).map_err(invalid(format!("table {id} `{}`", table.name)))?;
        }
        for (id, tensor) in self.tensors.enumerate() {
            self.check_tensor(id, tensor, limits).map_err(invalid(format!("tensor {id} `{}`", tensor.name)))?;
        }
        self.check_depths()?;
        let mut leaves = self.tables.iter().map(Table::padded_rows).fold(1, usize::saturating_add);
        for (id, lookup) in self.lookups.iter().enumerate() {
            leaves = self.check_lookup(lookup, leaves).map_err(invalid(format!("lookup {id}")))?;
        }
        for (index, &id) in self.zeros.iter().enumerate() {
            self.get(id).map_err(invalid(format!("zero constraint {index}")))?;
        }
        self.check_interface().map_err(invalid("inputs and outputs".to_owned()))?;
        self.check_columns().map_err(invalid("exponents of columns".to_owned()))
    }

    fn get(&self, id: TensorId) -> Check<&Tensor> {
        self.tensors.get(id).ok_or_else(|| format!("there is no tensor {id}"))
    }

    /// An operand of tensor `id`: an earlier one.
    fn operand(&self, id: TensorId, operand: TensorId) -> Check<&Tensor> {
        ensure(operand < id, || format!("names tensor {operand}, which is not an earlier one"))?;
        self.get(operand)
    }

    fn check_interface(&self) -> Check {
        for (n, &id) in self.inputs.iter().enumerate() {
            let source = &self.get(id)?.source;
            ensure(*source == Source::Input(n), || format!("tensor {id} stands at input {n} but is not input {n}"))?;
        }
        for &id in &self.outputs {
            let role = self.get(id)?.role();
            ensure(matches!(role, Role::Public | Role::Witness), || {
                format!("output tensor {id} is neither public nor committed")
            })?;
        }
        Ok(())
    }

    /// Checks a lookup; returns how many leaves there are with those before.
    fn check_lookup(&self, lookup: &Lookup, leaves: usize) -> Check<usize> {
        let table = self.tables.get(lookup.table).ok_or_else(|| format!("there is no table {}", lookup.table))?;
        let (got, expected) = (lookup.columns.len(), table.columns.len());
        ensure(got == expected, || format!("{got} columns, its table `{}` has {expected}", table.name))?;
        let mut shapes = BTreeSet::new();
        for &id in &lookup.columns {
            shapes.insert(self.get(id)?.shape.dims());
        }
        ensure(shapes.len() == 1, || format!("columns of different shapes {shapes:?}"))?;
        let entries = lookup.columns.first().map_or(Ok(0), |&id| self.get(id).map(|t| t.shape.padded_len()))?;
        let leaves = leaves.saturating_add(entries);
        ensure(leaves <= LEAVES, || {
            format!("{leaves} entries are looked up with it and those before, at most {LEAVES} may be")
        })?;
        Ok(leaves)
    }

    fn check_tensor(&self, id: TensorId, tensor: &Tensor, limits: &Limits) -> Check {
        let shape = &tensor.shape;
        ensure(shape.rank() <= RANK, || format!("{} axes, at most {RANK} are allowed", shape.rank()))?;
        let mut bits = 0usize;
        for &extent in shape.dims() {
            ensure((1..=EXTENT).contains(&extent), || format!("an axis of extent {extent}"))?;
            bits += super::shape::index_bits(extent);
        }
        let most = limits.tensor_bits.min(INDEX_BITS);
        ensure(bits <= most, || format!("{bits} index bits, limit {most}"))?;
        let Interval { lo, hi } = tensor.interval;
        ensure(-MAGNITUDE < lo && lo <= hi && hi < MAGNITUDE, || format!("interval [{lo}, {hi}] is not usable"))?;
        // Whatever integers stand for is a finite float of 64 bits, powers of columns included.
        ensure(tensor.scale.unsigned_abs() <= 1 << 9, || format!("scale {}", tensor.scale))?;
        match &tensor.source {
            Source::Input(n) => {
                ensure(self.inputs.get(*n) == Some(&id), || format!("says it is input {n}, the program differs"))
            }
            Source::Weight => Ok(()),
            Source::Fill(value) => contains(tensor, i128::from(*value), i128::from(*value)),
            Source::Constant(values) => {
                let (got, expected) = (values.len(), shape.len());
                ensure(got == expected, || format!("{got} values for {expected} entries"))?;
                values.iter().try_for_each(|&v| contains(tensor, v.into(), v.into()))
            }
            Source::Linear { terms, constant } => self.check_linear(id, tensor, terms, *constant),
            Source::Einsum(einsum) => self.check_einsum(id, tensor, einsum),
            Source::View(view) => self.check_view(id, tensor, view),
            Source::Advice(advice) => self.check_advice(id, tensor, advice),
        }
    }

    fn check_linear(&self, id: TensorId, tensor: &Tensor, terms: &[(i64, TensorId)], constant: i64) -> Check {
        let (mut lo, mut hi) = (i128::from(constant), i128::from(constant));
        for &(coefficient, operand) in terms {
            let operand = self.operand(id, operand)?;
            same_shape(tensor, operand)?;
            let c = i128::from(coefficient);
            let ends = [c * i128::from(operand.interval.lo), c * i128::from(operand.interval.hi)];
            let overflow = || "the sum leaves 128 bits".to_owned();
            lo = lo.checked_add(ends[0].min(ends[1])).ok_or_else(overflow)?;
            hi = hi.checked_add(ends[0].max(ends[1])).ok_or_else(overflow)?;
        }
        contains(tensor, lo, hi)
    }

    fn check_einsum(&self, id: TensorId, tensor: &Tensor, einsum: &Einsum) -> Check {
        let lhs = self.operand(id, einsum.lhs)?;
        let rhs = self.operand(id, einsum.rhs)?;
        let mut extents = [None::<usize>; 256];
        let mut named = [[false; 256]; 3];
        let sides = [
            (lhs, &einsum.lhs_labels, "left operand"),
            (rhs, &einsum.rhs_labels, "right operand"),
            (tensor, &einsum.out_labels, "output"),
        ];
        for (side, (operand, labels, name)) in sides.into_iter().enumerate() {
            let (rank, count) = (operand.shape.rank(), labels.len());
            ensure(rank == count, || format!("{name}: {count} labels for {rank} axes"))?;
            for (&label, &extent) in labels.iter().zip(operand.shape.dims()) {
                let at = usize::from(label);
                ensure(!named[side][at], || format!("{name}: label {label} stands twice"))?;
                named[side][at] = true;
                let known = *extents[at].get_or_insert(extent);
                ensure(known == extent, || format!("label {label} has extents {known} and {extent}"))?;
            }
        }
        let mut contracted = 1i128;
        for (label, extent) in extents.iter().enumerate().filter_map(|(l, e)| e.map(|e| (l, e))) {
            match [named[0][label], named[1][label], named[2][label]] {
                [false, false, _] => return Err(format!("output label {label} is in no operand")),
                [true, true, false] => contracted = contracted.saturating_mul(extent as i128),
                [_, _, false] => return Err(format!("label {label} of one operand alone is not in the output")),
                _ => {}
            }
        }
        let (lo, hi) = product(lhs.interval, rhs.interval);
        let overflow = || "the sum leaves 128 bits".to_owned();
        contains(tensor, lo.checked_mul(contracted).ok_or_else(overflow)?, hi.checked_mul(contracted).ok_or_else(overflow)?)
    }

    fn check_view(&self, id: TensorId, tensor: &Tensor, view: &View) -> Check {
        let source = self.operand(id, view.source)?;
        let mut out_seen = vec![false; tensor.shape.rank()];
        let mut source_seen = vec![false; source.shape.rank()];
        let mut padded = false;
        // Groups without axes do nothing.
        let groups = view.groups.len();
        ensure(groups <= 2 * RANK, || format!("{groups} groups of axes, at most {} are allowed", 2 * RANK))?;
        for (index, group) in view.groups.iter().enumerate() {
            let outs = claim_axes(&mut out_seen, &group.out_axes, tensor.shape.dims());
            let sources = claim_axes(&mut source_seen, &group.source_axes, source.shape.dims());
            let (outs, sources) = (outs?, sources?);
            padded |= check_group(group, &outs, &sources).map_err(|why| format!("group {index}: {why}"))?;
        }
        ensure(!out_seen.contains(&false), || "a group for every output axis is needed".to_owned())?;
        ensure(!source_seen.contains(&false), || "a group for every source axis is needed".to_owned())?;
        let Interval { lo, hi } = source.interval;
        let (lo, hi) = if padded { (lo.min(0), hi.max(0)) } else { (lo, hi) };
        contains(tensor, lo.into(), hi.into())
    }

    fn check_advice(&self, id: TensorId, tensor: &Tensor, advice: &Advice) -> Check {
        for operand in advice.operands() {
            self.operand(id, operand)?;
        }
        let positive = |value: i64| ensure(value > 0, || format!("divisor or scale {value} is not positive"));
        match advice {
            Advice::Round { source, divisor } | Advice::Floor { source, divisor } => {
                positive(*divisor)?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Gap { reference, source, divisor } => {
                positive(*divisor)?;
                same_shape(tensor, self.get(*reference)?)?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Table { source, table, column } => {
                let table = self.tables.get(*table).ok_or_else(|| format!("there is no table {table}"))?;
                let counted = matches!(table.columns.first(), Some(Column::Count { .. }));
                ensure(counted, || format!("column 0 of table `{}` does not count", table.name))?;
                ensure(*column < table.columns.len(), || format!("table `{}` has no column {column}", table.name))?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Max { source, axes, divisor } => {
                positive(*divisor)?;
                let mut seen = vec![false; self.get(*source)?.shape.rank()];
                claim_axes(&mut seen, axes, self.get(*source)?.shape.dims())?;
                let dims = self.get(*source)?.shape.dims().iter().zip(&seen);
                let kept: Vec<usize> = dims.filter(|(_, reduced)| !**reduced).map(|(&d, _)| d).collect();
                let got = tensor.shape.dims();
                ensure(kept == got, || format!("shape {got:?}, but the axes kept are {kept:?}"))
            }
            Advice::FirstZero { source, axes } => {
                let source = self.get(*source)?;
                claim_axes(&mut vec![false; source.shape.rank()], axes, source.shape.dims())?;
                same_shape(tensor, source)
            }
            Advice::Divide { numerator, denominator, scale } => {
                positive(*scale)?;
                same_shape(tensor, self.get(*numerator)?)?;
                same_shape(tensor, self.get(*denominator)?)
            }
            Advice::Exponent { source, bits } => {
                ensure((1..=62).contains(bits), || format!("a mantissa of {bits} bits"))?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Excess { source, divisor, lo, hi, step } => {
                positive(*divisor)?;
                positive(*step)?;
                ensure(lo <= hi, || format!("excess over the empty interval [{lo}, {hi}]"))?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::SquareRoot { source } | Advice::Sign { source } | Advice::Copy { source } => {
                same_shape(tensor, self.get(*source)?)
            }
        }
    }
}

fn same_shape(tensor: &Tensor, operand: &Tensor) -> Check {
    ensure(tensor.shape == operand.shape, || {
        format!("shape {}, but operand `{}` has shape {}", tensor.shape, operand.name, operand.shape)
    })
}

/// The declared interval contains `[lo, hi]`.
fn contains(tensor: &Tensor, lo: i128, hi: i128) -> Check {
    let declared = tensor.interval;
    ensure(i128::from(declared.lo) <= lo && hi <= i128::from(declared.hi), || {
        format!("declared interval [{}, {}] does not contain [{lo}, {hi}]", declared.lo, declared.hi)
    })
}

/// Smallest and largest product of entries of two intervals.
fn product(a: Interval, b: Interval) -> (i128, i128) {
    let corner = |x: i64, y: i64| i128::from(x) * i128::from(y);
    let corners = [corner(a.lo, b.lo), corner(a.lo, b.hi), corner(a.hi, b.lo), corner(a.hi, b.hi)];
    corners.into_iter().fold((i128::MAX, i128::MIN), |(lo, hi), c| (lo.min(c), hi.max(c)))
}

/// Marks axes as used and returns their extents.
fn claim_axes(seen: &mut [bool], axes: &[usize], dims: &[usize]) -> Check<Vec<usize>> {
    let mut extents = Vec::with_capacity(axes.len().min(RANK));
    for &axis in axes {
        let slot = seen.get_mut(axis).ok_or_else(|| format!("there is no axis {axis}"))?;
        ensure(!std::mem::replace(slot, true), || format!("axis {axis} is used twice"))?;
        extents.extend(dims.get(axis));
    }
    Ok(extents)
}

/// Checks one group of a view; true if some output index of it looks outside the source.
fn check_group(group: &AxisGroup, outs: &[usize], sources: &[usize]) -> Check<bool> {
    let one_source = || match sources {
        [extent] => Ok(*extent),
        _ => Err(format!("{} source axes, expected one", sources.len())),
    };
    let volume = |extents: &[usize]| extents.iter().try_fold(1usize, |v, &e| v.checked_mul(e));
    match &group.map {
        GroupMap::Reshape => {
            ensure(volume(outs) == volume(sources), || format!("reshape of {sources:?} into {outs:?}"))?;
            Ok(false)
        }
        GroupMap::Broadcast => {
            ensure(sources.is_empty(), || "a broadcast has no source axis".to_owned())?;
            Ok(false)
        }
        GroupMap::Affine { strides, offset } => {
            let extent = one_source()?;
            ensure(strides.len() == outs.len(), || format!("{} strides for {} axes", strides.len(), outs.len()))?;
            let (mut lo, mut hi) = (i128::from(*offset), i128::from(*offset));
            for (&stride, &out) in strides.iter().zip(outs) {
                let end = i128::from(stride) * (out as i128 - 1);
                lo += end.min(0);
                hi += end.max(0);
            }
            let bound = i128::from(MAGNITUDE);
            ensure(-bound < lo && hi < bound, || "indices leave 62 bits".to_owned())?;
            Ok(lo < 0 || hi >= extent as i128)
        }
        GroupMap::List(indices) => {
            let extent = one_source()?;
            let (got, expected) = (indices.len(), volume(outs));
            ensure(Some(got) == expected, || format!("{got} indices for output axes {outs:?}"))?;
            let beyond = indices.iter().flatten().find(|&&i| i as usize >= extent);
            ensure(beyond.is_none(), || format!("index {beyond:?} into an axis of {extent}"))?;
            Ok(indices.contains(&None))
        }
    }
}

fn check_table(table: &Table, limits: &Limits) -> Check {
    let rows = table.rows;
    let most = limits.table_rows.min(ROWS);
    ensure((1..=most).contains(&rows), || format!("{rows} rows, expected 1 to {most}"))?;
    let columns = table.columns.len();
    ensure((1..=RANK).contains(&columns), || format!("{columns} columns, expected 1 to {RANK}"))?;
    let usable = |entry: i64| -MAGNITUDE < entry && entry < MAGNITUDE;
    for (index, column) in table.columns.iter().enumerate() {
        let fits = match column {
            Column::Count { start } | Column::Relu { start } => {
                usable(*start) && start.checked_add(rows as i64).is_some_and(usable)
            }
            Column::Data(entries) => {
                let got = entries.len();
                ensure(got == rows, || format!("column {index} has {got} entries, the table {rows} rows"))?;
                entries.iter().copied().all(usable)
            }
        };
        ensure(fits, || format!("column {index} leaves 62 bits"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_a_word_of_any_width() {
        for (word, bits) in [(16, 14), (32, 30), (64, 48), (128, 48)] {
            assert_eq!(index_bits_of(word), bits);
        }
        // The sum of four is a length too, and so is the number of leaves rounded up to a power of two.
        assert!(
            usize::MAX >> INDEX_BITS >= 3 && EXTENT.checked_mul(2).is_some() && LEAVES.checked_next_power_of_two().is_some()
        );
    }
}
