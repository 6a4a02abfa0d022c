//! The proof about a model's weights, made once.

use crate::error::ProveError;
use crate::key::ProvingKey;
use crate::prove::Prover;
use crate::randomness::Randomness;
use zktorch_blocks::execute::{Weights, execute};
use zktorch_blocks::program::TensorId;
use zktorch_verifier::key::{KeyError, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof, part_digest, parts};

/// Proves what `level` says of the weights of a key. `progress` is told the part that begins and how many there are.
///
/// # Errors
/// If the keys do not fit each other, or a weight leaves its interval.
pub fn prove_model(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    level: Level,
    randomness: &mut Randomness,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ModelProof, ProveError> {
    let relation = proving.relation(verifying)?;
    let model = verifying.model_digest();
    let programs = parts(&relation, level)?;
    let count = programs.len();
    // A part's first tensors are the weights, in the program's order.
    let weights: Weights = (0..).map(TensorId).zip(proving.weights.values().cloned()).collect();
    let mut proof = ModelProof { model, level, seeded: randomness.is_seeded(), parts: Vec::with_capacity(count) };
    for (index, program) in programs.enumerate() {
        progress(index, count);
        let trace = execute(&program, &weights, &[])?;
        let part = relation.for_program(&program, part_digest(&model, level, index)).map_err(KeyError::from)?;
        let proved = Prover::new(proving, verifying, randomness.fork()).argue(&part, &trace)?;
        proof.parts.push(proved.proof.bytes);
    }
    Ok(proof)
}
