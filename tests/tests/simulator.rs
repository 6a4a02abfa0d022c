//! Transcripts made without any secret pass all of the verifier's checks, if the challenges are known beforehand; and only then.

use ark_bls12_381::G1Affine;
use ark_ec::CurveGroup;
use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::transcript::{Check, Reject, decode_point};
use zktorch_prover::Randomness;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::simulator::{Public, Simulation};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;
use zktorch_verifier::key::{Relation, VerifyingKey};
use zktorch_verifier::model::{Level, part_digest, parts};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::statement::Statement;

/// All four blocks, a view, two waves.
fn toys() -> [Toy; 3] {
    let base = Toy { square: true, shifts: [3, 7], ..Toy::default() };
    [base.clone(), Toy { public_input: true, ..base.clone() }, Toy { square: false, shifts: [3, 4], ..base }]
}

/// Simulates a proof that the network has the outputs given, and hands the simulation to a judge.
fn simulate(toy: &Toy, setup: &Setup, column_bits: u32, judge: impl Fn(&Fixture, &Public<'_>, &Simulation)) {
    let (weights, input) = toy.sample(3);
    let mut fixture = Fixture::new(toy.program(), weights, setup, column_bits);
    let honest = fixture.honest(&[input]);
    let mut random = Randomness::insecure_seed(11);
    // Not even the weights are known: the key's rows commit to nothing.
    let rows = fixture.verifying.model_rows.len() / 96;
    fixture.verifying.model_rows.clear();
    for _ in 0..rows {
        let nothing = (fixture.proving.generators.h * random.scalar()).into_affine();
        VerifyingKey::push_row(&mut fixture.verifying.model_rows, &nothing);
    }
    let relation = Relation::new(&fixture.verifying).expect("a good key");
    let decider = DeciderKey::resolve(&fixture.verifying.setup, Some(&fixture.proving.generators)).expect("a good setup");
    // An output that nobody computed.
    let mut values = honest.proof.statement.clone();
    values.last_mut().expect("an output").iter_mut().enumerate().for_each(|(i, v)| *v = 1000 - 700 * i as i64);
    let statement = Statement::new(relation.program, values).expect("in range");
    let public =
        Public { relation: &relation, decider: &decider, generators: &fixture.proving.generators, statement: &statement };
    let simulation = public.simulate(&mut random);
    let (log, _) = public.check(&simulation).expect("all checks pass");
    assert_eq!(log, honest.messages, "message by message what a proof is made of");
    judge(&fixture, &public, &simulation);
}

#[test]
fn all_checks_pass_without_a_witness_on_kzg() {
    let setup = Setup::insecure(10).expect("in range");
    for (toy, column_bits) in toys().iter().zip([10, 7, 5]) {
        simulate(toy, &setup, column_bits, |_, _, _| ());
    }
}

#[test]
fn all_checks_pass_without_a_witness_on_the_transparent_setup() {
    let setup = Setup::transparent(128).expect("in range");
    for toy in toys() {
        simulate(&toy, &setup, 7, |_, _, _| ());
    }
}

#[test]
fn a_commitment_of_somebody_else_is_simulated_about() {
    // Twice about one committed input, of which the simulator knows nothing.
    let setup = Setup::insecure(8).expect("in range");
    let toy = Toy::default();
    simulate(&toy, &setup, 8, |fixture, public, _| {
        // Under the key whose commitments are to the weights.
        let (own, input) = Fixture::toy(&toy, 8);
        let honest = own.honest(&[input]).proof;
        let layout = fixture.verifying.layout().expect("a good key");
        let rows = honest.bound(&layout, fixture.verifying.program.inputs[0]).expect("it is private");
        let given: Vec<G1Affine> = rows.iter().map(|bytes| decode_point(bytes).expect("a point")).collect();
        let mut random = Randomness::insecure_seed(12);
        for _ in 0..2 {
            let simulation = public.simulate_about(&given, &mut random);
            assert!(public.check(&simulation).is_ok());
            assert_eq!(simulation.bytes[..48], honest.bytes[..48]);
        }
    });
}

#[test]
fn a_model_proof_is_simulated_without_the_weights() {
    // About the honest key's own commitments.
    let toy = Toy::default();
    let (fixture, _) = Fixture::toy(&toy, 8);
    let relation = Relation::new(&fixture.verifying).expect("a good key");
    let decider = DeciderKey::resolve(&fixture.verifying.setup, None).expect("a good setup");
    let mut random = Randomness::insecure_seed(13);
    for level in [Level::Padding, Level::Widths] {
        for (index, program) in parts(&relation, level).expect("few").enumerate() {
            let part = relation
                .for_program(&program, part_digest(&fixture.verifying.model_digest(), level, index))
                .expect("few rows");
            let statement = Statement::new(&program, Vec::new()).expect("nothing is public");
            let generators = &fixture.proving.generators;
            let public = Public { relation: &part, decider: &decider, generators, statement: &statement };
            assert!(public.check(&public.simulate(&mut random)).is_ok(), "{level:?}");
        }
    }
}

#[test]
fn hashed_challenges_cannot_be_known_beforehand() {
    let setup = Setup::insecure(10).expect("in range");
    simulate(&toys()[0], &setup, 10, |fixture, public, simulation| {
        let program = &fixture.verifying.program;
        let scales = program.outputs.iter().map(|&id| program.tensors[id].scale).collect();
        let statement = public.statement.all().to_vec();
        let proof = Proof { key: public.relation.digest, statement, scales, seeded: false, bytes: simulation.bytes.clone() };
        assert_eq!(fixture.verdict(&proof), Verdict::Rejected(Reject::Check(Check::MaskedSum)));
    });
}

#[test]
fn each_challenge_counts() {
    // With one challenge changed the conversation is no longer accepted: each was needed beforehand, or binds what came before.
    let setup = Setup::insecure(7).expect("in range");
    simulate(&toys()[2], &setup, 7, |_, public, simulation| {
        let (_, drawn) = public.check(simulation).expect("all checks pass");
        assert!(drawn > 50);
        for i in 0..drawn {
            let mut other = simulation.clone();
            other.coins[i] += from_i64(1);
            assert!(matches!(public.check(&other), Err(Reject::Check(_))), "challenge {i} of {drawn}");
        }
    });
}
