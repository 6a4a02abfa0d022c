//! The decider on a powers-of-tau setup.
//!
//! With `W = sum w_i X^i` and `f = sum f_i X^i` the constant coefficient of `W(X) f(1/X)` is `<w, f>`, so
//!
//! `W(X) f(1/X) + f(X) W(1/X) = 2 v + X S(X) + S(1/X)/X`
//!
//! for exactly one polynomial `S`, and for *any* `S` the right side has the constant coefficient `2 v`: no degree bound is
//! needed, neither on `S` nor on `W` (coefficients of `W` beyond the form's length meet no coefficient of `f`). The prover commits
//! to `S`; at a random `z` the verifier evaluates `f` itself, and the equation is linear in the two committed polynomials:
//!
//! `A(z) + B(1/z) = 2 v`, `A = f(1/z) W - z S`, `B = f(z) W - S/z`.
//!
//! The prover names `a = A(z)`; `A - a` vanishes at `z` and `B - (2 v - a)` at `1/z`, which are distinct, so
//! `(X - 1/z)(A - a) + (X - z)(B - 2v + a)` is divisible by `(X - z)(X - 1/z)`: one quotient `Q`, one product of three
//! pairings. In all 2 points and 2 scalars, and two multi-scalar multiplications of length `m`.
//!
//! The identity is the one Mercury (ePrint 2025/385) uses for its inner products; Gemini's and HyperKZG's foldings, and the
//! sumcheck before them, are not needed because the verifier can evaluate every form of ours at a power sequence.

use super::{DeciderClaim, DeciderWitness, columns};
use crate::form::LinearForm;
use crate::msm;
use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_poly_commit::kzg10::{Powers, VerifierKey};
use std::borrow::Cow;
use zeroize::Zeroizing;
use zktorch_blocks::transcript::{Check, Message, Reject, Transcript, check};

/// Linear functions of the vector that a proof shows: the commitment without its blinder, which is sent, the cross polynomial's, the value and
/// the quotient's. (The last follows from the others, as long as the generators are powers.)
pub const SHOWN: usize = 4;

/// The verifier's constants: those of KZG, and `[tau^2]_2`.
#[derive(Clone, Debug)]
pub struct KzgKey {
    /// `G_0`, the hiding generator `H` as `gamma_g`, `[1]_2` and `[tau]_2`, prepared for pairings.
    pub kzg: VerifierKey<Bls12_381>,
    /// `[tau^2]_2`, prepared.
    tau_squared: <Bls12_381 as Pairing>::G2Prepared,
}

impl KzgKey {
    /// From the blinding generator, `[tau]_2` and `[tau^2]_2`. The caller has checked both to be in the subgroup.
    pub fn new(h: G1Affine, tau: G2Affine, tau_squared: G2Affine) -> Self {
        let one = G2Affine::generator();
        let kzg = VerifierKey {
            g: G1Affine::generator(),
            gamma_g: h,
            h: one,
            beta_h: tau,
            prepared_h: one.into(),
            prepared_beta_h: tau.into(),
        };
        Self { kzg, tau_squared: tau_squared.into() }
    }
}

/// Decides a claim of `2^c` columns.
///
/// # Transcript
/// Scalar `decider blinder`, point `decider cross`, challenge `z`, scalar `decider value`, point `decider quotient`. The caller
/// has bound the claim: commitment, form and value.
///
/// # Soundness
/// In the algebraic group model under the `q`-DLOG assumption, `q` the number of powers: accepting implies `C = Com(w; beta)`
/// and `<w, f> = v` for the representation of `C`, except with probability at most `2 N / |F|`, `N` the number of powers. (The
/// blinder precedes `z`: a part of `C` on `H` other than `beta` would make `f(1/z)` a multiple of `z` times a constant.) The form
/// must not be zero; forms from claims are not, except with negligible probability.
///
/// # Errors
/// [`Reject`] names the message or the check that failed: `decider point`, `decider pairing`.
pub fn decide(
    transcript: &mut Transcript<'_>,
    key: &KzgKey,
    c: u32,
    claim: &DeciderClaim<'_>,
    witness: Option<&DeciderWitness<'_>>,
) -> Result<(), Reject> {
    let m = columns(c, claim, witness)?;
    let prover = witness.map(|w| KzgProver::new(w, claim.form, m));
    let blinder = transcript.scalar(Message::DeciderBlinder, witness.map(|w| w.blinder))?;
    let cross = transcript.point(Message::DeciderCross, prover.as_ref().map(KzgProver::cross))?;

    let z = transcript.challenge();
    let inverse = z.inverse().filter(|inverse| *inverse != z).ok_or(Reject::Check(Check::DeciderPoint))?;
    let (at_z, at_inverse) = (claim.form.univariate(c as usize, z), claim.form.univariate(c as usize, inverse));
    let opened = prover.as_ref().map(|p| p.open([z, inverse], [at_z, at_inverse]));

    let value = transcript.scalar(Message::DeciderValue, opened.as_ref().map(|o| o.0))?;
    let quotient = transcript.point(Message::DeciderQuotient, opened.as_ref().map(|o| o.1))?;
    if transcript.is_prover() {
        return Ok(());
    }

    let twice = claim.value.double();
    let points = [claim.commitment.into_affine(), key.kzg.gamma_g, cross, quotient, key.kzg.g];
    // W is the first two, less the blinder. [(X - 1/z)(A - a) + (X - z)(B - 2v + a) - Q (X - z)(X - 1/z)] by powers of X.
    let w = |factor: Fr| [factor, -blinder * factor];
    let ([w0, h0], [w1, h1]) = (w(-(inverse * at_inverse + z * at_z)), w(at_z + at_inverse));
    let constant = msm::sum(&points, &[w0, h0, Fr::ONE.double(), -Fr::ONE, inverse * value + z * (twice - value)]);
    let linear = msm::sum(&points, &[w1, h1, -(z + inverse), z + inverse, -twice]);
    let left = G1Projective::normalize_batch(&[constant, linear, -quotient.into_group()]);
    let right = [key.kzg.prepared_h.clone(), key.kzg.prepared_beta_h.clone(), key.tau_squared.clone()];
    let product = Bls12_381::multi_pairing(left, right);
    check(product.0 == <Bls12_381 as Pairing>::TargetField::ONE, Check::DeciderPairing)
}

