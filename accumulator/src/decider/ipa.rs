//! The transparent decider: an inner-product argument on the claim itself (Bulletproofs, ePrint 2017/1066).
//!
//! `C' = C - beta H + v Q` commits to `w` and to `<w, f>`, `Q` a multiple of a fixed point by a challenge. A round halves `w`, `f` and
//! the generators by the most significant index bit: `L = <w_lo, G_hi> + <w_lo, f_hi> Q`, `R = <w_hi, G_lo> + <w_hi, f_lo> Q`,
//! challenge `x`, then
//!
//! `C' <- C' + x L + R/x`, `w <- w_lo + w_hi/x`, `f, G <- lo + x hi`.
//!
//! At the end `C' = a (G' + f' Q)` with one scalar `a`. `G'` is a multi-scalar multiplication of length `m` with the product table of
//! the challenges, `f'` the form on `(1, x_1) x .. x (1, x_c)`.

use super::{DeciderClaim, DeciderWitness, columns};
use crate::form::{LinearForm, product_table};
use crate::msm;
use crate::setup::Generators;
use crate::setup::constants::inner_product_base;
use ark_bls12_381::{Fr, G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use zeroize::Zeroizing;
use zktorch_blocks::field::dot;
use zktorch_blocks::transcript::{Check, Message, Reject, Transcript, check};

/// Linear functions of the vector that a proof shows: the commitment without its blinder, which is sent, two points a round, and the last
/// scalar.
pub fn shown(c: u32) -> usize {
    2 + 2 * c as usize
}

/// Decides a claim of `2^c` columns.
///
/// # Transcript
/// Scalar `decider blinder`, challenge for `Q`; per round points `ipa left`, `ipa right` and a challenge; scalar `ipa vector`. The
/// caller has bound the claim and the generators (by the setup's digest).
///
/// # Soundness
/// Knowledge sound under the discrete-logarithm assumption on hash-to-curve generators, by rewinding (three challenges a round,
/// two for `Q`); error at most `(2 c + 1) / |F|` in a single run. The caller has checked the generators against the setup's digest.
///
/// # Errors
/// [`Reject`] names the message or the check that failed: `ipa challenge`, `ipa final`.
pub fn decide(
    transcript: &mut Transcript<'_>,
    generators: &Generators,
    c: u32,
    claim: &DeciderClaim<'_>,
    witness: Option<&DeciderWitness<'_>>,
) -> Result<(), Reject> {
    let m = columns(c, claim, witness)?;
    let bases = generators.g.get(..m).ok_or(Reject::Check(Check::DeciderSize))?;
    let blinder = transcript.scalar(Message::DeciderBlinder, witness.map(|w| w.blinder))?;
    let scale = transcript.challenge();
    let mut prover = witness.map(|w| IpaProver::new(w, claim.form, bases, scale));

    let mut rounds = Vec::with_capacity(c as usize);
    for _ in 0..c {
        let mine = prover.as_ref().map(IpaProver::round);
        let left = transcript.point(Message::IpaLeft, mine.map(|(left, _)| left))?;
        let right = transcript.point(Message::IpaRight, mine.map(|(_, right)| right))?;
        let x = transcript.challenge();
        let inverse = x.inverse().ok_or(Reject::Check(Check::IpaChallenge))?;
        if let Some(prover) = &mut prover {
            prover.fold(x, inverse);
        }
        rounds.push((left, right, x, inverse));
    }
    let last = transcript.scalar(Message::IpaVector, prover.as_ref().map(IpaProver::last))?;
    if transcript.is_prover() {
        return Ok(());
    }

    // C - beta H + v Q + sum (x L + R/x) - a G' - a f' Q = 0.
    let x: Vec<Fr> = rounds.iter().map(|(_, _, x, _)| *x).collect();
    let mut scalars: Vec<Fr> = product_table(&x).into_iter().map(|s| -(s * last)).collect();
    let mut points = bases.to_vec();
    for (left, right, x, inverse) in rounds {
        points.extend([left, right]);
        scalars.extend([x, inverse]);
    }
    points.extend([claim.commitment.into_affine(), generators.h, inner_product_base()]);
    scalars.extend([Fr::ONE, -blinder, scale * (claim.value - last * claim.form.on_product(&x))]);
    check(msm::sum(&points, &scalars) == G1Projective::ZERO, Check::IpaFinal)
}

/// The prover's state: the halves so far.
struct IpaProver<'a> {
    vector: Zeroizing<Vec<Fr>>,
    form: Vec<Fr>,
    bases: Bases<'a>,
    /// The multiple of the fixed point that is `Q`.
    scale: Fr,
}

