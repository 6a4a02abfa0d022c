//! From bucket sums to the weighted sum: the second half of Pippenger's method.

use super::CurvePoint;
use super::batch::{Entry, Summer};
use ark_bls12_381::{G1Affine, G1Projective};
use ark_ff::AdditiveGroup;

/// Signed digits of `magnitude` in base `2^width`, lowest first, between `-2^(width-1)` and `2^(width-1)`.
/// `visit` gets the position, the digit's absolute value and its sign; zeros are skipped.
#[inline]
pub(super) fn digits(mut magnitude: u128, negative: bool, width: u32, mut visit: impl FnMut(usize, u32, bool)) {
    let mut position = 0;
    let (mask, half) = ((1u128 << width) - 1, 1u128 << (width - 1));
    while magnitude != 0 {
        let low = magnitude & mask;
        magnitude >>= width;
        if low > half {
            magnitude += 1;
            visit(position, ((1 << width) - low) as u32, !negative);
        } else if low != 0 {
            visit(position, low as u32, negative);
        }
        position += 1;
    }
}

/// The number of digits that [`digits`] needs for magnitudes up to `2^bits`, all of them at most `2^(width-1)`.
pub(super) fn digit_count(bits: u32, width: u32) -> usize {
    (bits as usize + 1).div_ceil(width as usize)
}

/// `sum_k k bucket_k` of each of the `windows` groups of `size` buckets, given the buckets' entries: bucket `k` (from 1) of window `w`
/// is group `w size + k - 1`.
pub(super) fn window_sums(
    summer: &mut Summer,
    windows: usize,
    size: usize,
    entries: &[Entry],
    get: impl Fn(u32) -> CurvePoint,
) -> Vec<G1Projective> {
    let buckets = summer.sums(windows * size, entries, get).to_vec();
    // k = step high + low: sum_k k B_k = step sum_high high (sum_low B) + sum_low low (sum_high B).
    let shift = size.ilog2().div_ceil(2);
    let step = 1usize << shift;
    let rows = (size >> shift) + 1;
    let per_window = rows + step;
    let mut split = Vec::with_capacity(2 * buckets.len());
    for (index, _) in buckets.iter().enumerate().filter(|(_, b)| !b.is_identity()) {
        let (window, k) = (index / size, index % size + 1);
        let (high, low) = (k >> shift, k & (step - 1));
        split.extend((high != 0).then_some(((window * per_window + high) as u32, index as u32)));
        split.extend((low != 0).then_some(((window * per_window + rows + low) as u32, index as u32)));
    }
    let sums = summer.sums(windows * per_window, &split, |index| buckets[index as usize]);
    let weigh = |sums: &[CurvePoint]| {
        let mut running = G1Projective::ZERO;
        let mut total = G1Projective::ZERO;
        for sum in sums.iter().skip(1).rev() {
            if !sum.is_identity() {
                running += G1Affine::from(sum);
            }
            total += running;
        }
        total
    };
    let window = |sums: &[CurvePoint]| {
        let (high, low) = sums.split_at(rows);
        let mut total = weigh(high);
        for _ in 0..shift {
            total.double_in_place();
        }
        total + weigh(low)
    };
    sums.chunks_exact(per_window).map(window).collect()
}

/// `sum_w 2^(w width) window_w`.
pub(super) fn horner(windows: &[G1Projective], width: u32) -> G1Projective {
    windows.iter().rev().fold(G1Projective::ZERO, |mut total, window| {
        if total != G1Projective::ZERO {
            (0..width).for_each(|_| {
                total.double_in_place();
            });
        }
        total + window
    })
}
