//! Models and data for examples, tests and benchmarks.
//!
//! - [`bundled`]: two small trained digit classifiers, embedded in the crate;
//! - [`zoo`]: a folder of third-party models outside the repository, found by `ZKTORCH_ZOO`;
//! - [`node_cases`]: ONNX's own conformance cases for single operators;
//! - [`data`]: labelled test sets of that folder, and how its classifiers want their pixels.
//!
//! Every reader takes files as they come: a damaged one is an [`Error`], never a panic.

mod archive;
pub mod bundled;
pub mod data;
mod error;
pub mod node_cases;
pub mod zoo;

pub use error::Error;
