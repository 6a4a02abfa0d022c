//! Straus' method: digits of all scalars at one position are added before the next doubling. For a few points, and for many
//! combinations with the same scalars.

use super::CurvePoint;
use super::batch::{Entry, Summer, add_all, double_all};
use super::glv::{Short, endomorphism, split};
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

/// Digits are odd and below `2^(WIDTH-1)` in absolute value.
const WIDTH: u32 = 5;
/// Absolute values of digits: 1, 3, .., 15.
const MULTIPLES: usize = 1 << (WIDTH - 2);
/// Positions of digits: 127 bits and a carry.
const POSITIONS: usize = 128;
/// The sign's bit in a tag.
const SIGN: u32 = 1 << 31;

/// Non-adjacent form: `visit` gets the position, the index of the multiple and the sign of each non-zero digit.
fn non_adjacent(Short { mut magnitude, negative }: Short, mut visit: impl FnMut(usize, usize, bool)) {
    let mut position = 0;
    while magnitude != 0 {
        let skip = magnitude.trailing_zeros();
        magnitude >>= skip;
        position += skip as usize;
        let low = magnitude & ((1 << WIDTH) - 1);
        let below = low >> (WIDTH - 1) == 1;
        let digit = if below { (1 << WIDTH) - low } else { low };
        magnitude = if below { magnitude + digit } else { magnitude - digit };
        visit(position, digit as usize / 2, negative != below);
    }
}

/// `P, 3 P, 5 P, ..` of all points: by multiple, then by point.
fn odd_multiples(points: &[CurvePoint]) -> Vec<Vec<CurvePoint>> {
    let mut twice = points.to_vec();
    double_all(&mut twice);
    let next = |previous: &Vec<CurvePoint>| {
        let mut sums = previous.clone();
        add_all(&mut sums, |i, _| twice[i]);
        Some(sums)
    };
    std::iter::successors(Some(points.to_vec()), next).take(MULTIPLES).collect()
}

/// `sum scalars_i bases_i` for slices of equal length, on one thread.
pub(super) fn sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    let n = bases.len();
    let points: Vec<CurvePoint> = bases.iter().map(CurvePoint::from).collect();
    let mut table = odd_multiples(&points).concat();
    table.extend_from_within(..);
    table[n * MULTIPLES..].iter_mut().for_each(|p| *p = endomorphism(*p));
    let mut entries: Vec<Entry> = Vec::with_capacity(n * 2 * POSITIONS / WIDTH as usize);
    for (i, scalar) in scalars.iter().enumerate() {
        for (half, short) in split(scalar).into_iter().enumerate() {
            non_adjacent(short, |position, multiple, negative| {
                let tag = (half * MULTIPLES + multiple) * n + i;
                entries.push((position as u32, tag as u32 | u32::from(negative) << 31));
            });
        }
    }
    let get = |tag: u32| table[(tag & !SIGN) as usize].negate_if(tag & SIGN != 0);
    let mut total = G1Projective::ZERO;
    for sum in Summer::default().sums(POSITIONS, &entries, get).iter().rev() {
        if total != G1Projective::ZERO {
            total.double_in_place();
        }
        if !sum.is_identity() {
            total += G1Affine::from(sum);
        }
    }
    total
}

/// `sum_k weights_k points_(k n + i)` for all `i < n`, on rayon's threads.
pub(super) fn fold(points: &[G1Affine], weights: &[Fr]) -> Vec<G1Affine> {
    let n = points.len() / weights.len().max(1);
    let share = n.div_ceil(rayon::current_num_threads()).clamp(1, SHARE);
    let starts: Vec<usize> = (0..n).step_by(share).collect();
    let digits = positions(weights);
    let folded = starts.into_par_iter().flat_map_iter(|start| {
        let len = share.min(n - start);
        let block = |k: usize| points[k * n + start..][..len].iter().map(CurvePoint::from);
        let columns: Vec<CurvePoint> = (0..weights.len()).flat_map(block).collect();
        fold_columns(&columns, len, &digits)
    });
    folded.collect()
}

/// Combinations that are made together.
const SHARE: usize = 512;

/// A digit of a weight: which weight, which half, which multiple, and its sign.
type Digit = (usize, usize, usize, bool);

/// The digits of all weights by position.
fn positions(weights: &[Fr]) -> Vec<Vec<Digit>> {
    let mut positions = vec![Vec::new(); POSITIONS];
    for (k, weight) in weights.iter().enumerate() {
        for (half, short) in split(weight).into_iter().enumerate() {
            non_adjacent(short, |position, multiple, negative| positions[position].push((k, half, multiple, negative)));
        }
    }
    positions
}

fn fold_columns(columns: &[CurvePoint], len: usize, positions: &[Vec<Digit>]) -> Vec<G1Affine> {
    let table = odd_multiples(columns);
    let mut sums = vec![CurvePoint::IDENTITY; len];
    let mut started = false;
    for digits in positions.iter().rev() {
        if started {
            double_all(&mut sums);
        }
        for &(k, half, multiple, negative) in digits {
            let points = &table[multiple][k * len..];
            add_all(&mut sums, |i, _| {
                let point = if half == 1 { endomorphism(points[i]) } else { points[i] };
                point.negate_if(negative)
            });
            started = true;
        }
    }
    sums.iter().map(G1Affine::from).collect()
}
