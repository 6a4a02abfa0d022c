//! Completeness, and the refusal of every message that is not the honest one.

use super::*;
use crate::setup::constants::blinding_generator;
use crate::setup::{Setup, hash};
use ark_bls12_381::G1Affine;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_serialize::CanonicalSerialize;
use std::sync::LazyLock;
use zktorch_blocks::field::dot;
use zktorch_blocks::transcript::{Check, EntryKind, Message, MessageEntry, Secrets, Slot};

const COLUMNS: usize = 1 << 12;

static TAU: LazyLock<Setup> = LazyLock::new(|| Setup::insecure(12).unwrap());
/// Stand-ins for hash-to-curve points: making 4096 of those takes long without optimisation.
static HASHES: LazyLock<Generators> = LazyLock::new(|| Generators::powers_of(Fr::from(3u64).pow([12345]), COLUMNS));

/// The deciders hide nothing.
struct NoSecrets;

impl Secrets for NoSecrets {
    fn commit(&mut self, _: Message, _: Slot, _: &[Fr]) -> G1Affine {
        G1Affine::identity()
    }
    fn scalars(&self) -> &[Fr] {
        &[]
    }
    fn blinders(&self) -> &[Fr] {
        &[]
    }
    fn random(&mut self) -> Fr {
        Fr::ZERO
    }
    fn commit_vector(&self, _: &[Fr], _: Fr) -> G1Affine {
        G1Affine::identity()
    }
}

/// Field elements that look random.
fn random(seed: u64) -> impl Iterator<Item = Fr> {
    let start = Fr::from(seed + 2).pow([0x1234_5678_9abc_def1]);
    std::iter::successors(Some(start), |x| Some(x.square() + Fr::from(7u64)))
}

struct Case {
    key: DeciderKey<'static>,
    generators: &'static Generators,
    c: u32,
    vector: Vec<Fr>,
    blinder: Fr,
    form: LinearForm,
    commitment: G1Projective,
    value: Fr,
}

impl Case {
    fn new(kzg: bool, c: u32, dense: bool) -> Self {
        let m = 1 << c;
        let (key, generators) = if kzg {
            (DeciderKey::resolve(&TAU.verifier, None).unwrap(), &TAU.generators)
        } else {
            (DeciderKey::Ipa(&HASHES), &*HASHES)
        };
        let vector: Vec<Fr> = random(1).take(m).collect();
        let eqs = (0..3).map(|k| (Fr::from(k + 5), random(10 + k).take(c as usize).collect())).collect();
        let dense = if dense { random(20).take(m).collect() } else { Vec::new() };
        let form = LinearForm { eqs, dense };
        let blinder = random(30).next().unwrap();
        let commitment = crate::msm::sum(&generators.g[..m], &vector) + blinding_generator() * blinder;
        let value = dot(&vector, &form.to_dense(m));
        Self { key, generators, c, vector, blinder, form, commitment, value }
    }

    fn claim(&self) -> DeciderClaim<'_> {
        DeciderClaim { commitment: self.commitment, form: &self.form, value: self.value }
    }

    fn prove(&self) -> (Vec<u8>, Vec<MessageEntry>) {
        let witness = DeciderWitness { vector: &self.vector, blinder: self.blinder, generators: self.generators };
        let mut secrets = NoSecrets;
        let mut transcript = Transcript::prover("test", 1, &mut secrets);
        decide(&mut transcript, &self.key, self.c, &self.claim(), Some(&witness)).unwrap();
        let log = transcript.log().to_vec();
        (transcript.finish().unwrap(), log)
    }

    fn verify(&self, proof: &[u8]) -> Result<(), Reject> {
        let mut transcript = Transcript::verifier("test", 1, proof);
        decide(&mut transcript, &self.key, self.c, &self.claim(), None)?;
        transcript.finish().map(|_| ())
    }

    fn failed_equation(&self) -> Reject {
        Reject::Check(if matches!(self.key, DeciderKey::Kzg(_)) { Check::DeciderPairing } else { Check::IpaFinal })
    }
}

#[test]
fn honest_proofs_of_every_size_are_accepted() {
    for kzg in [true, false] {
        for c in (0..=8).chain([12]) {
            for dense in [false, true] {
                let case = Case::new(kzg, c, dense);
                let (proof, _) = case.prove();
                assert_eq!(case.verify(&proof), Ok(()), "kzg {kzg}, c {c}, dense {dense}");
                assert_eq!(proof.len(), if kzg { 160 } else { 64 + 96 * c as usize });
            }
        }
    }
}

#[test]
fn other_claims_are_refused() {
    for kzg in [true, false] {
        let mut case = Case::new(kzg, 5, true);
        let (proof, _) = case.prove();
        case.value += Fr::ONE;
        assert_eq!(case.verify(&proof), Err(case.failed_equation()));
        case.value -= Fr::ONE;
        case.form.eqs[1].1[2] += Fr::ONE;
        assert_eq!(case.verify(&proof), Err(case.failed_equation()));
        case.form.eqs[1].1[2] -= Fr::ONE;
        case.form.dense[3] += Fr::ONE;
        assert_eq!(case.verify(&proof), Err(case.failed_equation()));
        case.form.dense[3] -= Fr::ONE;
        case.commitment += G1Affine::generator();
        assert_eq!(case.verify(&proof), Err(case.failed_equation()));
    }
}

