//! Shapes, and the padded index space behind them.

use serde::{Deserialize, Serialize};

/// Extents of a tensor's axes. Each axis is padded to a power of two; the index of an entry is the concatenation of
/// the axes' index bits, first axis most significant (PROTOCOL section 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Shape(pub Vec<usize>);

/// Number of bits that index an axis of `extent` entries.
pub fn axis_bits(extent: usize) -> usize {
    extent.next_power_of_two().trailing_zeros() as usize
}

impl Shape {
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
        self.0.iter().map(|&d| axis_bits(d))
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
            let bits = axis_bits(extent);
            indices = indices.into_iter().flat_map(|i| (0..extent).map(move |j| (i << bits) | j)).collect();
        }
        indices
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
