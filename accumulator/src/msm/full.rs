//! Full-size scalars, many of them.

use super::batch::SIGN;
use super::buckets::{digit_count, digits, horner, weigh, weighing};
use super::glv::split;
use super::points::Points;
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
    let width = best_width(n);
    let windows = digit_count(HALF_BITS, width);
    let points = Points::new(&bases[..n]);
    let halves: Vec<_> = scalars[..n].par_iter().map(split).collect();
    // One digit in 32 bits: its absolute value, and its sign on top.
    let mut table = vec![0u32; windows * 2 * n];
    for (i, halves) in halves.iter().enumerate() {
        for (k, half) in halves.iter().enumerate() {
            digits(half.magnitude, half.negative, width, |window, digit, negative| {
                table[(2 * window + k) * n + i] = digit | if negative { SIGN } else { 0 };
            });
        }
    }
    let size = 1 << (width - 1);
    // Small windows are summed together, to share inversions.
    let together = (GROUP / (2 * n)).clamp(1, windows.div_ceil(rayon::current_num_threads()));
    let bits: Vec<Vec<CurvePoint>> = table
        .par_chunks(2 * n * together)
        .map(|digits| {
            let windows = digits.len() / (2 * n);
            let mut entries = Vec::with_capacity(digits.len());
            for (own, digits) in digits.chunks_exact(n).enumerate() {
                // The buckets of second halves come after all those of the first.
                let (window, half) = (own / 2, own % 2);
                let first = ((half * windows + window) * size) as u32;
                let entry = |(i, digit): (usize, &u32)| (first + (digit & !SIGN) - 1, i as u32 | digit & SIGN);
                entries.extend(digits.iter().enumerate().filter(|(_, digit)| **digit != 0).map(entry));
            }
            let mut buckets = points.sums(&Points::none(), 2 * windows * size, &entries);
            let images = buckets.split_off(windows * size).endomorphism();
            weigh(&buckets.join(&images), &vec![width; windows]).iter().collect()
        })
        .collect();
    horner(bits.into_iter().flatten().collect::<Vec<_>>().into_iter())
}

/// Up to so many points buckets do not pay.
const FEW: usize = 128;

/// Points that are added in one go.
const GROUP: usize = 1 << 15;

/// The digits' width for which `n` scalars cost the fewest additions.
fn best_width(n: usize) -> u32 {
    let cost = |width: u32| digit_count(HALF_BITS, width) * (2 * n + weighing(width));
    (3..=16).min_by_key(|&w| cost(w)).unwrap_or(8)
}
