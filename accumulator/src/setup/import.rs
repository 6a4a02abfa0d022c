//! Import of powers-of-tau files.
//!
//! Three formats: our container (see [`to_container`]), the JSON of Ethereum's consensus specifications (`g1_monomial`,
//! `g2_monomial`), and the JSON transcript of the Ethereum ceremony (`transcripts[..].powersOfTau.{G1Powers, G2Powers}`, up to
//! `2^15` powers).

use super::{Generators, MAX_LOG2, Setup, SetupError, VerifierSetup, write_tau};
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::Field;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use rayon::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha512};
use zktorch_blocks::field::{from_wide_bytes, powers};

/// First bytes of our container.
pub const MAGIC: &[u8; 16] = b"zktorch-ptau-v1\n";
/// Powers needed in `G2`: `1, tau, tau^2`.
const SECOND_GROUP: usize = 3;

impl Setup {
    /// Imports the first `columns` powers of a file.
    ///
    /// Checked: the number of powers, that each is a point of the prime-order group, that the first ones are the generators, that
    /// `tau` is not zero, that the powers in `G1` follow one another by the `tau` in `G2` (one pairing equation on a random
    /// combination), and that those in `G2` do.
    ///
    /// # Errors
    /// [`SetupError`] names the check that failed.
    pub fn import(file: &[u8], columns: usize) -> Result<Self, SetupError> {
        if !(2..=1 << MAX_LOG2).contains(&columns) || !columns.is_power_of_two() {
            return Err(SetupError::Format(format!("{columns} columns: a power of two up to 2^{MAX_LOG2} is needed")));
        }
        let raw = if file.starts_with(MAGIC) { Raw::container(file)? } else { Raw::json(file, columns)? };
        let (g, tau, tau_squared) = raw.decode(columns)?;
        let seed = Sha512::new().chain_update(b"zktorch-v1-import").chain_update(file).finalize();
        check_chain(&g, tau, tau_squared, from_wide_bytes(&seed.into()))?;
        let verifier = VerifierSetup::Imported { columns: columns as u64, tau: write_tau(tau, tau_squared)? };
        Ok(Self { verifier, generators: Generators::new(g) })
    }
}

