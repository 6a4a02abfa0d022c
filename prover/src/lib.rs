//! The prover of zktorch: keys from a compiled program, and proofs from keys and inputs.

pub mod binding;
mod error;
pub mod key;
pub mod mask;
mod model;
mod multiplicities;
mod prove;
mod randomness;
pub mod secrets;
pub mod session;

pub use error::ProveError;
pub use key::{KeygenError, ProvingKey, keygen, keygen_alike};
pub use model::prove_model;
pub use multiplicities::Miss;
pub use prove::{Proved, Prover};
pub use randomness::{Entropy, Randomness};
pub use session::{Blinders, StageTime, Witness};
