//! Statements and keys: values out of range or not canonical, other statements, other keys.

use zktorch_accumulator::setup::Setup;
use zktorch_blocks::program::{Element, Interval, Scale, TensorId};
use zktorch_blocks::transcript::{Check, Misfit, Reject};
use zktorch_prover::{ProveError, Prover, Randomness};
use zktorch_tests::field_witness::tensor;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::toy::Toy;
use zktorch_verifier::key::{KeyError, VerifyingKey};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Unverifiable, Verdict, verify};

fn toy() -> Toy {
    Toy { public_input: true, ..Toy::default() }
}

/// What does not fit, and in words.
fn statement(reason: Misfit, words: &str) -> Verdict {
    let reject = Reject::Statement(reason);
    assert_eq!(reject.to_string(), words);
    Verdict::Rejected(reject)
}

fn outside(tensor: &str, value: i64, (lo, hi): (i64, i64)) -> Verdict {
    let reason = Misfit::Range { tensor: tensor.to_owned(), value, interval: Interval::new(lo, hi) };
    statement(reason, &format!("{value} of tensor `{tensor}` is outside of {lo}..={hi}"))
}

fn length(tensor: &str, expected: usize, got: usize) -> Verdict {
    let reason = Misfit::Length { tensor: tensor.to_owned(), expected, got };
    statement(reason, &format!("tensor `{tensor}` has {expected} entries, the statement {got}"))
}

#[test]
fn other_values_of_the_statement_are_refused() {
    let (fixture, input) = Fixture::toy(&toy(), 7);
    let honest = fixture.honest(&[input]).proof;
    let with = |edit: &dyn Fn(&mut Vec<Vec<i64>>)| {
        let mut proof = honest.clone();
        edit(&mut proof.statement);
        fixture.verdict(&proof)
    };
    assert_eq!(with(&|_| ()), Verdict::Accepted);
    // Another value in range: the challenges are others.
    let other = Verdict::Rejected(Reject::Check(Check::MaskedSum));
    assert_eq!(with(&|s| s[0][0] ^= 1), other);
    assert_eq!(with(&|s| s[1][0] += 1), other);
    assert_eq!(with(&|s| s[1].swap(0, 1)), other);
    // Out of its interval, far out, or too few or many.
    assert_eq!(with(&|s| s[0][0] = 8), outside("X", 8, (-8, 7)));
    assert_eq!(with(&|s| s[0][0] = -9), outside("X", -9, (-8, 7)));
    assert_eq!(with(&|s| s[0][0] = i64::MIN), outside("X", i64::MIN, (-8, 7)));
    assert_eq!(with(&|s| s[1][0] = 1 << 18), outside("y2", 1 << 18, (-(1 << 18), (1 << 18) - 1)));
    assert_eq!(with(&|s| s[0].truncate(59)), length("X", 60, 59));
    assert_eq!(with(&|s| s[1].push(0)), length("y2", 3, 4));
    let missing = Misfit::Missing { tensor: "y2".to_owned() };
    assert_eq!(with(&|s| s.truncate(1)), statement(missing, "the statement has no values for tensor `y2`"));
    assert_eq!(
        with(&|s| s.push(vec![])),
        statement(Misfit::Surplus, "the statement has values for more tensors than the program")
    );
    let mut scaled = honest.clone();
    scaled.scales[0].0 += 1;
    assert_eq!(fixture.verdict(&scaled), statement(Misfit::Scales, "the outputs' scales are not those of the key"));
}

