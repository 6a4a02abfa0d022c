//! From an ONNX file to a program of basic blocks: import, float graph, calibration, quantisation, lowering.

pub mod audit;
mod compile;
pub mod graph;
pub mod import;
pub mod inputs;
mod lower;
pub mod quantise;
pub mod report;

pub use compile::{CompileError, Compiled, InputError, Options, Port, compile};
pub use lower::{LowerError, Problem};
