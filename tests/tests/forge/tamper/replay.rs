//! Finished proofs, or parts of them, shown where they do not belong: among the messages of another proof, for another input, under another
//! key or protocol. Each is refused by the check named.

use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::program::Scale;
use zktorch_blocks::transcript::{Check, Message, MessageEntry, Misfit, Reject, Transcript};
use zktorch_prover::secrets::Vault;
use zktorch_prover::session::Session;
use zktorch_prover::{Proved, Randomness, Witness};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::tamper::length;
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;
use zktorch_verifier::argument::argue;
use zktorch_verifier::key::Relation;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::statement::Statement;
use zktorch_verifier::verify::bind_statement;

/// What the masked values have to add up to: other challenges ask for another sum.
const EQUATION: Check = Check::MaskedSum;

fn refused(check: Check) -> Verdict {
    Verdict::Rejected(Reject::Check(check))
}

/// Two proofs under one key.
struct Two {
    fixture: Fixture,
    proofs: [Proved; 2],
}

impl Two {
    fn new(inputs: impl Fn(Vec<i64>) -> [Vec<i64>; 2]) -> Self {
        let toy = Toy { input: [1, 4, 4], channels: 1, pad: 0, outputs: 1, ..Toy::default() };
        let (fixture, input) = Fixture::toy(&toy, 10);
        let mut seed = 20;
        let proofs = inputs(input).map(|input| {
            seed += 1;
            fixture.prover(seed).prove(&[input]).expect("proves")
        });
        for proved in &proofs {
            assert_eq!(fixture.verdict(&proved.proof), Verdict::Accepted);
        }
        assert_eq!(proofs[0].messages, proofs[1].messages);
        assert_ne!(proofs[0].proof.bytes, proofs[1].proof.bytes);
        Self { fixture, proofs }
    }

    /// The first proof with messages of the second.
    fn mixed(&self, theirs: impl Fn(usize, &MessageEntry) -> bool) -> Verdict {
        let [own, other] = [0, 1].map(|i| &self.proofs[i]);
        let mut bytes = own.proof.bytes.clone();
        for (_, entry) in own.messages.iter().enumerate().filter(|(p, e)| theirs(*p, e)) {
            let range = entry.offset..entry.offset + length(entry);
            bytes[range.clone()].copy_from_slice(&other.proof.bytes[range]);
        }
        self.fixture.verdict(&Proof { bytes, ..own.proof.clone() })
    }
}

#[test]
fn a_message_of_another_proof_of_the_same_statement_is_refused() {
    let two = Two::new(|input| [input.clone(), input]);
    let [a, b] = [0, 1].map(|i| &two.proofs[i].proof);
    assert_eq!(a.statement, b.statement);
    for (position, entry) in two.proofs[0].messages.iter().enumerate() {
        let check = match entry.label {
            Message::ClearCrossTerm
            | Message::DeciderBlinder
            | Message::DeciderCross
            | Message::DeciderValue
            | Message::DeciderQuotient => Check::DeciderPairing,
            _ => EQUATION,
        };
        assert_eq!(two.mixed(|p, _| p == position), refused(check), "message {position} `{}`", entry.label);
    }
}

#[test]
fn accumulators_of_two_proofs_cannot_be_exchanged() {
    // Another input, another accumulator.
    let two = Two::new(|input| [input.clone(), input.iter().map(|v| v / 2).collect()]);
    let masked = [Message::MaskRow, Message::MaskValue, Message::MaskedValue];
    assert_eq!(two.mixed(|_, e| masked.contains(&e.label)), refused(EQUATION));
    // With all that follows it, decided as it was decided there.
    let from = two.proofs[0].messages.iter().position(|e| e.label == Message::MaskRow).expect("sent");
    assert_eq!(two.mixed(|p, _| p >= from), refused(EQUATION));
    // And with the claims that made it, but for the rows.
    let rows = [Message::BoundRow, Message::WitnessRow, Message::MultiplicityRow];
    assert_eq!(two.mixed(|_, e| !rows.contains(&e.label)), refused(EQUATION));
}

