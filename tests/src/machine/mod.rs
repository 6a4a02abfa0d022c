//! A machine that tells lies about a run: it changes advice, lets what is virtual follow over the field, and looks for a lookup or a zero
//! constraint that this violates.
//!
//! Only what changes is computed, and only until something is violated, so that a lie about a network of millions of products takes
//! microseconds. No proof is made: `tests/tests/forge/witness/values.rs` and `tests/tests/advice` show that what violates a constraint is refused.

mod index;
mod kinds;
mod rules;

pub use index::entry;
pub use kinds::{Kind, Sampler, rule_name};

use ark_ff::{Field, PrimeField, Zero};
use index::{coordinates, position, shown_at, within};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use zktorch_blocks::execute::{Trace, first_miss};
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::program::{Column, Einsum, IdVec, Program, RowLookup, Source, Table, TableId, TensorId, index_bits};

/// By how much the entries of a tensor differ from the honest ones, by padded position.
pub type Changes = BTreeMap<usize, Fr>;

/// All tensors that differ.
type Told = BTreeMap<TensorId, Changes>;

/// What becomes of the advice that stands on a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It stays as it is.
    Not,
    /// It follows its rule.
    Rules,
    /// It makes up for the lie in the field where it can.
    Exactly,
}

/// A lie: some tensors changed together.
#[derive(Clone, Debug)]
pub struct Lie {
    /// The changes of each tensor.
    pub changes: BTreeMap<TensorId, Changes>,
    /// What follows.
    pub follow: Follow,
}

/// What becomes of a lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It violates this lookup or constraint.
    Caught(String),
    /// It violates nothing, and all outputs are the honest ones.
    Harmless,
    /// It violates nothing, and an output is another one.
    Believed,
}

/// A program, an honest run of it, and what is needed to tell lies about it.
pub struct Machine<'p> {
    program: &'p Program,
    trace: Trace,
    /// Tensors whose source or rule names a tensor.
    users: IdVec<TensorId, Vec<TensorId>>,
    /// Lookups in which a tensor is a column.
    lookups: IdVec<TensorId, Vec<usize>>,
    zeros: HashSet<TensorId>,
    /// Rows of the tables whose first column does not count.
    rows: HashMap<TableId, HashSet<Vec<i64>>>,
    /// Values that the run does not keep.
    windows: RefCell<HashMap<TensorId, Arc<[i64]>>>,
}

/// A field element as an integer, if it is a small one.
fn integer(value: Fr) -> Option<i64> {
    let small = |value: Fr| {
        let [low, rest @ ..] = value.into_bigint().0;
        i64::try_from(low).ok().filter(|_| rest.iter().all(|&limb| limb == 0))
    };
    small(value).or_else(|| small(-value).map(|v| -v))
}

impl<'p> Machine<'p> {
    /// A machine for a run.
    ///
    /// # Panics
    /// If the honest run violates a lookup or a zero constraint.
    pub fn new(program: &'p Program, trace: Trace) -> Self {
        let tensors = program.tensors.len();
        let mut users = IdVec::<TensorId, _>::from(vec![Vec::new(); tensors]);
        let mut lookups = IdVec::<TensorId, _>::from(vec![Vec::new(); tensors]);
        for (id, tensor) in program.tensors.enumerate() {
            let operands: Vec<TensorId> = match &tensor.source {
                Source::Linear { terms, .. } => terms.iter().map(|(_, of)| *of).collect(),
                Source::Einsum(einsum) => vec![einsum.lhs, einsum.rhs],
                Source::View(view) => vec![view.source],
                Source::Marks(marks) => vec![marks.indices],
                // Inputs that everybody knows, about which nobody lies.
                Source::Draws(draws) => vec![draws.seed, draws.text, draws.places],
                Source::Advice(rule) => rule.operands().collect(),
                _ => Vec::new(),
            };
            operands.into_iter().for_each(|of| users[of].push(id));
        }
        for (index, lookup) in program.lookups.iter().enumerate() {
            assert_eq!(first_miss(program, &trace, lookup), None, "lookup {index} of the honest run");
            lookup.columns.iter().for_each(|&id| lookups[id].push(index));
        }
        for (index, RowLookup { indices, rows, source }) in program.row_lookups.iter().enumerate() {
            [*indices, *rows, *source].into_iter().for_each(|id| lookups[id].push(program.lookups.len() + index));
        }
        for &id in &program.zeros {
            let name = &program.tensors[id].name;
            assert!(trace.values(program, id).iter().all(|&v| v == 0), "zero constraint `{name}` of the honest run");
        }
        let counts = |table: &Table| matches!(table.columns.first(), Some(Column::Count { .. }));
        let all = |table: &Table| (0..table.rows).map(|row| table.columns.iter().map(|c| c.entry(row)).collect()).collect();
        let rows = program.tables.enumerate().filter(|(_, t)| !counts(t)).map(|(id, t)| (id, all(t))).collect();
        let zeros = program.zeros.iter().copied().collect();
        Self { program, trace, users, lookups, zeros, rows, windows: RefCell::default() }
    }

