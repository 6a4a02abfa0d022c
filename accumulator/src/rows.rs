//! The prover's rows: what is committed to and folded, as views of integer tensors.
//!
//! A row of a matrix is mostly a part of one tensor, or several runs of it with padding between them: nothing is copied to say so. Tensors whose runs are short,
//! kernels of convolutions, are padded once, at their own width.

use crate::layout::{Layout, Phase, Place};
use std::ops::Range;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::each_width;
use zktorch_blocks::integers::{Integers, Slice};
use zktorch_blocks::program::index_bits;

/// Runs that are shorter are not worth a name each.
const SHORT: usize = 32;

/// Integers from some column on.
#[derive(Clone, Debug)]
struct Run {
    column: usize,
    values: Integers,
}

/// A row: runs of integers in the order of their columns, zeros between them and behind. A secret like the tensors, of which it is a view.
#[derive(Clone, Debug, Default)]
pub struct Row {
    runs: Vec<Run>,
}

impl Row {
    /// The runs within some columns, each from a place in this range on.
    pub fn within(&self, columns: Range<usize>) -> impl Iterator<Item = (usize, Slice<'_>)> + '_ {
        let first = self.runs.partition_point(|run| run.column + run.values.len() <= columns.start);
        let runs = self.runs[first..].iter().take_while(move |run| run.column < columns.end);
        runs.map(move |run| {
            let start = run.column.max(columns.start);
            let end = (run.column + run.values.len()).min(columns.end);
            (start - columns.start, run.values.slice().range(start - run.column..end - run.column))
        })
    }

    /// Columns up to the last integer.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |run| run.column + run.values.len())
    }

    /// Whether all of it is zero, because nothing lies in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Writes all columns.
    pub fn expand(&self, out: &mut [i64]) {
        out.fill(0);
        for (column, values) in self.within(0..out.len()) {
            values.widen(&mut out[column..]);
        }
    }

    fn push(&mut self, column: usize, values: Integers) {
        self.runs.push(Run { column, values });
    }
}

impl From<Integers> for Row {
    fn from(values: Integers) -> Self {
        Self { runs: vec![Run { column: 0, values }] }
    }
}

/// The rows of a phase, from row-major values of its polynomials. Those that there are no values of are zero.
pub fn rows(layout: &Layout, phase: Phase, values: impl Fn(Polynomial) -> Integers) -> Vec<Row> {
    let range = layout.rows(phase);
    let mut rows = vec![Row::default(); range.len()];
    let mut places: Vec<(Polynomial, &Place)> = layout.places().filter(|(_, p)| range.contains(&p.row)).collect();
    places.sort_by_key(|(_, place)| (place.row, place.column));
    for (polynomial, place) in places {
        place_runs(layout.column_bits, place, &values(polynomial), &mut rows[place.row - range.start..]);
    }
    rows
}

/// Adds a tensor's runs to the rows that it lies in.
fn place_runs(column_bits: u32, place: &Place, values: &Integers, rows: &mut [Row]) {
    let columns = 1usize << column_bits;
    let mut add = |mut at: usize, mut values: Integers| {
        at += place.column;
        while !values.is_empty() {
            let column = at & (columns - 1);
            let len = values.len().min(columns - column);
            rows[at >> column_bits].push(column, values.range(0..len));
            values = values.range(len..values.len());
            at += len;
        }
    };
    if values.is_empty() {
        return;
    }
    // The last axes make one run, up to the first that is padded.
    let (mut run, mut bits, mut outer) = (1, 0, place.shape.clone());
    while let Some(extent) = outer.0.pop() {
        run *= extent;
        bits += index_bits(extent);
        if !extent.is_power_of_two() {
            break;
        }
    }
    if run < SHORT && values.len() > SHORT {
        let padded = each_width!(values.slice(), values => Integers::make(place.shape.padded_len(), |padded| {
            place.shape.padded_indices().into_iter().zip(values).for_each(|(at, &value)| padded[at] = value);
        }));
        return add(0, padded);
    }
    for (number, at) in outer.padded_indices().into_iter().enumerate() {
        add(at << bits, values.range(number * run..(number + 1) * run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_blocks::program::{Interval, Program, Scale, Shape, Source, Tensor, TensorId, Visibility};

    #[test]
    fn rows_hold_every_entry_at_its_padded_place() {
        let mut program = Program::default();
        let dims: [&[usize]; 9] =
            [&[3, 70, 50], &[300], &[7, 3, 3], &[5], &[], &[2, 64], &[40, 33], &[1, 1, 130], &[6, 4, 4, 2]];
        for (i, dims) in dims.into_iter().enumerate() {
            let (name, shape, source) = (String::new(), Shape(dims.to_vec()), Source::Weight);
            let interval = Interval::new(-(1 << (7 * i)), 1 << (7 * i));
            program.tensors.push(Tensor { name, shape, source, visibility: Visibility::Private, interval, scale: Scale(0) });
        }
        let value = |id: TensorId, i: usize| ((i as i64 + 1) << (7 * id.0)) * if i.is_multiple_of(2) { 1 } else { -1 };
        for column_bits in [3, 6, 8, 10] {
            let layout = Layout::new(&program, column_bits).unwrap();
            let values = |p: Polynomial| match p {
                Polynomial::Tensor(id) => (0..program.tensors[id].shape.len()).map(|i| value(id, i)).collect(),
                _ => Integers::default(),
            };
            let rows = rows(&layout, Phase::Model, values);
            let columns = 1 << column_bits;
            let mut expected = vec![0; rows.len() * columns];
            for (polynomial, place) in layout.places() {
                let Polynomial::Tensor(id) = polynomial else { continue };
                for (i, at) in place.shape.padded_indices().into_iter().enumerate() {
                    expected[place.row * columns + place.column + at] = value(id, i);
                }
            }
            for (row, expected) in rows.iter().zip(expected.chunks(columns)) {
                let mut all = vec![7; columns];
                row.expand(&mut all);
                assert_eq!(all, expected);
                for range in [0..columns, 1..columns - 1, columns / 2..columns / 2 + 3] {
                    let mut part = vec![0; range.len()];
                    row.within(range.clone()).for_each(|(at, values)| values.widen(&mut part[at..]));
                    assert_eq!(part, expected[range]);
                }
            }
        }
    }
}
