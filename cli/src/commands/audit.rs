//! `audit`: is the program of a key the lowering of a model?

use crate::args::Audit;
use crate::outcome::Outcome;
use zktorch_engine::{Failure, audit};

pub fn command(args: &Audit) -> Result<Outcome, Failure> {
    let audited = audit(&args.model.as_path().into(), &args.key.as_path().into())?;
    Ok(Outcome { accepted: audited.accepted(), text: audited.text(), json: audited.json() })
}
