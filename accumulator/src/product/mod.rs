//! From constraints with products to linear ones.
//!
//! The products of all constraints, batched by `zeta`, are `sum_t A_t(u) B_t(u) = claim(u)` with affine forms of the hidden scalars `u`. A
//! hidden sumcheck over `t` leaves one product `a b = c`, which is proved as Chaum and Pedersen's: `(rho_a + h a)(rho_b + h b)` is a polynomial in
//! `h` whose lower coefficients are hidden before `h` is drawn, and whose leading one is `c`.

#[cfg(feature = "prover")]
mod kernel;

use ark_ff::Field;
#[cfg(feature = "prover")]
use kernel::tables;
use std::collections::HashMap;
use zeroize::Zeroizing;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::program::index_bits;
use zktorch_blocks::sumcheck::{Degree, Rounds, Span, Sumcheck, sumcheck};
use zktorch_blocks::transcript::{Check, Equation, HiddenAffine, Message, Product, Reject, Transcript};

/// Reduces the products of all constraints so far to linear constraints.
///
/// # Transcript
/// Draws `zeta`; runs a hidden sumcheck over the products; hides `rho_a, rho_b, e_0, e_1`; draws `h`; sends `z_a = rho_a + h a` and `z_b` in the
/// clear. No constraint with products may follow.
///
/// # Soundness
/// `(constraints + 2 log products + 2) / |F|`, if the linear constraints hold: `z_a z_b = e_0 + h e_1 + h^2 c` with all of `a, b, c` and the masks
/// hidden before `h` forces `a b = c`.
///
/// # Errors
/// On malformed bytes only.
pub fn reduce_products(t: &mut Transcript<'_>) -> Result<(), Reject> {
    let zeta = t.challenge();
    let (products, claim) = batch(t, zeta);
    let variables = index_bits(products.len());
    let scalars = t.secrets().map(|s| Zeroizing::new(s.scalars().to_vec()));
    let mut rounds = scalars.as_ref().and_then(|u| tables(&products, variables, u));
    let rounds = rounds.as_deref_mut().map(|r| r as &mut dyn Rounds);
    let (point, claim) = sumcheck(t, Sumcheck::Products, Degree::Two, Span::all(variables), None, claim, rounds)?;
    let weights = eq_table(&point);
    let side =
        |pick: fn(&Product) -> &HiddenAffine| HiddenAffine::combine(weights.iter().copied().zip(products.iter().map(pick)));
    prove_product(t, &side(|p| &p.0), &side(|p| &p.1), &claim, scalars.as_ref().map(|u| u.as_slice()))
}

/// The products, each with the weight of its constraint, and what their sum has to be. Products with a scalar in common become one:
/// `a (c u + d) = (c a) u + d a`. How many are left is a matter of terms, not of values: it may not depend on public ones that `d` is made of.
fn batch(t: &Transcript<'_>, zeta: Fr) -> (Vec<Product>, HiddenAffine) {
    let mut products: Vec<Product> = Vec::new();
    let mut with_factor: HashMap<usize, usize> = HashMap::new();
    let (mut claim, mut weight) = (HiddenAffine::ZERO, Fr::ONE);
    for constraint in t.hidden().constraints().iter().filter(|c| !c.products.is_empty()) {
        for Product(a, b) in &constraint.products {
            let &[(scalar, c)] = b.terms.as_slice() else {
                products.push(Product(a.clone() * weight, b.clone()));
                continue;
            };
            claim.add_scaled(-weight * b.constant, a);
            let at = *with_factor.entry(scalar).or_insert(products.len());
            match products.get_mut(at) {
                Some(Product(sum, _)) => sum.add_scaled(weight * c, a),
                None => products.push(Product(a.clone() * (weight * c), HiddenAffine::scalar(scalar))),
            }
        }
        claim.add_scaled(-weight, &constraint.form);
        weight *= zeta;
    }
    (products, claim)
}

#[cfg(not(feature = "prover"))]
fn tables(_: &[Product], _: usize, _: &[Fr]) -> Option<Box<dyn Rounds>> {
    None
}