#[test]
fn a_proof_is_refused_under_any_other_key() {
    let (fixture, input) = Fixture::toy(&toy(), 7);
    let proof = fixture.honest(std::slice::from_ref(&input)).proof;
    let (mut weights, _) = toy().sample(3);
    let bias = weights.get_mut(&tensor(&toy().program(), "B")).expect("a weight");
    *bias = bias.iter().map(|b| b + 1).collect();
    let setup = Setup::insecure(7).expect("in range");
    let other = Fixture::new(toy().program(), weights, &setup, 7);
    assert_eq!(other.verdict(&proof), statement(Misfit::Key, "the proof was made for another verifying key"));
    // The same proof under the other key's name: other challenges.
    let relabelled = Proof { key: other.verifying.digest().expect("encodes"), ..proof.clone() };
    assert_eq!(other.verdict(&relabelled), Verdict::Rejected(Reject::Check(Check::MaskedSum)));
    // Every part of the key is bound.
    let edits: [&dyn Fn(&mut VerifyingKey); 4] = [
        &|k| k.program.tensors[TensorId(0)].name.push('x'),
        &|k| k.inputs[0].name.push('x'),
        &|k| k.setup = Setup::insecure(8).expect("in range").verifier,
        &|k| k.program.tensors[TensorId(0)].interval.hi += 1,
    ];
    for edit in edits {
        let mut key = fixture.verifying.clone();
        edit(&mut key);
        assert_ne!(key.digest(), fixture.verifying.digest());
        if let Ok(digest) = key.digest() {
            let relabelled = Proof { key: digest, ..proof.clone() };
            let got = verify(&key, &relabelled, Some(&fixture.proving.generators));
            assert!(!matches!(got, Ok(Verdict::Accepted)), "{got:?}");
        }
    }
    let mixed = Prover::new(&other.proving, &fixture.verifying, Randomness::insecure_seed(1)).prove(&[input]);
    assert_eq!(mixed.map(|_| ()), Err(ProveError::Foreign));
}

#[test]
fn broken_keys_decide_nothing() {
    let (fixture, input) = Fixture::toy(&toy(), 7);
    let proof = fixture.honest(&[input]).proof;
    let with = |edit: &dyn Fn(&mut VerifyingKey)| {
        let mut key = fixture.verifying.clone();
        edit(&mut key);
        verify(&key, &proof, None).expect_err("a broken key")
    };
    let rows = fixture.verifying.model_rows.len() / 96;
    let expected = |got| Unverifiable::Key(KeyError::Rows { expected: rows, got });
    assert_eq!(with(&|k| k.model_rows.truncate(96 * (rows - 1))), expected(rows - 1));
    assert_eq!(with(&|k| k.model_rows.truncate(96 * rows - 1)), expected(rows - 1));
    assert_eq!(with(&|k| k.model_rows[95] ^= 1), Unverifiable::Key(KeyError::Point(0)));
    assert_eq!(with(&|k| k.column_bits = 8), Unverifiable::Key(KeyError::Columns(8)));
    assert_eq!(with(&|k| k.column_bits = u32::MAX), Unverifiable::Key(KeyError::Columns(u32::MAX)));
    assert_eq!(with(&|k| k.outputs.clear()), Unverifiable::Key(KeyError::Ports));
    // Values that would be shown under another shape.
    assert_eq!(with(&|k| k.outputs[0].shape.insert(0, 2)), Unverifiable::Key(KeyError::Ports));
    assert_eq!(with(&|k| k.inputs[0].shape.reverse()), Unverifiable::Key(KeyError::Ports));
    // Integers that would be shown without the powers of two of their columns.
    let powers = |k: &mut VerifyingKey| {
        let id = k.program.outputs[0];
        let columns = k.outputs[0].shape.last().copied().expect("an axis");
        k.program.tensors[id].scale = Scale(0);
        k.program.columns = vec![(id, vec![3; columns])];
        k.outputs[0].element = Element::Integer;
    };
    assert_eq!(with(&powers), Unverifiable::Key(KeyError::Ports));
    assert!(matches!(with(&|k| k.program.outputs[0] = TensorId(0xffff)), Unverifiable::Key(KeyError::Program(_))));
}

#[test]
fn a_transparent_key_pins_its_generators() {
    let (weights, input) = toy().sample(3);
    let setup = Setup::transparent(128).expect("in range");
    let fixture = Fixture::new(toy().program(), weights, &setup, 7);
    let proof = fixture.honest(&[input]).proof;
    let mut others = fixture.proving.generators.clone();
    others.g.swap(0, 1);
    assert_eq!(fixture.verdict(&proof), Verdict::Accepted);
    assert!(matches!(verify(&fixture.verifying, &proof, Some(&others)), Err(Unverifiable::Setup(_))));
    assert!(matches!(verify(&fixture.verifying, &proof, None), Err(Unverifiable::Setup(_))));
}

#[test]
fn a_kzg_key_looks_at_no_generators() {
    // Whoever could choose `G_0`, as a multiple of `H` say, could open the first column to anything.
    let (fixture, input) = Fixture::toy(&toy(), 7);
    let proof = fixture.honest(&[input]).proof;
    let mut others = fixture.proving.generators.clone();
    others.g[0] = others.h;
    for generators in [None, Some(&others), Some(&fixture.proving.generators)] {
        assert_eq!(verify(&fixture.verifying, &proof, generators), Ok(Verdict::Accepted));
    }
}
