//! Square roots in the curve's base field, with a window, and eight at a time where the processor has the instructions for it.

use ark_bls12_381::Fq;
use ark_ff::{BigInt, BigInteger, Field, PrimeField};

/// Bits of a sliding window of the exponent.
const WINDOW: usize = 5;
/// Up to so many square roots are faster one by one.
#[cfg(all(feature = "prover", target_arch = "x86_64"))]
const FEW: usize = 2;

/// Of each number a square root, or one of its negative: the prime is 3 modulo 4, so that either has one.
pub fn roots(numbers: &[Fq]) -> Vec<Fq> {
    let mut roots: Vec<Fq> = Vec::with_capacity(numbers.len());
    #[cfg(all(feature = "prover", target_arch = "x86_64"))]
    if let Some(simd) = crate::lanes::simd().filter(|_| numbers.len() > FEW) {
        roots.extend(numbers.chunks(crate::lanes::WIDTH).flat_map(|some| in_lanes::roots(simd, some)));
    }
    roots.extend(numbers[roots.len()..].iter().map(|a| root(a, Field::square, |a, b| *a * b)));
    roots
}

/// `a^((p + 1) / 4)`, by sliding windows.
#[inline(always)]
fn root<T: Copy>(a: &T, square: impl Fn(&T) -> T, mul: impl Fn(&T, &T) -> T) -> T {
    let mut exponent = Fq::MODULUS;
    exponent.add_with_carry(&BigInt::from(1u64));
    exponent >>= 2;
    let squared = square(a);
    let mut odd = [*a; 1 << (WINDOW - 1)];
    for i in 1..odd.len() {
        odd[i] = mul(&odd[i - 1], &squared);
    }
    let bit = |j: usize| exponent.get_bit(j);
    let (mut root, mut left) = (None, BigInt::<6>::NUM_LIMBS * 64);
    while left > 0 {
        // The longest window that begins and ends in a one, or a single zero.
        let low = (left.saturating_sub(WINDOW)..left).find(|&j| bit(left - 1) && bit(j)).unwrap_or(left - 1);
        let digit = (low..left).rev().fold(0usize, |digit, j| 2 * digit + usize::from(bit(j)));
        for _ in low..left {
            root = root.map(|root| square(&root));
        }
        if digit != 0 {
            let power = &odd[digit / 2];
            root = Some(root.map_or(*power, |root| mul(&root, power)));
        }
        left = low;
    }
    root.unwrap_or(*a)
}

#[cfg(all(feature = "prover", target_arch = "x86_64"))]
mod in_lanes {
    use crate::lanes::base::{get, set};
    use crate::lanes::{NullaryFnOnce, Simd, WIDTH, Words, power_of_two};
    use ark_bls12_381::Fq;

    struct Roots {
        simd: Simd,
        squares: Words<6>,
    }

    impl NullaryFnOnce for Roots {
        type Output = Words<6>;

        #[inline(always)]
        fn call(self) -> Words<6> {
            let Self { simd, squares } = self;
            let a = simd.mul(&simd.load(&squares), &simd.splat(&const { power_of_two(64) }));
            let root = super::root(
                &a,
                #[inline(always)]
                |a| simd.square(a),
                #[inline(always)]
                |a, b| simd.mul(a, b),
            );
            simd.store(&simd.mul(&root, &simd.splat(&const { power_of_two(0) })))
        }
    }

    /// The roots of at most eight numbers, as far as they have one.
    pub fn roots(simd: Simd, numbers: &[Fq]) -> impl Iterator<Item = Fq> + use<> {
        let mut squares = Words::default();
        numbers.iter().enumerate().for_each(|(lane, a)| set(&mut squares, lane, a));
        let roots = simd.vectorize(Roots { simd, squares });
        (0..numbers.len().min(WIDTH)).map(move |lane| get(&roots, lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_or_their_negatives_have_roots() {
        for count in [1, 2, 3, 8, 9, 40] {
            let numbers: Vec<Fq> = (0..count).map(|i| Fq::from(7 * i).pow([31 + i])).collect();
            let found = roots(&numbers);
            assert_eq!(found.len(), numbers.len());
            for (a, root) in numbers.iter().zip(found) {
                let wanted = if a.sqrt().is_some() { *a } else { -*a };
                assert_eq!(root.square(), wanted);
            }
        }
    }
}
