//! Messages that are committed to in another place than their own: longer than they should be, on another's slot, on no slot, in another
//! order. Each is refused by the check named, or changes nothing.

use ark_ff::Field;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::transcript::{Check, Equation, Message, Reject};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, Outcome, case, refuse_all};
use zktorch_tests::toy::Toy;
use zktorch_verifier::Verdict;
use zktorch_verifier::proof::Proof;

/// What the masked values have to add up to: other challenges ask for another sum.
const EQUATION: Check = Check::MaskedSum;
const DECIDER: Check = Check::DeciderPairing;

#[test]
fn round_polynomials_of_higher_degree_are_refused() {
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
fn messages_on_another_slot_are_refused() {
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
        moved(Message::CrossTerms, 0, false),
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
fn columns_of_another_message_are_refused() {
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
fn columns_of_no_message_change_nothing() {
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
fn witness_rows_in_another_order_are_refused() {
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
    assert_eq!(fixture.verdict(&Proof { bytes, ..proved.proof }), Verdict::Rejected(Reject::Check(EQUATION)));
}
