//! The prover's fraction tree.
//!
//! Its messages are those of `plain.rs`, scalar for scalar. On processors that have the instructions large trees are worked on eight rows at a
//! time ([`lanes`](crate::lanes)), and their lowest layers are never stored: leaves are made from integers where they are read.

#[cfg(target_arch = "x86_64")]
mod integers;
#[cfg(target_arch = "x86_64")]
mod layers;
#[cfg(target_arch = "x86_64")]
mod leaves;
#[cfg(target_arch = "x86_64")]
mod made;
#[cfg(target_arch = "x86_64")]
mod pass;
mod places;
mod plain;
#[cfg(target_arch = "x86_64")]
mod rounds;
#[cfg(target_arch = "x86_64")]
mod row;
#[cfg(target_arch = "x86_64")]
mod source;
#[cfg(test)]
mod tests;

use super::{Fingerprint, Leaves, TreeProver};
use crate::field::Fr;
use crate::kernel::Values;
use crate::program::Program;
use crate::sumcheck::Rounds;

/// Bits of a tree from which on lanes are worth their tables.
#[cfg(target_arch = "x86_64")]
const LARGE: usize = 13;

/// The tree, and the sumcheck of one of its layers.
pub struct Tree(Box<dyn TreeProver + Send>);

impl Tree {
    /// Builds the tree over the leaves.
    pub fn new(leaves: &Leaves, program: &Program, values: &dyn Values, fingerprint: &Fingerprint) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = crate::lanes::simd().filter(|_| leaves.bits >= LARGE) {
            return Self(Box::new(layers::Tree::new(simd, leaves, program, values, fingerprint)));
        }
        Self::one_by_one(leaves, program, values, fingerprint)
    }

    /// The same without lanes: for comparison.
    pub fn one_by_one(leaves: &Leaves, program: &Program, values: &dyn Values, fingerprint: &Fingerprint) -> Self {
        Self(Box::new(plain::Tree::new(leaves, program, values, fingerprint)))
    }
}

impl TreeProver for Tree {
    fn layer(&self, k: usize) -> (Vec<Fr>, Vec<Fr>) {
        self.0.layer(k)
    }

    fn start(&mut self, k: usize, point: &[Fr], lambda: Fr) {
        self.0.start(k, point, lambda);
    }

    fn rounds(&mut self) -> &mut dyn Rounds {
        self.0.rounds()
    }

    fn children(&self) -> (Vec<Fr>, Vec<Fr>) {
        self.0.children()
    }
}
