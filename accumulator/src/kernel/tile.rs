//! What is done to a tile of columns on lanes: rows combined, forms written out, sums on the nodes, variables bound.
//!
//! Tables hold numbers below `1.84 r`.

use crate::rows::Row;
use zktorch_blocks::each_width;
use zktorch_blocks::field::{Fr, eq_index, eq_table};
use zktorch_blocks::integers::Integer;
use zktorch_blocks::lanes::nodes::{add_weighted, corner, extend};
use zktorch_blocks::lanes::scalar::{Packed, Short};
use zktorch_blocks::lanes::{NullaryFnOnce, Scalars, Simd, Sum, WIDTH};

/// Bits of a tile's columns.
const BITS: usize = 9;
/// Vectors of a tile.
pub const VECTORS: usize = (1 << BITS) / WIDTH;

/// Rows that are added in one pass over the sums.
const TOGETHER: usize = 4;
/// Rows after which sums are reduced: limbs take twice as many.
const BATCH: usize = 1 << 10;

/// An integer of 64 bits is two of 32; most are one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Low,
    High,
}

/// What is added to signed integers of 32 bits, so that they are not negative.
const SHIFT: i64 = 1 << 31;

impl Part {
    /// An integer from 0 to `2^32`.
    #[inline(always)]
    fn of(self, value: i64) -> i64 {
        match self {
            Self::Whole => value + SHIFT,
            Self::Low => value & ((1 << 32) - 1),
            Self::High => (value >> 32) + SHIFT,
        }
    }
}

/// A combination of rows.
pub struct Weighted {
    rows: Vec<(usize, Part, Scalars)>,
    /// What takes back what is added to integers.
    start: Fr,
}

impl Weighted {
    /// `wide` says which rows have integers of more than 32 bits.
    pub fn new(simd: Simd, weighted: &[(usize, Fr)], wide: impl Fn(usize) -> bool) -> Self {
        let parts = weighted.iter().flat_map(|&(row, weight)| {
            let high = wide(row).then(|| (row, Part::High, weight * Fr::from(1u64 << 32)));
            let part = if high.is_some() { Part::Low } else { Part::Whole };
            [(row, part, weight)].into_iter().chain(high)
        });
        let parts: Vec<(usize, Part, Fr)> = parts.collect();
        let shifted: Fr = parts.iter().filter(|(_, part, _)| *part != Part::Low).map(|(_, _, weight)| weight).sum();
        let start = -shifted * Fr::from(SHIFT);
        Self { rows: parts.into_iter().map(|(row, part, weight)| (row, part, simd.splat_short(weight))).collect(), start }
    }
}

/// Eight integers a vector.
type Integers = [[i64; WIDTH]; VECTORS];

/// The entries of a combination of rows from some column on.
pub struct Combine<'t> {
    pub simd: Simd,
    pub rows: &'t [Row],
    pub weighted: &'t Weighted,
    pub first: usize,
    pub out: &'t mut [Packed],
}

impl NullaryFnOnce for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, rows, weighted: Weighted { rows: weighted, start }, first, out } = self;
        let mut sums = [simd.short(&simd.splat_short(*start)); VECTORS];
        let sums = &mut sums[..out.len()];
        let mut integers: [Integers; TOGETHER] = [[[0; WIDTH]; VECTORS]; TOGETHER];
        let again = simd.splat_short(Fr::from(1u64));
        for (batch, weighted) in weighted.chunks(BATCH).enumerate() {
            if batch > 0 {
                for sum in sums.iter_mut() {
                    *sum = simd.short(&simd.mul(&simd.reduce_short(*sum), &again));
                }
            }
            let mut fours = weighted.chunks_exact(TOGETHER);
            for four in fours.by_ref() {
                for ((row, part, _), integers) in four.iter().zip(&mut integers) {
                    read(&rows[*row], first, *part, integers);
                }
                add_rows::<TOGETHER>(simd, sums, &integers, std::array::from_fn(|k| four[k].2));
            }
            for (row, part, weight) in fours.remainder() {
                read(&rows[*row], first, *part, &mut integers[0]);
                add_rows::<1>(simd, sums, &integers, [*weight]);
            }
        }
        // Of 1024 integers below 2^32 times numbers below r, and of one below 1.1 r: below 1.01 r.
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = simd.put(&simd.reduce_short(*sum));
        }
    }
}

