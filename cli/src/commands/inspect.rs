//! `inspect`: what a file or folder contains.

use crate::args::Inspect;
use crate::outcome::Outcome;
use zktorch_engine::{Failure, inspect};

pub fn command(args: &Inspect) -> Result<Outcome, Failure> {
    let found = inspect(&args.path.as_path().into())?;
    Ok(Outcome::done(found.text(), found.json()))
}
