//! Requantisation, limbs, ranges, means.

use super::net::{Net, Subject};
use super::{fraction, refuse, shift, told, witness};
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::{Private, Public};
use zktorch_blocks::program::{Program, Role, Source};
use zktorch_blocks::transcript::Check;
use zktorch_compiler::graph::Domain;
use zktorch_compiler::ops::{AveragePool, Op, Reduce, ReduceKind, Unary, Window};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::{Lie, case, refuse_all};
use zktorch_tests::weights::Change;
use zktorch_verifier::Verdict;

/// A requantisation whose remainder takes two limbs, and a function of it.
fn limbs() -> Subject {
    Net::new(&[1, 4]).dense("fc", 3).then("f", Op::Unary(Unary::Tanh)).keys(Public, 3)
}

/// A requantisation by so few bits that its remainder is looked up as a multiple, of a sum with weights.
fn scaled() -> Subject {
    Net::new(&[1, 4]).plus("biased").then("f", Op::Unary(Unary::Tanh)).keys(Public, 3)
}

/// The divisor of a quotient, from its remainder's definition.
fn divisor(program: &Program, remainder: &str, quotient: &str) -> i64 {
    let Source::Linear { terms, .. } = &program.tensors[tensor(program, remainder)].source else { panic!("a remainder") };
    -terms.iter().find(|(_, id)| *id == tensor(program, quotient)).expect("of this quotient").0
}

/// Lets the quotient be what makes the remainder this, in the field.
fn solve(d: &mut Data<'_>, remainder: &str, quotient: &str, wanted: i64) {
    let by = divisor(d.program, remainder, quotient);
    let excess = *d.at(remainder, &[0, 0]) - from_i64(wanted);
    *d.at(quotient, &[0, 0]) += excess * fraction(by);
}

#[test]
fn a_rounded_quotient_has_one_value() {
    let s = limbs();
    assert_eq!(divisor(s.program(), "fc.remainder", "fc.rounded"), 1024);
    s.refuse(&[
        told("one more: the remainder is negative", shift("fc.rounded", 0, 1), &["fc.remainder.high"]),
        told("one less: the remainder is too large", shift("fc.rounded", 0, -1), &["fc.remainder.high"]),
        told(
            "a remainder of one's choice and the quotient that wraps to it",
            witness(|d| {
                let honest = d.at("fc.remainder", &[0, 0]).to_owned();
                let wanted = if honest == from_i64(5) { 6 } else { 5 };
                solve(d, "fc.remainder", "fc.rounded", wanted);
                *d.at("fc.remainder.high", &[0, 0]) = from_i64(0);
            }),
            &["fc.rounded"],
        ),
    ]);
}

#[test]
fn limbs_of_a_remainder_have_one_value() {
    limbs().refuse(&[
        told("high one more, low negative", shift("fc.remainder.high", 0, 1), &["fc.remainder.low"]),
        told("high one less, low too large", shift("fc.remainder.high", 0, -1), &["fc.remainder.high", "fc.remainder.low"]),
        told(
            "low of one's choice, high a fraction",
            witness(|d| {
                let low = *d.at("fc.remainder.low", &[0, 0]);
                let wanted = if low == from_i64(7) { from_i64(8) } else { from_i64(7) };
                *d.at("fc.remainder.high", &[0, 0]) += (low - wanted) * fraction(256);
            }),
            &["fc.remainder.high"],
        ),
    ]);
}

#[test]
fn a_small_remainder_is_no_fraction() {
    let s = scaled();
    let by = divisor(s.program(), "biased.remainder", "biased.rounded");
    assert!(by < 256, "a multiple of the remainder is looked up");
    s.refuse(&[
        told("one more", shift("biased.rounded", 0, 1), &["biased.remainder.scaled"]),
        told("one less", shift("biased.rounded", 0, -1), &["biased.remainder.scaled"]),
        told(
            "the multiple one more, the quotient a fraction",
            witness(|d| {
                let up = if *d.at("biased.remainder.scaled", &[0, 0]) == from_i64(255) { -1 } else { 1 };
                *d.at("biased.rounded", &[0, 0]) -= from_i64(up) * fraction(256);
            }),
            &["biased.rounded"],
        ),
    ]);
}

