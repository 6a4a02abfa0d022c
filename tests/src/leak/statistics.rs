//! Tests that need no knowledge of the models: of distributions, and of repetitions.

use super::{FAMILY_ERROR_LOG2, Seen};
use std::collections::HashMap;
use zktorch_blocks::transcript::{EntryKind, MessageEntry};

/// From so many proofs of each model on the bound of [`threshold`] holds.
const ENOUGH: usize = 458;

/// How far two empirical distribution functions of `n` values each may lie apart: `P(D >= d) <= 2 exp(-n d^2)` for samples of
/// one distribution, `n >= 458` (Wei and Dudley, Statistics & Probability Letters 82, 2012; conservative where values tie).
pub fn threshold(n: usize, tests: usize) -> f64 {
    let error = FAMILY_ERROR_LOG2.exp2() / tests as f64;
    ((2.0 / error).ln() / n as f64).sqrt()
}

/// The largest distance between the empirical distribution functions of two samples of one size (Kolmogorov and Smirnov).
pub fn distance(mut a: Vec<u64>, mut b: Vec<u64>) -> f64 {
    assert_eq!(a.len(), b.len());
    a.sort_unstable();
    b.sort_unstable();
    let (mut i, mut j, mut largest) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let value = a[i].min(b[j]);
        i += a[i..].iter().take_while(|v| **v == value).count();
        j += b[j..].iter().take_while(|v| **v == value).count();
        largest = largest.max(i.abs_diff(j));
    }
    largest as f64 / a.len() as f64
}

/// What is looked at in a message: every limb of 64 bits, its lowest limb from the lowest bit on, the number of ones, and a
/// point's sign. Coordinates and scalars are read as integers.
pub fn projections(kind: EntryKind, message: &[u8]) -> Vec<u64> {
    let mut integer = message.to_vec();
    let sign = if kind == EntryKind::Scalar {
        0
    } else {
        // Big endian, with three flag bits in front, of which the third is the sign of the ordinate.
        let flags = integer[0];
        integer[0] &= 0x1f;
        integer.reverse();
        u64::from(flags >> 5 & 1)
    };
    let limb = |bytes: &[u8]| bytes.iter().rev().fold(0, |x, &b| x << 8 | u64::from(b));
    let mut all: Vec<u64> = integer.chunks(8).map(limb).collect();
    all.push(all[0].reverse_bits());
    all.push(integer.iter().map(|b| u64::from(b.count_ones())).sum());
    all.push(sign);
    all
}

/// Positions whose distribution differs between two samples of proofs. None if there are too few proofs to tell.
pub fn distributions(seen: [&[Seen]; 2], log: &[MessageEntry]) -> Vec<usize> {
    let n = seen[0].len();
    if n != seen[1].len() || n < ENOUGH {
        return Vec::new();
    }
    let of = |proofs: &[Seen], p: usize| -> Vec<Vec<u64>> {
        proofs.iter().map(|s| projections(log[p].kind, s.message(p))).collect()
    };
    let count = |p: usize| projections(log[p].kind, seen[0][0].message(p)).len();
    let limit = threshold(n, (0..log.len()).map(count).sum());
    let differs = |p: &usize| {
        let samples = seen.map(|s| of(s, *p));
        let column = |i: usize, j: usize| samples[i].iter().map(|v| v[j]).collect::<Vec<u64>>();
        (0..count(*p)).any(|j| distance(column(0, j), column(1, j)) >= limit)
    };
    (0..log.len()).filter(differs).collect()
}

/// Positions that hold a value which some proof has there or elsewhere too.
pub fn repetitions(seen: [&[Seen]; 2], messages: usize) -> Vec<usize> {
    let mut times: HashMap<&[u8], usize> = HashMap::new();
    let all = || seen.into_iter().flatten();
    all().for_each(|s| (0..messages).for_each(|p| *times.entry(s.message(p)).or_default() += 1));
    (0..messages).filter(|&p| all().any(|s| times[s.message(p)] > 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_prover::Randomness;

    fn sample(n: usize, random: &mut Randomness) -> Vec<u64> {
        use ark_ff::{BigInteger, PrimeField};
        let bytes = |_| random.scalar().into_bigint().to_bytes_le();
        (0..n).map(bytes).map(|b| projections(EntryKind::Scalar, &b)[0]).collect()
    }

    #[test]
    fn distances_of_small_samples() {
        assert_eq!(distance(vec![1, 2, 3, 4], vec![1, 2, 3, 4]), 0.0);
        assert_eq!(distance(vec![1, 2], vec![3, 4]), 1.0);
        assert_eq!(distance(vec![1, 1, 2, 9], vec![1, 2, 2, 9]), 0.25);
        assert_eq!(distance(vec![5, 5, 5, 5], vec![5, 5, 5, 6]), 0.25);
    }

    #[test]
    fn samples_of_one_distribution_are_near_and_a_biased_bit_is_far() {
        let mut random = Randomness::insecure_seed(5);
        let (a, b) = (sample(512, &mut random), sample(512, &mut random));
        let limit = threshold(512, 300);
        assert!(distance(a.clone(), b.clone()) < limit);
        // The highest bit never set; the lowest bit set three times in four.
        let high = b.iter().map(|v| v >> 1).collect();
        assert!(distance(a.clone(), high) >= limit);
        let low = b.iter().enumerate().map(|(i, v)| v | u64::from(i % 2 == 0)).map(u64::reverse_bits).collect();
        assert!(distance(a.iter().map(|v| v.reverse_bits()).collect(), low) >= limit);
    }
}
