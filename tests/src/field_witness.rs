//! The witness of the reference prover: every polynomial in full, padding included, as field elements.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::Trace;
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::program::{Lookup, Program, RowLookup, Source, TensorId};

/// Padded polynomials. A liar may tell different things in different places.
#[derive(Clone, Debug)]
pub struct Data<'p> {
    /// The program.
    pub program: &'p Program,
    /// What evaluations and waves are computed from, and what is committed unless `rows` differs.
    pub values: BTreeMap<Polynomial, Vec<Fr>>,
    /// What the fraction tree uses instead.
    pub tree: BTreeMap<Polynomial, Vec<Fr>>,
    /// What is committed instead.
    pub rows: BTreeMap<Polynomial, Vec<Fr>>,
}

/// The tensor of a name.
///
/// # Panics
/// If there is none.
pub fn tensor(program: &Program, name: &str) -> TensorId {
    program.tensors.ids().find(|&id| program.tensors[id].name == name).unwrap_or_else(|| panic!("no tensor `{name}`"))
}

/// The table of a name.
///
/// # Panics
/// If there is none.
pub fn table(program: &Program, name: &str) -> Polynomial {
    let found = program.tables.ids().find(|&id| program.tables[id].name == name);
    Polynomial::Multiplicity(found.unwrap_or_else(|| panic!("no table `{name}`")))
}

impl<'p> Data<'p> {
    /// The witness of a run, with multiplicities. Lookups that miss count nowhere.
    pub fn new(program: &'p Program, trace: &Trace) -> Self {
        let mut values = BTreeMap::new();
        for (id, tensor) in program.tensors.enumerate() {
            let mut padded = vec![from_i64(0); tensor.shape.padded_len()];
            for (at, &v) in tensor.shape.padded_indices().into_iter().zip(trace.values(program, id).iter()) {
                padded[at] = from_i64(v);
            }
            values.insert(Polynomial::Tensor(id), padded);
        }
        let mut data = Self { program, values, tree: BTreeMap::new(), rows: BTreeMap::new() };
        data.count();
        data
    }

    /// The witness that follows from values of public and committed tensors, on their valid boxes; what is not given is zero.
    ///
    /// # Panics
    /// If a tensor has another number of entries.
    pub fn given(program: &'p Program, given: BTreeMap<TensorId, Vec<Fr>>) -> Self {
        let mut values = BTreeMap::new();
        for (id, tensor) in program.tensors.enumerate() {
            let shape = &tensor.shape;
            let own = match &tensor.source {
                Source::Fill(value) => vec![from_i64(*value); shape.len()],
                Source::Constant(values) => values.iter().copied().map(from_i64).collect(),
                _ => given.get(&id).cloned().unwrap_or_else(|| vec![from_i64(0); shape.len()]),
            };
            assert_eq!(own.len(), shape.len(), "entries of tensor {id}");
            let mut padded = vec![from_i64(0); shape.padded_len()];
            shape.padded_indices().into_iter().zip(own).for_each(|(at, v)| padded[at] = v);
            values.insert(Polynomial::Tensor(id), padded);
        }
        let mut data = Self { program, values, tree: BTreeMap::new(), rows: BTreeMap::new() };
        data.derive_virtual();
        data
    }

    /// Counts the lookups anew.
    pub fn count(&mut self) {
        for (id, table) in self.program.tables.enumerate() {
            let mut rows: HashMap<Vec<Fr>, usize> = HashMap::new();
            for row in (0..table.rows).rev() {
                rows.insert(table.columns.iter().map(|c| from_i64(c.entry(row))).collect(), row);
            }
            let mut counts = vec![from_i64(0); table.padded_rows()];
            for lookup in self.program.lookups.iter().filter(|l| l.table == id) {
                for at in self.program.tensors[lookup.columns[0]].shape.padded_indices() {
                    let tuple: Vec<Fr> = lookup.columns.iter().map(|&c| self.values[&Polynomial::Tensor(c)][at]).collect();
                    if let Some(&row) = rows.get(&tuple) {
                        counts[row] += from_i64(1);
                    }
                }
            }
            self.values.insert(Polynomial::Multiplicity(id), counts);
        }
        self.count_rows();
    }

    /// Counts the lookups of rows anew; those that miss count nowhere.
    fn count_rows(&mut self) {
        for id in self.program.row_tables() {
            let mut counts = vec![from_i64(0); self.program.first_extent(id).next_power_of_two()];
            for lookup in self.program.row_lookups.iter().filter(|lookup| lookup.source == id) {
                let valid = self.program.tensors[lookup.indices].shape.padded_indices();
                valid.into_iter().filter_map(|at| self.row_hit(lookup, at)).for_each(|row| counts[row] += from_i64(1));
            }
            self.values.insert(Polynomial::RowMultiplicity(id), counts);
        }
    }

