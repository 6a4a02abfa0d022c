//! Signs of integers.

use super::*;

#[test]
fn comparisons_have_one_solution() {
    let sign = |bound| {
        lowered(&[1], SMALL, bound, |l, _, x| {
            Ok(Value { tensor: l.nonnegative("sign", x.tensor)?, scale: Scale(0), depth: 0 })
        })
    };
    let zero = |bound| {
        lowered(&[1], SMALL, bound, |l, _, x| Ok(Value { tensor: l.vanishes("zero", x.tensor)?, scale: Scale(0), depth: 0 }))
    };
    for bound in [3, 12] {
        let ((sign, sign_weights), (zero, zero_weights)) = (sign(bound), zero(bound));
        for x in -bound..=bound {
            unique(&sign, &sign_weights, &[vec![x]]);
            unique(&zero, &zero_weights, &[vec![x]]);
            let values = |program: &Program, weights| {
                let trace = execute(program, weights, &[vec![x]]).expect("in range");
                trace.values(program, program.outputs[0]).to_vec()
            };
            assert_eq!(values(&sign, &sign_weights), [i64::from(x >= 0)]);
            assert_eq!(values(&zero, &zero_weights), [i64::from(x == 0)]);
        }
    }
    let q = PRIMES[0];
    let (program, weights) = sign(3);
    (-q / 2..=q / 2).for_each(|x| unique_over(q, &program, &weights, &[x]));
}
