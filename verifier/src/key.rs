//! Verifying keys.

use crate::codec::{DecodeError, Kind, canonical, decode, encode};
use ark_bls12_381::G1Affine;
use ark_ec::AffineRepr;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zktorch_accumulator::layout::{Layout, Phase, TooManyRows};
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::digest::{KeyDigest, ModelDigest, ProgramDigest};
use zktorch_blocks::lookup::Leaves;
use zktorch_blocks::program::{Element, Invalid, Limits, Program, Source, Tensor, TensorId};
use zktorch_blocks::transcript::Reject;

/// Bytes of a point in a key: uncompressed, so that reading it costs no square root.
const POINT_BYTES: usize = 96;

/// An input or output as the model's user knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPort {
    /// Its name in the ONNX file.
    pub name: String,
    /// Its shape there, which the tensor has.
    pub shape: Vec<usize>,
    /// What its entries are there.
    pub element: Element,
}

/// Everything a verifier needs beside a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyingKey {
    /// The program.
    pub program: Program,
    /// The generators' setup.
    pub setup: VerifierSetup,
    /// Binary logarithm of the columns of the commitment matrices.
    pub column_bits: u32,
    /// Commitments to the rows of weights that are not wholly padding, uncompressed, one after the other.
    pub model_rows: Vec<u8>,
    /// The model's inputs.
    pub inputs: Vec<KeyPort>,
    /// The model's outputs.
    pub outputs: Vec<KeyPort>,
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file does not decode.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The program is not well formed.
    #[error("the key's program is not well formed: {0}")]
    Program(#[from] Invalid),
    /// The commitments do not fit the program.
    #[error("the key holds {got} commitments to weights, its program has {expected}")]
    Rows {
        /// Rows of the program.
        expected: usize,
        /// Rows of the key.
        got: usize,
    },
    /// A commitment is not a point of the curve.
    #[error("commitment {0} of the key is not a point of the curve")]
    Point(usize),
    /// The matrices' width does not fit the setup.
    #[error("the key asks for 2^{0} columns, which its setup does not have")]
    Columns(u32),
    /// The program is too large for the matrices' width.
    #[error("the key asks for too much: {0}")]
    Size(#[from] TooManyRows),
    /// The program cannot be argued about.
    #[error(transparent)]
    Argument(#[from] Reject),
    /// Ports and program disagree.
    #[error("the key's inputs and outputs do not fit its program")]
    Ports,
}

impl VerifyingKey {
    /// The bytes of the key's file.
    ///
    /// # Errors
    /// If the key cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DecodeError> {
        encode(Kind::VerifyingKey, self)
    }

    /// Reads a key's file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(Kind::VerifyingKey, bytes)
    }

    /// Checks all of the key but the points in it, and says where committed tensors lie.
    ///
    /// # Errors
    /// If the key is not well formed.
    pub fn layout(&self) -> Result<Layout, KeyError> {
        self.program.validate(&Limits::default())?;
        let program = &self.program;
        // Verdicts show the values of these tensors under these shapes, as elements of these kinds.
        let holds = |(id, port): (&TensorId, &KeyPort)| {
            program.tensors.get(*id).is_some_and(|tensor| {
                let (lo, hi) = (tensor.interval.lo, tensor.interval.hi);
                // Powers of two of columns are for reals: integers are shown as they are.
                let powers = port.element == Element::Real || program.column_exponents(*id).is_empty();
                tensor.shape.dims() == port.shape && port.element.admits(tensor.scale, lo, hi) && powers
            })
        };
        let fits = |ids: &[TensorId], ports: &[KeyPort]| ids.len() == ports.len() && ids.iter().zip(ports).all(holds);
        if !fits(&program.inputs, &self.inputs) || !fits(&program.outputs, &self.outputs) || self.outputs.is_empty() {
            return Err(KeyError::Ports);
        }
        if self.column_bits >= 32 || 1usize << self.column_bits > self.setup.columns() {
            return Err(KeyError::Columns(self.column_bits));
        }
        Ok(Layout::new(&self.program, self.column_bits)?)
    }

    /// SHA-256 of everything in the key; bound by every proof.
    ///
    /// # Errors
    /// If the key cannot be encoded.
    pub fn digest(&self) -> Result<KeyDigest, DecodeError> {
        Ok(KeyDigest::new(Sha256::digest(canonical(self)?)))
    }

    /// SHA-256 of the program: the architecture's name, whatever the weights.
    ///
    /// # Errors
    /// If the program cannot be encoded.
    pub fn program_digest(&self) -> Result<ProgramDigest, DecodeError> {
        Ok(ProgramDigest::new(Sha256::digest(canonical(&self.program)?)))
    }

    /// SHA-256 of the commitments to the weights, of the shapes and intervals of the tensors in them, and of the setup: the model's name, whatever
    /// programs are run on it. What a model proof shows is a function of this alone.
    pub fn model_digest(&self) -> ModelDigest {
        let mut hash = Sha256::new();
        hash.update(b"zktorch-v1-model");
        hash.update(self.setup.digest());
        hash.update(self.column_bits.to_le_bytes());
        let mut number = |bytes: [u8; 8]| hash.update(bytes);
        // Sizes of a program that is well formed are below this.
        let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).to_le_bytes();
        let weights: Vec<&Tensor> = self.program.tensors.iter().filter(|tensor| tensor.source == Source::Weight).collect();
        number(size(weights.len()));
        for Tensor { shape, interval, .. } in weights {
            number(size(shape.rank()));
            shape.dims().iter().for_each(|&extent| number(size(extent)));
            [interval.lo, interval.hi].into_iter().for_each(|end| number(end.to_le_bytes()));
        }
        hash.update(&self.model_rows);
        ModelDigest::new(hash.finalize())
    }

    /// Appends a commitment in the form that `model_rows` holds.
    pub fn push_row(rows: &mut Vec<u8>, point: &G1Affine) {
        let mut bytes = [0u8; POINT_BYTES];
        if point.serialize_uncompressed(bytes.as_mut_slice()).is_ok() {
            rows.extend(bytes);
        }
    }
}

