//! Verification.

use crate::argument::argue;
use crate::key::{KeyError, Relation, VerifyingKey};
use crate::proof::Proof;
use crate::seed::{decides, seeds};
use crate::statement::Statement;
use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::setup::{Decider, Generators, SetupError};
use zktorch_blocks::transcript::{Misfit, Reject, Transcript};

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The statement is true of the key's program and committed weights.
    Accepted,
    /// The proof does not show that.
    Rejected(Reject),
}

/// Why a proof could not be decided at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverifiable {
    /// The key is not usable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The setup is not usable.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Nothing can be said of what was drawn by a seed that the verifier does not know.
    #[error(
        "the key's program draws by a seed, and none was given: it says nothing unless the seed is the verifier's, or younger than the model and the prompt"
    )]
    NoSeed,
    /// A seed of nothing.
    #[error("a seed was given, and the key's program draws nothing")]
    NoDraws,
}

/// Number of this verifier. It is raised with every change after which something is refused that was accepted before, so that what an
/// earlier verifier accepted, and somebody noted, is checked again. From 3 to 4 claims on one combination of rows became one leaf of the fold.
/// From 4 to 5 a model proof is about a model and no longer about a key.
pub const REVISION: u32 = 5;

/// The protocol's name, bound first: version and grouping schedule.
pub fn protocol(key: &VerifyingKey) -> &'static str {
    match key.setup.decider() {
        Decider::Kzg => "zktorch/v1/kzg/1",
        Decider::Transparent => "zktorch/v1/transparent/1",
    }
}

/// Decides a proof. `generators` are those of a transparent setup, pinned by the key's digest.
///
/// # Errors
/// If the key or the setup cannot be used, so that nothing was decided, or if the program draws by a seed: see [`verify_drawn`].
pub fn verify(key: &VerifyingKey, proof: &Proof, generators: Option<&Generators>) -> Result<Verdict, Unverifiable> {
    decide(key, proof, generators, None)
}

/// Decides a proof of what was drawn by a seed, which the verifier chose, or knows to be younger than the model and the prompt.
///
/// # Errors
/// As [`verify`], or if the program draws nothing.
pub fn verify_drawn(
    key: &VerifyingKey,
    proof: &Proof,
    generators: Option<&Generators>,
    seed: &[u8],
) -> Result<Verdict, Unverifiable> {
    decide(key, proof, generators, Some(seed))
}

fn decide(
    key: &VerifyingKey,
    proof: &Proof,
    generators: Option<&Generators>,
    seed: Option<&[u8]>,
) -> Result<Verdict, Unverifiable> {
    let relation = Relation::new(key)?;
    match (seeds(relation.program).next(), seed) {
        (Some(_), None) => return Err(Unverifiable::NoSeed),
        (None, Some(_)) => return Err(Unverifiable::NoDraws),
        (Some(_), Some(_)) | (None, None) => {}
    }
    let decider = DeciderKey::resolve(&key.setup, generators)?;
    let run = || -> Result<(), Reject> {
        if proof.key != relation.digest {
            return Err(Misfit::Key.into());
        }
        let scales = relation.program.outputs.iter().filter_map(|&id| Some(relation.program.tensors.get(id)?.scale));
        if !scales.eq(proof.scales.iter().copied()) {
            return Err(Misfit::Scales.into());
        }
        let statement = Statement::new(relation.program, proof.statement.clone())?;
        if seed.is_some_and(|seed| !decides(seed, &relation.digest, relation.program, &statement)) {
            return Err(Misfit::Seed.into());
        }
        let mut t = Transcript::verifier(protocol(key), relation.columns(), &proof.bytes);
        bind_statement(&mut t, &relation, &statement);
        argue(&mut t, &relation, &decider, &statement, None)?;
        t.finish().map(drop)
    };
    Ok(match run() {
        Ok(()) => Verdict::Accepted,
        Err(reason) => Verdict::Rejected(reason),
    })
}

/// Binds the key and the statement.
pub fn bind_statement(t: &mut Transcript<'_>, relation: &Relation<'_>, statement: &Statement) {
    t.absorb(relation.digest.as_ref());
    statement.absorb(t);
}
