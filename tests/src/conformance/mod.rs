//! What becomes of ONNX's conformance cases as integers: right, refused with a reason, or wrong.

mod fate;
mod table;

pub use fate::{Case, Fate, Proved, judge, prove, setup};
pub use table::{Line, Table};
