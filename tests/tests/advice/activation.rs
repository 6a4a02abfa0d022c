//! Functions by table, ReLU by table and by sign, products, copies.

use super::net::{Net, Subject};
use super::{EQUATION, fraction, shift, told, witness};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_blocks::transcript::Equation;
use zktorch_compiler::ops::{Op, Unary};
use zktorch_tests::lying::{Lie, case, refuse_all};

/// A function between two products, on so many entries that it takes a table of its own.
fn table(function: Unary) -> Subject {
    Net::new(&[1, 2]).dense("fc", 80).then("f", Op::Unary(function)).keys(Public, 3)
}

fn first(values: &[i64], like: impl Fn(i64) -> bool) -> usize {
    values.iter().position(|&v| like(v)).expect("there is one")
}

#[test]
fn functions_by_table_have_one_result() {
    let s = table(Unary::Tanh);
    assert_eq!(s.tables_of("f"), ["Tanh at scale 5"]);
    let f = s.values("f");
    let other = first(&f, |v| v != f[0]);
    s.refuse(&[
        told("another result", shift("f", 0, 1), &["fc.rounded"]),
        told("the result of another row", Lie::none().run("f", move |v| v.swap(0, other)), &["fc.rounded"]),
        told("another row", shift("fc.rounded", 0, 1), &["fc.remainder.high"]),
    ]);
}

#[test]
fn relu_by_table_has_one_result() {
    let s = table(Unary::Relu);
    assert_eq!(s.tables_of("f"), ["relu -128..128"]);
    let y = s.values("fc.rounded");
    let (negative, positive) = (first(&y, |v| v < 0), first(&y, |v| v > 1));
    s.refuse(&[
        told("a negative entry raised", Lie::none().run("f", move |v| v[negative] = 1), &["fc.rounded"]),
        told("a positive entry cut off", Lie::none().run("f", move |v| v[positive] = 0), &["fc.rounded"]),
        told("a positive entry less", shift("f", positive, -1), &["fc.rounded"]),
    ]);
}

/// A clip to few of the values that a product takes, as accurate as can be.
fn saturating() -> Subject {
    let clip = Op::Unary(Unary::Clip { lo: -0.0625, hi: 0.25 });
    Net::new(&[1, 2]).dense("fc", 40).then("f", clip).dense("fd", 2).keys_within(0.0, Public, 3)
}

#[test]
fn functions_by_saturating_tables_have_one_result() {
    let s = saturating();
    assert_eq!(s.tables_of("f.class"), ["sign", "Clip at scale 9, saturating"]);
    let (excess, f) = (s.values("f.excess"), s.values("f"));
    let [above, below, inside] = [first(&excess, |a| a > 0), first(&excess, |a| a < 0), first(&excess, |a| a == 0)];
    assert_eq!((f[above], f[below]), (128, -32));
    // Rows of a class.
    const STEP: i64 = 16;
    let edit = |at: usize, changes: &'static [(&'static str, i64)]| {
        witness(move |d| changes.iter().for_each(|&(name, by)| *d.at(name, &[0, at]) += from_i64(by)))
    };
    s.refuse(&[
        told("a result beyond the end", edit(above, &[("f", 1)]), &["f.key", "out.difference"]),
        told("another result inside", edit(inside, &[("f", 1)]), &["f.key", "out.difference"]),
        told("what lies above taken for what is inside", edit(above, &[("f.class", -1)]), &["f.excess", "f.key"]),
        told("what lies above taken for what lies below", edit(above, &[("f.class", -2)]), &["f.excess", "f.key"]),
        told("what lies below taken for what is inside", edit(below, &[("f.class", 1)]), &["f.excess", "f.key"]),
        told("what is inside taken for what lies above", edit(inside, &[("f.class", 1)]), &["f.excess", "f.key"]),
        told(
            "a step more, and as much less in the table",
            edit(above, &[("f.excess", 1), ("f.rounded", -STEP)]),
            &["f.key"],
        ),
        told(
            "a step less, and as much more in the table",
            edit(below, &[("f.excess", 1), ("f.rounded", -STEP)]),
            &["f.key"],
        ),
        told("a step inside", edit(inside, &[("f.excess", 1), ("f.rounded", -STEP), ("f.class", 1)]), &["f.key"]),
        told(
            "half a step",
            witness(move |d| {
                *d.at("f.excess", &[0, above]) += fraction(2);
                *d.at("f.rounded", &[0, above]) -= from_i64(STEP / 2);
            }),
            &["f.excess", "f.key"],
        ),
    ]);
}

#[test]
fn relu_by_sign_has_one_result() {
    let s = Net::new(&[1, 4]).dense("fc", 3).then("f", Op::Unary(Unary::Relu)).dense("fd", 2).keys(Public, 3);
    assert_eq!(s.tables_of("f.sign"), ["sign of 1 bits"]);
    let y = s.values("fc.rounded");
    let (negative, positive) = (first(&y, |v| v < 0), first(&y, |v| v > 0));
    s.refuse(&[
        told("a negative entry kept", shift("f.sign", negative, 1), &["f.high"]),
        told("a positive entry cut off", shift("f.sign", positive, -1), &["f.high"]),
        told("the high limb of a negative entry raised", shift("f.high", negative, 1), &["f.low"]),
        told("the high limb of a positive entry lowered", shift("f.high", positive, -1), &["f.low"]),
        told("a sign of two", shift("f.sign", positive, 1), &["f.high"]),
        told("half a sign", witness(move |d| *d.at("f.sign", &[0, positive]) = fraction(2)), &["f.difference", "f.high"]),
        told("a copy that differs", shift("f", positive, 1), &["f.difference"]),
        told("an output that is another copy", shift("out", 0, 1), &["out.difference"]),
    ]);
    let product = Lie::none().run("f.product", |v| v[0] += 1);
    refuse_all(&s.fixture, &s.inputs, &[case("another product", product, EQUATION, &[Equation::WaveRounds])]);
}
