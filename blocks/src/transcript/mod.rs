//! The public-coin conversation, made non-interactive, and the hidden scalars it carries.
//!
//! One function runs on both sides. A protocol function hands every message over as `Some(value)` on the prover's side and
//! `None` on the verifier's; it gets the message back as the verifier sees it. What is read is hashed by reading it, so
//! nothing can be used and not bound. Lengths come from the program and never from the proof.
//!
//! The sponge is spongefish's TurboSHAKE128 (draft-irtf-cfrg-fiat-shamir). Its prover and verifier states are not
//! used: their errors carry no reason, and hidden messages need the tape and the slots side by side.

mod affine;
mod coins;
mod constraint;
mod hidden;
mod names;
mod point;
mod reject;

pub use affine::HiddenAffine;
pub use constraint::{Constraint, Product};
pub use hidden::{Hidden, HiddenMessage, MaskRow, Secrets, Slot};
pub use names::{Check, Equation, Message};
use point::Ahead;
pub use point::{POINT_BYTES, decode_point, encode_point};
pub use reject::{Misfit, Reject, check};

use crate::field::Fr;
use ark_bls12_381::G1Affine;
use ark_ec::AffineRepr;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use coins::Coins;
use zeroize::Zeroizing;

/// Bytes of a scalar on the wire (little endian, canonical).
pub const SCALAR_BYTES: usize = 32;

/// The tape of messages: the prover writes, the verifier reads.
enum Tape<'a> {
    Write { bytes: Vec<u8>, secrets: &'a mut dyn Secrets },
    Read { rest: &'a [u8], ahead: Ahead },
    Count,
}

/// A clear message, for reports and tampering tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageEntry {
    /// Name of the message.
    pub label: Message,
    /// What it is on the wire.
    pub kind: EntryKind,
    /// First byte in the proof.
    pub offset: usize,
}

/// What a message is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A point of the group.
    Point,
    /// A commitment, read as its projection onto the group.
    Commitment,
    /// The same, to hidden scalars.
    Hidden,
    /// A scalar in the clear.
    Scalar,
}

/// A challenge that was drawn, for reports and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Messages before it.
    pub after: usize,
    /// The challenge.
    pub value: Fr,
}

/// One side of the conversation.
pub struct Transcript<'a> {
    coins: Coins,
    tape: Tape<'a>,
    at: usize,
    hidden: Hidden,
    log: Vec<MessageEntry>,
    draws: Vec<Draw>,
}

impl<'a> Transcript<'a> {
    /// The prover's side. `secrets` commits to hidden scalars; `width` is the number of columns of a segment.
    pub fn prover(protocol: &str, width: usize, secrets: &'a mut dyn Secrets) -> Self {
        Self::new(protocol, width, Tape::Write { bytes: Vec::new(), secrets })
    }

    /// The verifier's side, on the bytes of a proof.
    pub fn verifier(protocol: &str, width: usize, proof: &'a [u8]) -> Self {
        Self::new(protocol, width, Tape::Read { rest: proof, ahead: Ahead::default() })
    }

    /// A conversation in which every message is zero: it tells what a proof is made of without anybody proving. Equations
    /// in the clear do not hold in it.
    pub fn dry_run(width: usize) -> Self {
        Self::new("", width, Tape::Count)
    }

    fn new(protocol: &str, width: usize, tape: Tape<'a>) -> Self {
        let (hidden, log, draws) = (Hidden::new(width), Vec::new(), Vec::new());
        Self { coins: Coins::hashed(protocol), tape, at: 0, hidden, log, draws }
    }

    /// The interactive protocol with coins that were tossed before it began, for simulators and for attacks that know a challenge
    /// too early. **It proves nothing**: nothing that is sent has a bearing on the challenges.
    #[cfg(feature = "prover")]
    pub fn tossed(self, coins: Vec<Fr>) -> Self {
        Self { coins: Coins::Tossed(coins.into_iter()), ..self }
    }

    /// Whether this is the prover's side.
    pub fn is_prover(&self) -> bool {
        matches!(self.tape, Tape::Write { .. })
    }

    /// The prover's secrets.
    pub fn secrets(&mut self) -> Option<&mut (dyn Secrets + 'a)> {
        match &mut self.tape {
            Tape::Write { secrets, .. } => Some(&mut **secrets),
            Tape::Read { .. } | Tape::Count => None,
        }
    }

    /// Binds bytes both sides know, with their length.
    pub fn absorb(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.coins.absorb(&length.to_le_bytes());
        self.coins.absorb(bytes);
    }

    /// A challenge: 64 squeezed bytes, little endian, reduced.
    pub fn challenge(&mut self) -> Fr {
        let value = self.coins.challenge();
        self.draws.push(Draw { after: self.log.len(), value });
        value
    }

    /// `n` challenges.
    pub fn challenges(&mut self, n: usize) -> Vec<Fr> {
        (0..n).map(|_| self.challenge()).collect()
    }

    /// A scalar in the clear.
    ///
    /// # Errors
    /// If the proof ends, or the bytes are not canonical.
    pub fn scalar(&mut self, label: Message, value: Option<Fr>) -> Result<Fr, Reject> {
        let mut bytes = [0u8; SCALAR_BYTES];
        if let Some(value) = value {
            value.serialize_compressed(bytes.as_mut_slice()).map_err(|_| Reject::Scalar(label))?;
        }
        let bytes = self.exchange(label, EntryKind::Scalar, bytes)?;
        Fr::deserialize_compressed(bytes.as_slice()).map_err(|_| Reject::Scalar(label))
    }

