//! Whether a trace satisfies its program: the relation itself, without a proof.

use super::{Trace, view};
use crate::integers::Integers;
use crate::program::{Column, Einsum, Lookup, Program, RowLookup, Source, TensorId};
use std::collections::HashSet;
use std::sync::Arc;

/// A constraint that a trace does not satisfy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Violation {
    /// The tensor, lookup or constraint.
    pub what: String,
    /// How it fails.
    pub why: String,
}

/// Every constraint of the program that the trace violates: lookups, zeros, and the definitions of virtual tensors,
/// recomputed entry by entry. Slow: for tests and for the prover's debug mode.
pub fn check_satisfied(program: &Program, trace: &Trace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, tensor) in program.tensors.enumerate() {
        let values = trace.values(program, id);
        if let Some(expected) = definition(program, trace, id)
            && let Some(at) = (0..expected.len().max(values.len())).find(|&i| expected.get(i) != values.get(i))
        {
            let why = format!("entry {at} is {:?}, its definition gives {:?}", values.get(at), expected.get(at));
            violations.push(Violation { what: format!("tensor `{}`", tensor.name), why });
        }
    }
    for (index, lookup) in program.lookups.iter().enumerate() {
        if let Some(tuple) = first_miss(program, trace, lookup) {
            let names: Vec<&str> = lookup.columns.iter().map(|&id| program.tensors[id].name.as_str()).collect();
            let why = format!("{tuple:?} is no row of table `{}`", program.tables[lookup.table].name);
            violations.push(Violation { what: format!("lookup {index} of {names:?}"), why });
        }
    }
    for lookup in &program.row_lookups {
        if let Some(at) = wrong_row(program, trace, lookup) {
            let [rows, source] = [lookup.rows, lookup.source].map(|id| &program.tensors[id].name);
            let what = format!("lookup of the rows `{rows}`");
            violations.push(Violation { what, why: format!("that at index {at} is not the one of `{source}`") });
        }
    }
    for &id in &program.zeros {
        if let Some(value) = trace.values(program, id).iter().find(|&&v| v != 0) {
            let what = format!("zero constraint on `{}`", program.tensors[id].name);
            violations.push(Violation { what, why: format!("has an entry {value}") });
        }
    }
    violations
}

/// What a virtual or constant tensor must be, given the others; `None` for inputs, weights and advice.
pub fn definition(program: &Program, trace: &Trace, id: TensorId) -> Option<Vec<i64>> {
    let tensor = &program.tensors[id];
    let values = |id: TensorId| trace.values(program, id);
    match &tensor.source {
        Source::Input(_) | Source::Weight | Source::Advice(_) => None,
        Source::Fill(value) => Some(vec![*value; tensor.shape.len()]),
        Source::Constant(entries) => Some(entries.clone()),
        Source::Linear { terms, constant } => {
            let mut out = vec![*constant; tensor.shape.len()];
            for &(coefficient, id) in terms {
                out.iter_mut().zip(values(id).iter()).for_each(|(o, v)| *o += coefficient * v);
            }
            Some(out)
        }
        Source::Marks(marks) => Some(marks.entries(&tensor.shape, &values(marks.indices))),
        Source::Draws(draws) => Some(draws.entries(|id| values(id).to_vec())),
        Source::Einsum(einsum) => Some(naive(program, einsum, id, &values(einsum.lhs), &values(einsum.rhs))),
        Source::View(v) => {
            let view = v.with_lists(|id| trace.stored(id).map(Integers::to_vec));
            let source = trace.integers(program, v.source);
            Some(view::materialise(&view, &program.tensors[v.source].shape, &tensor.shape, source.slice()).to_vec())
        }
    }
}

/// An einsum by its definition.
fn naive(program: &Program, einsum: &Einsum, id: TensorId, lhs: &[i64], rhs: &[i64]) -> Vec<i64> {
    let out_dims = program.tensors[id].shape.dims();
    let mut labels: Vec<(u8, usize)> = einsum.out_labels.iter().copied().zip(out_dims.iter().copied()).collect();
    for (&label, &extent) in einsum.lhs_labels.iter().zip(program.tensors[einsum.lhs].shape.dims()) {
        if !einsum.out_labels.contains(&label) {
            labels.push((label, extent));
        }
    }
    let steps = |names: &[u8], dims: &[usize]| -> Vec<usize> {
        let strides = view::row_major(dims);
        labels.iter().map(|(l, _)| names.iter().position(|n| n == l).map_or(0, |p| strides[p] as usize)).collect()
    };
    let steps = [
        steps(&einsum.lhs_labels, program.tensors[einsum.lhs].shape.dims()),
        steps(&einsum.rhs_labels, program.tensors[einsum.rhs].shape.dims()),
        steps(&einsum.out_labels, out_dims),
    ];
    let mut out = vec![0i64; out_dims.iter().product()];
    let mut index = vec![0usize; labels.len()];
    for _ in 0..labels.iter().map(|(_, e)| e).product() {
        let at = |s: &[usize]| index.iter().zip(s).map(|(i, s)| i * s).sum::<usize>();
        out[at(&steps[2])] += lhs[at(&steps[0])] * rhs[at(&steps[1])];
        for axis in (0..labels.len()).rev() {
            index[axis] += 1;
            if index[axis] < labels[axis].1 {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// The first tuple of a lookup that is not a row of its table.
pub fn first_miss(program: &Program, trace: &Trace, lookup: &Lookup) -> Option<Vec<i64>> {
    let columns: Vec<Arc<[i64]>> = lookup.columns.iter().map(|&id| trace.values(program, id)).collect();
    let table = &program.tables[lookup.table];
    let len = columns.first().map_or(0, |c| c.len());
    let tuple = |i: usize| -> Vec<i64> { columns.iter().map(|c| c[i]).collect() };
    if let Some(Column::Count { start }) = table.columns.first() {
        let hit = |t: &[i64]| {
            let row = t[0].checked_sub(*start).and_then(|r| usize::try_from(r).ok()).filter(|&r| r < table.rows);
            row.is_some_and(|row| table.columns.iter().zip(t).all(|(c, &v)| c.entry(row) == v))
        };
        return (0..len).map(tuple).find(|t| !hit(t));
    }
    let rows: HashSet<Vec<i64>> = (0..table.rows).map(|row| table.columns.iter().map(|c| c.entry(row)).collect()).collect();
    (0..len).map(tuple).find(|t| !rows.contains(t))
}

/// The position of the first index that is none of the source's, or whose row is not the source's.
fn wrong_row(program: &Program, trace: &Trace, lookup: &RowLookup) -> Option<usize> {
    let [indices, rows, source] = [lookup.indices, lookup.rows, lookup.source].map(|id| trace.values(program, id));
    let width = source.len() / program.first_extent(lookup.source);
    let row = |index: i64| source.get(usize::try_from(index).ok()?.checked_mul(width)?..)?.get(..width);
    indices.iter().zip(rows.chunks(width)).position(|(&index, own)| row(index) != Some(own))
}
