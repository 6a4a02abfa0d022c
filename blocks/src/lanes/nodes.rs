//! The nodes of a group's variables: where the corners of its cube stand among them, and how tables at the corners are extended to all of them.

use super::{Scalars, Simd, Sum};

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
