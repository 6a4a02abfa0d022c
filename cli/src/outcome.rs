//! What a command has to say, in both formats.

use crate::args::Format;
use serde_json::Value;
use std::io::Write;
use zktorch_engine::Failure;
use zktorch_verdict::show::plain;

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

    /// Prints the result to stdout; the exit code.
    pub fn print(&self, format: Format) -> u8 {
        match format {
            Format::Text => emit(self.text.trim_end()),
            Format::Json => emit(&self.json.to_string()),
        }
        u8::from(!self.accepted)
    }
}

/// Prints an error to stderr; with JSON an object on stdout as well. The exit code.
pub fn print_failure(failure: &Failure, format: Format) -> u8 {
    // Some errors have several lines of their own.
    let what: Vec<String> = failure.what().lines().map(plain).collect();
    say(&format!("error: {}", what.join("\n")));
    if let Some(hint) = failure.advice() {
        say(&format!("  hint: {}", plain(hint)));
    }
    if format == Format::Json {
        emit(&failure.json().to_string());
    }
    failure.exit_code()
}

/// Says on stderr what a user must know of a command that goes on.
pub fn warn(what: &str) {
    say(&format!("warning: {}", plain(what)));
}

/// Says on stderr what a command took for granted.
pub fn note(what: &str) {
    say(&format!("note: {}", plain(what)));
}

/// A line on stderr.
pub fn say(line: &str) {
    // A closed stderr is no reason to fail differently.
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// One text to stdout, with a newline. A reader that has left is not an error.
pub fn emit(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}
