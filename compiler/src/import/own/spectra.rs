//! Fourier transforms: sums by numbers that follow from extents.

use std::f64::consts::TAU;
use std::sync::Arc;

use super::super::refusal::Refusal;
use super::sketch::{Sketch, axis_of};
use crate::graph::NodeId;
use crate::ops::{Mix, Row, Take};

/// Numbers of a transform.
const MOST: usize = 1 << 22;

/// Real and imaginary part of `exp(i t)` for a part of the circle.
fn unit(part: usize, whole: usize) -> (f64, f64) {
    let angle = TAU * (part % whole) as f64 / whole as f64;
    // Exact where it is a quarter.
    let clean = |v: f64| if v.abs() < 1e-15 { 0.0 } else { v };
    (clean(angle.cos()), clean(angle.sin()))
}

/// A transform of `given` entries of `parts` numbers each, as if they were `length`, by its rows: `bins` of two numbers.
fn forward(
    given: usize,
    parts: usize,
    length: usize,
    bins: usize,
    inverse: bool,
    weight: impl Fn(usize) -> f64,
) -> Vec<Row> {
    let share = if inverse { 1.0 / length as f64 } else { 1.0 };
    let mut rows = Vec::with_capacity(2 * bins);
    for bin in 0..bins {
        for imaginary in [false, true] {
            let mut row = Row::new();
            for j in 0..given.min(length) {
                let (cos, sin) = unit(j * bin, length);
                let sin = if inverse { -sin } else { sin };
                let of_parts = if imaginary { [-sin, cos] } else { [cos, sin] };
                row.extend((0..parts).map(|part| (j * parts + part, of_parts[part] * share * weight(j))));
            }
            row.retain(|&(_, w)| w != 0.0);
            rows.push(row);
        }
    }
    rows
}

/// The real signal of a spectrum's first half.
fn real(given: usize, length: usize) -> Vec<Row> {
    let row = |place: usize| {
        let mut row = Row::new();
        for bin in 0..given.min(length / 2 + 1) {
            let (cos, sin) = unit(place * bin, length);
            let twice = if bin == 0 || 2 * bin == length { 1.0 } else { 2.0 } / length as f64;
            row.extend([(2 * bin, twice * cos), (2 * bin + 1, -twice * sin)]);
        }
        row.retain(|&(_, w)| w != 0.0);
        row
    };
    (0..length).map(row).collect()
}

fn length(numbers: Option<Vec<f64>>, what: &'static str) -> Result<Option<usize>, Refusal> {
    let Some(length) = numbers.and_then(|list| list.first().copied()) else { return Ok(None) };
    if (1.0..=MOST as f64).contains(&length) { Ok(Some(length as usize)) } else { Err(Refusal::OutOfRange(what)) }
}

fn check(numbers: [usize; 2]) -> Result<(), Refusal> {
    let fits = numbers[0].checked_mul(numbers[1]).is_some_and(|product| product <= MOST);
    if fits { Ok(()) } else { Err(Refusal::Form("its transform is a matrix of more than 2^22 numbers, too large to state")) }
}

pub(super) fn dft(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let rank = shape.len();
    let axis = match s.opset {
        ..20 => s.integer("axis", 1),
        _ => s
            .numbers(2, "its axis must be a constant")?
            .and_then(|list| list.first().copied())
            .map_or(-2, |axis| axis as i64),
    };
    let axis = axis_of(axis, rank)?;
    let parts = *shape.last().ok_or(Refusal::OutOfRange("its axis"))?;
    if axis + 1 >= rank || !matches!(parts, 1 | 2) {
        return Err(Refusal::Shapes(vec![shape]));
    }
    let (inverse, half) = (s.integer("inverse", 0) == 1, s.integer("onesided", 0) == 1);
    let given = shape[axis];
    let stated = length(s.numbers(1, "its length must be a constant")?, "its length")?;
    let (rows, made, parts_made) = match (inverse, half) {
        (true, true) => {
            let length = stated.unwrap_or(2 * given.saturating_sub(1).max(1));
            check([length, 2 * given])?;
            if parts != 2 {
                return Err(Refusal::Shapes(vec![shape]));
            }
            (real(given, length), length, 1)
        }
        (_, half) => {
            let length = stated.unwrap_or(given);
            let bins = if half { length / 2 + 1 } else { length };
            check([2 * bins, parts * given])?;
            (forward(given, parts, length, bins, inverse, |_| 1.0), bins, 2)
        }
    };
    let x = s.operand_node(0)?;
    let mut order: Vec<usize> = (0..rank - 1).filter(|&a| a != axis).chain([axis, rank - 1]).collect();
    let x = s.transpose(x, &order)?;
    let outer: Vec<usize> = order[..rank - 2].iter().map(|&a| shape[a]).collect();
    let x = s.reshape(x, &[outer.as_slice(), &[given * parts]].concat());
    let x = s.add(Mix { axis: rank - 2, rows: Arc::new(rows) }, &[x])?;
    let x = s.reshape(x, &[outer.as_slice(), &[made, parts_made]].concat());
    let place = order.clone();
    (0..rank).for_each(|a| order[place[a]] = a);
    Ok(vec![s.transpose(x, &order)?])
}

/// Transforms of frames of a signal.
pub(super) fn stft(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let parts = if shape.len() == 3 { shape[2] } else { 1 };
    if !matches!(shape.len(), 2 | 3) || !matches!(parts, 1 | 2) {
        return Err(Refusal::Shapes(vec![shape]));
    }
    let step =
        length(s.numbers(1, "its step must be a constant")?, "its step")?.ok_or(Refusal::Missing("its step is missing"))?;
    let window = s.numbers(2, "its window must be a constant")?;
    let stated = length(s.numbers(3, "its length must be a constant")?, "its length")?;
    let length = stated.or(window.as_ref().map(Vec::len)).ok_or(Refusal::Missing("it has neither window nor length"))?;
    if window.as_ref().is_some_and(|window| window.len() != length) || length > shape[1] {
        return Err(Refusal::OutOfRange("its length"));
    }
    let frames = (shape[1] - length) / step + 1;
    let bins = if s.integer("onesided", 1) == 1 { length / 2 + 1 } else { length };
    check([2 * bins, parts * length])?;
    check([frames, length])?;
    let rows = forward(length, parts, length, bins, false, |j| window.as_ref().map_or(1.0, |window| window[j]));
    let x = s.operand_node(0)?;
    let x = s.reshape(x, &[shape[0], shape[1], parts]);
    let indices = (0..frames).flat_map(|frame| (0..length).map(move |j| frame * step + j)).collect();
    let x = s.add(Take { axis: 1, indices }, &[x])?;
    let x = s.reshape(x, &[shape[0], frames, length * parts]);
    let x = s.add(Mix { axis: 2, rows: Arc::new(rows) }, &[x])?;
    Ok(vec![s.reshape(x, &[shape[0], frames, bins, 2])])
}
