//! The verifier for browsers and Node: what a key and a proof show, as the JSON that the command line prints.
//!
//! It goes step by step, so that who calls it can say what it is about, and measure: there is no clock here. Errors are JSON as well, as the
//! command line prints them where nothing is decided.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]

mod inspect;
mod verification;

pub use inspect::inspect;
pub use verification::Verification;
