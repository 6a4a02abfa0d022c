//! Provers that follow the protocol but for one lie.

use crate::data::{Data, tensor};
use crate::fixture::Fixture;
use crate::reference::{Answers, Reference};
use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use std::collections::{BTreeMap, HashMap};
use zktorch_accumulator::msm;
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::execute::{Trace, execute};
use zktorch_blocks::field::Fr;
use zktorch_blocks::program::{Interval, Program, Source, Tensor, TensorId};
use zktorch_blocks::transcript::{Constraint, Draw, Entry, MaskRow, Message, Reject, Secrets, Slot, Transcript};
use zktorch_prover::Randomness;
use zktorch_prover::secrets::Vault;
use zktorch_verifier::Verdict;
use zktorch_verifier::argument::argue;
use zktorch_verifier::key::Relation;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{begin, protocol};

/// What a rule may make of a lie.
const FAR: i64 = 1 << 20;

type Edit<'l, T> = Box<dyn Fn(&mut T) + 'l>;
type DataEdit<'l> = Box<dyn Fn(&mut Data<'_>) + 'l>;

/// What a message commits to beside its scalars: columns of its segment, and values on them.
type Stray<'l> = Box<dyn Fn(Slot, &[Fr]) -> Vec<(usize, Fr)> + 'l>;

/// One lie, or several. Everything else is as the protocol has it.
#[derive(Default)]
pub struct Lie<'l> {
    run: Vec<(&'l str, Edit<'l, Vec<i64>>)>,
    data: Option<DataEdit<'l>>,
    hidden: Vec<(&'l str, usize, Edit<'l, Vec<Fr>>)>,
    vectors: Vec<(usize, Edit<'l, Vec<Fr>>)>,
    statement: Option<Edit<'l, Vec<Vec<i64>>>>,
    /// Added to the hidden scalars off the slot of the message `mask value`.
    off_slot: BTreeMap<usize, (Slot, Fr)>,
    commitments: Vec<(&'l str, usize, Stray<'l>)>,
    coins: Option<Vec<Fr>>,
}

/// What came of it.
pub struct Outcome {
    /// The proof, up to where the prover's own check failed.
    pub proof: Proof,
    /// Its messages.
    pub log: Vec<Entry>,
    /// Constraints that the hidden scalars violate, sorted, each once.
    pub violated: Vec<&'static str>,
    /// Relations that the witness does not satisfy: see [`Data::broken`].
    pub broken: Vec<String>,
    /// The check that failed on the prover's own side.
    pub refused: Option<Reject>,
    /// What the verifier says.
    pub verdict: Verdict,
    /// The constraints.
    pub constraints: Vec<Constraint>,
    /// The hidden messages.
    pub messages: Vec<Message>,
    /// The hidden scalars that the prover claims to have, and the messages' blinders.
    pub scalars: Vec<Fr>,
    /// Blinders of the messages.
    pub blinders: Vec<Fr>,
    /// The challenges.
    pub draws: Vec<Draw>,
    /// All evaluations that were hidden.
    pub answers: Answers,
    /// `alpha` and `beta` of the lookups.
    pub challenges: [Fr; 2],
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
    pub fn hidden(mut self, label: &'l str, occurrence: usize, edit: impl Fn(&mut Vec<Fr>) + 'l) -> Self {
        self.hidden.push((label, occurrence, Box::new(edit)));
        self
    }

    /// Changes the `n`-th vector that is committed to outside of slots: the mask row, the mask of each segment
    /// and its weighted twin, `e_0`, `e_1`.
    pub fn vector(mut self, n: usize, edit: impl Fn(&mut Vec<Fr>) + 'l) -> Self {
        self.vectors.push((n, Box::new(edit)));
        self
    }

    /// Changes the statement.
    pub fn statement(mut self, edit: impl Fn(&mut Vec<Vec<i64>>) + 'l) -> Self {
        self.statement = Some(Box::new(edit));
        self
    }

    /// Lets the message `mask value` change earlier hidden scalars.
    pub fn off_slot(mut self, delta: BTreeMap<usize, (Slot, Fr)>) -> Self {
        self.off_slot = delta;
        self
    }

