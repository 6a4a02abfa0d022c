//! Shapes, and the padded index space behind them.

use crate::field::{Fr, eq_table, from_i64, less_than};
use ark_ff::{AdditiveGroup, Field};
use serde::{Deserialize, Serialize};

/// Extents of a tensor's axes. Each axis is padded to a power of two; the index of an entry is the concatenation of
/// the axes' index bits, first axis most significant (docs/protocol.md, section 2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Shape(pub Vec<usize>);

/// Number of bits that index `count` entries: those of an axis of that extent, the variables of a sum over so many.
pub fn index_bits(count: usize) -> usize {
    count.next_power_of_two().trailing_zeros() as usize
}

impl Shape {
    /// MLE of the indicator of the valid box.
    pub fn valid(&self, mut point: &[Fr]) -> Fr {
        let mut product = Fr::ONE;
        for &extent in &self.0 {
            let bits = index_bits(extent);
            let (axis, rest) = point.split_at(bits.min(point.len()));
            product *= less_than(extent, axis);
            point = rest;
        }
        product
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Extents of the axes.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Bits of each axis.
    pub fn axis_bits(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().map(|&d| index_bits(d))
    }

    /// Bits of the whole index: the number of variables of the multilinear extension.
    pub fn bits(&self) -> usize {
        self.axis_bits().sum()
    }

    /// Number of valid entries.
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }

    /// Whether an axis is empty. Programs refuse such tensors.
    pub fn is_empty(&self) -> bool {
        self.0.contains(&0)
    }

    /// Number of entries once padded, `2^bits`.
    pub fn padded_len(&self) -> usize {
        1 << self.bits()
    }

    /// Whether padding adds nothing, so that row-major and padded order are the same.
    pub fn is_dense(&self) -> bool {
        self.len() == self.padded_len()
    }

    /// Whether padded order agrees with row-major order on all valid entries: only the first axis with more than one
    /// entry may be ragged.
    pub fn is_row_major(&self) -> bool {
        self.0.iter().filter(|&&d| d > 1).skip(1).all(|d| d.is_power_of_two())
    }

    /// The padded index of every valid entry, in row-major order.
    pub fn padded_indices(&self) -> Vec<usize> {
        let mut indices = vec![0];
        for &extent in &self.0 {
            let bits = index_bits(extent);
            indices = indices.into_iter().flat_map(|i| (0..extent).map(move |j| (i << bits) | j)).collect();
        }
        indices
    }

    /// The MLE at a point of values on the valid box, row-major. Axis by axis from the last, so that padding costs nothing; absent
    /// values are zero.
    pub fn evaluate(&self, values: &[i64], point: &[Fr]) -> Fr {
        self.evaluate_by(values, point, |v, weight| if v == 0 { Fr::ZERO } else { weight * from_i64(v) })
    }

    /// The same of what values stand for: `weighted` gives that of one, times a weight.
    pub(super) fn evaluate_by(&self, values: &[i64], point: &[Fr], weighted: impl Fn(i64, Fr) -> Fr) -> Fr {
        let axes = self.0.iter().copied().zip(self.split(point));
        let mut axes: Vec<(usize, &[Fr])> = axes.filter(|&(extent, _)| extent > 1).collect();
        let Some((extent, axis)) = axes.pop().filter(|_| !values.is_empty()) else {
            return values.first().map_or(Fr::ZERO, |&v| weighted(v, Fr::ONE));
        };
        let weights = eq_table(axis);
        let row = |row: &[i64]| row.iter().zip(&weights).map(|(&v, &w)| weighted(v, w)).sum();
        let mut sums: Vec<Fr> = values.chunks(extent).map(row).collect();
        while let Some((extent, axis)) = axes.pop() {
            let weights = eq_table(axis);
            sums = sums.chunks(extent).map(|row| row.iter().zip(&weights).map(|(s, w)| *s * w).sum()).collect();
        }
        sums.first().copied().unwrap_or(Fr::ZERO)
    }

    /// Splits a point of [`Shape::bits`] coordinates into those of each axis.
    pub fn split<'p, T>(&self, mut point: &'p [T]) -> Vec<&'p [T]> {
        self.axis_bits()
            .map(|bits| {
                let (axis, rest) = point.split_at(bits.min(point.len()));
                point = rest;
                axis
            })
            .collect()
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Self(dims)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self(dims.to_vec())
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dims: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        if dims.is_empty() { f.write_str("scalar") } else { f.write_str(&dims.join("x")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluation_is_that_of_the_padded_tensor() {
        for dims in [vec![], vec![1], vec![5], vec![2, 3], vec![3, 1, 4, 5]] {
            let shape = Shape(dims);
            let values: Vec<i64> = (0..shape.len() as i64).map(|i| (i * i - 7) % 11).collect();
            let point: Vec<Fr> = (0..shape.bits() as i64).map(|j| from_i64(3 * j * j - 5)).collect();
            let table = eq_table(&point);
            let expected: Fr = shape.padded_indices().iter().zip(&values).map(|(&i, &v)| table[i] * from_i64(v)).sum();
            assert_eq!(shape.evaluate(&values, &point), expected, "{shape}");
            assert_eq!(shape.evaluate(&[], &point), Fr::ZERO, "{shape}");
        }
    }
}
