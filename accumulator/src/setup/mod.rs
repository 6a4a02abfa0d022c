//! The generators that vectors are committed with, and what a verifier has to know of them.
//!
//! | setup | generators | trust |
//! |---|---|---|
//! | Ethereum | `[tau^j]_1` of the KZG ceremony, 4096 of them, embedded | one honest participant |
//! | imported | `[tau^j]_1` of a file, checked when imported | one honest participant of whatever made the file |
//! | transparent | hash-to-curve points | none |
//! | insecure | `[tau^j]_1` for a `tau` that everyone knows | **proofs can be forged**; tests and benchmarks only |
//!
//! The blinding generator `H` is a hash-to-curve point in all of them, never a power.

pub mod constants;
#[cfg(feature = "prover")]
pub mod ethereum;
pub mod generators;
pub mod hash;
#[cfg(feature = "prover")]
pub mod import;
#[cfg(feature = "prover")]
mod many;
#[cfg(test)]
mod tests;

pub use generators::Generators;

use ark_bls12_381::{G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zktorch_blocks::digest::{GeneratorsDigest, SetupDigest};

/// Powers in the embedded ceremony.
pub const ETHEREUM_COLUMNS: usize = 4096;
/// The largest number of columns of any setup.
pub const MAX_LOG2: u32 = 20;

/// Why a setup cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The bytes are not in a known format.
    #[error("not a setup file: {0}")]
    Format(String),
    /// Too few generators.
    #[error("the setup has {found} generators in {group}, {wanted} are needed")]
    Length {
        /// `G1` or `G2`.
        group: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// An element is not a point of the prime-order group.
    #[error("power {index} in {group} is not a point of the prime-order group")]
    Point {
        /// `G1` or `G2`.
        group: &'static str,
        /// Which one.
        index: usize,
    },
    /// The first power is not the group's generator.
    #[error("the first power in {0} is not the generator")]
    Generator(&'static str),
    /// `tau = 0`.
    #[error("the second power in G1 is the identity")]
    Degenerate,
    /// The points in `G1` are not the powers of the `tau` in `G2`.
    #[error("the points in G1 are not successive powers of one tau")]
    Chain,
    /// The points in `G2` are not powers of the same `tau`.
    #[error("the points in G2 are not successive powers of one tau")]
    SecondGroup,
    /// The generators are not the ones the setup names.
    #[error("the generators are not the ones that the key names")]
    Digest,
    /// A transparent setup without its generators.
    #[error("a transparent setup needs its generators")]
    Missing,
    /// The hash to the curve failed.
    #[error("hash to curve: {0}")]
    Hash(String),
}

/// How the folded claim is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// With pairings.
    Kzg,
    /// With the inner-product argument.
    Transparent,
}

/// What a verifier has to know of a setup; small, and part of the verifying key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerifierSetup {
    /// The Ethereum KZG ceremony with 4096 powers.
    Ethereum,
    /// A powers-of-tau file, checked when it was imported.
    Imported {
        /// Number of powers that were checked.
        columns: u64,
        /// `[tau]_2` and `[tau^2]_2`, compressed, one after the other.
        tau: Vec<u8>,
    },
    /// Hash-to-curve points.
    Transparent {
        /// Number of generators.
        columns: u64,
        /// [`Generators::digest`].
        generators: GeneratorsDigest,
    },
    /// A `tau` that everyone knows. Proofs can be forged.
    Insecure {
        /// Logarithm of the number of powers.
        log2: u32,
    },
}

/// A setup in words, for reports and verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Short name.
    pub name: String,
    /// What has to be trusted.
    pub trust: &'static str,
    /// Whether proofs can be forged by anyone.
    pub insecure: bool,
}

impl VerifierSetup {
    /// The largest number of columns.
    pub fn columns(&self) -> usize {
        match self {
            Self::Ethereum => ETHEREUM_COLUMNS,
            Self::Imported { columns, .. } | Self::Transparent { columns, .. } => {
                usize::try_from(*columns).unwrap_or(usize::MAX).min(1 << MAX_LOG2)
            }
            Self::Insecure { log2 } => 1 << (*log2).min(MAX_LOG2),
        }
    }

    /// Whether proofs can be forged by anyone.
    pub fn is_insecure(&self) -> bool {
        matches!(self, Self::Insecure { .. })
    }

    /// Whether vectors committed with either setup have the same commitments: the shorter's generators begin the longer's. Of
    /// transparent setups this is so if both are the hash-to-curve points, which the caller checks by their digests.
    pub fn shares_generators(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Imported { tau, .. }, Self::Imported { tau: other, .. }) => tau == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// The decider that goes with it.
    pub fn decider(&self) -> Decider {
        match self {
            Self::Transparent { .. } => Decider::Transparent,
            Self::Ethereum | Self::Imported { .. } | Self::Insecure { .. } => Decider::Kzg,
        }
    }

