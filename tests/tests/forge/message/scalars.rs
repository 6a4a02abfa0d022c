//! Single messages that are not true, sent by a prover who goes on as if they were.

use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::lookup::TAIL;
use zktorch_blocks::transcript::{Check, Equation, Message};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all, violated};
use zktorch_tests::toy::Toy;

/// What the masked values have to add up to, if all constraints hold.
const EQUATION: Check = Check::MaskedSum;
const DECIDER: Check = Check::DeciderPairing;

fn bump<'l>(label: Message, occurrence: usize, entry: usize) -> Lie<'l> {
    Lie::none().hidden(label, occurrence, move |v| v[entry] += from_i64(1))
}

#[test]
fn false_hidden_scalars_are_refused() {
    // Rows are long, so that the fold has several messages.
    let (fixture, input) = Fixture::toy(&Toy::default(), 12);
    let shifted = Lie::none().hidden(Message::TreeTop, 0, |v| {
        // p at layer 1 shifted so that the root stays zero: p0 q1 + p1 q0.
        let (q0, q1) = (v[3], v[4]);
        v[1] += q0;
        v[2] -= q1;
    });
    let inputs = [input];
    let messages = fixture.tell(&inputs, &Lie::none()).messages;
    let lengths: Vec<usize> = messages.iter().filter(|m| m.label == Message::CrossTerms).map(|m| m.slot.len).collect();
    let (last, leading) = (lengths.len() - 1, lengths[lengths.len() - 1] - 1);
    let cases = vec![
        case("root", bump(Message::TreeTop, 0, 0), EQUATION, &[Equation::TreeTopDenominator, Equation::ProductRounds]),
        case("top, layer 1", shifted, EQUATION, &[Equation::TreeTopNumerator, Equation::ProductRounds]),
        // The fourth layer that has rounds is the first that has more than one.
        case("tree round", bump(Message::TreeRounds, 3, 0), EQUATION, &[Equation::TreeRounds]),
        case("tree round, sum kept", bump(Message::TreeRounds, 3, 2), EQUATION, &[Equation::TreeRounds]),
        case(
            "last tree round, sum kept",
            bump(Message::TreeRounds, 4, 2),
            EQUATION,
            &[Equation::TreeLayer, Equation::ProductRounds],
        ),
        case(
            "tree children",
            bump(Message::TreeChildren, 0, 0),
            EQUATION,
            &[Equation::TreeRounds, Equation::TreeLayer, Equation::ProductRounds],
        ),
        case(
            "last tree children",
            bump(Message::TreeChildren, 3, 63),
            EQUATION,
            &[Equation::TreeLayer, Equation::LeafDenominator, Equation::ProductRounds],
        ),
        case("leaf value", bump(Message::LeafValues, 0, 0), EQUATION, &[Equation::LeafDenominator, Equation::WaveRounds]),
        case("wave round", bump(Message::WaveRounds, 0, 0), EQUATION, &[Equation::WaveRounds]),
        case(
            "wave operand",
            bump(Message::WaveOperands, 0, 0),
            EQUATION,
            &[Equation::Wave, Equation::CrossTerms, Equation::ProductRounds],
        ),
        case("cross term", bump(Message::CrossTerms, 0, 0), EQUATION, &[Equation::CrossTerms]),
        case(
            "last cross term",
            bump(Message::CrossTerms, last, 0),
            EQUATION,
            &[Equation::CrossTerms, Equation::AccumulatedClaim],
        ),
        case("last cross term, sum kept", bump(Message::CrossTerms, last, leading), EQUATION, &[Equation::AccumulatedClaim]),
    ];
    refuse_all(&fixture, &inputs, &cases);
}

/// Numerators in the message `tree children`; as many denominators follow.
const HALF: usize = 2 << TAIL;

