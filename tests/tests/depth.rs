//! The bound on virtual depth: what it refuses, and what it lets pass.

use std::sync::LazyLock;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::field::{Fr, evaluate, from_i64};
use zktorch_blocks::program::{
    AxisGroup, Einsum, Fault, GroupMap, Interval, Invalid, Limits, Program, Scale, Source, TensorId, VIRTUAL_DEPTH, View,
    Visibility,
};
use zktorch_blocks::transcript::{Message, Transcript, encode_point};
use zktorch_compiler::audit::{AuditError, audit};
use zktorch_compiler::graph::Graph;
use zktorch_compiler::ops::{Reduce, ReduceKind};
use zktorch_compiler::{Options, compile};
use zktorch_prover::{Randomness, keygen};
use zktorch_tests::fixture::{Fixture, ports};
use zktorch_tests::foretold::{CLAIMED, Foretold};
use zktorch_tests::toy::ProgramBuilder;
use zktorch_verifier::key::{KeyError, Relation, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof, shares, verify_model};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{Unverifiable, bind_statement, protocol};
use zktorch_verifier::{Verdict, verify};

/// Columns of the commitments, in binary logarithm.
const COLUMNS: u32 = 12;

/// The setup that everybody may trust.
static SETUP: LazyLock<Setup> = LazyLock::new(|| Setup::ethereum().expect("it is embedded"));

/// The program that computes its own challenge, and its key.
fn foretold() -> (Foretold, VerifyingKey) {
    let mut generators = SETUP.generators.clone();
    generators.g.truncate(1 << COLUMNS);
    let foretold = Foretold::new("zktorch/v1/kzg/1", &generators);
    let program = foretold.program.clone();
    let [inputs, outputs] = ports(&program);
    let setup = SETUP.verifier.clone();
    let key = VerifyingKey { program, setup, column_bits: COLUMNS, model_rows: Vec::new(), inputs, outputs };
    (foretold, key)
}

/// Why a program is not well formed.
fn refusal(program: &Program) -> Invalid {
    program.validate(&Limits::default()).expect_err("it is too deep")
}

#[test]
fn a_program_can_compute_the_challenge_of_its_own_proof() {
    let (foretold, key) = foretold();
    let digest = key.digest().expect("encodes");
    let relation = Relation { digest, ..Relation::blank(&key.program, COLUMNS).expect("few rows") };
    let statement = vec![Foretold::nibbles(&digest), vec![CLAIMED]];
    let statement = Statement::new(&key.program, statement).expect("in range");
    // What a verifier would do up to the challenge at which the constraint is looked at.
    let row = encode_point(&foretold.row);
    let mut t = Transcript::verifier(protocol(&key), relation.columns(), &row);
    bind_statement(&mut t, &relation, &statement);
    assert_eq!(t.commitment(Message::WitnessRow, None), Ok(foretold.row));
    let rho = t.challenges(3)[2];
    let data = foretold.run(&digest);
    assert_eq!(data.values[&Polynomial::Tensor(foretold.challenge)], [rho]);
    // The constraint does not hold, and is not seen not to.
    let tensor = &data.values[&Polynomial::Tensor(key.program.zeros[0])];
    assert_eq!(*tensor, [rho, rho - from_i64(1)]);
    assert_eq!(evaluate(tensor.clone(), &[rho]), Fr::from(0));
}

#[test]
fn such_a_program_is_refused_before_any_proof_is_read() {
    let (_, key) = foretold();
    let deepest = key.program.depths().iter().copied().max();
    assert!(deepest > Some(12 * 6 * 5), "{deepest:?}");
    let bytes = key.to_bytes().expect("encodes");
    let key = VerifyingKey::from_bytes(&bytes).expect("decodes");
    let invalid = refusal(&key.program);
    assert_eq!(invalid.why, Fault::Depth { got: 9, most: 8 });
    let refused = KeyError::Program(invalid);
    assert_eq!(Relation::new(&key).expect_err("it is too deep"), refused);
    assert_eq!(key.layout().expect_err("it is too deep"), refused);
    assert_eq!(shares(&key, Level::Widths), Err(refused.clone()));
    let digest = key.digest().expect("encodes");
    let statement = vec![Foretold::nibbles(&digest), vec![CLAIMED]];
    let proof = Proof { key: digest, statement, scales: vec![Scale(0)], seeded: false, bytes: Vec::new() };
    let undecided = Unverifiable::Key(refused.clone());
    assert_eq!(verify(&key, &proof, None), Err(undecided.clone()));
    let model = ModelProof { model: key.model_digest(), level: Level::Widths, seeded: false, parts: Vec::new() };
    assert_eq!(verify_model(&key, &model, None), Err(undecided));
    let (ports, mut randomness) = (ports(&key.program), Randomness::insecure_seed(1));
    let made = keygen(key.program.clone(), Weights::new(), &SETUP, COLUMNS, ports, &mut randomness);
    assert_eq!(made.err().map(|e| e.to_string()), Some(refused.to_string()));
}