    /// Tells a lie.
    pub fn tell(&self, lie: &Lie) -> Outcome {
        let mut told = Told::new();
        let mut waiting: BTreeSet<TensorId> = lie.changes.keys().copied().collect();
        // Lookups to be looked at once their last column is known.
        let mut open: BTreeSet<(TensorId, usize)> = BTreeSet::new();
        while let Some(id) = waiting.pop_first() {
            while let Some(&(last, lookup)) = open.first().filter(|(last, _)| *last < id) {
                if let Some(why) = self.missed(&told, lookup) {
                    return Outcome::Caught(why);
                }
                open.remove(&(last, lookup));
            }
            let mut changes = lie.changes.get(&id).cloned().unwrap_or_else(|| self.follow(&told, id, lie.follow));
            changes.retain(|_, by| !by.is_zero());
            if changes.is_empty() {
                continue;
            }
            if self.zeros.contains(&id) {
                return Outcome::Caught(format!("zero constraint `{}`", self.program.tensors[id].name));
            }
            let last = |&lookup: &usize| self.columns(lookup).into_iter().max().unwrap_or(id);
            open.extend(self.lookups[id].iter().map(|lookup| (last(lookup), *lookup)));
            waiting.extend(self.users[id].iter().copied());
            told.insert(id, changes);
        }
        if let Some(why) = open.iter().find_map(|&(_, lookup)| self.missed(&told, lookup)) {
            return Outcome::Caught(why);
        }
        if self.program.outputs.iter().any(|id| told.contains_key(id)) { Outcome::Believed } else { Outcome::Harmless }
    }

    /// An honest value at a padded position.
    fn honest(&self, id: TensorId, at: usize) -> i64 {
        let Some(entry) = entry(&self.program.tensors[id].shape, at) else { return 0 };
        if let Some(values) = self.trace.stored(id) {
            return values.slice().at(entry);
        }
        let mut windows = self.windows.borrow_mut();
        windows.entry(id).or_insert_with(|| self.trace.values(self.program, id))[entry]
    }

    /// The value at a padded position once the lie is told.
    fn value(&self, told: &Told, id: TensorId, at: usize) -> Fr {
        let by = told.get(&id).and_then(|changes| changes.get(&at));
        from_i64(self.honest(id, at)) + by.copied().unwrap_or_default()
    }

    /// The same as an integer, if it is one.
    fn integer(&self, told: &Told, id: TensorId, at: usize) -> Option<i64> {
        match told.get(&id).and_then(|changes| changes.get(&at)) {
            Some(_) => integer(self.value(told, id, at)),
            None => Some(self.honest(id, at)),
        }
    }

    /// What follows for a tensor from those before it.
    fn follow(&self, told: &Told, id: TensorId, follow: Follow) -> Changes {
        let mut changes = Changes::new();
        match &self.program.tensors[id].source {
            Source::Linear { terms, .. } => {
                for (coefficient, of) in terms {
                    for (&at, &by) in told.get(of).into_iter().flatten() {
                        *changes.entry(at).or_default() += from_i64(*coefficient) * by;
                    }
                }
            }
            Source::Einsum(einsum) => changes = self.einsum(told, id, einsum),
            Source::View(view) => {
                let (source, out) = (&self.program.tensors[view.source].shape, &self.program.tensors[id].shape);
                let view = &*view.with_lists(|id| self.trace.stored(id).map(Integers::to_vec));
                for (&at, &by) in told.get(&view.source).into_iter().flatten() {
                    changes.extend(shown_at(view, source, out, at).into_iter().map(|at| (at, by)));
                }
            }
            Source::Marks(marks) => {
                let extent = *self.program.tensors[id].shape.dims().last().expect("an axis");
                for &row in told.get(&marks.indices).into_iter().flat_map(|changes| changes.keys()) {
                    let mark =
                        |j: usize, index: Option<i64>| from_i64(index.is_some_and(|i| marks.relation.holds(j, i)).into());
                    let [before, after] = [Some(self.honest(marks.indices, row)), self.integer(told, marks.indices, row)];
                    changes.extend((0..extent).map(|j| (row << index_bits(extent) | j, mark(j, after) - mark(j, before))));
                }
            }
            Source::Advice(rule) => match follow {
                Follow::Not => {}
                Follow::Rules => changes = self.by_rule(told, id, rule),
                Follow::Exactly => changes = self.exactly(told, rule),
            },
            _ => {}
        }
        changes
    }

    /// `a b` becomes `(a + da)(b + db)`: it changes by `da b + (a + da) db`.
    fn einsum(&self, told: &Told, id: TensorId, einsum: &Einsum) -> Changes {
        let mut changes = Changes::new();
        for (&at, &by) in told.get(&einsum.lhs).into_iter().flatten() {
            self.meet(id, (einsum, false), at, |other, out| {
                let value = self.honest(einsum.rhs, other);
                if value != 0 {
                    *changes.entry(out).or_default() += by * from_i64(value);
                }
            });
        }
        for (&at, &by) in told.get(&einsum.rhs).into_iter().flatten() {
            self.meet(id, (einsum, true), at, |other, out| {
                *changes.entry(out).or_default() += by * self.value(told, einsum.lhs, other);
            });
        }
        changes
    }

