//! Powers, bits, and integers that wrap around; and gates, whose share is a table's.

use super::net::{Net, Subject};
use super::{fraction, shift, told, witness};
use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::{Private, Public};
use zktorch_compiler::graph::Domain;
use zktorch_compiler::ops::{Bitwise, Connective, Conv, Mul, Op, Power, Slice, Unary, Window};
use zktorch_tests::lying::Lie;

/// Each of three private integers to its own power.
fn powers() -> Subject {
    let net = Net::of(Domain::Integer { lo: 0, hi: 7 }, &[1, 3]);
    let x = net.last();
    let mut s = net.join("p", Power, x).keys(Private, 3);
    s.inputs = vec![vec![3, 0, 6]];
    s
}

#[test]
fn lies_about_powers_are_refused() {
    let s = powers();
    assert_eq!(s.values("out"), [27, 1, 46656]);
    assert_eq!([s.values("p.0.rest"), s.values("p.1.rest")], [[1, 0, 3], [0, 0, 1]]);
    let bits = |rest: &'static [(&'static str, i64)]| {
        witness(move |d| rest.iter().for_each(|&(name, quarters)| *d.at(name, &[0, 0]) = from_i64(quarters) * fraction(4)))
    };
    s.refuse(&[
        told(
            "another quotient by two",
            witness(|d| *d.at("p.0.rest", &[0, 0]) = from_i64(0)),
            &["out.difference", "p.0.bit"],
        ),
        told("another one behind it", witness(|d| *d.at("p.1.rest", &[0, 2]) = from_i64(0)), &["out.difference", "p.1.bit"]),
        // 3 is twice 3/2, which is twice 3/4.
        told("halves of bits", bits(&[("p.0.rest", 6), ("p.1.rest", 3)]), &["out.difference", "p.1.rest"]),
        // 3 is 1 and twice 1, which is twice 1/2.
        told("a bit that is a half", bits(&[("p.0.rest", 4), ("p.1.rest", 2)]), &["out.difference", "p.1.rest"]),
        told("a bit in padding", witness(|d| *d.at("p.1.rest", &[0, 3]) = from_i64(1)), &["p.1.bit", "p.1.rest"]),
    ]);
}

/// Bits of three private integers and of three others.
fn bitwise(connective: Connective) -> Subject {
    let net = Net::of(Domain::Integer { lo: -500, hi: 499 }, &[1, 6]);
    let x = net.last();
    let half = |start| Op::Slice(Slice { axis: 1, start, end: start + 3, step: 1 });
    let net = net.then("b", half(3));
    let b = net.last();
    let mut s = net.from(x).then("a", half(0)).join("z", Bitwise(connective), b).keys(Private, 3);
    s.inputs = vec![vec![-7, 300, 0, 77, -3, -9]];
    s
}

#[test]
fn lies_about_bits_are_refused() {
    for (connective, wanted) in [
        (Connective::And, [-7 & 77, 300 & -3, 0]),
        (Connective::Or, [-7 | 77, 300 | -3, -9]),
        (Connective::Xor, [-7 ^ 77, 300 ^ -3, -9]),
    ] {
        let s = bitwise(connective);
        assert_eq!(s.values("z"), wanted);
        let by = if s.values("z.0")[0] == 0 { 1 } else { -1 };
        let unsigned = shift("z.second.unsigned", 0, 16);
        s.refuse(&[
            told("another digit of the result", shift("z.0", 0, by), &["z.0.key"]),
            told("another result", shift("z", 1, 1), &["z.difference"]),
            told("an integer that is not the operand's", unsigned, &["z.second.unsigned.difference"]),
        ]);
    }
    let s = bitwise(Connective::And);
    let carried = witness(|d| *d.at("z.first.0.rest", &[0, 1]) += from_i64(1));
    let sign = witness(|d| *d.at("z.first.sign", &[0, 1]) = from_i64(0));
    s.refuse(&[
        told("a digit that is carried", carried, &["z.0.key", "z.1.key", "z.first.0.digit"]),
        told("a sign that is not one's", sign, &["z.difference", "z.first.low.low", "z.first.unsigned.difference"]),
    ]);
}

