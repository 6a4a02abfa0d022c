//! What a message would be without its own randomness, from the secrets of a model and the challenges of a proof.

use super::Seen;
use super::leaky::{Hole, Leaky};
use super::models::Model;
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_serialize::CanonicalSerialize;
use zktorch_accumulator::close::close;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Form, Product, Transcript};
use zktorch_prover::Randomness;
use zktorch_prover::session::Session;
use zktorch_verifier::argument::argue_hidden;
use zktorch_verifier::verify::{begin, protocol};

/// A guess for every message that something can be said about.
///
/// The honest prover is run on the model's secrets and the proof's challenges with all randomness zero. Two things are better
/// than that: the mask's value `v_s` follows from `V = v_s + g v` once `v` is guessed; and if there is one product only, its
/// factors are sent, so that those of the mask, and the error terms, follow from the guess of the hidden scalars.
///
/// # Panics
/// If the proof is not one of the model's program.
pub fn guess(model: &Model<'_>, seen: &Seen) -> Vec<Option<Vec<u8>>> {
    let first = |label: &str| seen.log.iter().position(|e| e.label == label).expect("a message of every proof");
    let scalar = |position: usize| Fr::from_le_bytes_mod_order(seen.message(position));
    let value = scalar(first("masked value"));
    let relation = &model.relation;

    let mut secrets = Leaky::new(&model.fixture.proving, Randomness::insecure_seed(0), &Hole::Everything);
    let mut progress = |_| ();
    let mut session = Session::new(relation, &model.witness, &model.fixture.proving, &mut progress);
    let coins = seen.draws.iter().map(|d| d.value).collect();
    let mut t = Transcript::prover(protocol(&model.fixture.verifying), relation.columns(), &mut secrets).tossed(coins);
    begin(&mut t, relation, &model.statement);
    let open = argue_hidden(&mut t, relation, &model.statement, &mut Some(&mut session)).expect("a prover is not refused");

    let g = seen.draws[t.draws().len()].value;
    let u = t.secrets().expect("the prover's side").scalars().to_vec();
    let accumulated = open.accumulated.value.evaluate(&u, Fr::ONE);
    let mask_value = value - g * accumulated;
    let zero = t.secrets().expect("the prover's side").commit_vector(&[], Fr::ZERO);
    let _ = t.point("mask row", Some(zero)).expect("written");
    let mut constraint = t.hide("mask value", 1, Some(vec![mask_value])).expect("written").remove(0);
    assert_eq!(t.challenge(), g);
    // If the mask row were zero.
    t.scalar("masked value", Some(g * accumulated)).expect("written");
    constraint.add_scaled(g, &open.accumulated.value);
    t.zero("masked value", constraint - &Form::from(value));
    close(&mut t, &relation.bases).expect("the guess satisfies all constraints");

    let constraints = t.hidden().constraints().to_vec();
    let u = t.secrets().expect("the prover's side").scalars().to_vec();
    let bytes = t.finish().expect("a prover always finishes");
    let guessed = Seen { bytes, log: seen.log.clone(), draws: Vec::new() };
    let end = first("clear cross term");
    let mut all: Vec<Option<Vec<u8>>> =
        (0..seen.log.len()).map(|p| (p < end).then(|| guessed.message(p).to_vec())).collect();

    let errors = first("error commitment");
    let products: Vec<(usize, &Product)> =
        constraints.iter().enumerate().flat_map(|(i, c)| c.products.iter().map(move |p| (i, p))).collect();
    if let [(constraint, Product(a, b))] = products.as_slice() {
        let drawn = |before: usize, n: usize| seen.draws.iter().filter(|d| d.after == before).nth(n).expect("drawn").value;
        let (zeta, h) = (drawn(first("mask of hidden scalars"), 0), drawn(first("error term"), 0));
        let factors = first("product factors");
        // z = s + h u, so that A(s, 0) = A(z, h) - h A(u, 1).
        let of_mask = |sent: Fr, form: &Form, weight: Fr| sent - h * weight * form.evaluate(&u, Fr::ONE);
        let weight = zeta.pow([*constraint as u64]);
        let error = of_mask(scalar(factors), a, weight) * of_mask(scalar(factors + 1), b, Fr::ONE);
        let other = (scalar(first("error term")) - error) * h.inverse().expect("random");
        for (position, value) in [(errors, error), (errors + 1, other)] {
            let mut bytes = Vec::new();
            let point = (model.fixture.proving.generators.g[0] * value).into_affine();
            point.serialize_compressed(&mut bytes).expect("a vector takes all");
            all[position] = Some(bytes);
        }
    }
    all
}
