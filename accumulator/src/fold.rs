//! The accumulator: all claims on committed rows become one (Mira, ePrint 2024/2025; ProtoStar, 2023/620).
//!
//! An instance is `(C, f, v)`: a commitment to a vector `w`, a linear form `f`, a value, with `<w, f> = v`. Claims enter with
//! powers of `gamma`, drawn after all values are hidden; those on one combination of rows, or with one point on the columns, are then
//! added without a message ([`merge`](crate::merge)). What is left to prove is `sum_i <w_i, f_i> = v`, and a sumcheck over `i` folds it: its
//! messages are the cross terms of Mira's tree, two levels at a time, and its point `r` makes one instance `w = sum_i eq(r, i) w_i`,
//! `f = sum_i eq(r, i) f_i`.

use crate::form::LinearForm;
use crate::layout::Layout;
use crate::merge::{Leaf, merge};
use ark_ff::AdditiveGroup;
use zktorch_blocks::claim_reduction::OpeningClaim;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::program::index_bits;
use zktorch_blocks::sumcheck::{Degree, Rounds, Span, Sumcheck, sumcheck};
use zktorch_blocks::transcript::{HiddenAffine, Reject, Transcript};
use zktorch_blocks::work::{self, Work};

/// The prover's row vectors during the fold: a pair `(w_i, f_i)` an instance. The sumcheck's rounds bind `i`.
pub trait FoldProver: Rounds {
    /// Starts from the leaves.
    fn start(&mut self, leaves: Vec<Leaf>);

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
    /// Number of leaves that were folded.
    pub leaves: usize,
}

/// Folds claims on committed polynomials into one.
///
/// # Transcript
/// Draws `gamma`; runs a hidden sumcheck over the instances. The caller has hidden the values of all claims.
///
/// # Soundness
/// `(claims + 2 log claims) / |F|`: a false claim makes the sum of all of them, which merging leaves as it is, false but for `claims` values of
/// `gamma`, and the sumcheck has two errors a level at most. The caller owes a proof of the accumulated claim.
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
    let (leaves, claim) = merge(layout, work, claims, gamma)?;
    if let Some(prover) = prover.as_deref_mut() {
        prover.start(leaves.clone());
    }
    let rounds = prover.as_deref_mut().map(|p| -> &mut dyn Rounds { p });
    let count = leaves.len();
    let span = Span { fixed: index_bits(count), behind: layout.column_bits as usize };
    let (point, value) = sumcheck(t, Sumcheck::Rows, Degree::Two, span, None, claim, rounds)?;
    let mut rows = vec![Fr::ZERO; layout.total_rows()];
    let mut form = LinearForm::default();
    for (leaf, multiplier) in leaves.into_iter().zip(eq_table(&point)) {
        for (row, weight) in leaf.rows {
            if let Some(slot) = rows.get_mut(row) {
                *slot += multiplier * weight;
            }
        }
        form.add_scaled(multiplier, &leaf.form);
    }
    if let Some(prover) = prover {
        // The same form; the prover needs all its coefficients, several times.
        form = LinearForm::dense(prover.form());
    }
    Ok(Accumulated { rows, form, value, leaves: count })
}
