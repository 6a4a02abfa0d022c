//! The model proof: the committed weights are integers of their declared widths, and zero in their padding.
//!
//! A proof of a run rests on commitments to *some* field elements. That these are what a compiler would have put there is shown
//! once a model, by the same argument about other programs over the same rows: every weight, shifted to begin at zero, is
//! looked up in a range, in limbs where it is wide. A lookup says of padded positions that they are zero, so the padding comes
//! with the widths. Large models are proved in parts, each about some of the weights, so that memory stays bounded.
//!
//! Without the widths the padding alone can be proved: a tensor equals the view of itself that is restricted to its valid box.

use crate::argument::argue;
use crate::codec::{DecodeError, Kind, decode, encode};
use crate::key::{KeyError, Relation, VerifyingKey};
use crate::size::ProofSize;
use crate::soundness::{self, Share};
use crate::statement::Statement;
use crate::verify::{Unverifiable, Verdict, bind_statement, protocol};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::layout::{MAX_ROWS, Phase, TooManyRows};
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::digest::{KeyDigest, ModelDigest};
use zktorch_blocks::program::{
    Advice, AxisGroup, GroupMap, Interval, Lookup, Program, Scale, Shape, Source, Table, Tensor, TensorId, View, Visibility,
};
use zktorch_blocks::transcript::{Misfit, Reject, Transcript};
use zktorch_blocks::work::Work;

/// What is proved of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// They are zero in their padding.
    Padding,
    /// They are integers in their intervals, and zero in their padding.
    Widths,
}

/// A proof about a model's weights, good for every verifying key whose program runs on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelProof {
    /// Digest of the model ([`VerifyingKey::model_digest`]).
    pub model: ModelDigest,
    /// What is proved.
    pub level: Level,
    /// Whether the blinders came from a fixed seed: such a proof hides nothing and is for tests only.
    pub seeded: bool,
    /// The messages of each part.
    pub parts: Vec<Vec<u8>>,
}

impl ModelProof {
    /// The bytes of the proof's file.
    ///
    /// # Errors
    /// If the proof cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DecodeError> {
        encode(Kind::ModelProof, self)
    }

    /// Reads a proof's file.
    ///
    /// # Errors
    /// If it does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(Kind::ModelProof, bytes)
    }
}

/// Decides a model proof. `generators` are those of a transparent setup, pinned by the key's digest.
///
/// # Errors
/// If the key or the setup cannot be used, so that nothing was decided.
pub fn verify_model(
    key: &VerifyingKey,
    proof: &ModelProof,
    generators: Option<&Generators>,
) -> Result<Verdict, Unverifiable> {
    let relation = Relation::new(key)?;
    let decider = DeciderKey::resolve(&key.setup, generators)?;
    let model = key.model_digest();
    let run = || -> Result<(), Reject> {
        if proof.model != model {
            return Err(Misfit::Model.into());
        }
        let programs = parts(&relation, proof.level)?;
        if proof.parts.len() != programs.len() {
            let (expected, got) = (programs.len(), proof.parts.len());
            return Err(Misfit::Parts { expected, got }.into());
        }
        for (index, (program, bytes)) in programs.zip(&proof.parts).enumerate() {
            let part = relation.for_program(&program, part_digest(&model, proof.level, index));
            let part = part.map_err(|TooManyRows(rows)| Misfit::Rows { rows, most: MAX_ROWS })?;
            let statement = Statement::new(&program, Vec::new())?;
            let mut t = Transcript::verifier(protocol(key), relation.columns(), bytes);
            bind_statement(&mut t, &part, &statement);
            argue(&mut t, &part, &decider, &statement, None)?;
            t.finish()?;
        }
        Ok(())
    };
    Ok(run().map_or_else(Verdict::Rejected, |()| Verdict::Accepted))
}

/// What a part binds instead of a key's digest: the model, and which part it is.
pub fn part_digest(model: &ModelDigest, level: Level, part: usize) -> KeyDigest {
    let mut hash = Sha256::new();
    hash.update(b"zktorch-v2-model-proof");
    hash.update(model);
    hash.update([match level {
        Level::Padding => 0u8,
        Level::Widths => 1u8,
    }]);
    hash.update(u64::try_from(part).unwrap_or(u64::MAX).to_le_bytes());
    KeyDigest::new(hash.finalize())
}

/// Padded entries of a part after which the next begins: the fraction tree of this many leaves takes about a gibibyte.
const PART: usize = 1 << 22;
/// Bits of the largest range table.
const TABLE_BITS: u32 = 16;

/// The programs that a model proof is about, made one by one: each has the same weights as the relation's, in the same order and so
/// in the same rows.
///
/// # Errors
/// [`Reject::Work`]: each part lays out all weights again, which takes too long if there are many of both.
pub fn parts<'p>(relation: &Relation<'p>, level: Level) -> Result<impl ExactSizeIterator<Item = Program> + use<'p>, Reject> {
    let program = relation.program;
    let mut parts: Vec<Vec<TensorId>> = Vec::new();
    let mut entries = 0usize;
    for (position, Tensor { shape, .. }) in weights(program).enumerate() {
        let id = TensorId(position);
        if level == Level::Padding && shape.is_dense() {
            continue;
        }
        let fits = entries.saturating_add(shape.padded_len()) <= PART;
        match parts.last_mut().filter(|_| fits) {
            Some(part) => part.push(id),
            None => {
                parts.push(vec![id]);
                entries = 0;
            }
        }
        entries = entries.saturating_add(shape.padded_len());
    }
    let all = weights(program).count().saturating_add(relation.layout.rows(Phase::Model).len());
    Work::default().spend(parts.len(), all)?;
    Ok(parts.into_iter().map(move |positions| Part::new(program).about(&positions, level)))
}

