//! Softmax: the shift by the maximum, exponentials, exact division.

use super::net::{Net, Subject};
use super::{fraction, shift, told, witness};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{LogSoftmax, Op, Softmax};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::lying::Lie;

/// Three rows, padded to four, with a product behind.
fn rows() -> Subject {
    let net = Net::new(&[3, 3]).dense("fc", 3).then("p", Op::Softmax(Softmax { axes: vec![1] })).dense("fd", 2);
    net.keys(Public, 3).with_input(|s| {
        let gaps = &s.values("p.gap")[..3];
        gaps.iter().filter(|&&d| d == 0).count() == 1 && gaps.iter().filter(|&&d| d > 2).count() == 2
    })
}

/// Position of the largest score of row 0, and of another.
fn positions(s: &Subject) -> (usize, usize) {
    let top = s.values("p.first").iter().position(|&z| z == 1).expect("flagged");
    (top, (top + 1) % 3)
}

#[test]
fn a_shift_is_the_largest_score() {
    let s = rows();
    let (top, other) = positions(&s);
    s.refuse(&[
        told("above all scores", shift("p.max", 0, 1), &["p.excess"]),
        told("below the largest score", shift("p.max", 0, -1), &["p.excess", "p.key"]),
        told(
            "below the largest score, which is flagged",
            shift("p.max", 0, -1).data(move |d| {
                *d.at("p.first", &[0, top]) = from_i64(1);
                d.derive_virtual();
            }),
            &["p.key"],
        ),
        told(
            "far below",
            witness(|d| {
                *d.at("p.max", &[0]) -= from_i64(100_000);
                (0..3).for_each(|j| *d.at("p.gap", &[0, j]) -= from_i64(100_000));
            }),
            &["p.key", "p.max.low"],
        ),
        told("attained, flagged nowhere", Lie::none().run("p.first", move |v| v[top] = 0), &["p.excess"]),
        told("flagged at another score", shift("p.first", other, 1), &["p.excess", "p.key"]),
        told("a gap too wide", shift("p.gap", other, 1), &["p.remainder"]),
        told("a gap too narrow", shift("p.gap", other, -1), &["p.remainder"]),
    ]);
}

#[test]
fn a_shift_between_integers_is_refused() {
    let s = rows().with_input(|s| s.values("p.remainder")[..3].iter().all(|&r| r < 255));
    s.refuse(&[told(
        "by the smallest fraction that remainders show",
        witness(|d| {
            *d.at("p.max", &[0]) -= fraction(256);
        }),
        &["p.max.low"],
    )]);
}

#[test]
fn scores_that_need_no_rounding_have_one_gap() {
    let s = Net::new(&[1, 3]).then("p", Op::Softmax(Softmax { axes: vec![1] })).keys(Public, 3);
    assert!(s.program().zeros.contains(&tensor(s.program(), "p.remainder")), "the remainder vanishes");
    let s = s.with_input(|s| s.values("p.gap").iter().filter(|&&d| d > 2).count() == 2);
    let (_, other) = positions(&s);
    s.refuse(&[
        told("a gap too wide", shift("p.gap", other, 1), &["p.remainder"]),
        told("above all scores", shift("p.max", 0, 1), &["p.excess"]),
    ]);
}

#[test]
fn an_exponential_is_that_of_its_gap() {
    let s = rows();
    let (top, other) = positions(&s);
    s.refuse(&[
        told("of the largest score", shift("p.exp", top, -1), &["p.key"]),
        told("of another score", shift("p.exp", other, 1), &["p.key"]),
    ]);
}

