//! Marks: zeros and ones that follow from indices that everybody knows.

use super::{Shape, TensorId};
use crate::field::{Fr, less_than};
use ark_ff::{AdditiveGroup, Field};
use serde::{Deserialize, Serialize};

/// `out[i.., j] = 1` where `j` stands in the relation to `indices[i..]`, else 0: the entries of one-hot vectors, the keys that a causal mask
/// keeps. The indices are public or constant, so that the verifier evaluates the tensor by itself, in time linear in the indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The indices. One beyond the last axis, or a negative one, is a bound like any other, and equal to no `j`.
    pub indices: TensorId,
    /// Which `j` are marked.
    pub relation: Relation,
}

/// How a place on the last axis relates to an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// `j < index`.
    Below,
    /// `j = index`.
    Equal,
}

impl Relation {
    /// The entry at place `j`.
    pub fn holds(self, j: usize, index: i64) -> bool {
        let j = i64::try_from(j).unwrap_or(i64::MAX);
        match self {
            Self::Below => j < index,
            Self::Equal => j == index,
        }
    }

    /// The MLE of an axis of `extent` places for one index: `sum over j < extent of eq(point, j) [j relates to the index]`.
    fn evaluate(self, extent: usize, index: i64, point: &[Fr]) -> Fr {
        match (self, usize::try_from(index)) {
            (Self::Below, Ok(index)) => less_than(index.min(extent), point),
            (Self::Equal, Ok(index)) if index < extent => {
                let bit = |(k, p): (usize, &Fr)| if index >> k & 1 == 1 { *p } else { Fr::ONE - p };
                point.iter().rev().enumerate().map(bit).product()
            }
            (Self::Below | Self::Equal, _) => Fr::ZERO,
        }
    }
}

impl Marks {
    /// The entries of the tensor, of the given shape, row-major.
    pub fn entries(&self, shape: &Shape, indices: &[i64]) -> Vec<i64> {
        let extent = shape.dims().last().copied().unwrap_or(1);
        indices.iter().flat_map(|&index| (0..extent).map(move |j| i64::from(self.relation.holds(j, index)))).collect()
    }

    /// The MLE of the tensor, of the given shape, at a point; zero without indices.
    pub fn evaluate(&self, shape: &Shape, indices: &[i64], point: &[Fr]) -> Fr {
        let Some((&extent, outer)) = shape.dims().split_last() else { return Fr::ZERO };
        let outer = Shape(outer.to_vec());
        let (outer_point, last) = point.split_at(outer.bits().min(point.len()));
        outer.evaluate_by(indices, outer_point, |index, weight| weight * self.relation.evaluate(extent, index, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::from_i64;

    #[test]
    fn the_closed_form_is_the_evaluation_of_the_entries() {
        for (dims, extent) in [(vec![3], 5), (vec![2, 3], 4), (vec![], 6), (vec![5], 1)] {
            let outer = Shape(dims.clone());
            let shape = Shape([dims, vec![extent]].concat());
            // Every bound there is, and what lies beyond the axis: within its padding, behind it, and below zero.
            for first in -2..10 {
                let indices: Vec<i64> = (0..outer.len() as i64).map(|i| (first + 3 * i) % 11 - 1).collect();
                let point: Vec<Fr> = (0..shape.bits() as i64).map(|k| from_i64(5 * k * k - 3)).collect();
                for relation in [Relation::Below, Relation::Equal] {
                    let marks = Marks { indices: TensorId(0), relation };
                    let expected = shape.evaluate(&marks.entries(&shape, &indices), &point);
                    assert_eq!(marks.evaluate(&shape, &indices, &point), expected, "{relation:?} {indices:?} {shape}");
                }
            }
        }
    }
}
