//! The mask: random rows hide what is shown of the committed vectors, after which claims may be spoken of in the clear.
//!
//! To prove `sum_i <w_i, f_i> = value` the prover commits to random rows `s_i`, says what `sum_i <s_i, f_i>` is, and after a
//! challenge `g` proves claims on `s_i + g w_i` that add up (Schnorr's proof, for linear forms).

use crate::close::Joint;
use crate::form::LinearForm;
use ark_bls12_381::G1Affine;
use ark_ff::Field;
use zeroize::Zeroizing;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::program::index_bits;
use zktorch_blocks::transcript::{Check, MaskRow, Message, Reject, Transcript, check};

/// A claim `<w, form> = value` in the clear; the commitment is a combination of points.
#[derive(Clone)]
pub struct ClearClaim {
    /// Points and coefficients, as of [`Part`](crate::close::Part).
    pub commitment: Vec<(Fr, G1Affine)>,
    /// The linear form.
    pub form: LinearForm,
    /// The value.
    pub value: Fr,
    /// The vector, of which the mask hides no more than is [`shown`], and its blinder, on the prover's side.
    pub witness: Option<(Zeroizing<Vec<Fr>>, Fr)>,
}

/// How many linear functions of each of `parts` masked vectors a proof shows: its value, a cross term for each level of the clear fold, and
/// the `decided` ones of the decider.
pub fn shown(parts: usize, decided: usize) -> usize {
    1 + index_bits(parts) + decided
}

/// Masks a joint claim on vectors of `columns` entries, for a decider that shows `decided` linear functions of a vector.
///
/// # Transcript
/// A row `C_s` for each vector; `sum <s_i, f_i>`; draws `g`; a masked value for each vector.
///
/// # Soundness
/// `1 / |F|`. The caller owes the decision of the claims returned.
///
/// # Errors
/// On malformed bytes, and if the masked values do not add up.
pub fn mask(t: &mut Transcript<'_>, columns: usize, decided: usize, joint: Joint) -> Result<Vec<ClearClaim>, Reject> {
    let shown = shown(joint.parts.len(), decided);
    // Only the prover evaluates the forms.
    let forms: Option<Vec<Vec<Fr>>> = t.is_prover().then(|| joint.parts.iter().map(|p| p.form.to_dense(columns)).collect());
    let mut rows = Vec::with_capacity(joint.parts.len());
    for _ in &joint.parts {
        let random = t.secrets().map(|s| s.mask_row(columns, shown));
        rows.push((t.commitment(Message::MaskRow, random.as_ref().map(|r| r.commitment))?, random));
    }
    let own = forms
        .as_ref()
        .map(|forms| rows.iter().zip(forms).filter_map(|((_, row), form)| Some(dot(&row.as_ref()?.row, form))).sum());
    let mask_value = t.scalar(Message::MaskValue, own)?;
    let g = t.challenge();

    let mut claims = Vec::with_capacity(joint.parts.len());
    for (i, (part, (commitment, row))) in joint.parts.into_iter().zip(rows).enumerate() {
        let witness = row.zip(part.witness).map(|(MaskRow { row, blinder: row_blinder, .. }, (vector, blinder))| {
            let masked = row.iter().zip(&*vector).map(|(s, w)| *s + g * w).collect::<Vec<Fr>>();
            (Zeroizing::new(masked), row_blinder + g * blinder)
        });
        let form = forms.as_ref().and_then(|f| f.get(i));
        let value = t.scalar(Message::MaskedValue, witness.as_ref().zip(form).map(|((w, _), f)| dot(w, f)))?;
        let own = part.commitment.into_iter().map(|(c, point)| (g * c, point));
        let commitment = std::iter::once((Fr::ONE, commitment)).chain(own).collect();
        claims.push(ClearClaim { commitment, form: part.form, value, witness });
    }
    check(claims.iter().map(|c| c.value).sum::<Fr>() == mask_value + g * joint.value, Check::MaskedSum)?;
    Ok(claims)
}
