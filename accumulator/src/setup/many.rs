//! Hash to curve for many messages: what [`hash_to_curve`](super::hash::hash_to_curve) computes, with square roots together and few inversions.
//!
//! Both of a message's field elements are mapped to the isogenous curve by the simplified map of Shallue, van de Woestijne and Ulas, and from there
//! to the curve; the sum of both points is multiplied by the effective cofactor (RFC 9380, sections 3, 6.6.2 and 6.6.3).

use crate::msm::clear_cofactors;
use ark_bls12_381::{Fq, G1Affine, g1};
use ark_ec::hashing::curve_maps::parity;
use ark_ec::hashing::curve_maps::swu::SWUConfig;
use ark_ec::hashing::curve_maps::wb::WBConfig;
use ark_ec::models::short_weierstrass::SWCurveConfig;
use ark_ff::field_hashers::{DefaultFieldHasher, HashToField};
use ark_ff::{AdditiveGroup, Field, batch_inversion};
use sha2::Sha256;
use std::sync::LazyLock;
use zktorch_blocks::roots::roots;

type Isogenous = <g1::Config as WBConfig>::IsogenousCurve;

/// A square root of `-Z`, `Z` the map's number that is no square: neither is `-1`.
static ROOT: LazyLock<Fq> = LazyLock::new(|| (-Isogenous::ZETA).sqrt().unwrap_or_default());

/// The points of `G1` that messages hash to.
pub(super) fn hash_all<M: AsRef<[u8]>>(domain: &[u8], messages: &[M]) -> Vec<G1Affine> {
    let hasher = <DefaultFieldHasher<Sha256, 128> as HashToField<Fq>>::new(domain);
    let elements: Vec<Fq> = messages.iter().flat_map(|message| hasher.hash_to_field::<2>(message.as_ref())).collect();
    let (first, second): (Vec<_>, Vec<_>) =
        isogeny(&simplified(&elements)).chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    clear_cofactors(&first, &second)
}

/// The points of the isogenous curve that elements are mapped to.
fn simplified(elements: &[Fq]) -> Vec<[Fq; 2]> {
    let (a, b) = (Isogenous::COEFF_A, Isogenous::COEFF_B);
    let twisted: Vec<Fq> = elements.iter().map(|u| Isogenous::ZETA * u.square()).collect();
    let sums: Vec<Fq> = twisted.iter().map(|t| t.square() + t).collect();
    let mut divisors: Vec<Fq> = sums.iter().map(|s| a * if *s == Fq::ZERO { Isogenous::ZETA } else { -*s }).collect();
    batch_inversion(&mut divisors);
    let abscissas: Vec<Fq> = sums.iter().zip(divisors).map(|(s, inverse)| b * (*s + Fq::ONE) * inverse).collect();
    let squares: Vec<Fq> = abscissas.iter().map(|x| (x.square() + a) * x + b).collect();
    let point = |i: usize, root: Fq| {
        // Z times what has no root is minus the root's square, times -(-Z).
        let (x, y) = if root.square() == squares[i] {
            (abscissas[i], root)
        } else {
            (twisted[i] * abscissas[i], twisted[i] * elements[i] * root * *ROOT)
        };
        [x, if parity(&y) == parity(&elements[i]) { y } else { -y }]
    };
    roots(&squares).into_iter().enumerate().map(|(i, root)| point(i, root)).collect()
}

/// Their images on the curve.
fn isogeny(points: &[[Fq; 2]]) -> Vec<G1Affine> {
    let map = <g1::Config as WBConfig>::ISOGENY_MAP;
    let evaluate = |coefficients: &[Fq], x: Fq| coefficients.iter().rev().fold(Fq::ZERO, |sum, c| sum * x + c);
    let mut divisors: Vec<Fq> = points
        .iter()
        .flat_map(|[x, _]| [evaluate(map.x_map_denominator, *x), evaluate(map.y_map_denominator, *x)])
        .collect();
    batch_inversion(&mut divisors);
    let image = |([x, y], inverses): (&[Fq; 2], &[Fq])| {
        let (numerator, factor) = (evaluate(map.x_map_numerator, *x), evaluate(map.y_map_numerator, *x));
        G1Affine::new_unchecked(numerator * inverses[0], factor * y * inverses[1])
    };
    points.iter().zip(divisors.chunks_exact(2)).map(image).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::hash::{DST_GENERATORS, hash_to_curve};

    #[test]
    fn many_hashes_are_those_of_each() {
        let messages: Vec<[u8; 8]> = (0..70u64).map(u64::to_le_bytes).collect();
        let expected: Vec<G1Affine> = messages.iter().map(|m| hash_to_curve(DST_GENERATORS, m).unwrap()).collect();
        for count in [0, 1, 7, 8, 9, 70] {
            assert_eq!(hash_all(DST_GENERATORS, &messages[..count]), expected[..count]);
        }
    }

    /// Elements that have no divisor of their own, and others.
    #[test]
    fn unusual_elements_are_mapped_as_arkworks_maps_them() {
        use ark_bls12_381::G1Projective;
        use ark_ec::hashing::curve_maps::wb::WBMap;
        use ark_ec::hashing::map_to_curve_hasher::MapToCurve;
        // Z u^2 = -1, too.
        let root = (-Isogenous::ZETA.inverse().unwrap()).sqrt().unwrap();
        let elements = [Fq::ZERO, Fq::ONE, -Fq::ONE, root, -root, Fq::from(2u64)];
        let expected: Vec<G1Affine> =
            elements.iter().map(|u| <WBMap<g1::Config> as MapToCurve<G1Projective>>::map_to_curve(*u).unwrap()).collect();
        assert_eq!(isogeny(&simplified(&elements)), expected);
    }
}
