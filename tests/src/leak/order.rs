//! The argument with the mask at the wrong end: all claims are folded in the clear, that on the witness with those on the hidden
//! scalars, and only the result is masked. The messages look as random as before, but by then nothing can be hidden any more, so
//! that the mask's value `v_s` is in the clear, and with it a linear functional of witness and weights (PROTOCOL, C3).

use super::leaky::{Hole, Leaky};
use super::models::Model;
use ark_bls12_381::{G1Affine, G1Projective};
use ark_ff::{AdditiveGroup, Field};
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::{ClearClaim, close};
use zktorch_accumulator::decider;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::transcript::{Reject, Transcript};
use zktorch_prover::Randomness;
use zktorch_prover::secrets::Vault;
use zktorch_prover::session::Session;
use zktorch_verifier::argument::{Open, Prover, argue_hidden};
use zktorch_verifier::verify::{begin, protocol};

/// Proves in the wrong order. Returns the messages, and the challenges before the accumulated claim.
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
    let mut secrets = Leaky::new(&model.fixture.proving, Randomness::insecure_seed(0), &Hole::Everything);
    let mut progress = |_| ();
    let mut session = Session::new(&model.relation, &model.witness, &model.fixture.proving, &mut progress);
    let mut t = Transcript::prover("", model.relation.columns(), &mut secrets).tossed(coins);
    let open =
        argue_hidden(&mut t, &model.relation, &model.statement, &mut Some(&mut session)).expect("a prover is not refused");
    open.accumulated.value.evaluate(t.secrets().expect("the prover's side").scalars(), Fr::ONE)
}

fn speak(t: &mut Transcript<'_>, model: &Model<'_>, mut prover: Option<&mut dyn Prover>) -> Result<Fr, Reject> {
    let relation = &model.relation;
    let columns = relation.columns();
    begin(t, relation, &model.statement);
    let Open { rows, accumulated, vector } = argue_hidden(t, relation, &model.statement, &mut prover)?;
    let witness = vector.zip(prover.as_deref()).map(|(vector, p)| (vector.into(), p.blinder(&accumulated.rows)));
    let commitment: Vec<(Fr, G1Affine)> = accumulated.rows.iter().copied().zip(rows).collect();
    // Its value is hidden: it enters as zero, and is what is missing in the end.
    let mut claims = vec![ClearClaim { commitment, form: accumulated.form, value: Fr::ZERO, witness }];
    claims.extend(close(t, &relation.bases)?);
    let all = fold_clear(t, columns, claims)?;

    let form = all.form.to_dense(columns);
    let mask = t.secrets().map(|s| {
        let row: Vec<Fr> = (0..columns).map(|_| s.random()).collect();
        let blinder = s.random();
        (s.commit_vector(&row, blinder), row, blinder)
    });
    let point = t.point("mask row", mask.as_ref().map(|m| m.0))?;
    let mask_value = t.scalar("mask value", mask.as_ref().map(|m| dot(&m.1, &form)))?;
    let g = t.challenge();
    let masked = mask.zip(all.witness).map(|((_, row, blinder), (vector, own))| {
        (row.iter().zip(&*vector).map(|(s, w)| *s + g * w).collect::<Vec<Fr>>(), blinder + g * own)
    });
    let value = t.scalar("masked value", masked.as_ref().map(|(w, _)| dot(w, &form)))?;
    let terms = all.commitment.iter().map(|(c, p)| *p * (g * c));
    let commitment = G1Projective::from(point) + terms.sum::<G1Projective>();
    let generators = &model.fixture.proving.generators;
    let witness = masked.as_ref().map(|(vector, blinder)| decider::Witness { vector, blinder: *blinder, generators });
    let claim = decider::Claim { commitment, form: &all.form, value };
    decider::decide(t, &model.decider, relation.layout.column_bits, &claim, witness.as_ref())?;
    let g_inverse = g.inverse().ok_or(Reject::Check("mask challenge"))?;
    Ok((value - mask_value) * g_inverse - all.value)
}
