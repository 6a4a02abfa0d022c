//! Provers that are honest but for some randomness they leave out.

use super::models::Model;
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use std::collections::BTreeMap;
use std::ops::Range;
use zktorch_accumulator::layout::Phase;
use zktorch_accumulator::msm;
use zktorch_accumulator::product::reduce_products;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{MaskRow, Message, Secrets, Slot, Transcript};
use zktorch_prover::{ProvingKey, Randomness};
use zktorch_verifier::argument::argue_hidden;

/// What is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hole {
    /// Nothing.
    None,
    /// The blinder of a hidden message.
    Message(usize),
    /// Random scalars that are not blinders of messages, by their number in protocol order: they are zero.
    Draws(Range<usize>),
    /// The value of a mask: the mask row, whose draws these are, is orthogonal to the form that it is to hide.
    MaskValue {
        /// The row's draws.
        row: Range<usize>,
        /// The values of the form that the prover knows before it draws, on what mask rows are combinations of.
        form: Vec<Fr>,
    },
    /// All of it, but for some of the draws, which are what is given.
    AllBut(BTreeMap<usize, Fr>),
}

impl Hole {
    fn has_message(&self, number: usize) -> bool {
        matches!(self, Self::Message(n) if *n == number) || matches!(self, Self::AllBut(_))
    }

    fn has_draw(&self, number: usize) -> bool {
        matches!(self, Self::Draws(range) if range.contains(&number))
    }
}

/// Where the random scalars of a proof are, other than the blinders of messages.
pub struct Places {
    /// Hidden messages.
    pub messages: usize,
    /// Blinders of rows.
    pub rows: Range<usize>,
    /// The masks of the last product's factors.
    pub factors: [Range<usize>; 2],
    /// The coefficients of the mask rows: of the accumulated vector's, then of each segment's of hidden scalars.
    pub mask_rows: Vec<Range<usize>>,
}

impl Places {
    /// Those of a model's proofs.
    ///
    /// # Panics
    /// If the program cannot be argued about.
    pub fn of(model: &Model<'_>) -> Self {
        let columns = model.relation.columns();
        let mut t = Transcript::dry_run(columns);
        argue_hidden(&mut t, &model.relation, &model.statement, &mut None).expect("a good program");
        reduce_products(&mut t).expect("a dry run reads nothing");
        let layout = &model.relation.layout;
        let rows = [Phase::Bound, Phase::Witness, Phase::Multiplicities]
            .iter()
            .map(|&p| layout.sent_rows(p).count())
            .sum::<usize>();
        // After the rows: the masks of two factors, then for each vector the coefficients of its mask row and a blinder.
        let factors = [rows..rows + 1, rows + 1..rows + 2];
        let (first, count) = (rows + 2, model.fixture.proving.masks.count());
        let mask_rows =
            (0..=t.hidden().segments()).map(|i| first + i * (count + 1)).map(|start| start..start + count).collect();
        Self { messages: t.hidden().messages().len(), rows: 0..rows, factors, mask_rows }
    }
}

/// Secrets with a hole.
pub struct Leaky<'a> {
    key: &'a ProvingKey,
    randomness: Randomness,
    hole: &'a Hole,
    draws: usize,
    /// Inner product of the mask row so far with the form.
    mask_value: Fr,
    scalars: Vec<Fr>,
    blinders: Vec<Fr>,
}

impl<'a> Leaky<'a> {
    /// Secrets that draw what [`Vault`](zktorch_prover::secrets::Vault) draws, and leave out what the hole says.
    pub fn new(key: &'a ProvingKey, randomness: Randomness, hole: &'a Hole) -> Self {
        Self { key, randomness, hole, draws: 0, mask_value: Fr::ZERO, scalars: Vec::new(), blinders: Vec::new() }
    }
}

impl Secrets for Leaky<'_> {
    fn commit(&mut self, _: Message, slot: Slot, values: &[Fr]) -> G1Affine {
        let drawn = self.randomness.scalar();
        let blinder = if self.hole.has_message(self.blinders.len()) { Fr::ZERO } else { drawn };
        self.scalars.extend_from_slice(values);
        self.blinders.push(blinder);
        let bases = &self.key.generators.g[slot.column..slot.column + slot.len];
        (msm::sum(bases, values) + self.key.generators.h * blinder).into_affine()
    }

    fn scalars(&self) -> &[Fr] {
        &self.scalars
    }

    fn blinders(&self) -> &[Fr] {
        &self.blinders
    }

    fn random(&mut self) -> Fr {
        let drawn = self.randomness.scalar();
        let number = self.draws;
        self.draws += 1;
        if let Hole::AllBut(known) = self.hole {
            return known.get(&number).copied().unwrap_or(Fr::ZERO);
        }
        if let Hole::MaskValue { row, form } = self.hole
            && row.contains(&number)
        {
            let coefficient = form[number - row.start];
            let last = number + 1 == row.end;
            let drawn = if last { -self.mask_value * coefficient.inverse().expect("random") } else { drawn };
            self.mask_value += drawn * coefficient;
            return drawn;
        }
        if self.hole.has_draw(number) { Fr::ZERO } else { drawn }
    }

    fn mask_row(&mut self, _width: usize, _shown: usize) -> MaskRow {
        let coefficients: Vec<Fr> = (0..self.key.masks.count()).map(|_| self.random()).collect();
        let blinder = self.random();
        self.key.masks.combine(&coefficients, blinder)
    }

    fn commit_vector(&self, values: &[Fr], blinder: Fr) -> G1Affine {
        (msm::sum(&self.key.generators.g[..values.len()], values) + self.key.generators.h * blinder).into_affine()
    }
}