/// A key made ready: what the argument is about.
#[derive(Clone, Debug)]
pub struct Relation<'k> {
    /// The program.
    pub program: &'k Program,
    /// Where committed polynomials lie.
    pub layout: Layout,
    /// The leaves of the fraction tree, if anything is looked up.
    pub leaves: Option<Leaves>,
    /// Commitments to all rows of weights, points of the curve; omitted rows are the identity.
    pub model_rows: Vec<G1Affine>,
    /// The key's digest.
    pub digest: KeyDigest,
}

impl<'k> Relation<'k> {
    /// Checks a key and prepares it.
    ///
    /// # Errors
    /// If the key is not well formed.
    pub fn new(key: &'k VerifyingKey) -> Result<Self, KeyError> {
        let layout = key.layout()?;
        let mut model_rows = vec![G1Affine::zero(); layout.rows(Phase::Model).end];
        let sent: Vec<usize> = layout.sent_rows(Phase::Model).collect();
        let got = key.model_rows.len() / POINT_BYTES;
        if got != sent.len() || !key.model_rows.len().is_multiple_of(POINT_BYTES) {
            return Err(KeyError::Rows { expected: sent.len(), got });
        }
        for (i, (&row, bytes)) in sent.iter().zip(key.model_rows.chunks_exact(POINT_BYTES)).enumerate() {
            // Like other commitments it is read as its projection onto the group, and not checked to lie in it.
            let point = G1Affine::deserialize_uncompressed_unchecked(bytes).ok().filter(G1Affine::is_on_curve);
            let point = point.ok_or(KeyError::Point(i))?;
            if let Some(slot) = model_rows.get_mut(row) {
                *slot = point;
            }
        }
        let digest = key.digest()?;
        Ok(Self { program: &key.program, layout, leaves: Leaves::new(&key.program), model_rows, digest })
    }

    /// The relation of another program about the same weights: its weight tensors are this one's, in the same order.
    /// `digest` stands for the key.
    ///
    /// # Errors
    /// If the program takes too many rows.
    pub fn for_program<'p>(&self, program: &'p Program, digest: KeyDigest) -> Result<Relation<'p>, TooManyRows> {
        let layout = Layout::new(program, self.layout.column_bits)?;
        let (leaves, model_rows) = (Leaves::new(program), self.model_rows.clone());
        Ok(Relation { program, layout, leaves, model_rows, digest })
    }

    /// The relation of a well-formed program before anything is committed, for [`crate::size`].
    ///
    /// # Errors
    /// If the program takes too many rows.
    pub fn blank(program: &'k Program, column_bits: u32) -> Result<Self, TooManyRows> {
        let layout = Layout::new(program, column_bits)?;
        let model_rows = vec![G1Affine::zero(); layout.rows(Phase::Model).end];
        Ok(Self { program, layout, leaves: Leaves::new(program), model_rows, digest: KeyDigest::default() })
    }

    /// Columns of the commitment matrices.
    pub fn columns(&self) -> usize {
        1 << self.layout.column_bits
    }
}
