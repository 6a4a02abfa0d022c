//! What can be wrong with a file of samples.

use std::path::PathBuf;

use thiserror::Error;

/// A file of samples that cannot be used: the file, what was expected, what was found.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct SampleError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: SampleProblem,
}

/// What is wrong with a file of samples. No variant has a value of the file, which may be a private input.
#[derive(Debug, Error)]
pub enum SampleProblem {
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Read(#[from] std::io::Error),
    /// The name's extension is not of a known format.
    #[error("expected a .json, .npy, .npz or .pb file, or a folder of input_0.pb, input_1.pb, ..")]
    UnknownFormat,
    /// The contents break the file's format.
    #[error("not valid {format}: {reason}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// The file has too few or too many tensors.
    #[error("the model has {expected} inputs ({names}), the file has {got} tensors")]
    Count {
        /// Inputs of the model.
        expected: usize,
        /// The inputs' names.
        names: String,
        /// Tensors in the file.
        got: usize,
    },
    /// An archive's arrays, or a folder's tensors, are not named as the inputs.
    #[error("the model's inputs are {expected}, the arrays are named {got}: give each array the name of its input")]
    Names {
        /// The inputs' names.
        expected: String,
        /// The arrays' names.
        got: String,
    },
    /// A folder without the first tensor.
    #[error("the folder has no {0}: expected input_0.pb, input_1.pb, .., one serialized TensorProto an input")]
    Absent(String),
    /// A tensor's shape is not the input's.
    #[error("input `{input}` expects shape {expected:?} or several of these, got {got:?}")]
    Shape {
        /// The input.
        input: String,
        /// Its shape.
        expected: Vec<usize>,
        /// The tensor's shape.
        got: Vec<usize>,
    },
    /// A flat array's length is no multiple of the input's.
    #[error("input `{input}` expects {expected} values (shape {shape:?}) or a multiple, got {got}")]
    Length {
        /// The input.
        input: String,
        /// The number of its entries.
        expected: usize,
        /// Its shape.
        shape: Vec<usize>,
        /// Values given.
        got: usize,
    },
    /// A value is NaN or infinite.
    #[error(
        "input `{input}`: the value at position {position} of sample {sample} is not finite (NaN, infinite, or beyond 32-bit floats)"
    )]
    NotFinite {
        /// The input.
        input: String,
        /// Which sample, from 0.
        sample: usize,
        /// Row-major position in the sample, from 0.
        position: usize,
    },
    /// Inputs have different numbers of samples.
    #[error("input `{first}` has {expected} samples, input `{input}` has {got}")]
    SampleCount {
        /// The first input.
        first: String,
        /// Its number of samples.
        expected: usize,
        /// Another input.
        input: String,
        /// Its number of samples.
        got: usize,
    },
}
