//! Attacks by provers who choose what they send with an eye on what they have seen: messages that are too long, on another's slot,
//! from another proof, for another statement. Each is refused by the check named.

use ark_ff::Field;
use zktorch_accumulator::decider::DeciderKey;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::transcript::{Check, Equation, Message, MessageEntry, Misfit, Reject, Transcript};
use zktorch_prover::secrets::Vault;
use zktorch_prover::session::Session;
use zktorch_prover::{Proved, Randomness, Witness, prove};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, Outcome, case, refuse_all};
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
const DECIDER: Check = Check::DeciderPairing;

fn refused(check: Check) -> Verdict {
    Verdict::Rejected(Reject::Check(check))
}

#[test]
fn round_polynomials_of_higher_degree() {
    // One coefficient more: its place is the next message's slot, where it is no scalar of this one.
    let longer = |label: Message, occurrence: usize| {
        let lie = Lie::none().stray(label, occurrence, |slot, _| vec![(slot.column + slot.len, from_i64(5))]);
        case(format!("{label} {occurrence}, one longer"), lie, DECIDER, &[])
    };
    // Another leading coefficient: the value at infinity does not enter the sum of the round, but the claim of the next.
    let leading = |label: Message, occurrence: usize, violated: &'static [Equation]| {
        let lie = Lie::none().hidden(label, occurrence, move |v| *v.last_mut().expect("a scalar") += from_i64(1));
        case(format!("{label} {occurrence}, leading"), lie, EQUATION, violated)
    };
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let cases = [
        longer(Message::TreeRounds, 0),
        longer(Message::TreeRounds, 1),
        longer(Message::WaveRounds, 0),
        longer(Message::WaveRounds, 1),
        longer(Message::ProductRounds, 0),
        // The fourth layer that has rounds is the first that has more than one.
        leading(Message::TreeRounds, 3, &[Equation::TreeRounds]),
        leading(Message::TreeRounds, 4, &[Equation::TreeLayer, Equation::ProductRounds]),
        leading(Message::WaveRounds, 0, &[Equation::WaveRounds]),
        leading(Message::ProductRounds, 0, &[Equation::ProductRounds]),
    ];
    refuse_all(&fixture, &[input], &cases);
}

#[test]
fn messages_on_another_slot() {
    // The scalars of a message committed to one column further, or on the slot before.
    let moved = |label: Message, occurrence: usize, right: bool| {
        let lie = Lie::none().stray(label, occurrence, move |slot, values| {
            let own = values.iter().enumerate();
            let shift = if right { slot.column + 1 } else { slot.column - slot.len };
            own.flat_map(|(i, &v)| [(slot.column + i, -v), (shift + i, v)]).collect()
        });
        case(format!("{label} {occurrence}, moved"), lie, DECIDER, &[])
    };
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let cases = [
        moved(Message::TreeChildren, 0, true),
        moved(Message::TreeChildren, 0, false),
        moved(Message::TreeChildren, 1, false),
        moved(Message::WaveOperands, 0, true),
        moved(Message::CrossTerms, 1, false),
        moved(Message::ProductMasks, 0, false),
    ];
    refuse_all(&fixture, &[input], &cases);
}

/// A prover who commits to `5` in a column that is not of the message's slot, and who goes on knowing it: the vector that is masked is the
/// committed one.
fn strayed(honest: &Outcome, (label, occurrence): (Message, usize), column: usize) -> Lie<'static> {
    let numbered = honest.messages.iter().enumerate().filter(|(_, m)| m.label == label);
    let (number, message) = numbered.clone().nth(occurrence).expect("a message");
    let segment = message.slot.segment;
    Lie::none().stray(label, occurrence, move |_, _| vec![(column, from_i64(5))]).closing(move |joint, kappa| {
        let (vector, _) = joint.parts[1 + segment].witness.as_mut().expect("the prover's side");
        vector[column] += kappa.pow([number as u64]) * from_i64(5);
    })
}

#[test]
fn columns_of_another_message() {
    // What lies there meets the other message's coefficient, at a power of kappa that is not its own.
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let honest = fixture.tell(std::slice::from_ref(&input), &Lie::none());
    let slot =
        |label: Message, n: usize| honest.messages.iter().filter(|m| m.label == label).nth(n).expect("a message").slot;
    let onto = |from: (Message, usize), to: (Message, usize)| {
        assert_eq!(slot(from.0, from.1).segment, slot(to.0, to.1).segment);
        case(format!("{from:?} on {to:?}"), strayed(&honest, from, slot(to.0, to.1).column), EQUATION, &[])
    };
    let cases = [
        onto((Message::ProductMasks, 0), (Message::LeafValues, 0)),
        onto((Message::ProductMasks, 0), (Message::ProductRounds, 0)),
        onto((Message::TreeRounds, 0), (Message::TreeChildren, 0)),
        onto((Message::LeafValues, 0), (Message::CrossTerms, 0)),
    ];
    refuse_all(&fixture, &[input], &cases);
}

