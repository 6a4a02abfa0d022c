//! Full-size scalars, many of them.

use super::batch::Summer;
use super::buckets::{digit_count, digits, horner, window_sums};
use super::glv::{endomorphism, split};
use super::Point;
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use rayon::prelude::*;

/// Bits of half a scalar.
const HALF_BITS: u32 = 127;

/// `sum scalars_i bases_i` over the shorter of the two, on rayon's threads.
///
/// Pippenger's method on halved scalars, a window at a time.
pub fn sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    let n = bases.len().min(scalars.len());
    let width = best_width(2 * n);
    let windows = digit_count(HALF_BITS, width);
    let points: Vec<Point> = bases[..n].iter().map(Point::from).flat_map(|p| [p, endomorphism(p)]).collect();
    let halves: Vec<_> = scalars[..n].par_iter().flat_map_iter(split).collect();
    // One digit in 32 bits: its absolute value, and its sign on top.
    let mut table = vec![0u32; windows * 2 * n];
    for (i, half) in halves.iter().enumerate() {
        digits(half.magnitude, half.negative, width, |window, digit, negative| {
            table[window * 2 * n + i] = digit | u32::from(negative) << 31;
        });
    }
    let window = |digits: &[u32]| {
        let entries: Vec<_> = digits
            .iter()
            .enumerate()
            .filter(|(_, d)| **d != 0)
            .map(|(i, d)| ((d & !SIGN) - 1, i as u32 | d & SIGN))
            .collect();
        let get = |tag: u32| points[(tag & !SIGN) as usize].negate_if(tag & SIGN != 0);
        window_sums(&mut Summer::default(), 1, 1 << (width - 1), &entries, get)[0]
    };
    let sums: Vec<G1Projective> = table.par_chunks_exact((2 * n).max(1)).map(window).collect();
    horner(&sums, width)
}

const SIGN: u32 = 1 << 31;

/// The digits' width for which `n` halves cost the fewest additions.
fn best_width(n: usize) -> u32 {
    let cost = |width: u32| digit_count(HALF_BITS, width) * (n + (2usize << (width - 1)));
    (4..=16).min_by_key(|&w| cost(w)).unwrap_or(8)
}
