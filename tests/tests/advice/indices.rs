//! Indices that depend on inputs: what they are counted from, what stands at them, and what they mark.

use super::net::{Net, Subject};
use super::{shift, told, witness};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Private;
use zktorch_compiler::graph::Domain;
use zktorch_compiler::ops::{Einsum, GatherNd, Index, Label, Mark, Op, Unary};
use zktorch_tests::lying::Lie;

/// Private integers from -5 to 4.
fn ids() -> Net {
    Net::of(Domain::Integer { lo: -5, hi: 4 }, &[1, 3])
}

/// Entries of five, which are made of the integers too, at these as indices.
fn gathered() -> Subject {
    let net = ids();
    let x = net.last();
    let net = net.then("i", Op::Index(Index { extent: 5 }));
    let index = net.last();
    let net = net.from(x).then("real", Op::Unary(Unary::ToReal)).dense("fc", 5);
    let mut s = net.join("g", GatherNd { batch: 1 }, index).dense("fd", 2).keys(Private, 3);
    s.inputs = vec![vec![-1, 2, 0]];
    s
}

#[test]
fn lies_about_indices_are_refused() {
    let s = gathered();
    assert_eq!(s.values("i.copy"), [4, 2, 0]);
    s.refuse(&[
        told(
            "not from the end",
            witness(|d| *d.at("i.sign", &[0, 0]) = from_i64(1)),
            &["i.copy.difference", "i.counted", "i.low"],
        ),
        told(
            "from the end",
            witness(|d| *d.at("i.sign", &[0, 1]) = from_i64(0)),
            &["i.copy.difference", "i.counted", "i.low"],
        ),
        told("another index", shift("i.copy", 1, 1), &["g.offset", "i.copy.difference"]),
    ]);
}

#[test]
fn lies_about_gathered_entries_are_refused() {
    let s = gathered();
    s.refuse(&[
        told("another entry", shift("g", 1, 1), &["g"]),
        told("the entry at another index", Lie::none().run("g", |v| v.swap(0, 1)), &["g"]),
        told(
            "beyond the axis",
            witness(|d| *d.at("x", &[0, 1]) = from_i64(5)),
            &["g", "i.copy.difference", "i.counted", "x.range.offset"],
        ),
        told(
            "before it",
            witness(|d| *d.at("x", &[0, 1]) = from_i64(-6)),
            &["g", "i.copy.difference", "i.counted", "i.low", "x.range.offset"],
        ),
    ]);
}

#[test]
fn lies_about_marks_are_refused() {
    let net = ids();
    let x = net.last();
    let net = net.then("real", Op::Unary(Unary::ToReal));
    let updates = net.last();
    let net = net.from(x).then("i", Op::Index(Index { extent: 5 })).then("z", Op::Mark(Mark { extent: 5 }));
    let [lhs, rhs, out] = [&[0, 1, 2][..], &[0, 1], &[0, 2]].map(|axes| Label::of(axes.iter().copied()));
    let mut s = net.join("y", Einsum { lhs, rhs, out }, updates).dense("fd", 2).keys(Private, 3);
    s.inputs = vec![vec![-1, 2, 0]];
    assert_eq!(s.values("z"), [0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
    s.refuse(&[
        told("another entry", Lie::none().run("z", |v| v.swap(4, 3)), &["z.other"]),
        told("two", shift("z", 3, 1), &["z.excess", "z.other"]),
        told("none", shift("z", 4, -1), &["z.excess", "z.other"]),
        told(
            "two around its place",
            Lie::none().run("z", |v| v[5..10].copy_from_slice(&[0, 1, 0, 1, 0])),
            &["z.excess", "z.other"],
        ),
        told("2 and -1", Lie::none().run("z", |v| v[5..10].copy_from_slice(&[0, -1, 3, -1, 0])), &["z"]),
        told("a mark in padding", witness(|d| *d.at("z", &[0, 1, 6]) = from_i64(1)), &["y.copy.difference", "z"]),
    ]);
}
