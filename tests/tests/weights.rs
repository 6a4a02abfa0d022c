//! The model proof: honest weights pass; fractions, weights beyond their widths and hidden channels in padding do not.

use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::field::{Fr, from_i64, inverse_power_of_two};
use zktorch_blocks::integers::Integers;
use zktorch_blocks::program::{Interval, Program, Source, TensorId, Visibility};
use zktorch_blocks::transcript::{Check, Equation, Message, Misfit, Reject, Transcript};
use zktorch_prover::{Randomness, prove_model};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::toy::{ProgramBuilder, Toy};
use zktorch_tests::weights::Change;
use zktorch_verifier::Verdict;
use zktorch_verifier::argument::argue;
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::model::{Level, ModelProof, part_digest, parts, verify_model};
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::{bind_statement, protocol};

const LEVELS: [Level; 2] = [Level::Padding, Level::Widths];

fn prove(fixture: &Fixture, level: Level) -> ModelProof {
    let mut randomness = Randomness::insecure_seed(11);
    prove_model(&fixture.proving, &fixture.verifying, level, &mut randomness, &mut |_, _| ()).expect("honest weights prove")
}

fn verdict(fixture: &Fixture, key: &VerifyingKey, proof: &ModelProof) -> Verdict {
    verify_model(key, proof, Some(&fixture.proving.generators)).expect("the key is usable")
}

fn refused(reason: Misfit) -> Verdict {
    Verdict::Rejected(Reject::Statement(reason))
}

#[test]
fn honest_weights_are_proved() {
    let toy = Toy::default();
    let (weights, _) = toy.sample(3);
    for setup in [Setup::insecure(8).expect("in range"), Setup::transparent(256).expect("in range")] {
        let fixture = Fixture::new(toy.program(), weights.clone(), &setup, 8);
        for level in LEVELS {
            let proof = prove(&fixture, level);
            assert_eq!(proof.parts.len(), 1);
            assert_eq!(verdict(&fixture, &fixture.verifying, &proof), Verdict::Accepted);
            let read = ModelProof::from_bytes(&proof.to_bytes().expect("it encodes"));
            assert_eq!(read.as_ref(), Ok(&proof));
        }
    }
}

#[test]
fn weights_wider_than_a_table_are_held_to_any_interval() {
    let mut b = ProgramBuilder::default();
    for (name, interval) in [
        ("wide", Interval::new(-(1 << 40), (1 << 40) - 1)),
        ("odd", Interval::new(-70_000, 5)),
        ("one", Interval::new(7, 7)),
    ] {
        let id = b.tensor(name, &[3], Source::Weight, 4);
        b.program.tensors[id].interval = interval;
    }
    let output = b.tensor("y", &[1], Source::Input(0), 1);
    b.program.tensors[output].visibility = Visibility::Public;
    (b.program.inputs, b.program.outputs) = (vec![output], vec![output]);
    let values = [vec![-(1 << 40), (1 << 40) - 1, 12345], vec![-70_000, 5, -65_536], vec![7, 7, 7]];
    let weights: Weights = (0..).map(TensorId).zip(values.into_iter().map(Integers::from)).collect();
    let setup = Setup::insecure(8).expect("in range");
    let fixture = Fixture::new(b.program, weights, &setup, 8);
    assert_eq!(verdict(&fixture, &fixture.verifying, &prove(&fixture, Level::Widths)), Verdict::Accepted);
    // One beyond either end of the intervals, and a large multiple of a limb.
    let cases = [(0, 0, -1), (0, 1, 1), (1, 0, -1), (1, 1, 1), (1, 1, 1 << 16), (2, 0, 1), (2, 1, -1)];
    for (weight, position, delta) in cases {
        let change = Change { weight, position, delta: from_i64(delta) };
        let outcome = fixture.tell_model(&fixture.with_weight(&change), Level::Widths, &change);
        assert_eq!(outcome.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)), "{weight} {position} {delta}");
        assert_eq!(outcome.violated, [Equation::TreeTopNumerator, Equation::ProductRounds]);
    }
}

#[test]
fn fractions_and_hidden_channels_are_refused() {
    let toy = Toy::default();
    let (fixture, _) = Fixture::toy(&toy, 8);
    let half = inverse_power_of_two(1);
    // The matrix M has 90 x 3 entries, padded to 128 x 4.
    let cases: [(&str, usize, Fr); 4] = [
        ("half an integer", 5, half),
        ("a wrap around the field", 5, from_i64(-1) * half),
        ("a channel in the padding of the last axis", 3, from_i64(1)),
        ("a channel in the padding of the first axis", 127 * 4, from_i64(1)),
    ];
    for (name, position, delta) in cases {
        let change = Change { weight: 2, position, delta };
        let key = fixture.with_weight(&change);
        let widths = fixture.tell_model(&key, Level::Widths, &change);
        assert_eq!(widths.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)), "{name}");
        assert_eq!(widths.violated, [Equation::TreeTopNumerator, Equation::ProductRounds], "{name}");
        let padding = fixture.tell_model(&key, Level::Padding, &change);
        if position == 5 {
            assert_eq!(padding.verdict, Verdict::Accepted, "the padding alone says nothing of {name}");
        } else {
            assert_eq!(padding.verdict, Verdict::Rejected(Reject::Check(Check::MaskedSum)), "{name}");
            assert_eq!(padding.violated, [Equation::ZeroConstraint], "{name}");
        }
    }
    // A proof about other weights than the key's does not open the key's rows.
    let change = Change { weight: 2, position: 5, delta: from_i64(1) };
    let outcome = fixture.tell_model(&fixture.verifying, Level::Widths, &change);
    assert_eq!((outcome.verdict, outcome.violated), (Verdict::Rejected(Reject::Check(Check::DeciderPairing)), vec![]));
}

