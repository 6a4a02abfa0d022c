//! What can be wrong with a file.

use std::path::{Path, PathBuf};

use zktorch_formats::FormatError;

/// A file that cannot be used, by its path.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The JSON does not parse, or lacks a field.
    #[error("{} is not the expected JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The contents break the file's format.
    #[error("{}: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        source: FormatError,
    },
    /// The zoo has no model of this name.
    #[error("no model {name:?} in {}", root.display())]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The zoo's folder.
        root: PathBuf,
    },
}

impl Error {
    /// Puts a file's name to what is wrong with its bytes.
    pub fn at(path: impl AsRef<Path>) -> impl FnOnce(FormatError) -> Self {
        move |source| Self::Format { path: path.as_ref().to_owned(), source }
    }
}

/// A whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}
