//! The first places of an order: their marks are the honest ones.

use super::*;
use crate::ops::{TopK, top_k::ranked};

fn marks(entries: usize, order: TopK, settings: Settings) -> (Program, Weights) {
    lowered(&[entries], settings, 1, |l, _, x| {
        Ok(Value { tensor: ranked(l, "z", x.tensor, &order)?, scale: Scale(0), depth: 0 })
    })
}

#[test]
fn two_of_four_have_one_order() {
    let settings = Settings { shared: 4, ..SMALL };
    for (largest, last) in [(true, false), (false, true)] {
        let (program, weights) = marks(4, TopK { top: 2, largest, last }, settings);
        for x in [[0, 0, 0, 0], [1, 0, 1, -1], [-1, 1, 1, 1], [0, -1, -1, 1], [1, 1, 0, 0], [-1, 0, 1, 0]] {
            unique(&program, &weights, &[x.to_vec()]);
            let trace = execute(&program, &weights, &[x.to_vec()]).expect("in range");
            let mut order: Vec<usize> = (0..4).collect();
            order.sort_by_key(|&e| (if largest { -x[e] } else { x[e] }, if last { 4 - e } else { e }));
            let wanted: Vec<i64> = order[..2].iter().flat_map(|&entry| (0..4).map(move |e| i64::from(e == entry))).collect();
            assert_eq!(trace.values(&program, program.outputs[0])[..], wanted[..], "{x:?}");
        }
    }
}

#[test]
fn the_largest_is_unique_over_a_field() {
    let (program, weights) = marks(2, TopK { top: 1, largest: true, last: false }, SMALL);
    for x in [[0, 0], [1, 0], [-1, 1], [65, 0], [66, 65], [7, 9], [130, 64]] {
        unique_over(PRIMES[0], &program, &weights, &x);
    }
}

#[test]
fn a_place_that_nothing_holds_is_caught() {
    let settings = Settings { shared: 4, ..SMALL };
    for left_out in ["z.step", "z.gap"] {
        let (mut program, weights) = marks(3, TopK { top: 2, largest: true, last: false }, settings);
        let own = |l: &Lookup| program.tensors[l.columns[0]].name.starts_with(left_out);
        let lookups = program.lookups.iter().filter(|l| !own(l)).cloned().collect();
        program.lookups = lookups;
        assert!(solutions(&program, &weights, &[vec![1, 0, -1]]).len() > 1, "{left_out}");
    }
}