impl<'a> IpaProver<'a> {
    fn new(witness: &DeciderWitness<'_>, form: &LinearForm, bases: &'a [G1Affine], scale: Fr) -> Self {
        let form = form.to_dense(bases.len());
        Self { vector: Zeroizing::new(witness.vector.to_vec()), form, bases: Bases::new(bases), scale }
    }

    fn round(&self) -> (G1Affine, G1Affine) {
        let half = self.vector.len() / 2;
        let (low, high) = self.vector.split_at(half);
        let (form_low, form_high) = self.form.split_at(half);
        let mut sums = self.bases.cross(low, high);
        let q = inner_product_base();
        for (sum, product) in sums.iter_mut().zip([dot(low, form_high), dot(high, form_low)]) {
            *sum += q * (product * self.scale);
        }
        let [left, right] = sums;
        (left.into_affine(), right.into_affine())
    }

    fn fold(&mut self, x: Fr, inverse: Fr) {
        halve(&mut self.vector, inverse);
        halve(&mut self.form, x);
        self.bases.fold(x);
    }

    fn last(&self) -> Fr {
        self.vector.first().copied().unwrap_or(Fr::ZERO)
    }
}

/// `lo + x hi`.
fn halve(vector: &mut Vec<Fr>, x: Fr) {
    let high = Zeroizing::new(vector.split_off(vector.len() / 2));
    vector.iter_mut().zip(&*high).for_each(|(low, high)| *low += x * high);
}

/// The folded generators, kept as `known` points and challenges still to be applied: `G'_i = sum_k table_k known_(k n + i)`, `n` the
/// present length. A large multi-scalar multiplication on the known points costs less than folding them, so they are folded
/// only once in a few rounds.
struct Bases<'a> {
    known: std::borrow::Cow<'a, [G1Affine]>,
    pending: Vec<Fr>,
}

/// Rounds between two foldings of the generators.
const LAZY_ROUNDS: usize = 3;

impl<'a> Bases<'a> {
    fn new(known: &'a [G1Affine]) -> Self {
        Self { known: std::borrow::Cow::Borrowed(known), pending: Vec::new() }
    }

    /// `<low, G'_hi>` and `<high, G'_lo>`.
    fn cross(&self, low: &[Fr], high: &[Fr]) -> [G1Projective; 2] {
        let table = product_table(&self.pending);
        let half = low.len();
        let mut points = [Vec::new(), Vec::new()];
        let mut scalars = [(); 2].map(|()| Zeroizing::new(Vec::with_capacity(self.known.len() / 2)));
        for (weight, block) in table.iter().zip(self.known.chunks_exact(2 * half)) {
            let (block_low, block_high) = block.split_at(half);
            let sides = [(low, block_high), (high, block_low)];
            for ((points, scalars), (vector, block)) in points.iter_mut().zip(&mut scalars).zip(sides) {
                points.extend_from_slice(block);
                scalars.extend(vector.iter().map(|w| *w * weight));
            }
        }
        let [left, right] = &points;
        let [left_scalars, right_scalars] = &scalars;
        [msm::sum(left, left_scalars), msm::sum(right, right_scalars)]
    }

    fn fold(&mut self, x: Fr) {
        self.pending.push(x);
        if self.pending.len() == LAZY_ROUNDS {
            let table = product_table(&self.pending);
            let folded = msm::fold(&self.known, &table);
            self.known = std::borrow::Cow::Owned(folded);
            self.pending.clear();
        }
    }
}
