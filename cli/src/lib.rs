//! The command line of zktorch.
//!
//! Every command computes an `outcome::Outcome` and touches standard output nowhere else: results go to stdout, progress and
//! errors to stderr, and the exit code is 0 (done, accepted), 1 (rejected, unsupported) or 2 (could not decide).

mod args;
mod commands;
mod outcome;
mod progress;
mod signals;

use args::{Cli, Command};
use clap::Parser;
use outcome::{Outcome, print_failure};
use progress::Talk;
use std::ffi::OsString;
use zktorch_engine::{Failure, guarded};

/// Runs the program with the given arguments, the first of which is its name; its exit code.
pub fn run_with(args: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            return usage(&error, &words);
        }
    };
    let format = cli.format;
    // For benchmarks: what proving takes on processors without the instructions that lanes need.
    #[cfg(target_arch = "x86_64")]
    zktorch_blocks::lanes::hide(std::env::var_os("ZKTORCH_LANES").is_some_and(|lanes| lanes == "off"));
    signals::watch();
    let talk = Talk::of(cli.verbose, cli.quiet);
    match quietly(cli.command, talk) {
        Ok(outcome) => outcome.print(format),
        Err(failure) => print_failure(&failure, format),
    }
}

/// Says what is wrong with the words on the command line, or the help that was asked for.
fn usage(error: &clap::Error, words: &[OsString]) -> u8 {
    // Nothing is left to do if the terminal is gone.
    drop(error.print());
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let pair = |pair: &[OsString]| pair == ["--format", "json"];
    let asked = words.windows(2).any(pair) || words.iter().any(|word| word == "--format=json");
    if asked && error.use_stderr() {
        let text = error.to_string();
        let what = text.trim_end().trim_start_matches("error: ");
        outcome::emit(&zktorch_verdict::error_json(what, None, code).to_string());
    }
    code
}

/// Runs a command; a panic anywhere below is a defect, reported as one and printed by nobody else.
fn quietly(command: Command, talk: Talk) -> Result<Outcome, Failure> {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = guarded(|| commands::dispatch(command, talk));
    std::panic::set_hook(default);
    result
}