    /// The setup in words.
    pub fn describe(&self) -> Description {
        let columns = self.columns();
        let (name, trust) = match self {
            Self::Ethereum => (
                format!("kzg, Ethereum ceremony ({columns} powers)"),
                "sound if one participant of the Ethereum KZG ceremony destroyed its secret",
            ),
            // Anybody can make such a file and know its secret: which one it is must be seen.
            Self::Imported { tau, .. } => (
                format!("kzg, imported powers of tau ({columns} powers, tau {})", fingerprint(tau)),
                "sound if one participant of the imported file's ceremony destroyed its secret",
            ),
            Self::Transparent { .. } => {
                (format!("transparent ({columns} generators)"), "no trusted setup: generators are hashes")
            }
            Self::Insecure { .. } => (
                format!("INSECURE kzg, public tau ({columns} powers)"),
                "INSECURE: tau is public, anyone can forge proofs; for tests and benchmarks only",
            ),
        };
        Description { name, trust, insecure: self.is_insecure() }
    }

    /// A digest of everything that pins the setup.
    pub fn digest(&self) -> SetupDigest {
        let mut hash = Sha256::new();
        hash.update(b"zktorch-v1-setup");
        match self {
            Self::Ethereum => hash.update([0u8]),
            Self::Imported { columns, tau } => {
                hash.update([1u8]);
                hash.update(columns.to_le_bytes());
                hash.update(tau);
            }
            Self::Transparent { columns, generators } => {
                hash.update([2u8]);
                hash.update(columns.to_le_bytes());
                hash.update(generators);
            }
            Self::Insecure { log2 } => {
                hash.update([3u8]);
                hash.update(log2.to_le_bytes());
            }
        }
        SetupDigest::new(hash.finalize())
    }
}

/// Half a digest in hexadecimal: a second preimage takes `2^128` tries.
fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of a compressed point of `G2`.
const G2_BYTES: usize = 96;

/// `[tau]_2` and `[tau^2]_2`, in the group and not the identity.
pub(crate) fn read_tau(bytes: &[u8]) -> Result<(G2Affine, G2Affine), SetupError> {
    let (tau, tau_squared) = bytes
        .split_at_checked(G2_BYTES)
        .filter(|(_, second)| second.len() == G2_BYTES)
        .ok_or_else(|| SetupError::Format("two points in G2 expected".into()))?;
    let point = |bytes: &[u8], index| {
        G2Affine::deserialize_compressed(bytes).ok().filter(|p| !p.is_zero()).ok_or(SetupError::Point { group: "G2", index })
    };
    Ok((point(tau, 1)?, point(tau_squared, 2)?))
}

/// `[tau]_2` and `[tau^2]_2` as [`VerifierSetup::Imported`] holds them.
///
/// # Errors
/// None in practice: writing to a vector does not fail.
pub fn write_tau(tau: G2Affine, tau_squared: G2Affine) -> Result<Vec<u8>, SetupError> {
    let mut bytes = Vec::with_capacity(2 * G2_BYTES);
    for point in [tau, tau_squared] {
        point.serialize_compressed(&mut bytes).map_err(|e| SetupError::Format(e.to_string()))?;
    }
    Ok(bytes)
}

/// A setup with its generators: the prover's side.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the verifier is told.
    pub verifier: VerifierSetup,
    /// The generators.
    pub generators: Generators,
}

impl Setup {
    /// Hash-to-curve generators.
    ///
    /// # Errors
    /// If `columns` is out of range.
    pub fn transparent(columns: usize) -> Result<Self, SetupError> {
        let generators = Generators::transparent(columns)?;
        let count = u64::try_from(columns).map_err(|e| SetupError::Format(e.to_string()))?;
        let verifier = VerifierSetup::Transparent { columns: count, generators: generators.digest() };
        Ok(Self { verifier, generators })
    }

    /// **Insecure**: powers of a `tau` that everyone knows. For tests and benchmarks.
    ///
    /// # Errors
    /// If `log2` is out of range.
    pub fn insecure(log2: u32) -> Result<Self, SetupError> {
        if log2 > MAX_LOG2 {
            return Err(SetupError::Format(format!("2^{log2} columns; the limit is 2^{MAX_LOG2}")));
        }
        let generators = Generators::powers_of(hash::insecure_tau(), 1 << log2);
        Ok(Self { verifier: VerifierSetup::Insecure { log2 }, generators })
    }
}

/// `[tau^j]_2` for `j < n`, for tests and tools that write setup files.
pub fn second_group_powers(tau: ark_bls12_381::Fr, n: usize) -> Vec<G2Affine> {
    let one = G2Projective::from(G2Affine::generator());
    let points: Vec<G2Projective> = zktorch_blocks::field::powers(tau, n).into_iter().map(|t| one * t).collect();
    G2Projective::normalize_batch(&points)
}
