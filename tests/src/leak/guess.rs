//! What a message would be without its own randomness, from the secrets of a model and the challenges of a proof.

use super::Seen;
use super::leaky::{Hole, Leaky, Places};
use super::models::Model;
use ark_ff::PrimeField;
use std::collections::BTreeMap;
use zktorch_accumulator::mask::mask;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Message, Transcript};
use zktorch_prover::Randomness;
use zktorch_prover::session::Session;
use zktorch_verifier::verify::{bind_statement, protocol};

/// A guess for every message that something can be said about.
///
/// The honest prover is run on the model's secrets and the proof's challenges with all randomness zero. One thing is better
/// than that: once the hidden scalars are guessed, the masks of the last product's factors follow from the masked ones.
///
/// # Panics
/// If the proof is not one of the model's program.
pub fn guess(model: &Model<'_>, seen: &Seen) -> Vec<Option<Vec<u8>>> {
    let first = |label: Message| seen.log.iter().position(|e| e.label == label).expect("a message of every proof");
    let factors = first(Message::MaskedFactor);
    let scalar = |seen: &Seen, position: usize| Fr::from_le_bytes_mod_order(seen.message(position));
    let unmasked = run(model, seen, BTreeMap::new());
    let draws = Places::of(model).factors.map(|range| range.start);
    let masks = draws.into_iter().zip(factors..).map(|(draw, p)| (draw, scalar(seen, p) - scalar(&unmasked, p)));
    let masked = run(model, seen, masks.collect());
    let end = first(Message::ClearCrossTerm);
    let best = |p: usize| if (factors..factors + 2).contains(&p) { &unmasked } else { &masked };
    (0..seen.log.len()).map(|p| (p < end).then(|| best(p).message(p).to_vec())).collect()
}

/// The messages up to the masked values with all randomness zero, but for what is known of it.
fn run(model: &Model<'_>, seen: &Seen, known: BTreeMap<usize, Fr>) -> Seen {
    let (relation, hole) = (&model.relation, Hole::AllBut(known));
    let mut secrets = Leaky::new(&model.fixture.proving, Randomness::insecure_seed(0), &hole);
    let mut progress = |_| ();
    let mut session = Session::new(relation, &model.witness, &model.fixture.proving, &mut progress);
    let coins = seen.draws.iter().map(|d| d.value).collect();
    let mut t = Transcript::prover(protocol(&model.fixture.verifying), relation.columns(), &mut secrets).tossed(coins);
    bind_statement(&mut t, relation, &model.statement);
    let joint = model.closed(&mut t, &mut session);
    mask(&mut t, relation.columns(), 0, joint).expect("the guess satisfies all constraints");
    Seen { bytes: t.finish().expect("a prover always finishes"), log: seen.log.clone(), draws: Vec::new() }
}