/// The prover's messages.
struct KzgProver<'a> {
    vector: &'a [Fr],
    powers: Powers<'a, Bls12_381>,
    /// Coefficients of `S`.
    cross: Zeroizing<Vec<Fr>>,
}

impl<'a> KzgProver<'a> {
    fn new(witness: &DeciderWitness<'a>, form: &LinearForm, m: usize) -> Self {
        let powers = Powers {
            powers_of_g: Cow::Borrowed(witness.generators.g.get(..m).unwrap_or_default()),
            powers_of_gamma_g: Cow::Owned(Vec::new()),
        };
        Self { vector: witness.vector, powers, cross: cross_polynomial(witness.vector, form.to_dense(m)) }
    }

    fn commit(&self, coefficients: &[Fr]) -> G1Affine {
        let bases = self.powers.powers_of_g.get(..coefficients.len()).unwrap_or_default();
        msm::sum(bases, coefficients).into_affine()
    }

    fn cross(&self) -> G1Affine {
        self.commit(&self.cross)
    }

    /// `A(z)` and the quotient, at the points `(z, 1/z)` where the form has the values `form`.
    fn open(&self, [z, inverse]: [Fr; 2], form: [Fr; 2]) -> (Fr, G1Affine) {
        let [at_z, at_inverse] = form;
        let combine = |scale: Fr, shift: Fr| {
            let mut sum = Zeroizing::new(self.vector.iter().map(|w| *w * scale).collect::<Vec<Fr>>());
            sum.iter_mut().zip(&*self.cross).for_each(|(sum, s)| *sum -= *s * shift);
            sum
        };
        let (first, value) = divide(&combine(at_inverse, z), z);
        let (second, _) = divide(&combine(at_z, inverse), inverse);
        let quotient = Zeroizing::new(first.iter().zip(&*second).map(|(a, b)| *a + b).collect::<Vec<Fr>>());
        (value, self.commit(&quotient))
    }
}

/// `S` with `W(X) f(1/X) + f(X) W(1/X) = 2 <w, f> + X S(X) + S(1/X)/X`: `S_k = sum_i w_(i+k+1) f_i + f_(i+k+1) w_i`.
fn cross_polynomial(w: &[Fr], mut f: Vec<Fr>) -> Zeroizing<Vec<Fr>> {
    let m = w.len();
    f.reverse();
    // The coefficient of X^(m-1+k) in W times the reverse of f is sum_i w_(i+k) f_i.
    let Some(domain) = Radix2EvaluationDomain::<Fr>::new(2 * m) else { return Zeroizing::default() };
    // Of the final length, so that no copy is left behind.
    let mut product = Zeroizing::new(Vec::with_capacity(2 * m));
    product.extend_from_slice(w);
    domain.fft_in_place(&mut *product);
    product.iter_mut().zip(domain.fft(&f)).for_each(|(a, b)| *a *= b);
    domain.ifft_in_place(&mut *product);
    let low = product.iter().take(m.saturating_sub(1)).rev();
    Zeroizing::new(product.iter().skip(m).zip(low).map(|(high, low)| *high + low).collect())
}

/// The quotient by `X - x`, and the value at `x`.
fn divide(polynomial: &[Fr], x: Fr) -> (Zeroizing<Vec<Fr>>, Fr) {
    let mut carry = Fr::ZERO;
    let mut quotient: Vec<Fr> = polynomial
        .iter()
        .rev()
        .map(|coefficient| {
            let next = *coefficient + carry * x;
            std::mem::replace(&mut carry, next)
        })
        .collect();
    // The first entry is the zero above the leading coefficient.
    quotient.reverse();
    quotient.pop();
    (Zeroizing::new(quotient), carry)
}
