//! The deciders: from a claim `(C, f, v)` to acceptance, without the vector being sent.
//!
//! Relation: the prover knows `w` in `F^m` and `beta` with `C = sum w_j G_j + beta H` and `<w, f> = v`. The claim is a masked
//! one: `beta`, and the [`shown`] linear functions of `w` that the messages are, are uniformly random given everything else that was
//! sent, so nothing here is hidden. The vector itself stays a secret: the mask need not hide more than that.
//!
//! Both deciders prove the inner product itself, for any linear form `f` that can be evaluated on products `(1, x_1) x .. x
//! (1, x_c)`; none needs the claim to be turned into an evaluation first.

pub mod ipa;
pub mod kzg;

use crate::form::LinearForm;
use crate::setup::Generators;
use ark_bls12_381::G1Projective;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Check, Reject, Transcript};

/// What is to be decided. All of it is bound in the transcript before a decider runs.
#[derive(Clone, Copy, Debug)]
pub struct DeciderClaim<'a> {
    /// The commitment `C`. Only the verifier reads it.
    pub commitment: G1Projective,
    /// The linear form `f`.
    pub form: &'a LinearForm,
    /// The value `v`.
    pub value: Fr,
}

/// What the prover knows.
#[derive(Clone, Copy)]
pub struct DeciderWitness<'a> {
    /// The vector `w`, of `m` entries.
    pub vector: &'a [Fr],
    /// The blinder `beta`.
    pub blinder: Fr,
    /// The generators, of which the first `m` are used.
    pub generators: &'a Generators,
}

/// The constants a decider needs, resolved from a [`VerifierSetup`](crate::setup::VerifierSetup).
#[derive(Clone, Debug)]
pub enum DeciderKey<'a> {
    /// Pairings.
    Kzg(Box<kzg::KzgKey>),
    /// The inner-product argument on these generators.
    Ipa(&'a Generators),
}

/// Decides a claim of `2^c` columns.
///
/// # Transcript
/// As [`kzg::decide`] and [`ipa::decide`]. The caller has bound the claim and the setup's digest.
///
/// # Soundness
/// As the two functions; the caller owes a commitment in the subgroup, from points that were read there or were projected onto it.
///
/// # Errors
/// [`Reject`] names the message or the check that failed.
pub fn decide(
    transcript: &mut Transcript<'_>,
    key: &DeciderKey<'_>,
    c: u32,
    claim: &DeciderClaim<'_>,
    witness: Option<&DeciderWitness<'_>>,
) -> Result<(), Reject> {
    match key {
        DeciderKey::Kzg(key) => kzg::decide(transcript, key, c, claim, witness),
        DeciderKey::Ipa(generators) => ipa::decide(transcript, generators, c, claim, witness),
    }
}

/// How many linear functions of the vector a decider of `2^c` columns shows: those of [`kzg::SHOWN`], or of [`ipa::shown`].
pub fn shown(transparent: bool, c: u32) -> usize {
    if transparent { ipa::shown(c) } else { kzg::SHOWN }
}

/// `m = 2^c`, if the claim and the witness are of that length.
fn columns(c: u32, claim: &DeciderClaim<'_>, witness: Option<&DeciderWitness<'_>>) -> Result<usize, Reject> {
    let m = 1usize.checked_shl(c).filter(|_| c < 32).ok_or(Reject::Check(Check::DeciderSize))?;
    let fits = claim.form.fits(m) && witness.is_none_or(|w| w.vector.len() == m && w.generators.g.len() >= m);
    if fits { Ok(m) } else { Err(Reject::Check(Check::DeciderSize)) }
}

#[cfg(test)]
mod tests;
