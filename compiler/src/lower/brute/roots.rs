//! Roots and reciprocals: at small widths nothing but the honest value satisfies them.

use super::*;

const ROWS: Settings = Settings { bits: 4, shift: 4, shared: 6, signs: false, saturates: false, wide: false };

#[test]
fn a_square_root_has_one_solution() {
    let (program, weights) = lowered(&[1], ROWS, 40, |l, _, x| {
        let raised = l.builder.linear("x.raised", &[(1, x.tensor)], 40, Scale(0))?;
        let tensor = l.square_root("y", raised, Scale(0))?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    });
    (-40..=40).for_each(|x| unique(&program, &weights, &[vec![x]]));
}

#[test]
fn a_reciprocal_has_one_solution() {
    let (program, weights) = lowered(&[1], ROWS, 9, |l, _, x| {
        let raised = l.builder.linear("x.raised", &[(1, x.tensor)], 10, Scale(0))?;
        let tensor = l.reciprocal("r", (50, raised), 50, Scale(0))?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    });
    (-9..=9).for_each(|x| unique(&program, &weights, &[vec![x]]));
    // A divisor that is no positive integer has no quotient at all.
    let (program, weights) = lowered(&[1], ROWS, 9, |l, _, x| {
        let tensor = l.reciprocal("r", (50, x.tensor), 50, Scale(0))?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    });
    for x in [0, -1, -9] {
        assert!(solutions(&program, &weights, &[vec![x]]).is_empty(), "{x}");
    }
}
