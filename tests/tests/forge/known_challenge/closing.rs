//! What breaks if a challenge is known too early, after the last claim is folded: see `hidden.rs`.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, Zero};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use std::collections::BTreeMap;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::decider::{DeciderClaim, DeciderKey, decide};
use zktorch_accumulator::form::LinearForm;
use zktorch_accumulator::mask::ClearClaim;
use zktorch_accumulator::setup::constants::inner_product_base;
use zktorch_accumulator::setup::{Setup, VerifierSetup};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, dot, from_i64, powers};
use zktorch_blocks::program::Role;
use zktorch_blocks::sumcheck::{Degree, Span};
use zktorch_blocks::transcript::{
    Check, Constraint, Equation, HiddenAffine, HiddenMessage, Message, Product, Reject, SCALAR_BYTES, Slot, Transcript,
};
use zktorch_tests::known_challenges::{
    Liar, OFF_THE_TABLE, add, before_zeta, challenges, coins, fake_output, is_numerator, off_the_table,
};
use zktorch_tests::last_message_repair::last_message_repair;
use zktorch_tests::lying::{Lie, Outcome};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;

/// `sum_k weights_k C_k`.
fn batch<'c>(constraints: impl IntoIterator<Item = (&'c Constraint, Fr)>) -> Constraint {
    let mut sum = Constraint { label: Equation::AccumulatedClaim, products: Vec::new(), form: HiddenAffine::ZERO };
    for (constraint, weight) in constraints {
        sum.products.extend(constraint.products.iter().map(|Product(a, b)| Product(a.clone() * weight, b.clone())));
        sum.form.add_scaled(weight, &constraint.form);
    }
    sum
}

/// All linear constraints under `eta`, the accumulated claim with the sign that the argument gives it.
fn linear_batch(outcome: &Outcome) -> Constraint {
    let (accumulated, others) = outcome.constraints.split_last().expect("constraints");
    assert_eq!(accumulated.label, Equation::AccumulatedClaim);
    let linear = others.iter().filter(|c| c.products.is_empty());
    let eta = powers(challenges(outcome, Message::MaskRow)[0], outcome.constraints.len());
    batch(linear.zip(eta.into_iter().skip(1)).chain([(accumulated, -from_i64(1))]))
}

#[test]
fn a_known_weight_of_products_lets_a_false_lookup_pass() {
    // zeta: numerators that make up for each other's errors, and for nothing that is linear.
    let liar = Liar::default();
    let first = liar.known(off_the_table, OFF_THE_TABLE);
    let (linear, products): (Vec<&Constraint>, Vec<_>) = before_zeta(&first).partition(|c| c.products.is_empty());
    let zeta = powers(*challenges(&first, Message::ProductRounds).last().expect("drawn"), products.len());
    let batch = batch(products.into_iter().zip(zeta));
    let patch = last_message_repair(&first, (Message::TreeTop, 0), is_numerator, linear.into_iter().chain([&batch]))
        .expect("a way out");
    liar.works_if_known(|| off_the_table().hidden(Message::TreeTop, 0, add(patch.clone())), &[Equation::TreeTopNumerator]);
}

#[test]
fn known_rounds_of_the_products_let_a_false_lookup_pass() {
    let liar = Liar::default();
    let first = liar.known(off_the_table, OFF_THE_TABLE);
    let rounds = first.constraints.iter().filter(|c| [Equation::ProductRounds, Equation::Product].contains(&c.label));
    let patch = last_message_repair(&first, (Message::ProductRounds, 0), |_| true, rounds).expect("a way out");
    liar.works_if_known(
        || off_the_table().hidden(Message::ProductRounds, 0, add(patch.clone())),
        &[Equation::TreeTopNumerator],
    );
}

#[test]
fn a_known_challenge_of_the_factors_lets_a_false_product_pass() {
    // Rounds that carry the error on, spread evenly: no challenge is needed for that. What arrives at the end is hidden in `e_0`, if `h` is known.
    let liar = Liar::default();
    let first = liar.known(off_the_table, OFF_THE_TABLE);
    let sum = first.constraints.iter().find(|c| c.label == Equation::ProductRounds).expect("there are rounds");
    let mut error = sum.form.evaluate(&first.scalars, Fr::ONE);
    let messages = first.messages.iter().filter(|m| m.label == Message::ProductRounds);
    let variables: usize =
        messages.map(|m| (1..).find(|&b| Degree::Two.message_len(b) == m.slot.len).expect("a length")).sum();
    let mut patches = Vec::new();
    for b in Degree::Two.groups(Span::all(variables)) {
        error *= from_i64(1 << b).inverse().expect("not zero");
        let mut patch = vec![Fr::zero(); Degree::Two.message_len(b)];
        (0..1 << b).for_each(|corner| patch[Degree::Two.corner(b, corner)] = -error);
        patches.push(patch);
    }
    let carried = || {
        let carry =
            |lie: Lie<'static>, (n, patch): (usize, &Vec<Fr>)| lie.hidden(Message::ProductRounds, n, add(patch.clone()));
        patches.iter().enumerate().fold(off_the_table(), carry)
    };
    let arrived = liar.known(carried, &[Equation::TreeTopNumerator, Equation::Product]);
    let [h] = challenges(&arrived, Message::MaskedFactor)[..] else { panic!("one challenge") };
    let patch = vec![Fr::zero(), Fr::zero(), h.square() * error, Fr::zero()];
    liar.works_if_known(|| carried().hidden(Message::ProductMasks, 0, add(patch.clone())), &[Equation::TreeTopNumerator]);
}

