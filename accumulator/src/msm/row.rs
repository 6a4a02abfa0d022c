//! Rows of small integers.

use super::CurvePoint;
use super::batch::Summer;
use super::buckets::{digit_count, digits, horner, window_sums};
use super::fixed::blind;
use crate::setup::Generators;
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

/// Commits to rows: `sum_j row_j G_j + blinder H` for each row and its blinder, rows in parallel.
///
/// A row may be shorter than the generators. Zeros cost nothing, other values one addition of points for each digit; the base is
/// chosen for every row from the widths of its values.
pub fn commit_rows(rows: &[&[i64]], blinders: &[Fr], generators: &Generators) -> Vec<G1Affine> {
    let longest = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let points: Vec<CurvePoint> = generators.g.iter().take(longest).map(CurvePoint::from).collect();
    let commit = |summer: &mut Summer, (row, blinder): (&&[i64], &Fr)| sum_of(summer, row, &points) + blind(*blinder);
    let sums: Vec<G1Projective> = rows.par_iter().zip(blinders).map_init(Summer::default, commit).collect();
    G1Projective::normalize_batch(&sums)
}

/// `sum_j row_j G_j` on one thread, without a blinder.
pub fn sum(row: &[i64], bases: &[G1Affine]) -> G1Projective {
    let points: Vec<CurvePoint> = bases.iter().take(row.len()).map(CurvePoint::from).collect();
    sum_of(&mut Summer::default(), row, &points)
}

/// The sign's bit in a tag.
const SIGN: u32 = 1 << 31;

fn sum_of(summer: &mut Summer, row: &[i64], points: &[CurvePoint]) -> G1Projective {
    // How many values have each width: the least b with |value| <= 2^b.
    let mut widths = [0usize; 64];
    for magnitude in row.iter().map(|v| v.unsigned_abs()).filter(|&m| m != 0) {
        widths[(u64::BITS - (magnitude - 1).leading_zeros()) as usize] += 1;
    }
    let Some(bits) = (0..64u32).rev().find(|&bits| widths[bits as usize] != 0) else {
        return G1Projective::ZERO;
    };
    let width = best_width(&widths, bits);
    let windows = digit_count(bits, width);
    let size = 1usize << (width - 1);
    let mut entries = Vec::with_capacity(row.len());
    for (j, value) in row.iter().enumerate().take(points.len()) {
        digits(u128::from(value.unsigned_abs()), *value < 0, width, |window, digit, negative| {
            entries.push(((window * size) as u32 + digit - 1, j as u32 | u32::from(negative) << 31));
        });
    }
    let get = |tag: u32| points[(tag & !SIGN) as usize].negate_if(tag & SIGN != 0);
    horner(&window_sums(summer, windows, size, &entries, get), width)
}

/// The digits' width for which the row costs the fewest additions.
fn best_width(widths: &[usize; 64], bits: u32) -> u32 {
    let cost = |width: u32| {
        let additions: usize = (0..=bits).map(|b| widths[b as usize] * digit_count(b, width)).sum();
        // Every window has its buckets to add up, twice, and some projective additions to do.
        let size = 1usize << (width - 1);
        additions + digit_count(bits, width) * (2 * size + 4 * size.isqrt())
    };
    (2..=15).min_by_key(|&width| cost(width)).unwrap_or(8)
}