/// A row's integers from a column on.
#[inline(always)]
fn read(row: &Row, first: usize, part: Part, integers: &mut Integers) {
    let integers = integers.as_flattened_mut();
    integers.fill(part.of(0));
    for (at, values) in row.within(first..first + integers.len()) {
        let own = integers[at..].iter_mut();
        match part {
            Part::Whole => each_width!(values, values => own.zip(values).for_each(|(x, v)| *x = Part::Whole.of(v.wide()))),
            _ => each_width!(values, values => own.zip(values).for_each(|(x, v)| *x = part.of(v.wide()))),
        }
    }
}

#[inline(always)]
fn add_rows<const N: usize>(simd: Simd, sums: &mut [Short], integers: &[Integers], weights: [Scalars; N]) {
    for (v, sum) in sums.iter_mut().enumerate() {
        let mut own = *sum;
        for (integers, weight) in integers.iter().zip(&weights) {
            simd.add_multiple(&mut own, simd.multipliers(&integers[v]), weight);
        }
        *sum = own;
    }
}

/// A multiple of `eq(point, .)`: zero outside of the block of columns that the leading coordinates name as far as they are bits.
pub struct Eq {
    /// The block.
    offset: usize,
    bits: usize,
    scale: Fr,
    /// Coordinates that say which tile.
    top: Vec<Fr>,
    /// The equality polynomial of those between, and of the last ones.
    middle: Vec<Fr>,
    low: Vec<Scalars>,
}

impl Eq {
    pub fn new(simd: Simd, mut scale: Fr, point: &[Fr]) -> Self {
        let bit = |x: &Fr| [0u64, 1].into_iter().find(|&bit| Fr::from(bit) == *x);
        let named: Vec<u64> = point.iter().map_while(bit).collect();
        let (mut point, mut bits) = (&point[named.len()..], point.len() - named.len());
        let mut offset = named.iter().fold(0, |offset, &bit| offset << 1 | bit as usize) << bits;
        let mut low = eq_table(&point[bits - bits.min(6)..]);
        if bits < 3 {
            // Within a vector.
            let own = low;
            low = vec![Fr::from(0u64); WIDTH];
            low[offset % WIDTH..][..own.len()].copy_from_slice(&own.iter().map(|x| scale * x).collect::<Vec<Fr>>());
            (point, bits, offset, scale) = (&[], 3, offset / WIDTH * WIDTH, Fr::from(1u64));
        }
        let (high, _) = point.split_at(point.len().saturating_sub(6));
        let (top, middle) = high.split_at(high.len().saturating_sub(BITS - 6));
        let low = low.chunks(WIDTH).map(|own| simd.scalars(&std::array::from_fn(|lane| own[lane]))).collect();
        Self { offset, bits, scale, top: top.to_vec(), middle: eq_table(middle), low }
    }

    /// Columns where it is not zero.
    pub fn len(&self) -> usize {
        1 << self.bits
    }
}

/// The coefficients of a sum of multiples from some column on.
pub struct WriteOut<'t> {
    pub simd: Simd,
    pub eqs: &'t [Eq],
    pub first: usize,
    pub out: &'t mut [Packed],
}

