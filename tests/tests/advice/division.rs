//! Quotients of two tensors: what is divided, and by what, leaves one value.

use super::net::{Net, Subject};
use super::{shift, told, witness};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{Div, Op, Reduce, ReduceKind, Unary};
use zktorch_tests::lying::Lie;

/// Three rows, padded to four, each divided by a sum of its own, or by entries.
fn divided(by_rows: bool) -> Subject {
    let net = Net::new(&[3, 3]).dense("fc", 3);
    let x = net.last();
    let net = net.then("e", Op::Unary(Unary::Exp));
    let sum = Op::Reduce(Reduce { kind: ReduceKind::Sum, axes: vec![1] });
    let net = if by_rows { net.then("s", sum).spread("t", &[3, 3]) } else { net };
    let divisor = net.last();
    net.from(x).join("q", Div, divisor).dense("fd", 2).keys(Public, 3)
}

#[test]
fn entries_are_divided_by_what_their_row_has() {
    let s = divided(true);
    let (divisors, quotients) = (s.values("q.divisor.copy"), s.values("q"));
    assert!(divisors.iter().all(|&divisor| divisor > 0));
    let products: Vec<i64> = quotients.iter().enumerate().map(|(i, q)| q * divisors[i / 3]).collect();
    assert_eq!(s.values("q.product"), products);
}

#[test]
fn lies_about_quotients_are_refused() {
    for by_rows in [true, false] {
        let s = divided(by_rows);
        s.refuse(&[
            told("one more", shift("q", 0, 1), &["q.over.high"]),
            told("one less", shift("q", 0, -1), &["q.rest.high"]),
            told("of another row", Lie::none().run("q", |v| v.swap(0, 3)), &["q.over.high", "q.rest.high"]),
            told("in padding", witness(|d| *d.at("q", &[3, 0]) = from_i64(5)), &["out.difference", "q.offset"]),
        ]);
    }
}

#[test]
fn another_divisor_is_refused() {
    let s = divided(true);
    s.refuse(&[
        told("one more", shift("q.divisor.copy", 0, 1), &["q.divisor.copy.difference"]),
        told(
            "zero",
            witness(|d| *d.at("q.divisor.copy", &[0]) = from_i64(0)),
            &["q.divisor.copy.difference", "q.over.low", "q.rest.low"],
        ),
        told(
            "negative",
            witness(|d| {
                let divisor = d.at("q.divisor.copy", &[0]);
                *divisor = -*divisor;
            }),
            &["q.divisor.copy.difference", "q.over.low", "q.rest.low"],
        ),
    ]);
}
