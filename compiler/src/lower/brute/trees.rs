//! Nodes of trees that bits lead to.

use super::*;
use crate::ops::descent::reached;

/// A root, its two children, a child of the first of these, and a root without children.
const PARENTS: [u32; 5] = [0, 1, 2, 4, 0];

fn tree() -> (Program, Weights) {
    lowered(&[5], SMALL, 1, |l, _, x| reached(l, "r", Value { tensor: x.tensor, scale: Scale(0), depth: 0 }, &PARENTS))
}

#[test]
fn bits_lead_to_one_set_of_nodes() {
    let (program, weights) = tree();
    for code in 0..32 {
        let bits: Vec<i64> = (0..5).map(|at| code >> at & 1).collect();
        unique(&program, &weights, std::slice::from_ref(&bits));
        let trace = execute(&program, &weights, std::slice::from_ref(&bits)).expect("in range");
        let wanted = [1, 1 - bits[0], bits[0], (1 - bits[0]) * bits[1], 1];
        assert_eq!(trace.values(&program, program.outputs[0])[..], wanted, "{bits:?}");
    }
}

#[test]
fn whatever_the_bits_are() {
    let (mut program, weights) = tree();
    // Without the range of a node: it follows from its parent's by the constraint alone.
    program.lookups.clear();
    let q = PRIMES[0];
    for (a, b) in [(0, 0), (1, 1), (2, 5), (q - 1, 7), (64, 65)] {
        let reduced = [vec![a, b, 1, 0, 3]];
        let mut trace = Trace::empty(&program);
        let mut search = Search {
            program: &program,
            weights: &weights,
            inputs: &reduced,
            modulus: None,
            outputs: BTreeSet::new(),
            visited: 0,
        };
        search.extend(&mut trace, TensorId(0));
        assert!(search.outputs.len() <= 1, "{a} {b}: {:?}", search.outputs);
    }
}
