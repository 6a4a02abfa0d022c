//! How many rows a mask is made of: as many as a proof shows linear functions of what it hides. With fewer, these tell secrets apart.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use ark_serialize::CanonicalDeserialize;
use zktorch_accumulator::decider::{DeciderClaim, DeciderKey, DeciderWitness, decide, kzg};
use zktorch_accumulator::form::LinearForm;
use zktorch_accumulator::mask::shown;
use zktorch_accumulator::setup::hash::insecure_tau;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::field::{Fr, dot, powers};
use zktorch_blocks::program::index_bits;
use zktorch_blocks::transcript::{Check, Message, Reject, Secrets, Transcript};
use zktorch_prover::mask::MaskRows;
use zktorch_prover::secrets::Vault;
use zktorch_prover::{ProveError, Proved, ProvingKey, Randomness};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::linear::{Row, solve};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;

/// Binary logarithm of the columns.
const BITS: u32 = 5;
const COLUMNS: usize = 1 << BITS;
/// Vectors that are masked.
const PARTS: usize = 2;

fn random(seed: u64, n: usize) -> Vec<Fr> {
    let mut randomness = Randomness::insecure_seed(seed);
    (0..n).map(|_| randomness.scalar()).collect()
}

/// Whoever knows `tau`, and the other masked vectors.
struct Adversary<'f> {
    fixture: &'f Fixture,
    key: DeciderKey<'f>,
    /// The accumulated form, and those that the clear fold pairs it with.
    forms: Vec<Vec<Fr>>,
    decided: LinearForm,
    point: Fr,
}

impl<'f> Adversary<'f> {
    fn new(fixture: &'f Fixture) -> Self {
        let key = DeciderKey::resolve(&fixture.verifying.setup, None).expect("a good setup");
        let forms: Vec<Vec<Fr>> = (0..1 + index_bits(PARTS) as u64).map(|k| random(k, COLUMNS)).collect();
        let mut decided = LinearForm::dense(forms[0].clone());
        forms[1..].iter().zip(random(10, 8)).for_each(|(f, r)| decided.add_scaled(r, &LinearForm::dense(f.clone())));
        Self { fixture, key, forms, decided, point: random(11, 1)[0] }
    }

    /// The decider's messages on a vector, for its challenge: the point of the cross polynomial, and the value.
    fn decide(&self, vector: &[Fr], challenge: Fr) -> (G1Affine, Fr) {
        let generators = &self.fixture.proving.generators;
        let mut vault = Vault::new(&self.fixture.proving, Randomness::insecure_seed(0));
        let mut t = Transcript::prover("", COLUMNS, &mut vault).tossed(vec![challenge]);
        let witness = DeciderWitness { vector, blinder: Fr::ZERO, generators };
        let value = dot(vector, &self.decided.to_dense(COLUMNS));
        let claim = DeciderClaim { commitment: G1Projective::ZERO, form: &self.decided, value };
        decide(&mut t, &self.key, BITS, &claim, Some(&witness)).expect("fits");
        let bytes = t.finish().expect("a prover always finishes");
        let cross = G1Affine::deserialize_compressed(&bytes[32..80]).expect("a point");
        (cross, Fr::deserialize_compressed(&bytes[80..112]).expect("a scalar"))
    }

    /// All that a proof shows of a vector, but for the quotient, which follows.
    fn sees(&self, vector: &[Fr]) -> Vec<Fr> {
        let tau = insecure_tau();
        let at_tau = dot(vector, &powers(tau, COLUMNS));
        // At the challenge tau the value is f(1/tau) W(tau) - tau S(tau).
        let inverse = tau.inverse().expect("not zero");
        let form_at_inverse = dot(&self.decided.to_dense(COLUMNS), &powers(inverse, COLUMNS));
        let cross_at_tau = (form_at_inverse * at_tau - self.decide(vector, tau).1) * inverse;
        let (cross, value) = self.decide(vector, self.point);
        assert_eq!(cross, (self.fixture.proving.generators.g[0] * cross_at_tau).into_affine());
        let mut seen: Vec<Fr> = self.forms.iter().map(|f| dot(vector, f)).collect();
        seen.extend([at_tau, cross_at_tau, value]);
        seen
    }

