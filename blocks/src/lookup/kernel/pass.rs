//! One pass over rows: sums of products on the nodes of a group's variables.

use super::row::Pairs;
use crate::field::Fr;
use crate::lanes::{NullaryFnOnce, Scalars, Simd, Sum};

/// Sums on the nodes, to be multiplied by a weight and added up.
pub type Sums = Vec<Sum<5>>;

/// What a chunk's rows are, at the corners of the group's variables.
pub trait Corners {
    /// `A, B, p_1, q_1` where the variables are the bits of `e`, in the chunk's vector `j`. Called once for each.
    fn corner(&mut self, simd: Simd, e: usize, j: usize) -> Pairs;
}

/// Adds `weight sum_j (A q_1 + B p_1)` on the `NODES = 3^b` nodes of `b` variables, with `2^b = CORNERS`, over some vectors of a chunk.
pub struct Chunk<'t, C, const CORNERS: usize, const NODES: usize> {
    pub simd: Simd,
    pub corners: C,
    /// A bit for each vector.
    pub vectors: u64,
    pub weight: Fr,
    pub total: &'t mut Sums,
}

impl<C: Corners, const CORNERS: usize, const NODES: usize> NullaryFnOnce for Chunk<'_, C, CORNERS, NODES> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, mut corners, mut vectors, weight, total } = self;
        let mut sums = [simd.no_sum(); NODES];
        let mut tables = [[simd.zero(); NODES]; 4];
        while vectors != 0 {
            let j = vectors.trailing_zeros() as usize;
            vectors &= vectors - 1;
            for e in 0..CORNERS {
                let row = corners.corner(simd, e, j);
                for (table, x) in tables.iter_mut().zip(row) {
                    table[corner(e)] = x;
                }
            }
            for table in &mut tables {
                extend::<CORNERS, NODES>(simd, table);
            }
            let [a, b, p, q] = &tables;
            for (n, sum) in sums.iter_mut().enumerate() {
                simd.add_product(sum, &a[n], &q[n]);
                simd.add_product(sum, &b[n], &p[n]);
            }
        }
        // At the nodes numbers are below 1.2, 3.2, 7.2, 15.2, 31.2 r for up to four variables: of 64 vectors, of 16 where there are four, the
        // sum is below 2^15 r^2 < 2^525, in limbs of at most 128 products.
        let weight = simd.splat_scalar(weight);
        for (total, sum) in total.iter_mut().zip(sums) {
            add_weighted(simd, total, &simd.reduce_large(sum), &weight);
        }
    }
}

/// Adds a product of a number below `2^260` and of a weight below `r`, and carries: a total holds `2^17` of these.
#[inline(always)]
pub fn add_weighted(simd: Simd, total: &mut Sum<5>, a: &Scalars, weight: &Scalars) {
    simd.add_product(total, a, weight);
    simd.carry_sum(total);
}

/// Where a corner of `{0,1}^b` stands among the nodes `{0,1,infinity}^b`, first variable slowest.
#[inline(always)]
pub const fn corner(mut e: usize) -> usize {
    let (mut at, mut stride) = (0, 1);
    while e > 0 {
        at += (e & 1) * stride;
        e >>= 1;
        stride *= 3;
    }
    at
}

/// Goes through the nodes at infinity, given that the corners are in their places: `fill` puts the difference of the node at the first place and of
/// that at the second one into the third. The first number is that of the variable, from the last one on.
#[inline(always)]
pub fn differences<const CORNERS: usize>(mut fill: impl FnMut(usize, [usize; 3])) {
    let b = const { CORNERS.trailing_zeros() as usize };
    let mut stride = 1;
    for done in 0..b {
        for o in 0..1usize << (b - 1 - done) {
            let base = corner(o) * 3 * stride;
            for i in base..base + stride {
                fill(done, [i + stride, i, i + 2 * stride]);
            }
        }
        stride *= 3;
    }
}

/// Numbers below `1.2 r` in the corners; below `3.2 r`, `7.2 r`, `15.2 r` and `31.2 r` then, for up to four variables.
#[inline(always)]
pub fn extend<const CORNERS: usize, const NODES: usize>(simd: Simd, table: &mut [Scalars; NODES]) {
    differences::<CORNERS>(
        #[inline(always)]
        |done, [high, low, to]| {
            let (high, low) = (&table[high], &table[low]);
            table[to] = match done {
                0 => simd.sub::<2, _>(high, low),
                1 => simd.sub::<4, _>(high, low),
                2 => simd.sub::<8, _>(high, low),
                _ => simd.sub::<16, _>(high, low),
            };
        },
    );
}
