//! States that are handed on: at small widths nothing but the honest ones satisfy their relation.

use super::*;
use crate::lower::{affine, pass};
use zktorch_blocks::program::{Advice, Interval};

/// `A[t] = (x[t] + 5 A[t - 1]) / 8`, rounded.
fn handed_on(steps: usize, bound: i64) -> (Program, Weights) {
    lowered(&[steps, 1], SMALL, bound, |l, _, x| {
        let after = {
            let rule = Advice::Carry { source: TensorId(0), divisor: 1 };
            l.builder.advice("after", &[steps, 1], rule, Interval::new(-4, 3), Scale(1))
        };
        let before = l.builder.view("before", after, &[steps, 1], vec![affine(0, 0, 1, -1), pass(1, 1)]);
        let next = l.builder.linear("next", &[(1, x.tensor), (5, before)], 0, x.scale)?;
        l.builder.set_rule(after, Advice::Carry { source: next, divisor: 8 });
        l.remainder("next", next, 8, after)?;
        l.builder.loose_range("after", after, -4, 8)?;
        Ok(Value { tensor: after, scale: Scale(1), depth: 0 })
    })
}

#[test]
fn states_have_one_solution() {
    let (program, weights) = handed_on(2, 20);
    for first in -15..=12 {
        for second in [-16, -9, -3, 0, 2, 7, 12] {
            unique(&program, &weights, &[vec![first, second]]);
        }
    }
    let (program, weights) = handed_on(3, 20);
    for x in [[0, 0, 0], [4, 4, 4], [12, -7, 9], [-12, 11, -3]] {
        unique(&program, &weights, &[x.to_vec()]);
    }
}

#[test]
fn states_are_unique_over_a_field() {
    let (program, weights) = handed_on(2, 20);
    for x in [[0, 0], [5, -9], [12, 1], [65, 0], [40, 77]] {
        unique_over(PRIMES[0], &program, &weights, &x);
    }
}

#[test]
fn a_remainder_that_nothing_holds_is_caught() {
    let (mut program, weights) = handed_on(2, 20);
    let own = |l: &Lookup| program.tensors[l.columns[0]].name.starts_with("next.remainder");
    let lookups = program.lookups.iter().filter(|l| !own(l)).cloned().collect();
    program.lookups = lookups;
    assert!(solutions(&program, &weights, &[vec![5, -9]]).len() > 1);
}
