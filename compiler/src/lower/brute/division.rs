//! Quotients: one for any numerator and any divisor, and none where the divisor is not positive.

use zktorch_blocks::program::Interval;

use super::super::affine;
use super::*;

/// `round(2 a / b)` in `[-4, 4)` of the two entries of an input.
fn quotient(bound: i64) -> (Program, Weights) {
    lowered(&[2], SMALL, bound, |l, _, x| {
        let [a, b] = [("a", 0), ("b", 1)].map(|(name, at)| l.builder.view(name, x.tensor, &[1], vec![affine(0, 0, 1, at)]));
        let tensor = l.quotient("q", (2, a), (b, &[0]), Interval::new(-4, 3), Scale(0))?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    })
}

#[test]
fn quotients_have_one_solution() {
    let (program, weights) = quotient(4);
    for (a, b) in (-4..=4).flat_map(|a: i64| (-4..=4).map(move |b| (a, b))) {
        let wanted = (b > 0).then(|| (4 * a + b).div_euclid(2 * b)).filter(|q| (-4..4).contains(q));
        assert_eq!(solutions(&program, &weights, &[vec![a, b]]), wanted.map(|q| vec![q]).into_iter().collect(), "{a} / {b}");
    }
}

#[test]
fn quotients_are_unique_over_a_field() {
    let (program, weights) = quotient(3);
    for a in [0, 1, 5, 44, 64, 65, 66, 111, 130] {
        (-65..=65).for_each(|b| unique_over(PRIMES[0], &program, &weights, &[a, b]));
    }
}

#[test]
fn a_quotient_with_one_side_is_caught() {
    let (mut program, weights) = quotient(4);
    let rest = program.lookups.iter().position(|l| program.tensors[l.columns[0]].name == "q.rest").expect("it is there");
    program.lookups.remove(rest);
    assert!(solutions(&program, &weights, &[vec![2, 1]]).len() > 1, "any smaller quotient has a larger remainder");
}
