//! Division towards zero, comparisons of two tensors, indices and their marks: one result for any operands.

use zktorch_blocks::program::TensorId;

use super::super::affine;
use super::*;
use crate::graph::Domain as Entries;
use crate::ops::mark::marked;
use crate::ops::{Bitwise, Connective, Op, Power};

/// A rule of the two entries of an input.
fn of_pair(
    bound: i64,
    settings: Settings,
    rule: impl Fn(&mut Lowering<'_>, TensorId, TensorId) -> Result<TensorId, Refusal>,
) -> (Program, Weights) {
    lowered(&[2], settings, bound, |l, _, x| {
        let [a, b] = [("a", 0), ("b", 1)].map(|(name, at)| l.builder.view(name, x.tensor, &[1], vec![affine(0, 0, 1, at)]));
        Ok(Value { tensor: rule(l, a, b)?, scale: Scale(0), depth: 0 })
    })
}

#[test]
fn whole_parts_have_one_solution() {
    let quotient = of_pair(4, SMALL, |l, a, b| l.truncated_quotient("q", a, b));
    let remainder = of_pair(4, SMALL, |l, a, b| l.truncated_remainder("r", a, b));
    for (a, b) in [(4, 3), (-4, 3), (4, -3), (-4, -3), (0, -2), (3, 4), (-1, 1), (2, 2), (3, 0), (0, 0)] {
        for ((program, weights), wanted) in [(&quotient, i64::checked_div(a, b)), (&remainder, i64::checked_rem(a, b))] {
            let found = solutions(program, weights, &[vec![a, b]]);
            assert_eq!(found, wanted.map(|v| vec![v]).into_iter().collect(), "{a} and {b}");
        }
    }
}

#[test]
fn indices_have_one_solution_or_none() {
    let index = |bound| {
        lowered(&[1], SMALL, bound, |l, _, x| {
            let sign = l.nonnegative("i", x.tensor)?;
            let counted = l.builder.linear("i.counted", &[(1, x.tensor), (-3, sign)], 3, Scale(0))?;
            l.below("i", counted, 3)?;
            Ok(Value { tensor: l.builder.copy("i", counted), scale: Scale(0), depth: 0 })
        })
    };
    let (program, weights) = index(5);
    for x in -5..=5 {
        let wanted = (-3..3).contains(&x).then(|| if x < 0 { x + 3 } else { x });
        assert_eq!(solutions(&program, &weights, &[vec![x]]), wanted.map(|v| vec![v]).into_iter().collect(), "{x}");
    }
    (-65..=65).for_each(|x| unique_over(PRIMES[0], &program, &weights, &[x]));
}

fn marks(entries: usize) -> (Program, Weights) {
    lowered(&[1], SMALL, 4, |l, _, x| Ok(Value { tensor: marked(l, "z", x.tensor, entries)?, scale: Scale(0), depth: 0 }))
}

#[test]
fn an_index_marks_one_entry() {
    let (program, weights) = marks(3);
    for x in -4..=4 {
        let wanted = (0..3).contains(&x).then(|| (0..3).map(|e| i64::from(e == x)).collect::<Vec<i64>>());
        assert_eq!(solutions(&program, &weights, &[vec![x]]), wanted.into_iter().collect(), "{x}");
    }
    let (program, weights) = marks(2);
    for x in 0..PRIMES[0] {
        let inputs = [vec![x]];
        let modulus = Some(PRIMES[0]);
        let mut search =
            Search { program: &program, weights: &weights, inputs: &inputs, modulus, outputs: BTreeSet::new(), visited: 0 };
        search.extend(&mut Trace::empty(&program), TensorId(0));
        let wanted = (x < 2).then(|| vec![1 - x, x]);
        assert_eq!(search.outputs, wanted.into_iter().collect(), "{x}");
    }
}

#[test]
fn marks_without_a_sum_or_a_place_are_caught() {
    for kept in ["z.excess", "z.other"] {
        let (mut program, weights) = marks(4);
        let zeros = program.zeros.iter().copied().filter(|&id| program.tensors[id].name == kept).collect();
        program.zeros = zeros;
        assert!(solutions(&program, &weights, &[vec![3]]).len() > 1, "{kept}");
    }
}

#[test]
fn powers_and_bits_of_integers_have_one_solution() {
    type Defined = fn(i64, i64) -> i64;
    let ops: [(Op, i64, Defined); 4] = [
        (Power.into(), 0, |a, b| a.pow(b as u32)),
        (Bitwise(Connective::And).into(), -3, |a, b| a & b),
        (Bitwise(Connective::Or).into(), -3, |a, b| a | b),
        (Bitwise(Connective::Xor).into(), -3, |a, b| a ^ b),
    ];
    for (op, least, defined) in ops {
        let mut graph = Graph::new();
        let a = graph.add_input_of(Entries::Integer { lo: -3, hi: 3 }, "a", &[1]);
        let b = graph.add_input_of(Entries::Integer { lo: least, hi: 3 }, "b", &[1]);
        let y = graph.add_inferred("y", op, &[a, b]).expect("shapes fit");
        graph.add_output("y", y);
        let lowered = super::super::lower(&graph, &Calibration::default(), SMALL, PUBLIC).expect("it lowers");
        for (a, b) in (-3..=3).flat_map(|a: i64| (least..=3).map(move |b| (a, b))) {
            let found = solutions(&lowered.program, &lowered.weights, &[vec![a], vec![b]]);
            assert_eq!(found, BTreeSet::from([vec![defined(a, b)]]), "{a} and {b}");
        }
    }
}
