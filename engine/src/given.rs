//! Inputs as they are given: files, or arrays in memory.

use crate::failure::{Failure, Kind};
use std::path::{Path, PathBuf};
use zktorch_blocks::port::Port;
use zktorch_compiler::inputs::{self, Array, InputSpec, Sample};

/// Inputs of a model.
#[derive(Clone, Debug)]
pub enum Given {
    /// A file, or a folder of them.
    File(PathBuf),
    /// One array an input, in the model's order; several samples have one more axis in front. No array is shown in messages.
    Arrays(Vec<Array>),
}

impl From<&Path> for Given {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl Given {
    /// How messages call it.
    pub fn name(&self) -> String {
        self.path().display().to_string()
    }

    /// The path, or a name in place of one.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Arrays(_) => Path::new("input"),
        }
    }

    /// It cannot be used.
    pub(crate) fn unfit(&self, why: impl std::fmt::Display) -> Failure {
        Failure::file("use", self.path(), why).of(Kind::Input)
    }

    /// All samples; there is at least one.
    ///
    /// # Errors
    /// If a file cannot be read, or an array has another shape.
    pub(crate) fn samples(&self, specs: &[InputSpec]) -> Result<Vec<Sample>, Failure> {
        match self {
            Self::File(path) => inputs::read(path, specs).map_err(|e| Failure::new(Kind::Input, e.to_string())),
            Self::Arrays(arrays) => inputs::samples(arrays.clone(), specs).map_err(|e| self.unfit(e)),
        }
    }

    /// The one sample.
    ///
    /// # Errors
    /// As [`samples`](Self::samples), and if there are several.
    pub(crate) fn sample(&self, ports: &[Port]) -> Result<Sample, Failure> {
        let mut samples = self.samples(&specs(ports))?;
        let [_] = samples.as_slice() else {
            let shapes: Vec<String> =
                ports.iter().map(|p| format!("`{}` has shape {}", p.name, zktorch_verdict::show::shape(&p.shape))).collect();
            let why = format!("expected one sample, it holds {} (input {})", samples.len(), shapes.join(", input "));
            return Err(self.unfit(why));
        };
        Ok(samples.remove(0))
    }

    /// The arrays as long as they are: of texts, which may be shorter than an input.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn arrays(&self, ports: &[Port]) -> Result<Vec<Vec<f64>>, Failure> {
        match self {
            Self::File(path) => {
                inputs::read_arrays(path, &specs(ports)).map_err(|e| Failure::new(Kind::Input, e.to_string()))
            }
            Self::Arrays(arrays) => Ok(arrays.iter().map(|array| array.values.clone()).collect()),
        }
    }
}

/// What inputs have to be like.
pub(crate) fn specs(ports: &[Port]) -> Vec<InputSpec> {
    ports.iter().map(|p| InputSpec { name: p.name.clone(), shape: p.shape.clone() }).collect()
}
