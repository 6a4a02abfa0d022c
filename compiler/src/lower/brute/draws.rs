//! What a number draws from weights: the first token up to which they add up to more than its part of their sum.

use super::*;
use crate::ops::sample::drawn;
use zktorch_blocks::program::{AxisGroup, GroupMap};

/// Weights of so many tokens, and the two words of a number.
fn program(tokens: usize, bound: i64, settings: Settings) -> (Program, Weights) {
    lowered(&[1, tokens + 2], settings, bound, |l, _, x| {
        let column = |out_axes: Vec<usize>, strides, offset: usize| AxisGroup {
            out_axes,
            source_axes: vec![1],
            map: GroupMap::Affine { strides, offset: offset as i64 },
        };
        let row = || super::super::pass(0, 0);
        let e = l.builder.view("e", x.tensor, &[1, tokens], vec![row(), column(vec![1], vec![1], 0)]);
        let word = |l: &mut Lowering<'_>, n: usize| {
            l.builder.view(&format!("word{n}"), x.tensor, &[1], vec![row(), column(vec![], vec![], tokens + n)])
        };
        let words = [word(l, 0), word(l, 1)];
        Ok(Value { tensor: drawn(l, "token", e, words)?, scale: Scale(0), depth: 0 })
    })
}

/// By the definition, in integers that do not wrap.
fn by_definition(e: &[i64], number: i64, numbers: i64) -> i64 {
    let (sum, mut upto) = (e.iter().sum::<i64>(), 0);
    let lies_in = |e: &i64| {
        let from = upto;
        upto += e;
        numbers * from <= number * sum && number * sum < numbers * upto
    };
    e.iter().position(lies_in).expect("a part of every number") as i64
}

#[test]
fn every_number_draws_one_token() {
    let settings = Settings { shared: 4, ..SMALL };
    let (program, weights) = program(3, 3, settings);
    for e in (1..64i64).map(|n| [n / 16, n / 4 % 4, n % 4]) {
        for number in 0..16 {
            let inputs = [[&e[..], &[number / 4, number % 4]].concat()];
            unique(&program, &weights, &inputs);
            let trace = execute(&program, &weights, &inputs).expect("in range");
            let token = trace.values(&program, program.outputs[0])[0];
            assert_eq!(token, by_definition(&e, number, 16), "{number} of {e:?}");
            assert!(e[token as usize] > 0, "{number} of {e:?}");
        }
    }
    // Of no weight at all nothing is drawn.
    assert_eq!(solutions(&program, &weights, &[vec![0, 0, 0, 1, 2]]), BTreeSet::new());
}

#[test]
fn draws_are_unique_over_a_field() {
    let (program, weights) = program(2, 1, SMALL);
    for x in [[1, 0, 0, 0], [0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0], [65, 3, 1, 0], [66, 66, 1, 1], [130, 7, 9, 2]] {
        unique_over(PRIMES[0], &program, &weights, &x);
    }
}

#[test]
fn a_number_that_nothing_holds_is_caught() {
    let settings = Settings { shared: 4, ..SMALL };
    for left_out in ["token.past", "token.short", "token.rest"] {
        let (mut program, weights) = program(3, 3, settings);
        let own = |l: &Lookup| program.tensors[l.columns[0]].name.starts_with(left_out);
        let lookups: Vec<Lookup> = program.lookups.iter().filter(|l| !own(l)).cloned().collect();
        assert!(lookups.len() < program.lookups.len(), "{left_out}");
        program.lookups = lookups;
        assert!(solutions(&program, &weights, &[vec![2, 1, 3, 1, 3]]).len() > 1, "{left_out}");
    }
}
