//! Products of tables, eight entries at a time.
//!
//! Numbers in tables are below `2 r`, and below `1.3 r` where the degree is three: as they are loaded below `1.1 r`, and bound with `2^b` weights
//! below `r` less than `(1 + 0.0284 2 2^4) r`, or `(1 + 0.0284 1.3 2^3) r` where groups are of three variables at most.

use super::Degree;
use crate::field::{Fr, eq_table};
use crate::lanes::nodes;
use crate::lanes::scalar::Packed;
use crate::lanes::table::{Table, elements};
use crate::lanes::{NullaryFnOnce, Scalars, Simd, Sum, WIDTH};
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use zeroize::Zeroize;

/// Entries of a table from which on lanes are worth it; there are whole vectors at every corner of a group then.
pub const LARGE: usize = 1 << 8;
/// Vectors that a thread takes at a time. Numbers at nodes are below `32 r`, so that the sum of so many products is below `2^18 r^2`, and its
/// highest limb, which is not carried, below `2^60`.
const PIECE: usize = 1 << 8;
/// Products that limbs take before they are carried: nine times as many summands of 52 bits.
const CARRIED: usize = 1 << 7;

/// Two or three tables of equal length.
pub struct Factors {
    simd: Simd,
    /// Vectors of a table that are not bound yet.
    len: usize,
    tables: Vec<Table>,
}

impl Factors {
    /// Takes tables over; what they were is overwritten.
    pub fn new(simd: Simd, mut elements: Vec<Vec<Fr>>) -> Self {
        let table = |elements: &mut Vec<Fr>| {
            let table = Table::new(simd, elements);
            elements.zeroize();
            table
        };
        let tables: Vec<Table> = elements.iter_mut().map(table).collect();
        Self { simd, len: tables[0].len(), tables }
    }

    /// Entries of a table.
    pub fn entries(&self) -> usize {
        self.len * WIDTH
    }

    /// How many tables there are.
    pub fn count(&self) -> usize {
        self.tables.len()
    }

    /// The tables one by one.
    pub fn elements(&self) -> Vec<Vec<Fr>> {
        self.tables.iter().map(|table| elements(self.simd, &table[..self.len])).collect()
    }

    /// Fixes the most significant variables.
    pub fn bind(&mut self, challenges: &[Fr]) {
        let simd = self.simd;
        let weights: Vec<Scalars> = eq_table(challenges).into_iter().map(|w| simd.splat_scalar(w)).collect();
        let (len, stride) = (self.len, self.len / weights.len());
        for table in &mut self.tables {
            let (low, high) = table[..len].split_at_mut(stride);
            let high = &*high;
            low.par_chunks_mut(PIECE).enumerate().for_each(|(piece, low)| {
                simd.vectorize(Bind { simd, low, high, first: piece * PIECE, stride, weights: &weights });
            });
        }
        self.len = stride;
    }

    /// Sums over the variables behind the first `b`, on the nodes of these.
    pub fn partial_sums(&self, b: usize, degree: Degree) -> Vec<Fr> {
        match (degree, b) {
            (Degree::Two, 0) => self.sums::<1, 1, 3>(),
            (Degree::Two, 1) => self.sums::<2, 3, 3>(),
            (Degree::Two, 2) => self.sums::<4, 9, 3>(),
            (Degree::Two, 3) => self.sums::<8, 27, 3>(),
            (Degree::Two, _) => self.sums::<16, 81, 3>(),
            (Degree::Three, 0) => self.sums::<1, 1, 4>(),
            (Degree::Three, 1) => self.sums::<2, 4, 4>(),
            (Degree::Three, 2) => self.sums::<4, 16, 4>(),
            (Degree::Three, _) => self.sums::<8, 64, 4>(),
        }
    }

    fn sums<const CORNERS: usize, const NODES: usize, const DIGITS: usize>(&self) -> Vec<Fr> {
        let Self { simd, len, ref tables } = *self;
        let stride = len / CORNERS;
        let factors: Vec<&[Packed]> = tables.iter().map(|table| &table[..len]).collect();
        let factors = factors.as_slice();
        let add = |mut a: Vec<Fr>, b: Vec<Fr>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        (0..stride.div_ceil(PIECE))
            .into_par_iter()
            .map(|piece| {
                let vectors = piece * PIECE..stride.min((piece + 1) * PIECE);
                let sums = simd.vectorize(Piece::<CORNERS, NODES, DIGITS> { simd, factors, stride, vectors });
                sums.iter().map(|sum| simd.total(sum)).collect()
            })
            .reduce(|| vec![Fr::ZERO; NODES], add)
    }
}

