//! The prover's vectors in the accumulator.
//!
//! Its messages are those of `plain.rs`, scalar for scalar. On processors that have the instructions, eight columns are worked on at a time
//! ([`lanes`](zktorch_blocks::lanes)).

#[cfg(target_arch = "x86_64")]
mod lanes;
mod plain;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod tile;

use crate::fold::FoldProver;
use crate::merge::Leaf;
use crate::rows::Row;
use zktorch_blocks::field::Fr;
use zktorch_blocks::sumcheck::Rounds;

/// Folds combinations of integer rows. Leaves are made tile by tile where they are read, twice: all of them together would be the largest thing in
/// memory where rows are long.
pub struct RowFold<'a>(Box<dyn FoldProver + Send + 'a>);

impl<'a> RowFold<'a> {
    /// `rows` are those of all phases.
    pub fn new(columns: usize, rows: &'a [Row]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = zktorch_blocks::lanes::simd().filter(|_| columns >= zktorch_blocks::lanes::WIDTH) {
            return Self(Box::new(lanes::RowFold::new(simd, columns, rows)));
        }
        Self::one_by_one(columns, rows)
    }

    /// The same without lanes: for comparison.
    pub fn one_by_one(columns: usize, rows: &'a [Row]) -> Self {
        Self(Box::new(plain::RowFold::new(columns, rows)))
    }
}

impl Rounds for RowFold<'_> {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        self.0.message(b)
    }

    fn bind(&mut self, challenges: &[Fr]) {
        self.0.bind(challenges);
    }
}

impl FoldProver for RowFold<'_> {
    fn start(&mut self, leaves: Vec<Leaf>) {
        self.0.start(leaves);
    }

    fn vector(&self) -> Vec<Fr> {
        self.0.vector()
    }

    fn form(&self) -> Vec<Fr> {
        self.0.form()
    }
}
