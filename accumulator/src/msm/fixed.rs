//! Fixed bases: hidden messages, each a few full-size scalars on consecutive generators, and blinders.

use super::CurvePoint;
use super::batch::SIGN;
use super::buckets::{digits, horner, weigh};
use super::glv::{Short, endomorphism, split};
use super::points::Points;
use super::raw;
use crate::setup::Generators;
use crate::setup::constants::blinding_generator;
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use std::sync::LazyLock;

/// Bits of a digit.
const WIDTH: u32 = 8;
/// Digits of half a scalar (127 bits and a carry).
const DIGITS: usize = 16;
/// Absolute values of a digit: 1 to 128.
const SIZE: usize = 1 << (WIDTH - 1);

/// `2^(8 j) G_i` for the first generators and all `j`: all digits of all scalars of a message share one set of buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// By generator, then by shift; the blinding generator comes last.
    shifted: Points,
}

impl Tables {
    /// Tables of the given generators (16 points of 96 bytes each).
    pub fn new(bases: &[G1Affine]) -> Self {
        let of_chunk = |bases: &[G1Affine]| {
            let mut row = Points::new(bases);
            let mut shifted = vec![CurvePoint::IDENTITY; row.len() * DIGITS];
            for shift in 0..DIGITS {
                if shift > 0 {
                    (0..WIDTH).for_each(|_| row.double());
                }
                for (i, point) in row.iter().enumerate() {
                    shifted[i * DIGITS + shift] = point;
                }
            }
            shifted
        };
        Self::of(bases.par_chunks(512).flat_map_iter(of_chunk).collect())
    }

    fn of(mut shifted: Vec<CurvePoint>) -> Self {
        shifted.extend(BLINDING.iter().step_by(SIZE).map(CurvePoint::from));
        Self { shifted: shifted.into_iter().collect() }
    }

    /// How many generators there are tables of.
    pub fn len(&self) -> usize {
        self.shifted.len() / DIGITS - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `sum_i scalars_i G_(column + i) + blinder H`, on one thread; nothing where the tables end before.
    fn sum(&self, column: usize, scalars: &[Fr], blinder: Fr) -> Option<G1Projective> {
        if column + scalars.len() > self.len() {
            return None;
        }
        let mut entries = Vec::with_capacity((scalars.len() + 1) * 2 * DIGITS);
        for (i, scalar) in (column..).zip(scalars).chain([(self.len(), &blinder)]) {
            for (half, Short { magnitude, negative }) in split(scalar).into_iter().enumerate() {
                digits(magnitude, negative, WIDTH, |position, digit, negative| {
                    let tag = (i * DIGITS + position) as u32 | if negative { SIGN } else { 0 };
                    entries.push(((half * SIZE) as u32 + digit - 1, tag));
                });
            }
        }
        let mut buckets = self.shifted.sums(&Points::none(), 2 * SIZE, &entries);
        let images = buckets.split_off(SIZE).endomorphism();
        Some(horner(weigh(&buckets.join(&images), &[WIDTH]).iter()))
    }

    /// All points, [`raw`].
    pub fn to_raw(&self) -> Vec<u8> {
        raw::bytes_of(self.shifted.iter().take(self.len() * DIGITS))
    }

    /// The inverse of [`to_raw`](Self::to_raw). Points are not checked: the caller vouches for the bytes, for instance by a
    /// digest. Wrong tables make proofs that are refused, nothing worse.
    pub fn from_raw(bytes: &[u8]) -> Option<Self> {
        raw::points(bytes).filter(|points| points.len().is_multiple_of(DIGITS)).map(Self::of)
    }
}

/// Commits to a message: `sum_i values_i G_(column + i) + blinder H`, by the tables where they reach.
pub fn commit(tables: &Tables, generators: &Generators, column: usize, values: &[Fr], blinder: Fr) -> G1Affine {
    let slow = || super::sum(generators.g.get(column..).unwrap_or_default(), values) + blind(blinder);
    let sum = tables.sum(column, values, blinder).unwrap_or_else(slow);
    G1Affine::from(&CurvePoint::from(&sum))
}

/// `d 2^(8 j) H` for `d` from 1 to 128: by `j`, then by `d`.
static BLINDING: LazyLock<Vec<G1Affine>> = LazyLock::new(|| {
    let mut multiples = Vec::with_capacity(DIGITS * SIZE);
    let mut base = G1Projective::from(blinding_generator());
    for _ in 0..DIGITS {
        multiples.extend(std::iter::successors(Some(base), |p| Some(*p + base)).take(SIZE));
        (0..WIDTH).for_each(|_| {
            base.double_in_place();
        });
    }
    G1Projective::normalize_batch(&multiples)
});

/// `blinder H`: 32 additions.
pub fn blind(blinder: Fr) -> G1Projective {
    let half = |Short { magnitude, negative }: Short| {
        let mut sum = G1Projective::ZERO;
        digits(magnitude, negative, WIDTH, |position, digit, negative| {
            let point = BLINDING[position * SIZE + digit as usize - 1];
            if negative {
                sum -= point;
            } else {
                sum += point;
            }
        });
        sum
    };
    let [low, high] = split(&blinder).map(half);
    let mut high = high;
    // (x, y) -> (beta x, -y), in projective coordinates.
    high.x = endomorphism(CurvePoint { x: high.x, y: high.y }).x;
    high.y = -high.y;
    low + high
}
