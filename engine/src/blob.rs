//! A file, or what would be in it.

use crate::failure::Failure;
use crate::files;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A file, or what would be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    /// A file.
    Path(PathBuf),
    /// Its contents.
    Bytes {
        /// How messages call it.
        name: String,
        /// All of it.
        bytes: Vec<u8>,
    },
}

impl Blob {
    /// How messages call it.
    pub fn name(&self) -> String {
        self.path().display().to_string()
    }

    /// The path, or the name in place of one.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Bytes { name, .. } => Path::new(name),
        }
    }

    /// It cannot be used.
    pub(crate) fn failure(&self, action: &str, why: impl std::fmt::Display) -> Failure {
        Failure::file(action, self.path(), why)
    }

    /// The contents.
    ///
    /// # Errors
    /// If it is a file that cannot be read, or has no end.
    pub fn read(&self) -> Result<Cow<'_, [u8]>, Failure> {
        match self {
            Self::Path(path) => Ok(Cow::Owned(files::read(path)?)),
            Self::Bytes { bytes, .. } => Ok(Cow::Borrowed(bytes)),
        }
    }
}

impl From<&Path> for Blob {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_owned())
    }
}

impl From<PathBuf> for Blob {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}
