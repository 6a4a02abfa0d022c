//! Binding some axes of an integer tensor to weights.

use super::wide::{Signed, Wide, dot};
use crate::field::Fr;
use crate::integers::{Integer, Slice};
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

/// Bound axes are merged up to this extent, so that the first pass, on integers, shrinks the tensor most.
const MERGE: usize = 1 << 10;
/// Bound axes of less are merged with whatever is before them: a pass that shrinks the tensor less leaves it larger than weights are.
const LEAST: usize = 1 << 6;
/// Accumulators a loop keeps in cache.
const TILE: usize = 128;
/// Multiplications below which a loop stays on one thread.
const GRAIN: usize = 1 << 12;

/// What happens to an axis.
#[derive(Clone, Debug)]
pub enum Axis {
    /// It is summed over with weights, one an index.
    Bound(Vec<Fr>),
    /// It stays.
    Kept,
}

/// A run of axes treated alike.
struct Segment {
    extent: usize,
    weights: Option<Vec<Fr>>,
}

/// `out[kept] = sum over bound axes of values[..] * product of weights`, row-major in and out.
pub fn contract(values: Slice<'_>, dims: &[usize], axes: &[Axis]) -> Vec<Fr> {
    contract_by(values, dims, axes, integers)
}

/// The same one by one: for comparison.
pub fn contract_one_by_one(values: Slice<'_>, dims: &[usize], axes: &[Axis]) -> Vec<Fr> {
    contract_by(values, dims, axes, integers_one_by_one)
}

