//! The argument of zktorch, run by both sides, and its verifier.
//!
//! This crate depends on no compiler, prover, thread pool, file or environment, and must not panic on any input: what it reads
//! is bounded before use, and lengths come from the program.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::unreachable,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

pub mod argument;
pub mod codec;
pub mod commitment;
pub mod key;
pub mod model;
pub mod proof;
pub mod seed;
pub mod size;
pub mod soundness;
pub mod statement;
pub mod verify;

pub use verify::{REVISION, Unverifiable, Verdict, verify, verify_drawn};
