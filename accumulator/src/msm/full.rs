//! Full-size scalars, many of them.

use super::batch::Summer;
use super::buckets::{digit_count, digits, horner, window_sums};
use super::glv::{endomorphism, split};
use super::{CurvePoint, straus};
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

/// Bits of half a scalar.
const HALF_BITS: u32 = 127;

/// `sum scalars_i bases_i` over the shorter of the two, on rayon's threads.
///
/// Pippenger's method on halved scalars, Straus' for a few.
pub fn sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    let n = bases.len().min(scalars.len());
    if n == 0 {
        return G1Projective::ZERO;
    }
    if n <= FEW {
        return straus::sum(&bases[..n], &scalars[..n]);
    }
    let width = best_width(2 * n);
    let windows = digit_count(HALF_BITS, width);
    let points: Vec<CurvePoint> = bases[..n].iter().map(CurvePoint::from).flat_map(|p| [p, endomorphism(p)]).collect();
    let halves: Vec<_> = scalars[..n].par_iter().flat_map_iter(split).collect();
    // One digit in 32 bits: its absolute value, and its sign on top.
    let mut table = vec![0u32; windows * 2 * n];
    for (i, half) in halves.iter().enumerate() {
        digits(half.magnitude, half.negative, width, |window, digit, negative| {
            table[window * 2 * n + i] = digit | u32::from(negative) << 31;
        });
    }
    let size = 1 << (width - 1);
    // Small windows are summed together, to share inversions.
    let together = (GROUP / (2 * n)).clamp(1, windows.div_ceil(rayon::current_num_threads()));
    let sums: Vec<Vec<G1Projective>> = table
        .par_chunks(2 * n * together)
        .map(|digits| {
            let entries: Vec<_> = digits
                .iter()
                .enumerate()
                .filter(|(_, d)| **d != 0)
                .map(|(k, d)| {
                    let (window, i) = (k / (2 * n), k % (2 * n));
                    ((window * size) as u32 + (d & !SIGN) - 1, i as u32 | d & SIGN)
                })
                .collect();
            let get = |tag: u32| points[(tag & !SIGN) as usize].negate_if(tag & SIGN != 0);
            window_sums(&mut Summer::default(), digits.len() / (2 * n), size, &entries, get)
        })
        .collect();
    horner(&sums.concat(), width)
}

/// Up to so many points buckets do not pay.
const FEW: usize = 128;

/// Points that are added in one go.
const GROUP: usize = 1 << 13;

/// The sign's bit in a digit and in a tag.
const SIGN: u32 = 1 << 31;

/// The digits' width for which `n` halves cost the fewest additions.
fn best_width(n: usize) -> u32 {
    let cost = |width: u32| digit_count(HALF_BITS, width) * (n + (2usize << (width - 1)));
    (3..=16).min_by_key(|&w| cost(w)).unwrap_or(8)
}
