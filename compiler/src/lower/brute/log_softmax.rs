//! Log-softmax, and probabilities by the logarithm of their sum: at small widths nothing but the honest output satisfies them.

use super::*;
use crate::lower::{Gaps, Precision};

#[test]
fn a_log_softmax_has_one_solution() {
    let precision = Precision { rows: 6, exponential: Scale(2), mantissa: 2, logarithm: Scale(3) };
    let (program, weights) = lowered(&[2], SMALL, 20, |l, _, x| l.log_softmax_of("p", x, Scale(1), &[0], precision));
    for (a, b) in [(0, 0), (5, -5), (-20, -4), (12, 13), (3, 20)] {
        unique(&program, &weights, &[vec![a, b]]);
    }
}

/// Probabilities of the gaps of two scores, at scale 3.
fn probabilities(masked: bool) -> (Program, Weights) {
    let precision = Precision { rows: 6, exponential: Scale(2), mantissa: 2, logarithm: Scale(3) };
    lowered(&[2], SMALL, 20, |l, _, x| {
        let mask = masked.then(|| l.builder.constant("mask", &[2], vec![1, 0]));
        let (_, d) = l.gaps("p", x, Scale(1), &[0], &[], precision.rows)?;
        let gaps = Gaps { d, scale: Scale(1), rows: precision.rows, mask, axes: &[0], kept: &[] };
        Ok(Value { tensor: l.by_logarithm("p", gaps, precision, Scale(3))?, scale: Scale(3), depth: 0 })
    })
}

#[test]
fn probabilities_by_a_logarithm_have_one_solution() {
    let (program, weights) = probabilities(false);
    for (a, b) in [(0, 0), (5, -5), (-20, -4), (12, 13), (3, 20)] {
        let inputs = [vec![a, b]];
        unique(&program, &weights, &inputs);
        let trace = execute(&program, &weights, &inputs).expect("in range");
        let p = trace.values(&program, program.outputs[0]);
        let exact = (f64::from((a - b) as i32) / 16.0).exp();
        // Of steps of an eighth; scores have steps of a half.
        assert!((p[0] as f64 / 8.0 - exact / (1.0 + exact)).abs() < 0.2, "{a} {b}: {p:?}");
    }
}

#[test]
fn what_is_masked_has_no_probability_for_any_advice() {
    // The gap of what is masked is the last one, 4: the score lies two lower.
    let (program, weights) = probabilities(true);
    for (a, b) in [(12, -20), (20, -12)] {
        unique(&program, &weights, &[vec![a, b]]);
        let trace = execute(&program, &weights, &[vec![a, b]]).expect("in range");
        assert_eq!(trace.values(&program, program.outputs[0])[..], [8, 0]);
    }
    // A gap of its own has no row.
    assert_eq!(solutions(&program, &weights, &[vec![12, 12]]), BTreeSet::new());
}
