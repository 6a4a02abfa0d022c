//! The prover's passes over integer tensors: evaluations, and the tables of the waves.
//!
//! Everything starts as one pass of small integers against field elements with lazy reduction ([`wide`]); full-size
//! multiplications begin on what that pass leaves.

mod contract;
mod evaluator;
mod operand;
pub mod wide;

pub use contract::{Axis, contract};
pub use evaluator::{Values, WaveEvaluator};
