//! What is looked up, after a run: values that leave the calibrated range have no row, and no proof.

use super::advice::groups;
use super::{ExecuteError, Trace, check_within};
use crate::integers::Integers;
use crate::program::{Advice, Column, Interval, Lookup, Program, Source, TensorId};

/// Checks that what is looked up in the counting column of a table, or as the index of a row, lies within its rows, and that the row has what
/// stands beside it: rules of advice see to the rest.
pub(super) fn check(program: &Program, trace: &Trace) -> Result<(), ExecuteError> {
    for lookup in &program.lookups {
        let table = &program.tables[lookup.table];
        let (Some(Column::Count { start }), Some(&key)) = (table.columns.first(), lookup.columns.first()) else { continue };
        let tensor = &program.tensors[key];
        let allowed = Interval::new(*start, start + table.rows as i64 - 1);
        if allowed.lo > tensor.interval.lo || tensor.interval.hi > allowed.hi {
            check_within(&tensor.name, allowed, trace.integers(program, key).slice())?;
        }
        check_beside(program, trace, lookup, (key, *start))?;
    }
    for lookup in &program.row_lookups {
        let allowed = Interval::new(0, program.first_extent(lookup.source) as i64 - 1);
        check_within(&program.tensors[lookup.indices].name, allowed, trace.integers(program, lookup.indices).slice())?;
    }
    Ok(())
}

/// Checks the columns that are not read from the rows of the first one's entries.
fn check_beside(
    program: &Program,
    trace: &Trace,
    lookup: &Lookup,
    (key, start): (TensorId, i64),
) -> Result<(), ExecuteError> {
    let table = &program.tables[lookup.table];
    let read = |id: TensorId, at: usize| {
        let rule = Advice::Table { source: key, table: lookup.table, column: at };
        program.tensors[id].source == Source::Advice(rule)
    };
    let beside: Vec<(usize, TensorId)> = lookup.columns.iter().copied().enumerate().skip(1).collect();
    let beside: Vec<_> = beside.into_iter().filter(|&(at, id)| !read(id, at)).collect();
    if beside.is_empty() {
        return Ok(());
    }
    let keys = trace.integers(program, key);
    for (at, id) in beside {
        let (column, values) = (&table.columns[at], trace.integers(program, id));
        let other = |(key, value): (i64, i64)| column.entry((key - start) as usize) != value;
        if let Some(position) = keys.iter().zip(values.iter()).position(other) {
            return Err(ExecuteError::NoRow { tensor: program.tensors[key].name.clone(), position });
        }
        check_flags(program, id, &values)?;
    }
    Ok(())
}

/// Checks that a flag says which entry of each row is the largest, if it does: none is where all are masked.
fn check_flags(program: &Program, id: TensorId, flags: &Integers) -> Result<(), ExecuteError> {
    let Source::Advice(Advice::FirstZero { axes, .. }) = &program.tensors[id].source else { return Ok(()) };
    let (starts, inner) = groups(&program.tensors[id].shape, axes);
    let flags = flags.slice();
    match starts.into_iter().find(|start| inner.iter().all(|i| flags.at(start + i) == 0)) {
        None => Ok(()),
        Some(position) => Err(ExecuteError::Masked { tensor: program.tensors[id].name.clone(), position }),
    }
}