#[test]
fn lying_provers_are_refused() {
    // They follow the protocol on a vector, blinder or value that is not the claim's.
    for kzg in [true, false] {
        let mut case = Case::new(kzg, 4, true);
        case.value += Fr::ONE;
        assert_eq!(case.verify(&case.prove().0), Err(case.failed_equation()));
        case.value -= Fr::ONE;
        case.blinder += Fr::ONE;
        assert_eq!(case.verify(&case.prove().0), Err(case.failed_equation()));
        case.blinder -= Fr::ONE;
        case.vector[7] += Fr::ONE;
        assert_eq!(case.verify(&case.prove().0), Err(case.failed_equation()));
        case.value = dot(&case.vector, &case.form.to_dense(16));
        assert_eq!(case.verify(&case.prove().0), Err(case.failed_equation()));
    }
}

#[test]
fn every_tampered_message_is_refused() {
    for kzg in [true, false] {
        let case = Case::new(kzg, 3, true);
        let (proof, log) = case.prove();
        for (k, entry) in log.iter().enumerate() {
            for bytes in replacements(&proof, entry) {
                let mut other = proof.clone();
                other[entry.offset..entry.offset + bytes.len()].copy_from_slice(&bytes);
                let verdict = case.verify(&other);
                assert!(other == proof || verdict.is_err(), "{} {k}: {verdict:?}", entry.label);
            }
            assert_eq!(case.verify(&proof[..entry.offset]), Err(Reject::Truncated(entry.label)));
        }
        let longer = [proof.as_slice(), &[0]].concat();
        assert_eq!(case.verify(&longer), Err(Reject::Trailing(1)));
    }
}

/// Zero, a neighbour, other group elements, and bytes that are not an element.
fn replacements(proof: &[u8], entry: &MessageEntry) -> Vec<Vec<u8>> {
    let bytes = |x: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        x(&mut bytes);
        bytes
    };
    match entry.kind {
        EntryKind::Scalar => {
            let old = Fr::from_le_bytes_mod_order(&proof[entry.offset..entry.offset + 32]);
            let mut all: Vec<Vec<u8>> = [Fr::ZERO, Fr::ONE, old + Fr::ONE, -old, old.double()]
                .iter()
                .map(|x| bytes(&|out| x.serialize_compressed(out).unwrap()))
                .collect();
            all.push(vec![0xff; 32]);
            all
        }
        EntryKind::Point | EntryKind::Commitment | EntryKind::Hidden => {
            let old = zktorch_blocks::transcript::decode_point(proof[entry.offset..][..48].try_into().unwrap()).unwrap();
            let near = (old + G1Affine::generator()).into_affine();
            let mut all: Vec<Vec<u8>> = [G1Affine::identity(), G1Affine::generator(), near, -old, blinding_generator()]
                .iter()
                .map(|p| bytes(&|out| p.serialize_compressed(out).unwrap()))
                .collect();
            all.push(vec![0xff; 48]);
            all.push(vec![0; 48]);
            all
        }
    }
}

#[test]
fn ill_fitting_arguments_are_refused() {
    let case = Case::new(true, 4, false);
    let (proof, _) = case.prove();
    for c in [3, 5, 40, u32::MAX] {
        let mut transcript = Transcript::verifier("test", 1, &proof);
        assert_eq!(decide(&mut transcript, &case.key, c, &case.claim(), None), Err(Reject::Check(Check::DeciderSize)));
    }
}

#[test]
fn whoever_knows_tau_forges() {
    // Why the insecure setup is called so: C = 0 opened to the value 1 by a quotient computed with tau.
    let tau = hash::insecure_tau();
    let form = LinearForm::eq(vec![Fr::from(2u64); 3]);
    let claim = DeciderClaim { commitment: G1Projective::ZERO, form: &form, value: Fr::ONE };
    let mut bytes = Vec::new();
    Fr::ZERO.serialize_compressed(&mut bytes).unwrap();
    G1Affine::identity().serialize_compressed(&mut bytes).unwrap();
    let mut probe = Transcript::verifier("test", 1, &bytes);
    probe.scalar(Message::DeciderBlinder, None).unwrap();
    let _ = probe.point(Message::DeciderCross, None).unwrap();
    let z = probe.challenge();
    let inverse = z.inverse().unwrap();
    // With a = 0: (X - z)(0 - 2 v) = Q (X - z)(X - 1/z) at X = tau.
    let quotient = G1Affine::generator() * (-Fr::from(2u64) * (tau - inverse).inverse().unwrap());
    Fr::ZERO.serialize_compressed(&mut bytes).unwrap();
    quotient.into_affine().serialize_compressed(&mut bytes).unwrap();
    let mut transcript = Transcript::verifier("test", 1, &bytes);
    assert_eq!(decide(&mut transcript, &DeciderKey::resolve(&TAU.verifier, None).unwrap(), 3, &claim, None), Ok(()));
}

#[test]
fn every_message_shows_one_function() {
    for (kzg, c) in [(true, 0), (true, 5), (false, 0), (false, 5)] {
        // The blinder opens the commitment.
        assert_eq!(shown(if kzg { Decider::Kzg } else { Decider::Transparent }, c), Case::new(kzg, c, true).prove().1.len());
    }
}
