//! The prover's rules.

use super::view::row_major;
use super::{ExecuteError, PARALLEL, check_within};
use crate::each_width;
use crate::integers::{Integer, Integers, Slice};
use crate::program::{Advice, Column, Interval, Program, Shape, TableId, Tensor, TensorId};
use rayon::prelude::*;

/// `floor((x + floor(divisor/2)) / divisor)`. Intervals keep `x` below 2^62, so the sum fits.
pub(super) fn round(x: i64, divisor: i64) -> i64 {
    x.saturating_add(divisor / 2).div_euclid(divisor)
}

/// Steps from `[lo, hi]` to `y`, rounded away from 0.
fn excess(y: i64, lo: i64, hi: i64, step: i64) -> i64 {
    let steps = |beyond: i64| beyond.saturating_sub(1).div_euclid(step) + 1;
    match y {
        y if y > hi => steps(y.saturating_sub(hi)),
        y if y < lo => -steps(lo.saturating_sub(y)),
        _ => 0,
    }
}

/// The values of an advice tensor of a valid program.
pub(super) fn evaluate<'t>(
    program: &Program,
    advice: &Advice,
    tensor: &Tensor,
    stored: &(impl Fn(TensorId) -> Slice<'t> + Sync),
) -> Result<Integers, ExecuteError> {
    let fail = |(position, what): (usize, String)| ExecuteError::Domain { tensor: tensor.name.clone(), position, what };
    let values: Vec<i64> = match advice {
        Advice::Round { source, divisor } | Advice::Carry { source, divisor } => {
            map(stored(*source), |x| round(x, *divisor))
        }
        Advice::Floor { source, divisor } => map(stored(*source), |x| x.div_euclid(*divisor)),
        Advice::Excess { source, divisor, lo, hi, step } => {
            map(stored(*source), |x| excess(round(x, *divisor), *lo, *hi, *step))
        }
        Advice::Sign { source } => map(stored(*source), i64::signum),
        Advice::Copy { source } => stored(*source).to_vec(),
        Advice::Gap { reference, source, divisor } => {
            zip(stored(*reference), stored(*source), |m, x| m.wrapping_sub(round(x, *divisor)))
        }
        Advice::Exponent { source, bits } => {
            map(stored(*source), |x| i64::from((64 - x.max(0).leading_zeros()).saturating_sub(*bits)))
        }
        Advice::Table { source, table, column } => from_table(program, *source, *table, *column, stored)?,
        Advice::Rows { source, indices } => return rows(program, *source, *indices, stored),
        Advice::Max { source, axes, divisor } => {
            maximum(&stored(*source).to_vec(), &program.tensors[*source].shape, axes, *divisor)
        }
        Advice::ArgMax { source } => arg_max(&stored(*source).to_vec(), &program.tensors[*source].shape),
        Advice::Quantile { weights, threshold, scale } => {
            quantile(&stored(*weights).to_vec(), &stored(*threshold).to_vec(), *scale)
        }
        Advice::Descent { bits, parents } => descent(&stored(*bits).to_vec(), parents),
        Advice::FirstZero { source, axes } => first_zero(&stored(*source).to_vec(), &program.tensors[*source].shape, axes),
        Advice::Top { source } => {
            let [.., places, entries] = *tensor.shape.dims() else { return Ok(Integers::default()) };
            top(&stored(*source).to_vec(), places, entries)
        }
        Advice::SquareRoot { source } => {
            let values = stored(*source);
            match values.iter().position(|x| x < 0) {
                Some(at) => return Err(fail((at, "square root of a negative number".to_owned()))),
                None => map(values, i64::isqrt),
            }
        }
        Advice::Divide { numerator, denominator, scale } => {
            let (a, b) = (stored(*numerator), stored(*denominator));
            if let Some(at) = b.iter().position(|b| b <= 0) {
                return Err(fail((at, "division by something that is not positive".to_owned())));
            }
            let scale = i128::from(*scale);
            zip(a, b, |a, b| {
                let (a, b) = (i128::from(a), i128::from(b));
                let quotient = (2 * scale * a + b).div_euclid(2 * b);
                quotient.clamp(i64::MIN.into(), i64::MAX.into()) as i64
            })
        }
    };
    Ok(values.into())
}

fn map(values: Slice<'_>, f: impl Fn(i64) -> i64 + Sync) -> Vec<i64> {
    each_width!(values, values => values.par_iter().with_min_len(PARALLEL).map(|&x| f(x.wide())).collect())
}

fn zip(a: Slice<'_>, b: Slice<'_>, f: impl Fn(i64, i64) -> i64 + Sync) -> Vec<i64> {
    (0..a.len().min(b.len())).into_par_iter().with_min_len(PARALLEL).map(|i| f(a.at(i), b.at(i))).collect()
}

