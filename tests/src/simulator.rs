//! The simulator: transcripts that the verifier accepts, from somebody who knows no weights, no input and no witness, but the
//! challenges beforehand. What such a transcript shows of the secrets is nothing; an honest one has the same distribution,
//! so it shows nothing either.
//!
//! It is written from the definitions. Up to the mask every message is a random multiple of `H`. The masked vector
//! `w_f` and the masked scalars `z` are random; the commitments to the masks are solved for, which is where the challenges `g` and
//! `h` must be known. Commitments that exist already, of the model or of private inputs, are points like any others. All that
//! follows is the honest prover's, on `w_f` and `z`.

use ark_bls12_381::{G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field};
use ark_serialize::CanonicalSerialize;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::ClearClaim;
use zktorch_accumulator::decider::{self, Key};
use zktorch_accumulator::fold::Accumulated;
use zktorch_accumulator::form::Form as LinearForm;
use zktorch_accumulator::mask::mask;
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::field::{Fr, dot, eq_table, powers};
use zktorch_blocks::transcript::{Constraint, Entry, EntryKind, Form, Message, Product, Reject, Secrets, Slot, Transcript};
use zktorch_prover::Randomness;
use zktorch_verifier::argument::{argue, argue_hidden};
use zktorch_verifier::key::Relation;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::begin;

/// More challenges than any toy program draws.
const COINS: usize = 1 << 12;

/// What everybody knows.
#[derive(Clone, Copy)]
pub struct Public<'a> {
    /// The key, made ready.
    pub relation: &'a Relation<'a>,
    /// The decider's constants.
    pub decider: &'a Key<'a>,
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
    fn commit(&mut self, _: &'static str, _: Slot, _: &[Fr]) -> G1Affine {
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
        for (position, entry) in dry.log().iter().enumerate() {
            assert_ne!(entry.kind, EntryKind::Scalar, "nothing is in the clear before the mask");
            let point = given.get(position).copied().unwrap_or_else(|| self.nothing(random));
            push(&mut bytes, point);
        }

        let (accumulated, rows, g) = {
            let mut t = self.reader(&bytes, &coins);
            let open = argue_hidden(&mut t, self.relation, self.statement, &mut None).expect("points");
            (open.accumulated, open.rows, coins[t.draws().len()])
        };
        let masked = self.open(scalars(self.relation.columns(), random), random);
        let own: G1Projective = rows.iter().zip(&accumulated.rows).map(|(&row, &c)| row * c).sum();
        push(&mut bytes, (masked.commitment - own * g).into_affine());
        push(&mut bytes, self.nothing(random));
        let value = dot(&masked.vector, &accumulated.form.to_dense(self.relation.columns()));
        value.serialize_compressed(&mut bytes).expect("a vector takes all");

        let state = self.state(&bytes, &coins, &accumulated);
        let mut nothing = Nothing;
        let mut t = Transcript::prover("", self.relation.columns(), &mut nothing).tossed(coins[state.drawn..].to_vec());
        let mut claims =
            vec![ClearClaim { commitment: Vec::new(), form: accumulated.form, value, witness: Some(masked.witness()) }];
        let h = coins[state.drawn + 2];
        claims.extend(state.close(&mut t, self, random, h).expect("a prover is not refused"));
        let last = fold_clear(&mut t, self.relation.columns(), claims).expect("a prover is not refused");
        let (vector, blinder) = last.witness.expect("all have witnesses");
        let witness = decider::Witness { vector: &vector, blinder, generators: self.generators };
        let claim = decider::Claim { commitment: G1Projective::ZERO, form: &last.form, value: last.value };
        decider::decide(&mut t, self.decider, self.relation.layout.column_bits, &claim, Some(&witness)).expect("fits");
        bytes.extend(t.finish().expect("a prover always finishes"));
        Simulation { coins, bytes }
    }

    /// The interactive verifier on a conversation: all checks of the argument. Returns the messages, and how many challenges it drew.
    ///
    /// # Errors
    /// The check that fails.
    pub fn check(&self, simulation: &Simulation) -> Result<(Vec<Entry>, usize), Reject> {
        let mut t = self.reader(&simulation.bytes, &simulation.coins);
        argue(&mut t, self.relation, self.decider, self.statement, None)?;
        let seen = (t.log().to_vec(), t.draws().len());
        t.finish().map(|_| seen)
    }

    fn reader<'b>(&self, bytes: &'b [u8], coins: &[Fr]) -> Transcript<'b> {
        let mut t = Transcript::verifier("", self.relation.columns(), bytes).tossed(coins.to_vec());
        begin(&mut t, self.relation, self.statement);
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

    /// What is known after the masked value.
    fn state(&self, bytes: &[u8], coins: &[Fr], accumulated: &Accumulated) -> State {
        let mut t = self.reader(bytes, coins);
        argue_hidden(&mut t, self.relation, self.statement, &mut None).expect("points");
        mask(&mut t, self.relation.columns(), 0, accumulated, None).expect("points");
        let hidden = t.hidden();
        State {
            drawn: t.draws().len(),
            width: hidden.width(),
            segments: hidden.segments(),
            messages: hidden.messages().to_vec(),
            constraints: hidden.constraints().to_vec(),
        }
    }
}