#[test]
fn a_quotient_of_a_softmax_has_one_value() {
    // Low limbs with room for one more and one less.
    let room = |s: &Subject| (1..255).contains(&s.values("p.over.low")[0]) && (1..255).contains(&s.values("p.rest.low")[0]);
    let s = rows().with_input(room);
    s.refuse(&[
        told("one more: the remainder is negative", shift("p", 0, 1), &["p.over.high"]),
        told("one less: 2 S - 1 - remainder is negative", shift("p", 0, -1), &["p.rest.high"]),
        told(
            "the quotient that wraps to a remainder of one's choice",
            witness(|d| {
                let total = *d.at("p.total", &[0]);
                use ark_ff::Field;
                *d.at("p", &[0, 0]) -= (total + total).inverse().expect("not zero");
            }),
            &["p.low", "p.remainder.low"],
        ),
        told("of another sum", shift("p.total", 0, 1), &["p.total.difference"]),
        told(
            "of a sum that is zero",
            witness(|d: &mut Data<'_>| *d.at("p.total", &[0]) = from_i64(0)),
            &["p.over.low", "p.rest.low", "p.total.difference"],
        ),
    ]);
}

#[test]
fn division_by_zero_in_padding_gives_zero() {
    // Row 3 is padding: its sum is zero, and every quotient satisfies the relation.
    let s = rows();
    s.refuse(&[told("a quotient there", witness(|d| *d.at("p", &[3, 0]) = from_i64(5)), &["p.low", "p.remainder.low"])]);
}

/// Forty rows of 64 entries, of which a product is made: as many as make a table of probabilities worth it.
fn many() -> Subject {
    let net = Net::new(&[40, 64]).then("p", Op::Softmax(Softmax { axes: vec![1] })).dense("fd", 2);
    net.keys(Public, 3)
}

#[test]
fn a_probability_by_a_logarithm_has_one_value() {
    let s = many();
    s.refuse(&[
        told("another sum", shift("p.total", 0, 1), &["p.total.difference"]),
        told("another exponential", shift("p.exp", 0, 1), &["p.key"]),
        told(
            "a logarithm one more: all of a row is smaller",
            shift("p.log.near.rounded", 0, 1),
            &["p.log.near.remainder.scaled"],
        ),
        told(
            "a logarithm one less: all of it is larger",
            shift("p.log.near.rounded", 0, -1),
            &["p.log.near.remainder.scaled"],
        ),
        told(
            "a logarithm between integers",
            witness(|d| *d.at("p.log.near.rounded", &[0]) -= fraction(64)),
            &["p.log.near.low", "p.position"],
        ),
        told("another probability", shift("p", 5, 1), &["p.position"]),
        told(
            "a probability in padding",
            witness(|d| *d.at("p", &[40, 0]) = from_i64(1)),
            &["p.position", "p.remainder.scaled"],
        ),
    ]);
}

/// Three rows of logarithms, padded to four, whose sums are nearest to 1 and to 2 or 3.
fn logarithms_of_rows() -> Subject {
    let net = Net::new(&[3, 3]).dense("fc", 3).then("p", Op::LogSoftmax(LogSoftmax { axes: vec![1] }));
    net.keys(Public, 3).with_input(|s| {
        let whole = s.values("p.whole.rounded");
        whole[0] == 1 && whole[1..].iter().any(|&h| h > 1)
    })
}

#[test]
fn a_logarithm_has_one_value() {
    let s = logarithms_of_rows();
    s.refuse(&[
        told("a shift above all scores", shift("p.max", 0, 1), &["p.excess"]),
        told("a gap too wide", shift("p.gap", 0, 1), &["p.remainder"]),
        told("another exponential", shift("p.exp", 0, 1), &["p.key"]),
        told("another sum", shift("p.total", 0, 1), &["p.total.difference"]),
        told(
            "the next power of two, with its row",
            witness(|d| {
                *d.at("p.whole.rounded", &[0]) = from_i64(2);
                *d.at("p.factor", &[0]) = from_i64(1);
                *d.at("p.log.high", &[0]) = from_i64(45_426);
            }),
            &["out.difference", "p.mantissa.remainder", "p.whole.remainder.low"],
        ),
        told(
            "another factor",
            witness(|d| *d.at("p.factor", &[0]) = from_i64(1)),
            &["p.mantissa.remainder", "p.whole.rounded"],
        ),
        told(
            "another part of the logarithm",
            witness(|d| *d.at("p.log.high", &[0]) += from_i64(1)),
            &["out.difference", "p.whole.rounded"],
        ),
        told("a mantissa one more, with its logarithm", shift("p.mantissa.rounded", 0, 1), &["p.mantissa.remainder"]),
        told("the logarithm of another mantissa", shift("p.log.low", 0, 1), &["p.mantissa.rounded"]),
    ]);
}

#[test]
fn a_mantissa_between_integers_is_refused() {
    let s = logarithms_of_rows();
    s.refuse(&[told(
        "a fraction of the remainder's step",
        witness(|d| {
            *d.at("p.mantissa.rounded", &[0]) -= fraction(256);
        }),
        &["p.mantissa.rounded"],
    )]);
}
