//! Proof files.

use crate::codec::{DecodeError, Kind, decode, encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use zktorch_accumulator::layout::{Layout, Phase};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::program::{Scale, TensorId};
use zktorch_blocks::transcript::POINT_BYTES;

/// A proof with the statement it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Digest of the verifying key.
    pub key: KeyDigest,
    /// Values of all public tensors, row-major, in program order.
    pub statement: Vec<Vec<i64>>,
    /// `output = integer * 2^-scale`, one an output. Must be the key's.
    pub scales: Vec<Scale>,
    /// Whether the blinders came from a fixed seed: such a proof hides nothing and is for tests only.
    pub seeded: bool,
    /// The messages.
    pub bytes: Vec<u8>,
}

impl Proof {
    /// Commitments to the rows of a private input or output, as the proof has them: they are its first messages. `None` if the
    /// tensor is not bound, or the proof too short.
    pub fn bound(&self, layout: &Layout, id: TensorId) -> Option<Vec<[u8; POINT_BYTES]>> {
        let (points, _) = self.bytes.as_chunks::<POINT_BYTES>();
        let sent = layout.sent_rows(Phase::Bound);
        let own: BTreeSet<usize> = layout.rows_of(Polynomial::Tensor(id)).collect();
        let positions = sent.enumerate().filter(|(_, row)| own.contains(row)).map(|(position, _)| position);
        let rows: Vec<_> = positions.map(|p| points.get(p).copied()).collect::<Option<_>>()?;
        (!rows.is_empty()).then_some(rows)
    }

    /// The bytes of the proof's file.
    ///
    /// # Errors
    /// If the proof cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DecodeError> {
        encode(Kind::Proof, self)
    }

    /// Reads a proof's file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(Kind::Proof, bytes)
    }
}