    /// Calls with each padded position of the other operand that meets a position of one (the right one if `right`), and where their
    /// product goes.
    fn meet(&self, id: TensorId, (einsum, right): (&Einsum, bool), at: usize, mut met: impl FnMut(usize, usize)) {
        let shape = |id: TensorId| &self.program.tensors[id].shape;
        let (own, other) = if right { (einsum.rhs, einsum.lhs) } else { (einsum.lhs, einsum.rhs) };
        let (own_labels, other_labels) =
            if right { (&einsum.rhs_labels, &einsum.lhs_labels) } else { (&einsum.lhs_labels, &einsum.rhs_labels) };
        let here = coordinates(shape(own), at);
        let fixed = |label: &u8| own_labels.iter().position(|l| l == label).map(|axis| here[axis]);
        let range = |(label, &extent): (&u8, &usize)| -> Range<usize> {
            fixed(label).map_or(0..1 << index_bits(extent), |c| c..c + 1)
        };
        let ranges: Vec<Range<usize>> = other_labels.iter().zip(shape(other).dims()).map(range).collect();
        for there in within(&ranges) {
            let of = |label: &u8| {
                let from_other = || other_labels.iter().position(|l| l == label).map_or(0, |axis| there[axis]);
                fixed(label).unwrap_or_else(from_other)
            };
            let out: Vec<usize> = einsum.out_labels.iter().map(of).collect();
            met(position(shape(other), &there), position(shape(id), &out));
        }
    }

    /// The tensors of a lookup; those of rows count behind those of tables.
    fn columns(&self, index: usize) -> Vec<TensorId> {
        let rows = |&RowLookup { indices, rows, source }: &RowLookup| vec![indices, rows, source];
        let of_rows = |index: usize| self.program.row_lookups.get(index).map(rows).unwrap_or_default();
        let lookup = self.program.lookups.get(index);
        lookup.map_or_else(|| of_rows(index - self.program.lookups.len()), |lookup| lookup.columns.clone())
    }

    /// A row that is not the source's at its index, or not zero in padding.
    fn missed_row(&self, told: &Told, &RowLookup { indices, rows, source }: &RowLookup) -> Option<String> {
        let (shape, extent) = (&self.program.tensors[indices].shape, self.program.first_extent(source));
        let bits: usize = self.program.tensors[source].shape.axis_bits().skip(1).sum();
        let moved = |id: TensorId, shift: usize| {
            told.get(&id).into_iter().flat_map(move |changes| changes.keys().map(move |at| at >> shift))
        };
        let row = |id: TensorId, at: usize| (0..1 << bits).map(move |d| self.value(told, id, at << bits | d));
        let hit = |at: usize| {
            let Some(index) = self.integer(told, indices, at).and_then(|index| usize::try_from(index).ok()) else {
                return false;
            };
            if entry(shape, at).is_none() {
                return index == 0 && row(rows, at).all(|v| v.is_zero());
            }
            index < extent && row(rows, at).eq(row(source, index))
        };
        let moved: BTreeSet<usize> = if told.contains_key(&source) {
            (0..shape.padded_len()).collect()
        } else {
            moved(indices, 0).chain(moved(rows, bits)).collect()
        };
        let name = &self.program.tensors[rows].name;
        moved.into_iter().any(|at| !hit(at)).then(|| format!("lookup of the rows `{name}`"))
    }

    /// A tuple of a lookup that is no row of its table, or not zero in padding.
    fn missed(&self, told: &Told, index: usize) -> Option<String> {
        let Some(lookup) = self.program.lookups.get(index) else {
            return self.missed_row(told, self.program.row_lookups.get(index - self.program.lookups.len())?);
        };
        let table = &self.program.tables[lookup.table];
        let shape = &self.program.tensors[lookup.columns[0]].shape;
        let moved: BTreeSet<usize> =
            lookup.columns.iter().filter_map(|id| told.get(id)).flat_map(|c| c.keys().copied()).collect();
        let hit = |at: usize| {
            let tuple: Option<Vec<i64>> = lookup.columns.iter().map(|&id| self.integer(told, id, at)).collect();
            let Some(tuple) = tuple else { return false };
            if entry(shape, at).is_none() {
                return tuple.iter().all(|&v| v == 0);
            }
            match (table.columns.first(), self.rows.get(&lookup.table)) {
                (_, Some(rows)) => rows.contains(&tuple),
                (Some(Column::Count { start }), None) => {
                    let row = tuple[0].checked_sub(*start).and_then(|row| usize::try_from(row).ok());
                    let row = row.filter(|&row| row < table.rows);
                    row.is_some_and(|row| table.columns.iter().zip(&tuple).all(|(c, &v)| c.entry(row) == v))
                }
                _ => false,
            }
        };
        let name = &self.program.tensors[lookup.columns[0]].name;
        moved.into_iter().any(|at| !hit(at)).then(|| format!("lookup of `{name}`"))
    }
}

/// `1 / n`.
///
/// # Panics
/// If `n` is zero.
pub fn fraction(n: i64) -> Fr {
    from_i64(n).inverse().expect("not zero")
}
