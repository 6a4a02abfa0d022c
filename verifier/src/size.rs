//! What a proof is made of, known before anybody proves: the argument's messages depend on the program alone.

use crate::argument::argue_hidden;
use crate::key::Relation;
use crate::statement::Statement;
use zktorch_accumulator::layout::Phase;
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
    /// Segments of hidden scalars.
    pub segments: usize,
    /// Bytes of all messages.
    pub bytes: usize,
}

impl ProofSize {
    /// The size of every proof of a relation; `transparent` tells the decider.
    ///
    /// # Errors
    /// If the program makes claims on tensors that are not committed.
    pub fn of(relation: &Relation<'_>, transparent: bool) -> Result<Self, Reject> {
        let columns = relation.columns();
        let mut t = Transcript::dry_run(columns);
        argue_hidden(&mut t, relation, &Statement::zeros(relation.program), &mut None)?;
        // The mask's row, its hidden value, and the masked value.
        let _zero = (t.point("mask row", None)?, t.hide("mask value", 1, None)?, t.scalar("masked value", None)?);
        let hidden = t.hidden();
        let segments = hidden.segments();
        let products: usize = hidden.constraints().iter().map(|c| c.products.len()).sum();
        let rounds = usize::try_from(products.next_power_of_two().trailing_zeros()).unwrap_or(usize::MAX);
        let c = relation.layout.column_bits;
        // Closing: masks and weighted masks of segments, the error commitments; then the error's opening, the two parts of the equation, the
        // product rounds and factors, two values a segment, a cross term for every claim but one.
        let points = 2 * segments + 2 + if transparent { 2 * c } else { 2 };
        let scalars = 4 + 2 * rounds + 2 + 2 * segments + 2 * segments + 2;
        let rows = [Phase::Bound, Phase::Witness, Phase::Multiplicities].map(|p| relation.layout.sent_rows(p).count());
        Ok(Self {
            rows: rows.iter().sum(),
            messages: t.log().iter().filter(|e| e.kind == EntryKind::Hidden).count(),
            hidden_scalars: hidden.count(),
            constraints: hidden.constraints().len() + 1,
            products,
            segments,
            bytes: t.len() + POINT_BYTES * points + SCALAR_BYTES * scalars,
        })
    }
}
