//! One pass over rows: sums of products on the nodes of a group's variables.

use super::row::Pairs;
use crate::field::Fr;
use crate::lanes::nodes::{add_weighted, corner, extend};
use crate::lanes::{NullaryFnOnce, Simd, Sum};

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
