//! Maxima: of windows before rounding, and of values that are narrow already.

use super::net::{Net, Subject};
use super::{fraction, shift, told, witness};
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{MaxPool, Op, Reduce, ReduceKind, Unary, Window};
use zktorch_tests::field_witness::{Data, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::Lie;
use zktorch_verifier::Verdict;

/// Two windows of four entries, rounded behind the maximum, and a function of the maxima.
fn pool() -> Subject {
    let window = Window { strides: vec![2, 2], ..Window::dense(&[2, 2]) };
    let net = Net::new(&[1, 1, 2, 4]).then("square", Op::Unary(Unary::Square)).then("pool", Op::MaxPool(MaxPool(window)));
    net.then("f", Op::Unary(Unary::Tanh)).keys(Public, 3)
}

/// Positions of the first window among the entries of all windows.
const WINDOW: [usize; 4] = [0, 2, 4, 6];

/// The gaps of the first window.
fn gaps(s: &Subject) -> [i64; 4] {
    let all = s.values("f.gap");
    WINDOW.map(|at| all[at])
}

/// The positions of the first window whose gap is like this.
fn at(s: &Subject, like: impl Fn(i64) -> bool) -> Vec<usize> {
    WINDOW.into_iter().zip(gaps(s)).filter(|(_, gap)| like(*gap)).map(|(at, _)| at).collect()
}

/// One maximum, and every other entry at least three below.
fn clear(s: &Subject) -> bool {
    at(s, |d| d == 0).len() == 1 && at(s, |d| d > 2).len() == 3
}

fn set(name: &str, at: usize, to: i64) -> Lie<'_> {
    Lie::none().run(name, move |v| v[at] = to)
}

#[test]
fn a_rounded_maximum_has_one_value() {
    let s = pool().with_input(clear);
    let (top, low) = (at(&s, |d| d == 0)[0], at(&s, |d| d > 2)[0]);
    let flag = move |v: &mut Vec<i64>| v[top] = 1;
    s.refuse(&[
        told("above all entries", shift("f.max", 0, 1), &["f.excess"]),
        told("below the largest entry", shift("f.max", 0, -1), &["f.excess", "f.key"]),
        told("below the largest entry, which is flagged", shift("f.max", 0, -1).run("f.first", flag), &["f.key"]),
        told("attained, flagged nowhere", set("f.first", top, 0), &["f.excess"]),
        told("flagged where it is not attained", set("f.first", top, 0).run("f.first", move |v| v[low] = 1), &["f.key"]),
        told("flagged there as well", set("f.first", low, 1), &["f.excess", "f.key"]),
        told("flagged twice and once less", set("f.first", top, 2).run("f.first", move |v| v[low] = -1), &["f.key"]),
        told("a gap too wide", shift("f.gap", low, 1), &["f.remainder.high"]),
        told("a gap too narrow", shift("f.gap", low, -1), &["f.remainder.high"]),
        told("the function of another maximum", shift("f", 0, 1), &["f.max"]),
    ]);
}

#[test]
fn ties_are_flagged_once_and_change_no_output() {
    let s = pool().with_input(|s| at(s, |d| d == 0).len() == 2);
    let tied = at(&s, |d| d == 0);
    let (first, second) = (tied[0], tied[1]);
    s.refuse(&[
        told("flagged at both", set("f.first", second, 1), &["f.excess"]),
        told(
            "half a flag at each",
            {
                let half = move |d: &mut Data<'_>| {
                    let name = tensor(d.program, "f.first");
                    let places = d.program.tensors[name].shape.padded_indices();
                    [first, second].iter().for_each(|&at| d.of("f.first")[places[at]] = fraction(2));
                };
                witness(half)
            },
            &["f.key"],
        ),
    ]);
    // Which of the two is flagged is the prover's choice; no output depends on it.
    let other = set("f.first", first, 0).run("f.first", move |v| v[second] = 1);
    let [honest, other] = [Lie::none(), other].map(|lie| s.fixture.tell(&s.inputs, &lie));
    assert_eq!((other.verdict, other.violated), (Verdict::Accepted, vec![]));
    assert_eq!(other.proof.statement, honest.proof.statement);
}

/// Moves the first window's maximum by the smallest fraction that remainders show: they all grow.
fn nudge(d: &mut Data<'_>) {
    *d.at("f.max", &[0, 0, 0, 0]) -= fraction(1024);
}

#[test]
fn a_maximum_between_integers_is_refused() {
    let low_limbs = |s: &Subject| WINDOW.iter().all(|&at| s.values("f.remainder.low")[at] < 255);
    let s = pool().with_input(low_limbs);
    s.refuse(&[told("a fraction", witness(nudge), &["f.max"])]);
    // Nothing else would refuse it: without the lookup of the maximum it passes, and with it any function of it.
    let mut program = s.program().clone();
    let maximum = tensor(&program, "f.max");
    program.lookups.retain(|l| !l.columns.contains(&maximum));
    assert_eq!(program.lookups.len() + 1, s.program().lookups.len());
    let unpinned = Fixture::new(program, Weights::new(), &Setup::insecure(10).expect("in range"), 10);
    assert_eq!(unpinned.tell(&s.inputs, &witness(nudge)).verdict, Verdict::Accepted);
}

#[test]
fn a_maximum_of_a_row_has_one_value() {
    let s = Net::new(&[1, 5]).then("m", Op::Reduce(Reduce { kind: ReduceKind::Max, axes: vec![1] })).keys(Public, 3);
    let top = s.values("m.first").iter().position(|&z| z == 1).expect("flagged");
    s.refuse(&[
        told("above all entries", shift("m.max", 0, 1), &["m.excess"]),
        told("below the largest entry", shift("m.max", 0, -1), &["m.excess", "m.key"]),
        told("flagged nowhere", set("m.first", top, 0), &["m.excess"]),
        told("between integers", witness(|d| *d.at("m.max", &[0]) += fraction(2)), &["m.key", "out.difference"]),
        told("far beyond all integers", witness(|d| *d.at("m.max", &[0]) = -fraction(3)), &["m.key", "out.difference"]),
    ]);
}

#[test]
fn padding_takes_no_part_in_a_maximum() {
    let window = Window { strides: vec![2], pads_begin: vec![1], pads_end: vec![1], ..Window::dense(&[3]) };
    let s = Net::new(&[1, 1, 5]).then("pool", Op::MaxPool(MaxPool(window))).keys(Public, 3);
    let s = s.with_input(|s| s.inputs[0].iter().all(|&x| x < 0) && s.inputs[0][0] > s.inputs[0][1]);
    s.refuse(&[told("zero, from the padding of the first window", set("pool.max", 0, 0), &["pool.excess"])]);
    // The slot in the padding stands for the window's first entry: a flag on either is as good.
    let slots = s.values("pool.window");
    assert_eq!((slots[0], s.values("pool.first")[0]), (slots[3], 1), "slots 0 and 1 of the first window");
    let other = set("pool.first", 0, 0).run("pool.first", |v| v[3] = 1);
    assert_eq!(s.fixture.tell(&s.inputs, &other).verdict, Verdict::Accepted);
}
