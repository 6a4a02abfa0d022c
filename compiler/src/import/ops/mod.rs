//! Translations of operators, by family.

pub(super) mod elementwise;
pub(super) mod linear;
pub(super) mod pool;
pub(super) mod reduce;
pub(super) mod views;