impl NullaryFnOnce for WriteOut<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, eqs, first, out } = self;
        let one = simd.splat_scalar(Fr::from(1u64));
        let columns = out.len() * WIDTH;
        out.fill(simd.put(&simd.zero()));
        // A bit for each vector.
        let mut written = 0u64;
        for eq in eqs {
            if eq.offset >= first + columns || eq.offset + eq.len() <= first {
                continue;
            }
            let tile = first.saturating_sub(eq.offset) >> BITS;
            let at = eq.offset.saturating_sub(first) / WIDTH;
            for (own, high) in eq_scaled(eq, tile).into_iter().enumerate() {
                let high = simd.splat_scalar(high);
                for (l, low) in eq.low.iter().enumerate() {
                    let v = at + own * eq.low.len() + l;
                    let mut sum = simd.no_sum();
                    simd.add_product(&mut sum, low, &high);
                    if written >> v & 1 == 1 {
                        simd.add_product(&mut sum, &simd.get(&out[v]), &one);
                    }
                    // Of less than 1.1 r^2 and 1.1 r^2: below 1.07 r.
                    out[v] = simd.put(&simd.reduce(sum));
                    written |= 1 << v;
                }
            }
        }
    }
}

/// What the last coordinates are multiplied by.
fn eq_scaled(eq: &Eq, tile: usize) -> Vec<Fr> {
    let scale = eq.scale * eq_index(&eq.top, tile);
    eq.middle.iter().map(|x| scale * x).collect()
}

/// A vector's entries and a form's coefficients on a tile.
pub type Pair<'t> = [&'t [Packed]; 2];

/// Adds `sum w f` on the `NODES = 3^b` nodes of `b` variables, with `2^b = CORNERS`; corners that there are none of are zero.
pub struct Message<'t, const CORNERS: usize, const NODES: usize> {
    pub simd: Simd,
    pub corners: &'t [Option<Pair<'t>>],
    pub total: &'t mut [Sum<5>],
}

impl<const CORNERS: usize, const NODES: usize> NullaryFnOnce for Message<'_, CORNERS, NODES> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, corners, total } = self;
        let one = simd.splat_scalar(Fr::from(1u64));
        let vectors = corners.iter().flatten().map(|[w, _]| w.len()).max().unwrap_or(0);
        // At the nodes numbers are below 1.84, 3.84, 7.84, 15.84, 31.84 r for up to four variables: the sum is below 2^15 r^2 < 2^525.
        let together = const { if CORNERS > 8 { VECTORS / 2 } else { VECTORS } };
        let mut tables = [[simd.zero(); NODES]; 2];
        for first in (0..vectors).step_by(together) {
            let mut sums = [simd.no_sum(); NODES];
            for v in first..vectors.min(first + together) {
                for (e, pair) in corners.iter().enumerate().take(CORNERS) {
                    for (side, table) in tables.iter_mut().enumerate() {
                        table[corner(e)] = pair.as_ref().map_or(simd.zero(), |pair| simd.get(&pair[side][v]));
                    }
                }
                for table in &mut tables {
                    extend::<CORNERS, NODES>(simd, table);
                }
                for ((sum, w), f) in sums.iter_mut().zip(&tables[0]).zip(&tables[1]) {
                    simd.add_product(sum, w, f);
                }
            }
            for (total, sum) in total.iter_mut().zip(sums) {
                add_weighted(simd, total, &simd.reduce_large(sum), &one);
            }
        }
    }
}

/// Combinations of at most 16 pairs: below `(1 + 0.0284 16 1.84) r`, that is `1.84 r`.
pub struct Bind<'t> {
    pub simd: Simd,
    pub corners: &'t [(Scalars, Pair<'t>)],
    pub out: [&'t mut [Packed]; 2],
}

impl NullaryFnOnce for Bind<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, corners, out } = self;
        for (side, out) in out.into_iter().enumerate() {
            for (v, out) in out.iter_mut().enumerate() {
                let mut sum = simd.no_sum();
                for (weight, pair) in corners {
                    simd.add_product(&mut sum, &simd.get(&pair[side][v]), weight);
                }
                *out = simd.put(&simd.reduce(sum));
            }
        }
    }
}

/// `eq(challenges, .)`, for [`Bind`].
pub fn weights(simd: Simd, challenges: &[Fr]) -> Vec<Scalars> {
    eq_table(challenges).into_iter().map(|weight| simd.splat_scalar(weight)).collect()
}
