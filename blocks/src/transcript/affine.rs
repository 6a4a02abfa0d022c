//! Affine forms in the hidden scalars.

use crate::field::Fr;
use ark_ff::{AdditiveGroup, Zero};
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// `constant + sum_j c_j u_j` over the hidden scalars `u`, in the order in which they were sent. Terms may repeat.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HiddenAffine {
    /// The part that both sides know.
    pub constant: Fr,
    /// Index of a hidden scalar, and its coefficient.
    pub terms: Vec<(usize, Fr)>,
}

impl HiddenAffine {
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

impl From<Fr> for HiddenAffine {
    fn from(constant: Fr) -> Self {
        Self { constant, terms: Vec::new() }
    }
}

impl AddAssign<&HiddenAffine> for HiddenAffine {
    fn add_assign(&mut self, other: &HiddenAffine) {
        self.constant += other.constant;
        self.terms.extend_from_slice(&other.terms);
    }
}

impl SubAssign<&HiddenAffine> for HiddenAffine {
    fn sub_assign(&mut self, other: &HiddenAffine) {
        self.constant -= other.constant;
        self.terms.extend(other.terms.iter().map(|&(i, c)| (i, -c)));
    }
}

impl Add<&HiddenAffine> for HiddenAffine {
    type Output = HiddenAffine;
    fn add(mut self, other: &HiddenAffine) -> HiddenAffine {
        self += other;
        self
    }
}

impl Sub<&HiddenAffine> for HiddenAffine {
    type Output = HiddenAffine;
    fn sub(mut self, other: &HiddenAffine) -> HiddenAffine {
        self -= other;
        self
    }
}

impl Mul<Fr> for HiddenAffine {
    type Output = HiddenAffine;
    fn mul(mut self, scale: Fr) -> HiddenAffine {
        self.constant *= scale;
        for (_, c) in &mut self.terms {
            *c *= scale;
        }
        self
    }
}

impl Neg for HiddenAffine {
    type Output = HiddenAffine;
    fn neg(self) -> HiddenAffine {
        self * -Fr::from(1u64)
    }
}