#[test]
fn a_model_proof_of_something_else_is_refused() {
    let toy = Toy::default();
    let (fixture, input) = Fixture::toy(&toy, 8);
    let [padding, widths] = LEVELS.map(|level| prove(&fixture, level));
    let key = &fixture.verifying;
    // Without lookups there is no tree: the messages do not even have the other's form. Random bytes are a scalar, or a point of the curve, every
    // other time.
    let meets = |reject: &Reject, level| match level {
        Level::Widths => matches!(reject, Reject::Point(Message::TreeTop | Message::TreeRounds | Message::TreeChildren)),
        Level::Padding => [Reject::Scalar(Message::MaskedFactor), Reject::Point(Message::MaskRow)].contains(reject),
    };
    for (level, proof) in [(Level::Widths, &padding), (Level::Padding, &widths)] {
        let relabelled = ModelProof { level, ..proof.clone() };
        let verdict = verdict(&fixture, key, &relabelled);
        assert!(matches!(&verdict, Verdict::Rejected(reject) if meets(reject, level)), "{level:?}: {verdict:?}");
    }
    // Another key of the same weights: other blinders.
    let other = Fixture::new(toy.program(), toy.sample(4).0, &Setup::insecure(8).expect("in range"), 8);
    assert_eq!(verdict(&other, &other.verifying, &widths), refused(Misfit::Model));
    let forged = ModelProof { model: other.verifying.model_digest(), ..widths.clone() };
    assert_eq!(verdict(&other, &other.verifying, &forged), Verdict::Rejected(Reject::Check(Check::MaskedSum)));
    // The proof of a run is none of the model.
    let run = fixture.honest(&[input]).proof;
    let forged = ModelProof { parts: vec![run.bytes], ..widths.clone() };
    assert!(matches!(verdict(&fixture, key, &forged), Verdict::Rejected(_)));
    for parts in [vec![], vec![widths.parts[0].clone(); 2]] {
        let got = parts.len();
        let forged = ModelProof { parts, ..widths.clone() };
        assert_eq!(verdict(&fixture, key, &forged), refused(Misfit::Parts { expected: 1, got }));
    }
}

/// A program of two weights that are too large for one part; nearly all of the first is padding.
fn large() -> (Program, Weights) {
    let mut b = ProgramBuilder::default();
    let weights = [11, 1].map(|axes| b.tensor(&format!("{axes} axes"), &vec![3; axes], Source::Weight, 4));
    let output = b.tensor("y", &[1], Source::Input(0), 1);
    b.program.tensors[output].visibility = Visibility::Public;
    (b.program.inputs, b.program.outputs) = (vec![output], vec![output]);
    let values = |id: TensorId| -> Vec<i64> {
        (0..b.program.tensors[id].shape.len()).map(|i| if i % 9973 == 2 { 3 } else { 0 }).collect()
    };
    let weights = weights.into_iter().map(|id| (id, values(id).into())).collect();
    (b.program, weights)
}

#[test]
fn large_models_are_proved_in_parts() {
    let (program, weights) = large();
    let fixture = Fixture::new(program, weights, &Setup::insecure(12).expect("in range"), 12);
    let relation = Relation::new(&fixture.verifying).expect("a good key");
    for (index, part) in parts(&relation, Level::Widths).expect("few").enumerate() {
        // Each weight is looked up in one part, under the same rows.
        let looked_up = part.tensors.iter().filter_map(|t| match &t.source {
            Source::Linear { terms, .. } => Some(terms[0].1),
            _ => None,
        });
        assert_eq!(looked_up.collect::<Vec<_>>(), [TensorId(index)]);
        assert_eq!(
            relation.for_program(&part, KeyDigest::default()).expect("few rows").layout.phases[0],
            relation.layout.phases[0]
        );
    }
    let proof = prove(&fixture, Level::Padding);
    assert_eq!((proof.parts.len(), verdict(&fixture, &fixture.verifying, &proof)), (2, Verdict::Accepted));
    let swapped = ModelProof { parts: proof.parts.iter().rev().cloned().collect(), ..proof };
    assert!(matches!(verdict(&fixture, &fixture.verifying, &swapped), Verdict::Rejected(_)));
}

#[test]
fn a_part_is_a_proof_in_its_place_alone() {
    let toy = Toy::default();
    let (fixture, _) = Fixture::toy(&toy, 8);
    let proof = prove(&fixture, Level::Widths);
    let key = &fixture.verifying;
    let relation = Relation::new(key).expect("a good key");
    let decider = DeciderKey::resolve(&key.setup, None).expect("a good setup");
    let [program] = parts(&relation, Level::Widths).expect("few").collect::<Vec<_>>().try_into().expect("one part");
    let statement = Statement::new(&program, Vec::new()).expect("nothing is public");
    let argued = |level, index| {
        let part = relation.for_program(&program, part_digest(&key.model_digest(), level, index)).expect("few rows");
        let mut t = Transcript::verifier(protocol(key), part.columns(), &proof.parts[0]);
        bind_statement(&mut t, &part, &statement);
        argue(&mut t, &part, &decider, &statement, None)
    };
    assert_eq!(argued(Level::Widths, 0), Ok(()));
    for (level, index) in [(Level::Widths, 1), (Level::Padding, 0)] {
        assert_eq!(argued(level, index), Err(Reject::Check(Check::MaskedSum)), "{level:?} {index}");
    }
}
