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
mod point;
#[cfg(feature = "prover")]
pub mod row;
#[cfg(feature = "prover")]
mod straus;
#[cfg(all(test, feature = "prover"))]
mod tests;

#[cfg(feature = "prover")]
pub use point::Point;

use ark_bls12_381::{Fr, G1Affine, G1Projective};

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
