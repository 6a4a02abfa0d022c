//! From an ONNX file to a program of basic blocks: import, float graph, calibration, quantisation, lowering.

pub mod audit;
mod compile;
pub mod goal;
pub mod graph;
pub mod import;
pub mod inputs;
mod lower;
pub mod ops;
mod port;
pub mod quantise;
mod reference;
pub mod report;

pub use compile::{
    CompileError, Compiled, Earlier, ExplainedNode, Explanation, Like, MAX_ERROR, Misposed, Options, TARGET_KL, Unlike,
    WARN_ERROR, compile, compile_model, explain, extend,
};
pub use goal::Goal;
pub use lower::{LowerError, Problem};
pub use port::{InputError, Port};
pub use reference::{Reference, Unevaluated};
