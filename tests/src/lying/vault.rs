//! Commitments that are not what they are said to be.

use super::Lie;
use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use std::cell::Cell;
use std::collections::HashMap;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{MaskRow, Message, Secrets, Slot};
use zktorch_prover::secrets::Vault;

/// The prover's secrets, with a tongue.
pub struct LyingVault<'a, 'l> {
    inner: Vault<'a>,
    generators: &'a Generators,
    lie: &'a Lie<'l>,
    seen: HashMap<Message, usize>,
    vectors: Cell<usize>,
    patched: Option<Vec<Fr>>,
}

impl<'a, 'l> LyingVault<'a, 'l> {
    /// An empty vault.
    pub fn new(inner: Vault<'a>, generators: &'a Generators, lie: &'a Lie<'l>) -> Self {
        Self { inner, generators, lie, seen: HashMap::new(), vectors: Cell::default(), patched: None }
    }
}

impl Secrets for LyingVault<'_, '_> {
    fn commit(&mut self, label: Message, slot: Slot, values: &[Fr]) -> G1Affine {
        let seen = self.seen.entry(label).or_default();
        let occurrence = std::mem::replace(seen, *seen + 1);
        let meant = |l: &Message, n: usize| *l == label && n == occurrence;
        let lie = self.lie;
        let mut values = values.to_vec();
        lie.hidden.iter().filter(|(l, n, _)| meant(l, *n)).for_each(|(_, _, edit)| edit(&mut values));
        let mut commitment = G1Projective::from(self.inner.commit(label, slot, &values));
        let strays = lie.commitments.iter().filter(|(l, n, _)| meant(l, *n)).flat_map(|(_, _, extra)| extra(slot, &values));
        strays.for_each(|(column, value)| commitment += self.generators.g[column] * value);
        lie.torsion.iter().filter(|(l, n, _)| meant(l, *n)).for_each(|(_, _, point)| commitment += point);
        let (delta, by) = &lie.off_slot;
        if label == Message::ProductMasks && !delta.is_empty() {
            let mut scalars = self.inner.scalars().to_vec();
            for (&index, (own, delta)) in delta {
                assert_eq!(own.segment, slot.segment, "the late message reaches its own segment only");
                scalars[index] += delta;
                commitment += self.generators.g[own.column] * (*by * delta);
            }
            self.patched = Some(scalars);
        }
        commitment.into_affine()
    }

    fn scalars(&self) -> &[Fr] {
        self.patched.as_deref().unwrap_or(self.inner.scalars())
    }

    fn blinders(&self) -> &[Fr] {
        self.inner.blinders()
    }

    fn random(&mut self) -> Fr {
        self.inner.random()
    }

    fn mask_row(&mut self, width: usize, shown: usize) -> MaskRow {
        let mask = self.inner.mask_row(width, shown);
        if self.lie.vectors.is_empty() {
            return mask;
        }
        let commitment = self.commit_vector(&mask.row, mask.blinder);
        MaskRow { commitment, ..mask }
    }

    fn commit_vector(&self, values: &[Fr], blinder: Fr) -> G1Affine {
        let n = self.vectors.replace(self.vectors.get() + 1);
        let mut values = values.to_vec();
        self.lie.vectors.iter().filter(|(m, _)| *m == n).for_each(|(_, edit)| edit(&mut values));
        self.inner.commit_vector(&values, blinder)
    }
}
