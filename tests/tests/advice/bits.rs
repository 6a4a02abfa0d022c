//! Booleans: inputs that are bits, comparisons of integers, and masks that depend on inputs.

use super::net::{Net, Subject};
use super::{shift, told, witness};
use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Private;
use zktorch_compiler::graph::Domain;
use zktorch_compiler::ops::{Compare, Comparison, Connective, Logic, MaskedSoftmax, Op, Unary};
use zktorch_tests::lying::Lie;

/// Scores of private bits, and the mask that these and the diagonal are.
fn padded() -> Subject {
    let diagonal = ArrayD::from_shape_fn(IxDyn(&[3, 3]), |i| if i[0] == i[1] { 1.0 } else { 0.0 });
    let net = Net::of(Domain::Boolean, &[3, 3]);
    let x = net.last();
    let net = net.with("kept", Op::Logic(Logic(Connective::Or)), diagonal);
    let kept = net.last();
    let net = net.from(x).then("real", Op::Unary(Unary::ToReal)).dense("fc", 3);
    let net = net.join("p", MaskedSoftmax { axes: vec![1], gap: 1e9 }, kept).dense("fd", 2);
    let mut subject = net.keys(Private, 3);
    subject.inputs = vec![vec![1, 1, 0, 0, 1, 0, 1, 0, 0]];
    subject
}

#[test]
fn masked_keys_have_no_weight() {
    let s = padded();
    assert_eq!(s.values("kept.copy"), [1, 1, 0, 0, 1, 0, 1, 0, 1]);
    let weights = s.values("p");
    assert!([2, 3, 5, 7].iter().all(|&at| weights[at] == 0), "{weights:?}");
    assert_eq!((weights[0] + weights[1], weights[4], weights[6] + weights[8]), (1 << 15, 1 << 15, 1 << 15));
}

#[test]
fn lies_about_masks_of_inputs_are_refused() {
    let s = padded();
    let last = s.values("p.gap")[2];
    let better = if s.values("p.gap")[0] == 0 { 1 } else { 0 };
    s.refuse(&[
        told("a masked key has weight", shift("p.exp", 2, 1), &["p.key"]),
        told("a masked key has another gap", shift("p.gap", 2, -1), &["p.key", "p.remainder.high"]),
        told(
            "a masked key is as large as the largest",
            witness(move |d| *d.at("p.gap", &[0, 2]) -= from_i64(last)),
            &["p.key", "p.remainder.low"],
        ),
        told("a masked key is flagged as the largest", shift("p.first", 2, 1), &["p.excess", "p.key"]),
        told("the shift is a masked key's", shift("p.max", 0, 1), &["p.excess"]),
        told(
            "a key that counts takes the masked ones' row",
            Lie::none().run("p.gap", move |v| v[better] = last),
            &["p.key", "p.remainder.high"],
        ),
        told("a masked key counts", shift("kept.copy", 2, 1), &["kept.copy.difference"]),
        told("a key that counts is masked", shift("kept.copy", 1, -1), &["kept.copy.difference"]),
        told(
            "a bit is 2",
            witness(|d| *d.at("x", &[0, 1]) += from_i64(1)),
            &["kept.copy.difference", "p.remainder.low", "x"],
        ),
        told(
            "a bit is -1",
            witness(|d| *d.at("x", &[0, 2]) -= from_i64(1)),
            &["kept.copy.difference", "p.remainder.low", "x"],
        ),
        told(
            "bits of 2 and their mask",
            witness(|d| {
                *d.at("x", &[0, 1]) += from_i64(1);
                *d.at("kept.copy", &[0, 1]) += from_i64(1);
            }),
            &["p.key", "p.remainder.low", "x"],
        ),
    ]);
}

/// Private integers that are compared with others.
fn compared(comparison: Comparison) -> Subject {
    let bounds = ArrayD::from_shape_vec(IxDyn(&[1, 4]), vec![0.0, 3.0, -2.0, 1.0]).expect("of the shape");
    let net = Net::of(Domain::Integer { lo: -500, hi: 499 }, &[1, 4]).with("c", Op::Compare(Compare(comparison)), bounds);
    let mut subject = net.then("real", Op::Unary(Unary::ToReal)).dense("fd", 2).keys(Private, 3);
    subject.inputs = vec![vec![-400, 3, -1, 1]];
    subject
}

#[test]
fn comparisons_of_integers_have_one_result() {
    let s = compared(Comparison::Less);
    assert_eq!(s.values("c.sign"), [1, 0, 0, 0]);
    s.refuse(&[
        told("what is less is not", shift("c.sign", 0, -1), &["c.low.high"]),
        told("what is equal is less", shift("c.sign", 1, 1), &["c.low.high"]),
        told("an answer of 2", shift("c.sign", 0, 1), &["c.low.high", "c.sign"]),
        told("an answer of -1", shift("c.sign", 2, -1), &["c.low.high", "c.sign"]),
    ]);
    assert_eq!(compared(Comparison::LessEqual).values("c.sign"), [1, 1, 0, 1]);
    let s = compared(Comparison::Equal);
    assert_eq!([s.values("c.least.sign"), s.values("c.most.sign")], [[1, 1, 0, 1], [0, 1, 1, 1]]);
    s.refuse(&[
        told("what differs is equal", shift("c.most.sign", 0, 1), &["c.most.low.high"]),
        told("what is equal differs", shift("c.least.sign", 3, -1), &["c.least.low.high"]),
    ]);
}
