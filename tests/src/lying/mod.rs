//! Provers that follow the protocol but for one lie.

mod run;
mod vault;

use crate::field_witness::Data;
use crate::fixture::Fixture;
use crate::reference::{Answers, Reference};
use crate::tamper::add_to_scalar;
use ark_bls12_381::{G1Affine, G1Projective};
use run::run;
use std::collections::BTreeMap;
use vault::LyingVault;
use zktorch_accumulator::clear::fold_clear;
use zktorch_accumulator::close::{Joint, Part, close};
use zktorch_accumulator::decider::{self, DeciderClaim, DeciderKey, DeciderWitness};
use zktorch_accumulator::mask::mask;
use zktorch_accumulator::product::reduce_products;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::lookup::Fingerprint;
use zktorch_blocks::transcript::{
    Check, Constraint, Draw, Equation, HiddenAffine, HiddenMessage, Message, MessageEntry, Reject, Slot, Transcript,
};
use zktorch_prover::Randomness;
use zktorch_prover::secrets::Vault;
use zktorch_verifier::Verdict;
use zktorch_verifier::argument::{AccumulatedArgument, ArgumentProver, argue, argue_hidden};
use zktorch_verifier::key::Relation;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

type Edit<'l, T> = Box<dyn Fn(&mut T) + 'l>;
type DataEdit<'l> = Box<dyn Fn(&mut Data<'_>) + 'l>;

/// What a message commits to beside its scalars: columns of its segment, and values on them.
type Stray<'l> = Box<dyn Fn(Slot, &[Fr]) -> Vec<(usize, Fr)> + 'l>;

/// What a prover makes of the joint claim, given `kappa`.
type Closing<'l> = Box<dyn Fn(&mut Joint, Fr) + 'l>;

