//! Why a command did not do what was asked.

use crate::args::Format;
use crate::outcome::emit;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use zktorch_verdict::show::plain;
use zktorch_verdict::{Undecided, error_json};

/// An error for people: what failed, on which file or tensor, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    code: u8,
    what: String,
    hint: Option<String>,
}

impl Failure {
    /// Exit code 1: the answer is no.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self { code: 1, what: what.into(), hint: None }
    }

    /// Exit code 2: there is no answer.
    pub fn undecided(what: impl Into<String>) -> Self {
        Self { code: 2, what: what.into(), hint: None }
    }

    /// A file that cannot be used.
    pub fn file(action: &str, path: &Path, why: impl Display) -> Self {
        Self::undecided(format!("cannot {action} `{}`: {why}", path.display()))
    }

    /// Nothing could be decided because of a file, which lies there.
    pub fn undecidable(undecided: &Undecided, path: &Path) -> Self {
        Self { hint: undecided.hint().map(str::to_owned), ..Self::file(undecided.action(), path, undecided.why()) }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the error; with JSON an object on stdout as well.
    pub fn print(&self, format: Format) -> ExitCode {
        // Some errors have several lines of their own.
        let what: Vec<String> = self.what.lines().map(plain).collect();
        eprintln_quietly(&format!("error: {}", what.join("\n")));
        if let Some(hint) = &self.hint {
            eprintln_quietly(&format!("  hint: {}", plain(hint)));
        }
        if format == Format::Json {
            emit(&error_json(&self.what, self.hint.as_deref(), self.code).to_string());
        }
        ExitCode::from(self.code)
    }
}

/// Says on stderr what a user must know of a command that goes on.
pub fn warn(what: &str) {
    eprintln_quietly(&format!("warning: {}", plain(what)));
}

/// Says on stderr what a command took for granted.
pub fn note(what: &str) {
    eprintln_quietly(&format!("note: {}", plain(what)));
}

fn eprintln_quietly(line: &str) {
    use std::io::Write;
    // A closed stderr is no reason to fail differently.
    drop(writeln!(std::io::stderr(), "{line}"));
}