#[test]
fn an_audit_refuses_it_too() {
    // Of a model with the same inputs and outputs, with annotations that a compiler made.
    let (_, mut key) = foretold();
    let mut graph = Graph::new();
    let x = graph.add_input("digest", &[64]);
    let sum = graph.add_inferred("sum", Reduce { kind: ReduceKind::Sum, axes: vec![0] }, &[x]).expect("it fits");
    graph.add_output("y", sum);
    let compiled = compile(&graph, &[], &Options::default()).expect("it compiles");
    assert_eq!(audit(&graph, &compiled.program).map(|_| ()), Ok(()));
    key.program.annotations = compiled.program.annotations;
    assert!(matches!(audit(&graph, &key.program), Err(AuditError::Differs(_))));
}

/// A step of a chain of tensors of four entries.
type Step = fn(&mut ProgramBuilder, TensorId) -> TensorId;

fn product(b: &mut ProgramBuilder, x: TensorId) -> TensorId {
    let labels = || b"n".to_vec();
    let einsum = Einsum { lhs: x, rhs: x, lhs_labels: labels(), rhs_labels: labels(), out_labels: labels() };
    b.tensor("", &[4], Source::Einsum(einsum), 0)
}

fn along(b: &mut ProgramBuilder, source: TensorId, map: GroupMap) -> TensorId {
    let groups = vec![AxisGroup { out_axes: vec![0], source_axes: vec![0], map }];
    b.tensor("", &[4], Source::View(View { source, groups }), 0)
}

fn list(b: &mut ProgramBuilder, x: TensorId) -> TensorId {
    along(b, x, GroupMap::List(vec![Some(2), None, Some(0), Some(1)]))
}

fn flip(b: &mut ProgramBuilder, x: TensorId) -> TensorId {
    along(b, x, GroupMap::Affine { strides: vec![-1], offset: 3 })
}

fn free(b: &mut ProgramBuilder, x: TensorId) -> TensorId {
    let view = along(b, x, GroupMap::Reshape);
    b.tensor("", &[4], Source::Linear { terms: vec![(-1, view)], constant: 0 }, 0)
}

/// A program that says that the last of a chain of tensors vanishes; its output is the input that they stand on.
fn chain(steps: &[Step]) -> Program {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("x", &[4], Source::Input(0), 0);
    let last = steps.iter().fold(x, |last, step| step(&mut b, last));
    b.program.tensors.iter_mut().for_each(|t| t.interval = Interval::new(-1, 1));
    b.program.tensors[x].visibility = Visibility::Public;
    b.program.zeros = vec![last];
    (b.program.inputs, b.program.outputs) = (vec![x], vec![x]);
    b.program
}

#[test]
fn a_chain_as_deep_as_the_bound_is_proved_and_one_step_more_is_refused() {
    assert_eq!(VIRTUAL_DEPTH, 8);
    let steps: [Step; 8] = [product, list, flip, product, flip, list, product, product];
    let setup = Setup::insecure(6).expect("in range");
    let fixture = Fixture::new(chain(&steps), Weights::new(), &setup, 6);
    let proved = fixture.honest(&[vec![0; 4]]);
    assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
    for one_more in [product, list, flip] as [Step; 3] {
        let program = chain(&[&steps[..], &[one_more]].concat());
        assert_eq!(refusal(&program).why, Fault::Depth { got: 9, most: 8 });
    }
}

#[test]
fn free_views_and_linear_expressions_do_not_count() {
    let program = chain(&[free as Step; 100]);
    assert_eq!(program.depths().iter().copied().max(), Some(0));
    assert_eq!(program.validate(&Limits::default()), Ok(()));
}
