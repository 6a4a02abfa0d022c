//! Two models with different weights and the same answers.

use super::Seen;
use super::leaky::{Hole, Leaky};
use crate::field_witness::tensor;
use crate::fixture::Fixture;
use crate::toy::{ProgramBuilder, Toy};
use zktorch_accumulator::close::{Joint, Part, close};
use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::product::reduce_products;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::{Trace, Weights, execute};
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::program::{Advice, AxisGroup, Einsum, GroupMap, Program, Source, Table, View, Visibility};
use zktorch_blocks::transcript::{Secrets, Transcript};
use zktorch_prover::secrets::Vault;
use zktorch_prover::session::Session;
use zktorch_prover::{Blinders, Randomness, Witness};
use zktorch_verifier::argument::{ArgumentProver, argue, argue_hidden};
use zktorch_verifier::key::Relation;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

/// The keys and runs of both models.
pub struct Subject {
    fixtures: [Fixture; 2],
    traces: [Trace; 2],
}

/// One of the models, and all that its owner knows.
pub struct Model<'s> {
    /// The keys.
    pub fixture: &'s Fixture,
    /// The verifying key, made ready.
    pub relation: Relation<'s>,
    /// The decider's constants.
    pub decider: DeciderKey<'s>,
    /// The run.
    pub witness: Witness<'s>,
    /// The common statement.
    pub statement: Statement,
}

impl Subject {
    /// `y = W x` with `x` private: no lookup, one product, so that every blinder has a test that needs it. The second model has two
    /// columns of `W` exchanged, and its input the entries that they meet.
    pub fn linear(column_bits: u32) -> Self {
        let mut b = ProgramBuilder::default();
        let x = b.tensor("x", &[4], Source::Input(0), 3);
        let w = b.tensor("W", &[2, 4], Source::Weight, 3);
        let (lhs_labels, rhs_labels, out_labels) = (b"ok".to_vec(), b"k".to_vec(), b"o".to_vec());
        let einsum = Einsum { lhs: w, rhs: x, lhs_labels, rhs_labels, out_labels };
        let product = b.tensor("Wx", &[2], Source::Einsum(einsum), 10);
        let y = b.tensor("y", &[2], Source::Advice(Advice::Copy { source: product }), 10);
        b.program.tensors[y].visibility = Visibility::Public;
        let terms = vec![(1, product), (-1, y)];
        let zero = b.tensor("difference", &[2], Source::Linear { terms, constant: 0 }, 11);
        (b.program.zeros, b.program.inputs, b.program.outputs) = (vec![zero], vec![x], vec![y]);
        let weights = |rows: [i64; 8]| Weights::from([(w, rows.into())]);
        let pair = [weights([1, -2, 3, 5, -7, 4, 2, -1]), weights([3, -2, 1, 5, 2, 4, -7, -1])];
        Self::new(&b.program, pair, [vec![6, -3, 2, 2], vec![2, -3, 6, 2]], column_bits)
    }

    /// A convolution in one dimension, rounded: all four blocks and a view, with tables so small that the fraction tree is sent whole.
    /// The models differ in a weight, but not after rounding.
    pub fn convolution(column_bits: u32) -> Self {
        let mut b = ProgramBuilder::default();
        let x = b.tensor("x", &[3], Source::Input(0), 3);
        let k = b.tensor("K", &[2, 2], Source::Weight, 3);
        let map = GroupMap::Affine { strides: vec![1, 1], offset: 0 };
        let groups = vec![AxisGroup { out_axes: vec![0, 1], source_axes: vec![0], map }];
        let window = b.tensor("V", &[2, 2], Source::View(View { source: x, groups }), 3);
        let (lhs_labels, rhs_labels, out_labels) = (b"ok".to_vec(), b"pk".to_vec(), b"op".to_vec());
        let einsum = Einsum { lhs: k, rhs: window, lhs_labels, rhs_labels, out_labels };
        let product = b.tensor("conv", &[2, 2], Source::Einsum(einsum), 8);
        let y = b.round("y", product, 4, 5);
        b.program.tensors[y].visibility = Visibility::Public;
        let table = b.table(Table::range("input", -8, 16));
        b.lookup(&[x], table);
        (b.program.inputs, b.program.outputs) = (vec![x], vec![y]);
        let weights = |rows: [i64; 4]| Weights::from([(k, rows.into())]);
        let input = vec![7, 5, -6];
        Self::new(&b.program, [weights([4, 1, -3, 5]), weights([4, 2, -3, 5])], [input.clone(), input], column_bits)
    }

    /// A network with all four blocks; the second model has the channels of its hidden layer exchanged, and is the same function.
    pub fn network(column_bits: u32) -> Self {
        let toy = Toy { input: [1, 3, 3], channels: 2, kernel: [2, 2], pad: 0, outputs: 2, ..Toy::default() };
        let program = toy.program();
        let (weights, input) = toy.sample(3);
        let mut other = weights.clone();
        for name in ["K", "B", "M"] {
            // Channels are the leading axis of all three: of the matrix, the leading half of its first.
            let own = other.get_mut(&tensor(&program, name)).expect("a weight");
            let mut values = own.to_vec();
            values.rotate_left(own.len() / 2);
            *own = values.into();
        }
        Self::new(&program, [weights, other], [input.clone(), input], column_bits)
    }

