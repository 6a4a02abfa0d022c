//! Division towards zero, by divisors of either sign, and comparisons of two tensors.

use super::net::{Net, Subject};
use super::{shift, told, witness};
use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::{Private, Public};
use zktorch_compiler::graph::{Domain, NodeId};
use zktorch_compiler::ops::{Add, Compare, Comparison, Div, Op, Slice, Whole};

/// Three of the six entries of an input, and the other three with numbers added.
fn halves(net: Net, added: [f64; 3]) -> (Net, NodeId) {
    let x = net.last();
    let half = |start| Op::Slice(Slice { axis: 1, start, end: start + 3, step: 1 });
    let added = ArrayD::from_shape_vec(IxDyn(&[1, 3]), added.to_vec()).expect("of the shape");
    let net = net.then("half", half(3)).with("b", Op::Add(Add), added);
    let b = net.last();
    (net.from(x).then("a", half(0)), b)
}

fn whole(part: Whole) -> Subject {
    let (net, b) = halves(Net::of(Domain::Integer { lo: -500, hi: 499 }, &[1, 6]), [3.0, -4.0, 5.0]);
    let mut subject = net.join("q", part, b).keys(Private, 3);
    subject.inputs = vec![vec![-7, 300, 0, 0, -3, -9]];
    subject
}

#[test]
fn lies_about_whole_quotients_are_refused() {
    let s = whole(Whole::Quotient);
    assert_eq!(s.values("q.second.magnitude"), [3, 7, 4]);
    assert_eq!(s.values("q"), [-2, -42, 0]);
    s.refuse(&[
        told("one more", shift("q.quotient", 0, 1), &["q.quotient.over.high"]),
        told("one less", shift("q.quotient", 1, -1), &["q.quotient.rest.high"]),
        told("a sign that is not one's", shift("q.first.sign", 0, 1), &["q.first.low.high", "q.quotient.high"]),
        told("a 0 that is negative", shift("q.first.sign", 2, -1), &["q.first.low.high"]),
        told(
            "a divisor of another sign",
            witness(|d| *d.at("q.second.sign", &[0, 1]) = from_i64(1)),
            &["out.difference", "q.second.low.low", "q.second.magnitude.difference"],
        ),
        told("another magnitude", shift("q.second.magnitude", 0, 1), &["q.second.magnitude.difference"]),
        told(
            "a magnitude of 0",
            witness(|d| *d.at("q.second.magnitude", &[0, 0]) = from_i64(0)),
            &["q.quotient.rest.low", "q.second.magnitude.difference"],
        ),
    ]);
}

#[test]
fn lies_about_remainders_are_refused() {
    let s = whole(Whole::Remainder);
    assert_eq!(s.values("q"), [-1, 6, 0]);
    s.refuse(&[
        told("another remainder", shift("q.remainder", 0, 1), &["q.remainder.difference"]),
        told("as many as the divisor", shift("q.quotient", 0, -1), &["q.quotient.rest.high"]),
    ]);
}

#[test]
fn a_divisor_of_either_sign_has_its_own() {
    let (net, b) = halves(Net::new(&[1, 6]), [2.0, -2.0, 2.0]);
    let s = net.join("q", Div, b).dense("fd", 2).keys(Public, 3);
    assert_eq!(s.values("q.divisor.sign"), [1, 0, 1]);
    s.refuse(&[
        told("one more", shift("q", 0, 1), &["q.over.high"]),
        told("one less", shift("q", 1, -1), &["q.rest.high"]),
        told(
            "the other sign",
            witness(|d| *d.at("q.divisor.sign", &[1]) = from_i64(1)),
            &["q.divisor.low.low", "q.divisor.magnitude.difference", "q.over.low", "q.rest.low"],
        ),
        told(
            "a negative divisor",
            witness(|d| {
                let divisor = d.at("q.divisor.magnitude", &[1]);
                *divisor = -*divisor;
            }),
            &["q.divisor.magnitude.difference", "q.over.low", "q.rest.low"],
        ),
    ]);
}

#[test]
fn comparisons_of_two_tensors_have_one_result() {
    let (net, b) = halves(Net::new(&[1, 6]), [0.0; 3]);
    let mut s = net.join("c", Compare(Comparison::Less), b).keys(Private, 3);
    s.inputs = vec![vec![-100, 7, 9, -99, 6, 9]];
    assert_eq!(s.values("c.sign"), [1, 0, 0]);
    s.refuse(&[
        told("what is less is not", shift("c.sign", 0, -1), &["c.low.high"]),
        told("what is more is less", shift("c.sign", 1, 1), &["c.low.high"]),
        told("what is equal is less", shift("c.sign", 2, 1), &["c.low.high"]),
    ]);
}
