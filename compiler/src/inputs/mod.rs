//! Samples from files, for calibration, inference and proving.
//!
//! A file holds one or more samples, a sample one tensor per model input:
//! - `.json`: `{"input_data": [..]}`, one flat or nested array per input, in order;
//! - `.npy`: one array, for a model of one input;
//! - `.npz`: one array per input, by the inputs' names, or `arr_0`, `arr_1`, .. in order;
//! - `.pb`: one serialized `TensorProto`, for a model of one input; a folder holds `input_0.pb`, `input_1.pb`, ..., in order, and
//!   where these bear inputs' names, each is the input of its name;
//! - a folder of such files or folders, in the order of their names, in which numbers count as such.
//!
//! A tensor is one sample if it has the input's shape (axes of extent 1 do not matter), and several if it has one more
//! axis in front, if its first axis stands in for an input's first axis of extent 1, or if it is flat and its length a
//! multiple of the input's.

mod error;
mod json;
mod npz;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn};
use zktorch_formats::{FormatError, TensorData, npy, tensor_proto};

pub use error::{SampleError, SampleProblem};
pub use npz::write as to_npz;

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

/// An array as a file or a program gives it. Debug output says nothing of its values, which may be private.
#[derive(Clone, PartialEq)]
pub struct Array {
    /// Extents of its axes.
    pub shape: Vec<usize>,
    /// Row-major entries.
    pub values: Vec<f64>,
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of shape {:?}", self.shape)
    }
}

impl From<TensorData> for Array {
    fn from(data: TensorData) -> Self {
        Self { values: data.values.to_f64(), shape: data.shape }
    }
}

