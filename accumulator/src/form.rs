//! The linear forms that claims are about.

use ark_ff::{AdditiveGroup, Field};
use zktorch_blocks::field::{Fr, dot, eq_index, eq_table_scaled, evaluate};

/// A linear form on `F^m`, `m = 2^c`: `f = sum_k c_k eq(p_k, .) + d`.
///
/// The points are what claims on tensors leave, and cost `O(c)` each; the dense vector `d` (of `m` coefficients, or
/// empty) is what claims on hidden messages leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinearForm {
    /// Coefficients and points; every point has `c` coordinates, the first for the most significant index bit.
    pub eqs: Vec<(Fr, Vec<Fr>)>,
    /// Coefficients given one by one: `m` of them, or none.
    pub dense: Vec<Fr>,
}

impl LinearForm {
    /// `eq(point, .)`.
    pub fn eq(point: Vec<Fr>) -> Self {
        Self { eqs: vec![(Fr::ONE, point)], dense: Vec::new() }
    }

    /// A form given by all its coefficients.
    pub fn dense(coefficients: Vec<Fr>) -> Self {
        Self { eqs: Vec::new(), dense: coefficients }
    }

    /// Whether the form is one on `F^m`.
    pub fn fits(&self, m: usize) -> bool {
        m.is_power_of_two()
            && (self.dense.is_empty() || self.dense.len() == m)
            && self.eqs.iter().all(|(_, p)| u32::try_from(p.len()).is_ok_and(|k| k == m.trailing_zeros()))
    }

    /// `self += factor * other`. Both are forms on the same `F^m`.
    pub fn add_scaled(&mut self, factor: Fr, other: &Self) {
        self.eqs.extend(other.eqs.iter().map(|(c, p)| (factor * c, p.clone())));
        if self.dense.len() < other.dense.len() {
            self.dense.resize(other.dense.len(), Fr::ZERO);
        }
        for (mine, theirs) in self.dense.iter_mut().zip(&other.dense) {
            *mine += factor * theirs;
        }
    }

    /// The multilinear extension of the coefficients at a point.
    pub fn evaluate(&self, point: &[Fr]) -> Fr {
        let eqs: Fr = self.eqs.iter().map(|(c, p)| *c * zktorch_blocks::field::eq(p, point)).sum();
        if self.dense.is_empty() { eqs } else { eqs + evaluate(self.dense.clone(), point) }
    }

    /// `sum_i f_i prod_j x_j^(bit j of i)`, bit 1 the most significant: the value on the tensor product of all `(1, x_j)`.
    pub fn on_product(&self, x: &[Fr]) -> Fr {
        let eqs = self.eqs_on_product(x);
        if self.dense.is_empty() { eqs } else { eqs + dot(&self.dense, &product_table(x)) }
    }

    /// `sum_i f_i x^i`: the coefficients read as a univariate polynomial of degree below `2^c`.
    pub fn univariate(&self, c: usize, x: Fr) -> Fr {
        let mut squares: Vec<Fr> = std::iter::successors(Some(x), |x| Some(x.square())).take(c).collect();
        squares.reverse();
        self.eqs_on_product(&squares) + self.dense.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c)
    }

    fn eqs_on_product(&self, x: &[Fr]) -> Fr {
        let factor = |p: &[Fr]| -> Fr { p.iter().zip(x).map(|(&p, &x)| Fr::ONE + p * (x - Fr::ONE)).product() };
        self.eqs.iter().map(|(c, p)| *c * factor(p)).sum()
    }

    /// All `m` coefficients.
    pub fn to_dense(&self, m: usize) -> Vec<Fr> {
        self.block(0, m)
    }

    /// Coefficients `index * len` to `(index + 1) * len`, `len` a power of two: a block that a point's leading coordinates
    /// name, or deny, takes no time.
    pub fn block(&self, index: usize, len: usize) -> Vec<Fr> {
        let dense = self.dense.get(index * len..(index + 1) * len);
        let mut sum = dense.map_or_else(|| vec![Fr::ZERO; len], <[Fr]>::to_vec);
        for (c, point) in &self.eqs {
            let (high, low) = point.split_at(point.len().saturating_sub(len.ilog2() as usize));
            let scale = *c * eq_index(high, index);
            if scale != Fr::ZERO {
                sum.iter_mut().zip(eq_table_scaled(low, scale)).for_each(|(mine, theirs)| *mine += theirs);
            }
        }
        sum
    }
}

/// The tensor product of all `(1, x_j)`, in index order; `x_1` belongs to the most significant bit.
pub fn product_table(x: &[Fr]) -> Vec<Fr> {
    let mut table = vec![Fr::ONE];
    for &x in x.iter().rev() {
        let high: Vec<Fr> = table.iter().map(|low| *low * x).collect();
        table.extend(high);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use zktorch_blocks::field::{from_i64, powers};

    fn example() -> LinearForm {
        let point = |k: i64| (0..4).map(|j| from_i64(7 * k + j * j - 3)).collect();
        LinearForm {
            eqs: vec![(from_i64(5), point(1)), (from_i64(-2), point(2))],
            dense: (0..16).map(|i| from_i64(i * i - 40)).collect(),
        }
    }

    #[test]
    fn every_reading_agrees_with_the_coefficients() {
        let form = example();
        let coefficients = form.to_dense(16);
        let point: Vec<Fr> = (0..4).map(|j| from_i64(11 + 13 * j)).collect();
        assert_eq!(form.evaluate(&point), evaluate(coefficients.clone(), &point));
        assert_eq!(form.on_product(&point), dot(&coefficients, &product_table(&point)));
        assert_eq!(form.univariate(4, point[3]), dot(&coefficients, &powers(point[3], 16)));
        let blocks: Vec<Fr> = (0..4).flat_map(|i| form.block(i, 4)).collect();
        assert_eq!(blocks, coefficients);
        assert!(form.fits(16) && !form.fits(32) && !form.fits(15));
    }

    #[test]
    fn addition_is_linear() {
        let mut sum = LinearForm::eq((0..4).map(from_i64).collect());
        let expected: Vec<Fr> =
            sum.to_dense(16).iter().zip(example().to_dense(16)).map(|(a, b)| *a + from_i64(9) * b).collect();
        sum.add_scaled(from_i64(9), &example());
        assert_eq!(sum.to_dense(16), expected);
    }
}
