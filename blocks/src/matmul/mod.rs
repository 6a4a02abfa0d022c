//! The matmul block: any two-operand einsum.
//!
//! `out~(p) = sum_{b,k} eq(p_b, b) lhs~(b, p_m, k) rhs~(b, k, p_n)` over batch labels `b` and contracted labels `k`, one
//! sumcheck (Thaler, CRYPTO 2013). See `README.md` beside this file.

use crate::field::{Fr, eq};
use crate::program::{Einsum, Shape, index_bits};
use crate::sumcheck::Degree;

/// How an einsum's claim at a point becomes claims on its operands.
#[derive(Clone, Debug)]
pub struct Contraction {
    /// Extents of the batch labels, in output order, then of the contracted ones, in the order of the left operand.
    pub variables: Vec<Variable>,
    /// Coordinates of the claim on the batch labels, concatenated.
    pub batch_point: Vec<Fr>,
    /// Where each axis of the left operand takes its coordinates from.
    pub lhs: Vec<Coordinates>,
    /// The same for the right operand.
    pub rhs: Vec<Coordinates>,
}

/// A label that the sumcheck ranges over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The label.
    pub label: u8,
    /// Its extent.
    pub extent: usize,
    /// Its bits.
    pub bits: usize,
}

/// Coordinates of an operand's axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coordinates {
    /// Those of the claim: a free label.
    Fixed(Vec<Fr>),
    /// Those of the sumcheck's variable of this index.
    Variable(usize),
}

impl Contraction {
    /// Reduces a claim on the output at `point`.
    pub fn new(einsum: &Einsum, out: &Shape, lhs: &Shape, point: &[Fr]) -> Self {
        let outer: Vec<(u8, &[Fr])> = einsum.out_labels.iter().copied().zip(out.split(point)).collect();
        let in_both = |label: u8| einsum.lhs_labels.contains(&label) && einsum.rhs_labels.contains(&label);
        let variable = |label: u8, extent: usize| Variable { label, extent, bits: index_bits(extent) };
        let batch = einsum.out_labels.iter().zip(out.dims()).filter(|&(&l, _)| in_both(l)).map(|(&l, &d)| variable(l, d));
        let contracted = einsum
            .lhs_labels
            .iter()
            .zip(lhs.dims())
            .filter(|&(&l, _)| in_both(l) && !einsum.out_labels.contains(&l))
            .map(|(&l, &d)| variable(l, d));
        let variables: Vec<Variable> = batch.chain(contracted).collect();
        let batch_point = outer.iter().filter(|(l, _)| in_both(*l)).flat_map(|(_, p)| p.iter().copied()).collect();
        let coordinates = |labels: &[u8]| -> Vec<Coordinates> {
            labels
                .iter()
                .map(|label| match variables.iter().position(|v| v.label == *label) {
                    Some(index) => Coordinates::Variable(index),
                    None => Coordinates::Fixed(
                        outer.iter().find(|(l, _)| l == label).map(|(_, p)| p.to_vec()).unwrap_or_default(),
                    ),
                })
                .collect()
        };
        let (lhs, rhs) = (coordinates(&einsum.lhs_labels), coordinates(&einsum.rhs_labels));
        Self { variables, batch_point, lhs, rhs }
    }

    /// Number of the sumcheck's variables, in bits.
    pub fn bits(&self) -> usize {
        self.variables.iter().map(|v| v.bits).sum()
    }

    /// Three factors if there are batch labels, for their eq polynomial is one.
    pub fn degree(&self) -> Degree {
        if self.batch_point.is_empty() { Degree::Two } else { Degree::Three }
    }

    /// The eq factor of the batch labels at the challenges.
    pub fn batch_factor(&self, challenges: &[Fr]) -> Fr {
        eq(&self.batch_point, challenges)
    }

    /// The point of an operand once the variables are bound to `challenges`.
    pub fn operand_point(&self, operand: &[Coordinates], challenges: &[Fr]) -> Vec<Fr> {
        let mut offsets = Vec::with_capacity(self.variables.len());
        let mut at = 0;
        for variable in &self.variables {
            offsets.push(at..at + variable.bits);
            at += variable.bits;
        }
        operand
            .iter()
            .flat_map(|c| match c {
                Coordinates::Fixed(p) => p.clone(),
                Coordinates::Variable(i) => {
                    offsets.get(*i).and_then(|range| challenges.get(range.clone())).unwrap_or_default().to_vec()
                }
            })
            .collect()
    }
}
