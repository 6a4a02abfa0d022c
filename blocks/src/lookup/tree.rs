//! The fraction tree, root to leaves.

use crate::field::{Fr, eq, eq_table, eq_table_scaled};
use crate::sumcheck::{Degree, Rounds, Span, Sumcheck, sumcheck};
use crate::transcript::{Equation, HiddenAffine, Message, Product, Reject, Transcript};
use ark_ff::Field;

/// Layers sent whole, one product constraint a node, instead of by a sumcheck a layer.
pub const TOP_LAYERS: usize = 6;

/// Variables of a layer that its sumcheck leaves: the children's tables over them are sent whole. That is one message less a layer, and
/// fewer scalars, than to go on to a single point.
pub const TAIL: usize = 4;

/// The prover's tree.
pub trait TreeProver {
    /// Numerators and denominators of layer `k` (`2^k` nodes), from the root (layer 0).
    fn layer(&self, k: usize) -> (Vec<Fr>, Vec<Fr>);

    /// Starts the sumcheck that reduces layer `k` at `point`, combined with `lambda`, to its children.
    fn start(&mut self, k: usize, point: &[Fr], lambda: Fr);

    /// The tables of the sumcheck under way.
    fn rounds(&mut self) -> &mut dyn Rounds;

    /// Numerators and denominators of the layer below, at the point that is bound: `2^(left + 1)` nodes where `left` variables are not.
    fn children(&self) -> (Vec<Fr>, Vec<Fr>);
}

/// What the tree leaves to check: the values of the leaves' numerators and denominators at `rho`.
#[derive(Clone, Debug)]
pub struct LeafClaim {
    /// The point, one coordinate a layer.
    pub rho: Vec<Fr>,
    /// Claimed MLE of the numerators.
    pub numerator: HiddenAffine,
    /// Claimed MLE of the denominators.
    pub denominator: HiddenAffine,
}

/// Proves that the fractions on `2^n` leaves sum to zero, reducing it to one claim on the leaves.
///
/// The root's numerator is the constant zero. Its denominator is deliberately unchecked: a numerator that is zero as a
/// polynomial in `alpha` already forces the multiset statement (docs/protocol.md, section 8).
///
/// # Transcript
/// Hides the top layers in one message; then a layer draws `lambda`, runs a sumcheck over all variables but the last [`TAIL`], hides the
/// children over these, and draws the rest of the next point. The caller has bound the leaves (every looked-up tensor and the
/// multiplicities) and `alpha`, `beta`.
///
/// # Soundness
/// At most `sum over layers (3 k + 2) / |F|` (one for `lambda`, three a variable with rounds, one a variable of the rest), on top of
/// `(2^n (W + 1)) / |F|` for the fingerprints. The caller owes the check of the claim.
///
/// # Errors
/// On malformed bytes only.
pub fn prove_tree(t: &mut Transcript<'_>, n: usize, mut prover: Option<&mut dyn TreeProver>) -> Result<LeafClaim, Reject> {
    let top = TOP_LAYERS.min(n);
    let (numerators, denominators) = top_layers(t, top, prover.as_deref())?;
    let mut point = t.challenges(top);
    let weights = eq_table(&point);
    let mut p = HiddenAffine::combine(weights.iter().copied().zip(&numerators));
    let mut q = HiddenAffine::combine(weights.iter().copied().zip(&denominators));
    for k in top..n {
        let lambda = t.challenge();
        let mut claim = p;
        claim.add_scaled(lambda, &q);
        if let Some(prover) = prover.as_deref_mut() {
            prover.start(k, &point, lambda);
        }
        let rounds = prover.as_deref_mut().map(|p| p.rounds());
        let tail = TAIL.min(k);
        let (head, behind) = point.split_at(k - tail);
        let span = Span { fixed: k - tail, behind: tail };
        let (mut next, claim) = sumcheck(t, Sumcheck::Tree, Degree::Two, span, Some(&point), claim, rounds)?;
        let (ps, qs) = hide_children(t, tail, prover.as_deref().map(|p| p.children()))?;
        let mut products = Vec::with_capacity(2 << tail);
        let weights = eq_table_scaled(behind, eq(head, &next));
        for ((p, q), &weight) in ps.chunks_exact(2).zip(qs.chunks_exact(2)).zip(&weights) {
            if let ([p0, p1], [q0, q1]) = (p, q) {
                // p0 q1 + q0 (p1 + lambda q1)
                products.push(Product(p0.clone() * weight, q1.clone()));
                products.push(Product(q0.clone() * weight, HiddenAffine::combine([(Fr::ONE, p1), (lambda, q1)])));
            }
        }
        t.quad(Equation::TreeLayer, products, -claim);
        let rest = t.challenges(tail + 1);
        let weights = eq_table(&rest);
        p = HiddenAffine::combine(weights.iter().copied().zip(&ps));
        q = HiddenAffine::combine(weights.iter().copied().zip(&qs));
        next.extend(rest);
        point = next;
    }
    Ok(LeafClaim { rho: point, numerator: p, denominator: q })
}

/// The nodes below the last `tail` variables of a layer: numerators, then denominators.
fn hide_children(
    t: &mut Transcript<'_>,
    tail: usize,
    values: Option<(Vec<Fr>, Vec<Fr>)>,
) -> Result<(Vec<HiddenAffine>, Vec<HiddenAffine>), Reject> {
    let half = 2usize << tail;
    let mut hidden = t.hide(Message::TreeChildren, 2 * half, values.map(|(p, q)| [p, q].concat()))?;
    let denominators = hidden.split_off(half.min(hidden.len()));
    Ok((hidden, denominators))
}

/// The layers above and including `top`, hidden whole, tied by one product constraint a node. Returns layer `top`.
fn top_layers(
    t: &mut Transcript<'_>,
    top: usize,
    prover: Option<&dyn TreeProver>,
) -> Result<(Vec<HiddenAffine>, Vec<HiddenAffine>), Reject> {
    let values = prover.map(|prover| {
        let mut values = prover.layer(0).1;
        for k in 1..=top {
            let (p, q) = prover.layer(k);
            values.extend(p);
            values.extend(q);
        }
        values
    });
    let count = 4 * (1usize << top) - 3;
    let mut hidden = t.hide(Message::TreeTop, count, values)?.into_iter();
    let mut p: Vec<HiddenAffine> = vec![HiddenAffine::ZERO];
    let mut q: Vec<HiddenAffine> = hidden.by_ref().take(1).collect();
    for k in 1..=top {
        let children_p: Vec<HiddenAffine> = hidden.by_ref().take(1 << k).collect();
        let children_q: Vec<HiddenAffine> = hidden.by_ref().take(1 << k).collect();
        let pairs = children_p.chunks_exact(2).zip(children_q.chunks_exact(2));
        for ((parent_p, parent_q), (cp, cq)) in p.into_iter().zip(q).zip(pairs) {
            if let ([p0, p1], [q0, q1]) = (cp, cq) {
                let numerator = vec![Product(p0.clone(), q1.clone()), Product(p1.clone(), q0.clone())];
                t.quad(Equation::TreeTopNumerator, numerator, -parent_p);
                t.quad(Equation::TreeTopDenominator, vec![Product(q0.clone(), q1.clone())], -parent_q);
            }
        }
        (p, q) = (children_p, children_q);
    }
    Ok((p, q))
}
