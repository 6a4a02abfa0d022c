//! Hidden scalars: every scalar of the plain protocol is committed to on a slot of its own
//! (docs/protocol.md, section 5). Slots are columns of segments; a message never crosses a segment.

use super::{Constraint, HiddenAffine, Message};
use crate::field::Fr;
use ark_bls12_381::G1Affine;
use zeroize::Zeroizing;

/// The columns of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Segment.
    pub segment: usize,
    /// First column.
    pub column: usize,
    /// Number of columns.
    pub len: usize,
}

/// A commitment to hidden scalars.
#[derive(Clone, Debug)]
pub struct HiddenMessage {
    /// The message it is part of.
    pub label: Message,
    /// Its columns.
    pub slot: Slot,
    /// Index of its first scalar.
    pub first: usize,
    /// The commitment: a point of the curve. What it commits to is said by its projection onto the group.
    pub commitment: G1Affine,
}

/// A row that hides another.
pub struct MaskRow {
    /// Its entries.
    pub row: Zeroizing<Vec<Fr>>,
    /// The blinder of its commitment.
    pub blinder: Fr,
    /// The commitment.
    pub commitment: G1Affine,
}

impl MaskRow {
    /// A row that hides any number of linear functions.
    pub fn uniform(secrets: &mut (impl Secrets + ?Sized), width: usize) -> Self {
        let row = Zeroizing::new((0..width).map(|_| secrets.random()).collect::<Vec<Fr>>());
        let blinder = secrets.random();
        let commitment = secrets.commit_vector(&row, blinder);
        Self { row, blinder, commitment }
    }
}

/// The prover's secrets: what it hid, and the randomness it hides with. Draws happen in protocol order.
pub trait Secrets {
    /// `sum v_i G_(column + i) + beta H` with a fresh blinder; remembers both.
    fn commit(&mut self, label: Message, slot: Slot, values: &[Fr]) -> G1Affine;

    /// All hidden scalars so far.
    fn scalars(&self) -> &[Fr];

    /// The blinder of every message so far.
    fn blinders(&self) -> &[Fr];

    /// A uniformly random scalar.
    fn random(&mut self) -> Fr;

    /// `sum v_i G_i + blinder H`.
    fn commit_vector(&self, values: &[Fr], blinder: Fr) -> G1Affine;

    /// Whether a point may be sent. Generators outside of the group, in a key made by somebody else, would show residues of what is committed.
    fn may_send(&self, _point: &G1Affine) -> bool {
        true
    }

    /// A fresh row of `width` entries, such that `shown` linear functions of its sum with any other tell nothing about the other.
    fn mask_row(&mut self, width: usize, _shown: usize) -> MaskRow {
        MaskRow::uniform(self, width)
    }
}

/// The hidden messages so far, and what must hold of them.
#[derive(Debug)]
pub struct Hidden {
    width: usize,
    segment: usize,
    column: usize,
    count: usize,
    messages: Vec<HiddenMessage>,
    constraints: Vec<Constraint>,
}

impl Hidden {
    /// No messages yet; segments have `width` columns.
    pub(super) fn new(width: usize) -> Self {
        Self { width: width.max(1), segment: 0, column: 0, count: 0, messages: Vec::new(), constraints: Vec::new() }
    }

    /// The slot of the next at most `n` scalars.
    pub(super) fn reserve(&self, n: usize) -> Slot {
        let len = n.min(self.width);
        if self.column + len > self.width {
            Slot { segment: self.segment + 1, column: 0, len }
        } else {
            Slot { segment: self.segment, column: self.column, len }
        }
    }

    /// Takes the slot.
    pub(super) fn book(
        &mut self,
        label: Message,
        slot: Slot,
        commitment: G1Affine,
    ) -> impl Iterator<Item = HiddenAffine> + use<> {
        let first = self.count;
        self.messages.push(HiddenMessage { label, slot, first, commitment });
        (self.segment, self.column) = (slot.segment, slot.column + slot.len);
        self.count += slot.len;
        (first..self.count).map(HiddenAffine::scalar)
    }

    pub(super) fn constrain(&mut self, constraint: Constraint) {
        self.constraints.push(constraint);
    }

    /// Number of hidden scalars.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of segments in use.
    pub fn segments(&self) -> usize {
        self.segment + 1
    }

    /// Columns of a segment.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The commitments in order.
    pub fn messages(&self) -> &[HiddenMessage] {
        &self.messages
    }

    /// The constraints in protocol order.
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }
}
