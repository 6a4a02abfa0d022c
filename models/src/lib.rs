//! Models and data for examples, tests and benchmarks.
//!
//! - [`bundled`]: two small trained digit classifiers, embedded in the crate;
//! - [`zoo`]: a folder of third-party models outside the repository, found by `ZKTORCH_ZOO`;
//! - [`data`]: labelled test sets of that folder, and how its classifiers want their pixels;
//! - [`tensor_proto`] and [`npy`]: tensors from files, for calibration and for inputs.
//!
//! Every reader takes files as they come: a damaged one is an [`Error`], never a panic, and no length in a file
//! decides an allocation before the bytes behind it are seen.

pub mod bundled;
pub mod data;
mod error;
pub mod npy;
mod tensor;
pub mod tensor_proto;
pub mod zoo;

pub use error::{Error, FormatError};
pub use tensor::{ElementType, TensorData, Values};
