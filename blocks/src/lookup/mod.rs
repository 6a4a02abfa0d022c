//! The lookup block: at every valid position a tuple of tensors is a row of a table.
//!
//! LogUp (Haböck, ePrint 2022/1530) in its GKR form (Papini and Haböck, ePrint 2023/1284): one fraction tree holds
//! every lookup and every table of the program, and its root is zero as a fraction. See `README.md` beside this file.

#[cfg(feature = "prover")]
pub mod kernel;
mod leaves;
mod tree;

pub use leaves::{Block, BlockKind, Fingerprint, LeafValues, Leaves, tag};
pub use tree::{LeafClaim, TAIL, TOP_LAYERS, TreeProver, prove_tree};
