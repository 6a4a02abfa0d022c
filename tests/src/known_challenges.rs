//! Provers who know the challenges before they begin, and what they would like to prove.

use crate::field_witness::{Data, table, tensor};
use crate::fixture::Fixture;
use crate::last_message_repair::last_message_repair;
use crate::lying::{Lie, Outcome};
use crate::toy::Toy;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::transcript::{Check, Constraint, Equation, Message, Reject};
use zktorch_prover::Randomness;
use zktorch_verifier::Verdict;

/// Challenges known beforehand.
pub fn coins() -> Vec<Fr> {
    let mut random = Randomness::insecure_seed(17);
    (0..1 << 12).map(|_| random.scalar()).collect()
}

/// The challenges between the message before the first of a label and that one.
pub fn challenges(outcome: &Outcome, label: Message) -> Vec<Fr> {
    let before = outcome.log.iter().position(|e| e.label == label).expect("sent");
    outcome.draws.iter().filter(|d| d.after == before).map(|d| d.value).collect()
}

/// The constraints that are there before `zeta`; those that follow are about messages that follow.
pub fn before_zeta(outcome: &Outcome) -> impl Iterator<Item = &Constraint> {
    outcome
        .constraints
        .iter()
        .filter(|c| ![Equation::ProductRounds, Equation::MaskedFactor, Equation::Product].contains(&c.label))
}

/// A prover who lies about a toy network.
pub struct Liar {
    fixture: Fixture,
    inputs: [Vec<i64>; 1],
}

impl Default for Liar {
    fn default() -> Self {
        Self::on_rows_of(10)
    }
}

impl Liar {
    /// One whose rows have `2^column_bits` columns.
    pub fn on_rows_of(column_bits: u32) -> Self {
        let (fixture, input) = Fixture::toy(&Toy::default(), column_bits);
        Self { fixture, inputs: [input] }
    }

    /// The lie, told.
    pub fn tell(&self, lie: &Lie<'_>) -> Outcome {
        self.fixture.tell(&self.inputs, lie)
    }

    /// The lie under challenges that are known, which is not enough.
    pub fn known(&self, lie: impl Fn() -> Lie<'static>, violated: &[Equation]) -> Outcome {
        let first = self.tell(&lie().knowing(coins()));
        assert_eq!(first.violated, violated);
        assert_eq!(first.reason(), &Reject::Check(Check::MaskedSum));
        first
    }

    /// The lie works if the challenges are known, and does not if they are hashed.
    pub fn works_if_known(&self, lie: impl Fn() -> Lie<'static>, violated: &[Equation]) {
        let known = self.tell(&lie().knowing(coins()));
        assert_eq!(known.verdict, Verdict::Accepted);
        assert_eq!(known.violated, violated);
        let hashed = self.tell(&lie());
        assert_ne!(hashed.violated, []);
        assert_eq!(hashed.reason(), &Reject::Check(Check::MaskedSum));
    }

    /// A lie that violates the constraints named, until a message is chosen with all later challenges in mind.
    pub fn cured(
        &self,
        lie: impl Fn() -> Lie<'static>,
        violated: &[Equation],
        message: (Message, usize),
        free: impl Fn(&Outcome, usize) -> bool,
    ) {
        let first = self.known(&lie, violated);
        let patch = last_message_repair(&first, message, |at| free(&first, at), before_zeta(&first)).expect("a way out");
        self.works_if_known(|| lie().hidden(message.0, message.1, add(patch.clone())), &[]);
    }
}

/// Adds to the scalars of a message.
pub fn add(patch: Vec<Fr>) -> impl Fn(&mut Vec<Fr>) {
    move |values| values.iter_mut().zip(&patch).for_each(|(v, p)| *v += p)
}

/// An output that the network does not have.
pub fn fake_output() -> Lie<'static> {
    Lie::none().statement(|s| s[0][0] += 7)
}

/// A wrong quotient: its remainder is not in the table.
pub fn off_the_table() -> Lie<'static> {
    Lie::none().run("y1", |v| v[8] += 1)
}

/// What it violates: the fractions of the lookups do not sum to zero, nor do the products.
pub const OFF_THE_TABLE: &[Equation] = &[Equation::TreeTopNumerator, Equation::ProductRounds];

/// A committed activation that evaluations deny.
pub fn other_rows() -> Lie<'static> {
    Lie::none().data(|d: &mut Data<'_>| {
        let id = Polynomial::Tensor(tensor(d.program, "f1"));
        let mut rows = d.values[&id].clone();
        rows[2] += from_i64(9);
        d.rows.insert(id, rows);
    })
}

/// A committed multiplicity that evaluations deny.
pub fn other_counts() -> Lie<'static> {
    Lie::none().data(|d: &mut Data<'_>| {
        let counts = table(d.program, "relu");
        let mut rows = d.values[&counts].clone();
        rows[2] += from_i64(9);
        d.rows.insert(counts, rows);
    })
}

/// Whether a scalar of the message `tree top` is a numerator: layer `k` has `2^k` of them, and as many denominators.
pub fn is_numerator(at: usize) -> bool {
    let layer = (at + 3).ilog2() - 1;
    at > 0 && at + 3 - (2 << layer) < 1 << layer
}
