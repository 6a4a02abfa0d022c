//! zktorch's basic blocks: the integer program, and the protocols that prove it.
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

pub mod claim_reduction;
pub mod claims;
pub mod digest;
#[cfg(feature = "prover")]
pub mod execute;
pub mod field;
pub mod goal;
#[cfg(feature = "prover")]
pub mod integers;
#[cfg(feature = "prover")]
pub mod kernel;
#[cfg(all(feature = "prover", target_arch = "x86_64"))]
pub mod lanes;
pub mod lookup;
pub mod matmul;
pub mod permute;
pub mod port;
pub mod program;
pub mod roots;
pub mod sumcheck;
pub mod transcript;
pub mod work;
