//! The argument with the mask at the wrong end: the claims on the accumulated vector and on the hidden scalars are folded in the clear, and only the
//! result is masked. The fold needs the values of the claims, and the first of them is a linear functional of witness and weights.

use super::leaky::{Hole, Leaky};
use super::models::Model;
use ark_bls12_381::G1Affine;
use ark_ff::Field;
use std::collections::BTreeMap;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::{Joint, Part, close};
use zktorch_accumulator::decider;
use zktorch_accumulator::mask::{ClearClaim, mask};
use zktorch_accumulator::msm;
use zktorch_accumulator::product::reduce_products;
use zktorch_accumulator::setup::Decider;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::transcript::{Check, Message, Reject, Transcript, check};
use zktorch_prover::Randomness;
use zktorch_prover::secrets::Vault;
use zktorch_prover::session::Session;
use zktorch_verifier::argument::{AccumulatedArgument, ArgumentProver, argue_hidden};
use zktorch_verifier::verify::{bind_statement, protocol};

/// Proves in the wrong order. Returns the messages, and the challenges.
///
/// # Panics
/// If the model's run is not honest.
pub fn prove(model: &Model<'_>, seed: u64) -> (Vec<u8>, Vec<Fr>) {
    let mut vault = Vault::new(&model.fixture.proving, Randomness::insecure_seed(seed));
    let mut progress = |_| ();
    let mut session = Session::new(&model.relation, &model.witness, &model.fixture.proving, &mut progress);
    let mut t = Transcript::prover(protocol(&model.fixture.verifying), model.relation.columns(), &mut vault);
    speak(&mut t, model, Some(&mut session)).expect("a prover is not refused");
    let coins = t.draws().iter().map(|d| d.value).collect();
    (t.finish().expect("a prover always finishes"), coins)
}

/// The verifier of the wrong order, who learns the accumulated value.
///
/// # Errors
/// The check that fails.
pub fn learn(model: &Model<'_>, bytes: &[u8]) -> Result<Fr, Reject> {
    let mut t = Transcript::verifier(protocol(&model.fixture.verifying), model.relation.columns(), bytes);
    let value = speak(&mut t, model, None)?;
    t.finish().map(|_| value)
}

/// The accumulated value that a model's secrets have under the challenges of a proof.
///
/// # Panics
/// If these are not challenges of a proof of the model.
pub fn accumulated_value(model: &Model<'_>, coins: Vec<Fr>) -> Fr {
    let hole = Hole::AllBut(BTreeMap::new());
    let mut secrets = Leaky::new(&model.fixture.proving, Randomness::insecure_seed(0), &hole);
    let mut progress = |_| ();
    let mut session = Session::new(&model.relation, &model.witness, &model.fixture.proving, &mut progress);
    let mut t = Transcript::prover("", model.relation.columns(), &mut secrets).tossed(coins);
    let open =
        argue_hidden(&mut t, &model.relation, &model.statement, &mut Some(&mut session)).expect("a prover is not refused");
    open.accumulated.value.evaluate(t.secrets().expect("the prover's side").scalars(), Fr::ONE)
}

fn speak(t: &mut Transcript<'_>, model: &Model<'_>, mut prover: Option<&mut dyn ArgumentProver>) -> Result<Fr, Reject> {
    let relation = &model.relation;
    let columns = relation.columns();
    bind_statement(t, relation, &model.statement);
    let AccumulatedArgument { rows, accumulated, vector } = argue_hidden(t, relation, &model.statement, &mut prover)?;
    reduce_products(t)?;
    let witness = vector.zip(prover.as_deref()).map(|(vector, p)| (vector, p.blinder(&accumulated.rows)));
    let commitment = accumulated.rows.iter().copied().zip(rows).collect();
    let joint = close(t, Part { commitment, form: accumulated.form, witness }, &accumulated.value)?;
    let mut claims = Vec::new();
    for Part { commitment, form, witness } in joint.parts {
        let value = t.scalar(Message::MaskedValue, witness.as_ref().map(|(w, _)| dot(w, &form.to_dense(columns))))?;
        claims.push(ClearClaim { commitment, form, value, witness });
    }
    check(claims.iter().map(|c| c.value).sum::<Fr>() == joint.value, Check::MaskedSum)?;
    let accumulated_value = claims[0].value;
    let ClearClaim { commitment, form, value, witness } = fold_clear(t, columns, claims)?;

    let joint = Joint { parts: vec![Part { commitment, form, witness }], value };
    let decided = decider::shown(Decider::Kzg, relation.layout.column_bits);
    let last = mask(t, columns, decided, joint)?.remove(0);
    let (scalars, points): (Vec<Fr>, Vec<G1Affine>) = last.commitment.iter().copied().unzip();
    let generators = &model.fixture.proving.generators;
    let witness =
        last.witness.as_ref().map(|(vector, blinder)| decider::DeciderWitness { vector, blinder: *blinder, generators });
    let claim =
        decider::DeciderClaim { commitment: msm::project_sum(&points, &scalars), form: &last.form, value: last.value };
    decider::decide(t, &model.decider, relation.layout.column_bits, &claim, witness.as_ref())?;
    Ok(accumulated_value)
}
