//! `strip`: an ONNX model without its weights, for auditors.

use crate::args::Strip;
use crate::outcome::Outcome;
use zktorch_engine::{Failure, Files, Pending, strip};

pub fn command(args: &Strip) -> Result<Outcome, Failure> {
    Files::default().input("the model", &args.model).output("-o", &args.output).force(args.force).check()?;
    let pending = Pending::new(&args.output)?;
    let stripped = strip(&args.model.as_path().into(), Some(&args.output))?;
    pending.write(stripped.bytes())?;
    Ok(Outcome::done(stripped.text(&args.output.display().to_string()), stripped.json()))
}
