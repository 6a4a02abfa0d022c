//! Proving.

use crate::error::ProveError;
use crate::key::ProvingKey;
use crate::randomness::Randomness;
use crate::secrets::Vault;
use crate::session::{Blinders, Session, StageTime, Witness};
use std::time::Instant;
use zeroize::Zeroizing;
use zktorch_accumulator::decider::DeciderKey;
use zktorch_blocks::execute::{Trace, execute};
use zktorch_blocks::transcript::{Equation, MessageEntry, Transcript};
use zktorch_verifier::argument::{Stage, argue};
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

/// A proof, and how it came about.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The proof.
    pub proof: Proof,
    /// Integers of the outputs.
    pub outputs: Vec<Vec<i64>>,
    /// Blinders of the rows of inputs and outputs that are not public: with the values they open the commitments at the beginning of the proof.
    pub blinders: Blinders,
    /// Seconds by stage.
    pub stages: Vec<StageTime>,
    /// The messages, in order.
    pub messages: Vec<MessageEntry>,
}

/// Runs the program on integer inputs and proves the run.
///
/// # Errors
/// If the program does not run on the inputs, or the keys do not fit each other.
pub fn prove(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    inputs: &[Vec<i64>],
    randomness: Randomness,
    progress: &mut dyn FnMut(Stage),
) -> Result<Proved, ProveError> {
    prove_bound(proving, verifying, inputs, &Blinders::new(), randomness, progress)
}

/// Runs the program and proves the run, with commitments to private inputs (or outputs) that exist already: `blinders` are those
/// of their rows.
///
/// # Errors
/// As [`prove`]; blinders of something that is not bound, or too few of them, are no error: they are drawn anew.
pub fn prove_bound(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    inputs: &[Vec<i64>],
    blinders: &Blinders,
    randomness: Randomness,
    progress: &mut dyn FnMut(Stage),
) -> Result<Proved, ProveError> {
    progress(Stage::Witness);
    let start = Instant::now();
    let trace = execute(&verifying.program, &proving.weights, inputs)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut proved = prove_trace(proving, verifying, &trace, blinders, randomness, progress)?;
    proved.stages.insert(0, StageTime { stage: Stage::Witness, seconds });
    Ok(proved)
}

/// Proves a run.
///
/// # Errors
/// As [`prove`].
pub fn prove_trace(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    trace: &Trace,
    blinders: &Blinders,
    randomness: Randomness,
    progress: &mut dyn FnMut(Stage),
) -> Result<Proved, ProveError> {
    let program = &verifying.program;
    let relation = proving.relation(verifying)?;
    let mut proved = argue_trace(proving, verifying, &relation, trace, blinders, randomness, progress)?;
    proved.outputs = program.outputs.iter().map(|&id| trace.values(program, id).to_vec()).collect();
    proved.proof.scales = program.outputs.iter().map(|&id| program.tensors[id].scale).collect();
    Ok(proved)
}

/// Proves a run of a relation's program, which need not be the key's own; without outputs.
pub(crate) fn argue_trace(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    relation: &Relation<'_>,
    trace: &Trace,
    blinders: &Blinders,
    randomness: Randomness,
    progress: &mut dyn FnMut(Stage),
) -> Result<Proved, ProveError> {
    let program = relation.program;
    let generators = &proving.generators;
    let fits = proving.blinders.len() == relation.model_rows.len() && generators.columns() == relation.columns();
    if !fits {
        return Err(ProveError::Foreign);
    }
    let decider = DeciderKey::resolve(&verifying.setup, Some(generators))?;
    let values = program.statement().map(|id| trace.values(program, id).to_vec()).collect();
    let statement = Statement::new(program, values)?;
    let witness = Witness::new(program, trace)?;
    let seeded = randomness.is_seeded();
    let mut vault = Vault::new(proving, randomness).vetting(program.bound().next().is_some());
    let mut session = Session::new(relation, &witness, proving, progress);
    session.reuse(blinders);
    let mut t = Transcript::prover(protocol(verifying), relation.columns(), &mut vault);
    bind_statement(&mut t, relation, &statement);
    if let Err(reason) = argue(&mut t, relation, &decider, &statement, Some(&mut session)) {
        return Err(ProveError::Inconsistent { reason, violated: violated(&mut t) });
    }
    let messages = t.log().to_vec();
    let bytes = t.finish()?;
    let proof = Proof { key: relation.digest, statement: statement.all().to_vec(), scales: Vec::new(), seeded, bytes };
    let blinders = session.bound_blinders();
    Ok(Proved { proof, outputs: Vec::new(), blinders, stages: session.finish(), messages })
}

/// Labels of the constraints that do not hold, without repetition.
fn violated(t: &mut Transcript<'_>) -> Vec<Equation> {
    let Some(scalars) = t.secrets().map(|s| Zeroizing::new(s.scalars().to_vec())) else { return Vec::new() };
    let mut labels: Vec<Equation> =
        t.hidden().constraints().iter().filter(|c| !c.holds(&scalars)).map(|c| c.label).collect();
    labels.dedup();
    labels
}
