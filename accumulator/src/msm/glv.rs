//! Scalars as two halves: `k P = a P + b P'` with `|a|, |b| < 2^127` and `P' = z^2 P`, which costs one multiplication.
//!
//! `z^2` modulo the group's order is an eigenvalue of `(x, y) -> (beta x, -y)`, `beta` a cube root of one, and the order is
//! `z^4 - z^2 + 1` (Gallant, Lambert, Vanstone, CRYPTO 2001; `z` the curve's parameter).

use super::CurvePoint;
use ark_bls12_381::{Fq, Fr, g1};
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ff::{BigInteger, PrimeField};

/// `z^2`.
const Z_SQUARED: u128 = 228_988_810_152_649_578_064_853_576_960_394_133_504;
/// Half of it, rounded down.
const HALF: u128 = Z_SQUARED / 2;

/// The cube root of one.
pub(super) const BETA: Fq = <g1::Config as GLVConfig>::ENDO_COEFFS[0];

/// `z^2 P`.
pub(super) fn endomorphism(point: CurvePoint) -> CurvePoint {
    CurvePoint { x: point.x * BETA, y: -point.y }
}

/// An integer of at most 127 bits with its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    pub magnitude: u128,
    pub negative: bool,
}

/// `k = a + b z^2`, both of at most 127 bits.
pub(super) fn split(scalar: &Fr) -> [Short; 2] {
    let mut k = scalar.into_bigint();
    // The absolutely smaller of k and k - r.
    let negative = k > Fr::MODULUS_MINUS_ONE_DIV_TWO;
    if negative {
        let mut other = Fr::MODULUS;
        other.sub_with_borrow(&k);
        k = other;
    }
    let [k0, k1, k2, k3] = k.0;
    let (mut quotient, mut rest) = divide(join(k0, k1), join(k2, k3));
    let above = rest > HALF;
    if above {
        rest = Z_SQUARED - rest;
        quotient += 1;
    }
    [Short { magnitude: rest, negative: negative != above }, Short { magnitude: quotient, negative }]
}

fn join(low: u64, high: u64) -> u128 {
    u128::from(low) | u128::from(high) << 64
}

/// Quotient and remainder of `low + 2^128 high` by `z^2`; `high < z^2 / 2`.
fn divide(low: u128, high: u128) -> (u128, u128) {
    // Two digits of 64 bits by Knuth's method: z^2 has its top bit set.
    const D1: u128 = Z_SQUARED >> 64;
    const D0: u128 = Z_SQUARED & u64::MAX as u128;
    let digit = |high: u128, next: u128| -> (u128, u128) {
        // high < z^2; the quotient of high 2^64 + next by z^2 is below 2^64.
        let mut quotient = (high / D1).min(u128::from(u64::MAX));
        let mut rest = high - quotient * D1;
        while rest >> 64 == 0 && quotient * D0 > (rest << 64 | next) {
            quotient -= 1;
            rest += D1;
        }
        (quotient, (rest << 64 | next).wrapping_sub(quotient * D0))
    };
    let (first, rest) = digit(high, low >> 64);
    let (second, rest) = digit(rest, low & u128::from(u64::MAX));
    (first << 64 | second, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bls12_381::G1Affine;
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::{AdditiveGroup, Field};

    fn field(short: Short) -> Fr {
        let value = Fr::from(short.magnitude);
        if short.negative { -value } else { value }
    }

    #[test]
    fn the_endomorphism_multiplies_by_z_squared() {
        let p = (G1Affine::generator() * Fr::from(987_654_321u64)).into_affine();
        assert_eq!(G1Affine::from(&endomorphism(CurvePoint::from(&p))), (p * Fr::from(Z_SQUARED)).into_affine());
    }

    #[test]
    fn halves_are_short_and_add_up() {
        let z = Fr::from(Z_SQUARED);
        let near = [Fr::ZERO, Fr::ONE, z, z * z, z * Fr::from(HALF), Fr::from(HALF), Fr::from(2u64).inverse().unwrap()];
        let walk = std::iter::successors(Some(Fr::from(3u64)), |x| Some(x.square() + Fr::ONE)).take(5000);
        for base in near.into_iter().chain(walk) {
            for scalar in [base, -base, base + Fr::ONE, base - Fr::ONE] {
                let [a, b] = split(&scalar);
                assert!(a.magnitude >> 127 == 0 && b.magnitude >> 127 == 0);
                assert_eq!(field(a) + z * field(b), scalar);
            }
        }
    }
}
