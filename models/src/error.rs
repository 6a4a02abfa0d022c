//! What can be wrong with a file.

use std::path::{Path, PathBuf};

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

/// Bytes that break their format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The bytes end too early.
    #[error("{what} needs {needed} bytes, {available} are left")]
    Truncated {
        /// The part being read.
        what: &'static str,
        /// Bytes that it takes.
        needed: u64,
        /// Bytes that there are.
        available: u64,
    },
    /// A part differs from what the format, or an earlier part, says.
    #[error("{what}: expected {expected}, got {got}")]
    Unexpected {
        /// The part being read.
        what: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// A legal file, with something that this reader does not take.
    #[error("{what} is not supported: {got}")]
    Unsupported {
        /// The part being read.
        what: &'static str,
        /// What it is.
        got: String,
    },
}

impl FormatError {
    pub(crate) fn unexpected(what: &'static str, expected: impl ToString, got: impl ToString) -> Self {
        let (expected, got) = (expected.to_string(), got.to_string());
        Self::Unexpected { what, expected, got }
    }

    pub(crate) fn unsupported(what: &'static str, got: impl ToString) -> Self {
        Self::Unsupported { what, got: got.to_string() }
    }

    /// Puts the file's name to the error.
    pub fn at(self, path: impl AsRef<Path>) -> Error {
        Error::Format { path: path.as_ref().to_owned(), source: self }
    }
}

/// A whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}
