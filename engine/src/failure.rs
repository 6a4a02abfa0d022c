//! Why something was not done.

use serde_json::Value;
use std::fmt::Display;
use std::path::Path;
use zktorch_verdict::{Undecided, error_json};

/// What kind of failure it is, for callers that tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The model has what cannot be proved.
    Unsupported,
    /// The integers are too far from the model, or how far is not known.
    Inexact,
    /// An input does not fit the model.
    Input,
    /// Files do not belong together.
    Mismatch,
    /// A file cannot be read or written, or is none of the kind that is needed.
    File,
    /// What was asked for does not go together.
    Usage,
    /// Whoever watches wanted no more.
    Cancelled,
    /// A defect of zktorch.
    Internal,
}

/// A node of a model that cannot be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name in the ONNX file.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Why.
    pub why: String,
}

/// How far the integers are from the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Inexact {
    /// The output with the largest error.
    pub output: String,
    /// Its entries, in words.
    pub entries: String,
    /// The error, as a part of what these reach.
    pub error: f64,
    /// The largest error that is accepted, where one was asked for.
    pub accepted: Option<f64>,
}

/// An error for people: what failed, on which file or tensor, and what to do about it. No value of an input or an opening stands in it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    kind: Kind,
    what: String,
    hint: Option<String>,
    nodes: Vec<Node>,
    inexact: Option<Box<Inexact>>,
}

impl Failure {
    /// A failure of some kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hint: None, nodes: Vec::new(), inexact: None }
    }

    /// The model cannot be proved.
    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::new(Kind::Unsupported, what)
    }

    /// What was asked for does not go together.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Something that is no fault of whoever asked.
    pub fn internal(what: impl Display) -> Self {
        Self::new(Kind::Internal, what.to_string())
    }

    /// A file that cannot be used.
    pub fn file(action: &str, path: &Path, why: impl Display) -> Self {
        Self::new(Kind::File, format!("cannot {action} `{}`: {why}", path.display()))
    }

    /// Nothing could be decided because of a file, which lies there.
    pub(crate) fn undecidable(undecided: &Undecided, path: &Path) -> Self {
        Self { hint: undecided.hint().map(str::to_owned), ..Self::file(undecided.action(), path, undecided.why()) }
    }

    /// Says in front where it happened.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { what: format!("{place}: {}", self.what), ..self }
    }

    /// Makes it one of another kind.
    pub fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the nodes that it is about.
    pub(crate) fn about(mut self, nodes: Vec<Node>) -> Self {
        self.nodes = nodes;
        self
    }

    /// Adds how far off the integers are.
    pub(crate) fn off_by(mut self, inexact: Inexact) -> Self {
        self.inexact = Some(Box::new(inexact));
        self
    }

    /// How far the integers are from the model, where that is the failure.
    pub fn inexact(&self) -> Option<&Inexact> {
        self.inexact.as_deref()
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What failed; several lines, if there is much to say.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The nodes of the model that it is about.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// 1: the answer is no. 2: there is no answer.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Unsupported | Kind::Inexact => 1,
            _ => 2,
        }
    }

    /// `{"error": {"what", "hint", "exit_code"}}`.
    pub fn json(&self) -> Value {
        error_json(&self.what, self.hint.as_deref(), self.exit_code())
    }
}
