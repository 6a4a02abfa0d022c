//! Hundreds of proofs of two models with the same answers do not tell the models apart. With any one blinder or mask left out, or with
//! the mask at the wrong end, they do, and the tests say where.
//!
//! All tests of [`investigate`] run on all proofs. Its error rate is `2^-20`; seeds are fixed, so that the outcome is too.

use ark_ff::{Field, PrimeField};
use rayon::prelude::*;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{EntryKind, Message};
use zktorch_prover::{Blinders, Randomness};
use zktorch_tests::leak::guess::guess;
use zktorch_tests::leak::leaky::{Hole, Places};
use zktorch_tests::leak::models::{Model, Subject};
use zktorch_tests::leak::order::{accumulated_value, learn, prove};
use zktorch_tests::leak::{Finding, Seen, Tell, investigate, statistics};
use zktorch_tests::simulator::Public;

/// Proofs of each model, where distributions are compared.
const MANY: usize = 512;
/// Proofs of each model, where a guess or a repetition is looked for.
const FEW: usize = 2;

/// Proofs of both models, each under a seed of its own.
fn proofs(n: usize, prove: impl Fn(usize, u64) -> Seen + Sync) -> [Vec<Seen>; 2] {
    [0, 1].map(|i| (0..n).into_par_iter().map(|k| prove(i, (2 * k + i) as u64)).collect())
}

