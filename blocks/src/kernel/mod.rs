//! The prover's passes over integer tensors: evaluations, and the tables of the waves.
//!
//! Everything starts as one pass of small integers against field elements with lazy reduction ([`wide`]); full-size
//! multiplications begin on what that pass leaves.

mod contract;
#[cfg(target_arch = "x86_64")]
mod eight;
mod evaluator;
mod operand;
pub mod wide;

pub use contract::{Axis, contract, contract_one_by_one};
pub use evaluator::WaveEvaluator;

use crate::claims::Polynomial;
use crate::integers::Integers;
use std::sync::Arc;

/// The integers behind every polynomial.
pub trait Values: Sync {
    /// Row-major values on the valid box of a tensor, or of a table's multiplicities (one for each padded row).
    fn integers(&self, polynomial: Polynomial) -> Integers;

    /// The same in 64 bits.
    fn values(&self, polynomial: Polynomial) -> Arc<[i64]> {
        self.integers(polynomial).to_vec().into()
    }
}