    /// One row of a tensor, padding included, by the padded index of what stands before it.
    fn row(&self, id: TensorId, bits: usize, at: usize) -> &[Fr] {
        &self.values[&Polynomial::Tensor(id)][at << bits..][..1 << bits]
    }

    /// The row of the source that a lookup's index names, if the row there is that one.
    fn row_hit(&self, lookup: &RowLookup, at: usize) -> Option<usize> {
        let index = self.values[&Polynomial::Tensor(lookup.indices)][at];
        let bits = self.program.tensors[lookup.source].shape.axis_bits().skip(1).sum();
        let row = (0..self.program.first_extent(lookup.source)).find(|&row| from_i64(row as i64) == index)?;
        (self.row(lookup.rows, bits, at) == self.row(lookup.source, bits, row)).then_some(row)
    }

    /// Whether some row is not the source's, or not zero in padding.
    fn misses_row(&self, lookup: &RowLookup) -> bool {
        let shape = &self.program.tensors[lookup.indices].shape;
        let bits = self.program.tensors[lookup.source].shape.axis_bits().skip(1).sum();
        let valid: HashSet<usize> = shape.padded_indices().into_iter().collect();
        let zero = |at: usize| {
            let index = &self.values[&Polynomial::Tensor(lookup.indices)][at];
            std::iter::once(index).chain(self.row(lookup.rows, bits, at)).all(|v| *v == from_i64(0))
        };
        (0..shape.padded_len()).any(|at| if valid.contains(&at) { self.row_hit(lookup, at).is_none() } else { !zero(at) })
    }

    /// What the values do not satisfy, padding included: lookups by the name of their first column, those of rows by that of the rows, and
    /// tensors that should vanish. Sorted, each once.
    pub fn broken(&self) -> Vec<&'p str> {
        let name = |id: TensorId| self.program.tensors[id].name.as_str();
        let lookups = self.program.lookups.iter().filter(|l| self.misses(l)).map(|l| name(l.columns[0]));
        let rows = self.program.row_lookups.iter().filter(|l| self.misses_row(l)).map(|l| name(l.rows));
        let nonzero = |&&id: &&TensorId| self.values[&Polynomial::Tensor(id)].iter().any(|v| *v != from_i64(0));
        let zeros = self.program.zeros.iter().filter(nonzero).map(|&id| name(id));
        let names: BTreeSet<&str> = lookups.chain(rows).chain(zeros).collect();
        names.into_iter().collect()
    }

    /// Whether some tuple of a lookup is no row of its table, or not zero in padding.
    fn misses(&self, lookup: &Lookup) -> bool {
        let table = &self.program.tables[lookup.table];
        let row = |row| table.columns.iter().map(|c| from_i64(c.entry(row))).collect();
        let rows: HashSet<Vec<Fr>> = (0..table.rows).map(row).collect();
        let shape = &self.program.tensors[lookup.columns[0]].shape;
        let valid: HashSet<usize> = shape.padded_indices().into_iter().collect();
        let hit = |at: usize| {
            let tuple: Vec<Fr> = lookup.columns.iter().map(|&c| self.values[&Polynomial::Tensor(c)][at]).collect();
            if valid.contains(&at) { rows.contains(&tuple) } else { tuple.iter().all(|v| *v == from_i64(0)) }
        };
        !(0..shape.padded_len()).all(hit)
    }

    /// The padded position of an entry of a tensor.
    pub fn position(&self, name: &str, index: &[usize]) -> usize {
        let shape = &self.program.tensors[tensor(self.program, name)].shape;
        index.iter().zip(shape.axis_bits()).fold(0, |at, (i, bits)| at << bits | i)
    }

    /// An entry of a tensor; the index may lie in padding.
    pub fn at(&mut self, name: &str, index: &[usize]) -> &mut Fr {
        let at = self.position(name, index);
        &mut self.of(name)[at]
    }

    /// All entries of a tensor.
    pub fn of(&mut self, name: &str) -> &mut Vec<Fr> {
        let id = Polynomial::Tensor(tensor(self.program, name));
        self.values.get_mut(&id).expect("every tensor has values")
    }

    /// The multiplicities of a table.
    pub fn counts(&mut self, name: &str) -> &mut Vec<Fr> {
        let id = table(self.program, name);
        self.values.get_mut(&id).expect("every table has multiplicities")
    }

    /// What is committed.
    pub fn committed(&self, polynomial: Polynomial) -> &[Fr] {
        self.rows.get(&polynomial).unwrap_or(&self.values[&polynomial])
    }

    /// What the tree sees.
    pub fn in_tree(&self, polynomial: Polynomial) -> &[Fr] {
        self.tree.get(&polynomial).unwrap_or(&self.values[&polynomial])
    }
}