/// `a b = c` for affine forms of hidden scalars.
fn prove_product(
    t: &mut Transcript<'_>,
    a: &HiddenAffine,
    b: &HiddenAffine,
    c: &HiddenAffine,
    u: Option<&[Fr]>,
) -> Result<(), Reject> {
    let known = u.zip(t.secrets()).map(|(u, secrets)| {
        let factors = [a.evaluate(u, Fr::ONE), b.evaluate(u, Fr::ONE)];
        (factors, [secrets.random(), secrets.random()])
    });
    let masks = known.map(|([a, b], [rho_a, rho_b])| vec![rho_a, rho_b, rho_a * rho_b, rho_a * b + a * rho_b]);
    let hidden = t.hide(Message::ProductMasks, 4, masks)?;
    let h = t.challenge();
    let [rho_a, rho_b, e0, e1] = hidden.as_slice() else { return Err(Reject::Check(Check::ProductMasks)) };
    let za = mask_factor(t, a, rho_a, h, known.map(|(factors, masks)| masks[0] + h * factors[0]))?;
    let zb = mask_factor(t, b, rho_b, h, known.map(|(factors, masks)| masks[1] + h * factors[1]))?;
    let mut sum = HiddenAffine::combine([(Fr::ONE, e0), (h, e1), (h.square(), c)]);
    sum.constant -= za * zb;
    t.zero(Equation::Product, sum);
    Ok(())
}

/// Sends `rho + h factor`.
fn mask_factor(
    t: &mut Transcript<'_>,
    factor: &HiddenAffine,
    rho: &HiddenAffine,
    h: Fr,
    value: Option<Fr>,
) -> Result<Fr, Reject> {
    let value = t.scalar(Message::MaskedFactor, value)?;
    let mut sum = rho.clone() - &HiddenAffine::from(value);
    sum.add_scaled(h, factor);
    t.zero(Equation::MaskedFactor, sum);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::Zero;
    use zktorch_blocks::field::{from_i64, powers};

    #[test]
    fn batching_keeps_the_sum_and_its_length_does_not_depend_on_values() {
        let (zeta, u) = (from_i64(5), powers(from_i64(3), 6));
        for shift in [0, 7].map(from_i64) {
            let mut t = Transcript::dry_run(8);
            let s = t.hide(Message::LeafValues, 6, None).unwrap();
            let shifted = s[0].clone() * from_i64(2) + &HiddenAffine::from(shift);
            let sum = s[0].clone() + &s[5];
            let constant = HiddenAffine::from(shift);
            let with = |a: &HiddenAffine, b: &HiddenAffine| Product(a.clone(), b.clone());
            // A scalar met twice in one constraint and again in a third, as itself and not, and squared; a sum, twice; a constant.
            t.quad(Equation::TreeLayer, vec![with(&s[1], &s[0]), with(&s[2], &shifted), with(&s[3], &sum)], s[4].clone());
            t.zero(Equation::LeafNumerator, s[5].clone());
            t.quad(Equation::Wave, vec![with(&s[4], &s[3]), with(&shifted, &constant)], HiddenAffine::from(from_i64(9)));
            t.quad(Equation::Wave, vec![with(&s[0], &s[0]), with(&s[4], &sum), with(&sum, &s[3])], HiddenAffine::ZERO);
            let (products, claim) = batch(&t, zeta);
            let value = |form: &HiddenAffine| form.evaluate(&u, Fr::ONE);
            let product = |Product(a, b): &Product| value(a) * value(b);
            let quadratic = t.hidden().constraints().iter().filter(|c| !c.products.is_empty());
            let expected: Fr = quadratic
                .zip(powers(zeta, 3))
                .map(|(c, weight)| weight * (c.products.iter().map(product).sum::<Fr>() + value(&c.form)))
                .sum();
            assert!(!expected.is_zero());
            assert_eq!(products.iter().map(product).sum::<Fr>() - value(&claim), expected);
            assert_eq!(products.len(), 5);
        }
    }
}
