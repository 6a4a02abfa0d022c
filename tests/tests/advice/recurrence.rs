//! Recurrences: what a step hands on to the next is what it computed, and nothing else.

use super::net::{Net, Subject};
use super::{shift, told};
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{Add, Carry, Mul, Op, Unary};
use zktorch_tests::lying::Lie;

/// `h' = tanh(W x + R h)` over four steps of two numbers, and a product on the states.
fn plain(given: bool) -> Subject {
    let net = Net::new(&[4, 2]).dense("fc", 2);
    let x = net.last();
    let net = net.states("h", &[4, 2], given);
    let h = net.last();
    net.dense("r", 2).join("sum", Add, x).then("t", Op::Unary(Unary::Tanh)).join("next", Carry, h).keys(Public, 3)
}

/// `h' = tanh(x) (x + h)`: what is handed on is rounded.
fn rounded() -> Subject {
    let net = Net::new(&[4, 2]).dense("fc", 2);
    let x = net.last();
    let net = net.then("t", Op::Unary(Unary::Tanh));
    let gate = net.last();
    let net = net.from(x).states("h", &[4, 2], false);
    let h = net.last();
    net.join("sum", Add, x).join("product", Mul, gate).join("next", Carry, h).keys(Public, 3)
}

#[test]
fn states_are_those_that_steps_make() {
    for subject in [plain(false), plain(true), rounded()] {
        let (after, shown) = (subject.values("h.after"), subject.values("h.shifted"));
        assert_eq!(after[..6], shown[2..], "each step begins with what the one before ends with");
        assert_eq!(shown[..2], [0, 0], "the first begins with nothing");
    }
}

#[test]
fn lies_about_states_are_refused() {
    let own = &["next.remainder"][..];
    plain(false).refuse(&[
        told("a state of the first step that is one more", shift("h.after", 0, 1), own),
        told("a state in the middle that is one less", shift("h.after", 3, -1), own),
        told("a state of the last step that is one more", shift("h.after", 7, 1), own),
        told("the states of two steps, one for the other", Lie::none().run("h.after", |v| v.rotate_left(2)), own),
        told("all steps but the last keep nothing", Lie::none().run("h.after", |v| v[..6].fill(0)), own),
    ]);
    let own = &["next.remainder.scaled"][..];
    rounded().refuse(&[
        told("a state that is rounded up", shift("h.after", 2, 1), own),
        told("a state of the last step that is rounded down", shift("h.after", 6, -1), own),
    ]);
}

#[test]
fn a_recurrence_that_begins_with_other_states_is_refused() {
    let (begun, own) = (plain(true), plain(false));
    let other = begun.values("h.after");
    assert_ne!(other, own.values("h.after"));
    own.refuse(&[told(
        "states as they would follow from others",
        Lie::none().run("h.after", move |v| *v = other.clone()),
        &["next.remainder"],
    )]);
    let other = own.values("h.after");
    begun.refuse(&[told(
        "states as they would follow from none",
        Lie::none().run("h.after", move |v| *v = other.clone()),
        &["next.remainder"],
    )]);
}