/// Our container: the magic, the numbers of powers in `G1` and `G2` (64 bits, little endian), then the points, uncompressed.
///
/// # Errors
/// None in practice: writing to a vector does not fail.
pub fn to_container(g1: &[G1Affine], g2: &[G2Affine]) -> Result<Vec<u8>, SetupError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend((g1.len() as u64).to_le_bytes());
    bytes.extend((g2.len() as u64).to_le_bytes());
    let failed = |e: ark_serialize::SerializationError| SetupError::Format(e.to_string());
    g1.iter().try_for_each(|p| p.serialize_uncompressed(&mut bytes)).map_err(failed)?;
    g2.iter().try_for_each(|p| p.serialize_uncompressed(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// The encoded points of a file.
struct Raw {
    g1: Vec<Vec<u8>>,
    g2: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct ConsensusJson {
    g1_monomial: Vec<String>,
    g2_monomial: Vec<String>,
}

#[derive(Deserialize)]
struct CeremonyJson {
    transcripts: Vec<TranscriptJson>,
}

#[derive(Deserialize)]
struct TranscriptJson {
    #[serde(rename = "powersOfTau")]
    powers: PowersJson,
}

#[derive(Deserialize)]
struct PowersJson {
    #[serde(rename = "G1Powers")]
    g1: Vec<String>,
    #[serde(rename = "G2Powers")]
    g2: Vec<String>,
}

impl Raw {
    fn container(file: &[u8]) -> Result<Self, SetupError> {
        let malformed = || SetupError::Format("the container is truncated or has extra bytes".into());
        let count = |at: usize| -> Option<usize> {
            let bytes = file.get(at..at + 8)?.try_into().ok()?;
            usize::try_from(u64::from_le_bytes(bytes)).ok().filter(|n| *n <= 1 << MAX_LOG2)
        };
        let (n1, n2) = count(16).zip(count(24)).ok_or_else(malformed)?;
        let body = file.get(32..).filter(|b| b.len() == n1 * 96 + n2 * 192).ok_or_else(malformed)?;
        let (g1, g2) = body.split_at(n1 * 96);
        let chunks = |bytes: &[u8], size| bytes.chunks_exact(size).map(<[u8]>::to_vec).collect();
        Ok(Self { g1: chunks(g1, 96), g2: chunks(g2, 192) })
    }

    fn json(file: &[u8], columns: usize) -> Result<Self, SetupError> {
        let (g1, g2) = if let Ok(json) = serde_json::from_slice::<ConsensusJson>(file) {
            (json.g1_monomial, json.g2_monomial)
        } else {
            let json: CeremonyJson = serde_json::from_slice(file).map_err(|_| {
                SetupError::Format("neither our container, nor consensus-specs JSON, nor a ceremony transcript".into())
            })?;
            let fits = |t: &&TranscriptJson| t.powers.g1.len() >= columns;
            let longest = || json.transcripts.iter().max_by_key(|t| t.powers.g1.len());
            let chosen = json.transcripts.iter().filter(fits).min_by_key(|t| t.powers.g1.len()).or_else(longest);
            let powers = &chosen.ok_or_else(|| SetupError::Format("a ceremony without transcripts".into()))?.powers;
            (powers.g1.clone(), powers.g2.clone())
        };
        let decode = |group, points: Vec<String>| -> Result<Vec<Vec<u8>>, SetupError> {
            let decode = |(index, text): (usize, &String)| hex(text).ok_or(SetupError::Point { group, index });
            points.iter().enumerate().map(decode).collect()
        };
        Ok(Self { g1: decode("G1", g1)?, g2: decode("G2", g2)? })
    }

    /// The powers of `G1`, `[tau]_2` and `[tau^2]_2`: points of the group, the first ones the generators.
    fn decode(&self, columns: usize) -> Result<(Vec<G1Affine>, G2Affine, G2Affine), SetupError> {
        let enough = |group, found, wanted| {
            if found < wanted { Err(SetupError::Length { group, found, wanted }) } else { Ok(()) }
        };
        enough("G1", self.g1.len(), columns)?;
        enough("G2", self.g2.len(), SECOND_GROUP)?;
        let g: Vec<G1Affine> =
            self.g1[..columns].par_iter().enumerate().map(|(i, b)| point("G1", i, b, 48)).collect::<Result<_, _>>()?;
        let g2: Vec<G2Affine> =
            self.g2[..SECOND_GROUP].iter().enumerate().map(|(i, b)| point("G2", i, b, 96)).collect::<Result<_, _>>()?;
        if g[0] != G1Affine::generator() {
            return Err(SetupError::Generator("G1"));
        }
        if g2[0] != G2Affine::generator() {
            return Err(SetupError::Generator("G2"));
        }
        if g[1].is_zero() {
            return Err(SetupError::Degenerate);
        }
        Ok((g, g2[1], g2[2]))
    }
}

/// A point in compressed or uncompressed form, on the curve and in the subgroup.
fn point<P: CanonicalDeserialize>(group: &'static str, index: usize, bytes: &[u8], size: usize) -> Result<P, SetupError> {
    let point = match bytes.len() {
        n if n == size => P::deserialize_compressed(bytes).ok(),
        n if n == 2 * size => P::deserialize_uncompressed(bytes).ok(),
        _ => None,
    };
    point.ok_or(SetupError::Point { group, index })
}

/// `G_(i+1) = tau G_i` for all `i`, and the same in `G2`, by one random combination each.
fn check_chain(g: &[G1Affine], tau: G2Affine, tau_squared: G2Affine, random: Fr) -> Result<(), SetupError> {
    let one = G2Affine::generator();
    let weights = powers(random, g.len() - 1);
    let low = G1Projective::msm_unchecked(&g[..g.len() - 1], &weights);
    let high = G1Projective::msm_unchecked(&g[1..], &weights);
    let holds = |left: [G1Projective; 2], right: [G2Affine; 2]| {
        let product = Bls12_381::multi_pairing(G1Projective::normalize_batch(&left), right);
        product.0 == <Bls12_381 as Pairing>::TargetField::ONE
    };
    if !holds([high, -low], [one, tau]) {
        return Err(SetupError::Chain);
    }
    let (low, high) = (one * Fr::ONE + tau * random, tau * Fr::ONE + tau_squared * random);
    let in_second = [high, low].map(G2Projective::into_affine);
    if !holds([g[0].into(), -G1Projective::from(g[1])], in_second) || tau.is_zero() {
        return Err(SetupError::SecondGroup);
    }
    Ok(())
}

/// The bytes of a hexadecimal string, with or without `0x`.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?));
    pairs.collect()
}
