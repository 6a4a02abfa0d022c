//! A router: which experts are the best, in which order, and with which gates.

use super::net::{Net, Subject};
use super::{fraction, told, witness};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{Einsum, Label, Op, Softmax, TopK};
use zktorch_tests::lying::Lie;

/// Three tokens, padded to four, two of three experts, padded to four, and their gates.
fn routed() -> Subject {
    let net = Net::new(&[3, 3]).dense("fc", 3);
    let scores = net.last();
    let net = net.then("p", Op::Softmax(Softmax { axes: vec![1] }));
    let gates = net.last();
    let net = net.from(scores).then("z", Op::TopK(TopK { top: 2, largest: true, last: false }));
    let pick = Einsum { lhs: Label::of([0, 1, 2]), rhs: Label::of([0, 2]), out: Label::of([0, 1]) };
    net.join("g", pick, gates).keys(Public, 3)
}

/// The experts of the first token, best first.
fn order(s: &Subject) -> [usize; 3] {
    let z = s.values("z");
    let at = |place: usize| z[3 * place..][..3].iter().position(|&bit| bit == 1).expect("marked");
    [at(0), at(1), 3 - at(0) - at(1)]
}

/// Marks other experts for the first token.
fn marked<'l>(first: usize, second: usize) -> Lie<'l> {
    Lie::none().run("z", move |v| {
        v[..6].fill(0);
        v[first] += 1;
        v[3 + second] += 1;
    })
}

#[test]
fn the_best_experts_are_marked() {
    let s = routed();
    let (keys, [first, second, third]) = (s.values("z.key"), order(&s));
    assert!(keys[first] > keys[second] && keys[second] > keys[third]);
}

#[test]
fn lies_about_experts_are_refused() {
    let s = routed();
    let [first, second, third] = order(&s);
    s.refuse(&[
        told("the third for the second", marked(first, third), &["z.gap.high"]),
        told("the third for the first", marked(third, second), &["z.gap.high", "z.step.high"]),
        told("in another order", marked(second, first), &["z.step.high"]),
        told("the same twice", marked(first, first), &["z.step.high"]),
        told("none", Lie::none().run("z", move |v| v[first] = 0), &["z.excess", "z.gap.high", "z.step.high"]),
        told("two in one place", Lie::none().run("z", move |v| v[3 + third] = 1), &["z.excess"]),
    ]);
}

#[test]
fn marks_are_bits_of_experts_that_there_are() {
    let s = routed();
    let [first, second, third] = order(&s);
    s.refuse(&[
        told(
            "two and less than none",
            Lie::none().run("z", move |v| {
                v[first] = 2;
                v[second] = -1;
            }),
            &["z", "z.gap.high"],
        ),
        told(
            "half of each",
            witness(|d| {
                *d.at("z", &[0, 1, second]) = fraction(2);
                *d.at("z", &[0, 1, third]) = fraction(2);
            }),
            &["out.difference", "z", "z.gap.low", "z.step.low"],
        ),
        told("in padding", witness(|d| *d.at("z", &[0, 1, 3]) = from_i64(1)), &["z", "z.gap.low"]),
        told("of a token in padding", witness(|d| *d.at("z", &[3, 0, 0]) = from_i64(1)), &["z", "z.excess", "z.gap.low"]),
    ]);
}

#[test]
fn a_gate_is_that_of_its_expert() {
    let s = routed();
    s.refuse(&[told("of the best", Lie::none().run("out", |v| v[1] = v[0]), &["out.difference"])]);
}
