//! zktorch's basic blocks: the integer program, and the protocols that prove it.

pub mod add;
#[cfg(feature = "prover")]
pub mod execute;
pub mod field;
#[cfg(feature = "prover")]
pub mod kernel;
pub mod lookup;
pub mod matmul;
pub mod permute;
pub mod program;
pub mod sumcheck;
pub mod transcript;
pub mod waves;
pub mod work;
