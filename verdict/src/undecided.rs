//! Why there is no verdict.

use serde_json::{Value, json};
use std::fmt;
use zktorch_accumulator::setup::SetupError;
use zktorch_blocks::digest::ModelDigest;
use zktorch_verifier::Unverifiable;
use zktorch_verifier::codec::DecodeError;
use zktorch_verifier::key::KeyError;

/// A file that a verdict needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The verifying key.
    Key,
    /// The proof.
    Proof,
    /// The proof about the weights.
    ModelProof,
}

impl File {
    /// For people who gave bytes and no path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "verifying key",
            Self::Proof => "proof",
            Self::ModelProof => "model proof",
        }
    }
}

/// What is wrong with it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Why {
    /// It is not the file that it should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is a key that is not well formed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key or its setup cannot be used, or a seed is missing.
    #[error(transparent)]
    Unverifiable(#[from] Unverifiable),
    /// The setup cannot be made.
    #[error("transparent setup: {0}")]
    Setup(#[from] SetupError),
    /// More generators than a foreign key may ask for.
    #[error("the key names {asked} generators; at most {most} are supported")]
    Generators {
        /// By the key.
        asked: u64,
        /// At most.
        most: usize,
    },
    /// Generators that somebody may have chosen.
    #[error("the key's generators are not the hash-to-curve points they should be")]
    NotHashes,
    /// A proof about other weights.
    #[error("it is the proof of another model, {}", crate::show::hex(.0))]
    OtherModel(ModelDigest),
    /// An input that proofs hide is to be compared.
    #[error("its input `{0}` is private: a proof does not show it")]
    Private(String),
}

/// Nothing was decided: neither accepted nor rejected.
#[derive(Clone, Debug, PartialEq)]
pub struct Undecided {
    action: &'static str,
    file: File,
    why: Box<Why>,
}

impl std::error::Error for Undecided {}

/// The error in words, with what the file is in place of its path.
impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, file, why } = self;
        write!(f, "cannot {action} the {}: {why}", file.name())
    }
}

impl Undecided {
    /// Something that cannot be done with a file.
    pub(crate) fn new(action: &'static str, file: File, why: impl Into<Why>) -> Self {
        Self { action, file, why: Box::new(why.into()) }
    }

    /// What could not be done with the file: `read`, `use`, and so on.
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// The file it could not be done with.
    pub fn file(&self) -> File {
        self.file
    }

    /// Why.
    pub fn why(&self) -> &Why {
        &self.why
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match &*self.why {
            Why::Unverifiable(Unverifiable::NoSeed) => "--seed TEXT gives it",
            Why::NotHashes => "do not trust this key",
            Why::OtherModel(_) => {
                "get the model.proof that was made with the key, or take this one away: then the verdict says `unproved`"
            }
            Why::Private(_) => "--bind COMMITMENT compares it with a commitment to the input",
            _ => return None,
        })
    }

    /// As the command line prints it.
    pub fn json(&self) -> Value {
        error_json(&self.to_string(), self.hint(), 2)
    }
}

/// An error as the command line prints it: `exit_code` is 1 where the answer is no, 2 where there is none.
pub fn error_json(what: &str, hint: Option<&str>, exit_code: u8) -> Value {
    json!({ "error": { "what": what, "hint": hint, "exit_code": exit_code } })
}
