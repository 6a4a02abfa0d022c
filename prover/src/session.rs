//! The prover's side of the argument.

use crate::key::ProvingKey;
use crate::multiplicities::Miss;
use ark_bls12_381::G1Affine;
use std::collections::BTreeMap;
use std::time::Instant;
use zeroize::{Zeroize, Zeroizing};
use zktorch_accumulator::fold::FoldProver;
use zktorch_accumulator::kernel::RowFold;
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::msm::row::commit_rows;
use zktorch_accumulator::rows::{Row, rows};
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::claim_reduction::WaveProver;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::Trace;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::kernel::{Values, WaveEvaluator};
use zktorch_blocks::lookup::{Fingerprint, Leaves, TreeProver, kernel::Tree};
use zktorch_blocks::program::{IdVec, Program, TableId, TensorId};
use zktorch_blocks::transcript::Secrets;
use zktorch_verifier::argument::{ArgumentProver, Stage};
use zktorch_verifier::key::Relation;

/// The witness of a proof: all tensors, and the multiplicities.
pub struct Witness<'a> {
    program: &'a Program,
    trace: &'a Trace,
    multiplicities: IdVec<TableId, Integers>,
    row_multiplicities: BTreeMap<TensorId, Integers>,
}

impl<'a> Witness<'a> {
    /// Counts the lookups of a run.
    ///
    /// # Errors
    /// If a lookup finds no row.
    pub fn new(program: &'a Program, trace: &'a Trace) -> Result<Self, Miss> {
        let (multiplicities, row_multiplicities) = (IdVec::default(), BTreeMap::new());
        let mut witness = Self { program, trace, multiplicities, row_multiplicities };
        witness.multiplicities = crate::multiplicities::multiplicities(program, &witness)?;
        witness.row_multiplicities = crate::multiplicities::row_multiplicities(program, &witness)?;
        Ok(witness)
    }
}

impl Values for Witness<'_> {
    fn integers(&self, polynomial: Polynomial) -> Integers {
        match polynomial {
            Polynomial::Tensor(id) => self.trace.integers(self.program, id),
            Polynomial::Multiplicity(id) => self.multiplicities[id].clone(),
            Polynomial::RowMultiplicity(id) => self.row_multiplicities[&id].clone(),
        }
    }
}

/// Blinders of the rows of bound tensors, in row order.
pub type Blinders = BTreeMap<TensorId, Vec<Fr>>;

/// Seconds spent at a stage of the argument.
#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// The stage.
    pub stage: Stage,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// One proof under way.
pub struct Session<'a> {
    relation: &'a Relation<'a>,
    witness: &'a Witness<'a>,
    generators: &'a Generators,
    progress: &'a mut dyn FnMut(Stage),
    /// Rows and their blinders, all phases.
    rows: Vec<Row>,
    blinders: Vec<Fr>,
    /// Blinders of rows that were committed to before.
    reused: BTreeMap<usize, Fr>,
    begun: Option<(Stage, Instant)>,
    times: Vec<StageTime>,
}

impl<'a> Session<'a> {
    /// Prepares a proof. `progress` is told of each stage as it begins.
    pub fn new(
        relation: &'a Relation<'a>,
        witness: &'a Witness<'a>,
        key: &'a ProvingKey,
        progress: &'a mut dyn FnMut(Stage),
    ) -> Self {
        let rows = rows(&relation.layout, Phase::Model, |p| witness.integers(p));
        let blinders = key.blinders.clone();
        let generators = &key.generators;
        let (reused, begun, times) = (BTreeMap::new(), None, Vec::new());
        Self { relation, witness, generators, progress, rows, blinders, reused, begun, times }
    }

    /// Takes these blinders for the rows of bound tensors, so that their commitments are those that exist already.
    pub fn reuse(&mut self, blinders: &Blinders) {
        let layout = &self.relation.layout;
        let rows = blinders.iter().flat_map(|(&id, own)| layout.rows_of(Polynomial::Tensor(id)).zip(own.iter().copied()));
        let bound = layout.rows(Phase::Bound);
        self.reused = rows.filter(|(row, _)| bound.contains(row)).collect();
    }

    /// The blinders of all bound rows, once they are committed to.
    pub fn bound_blinders(&self) -> Blinders {
        let of = |id| self.relation.layout.rows_of(Polynomial::Tensor(id)).map(|row| self.blinders[row]).collect();
        self.relation.program.bound().map(|id| (id, of(id))).collect()
    }

    /// Ends the last stage; the seconds of all.
    pub fn finish(mut self) -> Vec<StageTime> {
        self.end_stage();
        std::mem::take(&mut self.times)
    }

    fn end_stage(&mut self) {
        if let Some((stage, start)) = self.begun.take() {
            self.times.push(StageTime { stage, seconds: start.elapsed().as_secs_f64() });
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.blinders.zeroize();
    }
}

impl ArgumentProver for Session<'_> {
    fn commit(&mut self, phase: Phase, secrets: &mut dyn Secrets) -> Vec<G1Affine> {
        let rows = rows(&self.relation.layout, phase, |p| self.witness.integers(p));
        let first = self.rows.len();
        self.rows.extend(rows);
        self.blinders.resize(self.rows.len(), Fr::from(0u64));
        let sent: Vec<usize> = self.relation.layout.sent_rows(phase).collect();
        for &row in &sent {
            self.blinders[row] = self.reused.get(&row).copied().unwrap_or_else(|| secrets.random());
        }
        debug_assert_eq!(first, self.relation.layout.rows(phase).start);
        let rows: Vec<&Row> = sent.iter().map(|&r| &self.rows[r]).collect();
        let blinders = Zeroizing::new(sent.iter().map(|&r| self.blinders[r]).collect::<Vec<Fr>>());
        commit_rows(&rows, &blinders, self.generators)
    }

    fn tree(&mut self, leaves: &Leaves, fingerprint: &Fingerprint) -> Box<dyn TreeProver + '_> {
        Box::new(Tree::new(leaves, self.relation.program, self.witness, fingerprint))
    }

    fn evaluator(&mut self) -> Box<dyn WaveProver + '_> {
        Box::new(WaveEvaluator::new(self.relation.program, self.witness))
    }

    fn fold(&mut self) -> Box<dyn FoldProver + '_> {
        Box::new(RowFold::new(self.relation.columns(), &self.rows))
    }

    fn blinder(&self, rows: &[Fr]) -> Fr {
        dot(rows, &self.blinders)
    }

    fn generators(&self) -> &Generators {
        self.generators
    }

    fn enter(&mut self, stage: Stage) {
        self.end_stage();
        self.begun = Some((stage, Instant::now()));
        (self.progress)(stage);
    }
}
