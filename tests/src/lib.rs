//! What the tests share: toy programs, a slow reference prover that can be told to lie, and ways to tamper with proofs.

pub mod classifiers;
pub mod cure;
pub mod data;
pub mod enforced;
pub mod fixture;
pub mod follow;
pub mod foretold;
pub mod fraction;
pub mod hostile;
pub mod known;
pub mod leak;
pub mod linear;
pub mod lying;
pub mod machine;
pub mod random_models;
pub mod reference;
pub mod simulator;
pub mod tamper;
pub mod toy;
pub mod weights;
pub mod worked;
