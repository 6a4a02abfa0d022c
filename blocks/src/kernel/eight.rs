//! Sums of integers times weights, eight at a time.
//!
//! An integer `v` enters as `v + 2^bits`, which is not negative; a sum begins at `-2^bits` times the sum of the weights, which takes that out again.

use crate::field::Fr;
use crate::integers::Slice;
use crate::lanes::multiples::Loaded;
use crate::lanes::scalar::{Multipliers, Short};
use crate::lanes::{NullaryFnOnce, Scalars, Simd, WIDTH};
use rayon::prelude::*;

/// Rows whose sums are in registers together.
const ROWS: usize = 4;
/// Steps of [`ROWS`] products that a limb takes; it takes 2048 products.
const STEPS: usize = 2048 / ROWS - 1;
/// Vectors of columns whose sums stay in the first cache.
const TILE: usize = 32;
/// Integers that are worth a task.
const GRAIN: usize = 1 << 14;

/// A tensor of integers below `2^bits` in magnitude, of extents `[before][weights][behind]`.
struct Sums<'a, T> {
    simd: Simd,
    values: &'a [T],
    behind: usize,
    weights: &'a [Fr],
    bits: u32,
}

/// `out[a][c] = sum_b weights[b] values[a][b][c]`, with `behind` indices `c`. `None` if a sum might be too large for its limbs.
pub fn sums(simd: Simd, values: Slice<'_>, weights: &[Fr], behind: usize) -> Option<Vec<Fr>> {
    let bits = match values {
        Slice::I8(_) => 7,
        Slice::I16(_) => 15,
        Slice::I32(_) => 31,
        Slice::I64(_) => {
            let [low, high] = values.extremes();
            64 - high.max(!low).leading_zeros()
        }
    };
    // Multipliers are below 2^(bits + 1) and weights below 1.1 r: sums are below 1.1 2^56 r then, and 2^312 is more than 2^57 r.
    if bits > 51 || (weights.len() as u128) << (bits + 1) > 1 << 56 {
        return None;
    }
    Some(crate::each_width!(values, values => Sums { simd, values, behind, weights, bits }.all()))
}

impl<T: Loaded> Sums<'_, T> {
    fn all(&self) -> Vec<Fr> {
        let Self { simd, values, behind, weights, bits } = *self;
        let extent = weights.len();
        let start = -weights.iter().sum::<Fr>() * Fr::from(1u64 << bits);
        if behind == 1 {
            let mut padded = weights.to_vec();
            padded.resize(extent.next_multiple_of(WIDTH), Fr::from(0u64));
            let weights: Vec<Scalars> = simd.vectorize(Load { simd, weights: &padded });
            let mut out = vec![Fr::from(0u64); values.len() / extent];
            out.par_chunks_mut(WIDTH)
                .zip(values.par_chunks(WIDTH * extent))
                .with_min_len(GRAIN.div_ceil(WIDTH * extent))
                .for_each(|(out, rows)| {
                    simd.vectorize(Rows { simd, rows, extent, weights: &weights, start, bits, out });
                });
            return out;
        }
        let mut splat: Vec<Scalars> = weights.iter().map(|&w| simd.splat_short(w)).collect();
        splat.resize(extent.next_multiple_of(ROWS), simd.zero());
        let width = (TILE * WIDTH).min(behind);
        let tiles = behind.div_ceil(width);
        let tile = |index: usize| {
            let (block, first) = (index / tiles, index % tiles * width);
            let len = width.min(behind - first);
            let values = &values[block * extent * behind..][..extent * behind];
            simd.vectorize(Columns { simd, values, behind, first, len, weights: &splat, start, bits })
        };
        let count = values.len() / (extent * behind) * tiles;
        let grain = GRAIN.div_ceil(extent * width);
        (0..count).into_par_iter().with_min_len(grain).flat_map_iter(tile).collect()
    }
}

/// Weights for short sums, eight a vector.
struct Load<'a> {
    simd: Simd,
    weights: &'a [Fr],
}

impl NullaryFnOnce for Load<'_> {
    type Output = Vec<Scalars>;

    #[inline(always)]
    fn call(self) -> Vec<Scalars> {
        let Self { simd, weights } = self;
        let scale = simd.splat_short(Fr::from(1u64));
        let (vectors, _) = weights.as_chunks::<WIDTH>();
        vectors.iter().map(|w| simd.mul(&simd.scalars(w), &scale)).collect()
    }
}

/// Eight rows, or fewer, each with the weights.
struct Rows<'a, T> {
    simd: Simd,
    rows: &'a [T],
    extent: usize,
    weights: &'a [Scalars],
    start: Fr,
    bits: u32,
    out: &'a mut [Fr],
}

