//! Tensors from files that users give: calibration samples and inputs.
//!
//! - [`npy`]: NumPy's arrays;
//! - [`tensor_proto`]: ONNX's `TensorProto` messages.
//!
//! A damaged file is a [`FormatError`], never a panic, and no length in a file decides an allocation before the bytes behind it are
//! seen. What inputs a model has, and archives and lists of arrays that are named by them, are the compiler's (`compiler/src/inputs`).

mod error;
pub mod npy;
mod tensor;
pub mod tensor_proto;

pub use error::FormatError;
pub use tensor::{ElementType, TensorData, Values};
