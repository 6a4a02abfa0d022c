//! Rounding to the nearest integer, of two to the even one.

use super::super::affine;
use super::*;

fn even(n: i64, d: i64) -> i64 {
    (n as f64 / d as f64).round_ties_even() as i64
}

fn shifted(shift: i32, bound: i64) -> (Program, Weights) {
    lowered(&[1], SMALL, bound, |l, _, x| l.nearest("y", x.tensor, shift))
}

#[test]
fn the_nearest_integer_is_the_only_one() {
    for shift in [1, 2] {
        let (program, weights) = shifted(shift, 14);
        for x in -14..=14 {
            unique(&program, &weights, &[vec![x]]);
            let trace = execute(&program, &weights, &[vec![x]]).expect("in range");
            assert_eq!(trace.values(&program, program.outputs[0])[..], [even(x, 1 << shift)], "{x} / 2^{shift}");
        }
    }
}

#[test]
fn it_is_over_a_field() {
    let (program, weights) = shifted(1, 5);
    let q = PRIMES[0];
    (-q / 2..=q / 2).for_each(|x| unique_over(q, &program, &weights, &[x]));
}

#[test]
fn a_remainder_without_its_bit_is_caught() {
    let (mut program, weights) = shifted(2, 14);
    let bit = |l: &Lookup| program.tensors[l.columns[0]].name.starts_with("y.up");
    program.lookups = program.lookups.iter().filter(|l| !bit(l)).cloned().collect();
    assert!(solutions(&program, &weights, &[vec![6]]).len() > 1, "a tie goes either way");
}

/// `a / b` of the two entries of an input.
fn quotient(bound: i64) -> (Program, Weights) {
    lowered(&[2], SMALL, bound, |l, _, x| {
        let [a, b] = [("a", 0), ("b", 1)].map(|(name, at)| l.builder.view(name, x.tensor, &[1], vec![affine(0, 0, 1, at)]));
        l.nearest_quotient("q", a, b, 3)
    })
}

#[test]
fn so_it_is_of_quotients() {
    let (program, weights) = quotient(4);
    for (a, b) in (-4..=4).flat_map(|a: i64| (-4..=4).map(move |b| (a, b))) {
        let found = solutions(&program, &weights, &[vec![a, b]]);
        let wanted = (b > 0).then(|| even(a, b));
        assert!(found.iter().all(|q| Some(q[0]) == wanted), "{a} / {b}: {found:?}");
        assert!(!found.is_empty() || wanted.is_none_or(|q| q.abs() > 3), "{a} / {b} has no solution");
    }
}
