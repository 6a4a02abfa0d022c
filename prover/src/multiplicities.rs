//! How often each row of a table is looked up.

use rayon::prelude::*;
use std::collections::BTreeMap;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::integers::{Integers, Slice};
use zktorch_blocks::kernel::Values;
use zktorch_blocks::program::{Column, IdVec, Program, Table, TableId, TensorId};

/// A tuple that no row of its table matches: the witness does not satisfy the program. The text does not show the tuple.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lookup of tensor `{tensor}` finds no row of table `{table}` at entry {position}")]
pub struct Miss {
    /// The first column's tensor.
    pub tensor: String,
    /// The table.
    pub table: String,
    /// Row-major position.
    pub position: usize,
    /// The values looked up.
    pub tuple: Vec<i64>,
}

/// Rows of a table by the entry of their first column.
struct Index<'a> {
    table: &'a Table,
    /// Smallest entry of the first column.
    low: i64,
    /// `rows[starts[i]..starts[i + 1]]` have the entry `low + i`; empty where the first column counts.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl<'a> Index<'a> {
    fn new(table: &'a Table) -> Self {
        if let Some(Column::Count { start }) = table.columns.first() {
            return Self { table, low: *start, starts: Vec::new(), rows: Vec::new() };
        }
        let entries: Vec<i64> = (0..table.rows).map(|i| table.columns[0].entry(i)).collect();
        let low = entries.iter().copied().min().unwrap_or(0);
        let high = entries.iter().copied().max().unwrap_or(0);
        let mut starts = vec![0u32; (high - low) as usize + 2];
        entries.iter().for_each(|e| starts[(e - low) as usize + 1] += 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; entries.len()];
        for (row, e) in entries.iter().enumerate() {
            let slot = &mut next[(e - low) as usize];
            rows[*slot as usize] = row as u32;
            *slot += 1;
        }
        Self { table, low, starts, rows }
    }

    fn find(&self, tuple: impl Fn(usize) -> i64) -> Option<usize> {
        let at = usize::try_from(tuple(0).checked_sub(self.low)?).ok()?;
        let matches = |row: usize| (1..self.table.columns.len()).all(|j| self.table.columns[j].entry(row) == tuple(j));
        if self.starts.is_empty() {
            return (at < self.table.rows && matches(at)).then_some(at);
        }
        let range = *self.starts.get(at)? as usize..*self.starts.get(at + 1)? as usize;
        self.rows[range].iter().map(|&row| row as usize).find(|&row| matches(row))
    }
}

/// The multiplicities of all tables, one for each padded row. Where several rows match, the first is counted.
///
/// # Errors
/// The first tuple that is in no row.
pub fn multiplicities(program: &Program, values: &dyn Values) -> Result<IdVec<TableId, Integers>, Miss> {
    let count = |table| count(program, values, TableId(table));
    (0..program.tables.len()).into_par_iter().map(count).collect::<Result<Vec<_>, _>>().map(IdVec::from)
}

fn count(program: &Program, values: &dyn Values, id: TableId) -> Result<Integers, Miss> {
    let table = &program.tables[id];
    let index = Index::new(table);
    let mut counts = vec![0; table.padded_rows()];
    for lookup in program.lookups.iter().filter(|l| l.table == id) {
        let columns: Vec<Integers> = lookup.columns.iter().map(|&c| values.integers(Polynomial::Tensor(c))).collect();
        let columns: Vec<Slice<'_>> = columns.iter().map(Integers::slice).collect();
        for position in 0..columns[0].len() {
            let row = index.find(|j| columns[j].at(position)).ok_or_else(|| Miss {
                tensor: program.tensors[lookup.columns[0]].name.clone(),
                table: table.name.clone(),
                position,
                tuple: columns.iter().map(|c| c.at(position)).collect(),
            })?;
            counts[row] += 1;
        }
    }
    Ok(counts.into())
}

/// How often each row of each tensor is looked up, padding included.
///
/// # Errors
/// The first index that is none of its tensor's.
pub fn row_multiplicities(program: &Program, values: &dyn Values) -> Result<BTreeMap<TensorId, Integers>, Miss> {
    let mut all: BTreeMap<TensorId, Vec<i64>> = BTreeMap::new();
    for lookup in &program.row_lookups {
        let extent = program.first_extent(lookup.source);
        let counts = all.entry(lookup.source).or_insert_with(|| vec![0; extent.next_power_of_two()]);
        for (position, index) in values.integers(Polynomial::Tensor(lookup.indices)).iter().enumerate() {
            let row = usize::try_from(index).ok().filter(|&row| row < extent).ok_or_else(|| Miss {
                tensor: program.tensors[lookup.indices].name.clone(),
                table: program.tensors[lookup.source].name.clone(),
                position,
                tuple: vec![index],
            })?;
            counts[row] += 1;
        }
    }
    Ok(all.into_iter().map(|(id, counts)| (id, counts.into())).collect())
}
