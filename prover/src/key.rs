//! Proving keys, and the making of both keys.

use crate::error::ProveError;
use crate::mask::MaskRows;
use crate::randomness::Randomness;
use ark_bls12_381::G1Affine;
use ark_ff::{BigInteger, PrimeField};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};
use zktorch_accumulator::decider;
use zktorch_accumulator::layout::{Layout, Phase};
use zktorch_accumulator::mask::shown;
use zktorch_accumulator::msm::fixed::Tables;
use zktorch_accumulator::msm::row::commit_rows;
use zktorch_accumulator::msm::{CurvePoint, raw};
use zktorch_accumulator::rows::{Row, rows};
use zktorch_accumulator::setup::{Generators, Setup};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::field::Fr;
use zktorch_blocks::integers::{Integers, Store, Width};
use zktorch_blocks::program::{Limits, Program, Role, TensorId};
use zktorch_blocks::transcript::Reject;
use zktorch_verifier::codec::{DecodeError, Kind, Sections, decode_with_sections, encode_with_sections};
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

/// What a key's file begins with; the numbers are behind it, as they lie in memory (docs/hostile-input.md).
#[derive(Serialize, Deserialize)]
struct Head {
    /// The weights: bytes of an integer, and how many there are.
    weights: Vec<(TensorId, u8, usize)>,
    /// How many blinders, generators, points of the tables and mask rows there are.
    counts: [usize; 4],
    /// Digest of the verifying key.
    verifying: KeyDigest,
}

/// Bytes of a blinder, a canonical integer.
const BLINDER: usize = 32;

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
        let mut blinders = Zeroizing::new(Vec::with_capacity(self.blinders.len() * BLINDER));
        self.blinders.iter().for_each(|blinder| blinders.extend(blinder.into_bigint().to_bytes_le()));
        let raw_of = |points: &[G1Affine]| raw::bytes_of(points.iter().map(CurvePoint::from));
        let points = [raw_of(&self.generators.g), self.tables.to_raw(), raw_of(self.masks.commitments())];
        let [generators, tables, masks] = points.each_ref().map(|bytes| bytes.len() / raw::BYTES);
        let weights = self.weights.iter().map(|(&id, own)| (id, own.width().bytes() as u8, own.len())).collect();
        let counts = [self.blinders.len(), generators, tables, masks];
        let head = Head { weights, counts, verifying: *self.masks.key() };
        let sections: Vec<&[u8]> = [blinders.as_slice()]
            .into_iter()
            .chain(points.iter().map(Vec::as_slice))
            .chain(self.weights.values().map(Integers::bytes))
            .collect();
        encode_with_sections(Kind::ProvingKey, &head, &sections)
    }

    /// Reads a key's file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut store = Store::zeros(bytes.len());
        store.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
        Self::from_store(&Arc::new(store), bytes.len())
    }

    /// Reads the weights alone out of a key's file of so many bytes: a run needs no more, and the points of a key take longer to read.
    ///
    /// # Errors
    /// If the file is no key, or its weights do not decode.
    pub fn weights_from_store(store: &Arc<Store>, len: usize) -> Result<Weights, DecodeError> {
        let parts = Parts::of(store, len)?;
        parts.sections.finish()?;
        Ok(parts.weights)
    }

    /// Reads a key's file of so many bytes, in memory in which the weights stay.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_store(store: &Arc<Store>, len: usize) -> Result<Self, DecodeError> {
        let bytes = &store.bytes()[..len];
        let Parts { verifying, blinders, points: [generators, tables, masks], weights, sections } = Parts::of(store, len)?;
        let failed = |what: &str| sections.failed(what.into());
        let affine = |bytes: &[u8]| Some(raw::points(bytes)?.iter().map(G1Affine::from).collect::<Vec<G1Affine>>());
        let generators = Generators::new(affine(&bytes[generators]).ok_or_else(|| failed("generators"))?);
        let tables = Tables::from_raw(&bytes[tables]).ok_or_else(|| failed("fixed-base tables"))?;
        let masks = affine(&bytes[masks])
            .and_then(|rows| MaskRows::from_parts(&generators, verifying, rows))
            .ok_or_else(|| failed("mask rows"))?;
        let blinders = bytes[blinders].chunks(BLINDER).map(Fr::from_le_bytes_mod_order).collect();
        sections.finish()?;
        Ok(Self { weights, blinders, generators, tables, masks })
    }
}

/// Where the parts of a key's file lie.
struct Parts {
    verifying: KeyDigest,
    blinders: Range<usize>,
    /// Generators, fixed-base tables and mask rows.
    points: [Range<usize>; 3],
    weights: Weights,
    sections: Sections,
}

impl Parts {
    fn of(store: &Arc<Store>, len: usize) -> Result<Self, DecodeError> {
        let (head, mut sections) = decode_with_sections::<Head>(Kind::ProvingKey, &store.bytes()[..len])?;
        let [blinders, generators, tables, masks] = head.counts;
        let blinders = sections.next(blinders.saturating_mul(BLINDER))?;
        let mut points = |count: usize| sections.next(count.saturating_mul(raw::BYTES));
        let points = [points(generators)?, points(tables)?, points(masks)?];
        let mut weights = Weights::new();
        for (id, size, count) in head.weights {
            let place = sections.next(count.saturating_mul(size.into()))?;
            let width = Width::ALL.into_iter().find(|width| width.bytes() == usize::from(size));
            let own = width.and_then(|width| Integers::within(store, width, place.start, count));
            // Each tensor once, in order: there is one file of a key.
            let later = weights.last_key_value().is_none_or(|(last, _)| *last < id);
            match own.filter(|_| later) {
                Some(own) => weights.insert(id, own),
                None => return Err(sections.failed("weights".into())),
            };
        }
        Ok(Self { verifying: head.verifying, blinders, points, weights, sections })
    }
}

impl Drop for ProvingKey {
    fn drop(&mut self) {
        self.blinders.zeroize();
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
    let rows = rows(&layout, Phase::Model, |p| match p {
        Polynomial::Tensor(id) => weights.get(&id).cloned().unwrap_or_default(),
        Polynomial::Multiplicity(_) | Polynomial::RowMultiplicity(_) => Integers::default(),
    });
    let mut blinders = vec![Fr::from(0u64); rows.len()];
    let sent: Vec<usize> = layout.sent_rows(Phase::Model).collect();
    sent.iter().for_each(|&row| blinders[row] = randomness.scalar());
    let generators = Generators { g: setup.generators.g[..1 << column_bits].to_vec(), h: setup.generators.h };
    let sent_rows: Vec<&Row> = sent.iter().map(|&row| &rows[row]).collect();
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
