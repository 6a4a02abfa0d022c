//! Closing the hidden scalars: everything left to prove becomes one linear claim on committed vectors.
//!
//! By now all that must hold is linear in the hidden scalars `u` and the accumulated vector `w`: the constraints, and `<w, f> = v(u)`. Batched by
//! `eta` they read `<w, f> + <u, l> = value`, with a value that everybody knows. Message `k` is bound to its own slot by a
//! power of `kappa`: the sum `sum_k kappa^k C_k` of a segment's commitments is opened on the form with `kappa^-k l_j` in the columns of slot `k`. As a
//! polynomial in `kappa` and its inverse, what a message holds in its own slot stands at `kappa^0`, and whatever else it holds at another power.

use crate::form::LinearForm;
use ark_bls12_381::G1Affine;
use ark_ff::{AdditiveGroup, Field};
use zeroize::Zeroizing;
use zktorch_blocks::field::{Fr, powers};
use zktorch_blocks::transcript::{Check, HiddenAffine, HiddenMessage, Reject, Transcript};

/// A committed vector and a linear form on it.
#[derive(Clone)]
pub struct Part {
    /// Points and coefficients; the sum is one of projections ([`crate::msm::project_sum`]).
    pub commitment: Vec<(Fr, G1Affine)>,
    /// The linear form.
    pub form: LinearForm,
    /// The vector and its blinder, on the prover's side.
    pub witness: Option<(Zeroizing<Vec<Fr>>, Fr)>,
}

/// `sum_i <w_i, f_i> = value`.
#[derive(Clone)]
pub struct Joint {
    /// The vectors and their forms.
    pub parts: Vec<Part>,
    /// The value, in the clear.
    pub value: Fr,
}

/// Joins the accumulated claim `<w, f> = value`, the value hidden, and all linear constraints. Constraints with products are
/// taken to be proved: see [`crate::product`].
///
/// # Transcript
/// Draws `eta` and `kappa`; sends nothing. No hidden message and no constraint may follow.
///
/// # Soundness
/// `(constraints + 2 messages) / |F|`. The caller owes the proof of the claim returned.
///
/// # Errors
/// If `kappa` is zero.
pub fn close(t: &mut Transcript<'_>, accumulated: Part, value: &HiddenAffine) -> Result<Joint, Reject> {
    let (eta, kappa) = (t.challenge(), t.challenge());
    let inverse = kappa.inverse().ok_or(Reject::Check(Check::SlotWeights))?;
    let hidden = t.hidden();
    let mut coefficients = vec![Fr::ZERO; hidden.count()];
    let mut constant = Fr::ZERO;
    let mut add = |weight: Fr, form: &HiddenAffine| {
        constant += weight * form.constant;
        for &(index, c) in &form.terms {
            if let Some(slot) = coefficients.get_mut(index) {
                *slot += weight * c;
            }
        }
    };
    add(-Fr::ONE, value);
    let mut weight = Fr::ONE;
    for constraint in hidden.constraints().iter().filter(|c| c.products.is_empty()) {
        weight *= eta;
        add(weight, &constraint.form);
    }

    let messages: Vec<(usize, HiddenMessage)> = hidden.messages().iter().cloned().enumerate().collect();
    let [weights, inverses] = [kappa, inverse].map(|base| powers(base, messages.len()));
    let width = hidden.width();
    let secrets = t.secrets().map(|s| (Zeroizing::new(s.scalars().to_vec()), Zeroizing::new(s.blinders().to_vec())));
    let mut parts = vec![accumulated];
    // Segments are filled one after the other, and none stays empty.
    for own in messages.chunk_by(|(_, a), (_, b)| a.slot.segment == b.slot.segment) {
        let weighted = |scalars: &[Fr], weights: &[Fr]| scatter(width, own, scalars, weights);
        let witness = secrets.as_ref().map(|(scalars, blinders)| {
            let blinder = own.iter().filter_map(|(k, _)| Some(*weights.get(*k)? * blinders.get(*k)?)).sum();
            (Zeroizing::new(weighted(scalars, &weights)), blinder)
        });
        parts.push(Part {
            commitment: own.iter().filter_map(|(k, m)| Some((*weights.get(*k)?, m.commitment))).collect(),
            form: LinearForm::dense(weighted(&coefficients, &inverses)),
            witness,
        });
    }
    Ok(Joint { parts, value: -constant })
}

/// One value a scalar on the columns of a segment, times the weight of its message.
fn scatter(width: usize, own: &[(usize, HiddenMessage)], scalars: &[Fr], weights: &[Fr]) -> Vec<Fr> {
    let mut vector = vec![Fr::ZERO; width];
    for (k, message) in own {
        let values = scalars.get(message.first..message.first + message.slot.len).unwrap_or_default();
        let weight = weights.get(*k).copied().unwrap_or_default();
        vector.iter_mut().skip(message.slot.column).zip(values).for_each(|(slot, v)| *slot = weight * v);
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_blocks::transcript::{Equation, Message};

    /// A key decides how narrow segments are: what is done for each may not grow with how many there are.
    #[test]
    fn as_many_segments_as_messages_are_joined() {
        let count = 1 << 18;
        let mut t = Transcript::dry_run(1);
        let scalars = t.hide(Message::LeafValues, count, None).unwrap();
        t.zero(Equation::ZeroConstraint, HiddenAffine::combine(scalars.iter().map(|s| (Fr::ONE, s))));
        let accumulated = Part { commitment: Vec::new(), form: LinearForm::default(), witness: None };
        let Joint { parts, value } = close(&mut t, accumulated, &HiddenAffine::from(Fr::ONE)).unwrap();
        assert_eq!((parts.len(), value), (count + 1, Fr::ONE));
        let eta = t.draws()[0].value;
        for Part { commitment, form, .. } in &parts[1..] {
            let [(weight, _)] = commitment[..] else { panic!("a message a segment") };
            assert_eq!(form.dense[0] * weight, eta);
        }
    }
}
