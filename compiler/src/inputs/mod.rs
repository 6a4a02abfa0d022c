//! Samples from files, for calibration, inference and proving.
//!
//! A file holds one or more samples, a sample one tensor per model input:
//! - `.json`: `{"input_data": [..]}`, one flat or nested array per input, in order;
//! - `.npy`: one array, for a model of one input;
//! - `.npz`: one array per input, by the inputs' names or else in order;
//! - `.pb`: one serialized `TensorProto`, for a model of one input; a folder holds `input_0.pb`, `input_1.pb`, ...
//!
//! A tensor is one sample if it has the input's shape (axes of extent 1 do not matter), and several if it has one more
//! axis in front, if its first axis stands in for an input's first axis of extent 1, or if it is flat and its length a
//! multiple of the input's.

mod error;
mod json;
mod npz;
#[cfg(test)]
mod tests;

use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use zktorch_models::{FormatError, TensorData, npy, tensor_proto};

pub use error::{SampleError, SampleProblem};

use crate::graph::Graph;

/// One tensor per model input.
pub type Sample = Vec<ArrayD<f64>>;

/// A model input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl InputSpec {
    /// The inputs of a graph, in order.
    pub fn of(graph: &Graph) -> Vec<Self> {
        let nodes = graph.inputs().iter().map(|&id| graph.node(id));
        nodes.map(|node| Self { name: node.name.clone(), shape: node.shape.clone() }).collect()
    }

    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What a file with samples is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.json`
    Json,
    /// `.npy`
    Npy,
    /// `.npz`
    Npz,
    /// `.pb`
    TensorProto,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::Npy, Self::Npz, Self::TensorProto];

    /// The format that a file's name ends in.
    fn of(path: &Path) -> Option<Self> {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "json" => Some(Self::Json),
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "pb" => Some(Self::TensorProto),
            _ => None,
        }
    }
}

/// A tensor as a file gives it.
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl From<TensorData> for Tensor {
    fn from(data: TensorData) -> Self {
        Self { values: data.values.to_f64(), shape: data.shape }
    }
}

/// Reads all samples of a file; there is at least one.
///
/// # Errors
/// [`SampleError`], which names the file, what was expected and what was found.
pub fn read(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleError> {
    let tensors = tensors(path, inputs);
    let samples = tensors.and_then(|tensors| samples(tensors, inputs));
    samples.map_err(|problem| SampleError { path: path.to_owned(), problem })
}

/// Reads all samples of a file's bytes; there is at least one.
///
/// # Errors
/// What was expected and what was found.
pub fn parse(format: Format, bytes: &[u8], inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleProblem> {
    samples(decode(format, bytes, inputs)?, inputs)
}

fn tensors(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Tensor>, SampleProblem> {
    if path.is_dir() {
        return folder(path, inputs);
    }
    let format = Format::of(path).ok_or(SampleProblem::UnknownFormat)?;
    decode(format, &std::fs::read(path)?, inputs)
}

fn decode(format: Format, bytes: &[u8], inputs: &[InputSpec]) -> Result<Vec<Tensor>, SampleProblem> {
    match format {
        Format::Json => json::parse(bytes),
        Format::Npy => one("npy", npy::parse(bytes)),
        Format::Npz => npz::parse(bytes, inputs),
        Format::TensorProto => one("TensorProto", tensor_proto::parse(bytes)),
    }
}

fn one(format: &'static str, parsed: Result<TensorData, FormatError>) -> Result<Vec<Tensor>, SampleProblem> {
    let malformed = |e: FormatError| SampleProblem::Malformed { format, reason: e.to_string() };
    Ok(vec![parsed.map_err(malformed)?.into()])
}

/// `input_0.pb`, `input_1.pb`, .. of a folder.
fn folder(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Tensor>, SampleProblem> {
    let mut tensors = Vec::with_capacity(inputs.len());
    for index in 0..inputs.len() {
        let bytes = std::fs::read(path.join(format!("input_{index}.pb")))?;
        tensors.extend(one("TensorProto", tensor_proto::parse(&bytes))?);
    }
    Ok(tensors)
}

fn samples(tensors: Vec<Tensor>, inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleProblem> {
    if tensors.len() != inputs.len() {
        let names: Vec<String> = inputs.iter().map(|input| format!("`{}`", input.name)).collect();
        return Err(SampleProblem::Count { expected: inputs.len(), names: names.join(", "), got: tensors.len() });
    }
    let mut samples: Vec<Sample> = Vec::new();
    for (index, (tensor, input)) in tensors.iter().zip(inputs).enumerate() {
        let count = sample_count(tensor, input)?;
        if index == 0 {
            samples = vec![Vec::with_capacity(inputs.len()); count];
        }
        if count != samples.len() {
            let (first, expected) = (inputs[0].name.clone(), samples.len());
            return Err(SampleProblem::SampleCount { first, expected, input: input.name.clone(), got: count });
        }
        for (number, (values, sample)) in tensor.values.chunks(input.len().max(1)).zip(&mut samples).enumerate() {
            check_finite(values, number, input)?;
            let array = ArrayD::from_shape_vec(IxDyn(&input.shape), values.to_vec());
            sample.push(array.map_err(|_| shape_problem(tensor, input))?);
        }
    }
    Ok(samples)
}

/// How many samples of the input the tensor holds.
fn sample_count(tensor: &Tensor, input: &InputSpec) -> Result<usize, SampleProblem> {
    let dense = |shape: &[usize]| shape.iter().copied().filter(|&e| e != 1).collect::<Vec<_>>();
    let (got, expected) = (tensor.shape.as_slice(), input.shape.as_slice());
    if dense(got) == dense(expected) {
        return Ok(1);
    }
    if let [count, rest @ ..] = got
        && *count > 0
        && dense(rest) == dense(expected)
    {
        return Ok(*count);
    }
    if got.len() > 1 {
        return Err(shape_problem(tensor, input));
    }
    match tensor.values.len().checked_div(input.len()) {
        Some(count) if count > 0 && tensor.values.len().is_multiple_of(input.len()) => Ok(count),
        _ => Err(SampleProblem::Length {
            input: input.name.clone(),
            expected: input.len(),
            shape: input.shape.clone(),
            got: tensor.values.len(),
        }),
    }
}

fn shape_problem(tensor: &Tensor, input: &InputSpec) -> SampleProblem {
    SampleProblem::Shape { input: input.name.clone(), expected: input.shape.clone(), got: tensor.shape.clone() }
}

fn check_finite(values: &[f64], sample: usize, input: &InputSpec) -> Result<(), SampleProblem> {
    // What no float of 32 bits holds is infinite to the model.
    match values.iter().position(|&v| !(v as f32).is_finite()) {
        None => Ok(()),
        Some(position) => {
            let value = values[position];
            Err(SampleProblem::NotFinite { input: input.name.clone(), sample, position, value })
        }
    }
}
