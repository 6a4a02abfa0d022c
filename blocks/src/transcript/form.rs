//! Affine forms in the hidden scalars.

use crate::field::Fr;
use ark_ff::{AdditiveGroup, Zero};
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// `constant + sum_j c_j u_j` over the hidden scalars `u`, in the order in which they were sent. Terms may repeat.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Form {
    /// The part that both sides know.
    pub constant: Fr,
    /// Index of a hidden scalar, and its coefficient.
    pub terms: Vec<(usize, Fr)>,
}

impl Form {
    /// The form that is zero.
    pub const ZERO: Self = Self { constant: Fr::ZERO, terms: Vec::new() };

    /// A hidden scalar.
    pub fn scalar(index: usize) -> Self {
        Self { constant: Fr::ZERO, terms: vec![(index, Fr::from(1u64))] }
    }

    /// Adds `scale * form`.
    pub fn add_scaled(&mut self, scale: Fr, form: &Self) {
        if scale.is_zero() {
            return;
        }
        self.constant += scale * form.constant;
        self.terms.extend(form.terms.iter().map(|&(i, c)| (i, scale * c)));
    }

    /// `sum_j c_j F_j`.
    pub fn combine<'f>(terms: impl IntoIterator<Item = (Fr, &'f Self)>) -> Self {
        let mut sum = Self::ZERO;
        for (c, form) in terms {
            sum.add_scaled(c, form);
        }
        sum
    }

    /// The value at `u`, homogenised: the constant is multiplied by `t` (1 for the plain value).
    pub fn evaluate(&self, u: &[Fr], t: Fr) -> Fr {
        self.constant * t + self.terms.iter().filter_map(|&(i, c)| Some(*u.get(i)? * c)).sum::<Fr>()
    }
}

impl From<Fr> for Form {
    fn from(constant: Fr) -> Self {
        Self { constant, terms: Vec::new() }
    }
}

impl AddAssign<&Form> for Form {
    fn add_assign(&mut self, other: &Form) {
        self.constant += other.constant;
        self.terms.extend_from_slice(&other.terms);
    }
}

impl SubAssign<&Form> for Form {
    fn sub_assign(&mut self, other: &Form) {
        self.constant -= other.constant;
        self.terms.extend(other.terms.iter().map(|&(i, c)| (i, -c)));
    }
}

impl Add<&Form> for Form {
    type Output = Form;
    fn add(mut self, other: &Form) -> Form {
        self += other;
        self
    }
}

impl Sub<&Form> for Form {
    type Output = Form;
    fn sub(mut self, other: &Form) -> Form {
        self -= other;
        self
    }
}

impl Mul<Fr> for Form {
    type Output = Form;
    fn mul(mut self, scale: Fr) -> Form {
        self.constant *= scale;
        for (_, c) in &mut self.terms {
            *c *= scale;
        }
        self
    }
}

impl Neg for Form {
    type Output = Form;
    fn neg(self) -> Form {
        self * -Fr::from(1u64)
    }
}
