//! Commitments to private inputs and outputs as files: what several proofs can be about.

use crate::codec::{DecodeError, Kind, decode, encode};
use crate::key::VerifyingKey;
use crate::proof::Proof;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::digest::CommitmentDigest;
use zktorch_blocks::program::{Scale, TensorId};
use zktorch_blocks::transcript::POINT_BYTES;

/// A committed tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Its name where it was committed.
    pub name: String,
    /// Extents of its axes.
    pub shape: Vec<usize>,
    /// `real = integer * 2^-scale`.
    pub scale: Scale,
    /// By which powers of two columns of the last axis are larger; empty for none.
    pub columns: Vec<i32>,
    /// Commitments to its rows, compressed, one after the other.
    pub rows: Vec<u8>,
}

/// A file of commitments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commitment {
    /// Whose generators they are made with.
    pub setup: VerifierSetup,
    /// The tensors.
    pub tensors: Vec<Committed>,
}

impl Commitment {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DecodeError> {
        encode(Kind::Commitment, self)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(Kind::Commitment, bytes)
    }
}

impl Committed {
    /// A bound tensor of a proof, by the name that users know it by.
    pub fn of(key: &VerifyingKey, proof: &Proof, id: TensorId, name: &str) -> Option<Self> {
        let tensor = key.program.tensors.get(id)?;
        let rows: Vec<[u8; POINT_BYTES]> = proof.bound(&key.layout().ok()?, id)?;
        let (shape, columns) = (tensor.shape.dims().to_vec(), key.program.column_exponents(id).to_vec());
        Some(Self { name: name.to_owned(), shape, scale: tensor.scale, columns, rows: rows.concat() })
    }

    /// SHA-256 of the commitments: its name for people.
    pub fn digest(&self) -> CommitmentDigest {
        CommitmentDigest::new(Sha256::digest(&self.rows))
    }

    /// Whether both hold the same real numbers, if they are made with the same generators.
    pub fn same(&self, other: &Self) -> bool {
        self.fits(other) && self.rows == other.rows
    }

    /// Whether one could be in the other's place: shape and scales are the same.
    pub fn fits(&self, other: &Self) -> bool {
        (&self.shape, self.scale, &self.columns) == (&other.shape, other.scale, &other.columns)
    }
}
