//! Well-formedness of a program.
//!
//! A program may come from a file that nobody trusts. Everything here is total: references are looked up, sizes and
//! intervals are computed with checked arithmetic, and what cannot be represented is refused.

mod known;
mod view;

use super::fault::{Fault, Invalid};
use super::{Advice, Column, Einsum, Interval, Lookup, Program, Role, RowLookup, Source, Table, TableId, Tensor, TensorId};
use std::collections::BTreeSet;
use view::claim_axes;

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

type Check<T = ()> = Result<T, Fault>;

fn ensure(condition: bool, why: impl FnOnce() -> Fault) -> Check {
    if condition { Ok(()) } else { Err(why()) }
}

fn at_most(what: &'static str, got: usize, most: usize) -> Check {
    ensure(got <= most, || Fault::TooMany { what, got, most })
}

fn as_many(what: &'static str, got: usize, expected: usize) -> Check {
    ensure(got == expected, || Fault::Count { what, got, expected })
}

fn within(what: &'static str, got: i64, least: i64, most: i64) -> Check {
    ensure((least..=most).contains(&got), || Fault::Range { what, got, least, most })
}

fn sum_overflows() -> Fault {
    Fault::Overflow { what: "the sum", bits: 128 }
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
        let invalid = |what: String| move |why: Fault| Invalid { what, why };
        let most = limits.tensors;
        for (what, len) in [
            ("tensors", self.tensors.len()),
            ("tables", self.tables.len()),
            ("lookups", self.lookups.len()),
            ("lookups of rows", self.row_lookups.len()),
            ("zero constraints", self.zeros.len()),
        ] {
            at_most("of them", len, most).map_err(invalid(what.to_owned()))?;
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
        let padded = |id| self.first_extent(id).checked_next_power_of_two().unwrap_or(usize::MAX);
        leaves = self.row_tables().into_iter().map(padded).fold(leaves, usize::saturating_add);
        for (id, lookup) in self.row_lookups.iter().enumerate() {
            leaves = self.check_row_lookup(lookup, leaves).map_err(invalid(format!("lookup {id} of rows")))?;
        }
        for (index, &id) in self.zeros.iter().enumerate() {
            self.get(id).map_err(invalid(format!("zero constraint {index}")))?;
        }
        self.check_interface().map_err(invalid("inputs and outputs".to_owned()))?;
        self.check_columns().map_err(invalid("exponents of columns".to_owned()))
    }

    fn get(&self, id: TensorId) -> Check<&Tensor> {
        self.tensors.get(id).ok_or(Fault::Missing { what: "tensor", index: id.0 })
    }

    fn table(&self, id: TableId) -> Check<&Table> {
        self.tables.get(id).ok_or(Fault::Missing { what: "table", index: id.0 })
    }

    /// An operand of tensor `id`: an earlier one.
    fn operand(&self, id: TensorId, operand: TensorId) -> Check<&Tensor> {
        ensure(operand < id, || Fault::Later(operand))?;
        self.get(operand)
    }

    fn check_interface(&self) -> Check {
        for (n, &id) in self.inputs.iter().enumerate() {
            let source = &self.get(id)?.source;
            ensure(*source == Source::Input(n), || Fault::Input { tensor: id, input: n })?;
        }
        for &id in &self.outputs {
            let role = self.get(id)?.role();
            ensure(matches!(role, Role::Public | Role::Witness), || Fault::Output(id))?;
        }
        Ok(())
    }

    /// Checks a lookup; returns how many leaves there are with those before.
    fn check_lookup(&self, lookup: &Lookup, leaves: usize) -> Check<usize> {
        let table = self.table(lookup.table)?;
        as_many("columns", lookup.columns.len(), table.columns.len())?;
        let mut shapes = BTreeSet::new();
        for &id in &lookup.columns {
            shapes.insert(self.get(id)?.shape.dims());
        }
        ensure(shapes.len() == 1, || Fault::Columns(shapes.iter().map(|dims| dims.to_vec()).collect()))?;
        let entries = lookup.columns.first().map_or(Ok(0), |&id| self.get(id).map(|t| t.shape.padded_len()))?;
        within_leaves(leaves.saturating_add(entries))
    }

    /// Checks a lookup of rows; returns how many leaves there are with those before and all tables.
    fn check_row_lookup(&self, lookup: &RowLookup, leaves: usize) -> Check<usize> {
        let [indices, rows] = [self.get(lookup.indices)?, self.get(lookup.rows)?];
        self.check_rows(rows, indices, self.get(lookup.source)?)?;
        within_leaves(leaves.saturating_add(indices.shape.padded_len()))
    }

    /// Checks shapes: of rows that indices take from a source.
    fn check_rows(&self, rows: &Tensor, indices: &Tensor, source: &Tensor) -> Check {
        let behind = source.shape.dims().get(1..).ok_or(Fault::Missing { what: "axis", index: 0 })?;
        let (got, expected) = (rows.shape.dims().to_vec(), [indices.shape.dims(), behind].concat());
        ensure(got == expected, || Fault::Rows { got, expected })
    }

    fn check_tensor(&self, id: TensorId, tensor: &Tensor, limits: &Limits) -> Check {
        let shape = &tensor.shape;
        at_most("axes", shape.rank(), RANK)?;
        let mut bits = 0usize;
        for &extent in shape.dims() {
            within("an axis of extent", i64::try_from(extent).unwrap_or(i64::MAX), 1, EXTENT as i64)?;
            bits += super::shape::index_bits(extent);
        }
        at_most("index bits", bits, limits.tensor_bits.min(INDEX_BITS))?;
        let Interval { lo, hi } = tensor.interval;
        ensure(-MAGNITUDE < lo && lo <= hi && hi < MAGNITUDE, || Fault::Interval(tensor.interval))?;
        // Whatever integers stand for is a finite float of 64 bits, powers of columns included.
        within("scale", tensor.scale.0.into(), -(1 << 9), 1 << 9)?;
        match &tensor.source {
            Source::Input(n) => ensure(self.inputs.get(*n) == Some(&id), || Fault::Input { tensor: id, input: *n }),
            Source::Weight => Ok(()),
            Source::Fill(value) => contains(tensor, i128::from(*value), i128::from(*value)),
            Source::Constant(values) => {
                as_many("values", values.len(), shape.len())?;
                values.iter().try_for_each(|&v| contains(tensor, v.into(), v.into()))
            }
            Source::Linear { terms, constant } => self.check_linear(id, tensor, terms, *constant),
            Source::Einsum(einsum) => self.check_einsum(id, tensor, einsum),
            Source::View(view) => self.check_view(id, tensor, view),
            Source::Advice(advice) => self.check_advice(id, tensor, advice),
            Source::Marks(marks) => self.check_marks(id, tensor, marks),
            Source::Draws(draws) => self.check_draws(id, tensor, draws),
        }
    }

    fn check_linear(&self, id: TensorId, tensor: &Tensor, terms: &[(i64, TensorId)], constant: i64) -> Check {
        let (mut lo, mut hi) = (i128::from(constant), i128::from(constant));
        for &(coefficient, operand) in terms {
            let operand = self.operand(id, operand)?;
            same_shape(tensor, operand)?;
            let c = i128::from(coefficient);
            let ends = [c * i128::from(operand.interval.lo), c * i128::from(operand.interval.hi)];
            lo = lo.checked_add(ends[0].min(ends[1])).ok_or_else(sum_overflows)?;
            hi = hi.checked_add(ends[0].max(ends[1])).ok_or_else(sum_overflows)?;
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
            let (got, expected) = (labels.len(), operand.shape.rank());
            ensure(got == expected, || Fault::Labels { side: name, got, expected })?;
            for (&label, &extent) in labels.iter().zip(operand.shape.dims()) {
                let at = usize::from(label);
                ensure(!named[side][at], || Fault::LabelTwice { side: name, label })?;
                named[side][at] = true;
                let known = *extents[at].get_or_insert(extent);
                ensure(known == extent, || Fault::LabelExtents { label, first: known, second: extent })?;
            }
        }
        let mut contracted = 1i128;
        for (label, extent) in extents.iter().enumerate().filter_map(|(l, e)| e.map(|e| (l, e))) {
            match [named[0][label], named[1][label], named[2][label]] {
                [false, false, _] => return Err(Fault::LabelUnbound(label)),
                [true, true, false] => contracted = contracted.saturating_mul(extent as i128),
                [_, _, false] => return Err(Fault::LabelAlone(label)),
                _ => {}
            }
        }
        let (lo, hi) = product(lhs.interval, rhs.interval);
        contains(
            tensor,
            lo.checked_mul(contracted).ok_or_else(sum_overflows)?,
            hi.checked_mul(contracted).ok_or_else(sum_overflows)?,
        )
    }

    fn check_advice(&self, id: TensorId, tensor: &Tensor, advice: &Advice) -> Check {
        for operand in advice.operands() {
            self.operand(id, operand)?;
        }
        let positive = |value: i64| within("a divisor or scale of", value, 1, i64::MAX);
        match advice {
            Advice::Carry { source, .. } if *source <= id => Err(Fault::Earlier(*source)),
            Advice::Round { source, divisor } | Advice::Floor { source, divisor } | Advice::Carry { source, divisor } => {
                positive(*divisor)?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Gap { reference, source, divisor } => {
                positive(*divisor)?;
                same_shape(tensor, self.get(*reference)?)?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Table { source, table, column } => {
                let table = self.table(*table)?;
                let counted = matches!(table.columns.first(), Some(Column::Count { .. }));
                ensure(counted, || Fault::Uncounted(table.name.clone()))?;
                ensure(*column < table.columns.len(), || Fault::Missing { what: "column", index: *column })?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Rows { source, indices } => self.check_rows(tensor, self.get(*indices)?, self.get(*source)?),
            Advice::Max { source, axes, divisor } => {
                positive(*divisor)?;
                let mut seen = vec![false; self.get(*source)?.shape.rank()];
                claim_axes(&mut seen, axes, self.get(*source)?.shape.dims())?;
                let dims = self.get(*source)?.shape.dims().iter().zip(&seen);
                let kept: Vec<usize> = dims.filter(|(_, reduced)| !**reduced).map(|(&d, _)| d).collect();
                let got = tensor.shape.dims();
                ensure(kept == got, || Fault::Kept { got: got.to_vec(), kept: kept.clone() })
            }
            Advice::ArgMax { source } => {
                let (_, kept) =
                    self.get(*source)?.shape.dims().split_last().ok_or(Fault::Missing { what: "axis", index: 0 })?;
                let got = tensor.shape.dims();
                ensure(kept == got, || Fault::Kept { got: got.to_vec(), kept: kept.to_vec() })
            }
            Advice::Quantile { weights, threshold, scale } => {
                positive(*scale)?;
                same_shape(tensor, self.get(*threshold)?)?;
                let (got, weights) = (tensor.shape.dims(), self.get(*weights)?.shape.dims());
                let kept = weights.split_last().map_or(weights, |(_, kept)| kept);
                ensure(kept == got, || Fault::Kept { got: got.to_vec(), kept: kept.to_vec() })
            }
            Advice::Descent { bits, parents } => {
                let (got, nodes) = (parents.len(), tensor.shape.dims().last().copied().unwrap_or(0));
                ensure(got == nodes, || Fault::Rows { got: vec![got], expected: vec![nodes] })?;
                let later = parents.iter().enumerate().position(|(node, &code)| code as usize > 2 * node);
                later.map_or(Ok(()), |index| Err(Fault::Missing { what: "earlier parent of node", index }))?;
                same_shape(tensor, self.get(*bits)?)
            }
            Advice::FirstZero { source, axes } => {
                let source = self.get(*source)?;
                claim_axes(&mut vec![false; source.shape.rank()], axes, source.shape.dims())?;
                same_shape(tensor, source)
            }
            Advice::Top { source } => {
                let source = self.get(*source)?.shape.dims();
                let (got, rank) = (tensor.shape.dims(), source.len());
                let places = got.get(rank.saturating_sub(1)).copied().unwrap_or(0);
                let mut expected = source.to_vec();
                expected.insert(rank.saturating_sub(1), places.min(source.last().copied().unwrap_or(0)));
                ensure(rank > 0 && got == expected, || Fault::Rows { got: got.to_vec(), expected: expected.clone() })
            }
            Advice::Divide { numerator, denominator, scale } => {
                positive(*scale)?;
                same_shape(tensor, self.get(*numerator)?)?;
                same_shape(tensor, self.get(*denominator)?)
            }
            Advice::Exponent { source, bits } => {
                within("bits of a mantissa:", (*bits).into(), 1, 62)?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::Excess { source, divisor, lo, hi, step } => {
                positive(*divisor)?;
                positive(*step)?;
                ensure(lo <= hi, || Fault::Interval(Interval { lo: *lo, hi: *hi }))?;
                same_shape(tensor, self.get(*source)?)
            }
            Advice::SquareRoot { source } | Advice::Sign { source } | Advice::Copy { source } => {
                same_shape(tensor, self.get(*source)?)
            }
        }
    }
}

/// Leaves of all lookups so far.
fn within_leaves(leaves: usize) -> Check<usize> {
    at_most("entries looked up with it and those before", leaves, LEAVES).map(|()| leaves)
}

fn same_shape(tensor: &Tensor, operand: &Tensor) -> Check {
    ensure(tensor.shape == operand.shape, || Fault::Shape {
        got: tensor.shape.clone(),
        operand: operand.name.clone(),
        expected: operand.shape.clone(),
    })
}

/// The declared interval contains `[lo, hi]`.
fn contains(tensor: &Tensor, lo: i128, hi: i128) -> Check {
    let declared = tensor.interval;
    ensure(i128::from(declared.lo) <= lo && hi <= i128::from(declared.hi), || Fault::Narrow {
        declared,
        possible: Box::new([lo, hi]),
    })
}

/// Smallest and largest product of entries of two intervals.
fn product(a: Interval, b: Interval) -> (i128, i128) {
    let corner = |x: i64, y: i64| i128::from(x) * i128::from(y);
    let corners = [corner(a.lo, b.lo), corner(a.lo, b.hi), corner(a.hi, b.lo), corner(a.hi, b.hi)];
    corners.into_iter().fold((i128::MAX, i128::MIN), |(lo, hi), c| (lo.min(c), hi.max(c)))
}

fn check_table(table: &Table, limits: &Limits) -> Check {
    let rows = table.rows;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    within("rows:", count(rows), 1, count(limits.table_rows.min(ROWS)))?;
    within("columns:", count(table.columns.len()), 1, count(RANK))?;
    let usable = |entry: i64| -MAGNITUDE < entry && entry < MAGNITUDE;
    for column in &table.columns {
        let fits = match column {
            Column::Count { start } | Column::Relu { start } => {
                usable(*start) && start.checked_add(rows as i64).is_some_and(usable)
            }
            Column::Data(entries) => {
                as_many("entries of a column", entries.len(), rows)?;
                entries.iter().copied().all(usable)
            }
        };
        ensure(fits, || Fault::Overflow { what: "a column", bits: 62 })?;
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
