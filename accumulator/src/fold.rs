//! The accumulator: all claims on committed rows become one (Mira, ePrint 2024/2025; ProtoStar, 2023/620).
//!
//! An instance is `(C, f, v)`: a commitment to a vector `w`, a linear form `f`, a value, with `<w, f> = v`. Claims enter with
//! powers of `gamma`, drawn after all values are hidden; those with equal column points are then added without a message. What is left to
//! prove is `sum_i <w_i, f_i> = v`, and a sumcheck over `i` folds it: its messages are the cross terms of Mira's tree, two levels
//! at a time, and its point `r` makes one instance `w = sum_i eq(r, i) w_i`, `f = sum_i eq(r, i) f_i`.

use crate::form::LinearForm;
use crate::layout::{Layout, Split};
use ark_ff::{AdditiveGroup, Field};
use std::collections::HashMap;
use zktorch_blocks::claim_reduction::OpeningClaim;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::program::index_bits;
use zktorch_blocks::sumcheck::{Degree, Rounds, Span, Sumcheck, sumcheck};
use zktorch_blocks::transcript::{Check, HiddenAffine, Reject, Transcript};
use zktorch_blocks::work::{self, Work};

/// The prover's row vectors during the fold: a pair `(w_i, f_i)` an instance, dense. The sumcheck's rounds bind `i`.
pub trait FoldProver: Rounds {
    /// Starts from the leaves.
    fn start(&mut self, leaves: &[Split]);

    /// The vector that is left.
    fn vector(&self) -> Vec<Fr>;

    /// The linear form that is left, dense.
    fn form(&self) -> Vec<Fr>;
}

/// What the fold leaves: `<sum_i rows[i] row_i, form> = value`.
#[derive(Clone, Debug)]
pub struct Accumulated {
    /// Coefficient of each row.
    pub rows: Vec<Fr>,
    /// The linear form.
    pub form: LinearForm,
    /// The value, hidden.
    pub value: HiddenAffine,
}

/// Folds claims on committed polynomials into one.
///
/// # Transcript
/// Draws `gamma`; runs a hidden sumcheck over the instances. The caller has hidden the values of all claims.
///
/// # Soundness
/// `(claims + 2 log claims) / |F|`. The caller owes a proof of the accumulated claim.
///
/// # Errors
/// On malformed bytes, a claim on something that is not committed, or too much [`work`].
pub fn accumulate(
    t: &mut Transcript<'_>,
    layout: &Layout,
    work: &mut Work,
    claims: &[OpeningClaim],
    mut prover: Option<&mut dyn FoldProver>,
) -> Result<Accumulated, Reject> {
    work.spend(claims.iter().map(|claim| layout.height(claim.polynomial)).sum(), work::ENTRY)?;
    let gamma = t.challenge();
    let (leaves, claim) = merge(layout, claims, gamma)?;
    if let Some(prover) = prover.as_deref_mut() {
        prover.start(&leaves);
    }
    let rounds = prover.as_deref_mut().map(|p| -> &mut dyn Rounds { p });
    let span = Span { fixed: index_bits(leaves.len()), behind: layout.column_bits as usize };
    let (point, value) = sumcheck(t, Sumcheck::Rows, Degree::Two, span, None, claim, rounds)?;
    let mut rows = vec![Fr::ZERO; layout.total_rows()];
    let mut form = LinearForm::default();
    for (leaf, multiplier) in leaves.into_iter().zip(eq_table(&point)) {
        for (row, weight) in leaf.rows {
            if let Some(slot) = rows.get_mut(row) {
                *slot += multiplier * weight;
            }
        }
        form.eqs.push((multiplier, leaf.columns));
    }
    if let Some(prover) = prover {
        // The same form; the prover needs all its coefficients, several times.
        form = LinearForm::dense(prover.form());
    }
    Ok(Accumulated { rows, form, value })
}

/// Weighs claim `i` with `gamma^i` and adds those of equal column point, in order of first appearance. Returns the sum of all values too.
fn merge(layout: &Layout, claims: &[OpeningClaim], gamma: Fr) -> Result<(Vec<Split>, HiddenAffine), Reject> {
    let mut index: HashMap<Vec<Fr>, usize> = HashMap::new();
    let mut leaves: Vec<Split> = Vec::new();
    let mut value = HiddenAffine::ZERO;
    let mut weight = Fr::ONE;
    for claim in claims {
        let split = layout.split(claim.polynomial, &claim.point).ok_or(Reject::Check(Check::CommittedClaim))?;
        let at = *index.entry(split.columns.clone()).or_insert_with(|| {
            leaves.push(Split { rows: Vec::new(), columns: split.columns.clone() });
            leaves.len() - 1
        });
        if let Some(leaf) = leaves.get_mut(at) {
            leaf.rows.extend(split.rows.into_iter().map(|(row, w)| (row, weight * w)));
        }
        value.add_scaled(weight, &claim.value);
        weight *= gamma;
    }
    Ok((leaves, value))
}
