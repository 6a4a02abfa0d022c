//! zktorch's basic blocks: the integer program, and the protocols that prove it.

pub mod add;
#[cfg(feature = "prover")]
pub mod execute;
pub mod field;
#[cfg(feature = "prover")]
pub mod kernel;
#[cfg(all(feature = "prover", target_arch = "x86_64"))]
pub mod lanes;
pub mod lookup;
pub mod matmul;
pub mod permute;
pub mod program;
pub mod sumcheck;
pub mod transcript;
pub mod waves;
pub mod work;
