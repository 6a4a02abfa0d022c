//! The accumulator of zktorch: commitments to matrices of small integers, the fold of all claims on them into one, the
//! mask that makes it zero-knowledge, the closing of the hidden scalars, and the deciders.

pub mod clear;
pub mod close;
pub mod decider;
pub mod fold;
pub mod form;
#[cfg(feature = "prover")]
pub mod kernel;
pub mod layout;
pub mod mask;
pub mod msm;
pub mod product;
pub mod setup;
