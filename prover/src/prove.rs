//! Proving.

use crate::error::ProveError;
use crate::key::ProvingKey;
use crate::randomness::Randomness;
use crate::secrets::Vault;
use crate::session::{Blinders, Session, StageTime, Witness};
use std::time::Instant;
use zeroize::Zeroizing;
use zktorch_accumulator::decider::DeciderKey;
use zktorch_blocks::execute::{Trace, check_zeros, execute};
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

/// What a proof is made with, besides inputs.
pub struct Prover<'a> {
    proving: &'a ProvingKey,
    verifying: &'a VerifyingKey,
    randomness: Randomness,
    blinders: Option<&'a Blinders>,
    progress: Box<dyn FnMut(Stage) + 'a>,
}

impl<'a> Prover<'a> {
    /// A prover under these keys.
    pub fn new(proving: &'a ProvingKey, verifying: &'a VerifyingKey, randomness: Randomness) -> Self {
        Self { proving, verifying, randomness, blinders: None, progress: Box::new(|_| ()) }
    }

    /// Proves about commitments to private inputs or outputs that exist already: `blinders` are those of their rows. Blinders of something
    /// that is not bound, or too few of them, are no error: they are drawn anew.
    pub fn bound(self, blinders: &'a Blinders) -> Self {
        Self { blinders: Some(blinders), ..self }
    }

    /// Tells of each stage as it begins.
    pub fn progress(self, progress: impl FnMut(Stage) + 'a) -> Self {
        Self { progress: Box::new(progress), ..self }
    }

    /// Runs the program on integer inputs and proves the run.
    ///
    /// # Errors
    /// If the program does not run on the inputs, or the keys do not fit each other.
    pub fn prove(mut self, inputs: &[Vec<i64>]) -> Result<Proved, ProveError> {
        let (proving, verifying) = (self.proving, self.verifying);
        let program = &verifying.program;
        (self.progress)(Stage::Witness);
        let start = Instant::now();
        let mut trace = execute(program, &proving.weights, inputs)?;
        check_zeros(program, &trace)?;
        trace.forget(program);
        let seconds = start.elapsed().as_secs_f64();
        let mut proved = self.argue(&proving.relation(verifying)?, &trace)?;
        proved.outputs = program.outputs.iter().map(|&id| trace.values(program, id).to_vec()).collect();
        proved.proof.scales = program.outputs.iter().map(|&id| program.tensors[id].scale).collect();
        proved.stages.insert(0, StageTime { stage: Stage::Witness, seconds });
        Ok(proved)
    }

    /// Proves a run of a relation's program, which need not be the key's own; without outputs.
    pub(crate) fn argue(mut self, relation: &Relation<'_>, trace: &Trace) -> Result<Proved, ProveError> {
        let (program, proving) = (relation.program, self.proving);
        let generators = &proving.generators;
        let fits = proving.blinders.len() == relation.model_rows.len() && generators.columns() == relation.columns();
        if !fits {
            return Err(ProveError::Foreign);
        }
        let decider = DeciderKey::resolve(&self.verifying.setup, Some(generators))?;
        let values = program.statement().map(|id| trace.values(program, id).to_vec()).collect();
        let statement = Statement::new(program, values)?;
        let witness = Witness::new(program, trace)?;
        let seeded = self.randomness.is_seeded();
        let mut vault = Vault::new(proving, self.randomness).vetting(program.bound().next().is_some());
        let mut session = Session::new(relation, &witness, proving, &mut *self.progress);
        if let Some(blinders) = self.blinders {
            session.reuse(blinders);
        }
        let mut t = Transcript::prover(protocol(self.verifying), relation.columns(), &mut vault);
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
}

/// Labels of the constraints that do not hold, without repetition.
fn violated(t: &mut Transcript<'_>) -> Vec<Equation> {
    let Some(scalars) = t.secrets().map(|s| Zeroizing::new(s.scalars().to_vec())) else { return Vec::new() };
    let mut labels: Vec<Equation> =
        t.hidden().constraints().iter().filter(|c| !c.holds(&scalars)).map(|c| c.label).collect();
    labels.dedup();
    labels
}
