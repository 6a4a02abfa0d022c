//! Single messages that are not true, sent by a prover who goes on as if they were.

use zktorch_blocks::field::{Fr, from_i64};
use zktorch_blocks::lookup::TAIL;
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all, violated};
use zktorch_tests::toy::Toy;

const EQUATION: &str = "relaxed equation";
const OPENING: &str = "error term opening";
const DECIDER: &str = "decider pairing";

fn bump<'l>(label: &'l str, occurrence: usize, entry: usize) -> Lie<'l> {
    Lie::none().hidden(label, occurrence, move |v| v[entry] += from_i64(1))
}

#[test]
fn hidden_scalars() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let shifted = Lie::none().hidden("tree top", 0, |v| {
        // p at layer 1 shifted so that the root stays zero: p0 q1 + p1 q0.
        let (q0, q1) = (v[3], v[4]);
        v[1] += q0;
        v[2] -= q1;
    });
    let cases = vec![
        case("root", bump("tree top", 0, 0), EQUATION, &["tree top denominator"]),
        case("top, layer 1", shifted, EQUATION, &["tree top numerator"]),
        // The third layer that has rounds is the first that has more than one.
        case("tree round", bump("tree rounds", 2, 0), EQUATION, &["tree rounds"]),
        case("tree round, sum kept", bump("tree rounds", 2, 2), EQUATION, &["tree rounds"]),
        case("last tree round, sum kept", bump("tree rounds", 3, 2), EQUATION, &["tree layer"]),
        case("tree children", bump("tree children", 0, 0), EQUATION, &["tree layer", "tree rounds"]),
        case("last tree children", bump("tree children", 3, 63), EQUATION, &["leaf denominator", "tree layer"]),
        case("leaf value", bump("leaf values", 0, 0), EQUATION, &["leaf denominator", "wave rounds"]),
        case("wave round", bump("wave rounds", 0, 0), EQUATION, &["wave rounds"]),
        case("wave operand", bump("wave operands", 0, 0), EQUATION, &["masked value", "wave"]),
        case("cross term", bump("cross terms", 0, 0), EQUATION, &["masked value"]),
        case("last cross term", bump("cross terms", 3, 0), EQUATION, &["masked value"]),
        case("value of the mask", bump("mask value", 0, 0), EQUATION, &["masked value"]),
    ];
    refuse_all(&fixture, &[input], &cases);
}

/// Numerators in the message `tree children`; as many denominators follow.
const HALF: usize = 2 << TAIL;

#[test]
fn every_child_of_a_layer() {
    // Each node enters the sum of the layer above, and the claim on the layer below.
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let honest = fixture.tell(&[input], &Lie::none());
    let layers: Vec<_> = honest.messages.iter().filter(|m| m.label == "tree children").collect();
    assert_eq!(layers.len(), 4);
    for (layer, message) in layers.iter().enumerate() {
        assert_eq!(message.slot.len, 2 * HALF);
        for at in 0..2 * HALF {
            let mut scalars = honest.scalars.clone();
            scalars[message.first + at] += from_i64(1);
            let last = if at < HALF { ["leaf numerator", "tree layer"] } else { ["leaf denominator", "tree layer"] };
            let expected = if layer + 1 < layers.len() { ["tree layer", "tree rounds"] } else { last };
            assert_eq!(violated(&honest.constraints, &scalars), expected, "layer {layer}, node {at}");
        }
    }
}

#[test]
fn children_that_agree_with_the_layer_above() {
    // All that is known when they are sent: p0 q1 + p1 q0 stays what it is for any pair.
    let shifted = |layer: usize, pair: usize| {
        Lie::none().hidden("tree children", layer, move |v: &mut Vec<Fr>| {
            let [q0, q1] = [0, 1].map(|side| v[HALF + 2 * pair + side]);
            v[2 * pair] += q0;
            v[2 * pair + 1] -= q1;
        })
    };
    let (fixture, input) = Fixture::toy(&Toy::default(), 10);
    let cases = [
        case("first pair", shifted(0, 0), EQUATION, &["tree rounds"]),
        case("last pair", shifted(1, HALF / 2 - 1), EQUATION, &["tree rounds"]),
        case("a pair above the leaves", shifted(3, 5), EQUATION, &["leaf numerator"]),
    ];
    refuse_all(&fixture, &[input], &cases);
}

#[test]
fn masks_and_errors() {
    let (fixture, input) = Fixture::toy(&Toy::default(), 9);
    let vector = |n: usize, entry: usize| Lie::none().vector(n, move |v| v[entry] += from_i64(1));
    // The mask row, each of two segments and its weighted twin, then the error terms.
    let cases = vec![
        case("mask row", vector(0, 5), DECIDER, &[]),
        case("mask of the first segment", vector(1, 5), DECIDER, &[]),
        case("weighted mask of the first segment", vector(2, 5), DECIDER, &[]),
        case("mask of the second segment", vector(3, 5), DECIDER, &[]),
        case("weighted mask of the second segment", vector(4, 5), DECIDER, &[]),
        case("weighted mask off all slots", vector(4, 511), DECIDER, &[]),
        case("e0", vector(5, 0), OPENING, &[]),
        case("e1", vector(6, 0), OPENING, &[]),
    ];
    refuse_all(&fixture, &[input], &cases);
}
