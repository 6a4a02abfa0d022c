//! Decision trees: comparisons with thresholds, and nodes that are reached; and rounding to the nearest integer, of two to the even one.

use std::sync::Arc;

use super::net::{Net, Subject};
use super::{fraction, shift, told, witness};
use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::field::from_i64;
use zktorch_blocks::program::Visibility::Public;
use zktorch_compiler::ops::{Compare, Comparison, Descent, Nearest, Op, Take, Unary};
use zktorch_tests::lying::Lie;

/// A root, its children behind no and yes, and those of the child behind yes: `[root, no, yes, yes no, yes yes]`.
fn tree() -> Subject {
    let thresholds = ArrayD::from_shape_vec(IxDyn(&[1, 5]), vec![0.25, 0.5, -0.5, 0.125, 0.75]).expect("of the shape");
    let net = Net::new(&[1, 3]).then("f", Op::Take(Take { axis: 1, indices: vec![0, 1, 2, 1, 0] }));
    let net = net.with("s", Op::Compare(Compare(Comparison::LessEqual)), thresholds);
    let net = net.then("r", Op::Descent(Descent { parents: Arc::new(vec![0, 1, 2, 5, 6]) }));
    let mut subject = net.then("real", Op::Unary(Unary::ToReal)).dense("fd", 2).keys(Public, 3);
    let units = 2f64.powi(subject.scale("x"));
    subject.inputs = vec![[0.125, 0.25, 0.0].iter().map(|v| (v * units) as i64).collect()];
    subject
}

#[test]
fn a_sample_reaches_the_nodes_that_its_features_lead_to() {
    let s = tree();
    assert_eq!(s.values("s.sign"), [1, 1, 0, 0, 1]);
    assert_eq!(s.values("r"), [1, 0, 1, 1, 0]);
}

#[test]
fn lies_about_trees_are_refused() {
    let s = tree();
    let moved = |from: usize, to: usize| {
        Lie::none().run("r", move |v: &mut Vec<i64>| {
            v[from] -= 1;
            v[to] += 1;
        })
    };
    s.refuse(&[
        told("a comparison turned round", shift("s.sign", 0, -1), &["s.low.high"]),
        told("another one", shift("s.sign", 2, 1), &["s.low.high"]),
        told("the other leaf", moved(3, 4), &["r.step"]),
        told("two leaves", shift("r", 4, 1), &["r.step"]),
        told("no leaf", shift("r", 3, -1), &["r.step"]),
        told("another tree", moved(0, 1), &["r.step"]),
        told("a node twice", shift("r", 2, 1), &["r", "r.step"]),
        told("half a node", witness(|d| *d.at("r", &[0, 3]) -= fraction(2)), &["out.difference", "r", "r.step"]),
        told("a bit that is 2", witness(|d| *d.at("s.sign", &[0, 1]) += from_i64(1)), &["s.low.low", "s.sign"]),
    ]);
}

/// Halves of a layer's outputs.
fn nearest(over: f64) -> Subject {
    let by = ArrayD::from_elem(IxDyn(&[1, 1]), over);
    let net = Net::new(&[1, 4]).dense("fc", 4).with_single("n", Op::Nearest(Nearest { over: true, times: 0 }), by);
    net.then("real", Op::Unary(Unary::ToReal)).dense("fd", 2).keys(Public, 3)
}

#[test]
fn lies_about_the_nearest_integer_are_refused() {
    let s = nearest(2.0);
    let up = 1 - 2 * s.values("n.up.sign")[0];
    let half = witness(|d| *d.at("n.half", &[0, 3]) += fraction(2));
    s.refuse(&[
        told("one more, with its bit", shift("n.up.sign", 0, up), &["n.up.low.high"]),
        told("two more", shift("n.half", 1, 1), &["n.rest.high", "n.up.sign"]),
        told("two less", shift("n.half", 2, -1), &["n.rest.high"]),
        told("half of it", half, &["n.half.offset", "n.rest.low", "n.up.low.low", "out.difference"]),
    ]);
}
