//! Folding clear claims: the masked claims, on the accumulated vector and on the hidden scalars, become one for the decider.

use crate::mask::ClearClaim;
use ark_ff::Field;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::transcript::{Check, Message, Reject, Transcript};

/// Folds clear claims on a binary tree: `w = w_1 + r w_2`, `f = f_1 + r f_2`, `v = v_1 + r e + r^2 v_2` with the cross term
/// `e = <w_1, f_2> + <w_2, f_1>` (Mira, ePrint 2024/2025). There is at least one.
///
/// # Transcript
/// A level sends a cross term a pair, one of them of the first claim's vector, and draws `r`.
///
/// # Soundness
/// `2 levels / |F|`. The caller owes the decision of the claim returned.
///
/// # Errors
/// On malformed bytes only.
pub fn fold_clear(t: &mut Transcript<'_>, columns: usize, mut claims: Vec<ClearClaim>) -> Result<ClearClaim, Reject> {
    while claims.len() > 1 {
        let mut crosses = Vec::with_capacity(claims.len() / 2);
        for pair in claims.chunks_exact(2) {
            let cross = match pair {
                [
                    ClearClaim { witness: Some((w1, _)), form: f1, .. },
                    ClearClaim { witness: Some((w2, _)), form: f2, .. },
                ] => Some(dot(w1, &f2.to_dense(columns)) + dot(w2, &f1.to_dense(columns))),
                _ => None,
            };
            crosses.push(t.scalar(Message::ClearCrossTerm, cross)?);
        }
        let r = t.challenge();
        let mut crosses = crosses.into_iter();
        claims = pair_up(claims)
            .map(|(claim, other)| match other {
                Some(other) => claim.fold(other, crosses.next().unwrap_or_default(), r),
                None => claim,
            })
            .collect();
    }
    claims.pop().ok_or(Reject::Check(Check::NothingToDecide))
}

impl ClearClaim {
    fn fold(mut self, other: Self, cross: Fr, r: Fr) -> Self {
        self.commitment.extend(other.commitment.into_iter().map(|(c, p)| (r * c, p)));
        self.form.add_scaled(r, &other.form);
        self.value += r * cross + r.square() * other.value;
        self.witness = self.witness.zip(other.witness).map(|((mut w1, b1), (w2, b2))| {
            w1.iter_mut().zip(&*w2).for_each(|(a, b)| *a += r * b);
            (w1, b1 + r * b2)
        });
        self
    }
}

/// Neighbours in pairs; an odd one at the end stays alone.
fn pair_up<T>(items: Vec<T>) -> impl Iterator<Item = (T, Option<T>)> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || Some((items.next()?, items.next())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::LinearForm;
    use zktorch_blocks::program::index_bits;

    #[test]
    fn a_challenge_is_drawn_a_level() {
        for claims in 1..40 {
            let claim =
                ClearClaim { commitment: Vec::new(), form: LinearForm::dense(vec![Fr::ONE]), value: Fr::ONE, witness: None };
            let mut t = Transcript::dry_run(1);
            fold_clear(&mut t, 1, vec![claim; claims]).unwrap();
            assert_eq!((t.draws().len(), t.log().len()), (index_bits(claims), claims - 1));
        }
    }
}
