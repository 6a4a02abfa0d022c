//! Multi-scalar multiplications.

use ark_bls12_381::{Fr, G1Affine, G1Projective};

/// `sum scalars_i bases_i` over the shorter of the two.
pub fn sum(bases: &[G1Affine], scalars: &[Fr]) -> G1Projective {
    use ark_ec::VariableBaseMSM;
    G1Projective::msm_unchecked(bases, scalars)
}

/// `sum_k weights_k points_(k n + i)` for all `i < n`, `n` the number of points over that of weights.
pub fn fold(points: &[G1Affine], weights: &[Fr]) -> Vec<G1Affine> {
    use ark_ec::CurveGroup;
    let n = points.len() / weights.len().max(1);
    let sums: Vec<G1Projective> = (0..n)
        .map(|i| points.iter().skip(i).step_by(n).zip(weights).map(|(p, w)| *p * w).sum())
        .collect();
    G1Projective::normalize_batch(&sums)
}
