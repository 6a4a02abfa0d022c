//! Straus' method: digits of all scalars at one position are added before the next doubling. For a few points, and for many
//! combinations with the same scalars.

use super::CurvePoint;
use super::batch::{Entry, SIGN};
use super::buckets::horner;
use super::glv::{Short, split};
use super::points::Points;
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use rayon::prelude::*;

/// Digits are odd and below `2^(WIDTH-1)` in absolute value.
const WIDTH: u32 = 5;
/// Absolute values of digits: 1, 3, .., 15.
const MULTIPLES: usize = 1 << (WIDTH - 2);
/// Positions of digits: 127 bits and a carry.
const POSITIONS: usize = 128;
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

/// `P, 3 P, 5 P, ..` of all points: by multiple, then by point; and then the images of all that.
fn multiples(points: Points) -> [Points; 2] {
    let mut twice = points.clone();
    twice.double();
    let (mut all, mut last) = (points.clone(), points);
    for _ in 1..MULTIPLES {
        last = last.join(&twice);
        all.append(&last);
    }
    let images = all.clone().endomorphism();
    [all, images]
}

/// `sum scalars_i bases_i` for slices of equal length, on one thread.
pub(super) fn sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    let n = bases.len();
    let [points, images] = multiples(Points::new(bases));
    let mut entries: Vec<Entry> = Vec::with_capacity(n * 2 * POSITIONS / WIDTH as usize);
    for (position, digits) in positions(scalars).into_iter().enumerate() {
        entries.extend(digits.into_iter().map(|digit| (position as u32, digit.tag(n, 1))));
    }
    horner(points.sums(&images, POSITIONS, &entries).iter())
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
        fold_columns((0..weights.len()).flat_map(block).collect(), len, &digits)
    });
    folded.collect()
}

/// Combinations that are made together.
const SHARE: usize = 512;
/// Positions of which the digits' points are added together.
const CHUNK: usize = 8;

/// A digit of a scalar: which scalar, which half, which multiple, and its sign.
#[derive(Clone, Copy)]
struct Digit {
    scalar: usize,
    half: usize,
    multiple: usize,
    negative: bool,
}

impl Digit {
    /// The tag of the first of the points that it stands for, among the [`multiples`] of `len` points a scalar and `count` in all.
    fn tag(self, count: usize, len: usize) -> u32 {
        let first = (self.half * MULTIPLES + self.multiple) * count + self.scalar * len;
        first as u32 | if self.negative { SIGN } else { 0 }
    }
}

/// The digits of all scalars by position.
fn positions(scalars: &[Fr]) -> Vec<Vec<Digit>> {
    let mut positions = vec![Vec::new(); POSITIONS];
    for (scalar, own) in scalars.iter().enumerate() {
        for (half, short) in split(own).into_iter().enumerate() {
            let push =
                |position: usize, multiple, negative| positions[position].push(Digit { scalar, half, multiple, negative });
            non_adjacent(short, push);
        }
    }
    positions
}

/// Combinations of columns of some length, by their weights' digits.
fn fold_columns(columns: Points, len: usize, positions: &[Vec<Digit>]) -> Vec<G1Affine> {
    let count = columns.len();
    let [points, images] = multiples(columns);
    let mut total: Option<Points> = None;
    for positions in positions.rchunks(CHUNK) {
        let mut entries: Vec<Entry> = Vec::new();
        for (position, digits) in positions.iter().enumerate() {
            for digit in digits {
                let first = digit.tag(count, len);
                entries.extend((0..len).map(|i| ((position * len + i) as u32, first + i as u32)));
            }
        }
        let sums = points.sums(&images, positions.len() * len, &entries);
        for (position, digits) in positions.iter().enumerate().rev() {
            if let Some(total) = &mut total {
                total.double();
            }
            if !digits.is_empty() {
                let own = sums.range(position * len..(position + 1) * len);
                total = Some(total.map_or_else(|| own.clone(), |total| total.join(&own)));
            }
        }
    }
    let identity = || vec![G1Affine::identity(); len];
    total.map_or_else(identity, |total| total.iter().map(|point| G1Affine::from(&point)).collect())
}