/// Reads all samples of a file; there is at least one.
///
/// # Errors
/// [`SampleError`], which names the file, what was expected and what was found.
pub fn read(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleError> {
    let failed = |error: std::io::Error| SampleError { path: path.to_owned(), problem: error.into() };
    let several = if path.is_dir() { of_folder(path).map_err(failed)? } else { Vec::new() };
    if !several.is_empty() {
        return Ok(several.iter().map(|file| read(file, inputs)).collect::<Result<Vec<_>, _>>()?.concat());
    }
    let tensors = tensors(path, inputs);
    let samples = tensors.and_then(|tensors| samples(tensors, inputs));
    samples.map_err(|problem| SampleError { path: path.to_owned(), problem })
}

/// The arrays of a file, as long as they are: of a text that is shorter than an input.
///
/// # Errors
/// As [`read`], but for lengths.
pub fn read_arrays(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Vec<f64>>, SampleError> {
    let tensors = tensors(path, inputs).map_err(|problem| SampleError { path: path.to_owned(), problem })?;
    Ok(tensors.into_iter().map(|tensor| tensor.values).collect())
}

/// Reads all samples of a file's bytes; there is at least one.
///
/// # Errors
/// What was expected and what was found.
pub fn parse(format: Format, bytes: &[u8], inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleProblem> {
    samples(decode(format, bytes, inputs)?, inputs)
}

/// Whether a file can be read to its end: pipes can, devices cannot.
///
/// # Errors
/// If it is not there, a folder or a device.
pub fn readable(path: &Path) -> std::io::Result<()> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err(std::io::Error::other("it is a folder, a file is needed"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.file_type().is_char_device() || found.file_type().is_block_device() {
            return Err(std::io::Error::other("it is a device, a file is needed"));
        }
    }
    Ok(())
}

fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    readable(path)?;
    std::fs::read(path)
}

fn tensors(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Array>, SampleProblem> {
    if path.is_dir() {
        return folder(path, inputs);
    }
    let format = Format::of(path).ok_or(SampleProblem::UnknownFormat)?;
    decode(format, &contents(path)?, inputs)
}

fn decode(format: Format, bytes: &[u8], inputs: &[InputSpec]) -> Result<Vec<Array>, SampleProblem> {
    match format {
        Format::Json => json::parse(bytes),
        Format::Npy => one("npy", npy::parse(bytes)),
        Format::Npz => npz::parse(bytes, inputs),
        Format::TensorProto => one("TensorProto", tensor_proto::parse(bytes)),
    }
}

fn one(format: &'static str, parsed: Result<TensorData, FormatError>) -> Result<Vec<Array>, SampleProblem> {
    let malformed = |e: FormatError| SampleProblem::Malformed { format, reason: e.to_string() };
    Ok(vec![parsed.map_err(malformed)?.into()])
}

/// The files and folders of samples that a folder holds, by their names, in which numbers count as such; none where it is itself a sample.
fn of_folder(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.join("input_0.pb").exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let sample = |path: &PathBuf| Format::of(path).is_some() || path.join("input_0.pb").exists();
    let mut samples: Vec<PathBuf> = entries.iter().map(DirEntry::path).filter(sample).collect();
    samples.sort_by_cached_key(|path| natural(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(samples)
}

/// A name in parts that sort as people count: `sample_2` before `sample_10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts: Vec<(String, u64)> = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let word = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(word);
        let digits = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let (number, left) = behind.split_at(digits);
        parts.push((text.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = left;
    }
    parts
}

/// `input_0.pb`, `input_1.pb`, .. of a folder.
fn folder(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Array>, SampleProblem> {
    let mut tensors = Vec::with_capacity(inputs.len());
    for index in 0..inputs.len() {
        let name = format!("input_{index}.pb");
        let file = path.join(&name);
        if !file.exists() {
            return Err(SampleProblem::Absent(name));
        }
        let parsed = tensor_proto::parse(&contents(&file)?);
        tensors
            .push(parsed.map_err(|e| SampleProblem::Malformed { format: "TensorProto", reason: format!("{name}: {e}") })?);
    }
    by_name(tensors, inputs)
}

/// Tensors in the inputs' order. One that bears another input's name than that of its place is either that input, or nothing that can be
/// told.
fn by_name(tensors: Vec<TensorData>, inputs: &[InputSpec]) -> Result<Vec<Array>, SampleProblem> {
    let stray =
        |(tensor, own): (&TensorData, &InputSpec)| tensor.name != own.name && inputs.iter().any(|i| i.name == tensor.name);
    if !tensors.iter().zip(inputs).any(stray) {
        return Ok(tensors.into_iter().map(Array::from).collect());
    }
    let order: Option<Vec<usize>> = inputs.iter().map(|i| tensors.iter().position(|t| t.name == i.name)).collect();
    let mut left: Vec<Option<TensorData>> = tensors.into_iter().map(Some).collect();
    let Some(order) = order else {
        let list = |names: Vec<String>| names.join(", ");
        let expected = list(inputs.iter().map(|i| format!("`{}`", i.name)).collect());
        let got = list(left.iter().flatten().map(|t| format!("`{}`", t.name)).collect());
        return Err(SampleProblem::Names { expected, got });
    };
    // Names of inputs differ, so that each tensor is taken once.
    Ok(order.into_iter().filter_map(|n| left[n].take()).map(Array::from).collect())
}

/// The samples that arrays hold, one array an input, in order.
///
/// # Errors
/// What was expected and what was found.
pub fn samples(tensors: Vec<Array>, inputs: &[InputSpec]) -> Result<Vec<Sample>, SampleProblem> {
    if tensors.len() != inputs.len() {
        let names: Vec<String> = inputs.iter().map(|input| format!("`{}`", input.name)).collect();
        return Err(SampleProblem::Count { expected: inputs.len(), names: names.join(", "), got: tensors.len() });
    }
    let mut samples: Vec<Sample> = Vec::new();
    for (index, (tensor, input)) in tensors.iter().zip(inputs).enumerate() {
        if tensor.shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent)) != Some(tensor.values.len()) {
            return Err(shape_problem(tensor, input));
        }
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
fn sample_count(tensor: &Array, input: &InputSpec) -> Result<usize, SampleProblem> {
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

fn shape_problem(tensor: &Array, input: &InputSpec) -> SampleProblem {
    SampleProblem::Shape { input: input.name.clone(), expected: input.shape.clone(), got: tensor.shape.clone() }
}

fn check_finite(values: &[f64], sample: usize, input: &InputSpec) -> Result<(), SampleProblem> {
    // What no float of 32 bits holds is infinite to the model.
    match values.iter().position(|&v| !(v as f32).is_finite()) {
        None => Ok(()),
        Some(position) => Err(SampleProblem::NotFinite { input: input.name.clone(), sample, position }),
    }
}
