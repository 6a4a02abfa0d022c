//! From an ONNX file to a program of basic blocks: import, float graph, calibration, quantisation, lowering.

pub mod audit;
mod compile;
pub mod graph;
pub mod import;
pub mod inputs;
mod lower;
pub mod ops;
pub mod quantise;
mod reference;
pub mod report;

pub use compile::{
    CompileError, Compiled, Earlier, ExplainedNode, Explanation, Like, MAX_ERROR, Misposed, Options, TARGET_KL, Unlike,
    WARN_ERROR, compile, compile_model, compile_model_watched, explain, extend,
};
pub use lower::{LowerError, Problem};
pub use reference::{Reference, Unevaluated};
pub use zktorch_blocks::goal::{self, Goal};
pub use zktorch_blocks::port::{InputError, Port};