#[test]
fn a_proof_for_another_input_is_refused() {
    let toy = Toy { public_input: true, ..Toy::default() };
    let (fixture, input) = Fixture::toy(&toy, 7);
    let other: Vec<i64> = input.iter().map(|v| v / 2).collect();
    let [one, two] = [input, other].map(|i| fixture.honest(&[i]).proof);
    assert_ne!(one.statement, two.statement);
    assert_eq!(fixture.verdict(&Proof { statement: two.statement.clone(), ..one.clone() }), refused(EQUATION));
    assert_eq!(fixture.verdict(&Proof { statement: one.statement, ..two }), refused(EQUATION));
}

#[test]
fn a_proof_for_another_key_is_refused() {
    let toy = Toy::default();
    let (fixture, input) = Fixture::toy(&toy, 7);
    let proof = fixture.honest(&[input]).proof;
    let verdict = |other: &Fixture, scales: Vec<Scale>| {
        let foreign = Reject::Statement(Misfit::Key);
        assert_eq!(other.verdict(&proof), Verdict::Rejected(foreign));
        // Under the other key's name.
        let key = other.verifying.digest().expect("encodes");
        other.verdict(&Proof { key, scales, ..proof.clone() })
    };
    let keys = |program, seed: u64, setup: &Setup| Fixture::new(program, toy.sample(seed).0, setup, 7);
    let insecure = Setup::insecure(7).expect("in range");
    // Other weights, of a model with the same program.
    assert_eq!(verdict(&keys(toy.program(), 4, &insecure), proof.scales.clone()), refused(EQUATION));
    // The same weights, with outputs that mean half as much.
    let mut program = toy.program();
    let output = program.outputs[0];
    program.tensors[output].scale.0 += 1;
    let scales = vec![program.tensors[output].scale];
    assert_eq!(verdict(&keys(program, 3, &insecure), scales), refused(EQUATION));
    // The same weights on another setup.
    let transparent = Setup::transparent(128).expect("in range");
    assert_eq!(verdict(&keys(toy.program(), 3, &transparent), proof.scales.clone()), refused(EQUATION));
}

#[test]
fn a_proof_under_another_protocol_is_refused() {
    let toy = Toy::default();
    let (fixture, input) = Fixture::toy(&toy, 7);
    let (key, proving) = (&fixture.verifying, &fixture.proving);
    let honest = fixture.honest(std::slice::from_ref(&input)).proof;
    let trace = zktorch_blocks::execute::execute(&key.program, &proving.weights, &[input]).expect("runs");
    let relation = Relation::new(key).expect("a good key");
    let decider = DeciderKey::resolve(&key.setup, Some(&proving.generators)).expect("a good setup");
    let witness = Witness::new(&key.program, &trace).expect("satisfied");
    let statement = Statement::new(&key.program, honest.statement.clone()).expect("in range");
    let under = |protocol: &str| {
        let mut vault = Vault::new(proving, Randomness::insecure_seed(7));
        let mut progress = |_| ();
        let mut session = Session::new(&relation, &witness, proving, &mut progress);
        let mut t = Transcript::prover(protocol, relation.columns(), &mut vault);
        bind_statement(&mut t, &relation, &statement);
        argue(&mut t, &relation, &decider, &statement, Some(&mut session)).expect("an honest run");
        fixture.verdict(&Proof { bytes: t.finish().expect("a prover always finishes"), ..honest.clone() })
    };
    assert_eq!(under("zktorch/v1/kzg/1"), Verdict::Accepted);
    for other in ["zktorch/v1/kzg/0", "zktorch/v2/kzg/1", "zktorch/v1/transparent/1", ""] {
        assert_eq!(under(other), refused(EQUATION), "{other}");
    }
}
