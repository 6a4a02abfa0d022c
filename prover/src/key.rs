//! Proving keys, and the making of both keys.

use crate::error::ProveError;
use crate::mask::MaskRows;
use crate::randomness::Randomness;
use ark_bls12_381::G1Affine;
use ark_ff::{BigInteger, PrimeField};
use ark_serialize::CanonicalDeserialize;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};
use zktorch_accumulator::decider;
use zktorch_accumulator::layout::{Layout, Phase};
use zktorch_accumulator::mask::shown;
use zktorch_accumulator::msm::fixed::Tables;
use zktorch_accumulator::msm::row::commit_rows;
use zktorch_accumulator::setup::{Generators, Setup};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::digest::{GeneratorsDigest, KeyDigest};
use zktorch_blocks::execute::{Weights, wipe};
use zktorch_blocks::field::Fr;
use zktorch_blocks::program::{Limits, Program, Role, TensorId};
use zktorch_blocks::transcript::Reject;
use zktorch_verifier::codec::{DecodeError, Kind, decode, encode};
use zktorch_verifier::key::{KeyError, KeyPort, Relation, VerifyingKey};
use zktorch_verifier::size::ProofSize;

/// What the owner of a model keeps: the weights and the blinders of their commitments.
#[derive(Clone)]
pub struct ProvingKey {
    /// Values of the weight tensors.
    pub weights: Weights,
    /// Blinders of the model's rows (0 for rows that are not sent).
    pub blinders: Vec<Fr>,
    /// The generators of the commitments.
    pub generators: Generators,
    /// Fixed-base tables of the generators that hidden messages use.
    pub tables: Tables,
    /// What mask rows are made of.
    pub masks: MaskRows,
}

/// The file's form.
#[derive(Serialize, Deserialize)]
struct Stored {
    weights: BTreeMap<TensorId, Vec<i64>>,
    blinders: Vec<[u8; 32]>,
    generators: Vec<u8>,
    digest: GeneratorsDigest,
    tables: Vec<u8>,
    verifying: KeyDigest,
    mask_rows: Vec<u8>,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.weights.values_mut().for_each(Zeroize::zeroize);
        self.blinders.zeroize();
    }
}

impl ProvingKey {
    /// The key beside a verifying key.
    fn of(
        verifying: &VerifyingKey,
        weights: Weights,
        blinders: Vec<Fr>,
        generators: Generators,
    ) -> Result<Self, KeygenError> {
        let decider = verifying.setup.decider();
        let relation = Relation::new(verifying)?;
        let size = ProofSize::of(&relation, decider)?;
        let tables = Tables::new(&generators.g[..size.hidden_scalars.min(generators.columns())]);
        let shown = shown(size.parts, decider::shown(decider, verifying.column_bits));
        let masks = MaskRows::new(&generators, relation.digest, shown);
        Ok(Self { weights, blinders, generators, tables, masks })
    }

    /// What is proved with both keys.
    ///
    /// # Errors
    /// If the verifying key is not usable, or another than the one that was made with this key.
    pub(crate) fn relation<'k>(&'k self, verifying: &'k VerifyingKey) -> Result<Relation<'k>, ProveError> {
        let relation = Relation::new(verifying)?;
        if relation.digest == *self.masks.key() { Ok(relation) } else { Err(ProveError::Foreign) }
    }

    /// The bytes of the key's file.
    ///
    /// # Errors
    /// If the key cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DecodeError> {
        let scalar = |x: &Fr| {
            let mut bytes = [0u8; 32];
            bytes.copy_from_slice(&x.into_bigint().to_bytes_le());
            bytes
        };
        let mut mask_rows = Vec::new();
        self.masks.commitments().iter().for_each(|point| VerifyingKey::push_row(&mut mask_rows, point));
        let stored = Stored {
            weights: self.weights.iter().map(|(id, w)| (*id, w.to_vec())).collect(),
            blinders: self.blinders.iter().map(scalar).collect(),
            generators: self.generators.to_bytes(),
            digest: self.generators.digest(),
            tables: self.tables.to_bytes(),
            verifying: *self.masks.key(),
            mask_rows,
        };
        encode(Kind::ProvingKey, &stored)
    }

    /// Reads a key's file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut stored: Stored = decode(Kind::ProvingKey, bytes)?;
        let failed = |why: String| DecodeError::Payload { kind: Kind::ProvingKey.name(), why };
        let generators =
            Generators::from_bytes_trusted(&stored.generators, &stored.digest).map_err(|e| failed(e.to_string()))?;
        let tables = Tables::from_bytes_trusted(&stored.tables).ok_or_else(|| failed("fixed-base tables".into()))?;
        let row = |bytes: &[u8]| G1Affine::deserialize_uncompressed_unchecked(bytes).ok();
        let rows: Option<Vec<G1Affine>> = stored.mask_rows.chunks(96).map(row).collect();
        let masks = rows
            .and_then(|rows| MaskRows::from_parts(&generators, stored.verifying, rows))
            .ok_or_else(|| failed("mask rows".into()))?;
        // One tensor after the other, so that there are not two of all.
        let shared = |(id, mut values): (TensorId, Vec<i64>)| {
            let shared = (id, Arc::from(values.as_slice()));
            values.zeroize();
            shared
        };
        Ok(Self {
            weights: std::mem::take(&mut stored.weights).into_iter().map(shared).collect(),
            blinders: stored.blinders.iter().map(|b| Fr::from_le_bytes_mod_order(b)).collect(),
            generators,
            tables,
            masks,
        })
    }
}

