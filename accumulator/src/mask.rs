//! The mask: a random row hides what is shown of the accumulated vector, after which the claim may be spoken of in the clear.
//!
//! The order is what makes it zero-knowledge (PROTOCOL, C3): the random row's value is *hidden*, the fold is done, and only
//! then the masked value `V` is sent, tied to the hidden values by a constraint.

use crate::clear::levels;
use crate::close::CLAIMS;
use crate::fold::Accumulated;
use ark_bls12_381::G1Affine;
use zeroize::Zeroizing;
use zktorch_blocks::field::{Fr, dot};
use zktorch_blocks::transcript::{Form, MaskRow, Reject, Transcript};

/// The masked claim: `<w, f> = value` for `w` committed in `mask + challenge * accumulated`.
#[derive(Clone)]
pub struct Masked {
    /// Commitment to the random row.
    pub mask: G1Affine,
    /// The coefficient of the accumulated commitment.
    pub challenge: Fr,
    /// The value, in the clear.
    pub value: Fr,
    /// The vector, which the mask hides no more of than is [`shown`], and its blinder, on the prover's side.
    pub witness: Option<(Zeroizing<Vec<Fr>>, Fr)>,
}

/// How many linear functions of the masked vector a proof shows: its value, a cross term for each level of the clear fold with the claims on
/// `segments` of hidden scalars, and the `decided` ones of the decider.
pub fn shown(segments: usize, decided: usize) -> usize {
    1 + levels(1 + CLAIMS * segments) + decided
}

/// Masks the accumulated claim, for a decider that shows `decided` linear functions of the vector. The prover hands over the accumulated vector and its blinder.
///
/// # Transcript
/// `C_s`, hides `v_s`, draws `g`, sends `V`.
///
/// # Soundness
/// `2 / |F|`. The caller owes the decision of the masked claim, and the closing of the hidden scalars, which holds the
/// constraint `v_s + g v = V`.
///
/// # Errors
/// On malformed bytes only.
pub fn mask(
    t: &mut Transcript<'_>,
    columns: usize,
    decided: usize,
    claim: &Accumulated,
    witness: Option<(Vec<Fr>, Fr)>,
) -> Result<Masked, Reject> {
    // Only the prover evaluates the form.
    let form = if t.is_prover() { claim.form.to_dense(columns) } else { Vec::new() };
    let shown = shown(t.hidden().segments_with_one_more(), decided);
    let random = t.secrets().map(|s| s.mask_row(columns, shown));
    let commitment = t.point("mask row", random.as_ref().map(|r| r.commitment))?;
    let hidden = t.hide("mask value", 1, random.as_ref().map(|r| vec![dot(&r.row, &form)]))?;
    let challenge = t.challenge();
    let witness = random.zip(witness).map(|(MaskRow { row, blinder: row_blinder, .. }, (vector, blinder))| {
        let vector = Zeroizing::new(vector);
        let masked = row.iter().zip(&*vector).map(|(s, w)| *s + challenge * w).collect::<Vec<Fr>>();
        (Zeroizing::new(masked), row_blinder + challenge * blinder)
    });
    let value = t.scalar("masked value", witness.as_ref().map(|(w, _)| dot(w, &form)))?;
    let mut constraint = Form::combine(hidden.iter().map(|h| (Fr::from(1u64), h)));
    constraint.add_scaled(challenge, &claim.value);
    constraint.constant -= value;
    t.zero("masked value", constraint);
    Ok(Masked { mask: commitment, challenge, value, witness })
}