#[test]
fn every_child_of_a_layer_enters_three_constraints() {
    // Each node enters the sum of the layer above, the claim on the layer below, and a factor of the product that is left of all.
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let honest = fixture.tell(&[input], &Lie::none());
    let layers: Vec<_> = honest.messages.iter().filter(|m| m.label == Message::TreeChildren).collect();
    assert_eq!(layers.len(), 4);
    for (layer, message) in layers.iter().enumerate() {
        assert_eq!(message.slot.len, 2 * HALF);
        for at in 0..2 * HALF {
            let mut scalars = honest.scalars.clone();
            scalars[message.first + at] += from_i64(1);
            let last = [Equation::LeafNumerator, Equation::LeafDenominator][at / HALF];
            let below = if layer + 1 < layers.len() { Equation::TreeRounds } else { last };
            let mut expected = [Equation::MaskedFactor, Equation::TreeLayer, below];
            expected.sort_unstable();
            assert_eq!(violated(&honest.constraints, &scalars), expected, "layer {layer}, node {at}");
        }
    }
}

#[test]
fn children_that_agree_with_the_layer_above_are_refused_below() {
    // All that is known when they are sent: p0 q1 + p1 q0 stays what it is for any pair.
    let shifted = |layer: usize, pair: usize| {
        Lie::none().hidden(Message::TreeChildren, layer, move |v: &mut Vec<Fr>| {
            let [q0, q1] = [0, 1].map(|side| v[HALF + 2 * pair + side]);
            v[2 * pair] += q0;
            v[2 * pair + 1] -= q1;
        })
    };
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let cases = [
        case("first pair", shifted(0, 0), EQUATION, &[Equation::TreeRounds]),
        case("last pair", shifted(1, HALF / 2 - 1), EQUATION, &[Equation::TreeRounds]),
        case("a pair above the leaves", shifted(3, 5), EQUATION, &[Equation::LeafNumerator]),
    ];
    refuse_all(&fixture, &[input], &cases);
}

#[test]
fn a_false_product_that_is_left_is_refused() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let honest = fixture.tell(std::slice::from_ref(&input), &Lie::none());
    let last = honest.messages.iter().filter(|m| m.label == Message::ProductRounds).count() - 1;
    // Values at zero, at one, and the leading coefficient, which does not enter the sum.
    let leading = |occurrence| {
        Lie::none().hidden(Message::ProductRounds, occurrence, |v| *v.last_mut().expect("a scalar") += from_i64(1))
    };
    let cases = [
        case("sum", bump(Message::ProductRounds, 0, 0), EQUATION, &[Equation::ProductRounds]),
        case("sum kept", leading(0), EQUATION, &[Equation::ProductRounds]),
        case("last sum kept", leading(last), EQUATION, &[Equation::Product]),
        case("mask of the first factor", bump(Message::ProductMasks, 0, 0), EQUATION, &[Equation::MaskedFactor]),
        case("mask of the second factor", bump(Message::ProductMasks, 0, 1), EQUATION, &[Equation::MaskedFactor]),
        case("product of the masks", bump(Message::ProductMasks, 0, 2), EQUATION, &[Equation::Product]),
        case("cross product with the masks", bump(Message::ProductMasks, 0, 3), EQUATION, &[Equation::Product]),
    ];
    refuse_all(&fixture, &[input], &cases);
}

#[test]
fn false_masks_and_masked_values_are_refused() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 9);
    let honest = fixture.tell(std::slice::from_ref(&input), &Lie::none());
    let segments = 1 + honest.messages.iter().map(|m| m.slot.segment).max().expect("messages");
    assert_eq!(honest.log.iter().filter(|e| e.label == Message::MaskedValue).count(), 1 + segments);
    let row = |n: usize, column: usize| {
        let lie = Lie::none().vector(n, move |v| v[column] += from_i64(1));
        case(format!("mask row {n}, column {column}"), lie, DECIDER, &[])
    };
    // Rows that are not what they are said to be, in columns of slots and beyond all.
    let mut cases: Vec<_> = (0..=segments).flat_map(|n| [row(n, 5), row(n, 511)]).collect();
    let one = from_i64(1);
    let shift = |n: usize, m: usize| Lie::none().clear(Message::MaskedValue, n, one).clear(Message::MaskedValue, m, -one);
    cases.extend([
        case("value of the mask", Lie::none().clear(Message::MaskValue, 0, one), EQUATION, &[]),
        case("masked value", Lie::none().clear(Message::MaskedValue, 0, one), EQUATION, &[]),
        case("masked values of the same sum", shift(0, segments), DECIDER, &[]),
    ]);
    refuse_all(&fixture, &[input], &cases);
}