    /// Whether some combination of the rows shows this.
    fn believes(&self, rows: &MaskRows, seen: &[Fr]) -> bool {
        let unit = |i: usize| (0..rows.count()).map(|j| Fr::from(u64::from(i == j))).collect::<Vec<Fr>>();
        let of_rows: Vec<Vec<Fr>> = (0..rows.count()).map(|i| self.sees(&rows.combine(&unit(i), Fr::ZERO).row)).collect();
        let equation = |(k, &right): (usize, &Fr)| (of_rows.iter().map(|row| row[k]).enumerate().collect::<Row>(), right);
        solve(seen.iter().enumerate().map(equation)).is_some()
    }
}

#[test]
fn fewer_rows_than_functions_tell_secrets_apart() {
    let (fixture, _) = Fixture::toy(&Toy::default(), BITS);
    let adversary = Adversary::new(&fixture);
    let generators = &fixture.proving.generators;
    let enough = shown(PARTS, kzg::SHOWN);
    // The quotient is counted too.
    let functions = enough - 1;
    let [secret, guess] = [20, 21].map(|seed| random(seed, COLUMNS));
    let g = random(22, 1)[0];
    for (count, told_apart) in [(1, true), (functions - 1, true), (functions, false), (enough, false)] {
        let rows = MaskRows::new(generators, KeyDigest::new([count as u8; 32]), count);
        let mask = rows.combine(&random(23, count), Fr::ZERO);
        let masked: Vec<Fr> = mask.row.iter().zip(&secret).map(|(s, w)| *s + g * w).collect();
        let seen = adversary.sees(&masked);
        assert_eq!(seen.len(), functions);
        let without = |guess: &[Fr]| seen.iter().zip(adversary.sees(guess)).map(|(a, b)| *a - g * b).collect::<Vec<Fr>>();
        assert!(adversary.believes(&rows, &without(&secret)), "{count} rows");
        assert_eq!(!adversary.believes(&rows, &without(&guess)), told_apart, "{count} rows");
    }
}

/// Whether a row is a combination of a key's rows.
fn is_combination(rows: &MaskRows, row: &[Fr]) -> bool {
    let unit = |i: usize| (0..rows.count()).map(|j| Fr::from(u64::from(i == j))).collect::<Vec<Fr>>();
    let own: Vec<_> = (0..rows.count()).map(|i| rows.combine(&unit(i), Fr::ZERO).row).collect();
    let equation = |(k, &right): (usize, &Fr)| (own.iter().map(|row| row[k]).enumerate().collect::<Row>(), right);
    solve(row.iter().enumerate().map(equation)).is_some()
}

#[test]
fn where_a_key_has_too_few_rows_masks_are_uniform() {
    let (fixture, _) = Fixture::toy(&Toy::default(), BITS);
    let rows = &fixture.proving.masks;
    let count = rows.count();
    assert!(count < COLUMNS);
    let mask = |shown: usize| Vault::new(&fixture.proving, Randomness::insecure_seed(3)).mask_row(COLUMNS, shown);
    for (shown, combined) in [(1, true), (count, true), (count + 1, false), (2 * COLUMNS, false)] {
        let mask = mask(shown);
        assert_eq!(is_combination(rows, &mask.row), combined, "{shown} functions");
        let expected: G1Projective = fixture.proving.generators.g.iter().zip(&*mask.row).map(|(g, s)| *g * s).sum();
        assert_eq!(mask.commitment, (expected + fixture.proving.generators.h * mask.blinder).into_affine());
    }
}