impl Drop for ProvingKey {
    fn drop(&mut self) {
        self.blinders.zeroize();
        self.weights.values_mut().for_each(wipe);
    }
}

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeygenError {
    /// The program or the setup does not make a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The program cannot be argued about.
    #[error(transparent)]
    Program(#[from] Reject),
    /// Weights of other shapes or widths than those that are committed to.
    #[error("the program's weights are not those of the model: their shapes or widths differ")]
    Model,
}

/// Commits to a program's weights and makes both keys. The setup has at least `2^column_bits` generators; a transparent one
/// exactly that many.
///
/// # Errors
/// If the program is not well formed, or the setup too small.
pub fn keygen(
    program: Program,
    weights: Weights,
    setup: &Setup,
    column_bits: u32,
    [inputs, outputs]: [Vec<KeyPort>; 2],
    randomness: &mut Randomness,
) -> Result<(ProvingKey, VerifyingKey), KeygenError> {
    program.validate(&Limits::default()).map_err(KeyError::from)?;
    if column_bits >= 32 || 1usize << column_bits > setup.generators.columns() {
        return Err(KeyError::Columns(column_bits).into());
    }
    let layout = Layout::new(&program, column_bits).map_err(KeyError::from)?;
    let rows = Zeroizing::new(layout.fill(Phase::Model, |p| match p {
        Polynomial::Tensor(id) => weights.get(&id).cloned().unwrap_or_else(|| Arc::from([])),
        Polynomial::Multiplicity(_) | Polynomial::RowMultiplicity(_) => Arc::from([]),
    }));
    let mut blinders = vec![Fr::from(0u64); rows.len()];
    let sent: Vec<usize> = layout.sent_rows(Phase::Model).collect();
    sent.iter().for_each(|&row| blinders[row] = randomness.scalar());
    let generators = Generators { g: setup.generators.g[..1 << column_bits].to_vec(), h: setup.generators.h };
    let sent_rows: Vec<&[i64]> = sent.iter().map(|&row| rows[row].as_slice()).collect();
    let sent_blinders = Zeroizing::new(sent.iter().map(|&row| blinders[row]).collect::<Vec<Fr>>());
    let mut model_rows = Vec::new();
    for point in commit_rows(&sent_rows, &sent_blinders, &generators) {
        VerifyingKey::push_row(&mut model_rows, &point);
    }
    let verifying = VerifyingKey { program, setup: setup.verifier.clone(), column_bits, model_rows, inputs, outputs };
    Ok((ProvingKey::of(&verifying, weights, blinders, generators)?, verifying))
}

/// Makes both keys for one more program on the weights that are committed in other keys: nothing is committed to, and the model is the same.
///
/// # Errors
/// As [`keygen`], and if the program's weights are of other shapes or widths.
pub fn keygen_alike(
    program: Program,
    [inputs, outputs]: [Vec<KeyPort>; 2],
    (proving, verifying): (&ProvingKey, &VerifyingKey),
) -> Result<(ProvingKey, VerifyingKey), KeygenError> {
    let VerifyingKey { setup, column_bits, model_rows, .. } = verifying.clone();
    let alike = VerifyingKey { program, setup, column_bits, model_rows, inputs, outputs };
    if alike.model_digest() != verifying.model_digest() {
        return Err(KeygenError::Model);
    }
    let weights = alike.program.with_role(Role::Weight).zip(proving.weights.values().cloned()).collect();
    Ok((ProvingKey::of(&alike, weights, proving.blinders.clone(), proving.generators.clone())?, alike))
}