impl Zeroize for Factors {
    fn zeroize(&mut self) {
        self.tables.iter_mut().for_each(Table::zeroize);
    }
}

/// The first entries become sums of entries at corners times weights.
struct Bind<'a> {
    simd: Simd,
    low: &'a mut [Packed],
    high: &'a [Packed],
    /// Vectors before `low` at its corner.
    first: usize,
    stride: usize,
    weights: &'a [Scalars],
}

impl NullaryFnOnce for Bind<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, low, high, first, stride, weights } = self;
        for (j, slot) in low.iter_mut().enumerate() {
            let mut sum = simd.no_sum();
            simd.add_product(&mut sum, &simd.get(slot), &weights[0]);
            for (e, weight) in weights[1..].iter().enumerate() {
                simd.add_product(&mut sum, &simd.get(&high[e * stride + first + j]), weight);
            }
            *slot = simd.put(&simd.reduce(sum));
        }
    }
}

/// Sums of products on the nodes of a group, over some vectors: each variable has as many nodes as a digit has values.
struct Piece<'a, const CORNERS: usize, const NODES: usize, const DIGITS: usize> {
    simd: Simd,
    factors: &'a [&'a [Packed]],
    stride: usize,
    vectors: std::ops::Range<usize>,
}

impl<const CORNERS: usize, const NODES: usize, const DIGITS: usize> NullaryFnOnce for Piece<'_, CORNERS, NODES, DIGITS> {
    type Output = [Sum<5>; NODES];

    #[inline(always)]
    fn call(self) -> [Sum<5>; NODES] {
        let Self { simd, factors, stride, vectors } = self;
        let mut sums = [simd.no_sum(); NODES];
        let mut tables = [[simd.zero(); NODES]; 3];
        for (done, j) in vectors.enumerate() {
            for (table, factor) in tables.iter_mut().zip(factors) {
                for e in 0..CORNERS {
                    table[corner::<DIGITS>(e)] = simd.get(&factor[e * stride + j]);
                }
                if DIGITS == 3 {
                    nodes::extend::<CORNERS, NODES>(simd, table);
                } else {
                    extend::<CORNERS, NODES>(simd, table);
                }
            }
            let [a, b, c] = &tables;
            for (n, sum) in sums.iter_mut().enumerate() {
                if factors.len() == 3 {
                    // Below (1 + 0.0284 29.2^2) r < 26 r.
                    simd.add_product(sum, &simd.mul(&a[n], &b[n]), &c[n]);
                } else {
                    simd.add_product(sum, &a[n], &b[n]);
                }
            }
            if done % CARRIED == CARRIED - 1 {
                sums.iter_mut().for_each(|sum| simd.carry_sum(sum));
            }
        }
        sums
    }
}

/// Where a corner stands among the nodes, first variable slowest.
#[inline(always)]
const fn corner<const DIGITS: usize>(mut e: usize) -> usize {
    let (mut at, mut stride) = (0, 1);
    while e > 0 {
        at += (e & 1) * stride;
        e >>= 1;
        stride *= DIGITS;
    }
    at
}

/// From the corners to the nodes 0, 1, -1, infinity of each variable: numbers below `1.3 r`, and below `4.6 r`, `14.2 r` and `29.2 r` after one,
/// two and three variables. What is at -1 would be more than `35 r` after three, and is reduced.
#[inline(always)]
fn extend<const CORNERS: usize, const NODES: usize>(simd: Simd, table: &mut [Scalars; NODES]) {
    let b = const { CORNERS.trailing_zeros() as usize };
    let (two, minus) = (simd.splat_scalar(Fr::from(2u64)), simd.splat_scalar(-Fr::from(1u64)));
    let mut stride = 1;
    for done in 0..b {
        for o in 0..1usize << (b - 1 - done) {
            let base = corner::<4>(o) * 4 * stride;
            for i in base..base + stride {
                let (low, high) = (table[i], table[i + stride]);
                let twice = simd.add(&low, &low);
                let [negative, difference] = match done {
                    0 => [simd.sub::<2, _>(&twice, &high), simd.sub::<2, _>(&high, &low)],
                    1 => [simd.sub::<5, _>(&twice, &high), simd.sub::<5, _>(&high, &low)],
                    _ => {
                        let mut sum = simd.no_sum();
                        simd.add_product(&mut sum, &low, &two);
                        simd.add_product(&mut sum, &high, &minus);
                        [simd.reduce(sum), simd.sub::<15, _>(&high, &low)]
                    }
                };
                (table[i + 2 * stride], table[i + 3 * stride]) = (negative, difference);
            }
        }
        stride *= 4;
    }
}
