//! What a command has to say, in both formats.

use crate::args::Format;
use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;

/// The result of a command.
#[derive(Debug)]
pub struct Outcome {
    /// Whether the answer is yes: exit code 0, else 1.
    pub accepted: bool,
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
}

impl Outcome {
    /// The command did what was asked.
    pub fn done(text: String, json: Value) -> Self {
        Self { accepted: true, text, json }
    }

    /// Prints the result to stdout.
    pub fn print(&self, format: Format) -> ExitCode {
        match format {
            Format::Text => emit(self.text.trim_end()),
            Format::Json => emit(&self.json.to_string()),
        }
        ExitCode::from(u8::from(!self.accepted))
    }
}

/// One text to stdout, with a newline. A reader that has left is not an error.
pub fn emit(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}
