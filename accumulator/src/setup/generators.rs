//! The generators themselves.

use super::constants::blinding_generator;
#[cfg(not(feature = "prover"))]
use super::hash::transparent_generator;
use super::{MAX_LOG2, SetupError};
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ec::scalar_mul::ScalarMul;
use ark_ec::{AffineRepr, PrimeGroup};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};
use zktorch_blocks::digest::GeneratorsDigest;
use zktorch_blocks::field::powers;

/// Bytes of an uncompressed point.
const POINT_BYTES: usize = 96;

/// The generators of a setup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generators {
    /// `G_0, G_1, ..`: one for each column.
    pub g: Vec<G1Affine>,
    /// `H`: the blinding generator.
    pub h: G1Affine,
}

impl Generators {
    /// With the blinding generator common to all setups. The caller answers for the points.
    pub fn new(g: Vec<G1Affine>) -> Self {
        Self { g, h: blinding_generator() }
    }

    /// Hash-to-curve generators.
    ///
    /// # Errors
    /// If `columns` is zero or out of range.
    pub fn transparent(columns: usize) -> Result<Self, SetupError> {
        if columns == 0 || columns > 1 << MAX_LOG2 {
            return Err(SetupError::Format(format!("{columns} columns; the limit is 2^{MAX_LOG2}")));
        }
        #[cfg(feature = "prover")]
        let points = {
            use rayon::prelude::*;
            let indices = (0..columns as u64).map(u64::to_le_bytes).collect::<Vec<_>>();
            let hash = |some: &[[u8; 8]]| super::many::hash_all(super::hash::DST_GENERATORS, some);
            Ok(indices.par_chunks(512).flat_map_iter(hash).collect())
        };
        #[cfg(not(feature = "prover"))]
        let points = (0..columns).map(point).collect::<Result<Vec<_>, _>>();
        Ok(Self::new(points?))
    }

    /// `[tau^j]_1` for `j < n`. Whoever knows `tau` can open commitments at will.
    pub fn powers_of(tau: Fr, n: usize) -> Self {
        Self::new(G1Projective::generator().batch_mul(&powers(tau, n)))
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.g.len()
    }

    /// SHA-256 of [`to_bytes`](Self::to_bytes).
    pub fn digest(&self) -> GeneratorsDigest {
        let mut hash = Sha256::new();
        for point in &self.g {
            hash.update(uncompressed(point));
        }
        GeneratorsDigest::new(hash.finalize())
    }

    /// All `G_j`, uncompressed. (`H` is a constant.)
    pub fn to_bytes(&self) -> Vec<u8> {
        self.g.iter().flat_map(uncompressed).collect()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes). The points are not checked one by one: the digest pins them.
    ///
    /// # Errors
    /// If the digest is another, or the bytes are not points.
    pub fn from_bytes_trusted(bytes: &[u8], digest: &GeneratorsDigest) -> Result<Self, SetupError> {
        let found = GeneratorsDigest::new(Sha256::digest(bytes));
        if found != *digest || !bytes.len().is_multiple_of(POINT_BYTES) {
            return Err(SetupError::Digest);
        }
        let read = |(index, chunk): (usize, &[u8])| {
            G1Affine::deserialize_uncompressed_unchecked(chunk).map_err(|_| SetupError::Point { group: "G1", index })
        };
        let points = bytes.chunks_exact(POINT_BYTES).enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(points))
    }
}

#[cfg(not(feature = "prover"))]
fn point(index: usize) -> Result<G1Affine, SetupError> {
    transparent_generator(u64::try_from(index).map_err(|e| SetupError::Format(e.to_string()))?)
}

fn uncompressed(point: &G1Affine) -> [u8; POINT_BYTES] {
    let mut bytes = [0u8; POINT_BYTES];
    // Writing 96 bytes into 96 bytes does not fail; an all-zero string would not be a point.
    if point.serialize_uncompressed(bytes.as_mut_slice()).is_err() || point.is_zero() {
        bytes = [0xff; POINT_BYTES];
    }
    bytes
}
