//! Binding some axes of an integer tensor to weights.

use super::wide::{Signed, Wide, dot};
use crate::field::{Fr, from_i64};
use ark_ff::AdditiveGroup;
use rayon::prelude::*;

/// Bound axes are merged up to this extent, so that the first pass, on integers, shrinks the tensor most.
const MERGE: usize = 1 << 10;
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
pub fn contract(values: &[i64], dims: &[usize], axes: &[Axis]) -> Vec<Fr> {
    let mut segments = segments(dims, axes);
    let Some(first) = segments.iter().rposition(|s| s.weights.is_some()) else {
        return values.par_iter().with_min_len(GRAIN).map(|&v| from_i64(v)).collect();
    };
    let mut table = contract_integers(values, &segments, first);
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
    for (&extent, axis) in dims.iter().zip(axes).rev() {
        let own = match axis {
            Axis::Bound(weights) => Some(weights[..extent].to_vec()),
            Axis::Kept => None,
        };
        match (segments.last_mut(), own) {
            (Some(Segment { extent: inner, weights: None }), None) => *inner *= extent,
            (Some(Segment { extent: inner, weights: Some(weights) }), Some(own)) if *inner * extent <= MERGE => {
                *weights = own.iter().flat_map(|&o| weights.iter().map(move |&w| o * w)).collect();
                *inner *= extent;
            }
            (_, weights) => segments.push(Segment { extent, weights }),
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

fn contract_integers(values: &[i64], segments: &[Segment], at: usize) -> Vec<Fr> {
    let (before, extent, behind) = around(segments, at);
    let weights: Vec<Signed> = segments[at].weights.iter().flatten().map(|&w| Signed::from(w)).collect();
    if behind == 1 {
        let grain = GRAIN.div_ceil(extent);
        return values.par_chunks_exact(extent).with_min_len(grain).map(|row| dot(row, &weights)).collect();
    }
    let tiles = behind.div_ceil(TILE);
    let tile = |index: usize| {
        let (block, start) = (index / tiles, index % tiles * TILE);
        let len = TILE.min(behind - start);
        let mut sums = [Wide::default(); TILE];
        for (i, weight) in weights.iter().enumerate() {
            let at = (block * extent + i) * behind + start;
            for (sum, &v) in sums.iter_mut().zip(&values[at..at + len]) {
                sum.add_product(v, weight);
            }
        }
        sums.into_iter().take(len).map(Wide::reduce)
    };
    let grain = GRAIN.div_ceil(extent * TILE.min(behind));
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_definition(dims in prop::collection::vec(1usize..6, 1..5), bound in any::<u8>(), seed in any::<u64>()) {
            let len: usize = dims.iter().product();
            let random = |i: usize| seed.wrapping_mul(6364136223846793005).wrapping_add(i as u64 * 1442695040888963407).rotate_left(17);
            let values: Vec<i64> = (0..len).map(|i| random(i) as i64 >> 30).collect();
            let axes: Vec<Axis> = dims.iter().enumerate().map(|(a, &d)| {
                if bound >> a & 1 == 1 { Axis::Bound((0..d).map(|i| Fr::from(random(1000 * a + i))).collect()) } else { Axis::Kept }
            }).collect();
            let mut expected = vec![Fr::ZERO; dims.iter().zip(&axes).map(|(&d, a)| if matches!(a, Axis::Kept) { d } else { 1 }).product()];
            for (flat, &v) in values.iter().enumerate() {
                let (mut rest, mut at, mut stride, mut weight) = (flat, 0, 1, from_i64(v));
                for (&d, axis) in dims.iter().zip(&axes).rev() {
                    match axis {
                        Axis::Bound(w) => weight *= w[rest % d],
                        Axis::Kept => { at += rest % d * stride; stride *= d; }
                    }
                    rest /= d;
                }
                expected[at] += weight;
            }
            prop_assert_eq!(contract(&values, &dims, &axes), expected);
        }
    }
}
