//! What a verdict of zktorch says: from the bytes of a key and a proof to data, to JSON and to words.
//!
//! The command line, the Python package and the page in a browser all say what this crate says. Like the verifier it touches no file,
//! environment, thread or clock, and does not panic on any input: who calls it reads files, measures time and keeps what was accepted.
//!
//! [`judge`] does all at once; a [`Case`] goes step by step, for callers that show progress or derive generators.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros
)]

mod answer;
pub mod answered;
mod case;
mod demands;
pub mod describe;
pub mod generators;
mod known;
mod model;
pub mod show;
mod tensor;
pub mod texts;
mod ties;
mod together;
mod undecided;

pub use answer::{Answer, Drawn, Outcome, Shown, Timing};
pub use case::{Case, Files, judge};
pub use demands::{Demands, NamedCommitment, Requirement};
pub use known::{Known, expected, filled};
pub use model::{Checked, Model, Since, check_model};
pub use tensor::{Tensor, claimed, ports};
pub use ties::Bound;
pub use together::{Together, together};
pub use undecided::{File, Undecided, Why, error_json};
