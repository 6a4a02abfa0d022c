//! One module a command.

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
use crate::failure::Failure;
use crate::outcome::Outcome;

/// Runs a command.
pub fn dispatch(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Compile(args) => compile::command(&args),
        Command::Run(args) => run::command(&args),
        Command::Commit(args) => commit::command(&args),
        Command::Prove(args) => prove::command(&args),
        Command::Verify(args) => verify::command(&args),
        Command::Strip(args) => strip::command(&args),
        Command::Audit(args) => audit::command(&args),
        Command::Inspect(args) => inspect::command(&args),
        Command::Demo(args) => demo::command(&args),
    }
}
