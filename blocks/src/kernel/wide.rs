//! Sums of (integer) x (field element) with one reduction at the end: 384-bit accumulators over Montgomery limbs.

use crate::field::Fr;
use crate::integers::Integer;
use ark_ff::{BigInt, BigInteger, PrimeField};

/// A field element's Montgomery limbs and those of its negative, to be picked by an integer's sign.
#[derive(Clone, Copy, Debug)]
pub struct Signed([[u64; 4]; 2]);

impl From<Fr> for Signed {
    fn from(x: Fr) -> Self {
        Self([x.0.0, (-x).0.0])
    }
}

/// An unreduced sum. Holds `2^64` terms of 63-bit integers without overflow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wide([u64; 6]);

impl Wide {
    /// Adds `value * weight`.
    #[inline(always)]
    pub fn add_product(&mut self, value: i64, weight: &Signed) {
        let limbs = &weight.0[usize::from(value < 0)];
        let factor = u128::from(value.unsigned_abs());
        let mut carry = 0u128;
        for (acc, limb) in self.0.iter_mut().zip(limbs) {
            let sum = u128::from(*acc) + factor * u128::from(*limb) + carry;
            *acc = sum as u64;
            carry = sum >> 64;
        }
        let sum = u128::from(self.0[4]) + carry;
        self.0[4] = sum as u64;
        self.0[5] += (sum >> 64) as u64;
    }

    /// The sum as a field element.
    pub fn reduce(self) -> Fr {
        let [a, b, c, d, e, f] = self.0;
        let mut low = BigInt::<4>([a, b, c, d]);
        // 2^256 is less than three times the modulus.
        while low >= Fr::MODULUS {
            low.sub_with_borrow(&Fr::MODULUS);
        }
        // The limbs are Montgomery's, where 2^256 stands for one: the high part converts as an integer.
        Fr::new_unchecked(low) + Fr::from(u128::from(e) | u128::from(f) << 64)
    }
}

/// `sum_j values[j] * weights[j]`.
pub fn dot<T: Integer>(values: &[T], weights: &[Signed]) -> Fr {
    let mut sum = Wide::default();
    for (&v, w) in values.iter().zip(weights) {
        sum.add_product(v.wide(), w);
    }
    sum.reduce()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::from_i64;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_field(pairs in prop::collection::vec((any::<i64>(), any::<[u8; 32]>()), 0..50)) {
            let (values, weights): (Vec<i64>, Vec<Fr>) =
                pairs.into_iter().map(|(v, w)| (v.max(-i64::MAX), Fr::from_le_bytes_mod_order(&w))).unzip();
            let expected: Fr = values.iter().zip(&weights).map(|(&v, w)| from_i64(v) * w).sum();
            let signed: Vec<Signed> = weights.into_iter().map(Signed::from).collect();
            prop_assert_eq!(dot(&values, &signed), expected);
        }
    }
}