/// What is found on proofs that the verifier accepts.
fn findings(models: &[Model<'_>; 2], seen: &[Vec<Seen>; 2], guessed: usize) -> Vec<Finding> {
    assert!(models.iter().zip(seen).all(|(m, s)| s.iter().take(guessed).all(|s| m.accepts(s))));
    investigate(models, [&seen[0], &seen[1]], guessed)
}

fn leaks(models: &[Model<'_>; 2], hole: &Hole, n: usize) -> Vec<Finding> {
    findings(models, &proofs(n, |i, seed| models[i].leak(seed, hole)), FEW)
}

fn guessed(label: Message, occurrence: usize) -> Finding {
    Finding { label, occurrence, tell: Tell::Guess }
}

fn honest(subject: &Subject, n: usize) {
    let models = subject.models();
    assert_eq!(models[0].prove(5).bytes, models[0].leak(5, &Hole::None).bytes, "without a hole both provers are one");
    assert_eq!(findings(&models, &proofs(n, |i, seed| models[i].prove(seed)), 16), []);
}

#[test]
fn honest_proofs_of_a_linear_model_leak_nothing() {
    // Of several segments of hidden scalars, and of one.
    honest(&Subject::linear(3), MANY);
    honest(&Subject::linear(5), MANY);
}

#[test]
fn honest_proofs_of_a_convolution_leak_nothing() {
    honest(&Subject::convolution(5), MANY);
}

#[test]
fn honest_proofs_of_a_network_leak_nothing() {
    // Every message there is; too slow for distributions.
    honest(&Subject::network(8), 16);
}

#[test]
fn honest_proofs_about_one_commitment_share_nothing_else() {
    // One committed input in all proofs of both models: it comes again, and nothing else does.
    for (subject, n) in [(Subject::convolution(5), 128), (Subject::network(8), 8)] {
        let models = subject.models();
        let input = models[0].relation.program.inputs[0];
        let blinders = Blinders::from([(input, vec![Randomness::insecure_seed(1 << 21).scalar()])]);
        let seen = proofs(n, |i, seed| models[i].prove_about(seed, &blinders));
        let again = Finding { label: Message::BoundRow, occurrence: 0, tell: Tell::Repetition };
        assert_eq!(findings(&models, &seen, 8), [again]);
    }
}

#[test]
fn simulated_and_real_proofs_do_not_differ() {
    let subject = Subject::linear(3);
    let [model, _] = &subject.models();
    let real: Vec<Seen> = (0..MANY as u64).into_par_iter().map(|seed| model.prove(seed)).collect();
    let (relation, decider, statement) = (&model.relation, &model.decider, &model.statement);
    let public = Public { relation, decider, generators: &model.fixture.proving.generators, statement };
    let mut random = Randomness::insecure_seed(1 << 20);
    let log = &real[0].log;
    let simulated: Vec<Seen> =
        (0..MANY).map(|_| Seen { bytes: public.simulate(&mut random).bytes, log: log.clone(), draws: Vec::new() }).collect();
    assert_eq!(statistics::distributions([&real, &simulated], log), [0; 0]);
    assert_eq!(statistics::repetitions([&real, &simulated], log.len()), [0; 0]);
}

#[test]
fn a_message_without_its_blinder_leaks() {
    for subject in [Subject::linear(3), Subject::network(8)] {
        let models = subject.models();
        let log = models[0].prove(0).log;
        let hidden: Vec<usize> = (0..log.len()).filter(|&p| log[p].kind == EntryKind::Hidden).collect();
        assert_eq!(hidden.len(), Places::of(&models[0]).messages);
        for (n, position) in hidden.into_iter().enumerate() {
            let label = log[position].label;
            let occurrence = log[..position].iter().filter(|e| e.label == label).count();
            let mut found = leaks(&models, &Hole::Message(n), FEW);
            // Parts of the tree that belong to padding are the same in every proof.
            found.retain(|f| *f != Finding { label: Message::TreeTop, occurrence, tell: Tell::Repetition });
            assert_eq!(found, [guessed(label, occurrence)], "message {n}");
        }
    }
}

#[test]
fn a_row_without_its_blinder_leaks() {
    let subject = Subject::network(8);
    let models = subject.models();
    for row in Places::of(&models[0]).rows {
        let (label, occurrence) = match row {
            0 => (Message::BoundRow, 0),
            1 => (Message::WitnessRow, 0),
            _ => (Message::MultiplicityRow, row - 2),
        };
        let tells = [Tell::Repetition, Tell::Guess].map(|tell| Finding { label, occurrence, tell });
        assert_eq!(leaks(&models, &Hole::Draws(row..row + 1), FEW), tells, "row {row}");
    }
}

#[test]
fn rows_without_blinders_differ_in_distribution() {
    let subject = Subject::linear(3);
    let models = subject.models();
    let tells = [Tell::Distribution, Tell::Repetition, Tell::Guess].map(|tell| Finding {
        label: Message::BoundRow,
        occurrence: 0,
        tell,
    });
    assert_eq!(leaks(&models, &Hole::Draws(Places::of(&models[0]).rows), MANY), tells);
}

#[test]
fn a_vector_without_its_mask_row_leaks() {
    for (subject, several) in [(Subject::linear(3), true), (Subject::linear(5), false), (Subject::network(8), true)] {
        let models = subject.models();
        let rows = Places::of(&models[0]).mask_rows;
        assert_eq!(rows.len() > 2, several, "the accumulated vector and the segments of hidden scalars");
        for (i, row) in rows.into_iter().enumerate() {
            let hole = Hole::Draws(row);
            assert_eq!(leaks(&models, &hole, FEW), [guessed(Message::MaskedValue, i)]);
        }
        // It is the right model that is named.
        let seen = models[0].leak(0, &Hole::Draws(Places::of(&models[0]).mask_rows[0].clone()));
        let position = seen.log.iter().position(|e| e.label == Message::MaskedValue).expect("sent");
        let names = |m: &Model<'_>| guess(m, &seen)[position].as_deref() == Some(seen.message(position));
        assert_eq!([names(&models[0]), names(&models[1])], [true, false]);
    }
}

#[test]
fn a_mask_of_value_zero_leaks() {
    for subject in [Subject::linear(3), Subject::network(8)] {
        let models = subject.models();
        for (i, row) in Places::of(&models[0]).mask_rows.into_iter().enumerate() {
            // Forms of later rows depend on challenges after earlier ones: of none but `g`, which comes after all.
            let hole = |m: usize, seed: u64| Hole::MaskValue { row: row.clone(), form: models[m].forms(seed)[i].clone() };
            let seen = proofs(FEW, |m, seed| models[m].leak(seed, &hole(m, seed)));
            assert_eq!(findings(&models, &seen, FEW), [guessed(Message::MaskedValue, i)]);
        }
    }
}

#[test]
fn the_value_of_a_mask_in_the_clear_leaks() {
    // Only the sum of the masks' values is sent. `(V - v_s) / g` of one vector is a linear functional of witness and weights.
    for subject in [Subject::linear(3), Subject::network(8)] {
        let models = subject.models();
        let seen = models[0].leak(1, &Hole::None);
        let coins: Vec<Fr> = seen.draws.iter().map(|d| d.value).collect();
        let position = seen.log.iter().position(|e| e.label == Message::MaskedValue).expect("sent");
        let scalar = |p: usize| Fr::from_le_bytes_mod_order(seen.message(p));
        let g = seen.draws.iter().find(|d| d.after == position).expect("drawn").value;
        let value = (scalar(position) - models[0].mask_value(1)) * g.inverse().expect("random");
        assert_eq!(value, accumulated_value(&models[0], coins.clone()));
        assert_ne!(value, accumulated_value(&models[1], coins));
    }
}

#[test]
fn a_factor_without_its_mask_leaks() {
    for subject in [Subject::linear(3), Subject::linear(5), Subject::network(8)] {
        let models = subject.models();
        for (i, draw) in Places::of(&models[0]).factors.into_iter().enumerate() {
            assert_eq!(leaks(&models, &Hole::Draws(draw), FEW), [guessed(Message::MaskedFactor, i)]);
        }
    }
}

#[test]
fn a_mask_after_the_fold_leaks() {
    for subject in [Subject::linear(3), Subject::network(8)] {
        let models = subject.models();
        for seed in 0..4 {
            let (bytes, coins) = prove(&models[0], seed);
            let value = learn(&models[0], &bytes).expect("the verifier of that order accepts");
            assert_eq!(value, accumulated_value(&models[0], coins.clone()), "a functional of the secrets, in the clear");
            assert_ne!(value, accumulated_value(&models[1], coins));
        }
    }
}