#[test]
fn a_known_weight_of_constraints_lets_a_false_output_pass() {
    // eta: the leading coefficient of the last cross terms, which their sum does not see, makes up for whatever else does not hold.
    let liar = Liar::default();
    let first = liar.known(fake_output, &[Equation::LeafDenominator]);
    let lengths: Vec<usize> = first.messages.iter().filter(|m| m.label == Message::CrossTerms).map(|m| m.slot.len).collect();
    let (last, leading) = (lengths.len() - 1, lengths[lengths.len() - 1] - 1);
    let patch = last_message_repair(&first, (Message::CrossTerms, last), |at| at == leading, [&linear_batch(&first)])
        .expect("a way out");
    let lie = || fake_output().hidden(Message::CrossTerms, last, add(patch.clone()));
    liar.works_if_known(lie, &[Equation::LeafDenominator, Equation::AccumulatedClaim]);
}

#[test]
fn a_known_weight_of_constraints_lets_a_masked_factor_hide_an_error() {
    // eta: a masked factor, a constant of its own constraint and of the product's, pays for whatever else does not hold.
    let liar = Liar::default();
    let first = liar.known(fake_output, &[Equation::LeafDenominator]);
    let weights = powers(challenges(&first, Message::MaskRow)[0], first.constraints.len());
    let weight = |label: Equation| {
        let mut linear = first.constraints.iter().filter(|c| c.products.is_empty());
        weights[1 + linear.position(|c| c.label == label).expect("a constraint")]
    };
    let other = first.log.iter().filter(|e| e.label == Message::MaskedFactor).nth(1).expect("sent").offset;
    let other = Fr::deserialize_compressed(&first.proof.bytes[other..other + SCALAR_BYTES]).expect("a scalar");
    let error = linear_batch(&first).form.evaluate(&first.scalars, Fr::ONE);
    let by = error * (weight(Equation::MaskedFactor) + weight(Equation::Product) * other).inverse().expect("random");
    liar.works_if_known(|| fake_output().clear(Message::MaskedFactor, 0, by), &[Equation::LeafDenominator]);
}

#[test]
fn known_weights_of_slots_let_a_late_message_rewrite_an_early_one() {
    // kappa: a late message rewrites an early one. What it adds to the early one's columns is weighed as its own.
    let liar = Liar::default();
    let program = Toy::default().program();
    let first = liar.known(fake_output, &[Equation::LeafDenominator]);
    let free =
        |at: usize| matches!(first.answers[at].0, Polynomial::Tensor(id) if program.tensors[id].role() == Role::Virtual);
    let patch = last_message_repair(&first, (Message::LeafValues, 0), free, before_zeta(&first)).expect("a way out");
    let number = |label: Message| first.messages.iter().rposition(|m| m.label == label).expect("a message");
    let (early, late) = (number(Message::LeafValues), number(Message::ProductMasks));
    let weights = powers(challenges(&first, Message::MaskRow)[1], late + 1);
    let by = weights[early] * weights[late].inverse().expect("random");
    let HiddenMessage { first: base, slot, .. } = first.messages[early];
    let changed = patch.iter().enumerate().filter(|(_, d)| !d.is_zero());
    let delta: BTreeMap<usize, (Slot, Fr)> =
        changed.map(|(at, &d)| (base + at, (Slot { column: slot.column + at, len: 1, ..slot }, d))).collect();
    liar.works_if_known(|| fake_output().off_slot(delta.clone(), by), &[]);
    // Without the weights, or with others, the message does not rewrite what it should.
    let unweighted = liar.tell(&fake_output().off_slot(delta, from_i64(1)).knowing(coins()));
    assert_eq!((unweighted.violated, unweighted.verdict), (vec![], Verdict::Rejected(Reject::Check(Check::DeciderPairing))));
}

