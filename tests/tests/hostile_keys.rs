//! Verifying keys that ask for a great deal in a few bytes: each is refused by the check named here, within a bounded memory.

use ark_bls12_381::G1Affine;
use ark_ec::AffineRepr;
use std::alloc::System;
use zktorch_accumulator::layout::TooManyRows;
use zktorch_accumulator::setup::{Decider, VerifierSetup};
use zktorch_blocks::program::{
    Advice, AxisGroup, Column, Einsum, GroupMap, Interval, Marks, Program, Relation as Order, Source, Table, TableId,
    TensorId, View, Visibility,
};
use zktorch_blocks::transcript::{Message, Reject};
use zktorch_tests::fixture::ports;
use zktorch_tests::hostile::HONEST;
use zktorch_tests::toy::ProgramBuilder;
use zktorch_verifier::Verdict;
use zktorch_verifier::codec::{DecodeError, Kind, canonical, seal};
use zktorch_verifier::key::{KeyError, Relation, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof, shares, verify_model};
use zktorch_verifier::size::ProofSize;

/// No test of this file may hold more at a time, together.
const MOST: usize = 1 << 30;

#[global_allocator]
static ALLOCATOR: cap::Cap<System> = cap::Cap::new(System, MOST);

/// A key of a program, without commitments.
fn key(program: Program, column_bits: u32) -> VerifyingKey {
    let honest = &HONEST.fixture.verifying;
    let [inputs, outputs] = ports(&program);
    VerifyingKey { program, setup: honest.setup.clone(), column_bits, model_rows: Vec::new(), inputs, outputs }
}

/// What the key is refused for, and how long it is.
fn refusal(program: Program, column_bits: u32) -> Result<Reject, KeyError> {
    let bytes = key(program, column_bits).to_bytes().expect("encodes");
    assert!(bytes.len() < 1 << 20, "{} bytes", bytes.len());
    let key = VerifyingKey::from_bytes(&bytes).expect("decodes");
    let relation = Relation::new(&key)?;
    Ok(ProofSize::of(&relation, Decider::Kzg).expect_err("too much work"))
}

/// Ends a program with a public scalar, its output.
fn finish(mut b: ProgramBuilder) -> Program {
    let y = b.tensor("y", &[], Source::Input(0), 3);
    b.program.tensors[y].visibility = Visibility::Public;
    b.program.inputs = vec![y];
    b.program.outputs = vec![y];
    b.program
}

fn linear(terms: Vec<(i64, TensorId)>) -> Source {
    Source::Linear { terms, constant: 0 }
}

/// A tensor of zeros, and said to be: then no product of any is too large.
fn zero(b: &mut ProgramBuilder, shape: &[usize], source: Source) -> TensorId {
    let id = b.tensor("", shape, source, 0);
    b.program.tensors[id].interval = Interval::new(0, 0);
    id
}

/// A committed one.
fn committed(b: &mut ProgramBuilder, shape: &[usize]) -> TensorId {
    let source = zero(b, shape, Source::Fill(0));
    zero(b, shape, Source::Advice(Advice::Copy { source }))
}

