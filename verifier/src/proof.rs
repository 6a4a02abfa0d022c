//! Proof files.

use crate::codec::{DecodeError, Kind, decode, encode};
use serde::{Deserialize, Serialize};

/// A proof with the statement it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Digest of the verifying key.
    pub key: [u8; 32],
    /// Values of all public tensors, row-major, in program order.
    pub statement: Vec<Vec<i64>>,
    /// `output = integer * 2^-scale`, one an output. Must be the key's.
    pub scales: Vec<i32>,
    /// Whether the blinders came from a fixed seed: such a proof hides nothing and is for tests only.
    pub seeded: bool,
    /// The messages.
    pub bytes: Vec<u8>,
}

impl Proof {
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