#[test]
fn columns_of_no_message() {
    // No form has a coefficient there: nothing is said of what a message holds beyond all slots, and nothing depends on it.
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let inputs = [input];
    let honest = fixture.tell(&inputs, &Lie::none());
    let (column, message) = (1023, (Message::LeafValues, 0));
    let of = honest.messages.iter().find(|m| m.label == message.0).expect("sent").slot.segment;
    let own = honest.messages.iter().filter(|m| m.slot.segment == of);
    assert!(own.map(|m| m.slot.column + m.slot.len).max() <= Some(column));
    let told = fixture.tell(&inputs, &strayed(&honest, message, column));
    assert_eq!((told.verdict, told.violated), (Verdict::Accepted, vec![]));
    // Whoever denies it cannot open the sum of commitments.
    let denied = Lie::none().stray(message.0, message.1, move |_, _| vec![(column, from_i64(5))]);
    refuse_all(&fixture, &inputs, &[case("denied", denied, DECIDER, &[])]);
}

#[test]
fn witness_rows_in_another_order() {
    // Two tensors of one size commit to each other's values; evaluations tell the truth.
    let swap = |a: &'static str, b: &'static str| {
        let lie = Lie::none().data(move |d: &mut Data<'_>| {
            let [a, b] = [a, b].map(|name| Polynomial::Tensor(tensor(d.program, name)));
            let (of_a, of_b) = (d.values[&a].clone(), d.values[&b].clone());
            d.rows.extend([(a, of_b), (b, of_a)]);
        });
        case(format!("{a} and {b}"), lie, EQUATION, &[Equation::CrossTerms])
    };
    let (fixture, input) = Fixture::toy(&Toy::default(), 5);
    refuse_all(&fixture, std::slice::from_ref(&input), &[swap("y1", "f1")]);
    // The points themselves exchanged: the challenges are others.
    let proved = fixture.honest(&[input]);
    let rows: Vec<usize> = (0..proved.messages.len()).filter(|&p| proved.messages[p].label == Message::WitnessRow).collect();
    assert!(rows.len() > 2);
    let (first, second) = (proved.messages[rows[0]].offset, proved.messages[rows[1]].offset);
    let mut bytes = proved.proof.bytes.clone();
    let (head, tail) = bytes.split_at_mut(second);
    head[first..second].swap_with_slice(&mut tail[..second - first]);
    assert_eq!(fixture.verdict(&Proof { bytes, ..proved.proof }), refused(EQUATION));
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
            let randomness = Randomness::insecure_seed(seed);
            prove(&fixture.proving, &fixture.verifying, &[input], randomness, &mut |_| ()).expect("proves")
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
fn a_message_of_another_proof_of_the_same_statement() {
    let two = Two::new(|input| [input.clone(), input]);
    let [a, b] = [0, 1].map(|i| &two.proofs[i].proof);
    assert_eq!(a.statement, b.statement);
    for (position, entry) in two.proofs[0].messages.iter().enumerate() {
        let check = match entry.label {
            Message::ClearCrossTerm
            | Message::DeciderBlinder
            | Message::DeciderCross
            | Message::DeciderValue
            | Message::DeciderQuotient => DECIDER,
            _ => EQUATION,
        };
        assert_eq!(two.mixed(|p, _| p == position), refused(check), "message {position} `{}`", entry.label);
    }
}

#[test]
fn accumulators_of_two_proofs_exchanged() {
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
fn a_proof_for_another_input() {
    let toy = Toy { public_input: true, ..Toy::default() };
    let (fixture, input) = Fixture::toy(&toy, 7);
    let other: Vec<i64> = input.iter().map(|v| v / 2).collect();
    let [one, two] = [input, other].map(|i| fixture.honest(&[i]).proof);
    assert_ne!(one.statement, two.statement);
    assert_eq!(fixture.verdict(&Proof { statement: two.statement.clone(), ..one.clone() }), refused(EQUATION));
    assert_eq!(fixture.verdict(&Proof { statement: one.statement, ..two }), refused(EQUATION));
}

#[test]
fn a_proof_for_another_key() {
    let toy = Toy::default();
    let (fixture, input) = Fixture::toy(&toy, 7);
    let proof = fixture.honest(&[input]).proof;
    let verdict = |other: &Fixture, scales: Vec<i32>| {
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
    program.tensors[output].scale += 1;
    let scales = vec![program.tensors[output].scale];
    assert_eq!(verdict(&keys(program, 3, &insecure), scales), refused(EQUATION));
    // The same weights on another setup.
    let transparent = Setup::transparent(128).expect("in range");
    assert_eq!(verdict(&keys(toy.program(), 3, &transparent), proof.scales.clone()), refused(EQUATION));
}

#[test]
fn another_protocol() {
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