/// One lie, or several. Everything else is as the protocol has it.
#[derive(Default)]
pub struct Lie<'l> {
    run: Vec<(&'l str, Edit<'l, Vec<i64>>)>,
    data: Option<DataEdit<'l>>,
    hidden: Vec<(Message, usize, Edit<'l, Vec<Fr>>)>,
    vectors: Vec<(usize, Edit<'l, Vec<Fr>>)>,
    statement: Option<Edit<'l, Vec<Vec<i64>>>>,
    /// Added to earlier hidden scalars by the last hidden message, and how often.
    off_slot: (BTreeMap<usize, (Slot, Fr)>, Fr),
    commitments: Vec<(Message, usize, Stray<'l>)>,
    torsion: Vec<(Message, usize, G1Affine)>,
    closing: Option<Closing<'l>>,
    clear: Vec<(Message, usize, Fr)>,
    coins: Option<Vec<Fr>>,
}

/// What came of it.
pub struct Outcome {
    /// The proof.
    pub proof: Proof,
    /// Its messages.
    pub log: Vec<MessageEntry>,
    /// Constraints that the hidden scalars violate, sorted, each once.
    pub violated: Vec<Equation>,
    /// Relations that the witness does not satisfy: see [`Data::broken`].
    pub broken: Vec<String>,
    /// What the verifier says.
    pub verdict: Verdict,
    /// The constraints, and the accumulated claim, which the argument proves together with them though it is about the committed rows too.
    pub constraints: Vec<Constraint>,
    /// The hidden messages.
    pub messages: Vec<HiddenMessage>,
    /// The hidden scalars that the prover claims to have, and the messages' blinders.
    pub scalars: Vec<Fr>,
    /// Blinders of the messages.
    pub blinders: Vec<Fr>,
    /// The challenges.
    pub draws: Vec<Draw>,
    /// All evaluations that were hidden.
    pub answers: Answers,
    /// `alpha` and `beta` of the lookups.
    pub fingerprint: Fingerprint,
}

impl<'l> Lie<'l> {
    /// The truth.
    pub fn none() -> Self {
        Self::default()
    }

    /// Changes a tensor during the run; what depends on it follows.
    pub fn run(mut self, name: &'l str, edit: impl Fn(&mut Vec<i64>) + 'l) -> Self {
        self.run.push((name, Box::new(edit)));
        self
    }

    /// Changes the witness after the run; nothing follows.
    pub fn data(mut self, edit: impl Fn(&mut Data<'_>) + 'l) -> Self {
        self.data = Some(Box::new(edit));
        self
    }

    /// Changes the scalars of a hidden message, by its label and how many of that label came before.
    pub fn hidden(mut self, label: Message, occurrence: usize, edit: impl Fn(&mut Vec<Fr>) + 'l) -> Self {
        self.hidden.push((label, occurrence, Box::new(edit)));
        self
    }

    /// Changes what the commitment to the `n`-th mask row commits to: that of the accumulated vector, then one a segment.
    pub fn vector(mut self, n: usize, edit: impl Fn(&mut Vec<Fr>) + 'l) -> Self {
        self.vectors.push((n, Box::new(edit)));
        self
    }

    /// Changes the statement.
    pub fn statement(mut self, edit: impl Fn(&mut Vec<Vec<i64>>) + 'l) -> Self {
        self.statement = Some(Box::new(edit));
        self
    }

    /// Lets the last hidden message change earlier hidden scalars: it commits to `by` times the change, on their slots.
    pub fn off_slot(mut self, delta: BTreeMap<usize, (Slot, Fr)>, by: Fr) -> Self {
        self.off_slot = (delta, by);
        self
    }

    /// Adds to the commitment of a hidden message what is not among its scalars.
    pub fn stray(mut self, label: Message, occurrence: usize, extra: impl Fn(Slot, &[Fr]) -> Vec<(usize, Fr)> + 'l) -> Self {
        self.commitments.push((label, occurrence, Box::new(extra)));
        self
    }

    /// Adds a point to the commitment of a hidden message.
    pub fn torsion(mut self, label: Message, occurrence: usize, point: G1Affine) -> Self {
        self.torsion.push((label, occurrence, point));
        self
    }

    /// Changes the joint claim before it is masked, given `kappa`.
    pub fn closing(mut self, edit: impl Fn(&mut Joint, Fr) + 'l) -> Self {
        self.closing = Some(Box::new(edit));
        self
    }

    /// Adds to a clear scalar of the finished proof.
    pub fn clear(mut self, label: Message, occurrence: usize, by: Fr) -> Self {
        self.clear.push((label, occurrence, by));
        self
    }

    /// Tells the lie to a verifier whose challenges are known beforehand, whatever is sent.
    pub fn knowing(mut self, coins: Vec<Fr>) -> Self {
        self.coins = Some(coins);
        self
    }
}

impl Fixture {
    /// Proves with a lie, and verifies.
    ///
    /// # Panics
    /// If the lie cannot be told.
    pub fn tell(&self, inputs: &[Vec<i64>], lie: &Lie<'_>) -> Outcome {
        let (key, generators) = (&self.verifying, &self.proving.generators);
        let program = &key.program;
        let relation = Relation::new(key).expect("a good key");
        let decider = DeciderKey::resolve(&key.setup, Some(generators)).expect("a good setup");
        let trace = run(program, &self.proving.weights, inputs, &lie.run);
        let mut values: Vec<Vec<i64>> = program.statement().map(|id| trace.values(program, id).to_vec()).collect();
        if let Some(edit) = &lie.statement {
            edit(&mut values);
        }
        let statement = Statement::new(program, values).expect("a statement in range");
        let mut data = Data::new(program, &trace);
        if let Some(edit) = &lie.data {
            edit(&mut data);
        }
        let broken = data.broken().into_iter().map(str::to_owned).collect();
        let inner = Vault::new(&self.proving, Randomness::insecure_seed(7));
        let mut vault = LyingVault::new(inner, generators, lie);
        let mut prover = Reference::new(&relation, &data, &self.proving.blinders, generators);
        let mut t = Transcript::prover(protocol(key), relation.columns(), &mut vault);
        if let Some(coins) = &lie.coins {
            t = t.tossed(coins.clone());
        }
        bind_statement(&mut t, &relation, &statement);
        let accumulated = go_on(&mut t, &relation, &decider, &statement, &mut prover, lie);
        let secrets = t.secrets().expect("the prover's side");
        let (scalars, blinders) = (secrets.scalars().to_vec(), secrets.blinders().to_vec());
        let constraints = [t.hidden().constraints(), &[accumulated]].concat();
        let messages = t.hidden().messages().to_vec();
        let (log, draws) = (t.log().to_vec(), t.draws().to_vec());
        let scales = program.outputs.iter().map(|&id| program.tensors[id].scale).collect();
        let mut bytes = t.finish().expect("a prover always finishes");
        for &(label, occurrence, by) in &lie.clear {
            add_to_scalar(&mut bytes, log.iter().filter(|e| e.label == label).nth(occurrence).expect("a message"), by);
        }
        let proof = Proof { key: relation.digest, statement: statement.all().to_vec(), scales, seeded: true, bytes };
        let verdict = match &lie.coins {
            None => self.verdict(&proof),
            Some(coins) => {
                let mut t = Transcript::verifier(protocol(key), relation.columns(), &proof.bytes).tossed(coins.clone());
                bind_statement(&mut t, &relation, &statement);
                let end = argue(&mut t, &relation, &decider, &statement, None).and_then(|()| t.finish());
                end.map_or_else(Verdict::Rejected, |_| Verdict::Accepted)
            }
        };
        let violated = violated(&constraints, &scalars);
        let (answers, fingerprint) = (prover.answers.take(), prover.fingerprint);
        Outcome {
            proof,
            log,
            violated,
            broken,
            verdict,
            constraints,
            messages,
            scalars,
            blinders,
            draws,
            answers,
            fingerprint,
        }
    }
}

/// The argument of a prover who goes on whatever does not hold: the masked claims are those that its vectors satisfy. Returns the accumulated
/// claim.
fn go_on(
    t: &mut Transcript<'_>,
    relation: &Relation<'_>,
    key: &DeciderKey<'_>,
    statement: &Statement,
    prover: &mut Reference<'_>,
    lie: &Lie<'_>,
) -> Constraint {
    const SENT: &str = "a prover's messages decode";
    let (columns, column_bits) = (relation.columns(), relation.layout.column_bits);
    let AccumulatedArgument { accumulated, vector, .. } =
        argue_hidden(t, relation, statement, &mut Some(&mut *prover)).expect(SENT);
    let vector = vector.expect("the prover's side");
    let inner = dot(&vector, &accumulated.form.to_dense(columns));
    let claim = accumulated.value.clone() - &HiddenAffine::from(inner);
    reduce_products(t).expect(SENT);
    let witness = Some((vector, prover.blinder(&accumulated.rows)));
    // Only the verifier reads commitments.
    let own = Part { commitment: Vec::new(), form: accumulated.form, witness };
    let mut joint = close(t, own, &accumulated.value).expect("kappa is not zero");
    let kappa = t.draws().last().expect("drawn").value;
    lie.closing.iter().for_each(|edit| edit(&mut joint, kappa));
    let value = |part: &Part| part.witness.as_ref().map(|(w, _)| dot(w, &part.form.to_dense(columns)));
    joint.value = joint.parts.iter().filter_map(value).sum();
    let masked = mask(t, columns, decider::shown(key.decider(), column_bits), joint).expect("true of the vectors");
    let last = fold_clear(t, columns, masked).expect(SENT);
    let (vector, blinder) = last.witness.as_ref().expect("the prover's side");
    let witness = DeciderWitness { vector, blinder: *blinder, generators: prover.generators() };
    let last = DeciderClaim { commitment: G1Projective::default(), form: &last.form, value: last.value };
    decider::decide(t, key, column_bits, &last, Some(&witness)).expect(SENT);
    Constraint { label: Equation::AccumulatedClaim, products: Vec::new(), form: claim }
}

/// Labels of the constraints that do not hold, sorted, each once.
pub fn violated(constraints: &[Constraint], scalars: &[Fr]) -> Vec<Equation> {
    let mut labels: Vec<Equation> = constraints.iter().filter(|c| !c.holds(scalars)).map(|c| c.label).collect();
    labels.sort_unstable();
    labels.dedup();
    labels
}

impl Outcome {
    /// The reason that the verifier gives.
    ///
    /// # Panics
    /// If the proof was accepted.
    pub fn reason(&self) -> &Reject {
        match &self.verdict {
            Verdict::Rejected(reason) => reason,
            Verdict::Accepted => panic!("a lie was accepted"),
        }
    }
}

/// A lie, and how it must end: the check that refuses it, and the constraints that the hidden scalars violate.
pub struct Case<'l> {
    /// Its name.
    pub name: String,
    /// The lie.
    pub lie: Lie<'l>,
    /// The verifier's check.
    pub check: Check,
    /// The violated constraints.
    pub violated: &'l [Equation],
}

/// A case.
pub fn case<'l>(name: impl Into<String>, lie: Lie<'l>, check: Check, violated: &'l [Equation]) -> Case<'l> {
    Case { name: name.into(), lie, check, violated }
}

/// Tells all lies and compares how they end.
///
/// # Panics
/// With all that ended otherwise.
pub fn refuse_all(fixture: &Fixture, inputs: &[Vec<i64>], cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for case in cases {
        let outcome = fixture.tell(inputs, &case.lie);
        let expected = Verdict::Rejected(Reject::Check(case.check));
        if outcome.verdict != expected || outcome.violated != case.violated {
            wrong.push(format!("{}: {:?}, violated {:?}", case.name, outcome.verdict, outcome.violated));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
