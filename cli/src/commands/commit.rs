//! `commit`: private inputs, before there is a proof.

use super::inside;
use crate::args::Commit;
use crate::outcome::Outcome;
use crate::progress::Talk;
use zktorch_engine::{CommitmentDestination, Failure, Files, Given, Model};

pub fn command(args: &Commit, talk: Talk) -> Result<Outcome, Failure> {
    let files = inside(&args.dir, Files::default().samples("--input", &args.input));
    CommitmentDestination::listed("-o", &args.output, files).force(args.force).check()?;
    let place = CommitmentDestination::new(&args.output)?;
    let model = Model::read(&args.dir)?;
    let committed = model.commit(&Given::from(args.input.as_path()), args.test_seed, &mut talk.terminal())?;
    committed.write(place)?;
    Ok(Outcome::done(committed.text(), committed.json()))
}