/// Squares of private integers, as integers of eight bits.
fn wrapped() -> Subject {
    let net = Net::of(Domain::Integer { lo: -500, hi: 499 }, &[1, 3]);
    let x = net.last();
    let net = net.join("square", Mul, x).then("w", Op::Unary(Unary::Wrap { lo: -128, hi: 127 }));
    let mut s = net.then("real", Op::Unary(Unary::ToReal)).dense("fd", 2).keys(Private, 3);
    s.inputs = vec![vec![-7, 300, 12]];
    s
}

#[test]
fn lies_about_integers_that_wrap_around_are_refused() {
    let s = wrapped();
    assert_eq!(s.values("w"), [49, -112, -112]);
    assert_eq!(s.values("w.rounds"), [0, 352, 1]);
    let by_a_share = |of: i64| {
        witness(move |d| {
            *d.at("w.rounds", &[0, 1]) += fraction(of);
            *d.at("w", &[0, 1]) -= from_i64(256) * fraction(of);
        })
    };
    s.refuse(&[
        told("a round more", shift("w.rounds", 1, 1), &["w.left.offset"]),
        told("a round less", shift("w.rounds", 2, -1), &["w.left.offset"]),
        told("another integer", shift("w", 0, 1), &["w.difference"]),
        told("a part of a round", by_a_share(256), &["out.difference", "w.rounds.low"]),
        told("a third of a round", by_a_share(3), &["out.difference", "w.left.offset", "w.rounds.low"]),
    ]);
}

/// A gate in front of a convolution, of which one channel is small, and weighed as much as the other.
fn gated() -> Subject {
    let channels = |of: [f64; 2]| ArrayD::from_shape_fn(IxDyn(&[1, 2, 3, 3]), |at| of[at[1]]);
    let kernel = ArrayD::from_shape_vec(IxDyn(&[1, 2, 1, 1]), vec![0.5, 40.0]).expect("of the shape");
    let net = Net::new(&[1, 2, 3, 3]).with("scaled", Op::Mul(Mul), channels([4.0, 0.03]));
    let net = net.then("f", Op::Unary(Unary::Silu));
    net.with("conv", Op::Conv(Conv { window: Window::dense(&[1, 1]), groups: 1 }), kernel).keys_within(0.0, Public, 3)
}

#[test]
fn lies_about_gates_are_refused() {
    let s = gated();
    let key = s.program().lookups.iter().find(|l| l.columns.len() == 2).map(|l| l.columns[0]).expect("a table");
    let key = s.program().tensors[key].name.as_str();
    assert!(s.values("f.share").iter().all(|share| (0..=1 << 15).contains(share)));
    s.refuse(&[
        told("a share that is more", shift("f.share", 0, 1), &[key]),
        told("the share of another entry", Lie::none().run("f.share", |v| v.swap(0, 4)), &[key]),
        told("half a share", witness(|d| *d.at("f.share", &[0, 0, 1, 1]) *= fraction(2)), &["f.wide.remainder.low", key]),
    ]);
}

/// Whole numbers beside sums that are wider than activations.
fn whole_parts(function: Unary) -> Subject {
    Net::new(&[1, 4]).dense("fc", 3).then("f", Op::Unary(function)).dense("fd", 2).keys(Public, 3)
}

#[test]
fn lies_about_whole_parts_are_refused() {
    for function in [Unary::Floor, Unary::Trunc] {
        let s = whole_parts(function);
        s.refuse(&[
            told("one more", shift("f.whole", 0, 1), &["f.rest.high"]),
            told("one less", shift("f.whole", 1, -1), &["f.rest.high"]),
            told(
                "half of one",
                witness(|d| *d.at("f.whole", &[0, 2]) += fraction(2)),
                &["f.rest.low", "f.whole.offset", "out.difference"],
            ),
        ]);
    }
    let s = whole_parts(Unary::Trunc).with_input(|s| s.values("f.sign")[0] == 0);
    s.refuse(&[told("cut off in the other direction", shift("f.sign", 0, 1), &["f.low.high"])]);
}