    /// A commitment that is only ever used in sums that are projected onto the group, along the points of small order. It is read as its own
    /// projection, which is cheaper than to check that it is one. The bytes are bound as they are.
    ///
    /// # Errors
    /// If the proof ends, or the bytes are not a point of the curve.
    pub fn commitment(&mut self, label: Message, value: Option<G1Affine>) -> Result<G1Affine, Reject> {
        self.point_by(label, EntryKind::Commitment, value)
    }

    /// A point of the group.
    ///
    /// # Errors
    /// If the proof ends, or the bytes are not a point of the group.
    pub fn point(&mut self, label: Message, value: Option<G1Affine>) -> Result<G1Affine, Reject> {
        self.point_by(label, EntryKind::Point, value)
    }

    /// One message of `n` hidden scalars, in as many commitments as segments of `width` columns ask for. Returns the
    /// scalars as affine forms. They are read as [`commitment`](Self::commitment) reads them.
    ///
    /// # Errors
    /// If the proof ends, or the bytes are not points of the curve.
    pub fn hide(&mut self, label: Message, n: usize, values: Option<Vec<Fr>>) -> Result<Vec<HiddenAffine>, Reject> {
        let values = values.map(Zeroizing::new);
        let mut forms = Vec::with_capacity(n);
        while forms.len() < n {
            let slot = self.hidden.reserve(n - forms.len());
            let commitment = match (&mut self.tape, &values) {
                (Tape::Write { secrets, .. }, Some(values)) => {
                    let chunk = values.get(forms.len()..forms.len() + slot.len).unwrap_or_default();
                    Some(secrets.commit(label, slot, chunk))
                }
                _ => None,
            };
            let commitment = self.point_by(label, EntryKind::Hidden, commitment)?;
            forms.extend(self.hidden.book(label, slot, commitment));
        }
        Ok(forms)
    }

    /// The constraint that a form vanishes.
    pub fn zero(&mut self, label: Equation, form: HiddenAffine) {
        self.hidden.constrain(Constraint { label, products: Vec::new(), form });
    }

    /// The constraint `sum a b + form = 0`.
    pub fn quad(&mut self, label: Equation, products: Vec<Product>, form: HiddenAffine) {
        self.hidden.constrain(Constraint { label, products, form });
    }

    /// The hidden messages and the constraints on them.
    pub fn hidden(&self) -> &Hidden {
        &self.hidden
    }

    /// Bytes of the messages so far.
    pub fn len(&self) -> usize {
        self.at
    }

    /// Whether there was no message yet.
    pub fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// The messages so far, in order.
    pub fn log(&self) -> &[MessageEntry] {
        &self.log
    }

    /// The challenges so far, in order.
    pub fn draws(&self) -> &[Draw] {
        &self.draws
    }

    /// Ends the conversation: the prover gets the proof, the verifier an empty vector.
    ///
    /// # Errors
    /// [`Reject::Trailing`] if the verifier has bytes left.
    pub fn finish(self) -> Result<Vec<u8>, Reject> {
        match self.tape {
            Tape::Write { bytes, .. } => Ok(bytes),
            Tape::Read { rest: [], .. } | Tape::Count => Ok(Vec::new()),
            Tape::Read { rest, .. } => Err(Reject::Trailing(rest.len())),
        }
    }

    fn point_by(&mut self, label: Message, kind: EntryKind, value: Option<G1Affine>) -> Result<G1Affine, Reject> {
        if let (Tape::Write { secrets, .. }, Some(value)) = (&self.tape, &value)
            && !secrets.may_send(value)
        {
            return Err(Reject::Point(label));
        }
        let bytes = self.exchange(label, kind, value.as_ref().map_or([0; POINT_BYTES], encode_point))?;
        let point = match (&mut self.tape, value) {
            (Tape::Count, _) => Some(G1Affine::zero()),
            // The prover knows its own points.
            (Tape::Write { .. }, value) => value,
            (Tape::Read { rest, ahead }, _) => {
                let in_group =
                    |point: &G1Affine| kind != EntryKind::Point || point.is_in_correct_subgroup_assuming_on_curve();
                ahead.next(&bytes, rest).filter(in_group)
            }
        };
        point.ok_or(Reject::Point(label))
    }

    /// Writes the bytes, or reads as many; both are hashed.
    fn exchange<const N: usize>(&mut self, label: Message, kind: EntryKind, mine: [u8; N]) -> Result<[u8; N], Reject> {
        let message = match &mut self.tape {
            Tape::Write { bytes, .. } => {
                bytes.extend_from_slice(&mine);
                mine
            }
            Tape::Read { rest, .. } => {
                let (message, tail) = rest.split_first_chunk::<N>().ok_or(Reject::Truncated(label))?;
                *rest = tail;
                *message
            }
            Tape::Count => mine,
        };
        self.log.push(MessageEntry { label, kind, offset: self.at });
        self.at += N;
        self.coins.absorb(&message);
        Ok(message)
    }
}