/// The soundness errors of all parts of a model proof: what they add to those of a run's proof.
///
/// # Errors
/// If the key is not well formed, or a part asks for too much work.
pub fn shares(key: &VerifyingKey, level: Level) -> Result<Vec<Share>, KeyError> {
    let columns = key.layout()?.column_bits;
    let mut all = Vec::new();
    for program in parts(&Relation::blank(&key.program, columns)?, level)? {
        let relation = Relation::blank(&program, columns)?;
        let size = ProofSize::of(&relation, key.setup.decider())?;
        all.extend(soundness::shares(&relation, &size));
    }
    Ok(all)
}

fn weights(program: &Program) -> impl Iterator<Item = &Tensor> {
    program.tensors.iter().filter(|t| t.source == Source::Weight)
}

/// The program of a part under construction: its first tensors are all weights.
struct Part {
    program: Program,
}

impl Part {
    fn new(program: &Program) -> Self {
        Self { program: Program { tensors: weights(program).cloned().collect(), ..Program::default() } }
    }

    /// The program that says it of the weights at these positions.
    fn about(mut self, positions: &[TensorId], level: Level) -> Program {
        for &position in positions {
            let Some(Tensor { shape, interval, .. }) = self.program.tensors.get(position).cloned() else { continue };
            match level {
                Level::Padding => self.zero_padding(position, &shape, interval),
                Level::Widths => self.width(position, &shape, interval),
            }
        }
        self.program
    }

    /// `weight - view = 0` with the view that passes valid positions only.
    fn zero_padding(&mut self, weight: TensorId, shape: &Shape, interval: Interval) {
        let pass = |axis| AxisGroup {
            out_axes: vec![axis],
            source_axes: vec![axis],
            map: GroupMap::Affine { strides: vec![1], offset: 0 },
        };
        let view = View { source: weight, groups: (0..shape.rank()).map(pass).collect() };
        let valid = self.tensor(shape, Source::View(view), interval.lo.min(0), interval.hi.max(0));
        let spread = interval.hi.max(0).saturating_sub(interval.lo.min(0));
        let terms = vec![(1, weight), (-1, valid)];
        let difference = self.tensor(shape, Source::Linear { terms, constant: 0 }, spread.wrapping_neg(), spread);
        self.program.zeros.push(difference);
    }

    /// The weight lies in its interval: `w - lo` in a range of a power of two, and `hi - w` too where the interval is shorter.
    fn width(&mut self, weight: TensorId, shape: &Shape, Interval { lo, hi }: Interval) {
        // Intervals of a well-formed program stay below 2^62.
        let largest = hi.wrapping_sub(lo);
        let above = Source::Linear { terms: vec![(1, weight)], constant: lo.wrapping_neg() };
        let above = self.tensor(shape, above, 0, largest);
        self.range(above, shape, largest);
        if largest.wrapping_add(1).count_ones() != 1 {
            let below = Source::Linear { terms: vec![(-1, weight)], constant: hi };
            let below = self.tensor(shape, below, 0, largest);
            self.range(below, shape, largest);
        }
    }

    /// `x` lies in `[0, 2^b)` for the least `b` that reaches `largest`: one lookup, or limbs `x = 2^16 high + low`.
    fn range(&mut self, x: TensorId, shape: &Shape, largest: i64) {
        let bits = 64 - largest.leading_zeros();
        if bits <= TABLE_BITS {
            return self.lookup(x, bits);
        }
        let limb = 1i64 << TABLE_BITS;
        let rest = largest >> TABLE_BITS;
        let high = self.tensor(shape, Source::Advice(Advice::Floor { source: x, divisor: limb }), 0, rest);
        let low = Source::Linear { terms: vec![(1, x), (limb.wrapping_neg(), high)], constant: 0 };
        let low = self.tensor(shape, low, largest.wrapping_neg(), largest);
        self.lookup(low, TABLE_BITS);
        self.range(high, shape, rest);
    }

    fn lookup(&mut self, x: TensorId, bits: u32) {
        let rows = 1usize << bits;
        let tables = &mut self.program.tables;
        let known = tables.enumerate().find(|(_, t)| t.rows == rows).map(|(id, _)| id);
        let table = known.unwrap_or_else(|| tables.push(Table::range(format!("{bits} bits"), 0, rows)));
        self.program.lookups.push(Lookup { columns: vec![x], table });
    }

    fn tensor(&mut self, shape: &Shape, source: Source, lo: i64, hi: i64) -> TensorId {
        let name = format!("part {}", self.program.tensors.len());
        let (shape, visibility, interval) = (shape.clone(), Visibility::Private, Interval::new(lo, hi));
        self.program.tensors.push(Tensor { name, shape, source, visibility, interval, scale: Scale(0) })
    }
}