fn scalars(n: usize, random: &mut Randomness) -> Vec<Fr> {
    (0..n).map(|_| random.scalar()).collect()
}

fn push(bytes: &mut Vec<u8>, point: G1Affine) {
    point.serialize_compressed(bytes).expect("a vector takes all");
}

impl Opened {
    fn witness<V: From<Vec<Fr>>>(self) -> (V, Fr) {
        (self.vector.into(), self.blinder)
    }
}

/// The hidden messages, about to be closed.
struct State {
    drawn: usize,
    width: usize,
    segments: usize,
    messages: Vec<Message>,
    constraints: Vec<Constraint>,
}

impl State {
    /// Number of hidden scalars.
    fn count(&self) -> usize {
        self.messages.iter().map(|m| m.slot.len).sum()
    }

    /// Values of all scalars on the segments, each times the weight of its message.
    fn scatter(&self, values: &[Fr], weights: &[Fr]) -> Vec<Vec<Fr>> {
        let mut segments = vec![vec![Fr::ZERO; self.width]; self.segments];
        for (message, weight) in self.messages.iter().zip(weights) {
            for i in 0..message.slot.len {
                segments[message.slot.segment][message.slot.column + i] = *weight * values[message.first + i];
            }
        }
        segments
    }

    /// Messages 11 to 15: the masks solved for a random `z` and the challenge `h`, known beforehand.
    fn close(
        &self,
        t: &mut Transcript<'_>,
        public: &Public<'_>,
        random: &mut Randomness,
        h: Fr,
    ) -> Result<Vec<ClearClaim>, Reject> {
        let (zeta, kappa) = (t.challenge(), t.challenge());
        let ones = vec![Fr::ONE; self.messages.len()];
        let weights: Vec<Fr> = powers(kappa, self.messages.len()).into_iter().map(|k| k * kappa).collect();
        let z = scalars(self.count(), random);
        let mut opened = Vec::new();
        for weights in [&ones, &weights] {
            for (j, vector) in self.scatter(&z, weights).into_iter().enumerate() {
                let opening = public.open(vector, random);
                let own = self.messages.iter().zip(weights).filter(|(m, _)| m.slot.segment == j);
                let messages: G1Projective = own.map(|(m, &w)| m.commitment * w).sum();
                let label =
                    if opened.len() < self.segments { "mask of hidden scalars" } else { "weighted mask of hidden scalars" };
                let _ = t.point(label, Some((opening.commitment - messages * h).into_affine()))?;
                opened.push(opening);
            }
        }

        let products: Vec<Product> = (self.constraints.iter().zip(powers(zeta, self.constraints.len())))
            .flat_map(|(c, w)| c.products.iter().map(move |Product(a, b)| Product(a.clone() * w, b.clone())))
            .collect();
        let linear =
            Form::combine(powers(zeta, self.constraints.len()).into_iter().zip(self.constraints.iter().map(|c| &c.form)));
        let sides: Vec<[Fr; 2]> = products.iter().map(|Product(a, b)| [a.evaluate(&z, h), b.evaluate(&z, h)]).collect();
        let sum: Fr = sides.iter().map(|[a, b]| *a * b).sum();
        let on_z = linear.evaluate(&z, Fr::ZERO);
        let (error, blinder) = (sum + h * on_z + h.square() * linear.constant, random.scalar());
        let second = public.nothing(random);
        let first = public.generators.g[0] * error + public.generators.h * blinder - second * h;
        let _ = t.point("error commitment", Some(first.into_affine()))?;
        let _ = t.point("error commitment", Some(second))?;
        assert_eq!(t.challenge(), h);
        for (label, value) in [("error term", error), ("error blinder", blinder), ("products", sum), ("linear part", on_z)] {
            t.scalar(label, Some(value))?;
        }

        let point = product_rounds(t, sides)?;
        let eq = eq_table(&point);
        let side = |pick: fn(&Product) -> &Form| Form::combine(eq.iter().copied().zip(products.iter().map(pick)));
        let (a, b) = (side(|p| &p.0), side(|p| &p.1));
        t.scalar("product factors", Some(a.evaluate(&z, h)))?;
        t.scalar("product factors", Some(b.evaluate(&z, h)))?;
        let (t1, t2) = (t.challenge(), t.challenge());
        let form = Form::combine([(Fr::ONE, &linear), (t1, &a), (t2, &b)]);
        self.claims(t, &form, &weights, opened)
    }

