//! What the tests share: toy programs, a slow reference prover that can be told to lie, and ways to tamper with proofs.

pub mod classifiers;
pub mod conformance;
pub mod derive_virtual;
pub mod enforced;
pub mod field_witness;
pub mod fixture;
pub mod foretold;
pub mod hostile;
pub mod known_challenges;
pub mod language_model;
pub mod last_message_repair;
pub mod leak;
pub mod linear;
pub mod lying;
pub mod machine;
pub mod random_models;
pub mod reference;
pub mod reference_lookup;
pub mod repository;
pub mod simulator;
pub mod tamper;
pub mod toy;
pub mod weights;
pub mod worked;