#[test]
fn a_small_remainder_is_a_fraction_where_a_weight_is() {
    let s = scaled();
    let by = divisor(s.program(), "biased.remainder", "biased.rounded");
    // The smallest fraction that the multiple shows.
    let delta = from_i64(by) * fraction(256);
    let biased = move |d: &mut Data<'_>| *d.at("biased.bias", &[0]) += delta;
    let opened = case("a fraction in place of the committed weight", witness(biased), Check::DeciderPairing, &[]);
    refuse_all(&s.fixture, &s.inputs, &[opened]);
    // A key that commits to the fraction is accepted: only a proof of the weights' widths refuses it. Even so there is but one
    // integer quotient.
    let bias = tensor(s.program(), "biased.bias");
    let weight = s.program().with_role(Role::Weight).position(|id| id == bias).expect("a weight");
    let verifying = s.fixture.with_weight(&Change { weight, position: 0, delta });
    let fractional = Fixture { proving: s.fixture.proving.clone(), verifying, seed: None };
    let outcome = fractional.tell(&s.inputs, &witness(biased));
    assert_eq!((outcome.verdict, outcome.violated), (Verdict::Accepted, vec![]));
    let other = witness(move |d| {
        biased(d);
        *d.at("biased.rounded", &[0, 0]) += from_i64(1);
    });
    refuse(
        &fractional,
        &s.inputs,
        &[told("another quotient of the fraction", other, &["biased.remainder.scaled", "biased.rounded"])],
    );
}

#[test]
fn private_inputs_out_of_range_are_refused() {
    let s = Net::new(&[1, 4]).then("f", Op::Unary(Unary::Tanh)).keys(Private, 3);
    s.refuse(&[
        told("below the range", Lie::none().run("x", |v| v[0] = -513), &["x.range.high"]),
        told(
            "below the range, its high limb zero",
            Lie::none().run("x", |v| v[0] = -513).run("x.range.high", |v| v[0] = 0),
            &["x.range.low"],
        ),
        told("a fraction", witness(|d| *d.at("x", &[0, 0]) += fraction(2)), &["x.range.low"]),
    ]);
}

#[test]
fn private_inputs_are_held_to_their_type() {
    let s = Net::of(Domain::Boolean, &[1, 4]).then("f", Op::Unary(Unary::ToReal)).keys(Private, 3);
    s.refuse(&[
        told("a boolean that is 2", witness(|d| *d.at("x", &[0, 0]) = from_i64(2)), &["out.difference", "x"]),
        told("a boolean that is -1", witness(|d| *d.at("x", &[0, 0]) = from_i64(-1)), &["out.difference", "x"]),
        told("a boolean that is a half", witness(|d| *d.at("x", &[0, 0]) = fraction(2)), &["out.difference", "x"]),
    ]);
}

/// Windows of two, three and two entries.
fn average() -> Subject {
    let window = Window { strides: vec![2], pads_begin: vec![1], pads_end: vec![1], ..Window::dense(&[3]) };
    let pool = Op::AveragePool(AveragePool { window, count_include_pad: false });
    Net::new(&[1, 1, 5]).then("pool", pool).then("f", Op::Unary(Unary::Tanh)).keys(Public, 3)
}

#[test]
fn an_average_has_one_value() {
    let s = average().with_input(|s| s.values("pool.remainder")[1] > 0);
    let wrong = |v: &mut Vec<i64>| {
        // The first window has two entries; their sum by three.
        v[0] = (2 * v[0]).div_euclid(3);
    };
    s.refuse(&[
        told("rounded up", shift("pool.rounded", 1, 1), &["pool.remainder"]),
        told("rounded down", shift("pool.rounded", 1, -1), &["pool.remainder"]),
        told("padding counted", Lie::none().run("pool.rounded", wrong), &["pool.remainder"]),
        told(
            "a remainder of one's choice and the quotient that wraps to it",
            witness(|d| *d.at("pool.rounded", &[0, 0, 1]) += fraction(6)),
            &["pool.low", "pool.remainder.scaled"],
        ),
    ]);
}

#[test]
fn rows_that_pad_a_table_allow_nothing_new() {
    // Six rows, padded to eight by repeating row 0.
    let s = Net::new(&[1, 6]).then("mean", Op::Reduce(Reduce { kind: ReduceKind::Mean, axes: vec![1] })).keys(Public, 3);
    let program = s.program();
    let id = program.lookups.iter().find(|l| l.columns == [tensor(program, "mean.remainder")]).expect("looked up").table;
    let table = &program.tables[id];
    assert_eq!((table.rows, table.padded_rows()), (6, 8));
    let counts = Polynomial::Multiplicity(id);
    let remainder = |s: &Subject| s.values("mean.remainder")[0];
    // An input whose remainder and 6 are the index of a padding row.
    let s = s.with_input(|s| remainder(s) < 2);
    let row = usize::try_from(remainder(&s) + 6).expect("positive");
    let lie = || {
        Lie::none().run("mean.rounded", |v| v[0] -= 1).data(move |d| {
            d.values.get_mut(&counts).expect("multiplicities")[row] += from_i64(1);
        })
    };
    s.refuse(&[told("a remainder that is the index of a padding row", lie(), &["mean.remainder"])]);
    // Such a row is row 0: a remainder of 0 may be counted there.
    let s = s.with_input(|s| remainder(s) == 0);
    let lie = Lie::none().data(move |d| {
        let counts = d.values.get_mut(&counts).expect("multiplicities");
        assert_eq!(counts[0], from_i64(1));
        counts.swap(0, 7);
    });
    assert_eq!(s.fixture.tell(&s.inputs, &lie).verdict, Verdict::Accepted);
}
