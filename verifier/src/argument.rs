//! The argument, start to end. Both sides run this one function (docs/protocol.md, section 6).

use crate::key::Relation;
use crate::statement::Statement;
use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::AffineRepr;
use ark_ff::Zero;
use std::rc::Rc;
use zeroize::Zeroizing;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::{Part, close};
use zktorch_accumulator::decider::{self, DeciderKey};
use zktorch_accumulator::fold::{Accumulated, FoldProver, accumulate};
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::mask::{ClearClaim, mask};
use zktorch_accumulator::msm;
use zktorch_accumulator::product::reduce_products;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::claim_reduction::{WaveProver, answer, reduce};
use zktorch_blocks::claims::{EvaluationPoint, Expander, Expansion, Polynomial};
use zktorch_blocks::field::Fr;
use zktorch_blocks::lookup::{Fingerprint, LeafClaim, LeafValues, Leaves, TreeProver, prove_tree};
use zktorch_blocks::program::{TensorId, index_bits};
use zktorch_blocks::transcript::{Equation, HiddenAffine, Message, Reject, Secrets, Transcript};

/// What the prover does where the verifier reads. Called in protocol order.
pub trait ArgumentProver {
    /// Commits to the rows of a phase that are sent, with fresh blinders.
    fn commit(&mut self, phase: Phase, secrets: &mut dyn Secrets) -> Vec<G1Affine>;

    /// The fraction tree for the challenges.
    fn tree(&mut self, leaves: &Leaves, fingerprint: &Fingerprint) -> Box<dyn TreeProver + '_>;

    /// Answers queries and starts waves.
    fn evaluator(&mut self) -> Box<dyn WaveProver + '_>;

    /// Folds rows.
    fn fold(&mut self) -> Box<dyn FoldProver + '_>;

    /// The blinder of a combination of rows.
    fn blinder(&self, rows: &[Fr]) -> Fr;

    /// The generators of the commitments.
    fn generators(&self) -> &Generators;

    /// Told when a stage begins, for progress and timing.
    fn enter(&mut self, _stage: Stage) {}
}

/// What is left once everything that can be hidden was hidden: the claims that are proved in the clear.
pub struct AccumulatedArgument {
    /// Commitments to all rows.
    pub rows: Vec<G1Affine>,
    /// The one claim that all claims on rows became.
    pub accumulated: Accumulated,
    /// The accumulated vector, on the prover's side.
    pub vector: Option<Zeroizing<Vec<Fr>>>,
}

/// What a prover is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It runs the program, before the argument.
    Witness,
    /// It commits to rows.
    Commit,
    /// The fraction tree.
    Lookups,
    /// Evaluations at the leaves.
    Evaluate,
    /// Claims on virtual tensors become claims on committed ones.
    Waves,
    /// Claims on committed tensors become one.
    Accumulate,
    /// What is proved in the clear.
    Decide,
}

impl Stage {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Commit => "commit",
            Self::Lookups => "lookups",
            Self::Evaluate => "evaluate",
            Self::Waves => "waves",
            Self::Accumulate => "accumulate",
            Self::Decide => "decide",
        }
    }
}

/// Runs the argument that the statement is true of the program and the committed weights.
///
/// # Transcript
/// The caller has bound the verifying key and the statement. All messages of docs/protocol.md, section 6.
///
/// # Soundness
/// Knowledge of weights, private inputs and advice that satisfy every lookup and constraint of the program, up to the sum of
/// the parts' errors, if the program cannot compute the challenges: this is what the bound on virtual depth is for
/// ([`VIRTUAL_DEPTH`](zktorch_blocks::program::VIRTUAL_DEPTH)), which the caller owes, as [`Relation::new`] checks it.
///
/// # Errors
/// The message or the check that fails.
pub fn argue(
    t: &mut Transcript<'_>,
    relation: &Relation<'_>,
    decider_key: &DeciderKey<'_>,
    statement: &Statement,
    mut prover: Option<&mut dyn ArgumentProver>,
) -> Result<(), Reject> {
    let AccumulatedArgument { rows, accumulated, vector } = argue_hidden(t, relation, statement, &mut prover)?;
    enter_stage(&mut prover, Stage::Decide);
    reduce_products(t)?;
    let columns = relation.columns();
    let witness = vector.zip(prover.as_deref()).map(|(vector, p)| (vector, p.blinder(&accumulated.rows)));
    let commitment = accumulated.rows.into_iter().zip(rows).filter(|(c, _)| !c.is_zero()).collect();
    let joint = close(t, Part { commitment, form: accumulated.form, witness }, &accumulated.value)?;
    let decided = decider::shown(decider_key.decider(), relation.layout.column_bits);
    let masked = mask(t, columns, decided, joint)?;
    let last = fold_clear(t, columns, masked)?;
    decide(t, relation, decider_key, &last, prover.as_deref())
}