    /// Two claims a segment: the form on `z`, and the support of every message.
    fn claims(
        &self,
        t: &mut Transcript<'_>,
        form: &Form,
        weights: &[Fr],
        opened: Vec<Opened>,
    ) -> Result<Vec<ClearClaim>, Reject> {
        let theta = t.challenge();
        let mut coefficients = vec![Fr::ZERO; self.count()];
        form.terms.iter().for_each(|&(i, c)| coefficients[i] += c);
        let linear = self.scatter(&coefficients, &vec![Fr::ONE; self.messages.len()]);
        let diagonal = self.scatter(&vec![Fr::ONE; coefficients.len()], weights);
        let support: Vec<Fr> = powers(theta, self.segments * self.width).into_iter().map(|p| p * theta).collect();
        let support: Vec<Vec<Fr>> = support.chunks(self.width).map(<[Fr]>::to_vec).collect();
        let mut values = Vec::new();
        for (label, opened, forms) in
            [("linear forms", &opened[..self.segments], &linear), ("slot support", &opened[self.segments..], &support)]
        {
            for (opened, form) in opened.iter().zip(forms) {
                values.push(t.scalar(label, Some(dot(&opened.vector, form)))?);
            }
        }
        let omega = t.challenge();
        let mut opened: Vec<Option<Opened>> = opened.into_iter().map(Some).collect();
        let mut claim = |at: usize, form: Vec<Fr>, value: Fr| ClearClaim {
            commitment: Vec::new(),
            form: LinearForm::dense(form),
            value,
            witness: opened[at].take().map(Opened::witness),
        };
        let mut claims = Vec::new();
        for j in 0..self.segments {
            let joined = (0..self.width).map(|i| linear[j][i] + omega * diagonal[j][i] * support[j][i]).collect();
            claims.push(claim(j, joined, values[j] + omega * values[self.segments + j]));
            claims.push(claim(self.segments + j, support[j].clone(), values[self.segments + j]));
        }
        Ok(claims)
    }
}

/// The honest prover's sumcheck over the products' factors; returns its point.
fn product_rounds(t: &mut Transcript<'_>, mut sides: Vec<[Fr; 2]>) -> Result<Vec<Fr>, Reject> {
    sides.resize(sides.len().next_power_of_two(), [Fr::ZERO; 2]);
    let mut point = Vec::new();
    while sides.len() > 1 {
        let (low, high) = sides.split_at(sides.len() / 2);
        t.scalar("product rounds", Some(low.iter().map(|[a, b]| *a * b).sum()))?;
        let leading = low.iter().zip(high).map(|([a, b], [c, d])| (*c - a) * (*d - b)).sum();
        t.scalar("product rounds", Some(leading))?;
        let r = t.challenge();
        let bind = |l: &[Fr; 2], h: &[Fr; 2]| [0, 1].map(|i| l[i] + r * (h[i] - l[i]));
        sides = low.iter().zip(high).map(|(l, h)| bind(l, h)).collect();
        point.push(r);
    }
    Ok(point)
}
