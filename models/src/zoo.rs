//! The zoo: third-party models and data in a folder outside the repository.
//!
//! The folder is `$ZKTORCH_ZOO`, by default `shared` beside the workspace. A test that needs it begins with
//! [`Zoo::locate_or_skip`].

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;
use crate::error::read;
use zktorch_formats::{TensorData, tensor_proto};

/// The environment variable that names the zoo's folder.
pub const VARIABLE: &str = "ZKTORCH_ZOO";

/// A zoo that exists.
#[derive(Clone, Debug)]
pub struct Zoo {
    root: PathBuf,
}

impl Zoo {
    /// The zoo of the environment, or the default one; `None` where that folder has no `models`.
    pub fn locate() -> Option<Self> {
        Self::at(wanted_root())
    }

    /// The zoo in a folder; `None` where it has no `models`.
    pub fn at(root: impl Into<PathBuf>) -> Option<Self> {
        let root = root.into();
        root.join("models").is_dir().then_some(Self { root })
    }

    /// As [`Zoo::locate`]; where there is none, says on the terminal that the test is skipped.
    pub fn locate_or_skip(test: &str) -> Option<Self> {
        let zoo = Self::locate();
        if zoo.is_none() {
            // Written to the stream itself: the test harness would hide `eprintln!` of a passing test.
            let root = wanted_root();
            let _ = writeln!(std::io::stderr(), "\n*** SKIPPED {test}: no model zoo in {} (set {VARIABLE})", root.display());
        }
        zoo
    }

    /// The zoo's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder of labelled data.
    pub fn data(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }

    /// Every model, by name.
    pub fn models(&self) -> Result<Vec<ZooModel>, Error> {
        let folder = self.root.join("models");
        let unreadable = |source| Error::Io { path: folder.clone(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.path().join("model.onnx").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        names.iter().map(|name| self.model(name)).collect()
    }

    /// One model.
    pub fn model(&self, name: &str) -> Result<ZooModel, Error> {
        let folder = self.root.join("models").join(name);
        let onnx = folder.join("model.onnx");
        if !onnx.is_file() {
            return Err(Error::UnknownModel { name: name.to_owned(), root: self.root.clone() });
        }
        let path = folder.join("meta.json");
        let meta = serde_json::from_slice(&read(&path)?).map_err(|source| Error::Json { path, source })?;
        let sample = folder.join("test_data_set_0");
        let inputs = numbered(&sample, "input");
        let outputs = numbered(&sample, "output");
        Ok(ZooModel { name: name.to_owned(), onnx, inputs, outputs, meta })
    }
}

fn wanted_root() -> PathBuf {
    match std::env::var_os(VARIABLE) {
        Some(root) if !root.is_empty() => root.into(),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    }
}

/// `PREFIX_0.pb`, `PREFIX_1.pb` and so on, as far as they exist.
fn numbered(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let paths = (0usize..).map(|number| folder.join(format!("{prefix}_{number}.pb")));
    paths.take_while(|path| path.is_file()).collect()
}

/// A model of the zoo.
#[derive(Clone, Debug)]
pub struct ZooModel {
    /// Its name, also its folder's.
    pub name: String,
    /// The ONNX file.
    pub onnx: PathBuf,
    /// The sample inputs, in the order of the model's inputs.
    pub inputs: Vec<PathBuf>,
    /// The outputs that onnxruntime gave for them.
    pub outputs: Vec<PathBuf>,
    /// What is known of the model.
    pub meta: Meta,
}

impl ZooModel {
    /// The sample inputs.
    pub fn read_inputs(&self) -> Result<Vec<TensorData>, Error> {
        read_tensors(&self.inputs)
    }

    /// The sample outputs.
    pub fn read_outputs(&self) -> Result<Vec<TensorData>, Error> {
        read_tensors(&self.outputs)
    }
}

fn read_tensors(paths: &[PathBuf]) -> Result<Vec<TensorData>, Error> {
    paths.iter().map(|path| tensor_proto::parse(&read(path)?).map_err(Error::at(path))).collect()
}

/// The part of `meta.json` that tests and benchmarks use.
#[derive(Clone, Debug, Deserialize)]
pub struct Meta {
    /// What kind of model it is.
    pub category: String,
    /// Its licence.
    pub license: String,
    /// Whether, and sometimes how well, it was trained.
    pub trained: String,
    /// Digest of the ONNX file, in hex.
    pub sha256: String,
    /// Float parameters.
    pub params_float: u64,
    /// Opset by domain.
    pub opset: BTreeMap<String, u64>,
    /// How often each operator occurs.
    pub ops: BTreeMap<String, u64>,
    /// The inputs.
    pub inputs: Vec<ZooPort>,
    /// The outputs.
    pub outputs: Vec<ZooPort>,
    /// The model's size.
    pub macs: Macs,
    /// Measured accuracy, where labelled data was there.
    pub accuracy: Option<Accuracy>,
    /// Remarks.
    #[serde(default)]
    pub note: String,
}

/// An input or output of a model.
#[derive(Clone, Debug, Deserialize)]
pub struct ZooPort {
    /// Its name in the graph.
    pub name: String,
    /// Its ONNX element type.
    pub dtype: String,
    /// Its axes in the sample, free ones filled in.
    pub used_shape: Vec<usize>,
}

/// Counts for one inference.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Macs {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Values in all activations.
    pub activation_elements: u64,
}

/// A measured accuracy.
#[derive(Clone, Debug, Deserialize)]
pub struct Accuracy {
    /// On which data.
    pub dataset: String,
    /// The share of right answers.
    pub accuracy: f64,
}

#[cfg(test)]
mod tests;