fn contract_by(
    values: Slice<'_>,
    dims: &[usize],
    axes: &[Axis],
    integers: fn(Slice<'_>, &[Fr], usize) -> Vec<Fr>,
) -> Vec<Fr> {
    let mut segments = segments(dims, axes);
    let Some(first) = segments.iter().rposition(|s| s.weights.is_some()) else {
        // One row of as many columns.
        return integers(values, &[Fr::ONE], values.len().max(1));
    };
    let (_, _, behind) = around(&segments, first);
    let mut table = integers(values, segments[first].weights.as_deref().unwrap_or_default(), behind);
    segments.remove(first);
    while let Some(next) = segments.iter().rposition(|s| s.weights.is_some()) {
        table = contract_field(&table, &segments, next);
        segments.remove(next);
    }
    table
}

/// Merges neighbours: kept with kept, bound with bound while the product of extents stays small.
fn segments(dims: &[usize], axes: &[Axis]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut factor = Fr::ONE;
    for (&extent, axis) in dims.iter().zip(axes).rev() {
        let own = match axis {
            // An axis of one index is no more than a factor.
            Axis::Bound(weights) if extent == 1 => {
                factor *= weights[0];
                continue;
            }
            Axis::Kept if extent == 1 => continue,
            Axis::Bound(weights) => Some(weights[..extent].to_vec()),
            Axis::Kept => None,
        };
        match (segments.last_mut(), own) {
            (Some(Segment { extent: inner, weights: None }), None) => *inner *= extent,
            (Some(Segment { extent: inner, weights: Some(weights) }), Some(own))
                if *inner * extent <= MERGE || *inner < LEAST =>
            {
                *weights = own.iter().flat_map(|&o| weights.iter().map(move |&w| o * w)).collect();
                *inner *= extent;
            }
            (_, weights) => segments.push(Segment { extent, weights }),
        }
    }
    if factor != Fr::ONE {
        match segments.iter_mut().find_map(|s| s.weights.as_mut()) {
            Some(weights) => weights.iter_mut().for_each(|w| *w *= factor),
            None => segments.push(Segment { extent: 1, weights: Some(vec![factor]) }),
        }
    }
    segments.reverse();
    segments
}

/// Extents before, of and behind a segment.
fn around(segments: &[Segment], at: usize) -> (usize, usize, usize) {
    let product = |s: &[Segment]| s.iter().map(|s| s.extent).product();
    (product(&segments[..at]), segments[at].extent, product(&segments[at + 1..]))
}

/// `out[a][c] = sum_b weights[b] values[a][b][c]`, with `behind` indices `c`.
fn integers(values: Slice<'_>, weights: &[Fr], behind: usize) -> Vec<Fr> {
    #[cfg(target_arch = "x86_64")]
    if let Some(out) = crate::lanes::simd().and_then(|simd| super::eight::sums(simd, values, weights, behind)) {
        return out;
    }
    integers_one_by_one(values, weights, behind)
}

fn integers_one_by_one(values: Slice<'_>, weights: &[Fr], behind: usize) -> Vec<Fr> {
    let weights: Vec<Signed> = weights.iter().map(|&w| Signed::from(w)).collect();
    crate::each_width!(values, values => each_sum(values, &weights, behind))
}

fn each_sum<T: Integer>(values: &[T], weights: &[Signed], behind: usize) -> Vec<Fr> {
    let extent = weights.len();
    if behind == 1 {
        let grain = GRAIN.div_ceil(extent);
        return values.par_chunks_exact(extent).with_min_len(grain).map(|row| dot(row, weights)).collect();
    }
    let tiles = behind.div_ceil(TILE);
    let tile = |index: usize| {
        let (block, start) = (index / tiles, index % tiles * TILE);
        let len = TILE.min(behind - start);
        let mut sums = [Wide::default(); TILE];
        for (i, weight) in weights.iter().enumerate() {
            let at = (block * extent + i) * behind + start;
            for (sum, &v) in sums.iter_mut().zip(&values[at..at + len]) {
                sum.add_product(v.wide(), weight);
            }
        }
        sums.into_iter().take(len).map(Wide::reduce)
    };
    let grain = GRAIN.div_ceil(extent * TILE.min(behind));
    let before = values.len() / (extent * behind);
    (0..before * tiles).into_par_iter().with_min_len(grain).flat_map_iter(tile).collect()
}

fn contract_field(table: &[Fr], segments: &[Segment], at: usize) -> Vec<Fr> {
    let (before, extent, behind) = around(segments, at);
    let weights = segments[at].weights.as_deref().unwrap_or_default();
    let entry = |index: usize| {
        let (block, j) = (index / behind, index % behind);
        let mut sum = Fr::ZERO;
        for (i, w) in weights.iter().enumerate() {
            sum += *w * table[(block * extent + i) * behind + j];
        }
        sum
    };
    (0..before * behind).into_par_iter().with_min_len(GRAIN.div_ceil(extent)).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::from_i64;
    use crate::integers::Integers;
    use proptest::prelude::*;

    fn random(seed: u64, i: usize) -> u64 {
        seed.wrapping_mul(6364136223846793005).wrapping_add(i as u64 * 1442695040888963407).rotate_left(17)
    }

    fn weights(seed: u64, extent: usize) -> Vec<Fr> {
        (0..extent).map(|i| -Fr::from(random(seed, i) | 1).inverse().unwrap_or_default()).collect()
    }

    fn expected(values: &[i64], dims: &[usize], axes: &[Axis]) -> Vec<Fr> {
        let kept = |a: &Axis| matches!(a, Axis::Kept);
        let mut expected = vec![Fr::ZERO; dims.iter().zip(axes).map(|(&d, a)| if kept(a) { d } else { 1 }).product()];
        for (flat, &v) in values.iter().enumerate() {
            let (mut rest, mut at, mut stride, mut weight) = (flat, 0, 1, from_i64(v));
            for (&d, axis) in dims.iter().zip(axes).rev() {
                match axis {
                    Axis::Bound(w) => weight *= w[rest % d],
                    Axis::Kept => {
                        at += rest % d * stride;
                        stride *= d;
                    }
                }
                rest /= d;
            }
            expected[at] += weight;
        }
        expected
    }

    fn check(values: Vec<i64>, dims: &[usize], axes: &[Axis]) {
        let narrow = Integers::from(values.as_slice());
        let expected = expected(&values, dims, axes);
        for values in [narrow.slice(), Slice::I64(&values)] {
            assert_eq!(contract(values, dims, axes), expected, "{dims:?} at {:?}", values.width());
            assert_eq!(contract_one_by_one(values, dims, axes), expected, "{dims:?} one by one");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(dims in prop::collection::vec(1usize..6, 1..5), bound in any::<u8>(), shift in 1usize..64, seed in any::<u64>()) {
            let values = (0..dims.iter().product()).map(|i| (random(seed, i) as i64 >> shift).max(-i64::MAX)).collect();
            let axis = |(a, &d): (usize, &usize)| if bound >> a & 1 == 1 { Axis::Bound(weights(seed ^ a as u64, d)) } else { Axis::Kept };
            let axes: Vec<Axis> = dims.iter().enumerate().map(axis).collect();
            check(values, &dims, &axes);
        }
    }

    /// Whole vectors, rows and tiles, one less and one more; all values as small and as large as their width allows, with the largest weights.
    #[test]
    fn edges_of_lanes_agree_with_the_definition() {
        let sizes = [1, 2, 7, 8, 9, 63, 64, 65, 255, 257];
        for bits in [8, 16, 32, 45] {
            for extreme in [-1i64 << (bits - 1), (1 << (bits - 1)) - 1] {
                for extent in sizes {
                    for other in [1, 3, 4, 5, 8, 9, 31, 255, 256, 257] {
                        let weights = Axis::Bound(vec![-Fr::ONE; extent]);
                        check(vec![extreme; extent * other], &[other, extent], &[Axis::Kept, weights.clone()]);
                        check(vec![extreme; extent * other], &[extent, other], &[weights, Axis::Kept]);
                    }
                }
            }
        }
    }

    /// More products than limbs take before they are carried.
    #[test]
    fn long_sums_agree_with_the_definition() {
        for (len, shift) in [(2043, 32), (2044, 32), (2045, 48), (4089, 56), (20_000, 32), (20_001, 56)] {
            let values: Vec<i64> = (0..len).map(|i| random(7, i) as i64 >> shift).collect();
            let both: Vec<i64> = values.iter().chain(&values).copied().collect();
            check(both.clone(), &[2, len], &[Axis::Kept, Axis::Bound(weights(3, len))]);
            check(both, &[len, 2], &[Axis::Bound(vec![-Fr::ONE; len]), Axis::Kept]);
        }
    }
}