impl<T: Loaded> NullaryFnOnce for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, rows, extent, weights, start, bits, out } = self;
        let bias = simd.splat_multiplier(1 << bits);
        let mut sums = [simd.short(&simd.zero()); WIDTH];
        for first in (0..out.len()).step_by(ROWS) {
            // Where there is no row any more the last one stands for it, and its sum is not read.
            let own: [&[T]; ROWS] = std::array::from_fn(|r| {
                let row = (first + r).min(out.len() - 1);
                &rows[row * extent..][..extent]
            });
            let four = four(simd, own, weights, bias);
            sums[first..first + ROWS].copy_from_slice(&four);
        }
        let mut all = simd.across(sums);
        simd.add_number(&mut all, &simd.splat_short(start));
        let elements = simd.elements(&simd.reduce_short(all));
        out.copy_from_slice(&elements[..out.len()]);
    }
}

/// The sums of four rows, lane by lane.
#[inline(always)]
fn four<T: Loaded>(simd: Simd, rows: [&[T]; ROWS], weights: &[Scalars], bias: Multipliers) -> [Short; ROWS] {
    let mut sums = [simd.short(&simd.zero()); ROWS];
    let [a, b, c, d] = rows.map(|row| row.as_chunks::<WIDTH>());
    let (whole, rest) = weights.split_at(a.0.len());
    let mut left = STEPS * ROWS;
    for ((((w, a), b), c), d) in whole.iter().zip(a.0).zip(b.0).zip(c.0).zip(d.0) {
        for (sum, x) in sums.iter_mut().zip([a, b, c, d]) {
            simd.add_multiple(sum, simd.add_multipliers(T::load(simd, x), bias), w);
        }
        left -= 1;
        if left == 0 {
            sums.iter_mut().for_each(|sum| simd.carry_short(sum));
            left = STEPS * ROWS;
        }
    }
    // Behind the end weights are zero.
    for w in rest {
        for (sum, (_, x)) in sums.iter_mut().zip([a, b, c, d]) {
            simd.add_multiple(sum, simd.add_multipliers(T::load(simd, &padded(x)), bias), w);
        }
    }
    sums
}

/// Less than eight integers, and zeros.
#[inline(always)]
fn padded<T: Loaded>(x: &[T]) -> [T; WIDTH] {
    std::array::from_fn(|l| x.get(l).copied().unwrap_or_default())
}

/// Columns from the first one on, each with the weights.
struct Columns<'a, T> {
    simd: Simd,
    values: &'a [T],
    behind: usize,
    first: usize,
    len: usize,
    weights: &'a [Scalars],
    start: Fr,
    bits: u32,
}

impl<T: Loaded> NullaryFnOnce for Columns<'_, T> {
    type Output = Vec<Fr>;

    #[inline(always)]
    fn call(self) -> Vec<Fr> {
        let Self { simd, values, behind, first, len, weights, start, bits } = self;
        let bias = simd.splat_multiplier(1 << bits);
        let start = simd.short(&simd.splat_short(start));
        let mut sums = [start; TILE];
        let sums = &mut sums[..len.div_ceil(WIDTH)];
        let extent = values.len() / behind;
        let (steps, _) = weights.as_chunks::<ROWS>();
        for (step, weights) in steps.iter().enumerate() {
            // Where there is no row any more weights are zero.
            let rows: [_; ROWS] = std::array::from_fn(|r| {
                let row = (ROWS * step + r).min(extent - 1);
                values[row * behind + first..][..len].as_chunks::<WIDTH>()
            });
            let [a, b, c, d] = rows.map(|row| row.0);
            let (whole, rest) = sums.split_at_mut(a.len());
            for ((((sum, a), b), c), d) in whole.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                let mut own = *sum;
                for (w, x) in weights.iter().zip([a, b, c, d]) {
                    simd.add_multiple(&mut own, simd.add_multipliers(T::load(simd, x), bias), w);
                }
                *sum = own;
            }
            for sum in rest {
                for (w, (_, x)) in weights.iter().zip(&rows) {
                    simd.add_multiple(sum, simd.add_multipliers(T::load(simd, &padded(x)), bias), w);
                }
            }
            if step % STEPS == STEPS - 1 {
                sums.iter_mut().for_each(|sum| simd.carry_short(sum));
            }
        }
        let mut out: Vec<Fr> = sums.iter().flat_map(|&sum| simd.elements(&simd.reduce_short(sum))).collect();
        out.truncate(len);
        out
    }
}
