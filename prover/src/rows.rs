//! Naive row commitments.
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::field::{Fr, from_i64};

pub fn commit_rows(rows: &[&[i64]], blinders: &[Fr], generators: &Generators) -> Vec<G1Affine> {
    use rayon::prelude::*;
    rows.par_iter()
        .zip(blinders)
        .map(|(row, b)| {
            let s: Vec<Fr> = row.iter().map(|&v| from_i64(v)).collect();
            (msm::sum(&generators.g[..row.len()], &s) + generators.h * *b).into_affine()
        })
        .collect()
}
