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
use crate::setup::{Decider, Generators, SetupError, VerifierSetup, constants, hash, read_tau};
use ark_bls12_381::{G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
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

/// The constants a decider needs, resolved from a [`VerifierSetup`].
#[derive(Clone, Debug)]
pub enum DeciderKey<'a> {
    /// Pairings.
    Kzg(Box<kzg::KzgKey>),
    /// The inner-product argument on these generators.
    Ipa(&'a Generators),
}

impl<'a> DeciderKey<'a> {
    /// Which decider it is of.
    pub fn decider(&self) -> Decider {
        match self {
            Self::Kzg(_) => Decider::Kzg,
            Self::Ipa(_) => Decider::Transparent,
        }
    }

    /// The constants of a setup. A transparent one needs its generators, which are checked against the digest.
    ///
    /// # Errors
    /// If points of the setup are not in the group, or generators are missing or others.
    pub fn resolve(setup: &VerifierSetup, generators: Option<&'a Generators>) -> Result<Self, SetupError> {
        let h = constants::blinding_generator();
        let (tau, tau_squared) = match setup {
            VerifierSetup::Ethereum => (constants::ethereum_tau(), constants::ethereum_tau_squared()),
            VerifierSetup::Imported { tau, .. } => read_tau(tau)?,
            VerifierSetup::Insecure { .. } => {
                let tau = hash::insecure_tau();
                let one = G2Affine::generator();
                ((one * tau).into_affine(), (one * (tau * tau)).into_affine())
            }
            VerifierSetup::Transparent { columns, generators: digest } => {
                let generators = generators.ok_or(SetupError::Missing)?;
                let same = u64::try_from(generators.g.len()).is_ok_and(|n| n == *columns)
                    && generators.h == h
                    && generators.digest() == *digest;
                return if same { Ok(Self::Ipa(generators)) } else { Err(SetupError::Digest) };
            }
        };
        Ok(Self::Kzg(Box::new(kzg::KzgKey::new(h, tau, tau_squared))))
    }
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
pub fn shown(decider: Decider, c: u32) -> usize {
    match decider {
        Decider::Kzg => kzg::SHOWN,
        Decider::Transparent => ipa::shown(c),
    }
}

/// `m = 2^c`, if the claim and the witness are of that length.
fn columns(c: u32, claim: &DeciderClaim<'_>, witness: Option<&DeciderWitness<'_>>) -> Result<usize, Reject> {
    let m = 1usize.checked_shl(c).filter(|_| c < 32).ok_or(Reject::Check(Check::DeciderSize))?;
    let fits = claim.form.fits(m) && witness.is_none_or(|w| w.vector.len() == m && w.generators.g.len() >= m);
    if fits { Ok(m) } else { Err(Reject::Check(Check::DeciderSize)) }
}

#[cfg(test)]
mod tests;
