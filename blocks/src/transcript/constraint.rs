//! What the hidden scalars must satisfy.

use super::{Equation, HiddenAffine};
use crate::field::Fr;
use ark_ff::{Field, Zero};

/// A product of two affine forms.
#[derive(Clone, Debug)]
pub struct Product(pub HiddenAffine, pub HiddenAffine);

/// `sum a b + form = 0`.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// What it is part of.
    pub label: Equation,
    /// The products; none in most constraints.
    pub products: Vec<Product>,
    /// The affine part.
    pub form: HiddenAffine,
}

impl Constraint {
    /// Whether the hidden scalars satisfy the constraint: the prover's view, for tests and self-checks.
    pub fn holds(&self, u: &[Fr]) -> bool {
        let products: Fr = self.products.iter().map(|Product(a, b)| a.evaluate(u, Fr::ONE) * b.evaluate(u, Fr::ONE)).sum();
        (products + self.form.evaluate(u, Fr::ONE)).is_zero()
    }
}