/// The argument up to the accumulated claim: commitments, and messages that are hidden.
///
/// # Transcript
/// The messages of docs/protocol.md, section 6, up to `cross terms`.
///
/// # Soundness
/// See [`argue`]; the caller owes the proof of the accumulated claim and of the constraints.
///
/// # Errors
/// On malformed bytes, and where the program asks for too much [`work`](zktorch_blocks::work).
pub fn argue_hidden(
    t: &mut Transcript<'_>,
    relation: &Relation<'_>,
    statement: &Statement,
    prover: &mut Option<&mut dyn ArgumentProver>,
) -> Result<AccumulatedArgument, Reject> {
    enter_stage(prover, Stage::Commit);
    let mut rows = relation.model_rows.to_vec();
    receive_rows(t, relation, (Phase::Bound, Message::BoundRow), &mut rows, prover)?;
    receive_rows(t, relation, (Phase::Witness, Message::WitnessRow), &mut rows, prover)?;
    receive_rows(t, relation, (Phase::Multiplicities, Message::MultiplicityRow), &mut rows, prover)?;

    enter_stage(prover, Stage::Lookups);
    let (alpha, beta) = (t.challenge(), t.challenge());
    let fingerprint = Fingerprint { alpha, beta, row: t.challenges(relation.program.row_bits()) };
    let leaf_claim = match &relation.leaves {
        Some(leaves) => {
            let mut tree = prover.as_deref_mut().map(|p| p.tree(leaves, &fingerprint));
            let tree = tree.as_deref_mut().map(|t| -> &mut dyn TreeProver { t });
            Some(prove_tree(t, leaves.bits, tree)?)
        }
        None => None,
    };

    enter_stage(prover, Stage::Evaluate);
    let public = |id: TensorId| statement.values(id);
    let mut expander = Expander::new(relation.program, &public);
    let forms = leaf_constraints(t, relation, &fingerprint, leaf_claim.as_ref(), &mut expander, prover)?;

    enter_stage(prover, Stage::Waves);
    let claims = {
        let mut evaluator = prover.as_deref_mut().map(|p| p.evaluator());
        reduce(t, relation.program, &mut expander, forms, evaluator.as_deref_mut())?
    };

    enter_stage(prover, Stage::Accumulate);
    let mut fold = prover.as_deref_mut().map(|p| p.fold());
    let accumulated = accumulate(
        t,
        &relation.layout,
        expander.work(),
        &claims,
        fold.as_deref_mut().map(|f| -> &mut dyn FoldProver { f }),
    )?;
    let vector = fold.as_deref().map(|f| Zeroizing::new(f.vector()));
    Ok(AccumulatedArgument { rows, accumulated, vector })
}

fn enter_stage(prover: &mut Option<&mut dyn ArgumentProver>, stage: Stage) {
    if let Some(prover) = prover {
        prover.enter(stage);
    }
}

/// Reads the rows of a phase into the list of all rows; omitted ones are the identity.
fn receive_rows(
    t: &mut Transcript<'_>,
    relation: &Relation<'_>,
    (phase, label): (Phase, Message),
    rows: &mut Vec<G1Affine>,
    prover: &mut Option<&mut dyn ArgumentProver>,
) -> Result<(), Reject> {
    let mine = t.secrets().zip(prover.as_deref_mut()).map(|(secrets, p)| p.commit(phase, secrets));
    rows.resize(relation.layout.rows(phase).end, G1Affine::zero());
    for (i, row) in relation.layout.sent_rows(phase).enumerate() {
        let mine = mine.as_ref().and_then(|m| m.get(i)).copied();
        // Commitments to bound tensors are compared with those of other proofs, byte by byte.
        let point = if phase == Phase::Bound { t.point(label, mine)? } else { t.commitment(label, mine)? };
        if let Some(slot) = rows.get_mut(row) {
            *slot = point;
        }
    }
    Ok(())
}

