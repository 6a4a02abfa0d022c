//! Multi-scalar multiplications: what commitments and deciders spend their time in.
//!
//! The verifier uses arkworks' alone; with the feature `prover` large sums go to kernels with batched affine additions. Both give the
//! same points.

#[cfg(feature = "prover")]
mod batch;
#[cfg(feature = "prover")]
mod buckets;
#[cfg(feature = "prover")]
pub mod fixed;
#[cfg(feature = "prover")]
pub mod full;
#[cfg(feature = "prover")]
mod glv;
#[cfg(feature = "prover")]
mod inverse;
#[cfg(all(feature = "prover", target_arch = "x86_64"))]
mod lanes;
#[cfg(feature = "prover")]
mod point;
#[cfg(feature = "prover")]
mod points;
#[cfg(feature = "prover")]
pub mod raw;
#[cfg(feature = "prover")]
pub mod row;
#[cfg(feature = "prover")]
mod straus;
#[cfg(all(test, feature = "prover"))]
mod tests;

#[cfg(feature = "prover")]
pub use point::CurvePoint;

use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use std::sync::LazyLock;

/// `1 - x`, `x` the parameter of BLS12-381: multiplication by it maps the curve to the group (RFC 9380, section 8.8.1).
const COFACTOR: u64 = 0xd201_0000_0001_0001;
/// Its inverse modulo the order of the group, which is prime to it.
static INVERSE: LazyLock<Fr> = LazyLock::new(|| Fr::from(COFACTOR).inverse().unwrap_or_default());

/// `sum scalars_i pi(bases_i)` over the shorter of the two, for points of the curve that need not lie in the group: `pi` is the projection onto it
/// along the points of small order, and the identity on the group itself.
///
/// That is one multiplication by a number of 64 bits for all points, where a check that they lie in the group takes two a point.
pub fn project_sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    let scalars: Vec<Fr> = scalars.iter().map(|s| *s * *INVERSE).collect();
    sum(bases, &scalars).into_affine().clear_cofactor().into()
}

/// `sum scalars_i bases_i` over the shorter of the two.
pub fn sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    #[cfg(feature = "prover")]
    return full::sum(bases, scalars);
    #[cfg(not(feature = "prover"))]
    return ark_ec::VariableBaseMSM::msm_unchecked(bases, scalars);
}

/// `sum_k weights_k points_(k n + i)` for all `i < n`, `n` the number of points over that of weights.
pub fn fold(points: &[G1Affine], weights: &[Fr]) -> Vec<G1Affine> {
    #[cfg(feature = "prover")]
    return straus::fold(points, weights);
    #[cfg(not(feature = "prover"))]
    {
        let n = points.len() / weights.len().max(1);
        let sum = |i| -> G1Projective { points.iter().skip(i).step_by(n).zip(weights).map(|(p, w)| *p * w).sum() };
        let sums: Vec<G1Projective> = (0..n).map(sum).collect();
        ark_ec::CurveGroup::normalize_batch(&sums)
    }
}

/// `1 - x` times `first_i + second_i`, for points of the curve that need not lie in the group.
#[cfg(feature = "prover")]
pub(crate) fn clear_cofactors(first: &[G1Affine], second: &[G1Affine]) -> Vec<G1Affine> {
    let points = points::Points::new(first).join(&points::Points::new(second));
    let mut product = points.clone();
    for bit in (0..COFACTOR.ilog2()).rev() {
        product.double();
        if COFACTOR >> bit & 1 == 1 {
            product = product.join(&points);
        }
    }
    product.iter().map(|point| G1Affine::from(&point)).collect()
}