    fn new(program: &Program, weights: [Weights; 2], inputs: [Vec<i64>; 2], column_bits: u32) -> Self {
        assert_ne!(weights[0], weights[1]);
        let setup = Setup::insecure(column_bits).expect("in range");
        let run = |i: usize| execute(program, &weights[i], &inputs[i..=i]).expect("runs");
        let traces = [run(0), run(1)];
        let fixtures = weights.map(|w| Fixture::new(program.clone(), w, &setup, column_bits));
        Self { fixtures, traces }
    }

    /// Both models, ready to prove.
    ///
    /// # Panics
    /// If they do not answer alike.
    pub fn models(&self) -> [Model<'_>; 2] {
        let models = [0, 1].map(|i| Model::new(&self.fixtures[i], &self.traces[i]));
        assert_eq!(models[0].statement, models[1].statement, "the same answers");
        models
    }
}

impl<'s> Model<'s> {
    fn new(fixture: &'s Fixture, trace: &'s Trace) -> Self {
        let (key, generators) = (&fixture.verifying, Some(&fixture.proving.generators));
        let relation = Relation::new(key).expect("a good key");
        let decider = DeciderKey::resolve(&key.setup, generators).expect("a good setup");
        let witness = Witness::new(&key.program, trace).expect("satisfied");
        let values = key.program.statement().map(|id| trace.values(&key.program, id).to_vec()).collect();
        let statement = Statement::new(&key.program, values).expect("in range");
        Self { fixture, relation, decider, witness, statement }
    }

    /// A proof by the shipped prover.
    pub fn prove(&self, seed: u64) -> Seen {
        self.prove_about(seed, &Blinders::new())
    }

    /// A proof by the shipped prover, about commitments that these blinders make.
    pub fn prove_about(&self, seed: u64, blinders: &Blinders) -> Seen {
        self.speak(&mut Vault::new(&self.fixture.proving, Randomness::insecure_seed(seed)), blinders)
    }

    /// A proof by a prover with a hole.
    pub fn leak(&self, seed: u64, hole: &Hole) -> Seen {
        self.speak(&mut Leaky::new(&self.fixture.proving, Randomness::insecure_seed(seed), hole), &Blinders::new())
    }

    /// The forms that the mask rows of the proof under a seed have to hide, on what mask rows are combinations of.
    ///
    /// # Panics
    /// If the run is not honest.
    pub fn forms(&self, seed: u64) -> Vec<Vec<Fr>> {
        let dense = |part: &Part| self.fixture.proving.masks.values(&part.form.to_dense(self.relation.columns()));
        self.before_the_mask(seed, |_, joint| joint.parts.iter().map(dense).collect())
    }

    /// The value of the accumulated vector's mask row in a proof under a seed.
    ///
    /// # Panics
    /// If the run is not honest.
    pub fn mask_value(&self, seed: u64) -> Fr {
        let columns = self.relation.columns();
        self.before_the_mask(seed, |t, joint| {
            let row = t.secrets().expect("the prover's side").mask_row(columns, 1).row;
            dot(&row, &joint.parts[0].form.to_dense(columns))
        })
    }

    /// The shipped prover under a seed, up to the joint claim.
    fn before_the_mask<T>(&self, seed: u64, then: impl FnOnce(&mut Transcript<'_>, Joint) -> T) -> T {
        let mut vault = Vault::new(&self.fixture.proving, Randomness::insecure_seed(seed));
        let mut progress = |_| ();
        let mut session = Session::new(&self.relation, &self.witness, &self.fixture.proving, &mut progress);
        let mut t = Transcript::prover(protocol(&self.fixture.verifying), self.relation.columns(), &mut vault);
        bind_statement(&mut t, &self.relation, &self.statement);
        let joint = self.closed(&mut t, &mut session);
        then(&mut t, joint)
    }

    /// The prover's side of the argument up to the joint claim.
    ///
    /// # Panics
    /// If the run is not honest.
    pub fn closed(&self, t: &mut Transcript<'_>, session: &mut Session<'_>) -> Joint {
        let open = argue_hidden(t, &self.relation, &self.statement, &mut Some(session)).expect("an honest run");
        reduce_products(t).expect("a prover is not refused");
        let witness = open.vector.map(|vector| (vector, session.blinder(&open.accumulated.rows)));
        let commitment = open.accumulated.rows.iter().copied().zip(open.rows).collect();
        let part = Part { commitment, form: open.accumulated.form, witness };
        close(t, part, &open.accumulated.value).expect("a random challenge")
    }

    fn speak(&self, secrets: &mut dyn Secrets, blinders: &Blinders) -> Seen {
        let mut progress = |_| ();
        let mut session = Session::new(&self.relation, &self.witness, &self.fixture.proving, &mut progress);
        session.reuse(blinders);
        let mut t = Transcript::prover(protocol(&self.fixture.verifying), self.relation.columns(), secrets);
        bind_statement(&mut t, &self.relation, &self.statement);
        argue(&mut t, &self.relation, &self.decider, &self.statement, Some(&mut session)).expect("an honest run");
        let (log, draws) = (t.log().to_vec(), t.draws().to_vec());
        Seen { bytes: t.finish().expect("a prover always finishes"), log, draws }
    }

    /// Whether the verifier accepts.
    pub fn accepts(&self, seen: &Seen) -> bool {
        let mut t = Transcript::verifier(protocol(&self.fixture.verifying), self.relation.columns(), &seen.bytes);
        bind_statement(&mut t, &self.relation, &self.statement);
        argue(&mut t, &self.relation, &self.decider, &self.statement, None).is_ok() && t.finish().is_ok()
    }
}
