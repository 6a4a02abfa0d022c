//! Commitments to private inputs before there is a proof, and their openings.

use crate::key::ProvingKey;
use crate::randomness::Randomness;
use crate::session::Blinders;
use ark_bls12_381::Fr;
use ark_ff::{BigInteger, PrimeField};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::msm::row::commit_rows;
use zktorch_accumulator::rows::{Row, rows};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::integers::Integers;
use zktorch_blocks::program::TensorId;
use zktorch_blocks::transcript::encode_point;
use zktorch_verifier::codec::{DecodeError, Kind, decode, encode};
use zktorch_verifier::key::{KeyError, VerifyingKey};

/// What opens a commitment to a tensor. Secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Opened {
    /// The integers, row-major.
    pub values: Vec<i64>,
    /// The blinder of each row, little endian.
    blinders: Vec<[u8; 32]>,
}

/// The openings of a file of commitments, in its order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The tensors.
    pub tensors: Vec<Opened>,
}

impl Opened {
    /// An opening.
    pub fn new(values: Vec<i64>, blinders: &[Fr]) -> Self {
        let bytes = |b: &Fr| {
            let mut bytes = [0u8; 32];
            bytes.copy_from_slice(&b.into_bigint().to_bytes_le());
            bytes
        };
        Self { values, blinders: blinders.iter().map(bytes).collect() }
    }

    /// The blinders of the rows.
    pub fn blinders(&self) -> Vec<Fr> {
        self.blinders.iter().map(|b| Fr::from_le_bytes_mod_order(b)).collect()
    }
}

impl Opening {
    /// The bytes of the file.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DecodeError> {
        encode(Kind::Opening, self)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(Kind::Opening, bytes)
    }
}

/// Draws blinders for the rows of a bound tensor.
///
/// # Errors
/// If the key is not well formed.
pub fn draw(verifying: &VerifyingKey, id: TensorId, randomness: &mut Randomness) -> Result<Vec<Fr>, KeyError> {
    Ok(verifying.layout()?.rows_of(Polynomial::Tensor(id)).map(|_| randomness.scalar()).collect())
}

/// The commitments to the rows of a bound tensor that these blinders make, compressed, one after the other.
///
/// # Errors
/// If the key is not well formed.
pub fn commit(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    id: TensorId,
    values: &[i64],
    blinders: &[Fr],
) -> Result<Vec<u8>, KeyError> {
    let layout = verifying.layout()?;
    let own = Polynomial::Tensor(id);
    let filled = rows(&layout, Phase::Bound, |p| if p == own { Integers::from(values) } else { Integers::default() });
    let first = layout.rows(Phase::Bound).start;
    let rows: Vec<&Row> = layout.rows_of(own).filter_map(|row| filled.get(row.checked_sub(first)?)).collect();
    let matching = rows.len() == blinders.len();
    let points = if matching { commit_rows(&rows, blinders, &proving.generators) } else { Vec::new() };
    Ok(points.iter().flat_map(encode_point).collect())
}

/// Blinders of one tensor, as [`crate::Prover::bound`] takes them.
pub fn blinders_of(id: TensorId, opened: &Opened) -> Blinders {
    Blinders::from([(id, opened.blinders())])
}