    /// Adds to the commitment of a hidden message what is not among its scalars.
    pub fn stray(mut self, label: &'l str, occurrence: usize, extra: impl Fn(Slot, &[Fr]) -> Vec<(usize, Fr)> + 'l) -> Self {
        self.commitments.push((label, occurrence, Box::new(extra)));
        self
    }

    /// Tells the lie to a verifier whose challenges are known beforehand, whatever is sent.
    pub fn knowing(mut self, coins: Vec<Fr>) -> Self {
        self.coins = Some(coins);
        self
    }
}

/// The prover's secrets, with a tongue.
struct LyingVault<'a, 'l> {
    inner: Vault<'a>,
    generators: &'a Generators,
    lie: &'a Lie<'l>,
    seen: HashMap<&'static str, usize>,
    vectors: std::cell::Cell<usize>,
    patched: Option<Vec<Fr>>,
}

impl Secrets for LyingVault<'_, '_> {
    fn commit(&mut self, label: &'static str, slot: Slot, values: &[Fr]) -> G1Affine {
        let occurrence = self.seen.entry(label).or_default();
        let mut values = values.to_vec();
        self.lie.hidden.iter().filter(|(l, n, _)| *l == label && n == occurrence).for_each(|(_, _, edit)| edit(&mut values));
        let stray = self.lie.commitments.iter().filter(|(l, n, _)| *l == label && n == occurrence);
        let stray: Vec<(usize, Fr)> = stray.flat_map(|(_, _, extra)| extra(slot, &values)).collect();
        *occurrence += 1;
        let mut honest = self.inner.commit(label, slot, &values);
        for (column, value) in stray {
            honest = (self.generators.g[column] * value + honest).into_affine();
        }
        if label != "mask value" || self.lie.off_slot.is_empty() {
            return honest;
        }
        let mut scalars = self.inner.scalars().to_vec();
        let mut extra = msm::sum(&[], &[]);
        for (&index, (own, delta)) in &self.lie.off_slot {
            assert_eq!(own.segment, slot.segment, "the late message reaches its own segment only");
            scalars[index] += delta;
            extra += self.generators.g[own.column] * delta;
        }
        self.patched = Some(scalars);
        (extra + honest).into_affine()
    }

    fn scalars(&self) -> &[Fr] {
        self.patched.as_deref().unwrap_or(self.inner.scalars())
    }

    fn blinders(&self) -> &[Fr] {
        self.inner.blinders()
    }

    fn random(&mut self) -> Fr {
        self.inner.random()
    }

    fn mask_row(&mut self, width: usize, shown: usize) -> MaskRow {
        let mask = self.inner.mask_row(width, shown);
        if self.lie.vectors.is_empty() {
            return mask;
        }
        let commitment = self.commit_vector(&mask.row, mask.blinder);
        MaskRow { commitment, ..mask }
    }

    fn commit_vector(&self, values: &[Fr], blinder: Fr) -> G1Affine {
        let n = self.vectors.replace(self.vectors.get() + 1);
        let mut values = values.to_vec();
        self.lie.vectors.iter().filter(|(m, _)| *m == n).for_each(|(_, edit)| edit(&mut values));
        self.inner.commit_vector(&values, blinder)
    }
}

/// Runs the program with some tensors changed on the way.
fn run(program: &Program, fixture: &Fixture, inputs: &[Vec<i64>], lie: &Lie<'_>) -> Trace {
    let (mut program, mut inputs) = (program.clone(), inputs.to_vec());
    let mut trace = execute(&program, &fixture.proving.weights, &inputs).expect("the honest run works");
    // A liar's values need not be in the tables.
    program.lookups.clear();
    for (name, edit) in &lie.run {
        let id = tensor(&program, name);
        let mut values = trace.values(&program, id).to_vec();
        edit(&mut values);
        let bound = values.iter().map(|v| v.abs()).max().unwrap_or(0).max(magnitude(&program.tensors[id]));
        program.tensors[id].interval = Interval::new(-bound, bound);
        // The tensor as an input of its own: the rest of the run follows from it.
        if let Source::Input(n) = program.tensors[id].source {
            inputs[n] = values;
        } else {
            program.tensors[id].source = Source::Input(inputs.len());
            program.inputs.push(id);
            inputs.push(values);
        }
        widen(&mut program, id);
        trace = execute(&program, &fixture.proving.weights, &inputs).expect("the lying run works");
    }
    trace
}

