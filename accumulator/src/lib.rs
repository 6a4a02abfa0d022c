//! The accumulator of zktorch: commitments to matrices of small integers, the fold of all claims on them into one, the
//! mask that makes it zero-knowledge, the closing of the hidden scalars, and the deciders.
//!
//! Without the feature `prover` it is a part of the verifier: it touches no file, environment or thread (`clippy.toml`), and does not panic.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod clear;
pub mod close;
pub mod decider;
pub mod fold;
pub mod form;
#[cfg(feature = "prover")]
pub mod kernel;
pub mod layout;
pub mod mask;
pub mod merge;
pub mod msm;
pub mod product;
#[cfg(feature = "prover")]
pub mod rows;
pub mod setup;