fn is_invalid(refused: Result<Reject, KeyError>, fragment: &str) {
    match refused {
        Err(KeyError::Program(why)) => assert!(why.to_string().contains(fragment), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lengths_beyond_the_file_are_refused() {
    // The name of the first tensor is said to have 2^33 bytes.
    let payload = canonical(&key(finish(ProgramBuilder::default()), 5)).expect("encodes");
    let name = payload.iter().position(|&b| b == b'y').expect("a name") - 1;
    let long = [&payload[..name], &[253], &(1u64 << 33).to_le_bytes()[..], &payload[name + 1..]].concat();
    match VerifyingKey::from_bytes(&seal(Kind::VerifyingKey, &long)) {
        Err(DecodeError::Payload { why, .. }) => assert_eq!(why, "LimitExceeded"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tensors_that_no_file_could_commit_to_are_refused() {
    for bits in [21, 34] {
        let mut b = ProgramBuilder::default();
        b.tensor("w", &[1 << bits], Source::Weight, 3);
        assert_eq!(refusal(finish(b), 0), Err(KeyError::Size(TooManyRows(1 << bits))));
        let mut b = ProgramBuilder::default();
        committed(&mut b, &[1 << bits]);
        assert_eq!(refusal(finish(b), 0), Err(KeyError::Size(TooManyRows(1 << bits))));
    }
    // Nor may many small ones add up.
    let mut b = ProgramBuilder::default();
    for _ in 0..20_000 {
        b.table(Table { name: String::new(), rows: (1 << 18) - 1, columns: vec![Column::Count { start: 0 }] });
    }
    let x = b.tensor("x", &[1], Source::Fill(0), 3);
    b.lookup(&[x], TableId(0));
    assert_eq!(refusal(finish(b), 8), Err(KeyError::Size(TooManyRows(20_000 << 10))));
}

#[test]
fn expressions_that_recur_too_deep_are_refused() {
    let mut b = ProgramBuilder::default();
    let mut x = b.tensor("", &[], Source::Fill(0), 3);
    for _ in 0..40_000 {
        x = b.tensor("", &[], linear(vec![(1, x)]), 3);
    }
    b.program.zeros = vec![x];
    is_invalid(refusal(finish(b), 5), "513 linear expressions and views in a row");
}

#[test]
fn views_of_many_groups_are_refused() {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("", &[], Source::Fill(0), 3);
    let group = AxisGroup { out_axes: vec![], source_axes: vec![], map: GroupMap::Reshape };
    b.tensor("", &[], Source::View(View { source: x, groups: vec![group; 100_000] }), 3);
    is_invalid(refusal(finish(b), 5), "100000 groups of axes");
}

/// The tensor with its axes in another order.
fn transposed(b: &mut ProgramBuilder, source: TensorId, shape: &[usize], order: impl Fn(usize) -> usize) -> TensorId {
    let pass = |out: usize| AxisGroup { out_axes: vec![out], source_axes: vec![order(out)], map: GroupMap::Reshape };
    let groups = (0..shape.len()).map(pass).collect();
    zero(b, shape, Source::View(View { source, groups }))
}

#[test]
fn claims_that_multiply_are_refused() {
    // A transpose costs nothing, but moves the point of a claim. After n sums of two of them there are as many points as
    // products of n out of two orders of the axes: soon half of all orders.
    const SHAPE: [usize; 12] = [2; 12];
    let mut b = ProgramBuilder::default();
    let mut x = committed(&mut b, &SHAPE);
    for _ in 0..100 {
        let turned = transposed(&mut b, x, &SHAPE, |axis| (axis + 1) % 12);
        let swapped = transposed(&mut b, x, &SHAPE, |axis| if axis < 2 { 1 - axis } else { axis });
        x = zero(&mut b, &SHAPE, linear(vec![(1, turned), (1, swapped)]));
    }
    b.program.zeros = vec![x];
    assert_eq!(refusal(finish(b), 5), Ok(Reject::Work));
}

#[test]
fn public_tensors_without_end_are_refused() {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("x", &[1 << 34], Source::Input(1), 3);
    b.program.tensors[x].visibility = Visibility::Public;
    b.program.zeros = vec![x];
    let mut program = finish(b);
    program.inputs.push(x);
    assert_eq!(refusal(program, 5), Ok(Reject::Work));
}

/// Marks by public indices of a shape.
fn marked(indices: &[usize]) -> Program {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("x", indices, Source::Input(1), 3);
    b.program.tensors[x].visibility = Visibility::Public;
    let marks = Marks { indices: x, relation: Order::Below };
    let marks = b.tensor("marks", &[indices, &[2]].concat(), Source::Marks(marks), 1);
    b.program.zeros = vec![marks];
    let mut program = finish(b);
    program.inputs.push(x);
    program
}

#[test]
fn marks_without_end_are_refused() {
    assert_eq!(refusal(marked(&[1 << 33]), 5), Ok(Reject::Work));
    // Nor is memory for the padding of their indices, which are 3^14 = 4782969 here: tables over it would take 8 GB.
    let bytes = key(marked(&[3; 14]), 5).to_bytes().expect("encodes");
    let key = VerifyingKey::from_bytes(&bytes).expect("decodes");
    let relation = Relation::new(&key).expect("well formed");
    assert!(ProofSize::of(&relation, Decider::Kzg).is_ok());
}

#[test]
fn index_maps_without_end_are_refused() {
    let mut b = ProgramBuilder::default();
    let x = b.tensor("x", &[1 << 32, 3], Source::Fill(0), 3);
    let groups = vec![AxisGroup { out_axes: vec![0], source_axes: vec![0, 1], map: GroupMap::Reshape }];
    let flat = b.tensor("flat", &[3 << 32], Source::View(View { source: x, groups }), 3);
    b.program.zeros = vec![flat];
    assert_eq!(refusal(finish(b), 5), Ok(Reject::Work));
}

#[test]
fn constraints_that_repeat_a_long_expression_are_refused() {
    let mut b = ProgramBuilder::default();
    let terms: Vec<(i64, TensorId)> = (0..3000).map(|_| (1, committed(&mut b, &[]))).collect();
    let sum = zero(&mut b, &[], linear(terms));
    b.program.zeros = vec![sum; 100_000];
    assert_eq!(refusal(finish(b), 5), Ok(Reject::Work));
}

#[test]
fn claims_on_many_rows_are_refused() {
    // Constraints on a tensor of many rows, each of which needs it at a point of its own.
    const SHAPE: [usize; 20] = [2; 20];
    let mut b = ProgramBuilder::default();
    let x = committed(&mut b, &SHAPE);
    let mut zeros = Vec::new();
    for by in 0..20 {
        let turned = transposed(&mut b, x, &SHAPE, |axis| (axis + by) % 20);
        zeros.push(turned);
        zeros.push(transposed(&mut b, turned, &SHAPE, |axis| if axis < 2 { 1 - axis } else { axis }));
    }
    b.program.zeros = zeros;
    assert_eq!(refusal(finish(b), 1), Ok(Reject::Work));
}

#[test]
fn products_of_products_are_refused() {
    // Each level doubles the degree: a program of many could compute what its own proof hashes.
    let mut b = ProgramBuilder::default();
    let mut x = committed(&mut b, &[2]);
    for _ in 0..200 {
        let labels = || b"n".to_vec();
        let square = Einsum { lhs: x, rhs: x, lhs_labels: labels(), rhs_labels: labels(), out_labels: labels() };
        x = zero(&mut b, &[2], Source::Einsum(square));
    }
    b.program.zeros = vec![x];
    is_invalid(refusal(finish(b), 5), "virtual depth 9, at most 8");
}

/// A key of many small weights and some large ones, all of them the identity: what a model proof must be about, in that many parts.
fn parted(small: usize, large: usize) -> VerifyingKey {
    let mut b = ProgramBuilder::default();
    for n in 0..small + large {
        b.tensor("", if n < small { &[1] } else { &[1 << 22] }, Source::Weight, 3);
    }
    let mut key = key(finish(b), 20);
    key.setup = VerifierSetup::Insecure { log2: 20 };
    let rows = key.layout().expect("well formed").total_rows();
    (0..rows).for_each(|_| VerifyingKey::push_row(&mut key.model_rows, &G1Affine::zero()));
    key
}

#[test]
fn model_proofs_of_many_parts_take_bounded_memory_and_time() {
    // Parts are made one by one. All of them together would take 3 GB.
    let key = parted(1 << 16, 1 << 8);
    let proof =
        ModelProof { model: key.model_digest(), level: Level::Widths, seeded: false, parts: vec![Vec::new(); 1 + (1 << 8)] };
    assert_eq!(verify_model(&key, &proof, None), Ok(Verdict::Rejected(Reject::Truncated(Message::MultiplicityRow))));
    // Nor is there time for all of them: here 8192 times 32768 rows and weights.
    let key = parted(0, 1 << 13);
    let proof = ModelProof { model: key.model_digest(), ..proof };
    assert_eq!(verify_model(&key, &proof, None), Ok(Verdict::Rejected(Reject::Work)));
    assert_eq!(shares(&key, Level::Widths), Err(KeyError::Argument(Reject::Work)));
}
