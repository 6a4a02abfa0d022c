//! Rows of small integers.

use super::batch::SIGN;
use super::buckets::{digit_count, digits, horner, weigh, weighing};
use super::fixed::blind;
use super::points::Points;
use crate::rows::Row;
use crate::setup::Generators;
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ec::CurveGroup;
use rayon::prelude::*;
use zeroize::Zeroizing;

/// Values that are worked on together, to share inversions, and generators while they are in the cache.
const TOGETHER: usize = 1 << 19;

/// Commits to rows: `sum_j row_j G_j + blinder H` for each row and its blinder, some rows at a time.
///
/// A row may be shorter than the generators. Zeros cost nothing, other values one addition of points for each digit; the base is
/// chosen for every row from the widths of its values.
pub fn commit_rows(rows: &[&Row], blinders: &[Fr], generators: &Generators) -> Vec<G1Affine> {
    let longest = rows.iter().map(|row| row.len()).max().unwrap_or(0).max(1);
    let points = Points::new(&generators.g[..longest.min(generators.g.len())]);
    let share = rows.len().div_ceil(rayon::current_num_threads());
    let together = (TOGETHER / longest).clamp(1, share.max(1));
    let own = |rows: &[&Row]| {
        let mut integers = Zeroizing::new(vec![0; rows.len() * longest]);
        rows.iter().zip(integers.chunks_mut(longest)).for_each(|(row, integers)| row.expand(integers));
        sums_of(&integers.chunks(longest).collect::<Vec<_>>(), &points)
    };
    let sums: Vec<G1Projective> = rows.par_chunks(together).flat_map_iter(own).collect();
    let blinded: Vec<G1Projective> =
        sums.into_par_iter().zip(blinders).map(|(sum, blinder)| sum + blind(*blinder)).collect();
    G1Projective::normalize_batch(&blinded)
}

/// `sum_j row_j G_j` on one thread, without a blinder.
pub fn sum(row: &[i64], bases: &[G1Affine]) -> G1Projective {
    sums_of(&[row], &Points::new(&bases[..row.len().min(bases.len())])).into_iter().sum()
}

fn sums_of(rows: &[&[i64]], points: &Points) -> Vec<G1Projective> {
    let (mut widths, mut ends, mut groups) = (Vec::new(), Vec::new(), 0);
    let mut entries = Vec::with_capacity(rows.iter().map(|row| row.len()).sum());
    for row in rows {
        let (width, count) = windows(row);
        let size = 1usize << (width - 1);
        for (j, value) in row.iter().enumerate().take(points.len()) {
            digits(u128::from(value.unsigned_abs()), *value < 0, width, |window, digit, negative| {
                entries.push(((groups + window * size) as u32 + digit - 1, j as u32 | if negative { SIGN } else { 0 }));
            });
        }
        widths.extend(std::iter::repeat_n(width, count));
        ends.push(widths.iter().sum::<u32>() as usize);
        groups += count * size;
    }
    let bits = weigh(&points.sums(&Points::none(), groups, &entries), &widths);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(&ends).map(|(start, &end)| horner((start..end).map(|i| bits.get(i)))).collect()
}

/// The digits' width for which a row costs the fewest additions, and how many digits its values have at most.
fn windows(row: &[i64]) -> (u32, usize) {
    // How many values have each width: the least b with |value| <= 2^b.
    let mut widths = [0usize; 64];
    for magnitude in row.iter().map(|v| v.unsigned_abs()).filter(|&m| m != 0) {
        widths[(u64::BITS - (magnitude - 1).leading_zeros()) as usize] += 1;
    }
    let Some(bits) = (0..64u32).rev().find(|&bits| widths[bits as usize] != 0) else {
        return (1, 0);
    };
    let cost = |width: u32| {
        let additions: usize = (0..=bits).map(|b| widths[b as usize] * digit_count(b, width)).sum();
        additions + digit_count(bits, width) * weighing(width)
    };
    let width = (2..=15).min_by_key(|&width| cost(width)).unwrap_or(8);
    (width, digit_count(bits, width))
}
