//! Softmax of masked scores: what the mask takes out has no weight, what it leaves has its own.

use super::net::{Net, Subject};
use super::{shift, told, witness};
use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{MaskedSoftmax, Op};
use zktorch_tests::lying::Lie;

/// Three rows of a causal mask, padded to four, with products around.
fn causal() -> Subject {
    let mask = ArrayD::from_shape_fn(IxDyn(&[3, 3]), |i| if i[1] > i[0] { 0.0 } else { 1.0 });
    let op = Op::MaskedSoftmax(MaskedSoftmax { axes: vec![1], gap: 1e9 });
    let net = Net::new(&[3, 3]).dense("fc", 3).with("p", op, mask).dense("fd", 2);
    // The largest score of row 0 is masked, and row 1 has two different ones.
    net.keys(Public, 3).with_input(|s| {
        let gaps = s.values("p.gap");
        let scores = s.values("fc");
        scores[1] > scores[0] + 1000 && (3..100).contains(&gaps[3].max(gaps[4])) && gaps[3].min(gaps[4]) == 0
    })
}

#[test]
fn masked_scores_have_no_weight() {
    let s = causal();
    let weights = s.values("p");
    assert_eq!((weights[1], weights[2], weights[5]), (0, 0, 0));
    assert_eq!((weights[0], weights[3] + weights[4]), (1 << 15, 1 << 15));
}

#[test]
fn lies_about_masked_and_other_scores_are_refused() {
    let s = causal();
    let last = s.values("p.gap")[1];
    let kept = if s.values("p.gap")[3] == 0 { 4 } else { 3 };
    s.refuse(&[
        told("a masked score has weight", shift("p.exp", 1, 1), &["p.key"]),
        told("a masked score has another gap", shift("p.gap", 1, -1), &["p.key", "p.remainder"]),
        told(
            "a masked score is as large as the largest",
            witness(move |d| *d.at("p.gap", &[0, 1]) -= from_i64(last)),
            &["p.key", "p.remainder"],
        ),
        told("a masked score is flagged as the largest", shift("p.first", 1, 1), &["p.excess", "p.key"]),
        told(
            "a score that counts takes the masked ones' row",
            Lie::none().run("p.gap", move |v| v[kept] = last),
            &["p.key", "p.remainder"],
        ),
        told("the shift is a masked score's", shift("p.max", 0, 1), &["p.excess"]),
    ]);
}

/// A causal mask on 48 rows of as many entries.
fn long() -> Subject {
    let mask = ArrayD::from_shape_fn(IxDyn(&[48, 48]), |i| if i[1] > i[0] { 0.0 } else { 1.0 });
    let op = Op::MaskedSoftmax(MaskedSoftmax { axes: vec![1], gap: 1e9 });
    Net::new(&[48, 48]).with("p", op, mask).dense("fd", 2).keys(Public, 3)
}

#[test]
fn lies_about_masked_probabilities_are_refused() {
    let s = long();
    let weights = s.values("p");
    assert_eq!((weights[0], weights[1], weights[47]), (1 << 15, 0, 0));
    s.refuse(&[
        told("a masked score has a probability", shift("p", 1, 1), &["p.position"]),
        told("a score that counts has none", Lie::none().run("p", |v| v[0] = 0), &["p.position"]),
        told("a masked score has another gap", shift("p.gap", 1, -1), &["p.key", "p.remainder"]),
    ]);
}