/// Hides every evaluation that the leaf check and the zero constraints need at the suffixes of `rho`, and adds both.
fn leaf_constraints(
    t: &mut Transcript<'_>,
    relation: &Relation<'_>,
    fingerprint: &Fingerprint,
    leaf_claim: Option<&LeafClaim>,
    expander: &mut Expander<'_>,
    prover: &mut Option<&mut dyn ArgumentProver>,
) -> Result<Vec<HiddenAffine>, Reject> {
    let program = relation.program;
    let bits = |id: TensorId| program.tensors.get(id).map_or(0, |t| t.shape.bits());
    let tree_point = leaf_claim.map(|c| c.rho.as_slice()).unwrap_or_default();
    let longest = program.zeros.iter().map(|&id| bits(id)).max().unwrap_or(0);
    // Constraints on tensors larger than the tree need more leading coordinates.
    let mut rho = t.challenges(longest.saturating_sub(tree_point.len()));
    rho.extend_from_slice(tree_point);
    let mut suffixes: Vec<Option<EvaluationPoint>> = vec![None; rho.len() + 1];
    let mut suffix = |k: usize| -> EvaluationPoint {
        let make = || Rc::from(rho.get(rho.len().saturating_sub(k)..).unwrap_or_default());
        suffixes.get_mut(k).map_or_else(make, |slot| slot.get_or_insert_with(make).clone())
    };
    let mut values: LeafValues<Expansion> = LeafValues::default();
    for lookup in &program.lookups {
        let columns = lookup.columns.iter().map(|&id| expander.evaluate(id, &suffix(bits(id))));
        values.columns.push(columns.collect::<Result<_, Reject>>()?);
    }
    if let Some(leaves) = &relation.leaves {
        for (id, table) in program.tables.enumerate() {
            values.multiplicities.push(expander.query(Polynomial::Multiplicity(id), suffix(table.bits())));
        }
        // A row is evaluated at the fingerprint's point, behind that of its index.
        let row_point = |id: TensorId, index: &EvaluationPoint| -> EvaluationPoint {
            [index, fingerprint.row_point(bits(id).saturating_sub(index.len()))].concat().into()
        };
        for lookup in &program.row_lookups {
            let at = suffix(bits(lookup.indices));
            let row = row_point(lookup.rows, &at);
            values.rows.push([expander.evaluate(lookup.indices, &at)?, expander.evaluate(lookup.rows, &row)?]);
        }
        for &id in &leaves.row_tables {
            let at = suffix(index_bits(program.first_extent(id)));
            let row = expander.evaluate(id, &row_point(id, &at))?;
            values.row_tables.push([row, expander.query(Polynomial::RowMultiplicity(id), at)]);
        }
    }
    let zeros = program.zeros.iter().map(|&id| expander.evaluate(id, &suffix(bits(id)))).collect::<Result<Vec<_>, _>>()?;
    let mut forms = Vec::new();
    {
        let mut evaluator = prover.as_deref_mut().map(|p| p.evaluator());
        answer(t, Message::LeafValues, expander, &mut forms, evaluator.as_deref_mut())?;
    }
    if let Some((leaves, claim)) = relation.leaves.as_ref().zip(leaf_claim) {
        leaves.check(t, program, fingerprint, claim, &values.map(|value| value.form(&forms)));
    }
    for zero in &zeros {
        t.zero(Equation::ZeroConstraint, zero.form(&forms));
    }
    Ok(forms)
}

fn decide(
    t: &mut Transcript<'_>,
    relation: &Relation<'_>,
    key: &DeciderKey<'_>,
    claim: &ClearClaim,
    prover: Option<&dyn ArgumentProver>,
) -> Result<(), Reject> {
    let commitment = if prover.is_some() {
        // Only the verifier reads it.
        G1Projective::default()
    } else {
        let (scalars, points): (Vec<Fr>, Vec<G1Affine>) = claim.commitment.iter().copied().unzip();
        msm::project_sum(&points, &scalars)
    };
    let witness = claim.witness.as_ref().zip(prover).map(|((vector, blinder), p)| decider::DeciderWitness {
        vector,
        blinder: *blinder,
        generators: p.generators(),
    });
    let decided = decider::DeciderClaim { commitment, form: &claim.form, value: claim.value };
    decider::decide(t, key, relation.layout.column_bits, &decided, witness.as_ref())
}
