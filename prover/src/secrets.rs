//! The prover's hidden scalars and their blinders.

use crate::randomness::Randomness;
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use zeroize::Zeroize;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Secrets, Slot};

/// Commits with fixed-base tables, remembers what it hid, and forgets it when dropped.
pub struct Vault<'a> {
    generators: &'a Generators,
    randomness: Randomness,
    scalars: Vec<Fr>,
    blinders: Vec<Fr>,
}

impl<'a> Vault<'a> {
    /// An empty vault.
    pub fn new(generators: &'a Generators, randomness: Randomness) -> Self {
        Self { generators, randomness, scalars: Vec::new(), blinders: Vec::new() }
    }
}

impl Secrets for Vault<'_> {
    fn commit(&mut self, _label: &'static str, slot: Slot, values: &[Fr]) -> G1Affine {
        let blinder = self.randomness.scalar();
        self.scalars.extend_from_slice(values);
        self.blinders.push(blinder);
        let bases = &self.generators.g[slot.column..slot.column + slot.len];
        (msm::sum(bases, values) + self.generators.h * blinder).into_affine()
    }

    fn scalars(&self) -> &[Fr] {
        &self.scalars
    }

    fn blinders(&self) -> &[Fr] {
        &self.blinders
    }

    fn random(&mut self) -> Fr {
        self.randomness.scalar()
    }

    fn commit_vector(&self, values: &[Fr], blinder: Fr) -> G1Affine {
        (msm::sum(&self.generators.g[..values.len()], values) + self.generators.h * blinder).into_affine()
    }
}

impl Drop for Vault<'_> {
    fn drop(&mut self) {
        self.scalars.zeroize();
        self.blinders.zeroize();
    }
}