fn magnitude(tensor: &Tensor) -> i64 {
    tensor.interval.lo.abs().max(tensor.interval.hi.abs())
}

/// Makes the intervals behind a tensor as wide as those of their operands ask for.
fn widen(program: &mut Program, from: TensorId) {
    for id in from + 1..program.tensors.len() {
        let of = |id: TensorId| magnitude(&program.tensors[id]);
        let bound = match &program.tensors[id].source {
            Source::Linear { terms, constant } => constant.abs() + terms.iter().map(|&(c, t)| c.abs() * of(t)).sum::<i64>(),
            Source::Einsum(e) => of(e.lhs) * of(e.rhs) * program.tensors[e.lhs].shape.len() as i64,
            Source::View(v) => of(v.source),
            Source::Advice(_) => FAR,
            _ => continue,
        };
        let bound = bound.max(of(id));
        program.tensors[id].interval = Interval::new(-bound, bound);
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
        let relation = Relation::new(key, Some(generators)).expect("a good key");
        let decider = key.setup.key(Some(generators)).expect("a good setup");
        let trace = run(program, self, inputs, lie);
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
        let mut vault =
            LyingVault { inner, generators, lie, seen: HashMap::new(), vectors: Default::default(), patched: None };
        let mut prover = Reference::new(&relation, &data, &self.proving.blinders, generators);
        let mut t = Transcript::prover(protocol(key), relation.columns(), &mut vault);
        if let Some(coins) = &lie.coins {
            t = t.tossed(coins.clone());
        }
        begin(&mut t, &relation, &statement);
        let refused = argue(&mut t, &relation, &decider, &statement, Some(&mut prover)).err();
        let secrets = t.secrets().expect("the prover's side");
        let (scalars, blinders) = (secrets.scalars().to_vec(), secrets.blinders().to_vec());
        let constraints = t.hidden().constraints().to_vec();
        let messages = t.hidden().messages().to_vec();
        let (log, draws) = (t.log().to_vec(), t.draws().to_vec());
        let scales = program.outputs.iter().map(|&id| program.tensors[id].scale).collect();
        let bytes = t.finish().expect("a prover always finishes");
        let proof = Proof { key: relation.digest, statement: statement.all().to_vec(), scales, seeded: true, bytes };
        let verdict = match &lie.coins {
            None => self.verdict(&proof),
            Some(coins) => {
                let mut t = Transcript::verifier(protocol(key), relation.columns(), &proof.bytes).tossed(coins.clone());
                begin(&mut t, &relation, &statement);
                let end = argue(&mut t, &relation, &decider, &statement, None).and_then(|()| t.finish());
                end.map_or_else(Verdict::Rejected, |_| Verdict::Accepted)
            }
        };
        let violated = violated(&constraints, &scalars);
        let (answers, challenges) = (prover.answers.take(), prover.challenges);
        Outcome {
            proof,
            log,
            violated,
            broken,
            refused,
            verdict,
            constraints,
            messages,
            scalars,
            blinders,
            draws,
            answers,
            challenges,
        }
    }
}

/// Labels of the constraints that do not hold, sorted, each once.
pub fn violated(constraints: &[Constraint], scalars: &[Fr]) -> Vec<&'static str> {
    let mut labels: Vec<&str> = constraints.iter().filter(|c| !c.holds(scalars)).map(|c| c.label).collect();
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
    pub check: &'static str,
    /// The violated constraints.
    pub violated: &'l [&'static str],
}

/// A case.
pub fn case<'l>(name: impl Into<String>, lie: Lie<'l>, check: &'static str, violated: &'l [&'static str]) -> Case<'l> {
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
