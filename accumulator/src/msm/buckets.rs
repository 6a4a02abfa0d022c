//! From bucket sums to the weighted sum: the second half of Pippenger's method.

use super::CurvePoint;
use super::points::Points;
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

/// Windows of this width and narrower have their buckets' numbers taken bit by bit.
const NARROW: u32 = 4;

/// `sum_k k bucket_k` for windows of some widths, bit by bit: `T_i` such that `sum_i 2^i T_i` is that sum, as many as the window is wide.
///
/// A window of width `w` has the buckets `1` to `2^(w-1)`, one window after the other.
pub(super) fn weigh(buckets: &Points, widths: &[u32]) -> Points {
    // k = 2^shift high + low: buckets are first added by either, then by each bit of it.
    let split = |width: u32| if width > NARROW { width / 2 } else { width };
    let lows = |width: u32| (1usize << split(width)) - 1;
    let highs = |width: u32| (1usize << (width - 1)) >> split(width);
    let mut entries = Vec::with_capacity(2 * buckets.len());
    let (mut bucket, mut groups) = (0, 0);
    for &width in widths {
        let shift = split(width);
        for k in 1..=1usize << (width - 1) {
            if !buckets.is_identity(bucket) {
                let (high, low) = (k >> shift, k & ((1 << shift) - 1));
                entries.extend((low != 0).then(|| ((groups + low - 1) as u32, bucket as u32)));
                entries.extend((high != 0).then(|| ((groups + lows(width) + high - 1) as u32, bucket as u32)));
            }
            bucket += 1;
        }
        groups += lows(width) + highs(width);
    }
    let halves = buckets.sums(&Points::none(), groups, &entries);
    entries.clear();
    let (mut half, mut first) = (0, 0);
    for &width in widths {
        for (count, bit) in [(lows(width), first), (highs(width), first + split(width))] {
            for k in 1..=count {
                if !halves.is_identity(half) {
                    entries.extend((0..usize::BITS).filter(|i| k >> i & 1 == 1).map(|i| (bit + i, half as u32)));
                }
                half += 1;
            }
        }
        first += width;
    }
    halves.sums(&Points::none(), first as usize, &entries)
}

/// Additions that [`weigh`] makes for a window.
pub(super) fn weighing(width: u32) -> usize {
    let size = 1usize << (width - 1);
    if width > NARROW { 2 * size + width as usize * size.isqrt() } else { width as usize * size / 2 }
}

/// `sum_i 2^i point_i`.
pub(super) fn horner(points: impl DoubleEndedIterator<Item = CurvePoint>) -> G1Projective {
    points.rev().fold(G1Projective::ZERO, |mut total, point| {
        if total != G1Projective::ZERO {
            total.double_in_place();
        }
        if !point.is_identity() {
            total += G1Affine::from(&point);
        }
        total
    })
}
