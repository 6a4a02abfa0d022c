//! The prover's hidden scalars and their blinders.

use crate::key::ProvingKey;
use crate::randomness::Randomness;
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use zeroize::{Zeroize, Zeroizing};
use zktorch_accumulator::msm::{self, fixed};
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{MaskRow, Message, Secrets, Slot};

/// Commits with fixed-base tables, remembers what it hid, and forgets it when dropped.
pub struct Vault<'a> {
    key: &'a ProvingKey,
    randomness: Randomness,
    scalars: Vec<Fr>,
    blinders: Vec<Fr>,
    /// Whether points are checked to lie in the group before they are sent.
    vets: bool,
}

impl<'a> Vault<'a> {
    /// An empty vault.
    pub fn new(key: &'a ProvingKey, randomness: Randomness) -> Self {
        // A vector that grows leaves its old copy behind: most proofs hide no more scalars than there are tables for.
        let most = key.tables.len();
        Self { key, randomness, scalars: Vec::with_capacity(most), blinders: Vec::with_capacity(most), vets: true }
    }

    /// Whether points are checked before they are sent, which is for secrets that are not the key's: who made the key knows the weights.
    pub fn vetting(mut self, vets: bool) -> Self {
        self.vets = vets;
        self
    }
}

impl Secrets for Vault<'_> {
    fn commit(&mut self, _label: Message, slot: Slot, values: &[Fr]) -> G1Affine {
        let blinder = self.randomness.scalar();
        self.scalars.extend_from_slice(values);
        self.blinders.push(blinder);
        fixed::commit(&self.key.tables, &self.key.generators, slot.column, values, blinder)
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
        (msm::sum(&self.key.generators.g[..values.len()], values) + fixed::blind(blinder)).into_affine()
    }

    fn may_send(&self, point: &G1Affine) -> bool {
        !self.vets || point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve()
    }

    fn mask_row(&mut self, width: usize, shown: usize) -> MaskRow {
        let rows = &self.key.masks;
        // The key's rows are as many as proofs of its program ask for; a part of a model proof may hide more scalars.
        if rows.count() < shown.min(width) {
            return MaskRow::uniform(self, width);
        }
        let coefficients = Zeroizing::new((0..rows.count()).map(|_| self.randomness.scalar()).collect::<Vec<Fr>>());
        let blinder = self.randomness.scalar();
        rows.combine(&coefficients, blinder)
    }
}

impl Drop for Vault<'_> {
    fn drop(&mut self) {
        self.scalars.zeroize();
        self.blinders.zeroize();
    }
}
