//! The accumulator: all claims on committed rows become one (Mira, ePrint 2024/2025; ProtoStar, 2023/620).
//!
//! An instance is `(C, f, v)`: a commitment to a vector `w`, a linear form `f`, a value, with `<w, f> = v`. Claims enter with
//! powers of `gamma`, drawn after all values are hidden; those with equal column points are then added without a message. The
//! rest is folded on a fixed binary tree: `w = w_1 + r w_2`, `f = f_1 + r f_2`, `v = v_1 + r e + r^2 v_2` with the cross term
//! `e = <w_1, f_2> + <w_2, f_1>`. One message of cross terms and one challenge a level.

use crate::form::Form as LinearForm;
use crate::layout::{Layout, Split};
use ark_ff::{AdditiveGroup, Field};
use std::collections::HashMap;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Form, Reject, Transcript};
use zktorch_blocks::waves::Claim;
use zktorch_blocks::work::{self, Work};

/// The prover's row vectors during the fold: one pair `(w, f)` an instance, dense.
pub trait FoldProver {
    /// Starts from the leaves.
    fn start(&mut self, leaves: &[Split]);

    /// `<w_i, f_j> + <w_j, f_i>` of each pair of neighbours `(0, 1), (2, 3), ..`.
    fn cross_terms(&self) -> Vec<Fr>;

    /// Folds each pair with `r`; an odd one at the end stays.
    fn fold(&mut self, r: Fr);

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
    pub value: Form,
}

/// Folds claims on committed polynomials into one.
///
/// # Transcript
/// Draws `gamma`; a level hides its cross terms and draws `r`. The caller has hidden the values of all claims.
///
/// # Soundness
/// `(claims + 2 levels) / |F|`. The caller owes a proof of the accumulated claim.
///
/// # Errors
/// On malformed bytes, a claim on something that is not committed, or too much [`work`].
pub fn accumulate(
    t: &mut Transcript<'_>,
    layout: &Layout,
    work: &mut Work,
    claims: &[Claim],
    mut prover: Option<&mut dyn FoldProver>,
) -> Result<Accumulated, Reject> {
    work.spend(claims.iter().map(|claim| layout.height(claim.polynomial)).sum(), work::ENTRY)?;
    let gamma = t.challenge();
    let (leaves, mut values) = merge(layout, claims, gamma)?;
    if let Some(prover) = prover.as_deref_mut() {
        prover.start(&leaves);
    }
    // An accumulator is the multipliers of its leaves.
    let mut nodes: Vec<Vec<(usize, Fr)>> = (0..leaves.len()).map(|i| vec![(i, Fr::ONE)]).collect();
    while nodes.len() > 1 {
        let cross = t.hide("cross terms", nodes.len() / 2, prover.as_deref().map(|p| p.cross_terms()))?;
        let r = t.challenge();
        if let Some(prover) = prover.as_deref_mut() {
            prover.fold(r);
        }
        let mut cross = cross.into_iter();
        (nodes, values) = pair_up(nodes)
            .zip(pair_up(values))
            .map(|((mut node, other), (mut value, other_value))| {
                if let (Some(other), Some(other_value)) = (other, other_value) {
                    node.extend(other.into_iter().map(|(i, c)| (i, r * c)));
                    value.add_scaled(r, &cross.next().unwrap_or_default());
                    value.add_scaled(r.square(), &other_value);
                }
                (node, value)
            })
            .unzip();
    }
    let mut rows = vec![Fr::ZERO; layout.total_rows()];
    let mut form = LinearForm::default();
    for (leaf, multiplier) in nodes.into_iter().flatten() {
        let Some(split) = leaves.get(leaf) else { continue };
        for &(row, weight) in &split.rows {
            if let Some(slot) = rows.get_mut(row) {
                *slot += multiplier * weight;
            }
        }
        form.eqs.push((multiplier, split.columns.clone()));
    }
    if let Some(prover) = prover {
        // The same form; the prover needs all its coefficients, several times.
        form = LinearForm::dense(prover.form());
    }
    Ok(Accumulated { rows, form, value: values.into_iter().next().unwrap_or_default() })
}

/// Weighs claim `i` with `gamma^i` and adds those of equal column point, in order of first appearance.
fn merge(layout: &Layout, claims: &[Claim], gamma: Fr) -> Result<(Vec<Split>, Vec<Form>), Reject> {
    let mut index: HashMap<Vec<Fr>, usize> = HashMap::new();
    let mut leaves: Vec<Split> = Vec::new();
    let mut values: Vec<Form> = Vec::new();
    let mut weight = Fr::ONE;
    for claim in claims {
        let split = layout.split(claim.polynomial, &claim.point).ok_or(Reject::Check("claim on a committed polynomial"))?;
        let at = *index.entry(split.columns.clone()).or_insert_with(|| {
            leaves.push(Split { rows: Vec::new(), columns: split.columns.clone() });
            values.push(Form::ZERO);
            leaves.len() - 1
        });
        if let (Some(leaf), Some(value)) = (leaves.get_mut(at), values.get_mut(at)) {
            leaf.rows.extend(split.rows.into_iter().map(|(row, w)| (row, weight * w)));
            value.add_scaled(weight, &claim.value);
        }
        weight *= gamma;
    }
    Ok((leaves, values))
}

/// Neighbours in pairs; an odd one at the end stays alone.
pub(crate) fn pair_up<T>(items: Vec<T>) -> impl Iterator<Item = (T, Option<T>)> {
    let mut items = items.into_iter();
    std::iter::from_fn(move || Some((items.next()?, items.next())))
}