#[test]
fn a_known_challenge_of_the_mask_lets_a_false_output_pass() {
    // g: the value of the mask makes up for a joint claim that is false.
    let liar = Liar::default();
    let first = liar.known(fake_output, &[Equation::LeafDenominator]);
    let [g] = challenges(&first, Message::MaskedValue)[..] else { panic!("one challenge") };
    let error = linear_batch(&first).form.evaluate(&first.scalars, Fr::ONE);
    liar.works_if_known(|| fake_output().clear(Message::MaskValue, 0, g * error), &[Equation::LeafDenominator]);
}

/// Scalars that look random.
fn random(n: usize) -> Vec<Fr> {
    coins().into_iter().skip(100).take(n).collect()
}

/// A claim that the zero vector, committed in the identity, has the inner product one with a form: the decider of a false claim.
fn decide_one(key: &DeciderKey<'_>, t: &mut Transcript<'_>) -> Result<(), Reject> {
    let form = LinearForm::eq(random(3));
    let claim = DeciderClaim { commitment: G1Projective::zero(), form: &form, value: from_i64(1) };
    decide(t, key, 3, &claim, None)
}

fn scalar(x: Fr) -> Vec<u8> {
    let mut bytes = Vec::new();
    x.serialize_compressed(&mut bytes).expect("a vector takes all");
    bytes
}

fn point(x: G1Projective) -> Vec<u8> {
    let mut bytes = Vec::new();
    x.into_affine().serialize_compressed(&mut bytes).expect("a vector takes all");
    bytes
}

#[test]
fn a_known_point_of_the_kzg_decider_lets_a_false_value_pass() {
    // W = 0. With S = c the equation -z c - c/z = 2 has a solution, and nothing is left to divide. On the Ethereum ceremony's key.
    let key = DeciderKey::resolve(&VerifierSetup::Ethereum, None).expect("embedded");
    let z = random(9)[8];
    let c = -from_i64(2) * (z + z.inverse().expect("random")).inverse().expect("random");
    let proof = [scalar(Fr::zero()), point(G1Affine::generator() * c), scalar(-z * c), point(G1Projective::zero())].concat();
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof).tossed(vec![z])), Ok(()));
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof)), Err(Reject::Check(Check::DeciderPairing)));
}

#[test]
fn known_rounds_of_the_inner_product_let_a_false_value_pass() {
    // One left point takes away the value.
    let setup = Setup::transparent(8).expect("in range");
    let key = DeciderKey::resolve(&setup.verifier, Some(&setup.generators)).expect("its own generators");
    let (scale, x) = (random(9)[7], random(9)[8]);
    let left = inner_product_base() * (-scale * x.inverse().expect("random"));
    let (nothing, no_scalar) = (point(G1Projective::zero()), scalar(Fr::zero()));
    let proof = [no_scalar.clone(), point(left), nothing.repeat(5), no_scalar].concat();
    let coins = vec![scale, x, from_i64(3), from_i64(5)];
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof).tossed(coins)), Ok(()));
    assert_eq!(decide_one(&key, &mut Transcript::verifier("", 1, &proof)), Err(Reject::Check(Check::IpaFinal)));
}

#[test]
fn a_known_challenge_of_the_clear_fold_lets_a_false_claim_pass() {
    // Two claims on vectors, the first of a false value: the cross term makes up for it.
    let (r, [w1, w2, f1, f2]) = (random(1)[0], [0, 1, 2, 3].map(|i| random(20)[4 * i..4 * i + 4].to_vec()));
    let claims = |wrong: Fr| {
        let claim = |w: &[Fr], f: &[Fr], value| ClearClaim {
            commitment: Vec::new(),
            form: LinearForm::dense(f.to_vec()),
            value,
            witness: Some((w.to_vec().into(), Fr::zero())),
        };
        vec![claim(&w1, &f1, dot(&w1, &f1) + wrong), claim(&w2, &f2, dot(&w2, &f2))]
    };
    let is_true = |c: &ClearClaim| c.witness.as_ref().is_some_and(|(w, _)| dot(w, &c.form.to_dense(4)) == c.value);
    let honest = dot(&w1, &f2) + dot(&w2, &f1);
    let wrong = from_i64(9);
    let folded = |cross: Fr, known: bool| {
        let proof = scalar(cross);
        let t = Transcript::verifier("", 1, &proof);
        let mut t = if known { t.tossed(vec![r]) } else { t };
        // The witnesses tell whether the claim is true; what is sent is read.
        fold_clear(&mut t, 4, claims(wrong)).expect("one scalar")
    };
    let cure = honest - wrong * r.inverse().expect("random");
    assert!(!is_true(&folded(honest, true)) && is_true(&folded(cure, true)));
    assert!(!is_true(&folded(honest, false)) && !is_true(&folded(cure, false)));
}
