//! What a proof is made of, known before anybody proves: the argument's messages depend on the program alone.

use crate::argument::argue_hidden;
use crate::key::Relation;
use crate::statement::Statement;
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::product::reduce_products;
use zktorch_accumulator::setup::Decider;
use zktorch_blocks::transcript::{EntryKind, POINT_BYTES, Reject, SCALAR_BYTES, Transcript};

/// The parts of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProofSize {
    /// Commitments to witness and multiplicity rows.
    pub rows: usize,
    /// Hidden messages.
    pub messages: usize,
    /// Scalars that the hidden messages hold.
    pub hidden_scalars: usize,
    /// Constraints on them.
    pub constraints: usize,
    /// Products in these.
    pub products: usize,
    /// Leaves of the fold of rows: pairs of a vector and a form, both as long as a row.
    pub leaves: usize,
    /// Vectors that are masked: the accumulated one, and a segment of hidden scalars each.
    pub parts: usize,
    /// Bytes of all messages.
    pub bytes: usize,
}

impl ProofSize {
    /// The size of every proof of a relation that a decider decides.
    ///
    /// # Errors
    /// If the program makes claims on tensors that are not committed.
    pub fn of(relation: &Relation<'_>, decider: Decider) -> Result<Self, Reject> {
        let columns = relation.columns();
        let mut t = Transcript::dry_run(columns);
        let leaves = argue_hidden(&mut t, relation, &Statement::zeros(), &mut None)?.accumulated.leaves;
        reduce_products(&mut t)?;
        let hidden = t.hidden();
        let products: usize = hidden.constraints().iter().map(|c| c.products.len()).sum();
        let parts = 1 + hidden.segments();
        let c = usize::try_from(relation.layout.column_bits).unwrap_or_default();
        // The mask: a row and a value for each vector, and the value of all rows. The clear fold: a cross term for each but one. Then the decider.
        let points = parts
            + match decider {
                Decider::Kzg => 2,
                Decider::Transparent => 2 * c,
            };
        let scalars = parts + 1 + (parts - 1) + 2;
        let rows = [Phase::Bound, Phase::Witness, Phase::Multiplicities].map(|p| relation.layout.sent_rows(p).count());
        Ok(Self {
            rows: rows.iter().sum(),
            messages: t.log().iter().filter(|e| e.kind == EntryKind::Hidden).count(),
            hidden_scalars: hidden.count(),
            constraints: hidden.constraints().len(),
            products,
            leaves,
            parts,
            bytes: t.len() + POINT_BYTES * points + SCALAR_BYTES * scalars,
        })
    }
}