#[test]
fn keys_have_as_many_rows_as_their_proofs_ask_for() {
    for bits in [4, 5, 8, 10] {
        let (fixture, input) = Fixture::toy(&Toy::default(), bits);
        let log = fixture.honest(&[input]).messages;
        let parts = log.iter().filter(|e| e.label == Message::MaskRow).count();
        assert_eq!(fixture.proving.masks.count(), shown(parts, kzg::SHOWN).min(1 << bits), "2^{bits} columns");
    }
}

/// A proof with other mask rows than the key's, and the verdict on it.
fn with_rows(commitments: impl Fn(&MaskRows) -> Vec<G1Affine>) -> Result<(Proved, Verdict), ProveError> {
    let (mut fixture, input) = Fixture::toy(&Toy::default(), 8);
    let generators = &fixture.proving.generators;
    let commitments = commitments(&fixture.proving.masks);
    let key = *fixture.proving.masks.key();
    fixture.proving.masks = MaskRows::from_parts(generators, key, commitments).expect("few");
    // Through the file.
    fixture.proving = ProvingKey::from_bytes(&fixture.proving.to_bytes().expect("encodes")).expect("decodes");
    let proved = fixture.prover(7).prove(&[input])?;
    let verdict = fixture.verdict(&proved.proof);
    Ok((proved, verdict))
}

#[test]
fn mask_rows_that_are_not_what_they_should_be_make_no_proof() {
    let verdict = |commitments: fn(&MaskRows) -> Vec<G1Affine>| with_rows(commitments).expect("proves").1;
    assert_eq!(verdict(|own| own.commitments().to_vec()), Verdict::Accepted);
    // Fewer are not used.
    assert_eq!(verdict(|_| Vec::new()), Verdict::Accepted);
    assert_eq!(verdict(|own| own.commitments()[1..].to_vec()), Verdict::Accepted);
    // Others are.
    let refused = |check| Verdict::Rejected(Reject::Check(check));
    assert_eq!(verdict(|own| vec![G1Affine::identity(); own.count()]), refused(Check::DeciderPairing));
    assert_eq!(verdict(|own| own.commitments().iter().rev().copied().collect()), refused(Check::DeciderPairing));
    // A point that is not on the curve is not sent.
    let off = |own: &MaskRows| vec![G1Affine::new_unchecked(1u64.into(), 1u64.into()); own.count()];
    assert_eq!(with_rows(off).map(|_| ()), Err(Reject::Point(Message::MaskRow).into()));
    // More than there are columns.
    let (fixture, _) = Fixture::toy(&Toy::default(), 4);
    let generators = &fixture.proving.generators;
    assert_eq!(MaskRows::from_parts(generators, KeyDigest::default(), vec![G1Affine::identity(); 17]), None);
}

#[test]
fn mask_rows_of_another_key_are_refused() {
    let (mut fixture, input) = Fixture::toy(&Toy::default(), 8);
    let (own, generators) = (&fixture.proving.masks, &fixture.proving.generators);
    fixture.proving.masks =
        MaskRows::from_parts(generators, KeyDigest::new([3; 32]), own.commitments().to_vec()).expect("few");
    let proved = fixture.prover(7).prove(&[input]);
    assert_eq!(proved.map(|_| ()), Err(ProveError::Foreign));
}

#[test]
fn generators_outside_of_the_group_are_refused() {
    // A point of order three beside a generator: what is committed to it shows in the sum, modulo three.
    let three = G1Affine::new_unchecked(0u64.into(), 2u64.into());
    let (mut fixture, input) = Fixture::toy(&Toy::default(), 8);
    let honest = fixture.honest(std::slice::from_ref(&input));
    let rows = [Message::BoundRow, Message::WitnessRow, Message::MultiplicityRow];
    let first = honest.messages.iter().find(|e| rows.contains(&e.label)).expect("there are rows").label;
    for generator in &mut fixture.proving.generators.g {
        *generator = (*generator + three).into_affine();
    }
    let proved = fixture.prover(7).prove(&[input]);
    assert_eq!(proved.map(|_| ()), Err(Reject::Point(first).into()));
}
