//! What is said of a key.

use crate::show::count;
use serde_json::{Value, json};
use zktorch_accumulator::layout::{Layout, Phase};
use zktorch_verifier::commitment::Committed;
use zktorch_verifier::key::{KeyError, Relation, VerifyingKey};
use zktorch_verifier::model::{self, Level};
use zktorch_verifier::size::ProofSize;
use zktorch_verifier::soundness;

/// The commitment matrices of a key: in words, and rows by phase.
pub fn matrices(key: &VerifyingKey, layout: &Layout) -> (String, Value) {
    let [model, bound, witness, multiplicities] = Phase::ALL.map(|phase| layout.sent_rows(phase).count());
    let text = format!(
        "{} columns; {model} rows of weights, {bound} of private inputs and outputs, {witness} of a witness, {multiplicities} of \
         multiplicities",
        count(1 << key.column_bits)
    );
    (text, json!({ "model": model, "bound": bound, "witness": witness, "multiplicities": multiplicities }))
}

/// Whole bits of soundness of a proof for a key that is well formed, together with the proof of its model; 0 if there can be none.
pub fn soundness_bits(key: &VerifyingKey) -> u32 {
    let Ok(relation) = Relation::blank(&key.program, key.column_bits) else { return 0 };
    let all = || -> Result<_, KeyError> {
        let size = ProofSize::of(&relation, key.setup.decider())?;
        Ok([soundness::shares(&relation, &size), model::shares(key, Level::Widths)?].concat())
    };
    all().map_or(0, |all| soundness::bits(&all, &key.setup) as u32)
}

/// A committed tensor as JSON.
pub fn committed(c: &Committed) -> Value {
    json!({ "name": c.name, "shape": c.shape, "scale": c.scale, "digest": crate::show::hex(&c.digest()) })
}