/// The column's entry in the row that starts with `x`.
fn from_table<'t>(
    program: &Program,
    source: TensorId,
    table: TableId,
    column: usize,
    stored: &impl Fn(TensorId) -> Slice<'t>,
) -> Result<Vec<i64>, ExecuteError> {
    let table = &program.tables[table];
    let start = match table.columns.first() {
        Some(Column::Count { start }) => *start,
        _ => 0,
    };
    let values = stored(source);
    check_within(&program.tensors[source].name, Interval::new(start, start + table.rows as i64 - 1), values)?;
    let column = &table.columns[column];
    Ok(map(values, |x| column.entry((x - start) as usize)))
}

/// The rows of a source at indices of its first axis.
fn rows<'t>(
    program: &Program,
    source: TensorId,
    indices: TensorId,
    stored: &impl Fn(TensorId) -> Slice<'t>,
) -> Result<Integers, ExecuteError> {
    let (values, list, extent) = (stored(source), stored(indices), program.first_extent(source));
    check_within(&program.tensors[indices].name, Interval::new(0, extent as i64 - 1), list)?;
    let width = values.len() / extent;
    let rows = list.iter().map(|row| row as usize * width..(row as usize + 1) * width);
    Ok(each_width!(values, values => Integers::make(list.len() * width, |out| {
        out.chunks_mut(width.max(1)).zip(rows).for_each(|(out, row)| out.copy_from_slice(&values[row]));
    })))
}

/// Entries of a box, grouped by the axes that stay: start of each group, and offsets within a group.
pub(super) fn groups(shape: &Shape, axes: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let strides = row_major(shape.dims());
    let mut starts = vec![0usize];
    let mut inner = vec![0usize];
    for (axis, &extent) in shape.dims().iter().enumerate() {
        let grow = |offsets: Vec<usize>| -> Vec<usize> {
            let step = strides[axis] as usize;
            offsets.into_iter().flat_map(|o| (0..extent).map(move |i| o + i * step)).collect()
        };
        if axes.contains(&axis) {
            inner = grow(inner);
        } else {
            starts = grow(starts);
        }
    }
    (starts, inner)
}

fn maximum(values: &[i64], shape: &Shape, axes: &[usize], divisor: i64) -> Vec<i64> {
    let (starts, inner) = groups(shape, axes);
    let best = |start: usize| inner.iter().map(|i| values[start + i]).max().unwrap_or(0);
    starts.par_iter().with_min_len(PARALLEL / 4).map(|&s| round(best(s), divisor)).collect()
}

/// The first index of the last axis with the largest value.
fn arg_max(values: &[i64], shape: &Shape) -> Vec<i64> {
    let first = |row: &[i64]| {
        let best = row.iter().max();
        row.iter().position(|value| Some(value) == best).unwrap_or(0) as i64
    };
    values.chunks(shape.dims().last().copied().unwrap_or(1)).map(first).collect()
}

/// The first index of the last axis up to which the weights add up to more than a threshold.
fn quantile(weights: &[i64], thresholds: &[i64], scale: i64) -> Vec<i64> {
    let extent = weights.len() / thresholds.len().max(1);
    let first = |(row, &threshold): (&[i64], &i64)| {
        let mut sum = 0i64;
        let above = |weight: &i64| {
            sum = sum.wrapping_add(scale.wrapping_mul(*weight));
            sum > threshold
        };
        row.iter().position(above).unwrap_or(extent.saturating_sub(1)) as i64
    };
    weights.chunks(extent.max(1)).zip(thresholds).map(first).collect()
}

/// Marks of the largest entries of rows.
fn top(values: &[i64], places: usize, entries: usize) -> Vec<i64> {
    let marks = |row: &[i64]| -> Vec<i64> {
        let mut order: Vec<usize> = (0..entries).collect();
        order.sort_by_key(|&e| std::cmp::Reverse(row[e]));
        order.iter().take(places).flat_map(|&entry| (0..entries).map(move |e| i64::from(e == entry))).collect()
    };
    values.par_chunks(entries).flat_map_iter(marks).collect()
}

/// The nodes to which bits lead, for rows of nodes of which every parent comes before its children.
fn descent(bits: &[i64], parents: &[u32]) -> Vec<i64> {
    let row = |bits: &[i64]| -> Vec<i64> {
        let mut reached = vec![0; bits.len()];
        for (node, &code) in parents.iter().enumerate().take(bits.len()) {
            reached[node] = match code.checked_sub(1).map(|code| (code as usize / 2, i64::from(code % 2))) {
                None => 1,
                Some((parent, bit)) => i64::from(bits[parent] == bit) * reached[parent],
            };
        }
        reached
    };
    bits.par_chunks(parents.len().max(1)).flat_map_iter(row).collect()
}

fn first_zero(values: &[i64], shape: &Shape, axes: &[usize]) -> Vec<i64> {
    let (starts, inner) = groups(shape, axes);
    let mut out = vec![0; values.len()];
    for start in starts {
        if let Some(hit) = inner.iter().map(|i| start + i).find(|&i| values[i] == 0) {
            out[hit] = 1;
        }
    }
    out
}
