//! What can be wrong with a file's bytes.

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
    /// A part that is not what it should be.
    pub fn unexpected(what: &'static str, expected: impl ToString, got: impl ToString) -> Self {
        let (expected, got) = (expected.to_string(), got.to_string());
        Self::Unexpected { what, expected, got }
    }

    /// A part that this reader does not take.
    pub fn unsupported(what: &'static str, got: impl ToString) -> Self {
        Self::Unsupported { what, got: got.to_string() }
    }
}
