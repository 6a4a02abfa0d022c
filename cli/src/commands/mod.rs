//! One module a command.

mod about;
mod audit;
mod commit;
mod compile;
mod demo;
mod inspect;
mod prove;
mod run;
mod strip;
mod verify;

use crate::args::Command;
use crate::outcome::Outcome;
use crate::progress::Talk;
use std::path::{Path, PathBuf};
use zktorch_engine::{Blob, FOLDER_FILES, Failure, Files, Tokenizer};

/// Runs a command.
pub fn dispatch(command: Command, talk: Talk) -> Result<Outcome, Failure> {
    match command {
        Command::Compile(args) => compile::command(&args, talk),
        Command::Run(args) => run::command(&args, talk),
        Command::Commit(args) => commit::command(&args, talk),
        Command::Prove(args) => prove::command(&args, talk),
        Command::Verify(args) => verify::command(&args, talk),
        Command::Strip(args) => strip::command(&args),
        Command::Audit(args) => audit::command(&args),
        Command::Inspect(args) => inspect::command(&args),
        Command::Demo(args) => demo::command(&args, talk),
        Command::Completions(args) => about::completions(&args),
        Command::Man(args) => about::man(&args),
    }
}

/// The files of a compiled model, which a command reads.
fn inside(dir: &Path, files: Files) -> Files {
    FOLDER_FILES.iter().fold(files, |files, name| files.input("DIR", dir.join(name)))
}

fn blobs(paths: &[PathBuf]) -> Vec<Blob> {
    paths.iter().map(|path| path.as_path().into()).collect()
}

fn tokenizer(path: Option<&Path>) -> Result<Option<Tokenizer>, Failure> {
    path.map(Tokenizer::read).transpose()
}
