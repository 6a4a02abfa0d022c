//! Log-softmax: at small widths nothing but the honest output satisfies it.

use super::*;
use crate::ops::log_softmax::Precision;

#[test]
fn a_log_softmax_has_one_solution() {
    let precision = Precision { rows: 6, exponential: Scale(2), mantissa: 2, logarithm: Scale(3) };
    let (program, weights) = lowered(&[2], SMALL, 20, |l, _, x| l.log_softmax_of("p", x, Scale(1), &[0], precision));
    for (a, b) in [(0, 0), (5, -5), (-20, -4), (12, 13), (3, 20)] {
        unique(&program, &weights, &[vec![a, b]]);
    }
}
