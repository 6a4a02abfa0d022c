//! Random ONNX models, and a judge of what the compiler makes of them.
//!
//! A model is a function of its seed alone: operators that the compiler knows, in unusual shapes, sizes and orders, with clips where
//! nobody expects them. [`judge()`] compares the integers with tract's run of the very same bytes, which knows nothing of our passes, and
//! holds them to the errors that the report states.

mod binary;
mod clips;
mod files;
mod groups;
mod grower;
pub mod judge;
mod linear;
mod norm;
mod plan;
mod pool;
mod random;
mod recurrent;
mod reduce;
pub mod reference;
mod samples;
mod table;
mod unary;
mod views;
mod writer;

pub use files::write;
pub use judge::{Outcome, judge};
pub use plan::{RandomModel, chain, model, sequence};
pub use samples::Feed;
pub use table::Table;
