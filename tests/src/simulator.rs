//! The simulator: transcripts that the verifier accepts, from somebody who knows no weights, no input and no witness, but the
//! challenges beforehand. What such a transcript shows of the secrets is nothing; an honest one has the same distribution,
//! so it shows nothing either.
//!
//! It is written from the definitions. Up to the mask every hidden message is a random multiple of `H`, and the two masked factors are random.
//! The masked vectors are random too; the commitments to the mask rows, and the rows' value, are solved for, which is where the challenge `g`
//! must be known. Commitments that exist already, of the model or of private inputs, are points like any others. All that
//! follows is the honest prover's, on the masked vectors.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::AdditiveGroup;
use ark_serialize::CanonicalSerialize;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::{Joint, Part, close};
use zktorch_accumulator::decider::{self, DeciderKey};
use zktorch_accumulator::mask::ClearClaim;
use zktorch_accumulator::msm;
use zktorch_accumulator::product::reduce_products;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::transcript::{EntryKind, Message, MessageEntry, Reject, Secrets, Slot, Transcript};
use zktorch_prover::Randomness;
use zktorch_verifier::argument::{argue, argue_hidden};
use zktorch_verifier::key::Relation;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::bind_statement;

/// More challenges than any toy program draws.
const COINS: usize = 1 << 12;

/// What everybody knows.
#[derive(Clone, Copy)]
pub struct Public<'a> {
    /// The key, made ready.
    pub relation: &'a Relation<'a>,
    /// The decider's constants.
    pub decider: &'a DeciderKey<'a>,
    /// The generators.
    pub generators: &'a Generators,
    /// The statement, true or not.
    pub statement: &'a Statement,
}

/// A conversation: the challenges, and what the prover says.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The challenges, more than there are.
    pub coins: Vec<Fr>,
    /// The messages.
    pub bytes: Vec<u8>,
}

/// Who has no secrets.
struct Nothing;

impl Secrets for Nothing {
    fn commit(&mut self, _: Message, _: Slot, _: &[Fr]) -> G1Affine {
        G1Affine::zero()
    }
    fn scalars(&self) -> &[Fr] {
        &[]
    }
    fn blinders(&self) -> &[Fr] {
        &[]
    }
    fn random(&mut self) -> Fr {
        Fr::ZERO
    }
    fn commit_vector(&self, _: &[Fr], _: Fr) -> G1Affine {
        G1Affine::zero()
    }
}

/// A vector, its blinder and the commitment.
struct Opened {
    vector: Vec<Fr>,
    blinder: Fr,
    commitment: G1Projective,
}

impl<'a> Public<'a> {
    /// A conversation of the simulator's.
    ///
    /// # Panics
    /// If the program cannot be argued about.
    pub fn simulate(&self, random: &mut Randomness) -> Simulation {
        self.simulate_about(&[], random)
    }

    /// A conversation that begins with commitments to private inputs and outputs that somebody else made.
    ///
    /// # Panics
    /// If the program cannot be argued about.
    pub fn simulate_about(&self, given: &[G1Affine], random: &mut Randomness) -> Simulation {
        let coins: Vec<Fr> = scalars(COINS, random);
        let mut bytes = Vec::new();
        let mut dry = Transcript::dry_run(self.relation.columns());
        argue_hidden(&mut dry, self.relation, self.statement, &mut None).expect("a good program");
        reduce_products(&mut dry).expect("a dry run reads nothing");
        for (position, entry) in dry.log().iter().enumerate() {
            match entry.kind {
                EntryKind::Scalar => push_scalar(&mut bytes, random.scalar()),
                _ => push(&mut bytes, given.get(position).copied().unwrap_or_else(|| self.nothing(random))),
            }
        }

        let (Joint { parts, value }, drawn) = {
            let mut t = self.reader(&bytes, &coins);
            let open = argue_hidden(&mut t, self.relation, self.statement, &mut None).expect("points");
            reduce_products(&mut t).expect("points and scalars");
            let commitment = open.accumulated.rows.iter().copied().zip(open.rows).collect();
            let part = Part { commitment, form: open.accumulated.form, witness: None };
            (close(&mut t, part, &open.accumulated.value).expect("a random challenge"), t.draws().len())
        };
        let (g, later) = (coins[drawn], coins[drawn + 1..].to_vec());
        let mut claims = Vec::new();
        for Part { commitment, form, .. } in parts {
            let masked = self.open(scalars(self.relation.columns(), random), random);
            let own: G1Projective = commitment.iter().map(|&(c, point)| point * c).sum();
            push(&mut bytes, (masked.commitment - own * g).into_affine());
            let value = dot(&masked.vector, &form.to_dense(self.relation.columns()));
            claims.push(ClearClaim {
                commitment: Vec::new(),
                form,
                value,
                witness: Some((masked.vector.into(), masked.blinder)),
            });
        }
        push_scalar(&mut bytes, claims.iter().map(|c| c.value).sum::<Fr>() - g * value);
        claims.iter().for_each(|c| push_scalar(&mut bytes, c.value));

        let mut nothing = Nothing;
        let mut t = Transcript::prover("", self.relation.columns(), &mut nothing).tossed(later);
        let last = fold_clear(&mut t, self.relation.columns(), claims).expect("a prover is not refused");
        let (vector, blinder) = last.witness.expect("all have witnesses");
        let witness = decider::DeciderWitness { vector: &vector, blinder, generators: self.generators };
        let claim = decider::DeciderClaim { commitment: G1Projective::ZERO, form: &last.form, value: last.value };
        decider::decide(&mut t, self.decider, self.relation.layout.column_bits, &claim, Some(&witness)).expect("fits");
        bytes.extend(t.finish().expect("a prover always finishes"));
        Simulation { coins, bytes }
    }

    /// The interactive verifier on a conversation: all checks of the argument. Returns the messages, and how many challenges it drew.
    ///
    /// # Errors
    /// The check that fails.
    pub fn check(&self, simulation: &Simulation) -> Result<(Vec<MessageEntry>, usize), Reject> {
        let mut t = self.reader(&simulation.bytes, &simulation.coins);
        argue(&mut t, self.relation, self.decider, self.statement, None)?;
        let seen = (t.log().to_vec(), t.draws().len());
        t.finish().map(|_| seen)
    }

    fn reader<'b>(&self, bytes: &'b [u8], coins: &[Fr]) -> Transcript<'b> {
        let mut t = Transcript::verifier("", self.relation.columns(), bytes).tossed(coins.to_vec());
        bind_statement(&mut t, self.relation, self.statement);
        t
    }

    /// A commitment to nothing.
    fn nothing(&self, random: &mut Randomness) -> G1Affine {
        (self.generators.h * random.scalar()).into_affine()
    }

    fn open(&self, vector: Vec<Fr>, random: &mut Randomness) -> Opened {
        let blinder = random.scalar();
        let commitment = msm::sum(&self.generators.g[..vector.len()], &vector) + self.generators.h * blinder;
        Opened { vector, blinder, commitment }
    }
}

fn scalars(n: usize, random: &mut Randomness) -> Vec<Fr> {
    (0..n).map(|_| random.scalar()).collect()
}

fn push(bytes: &mut Vec<u8>, point: G1Affine) {
    point.serialize_compressed(bytes).expect("a vector takes all");
}

fn push_scalar(bytes: &mut Vec<u8>, scalar: Fr) {
    scalar.serialize_compressed(bytes).expect("a vector takes all");
}
