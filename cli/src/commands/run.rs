//! `run`: integer inference.

use super::{inside, tokenizer};
use crate::args::Run;
use crate::outcome::Outcome;
use crate::progress::Terminal;
use zktorch_engine::{Asked, Failure, Files, Given, Pending, Runnable};

pub fn command(args: &Run) -> Result<Outcome, Failure> {
    let files = Files::default().samples("--input", &args.input);
    let files = args.tokenizer.iter().fold(files, |files, path| files.input("--tokenizer", path));
    let files = inside(&args.dir, files);
    args.output.iter().fold(files, |files, path| files.output("-o", path)).force(args.force).check()?;
    let pending = args.output.as_deref().map(Pending::new).transpose()?;
    let model = Runnable::read(&args.dir)?;
    let asked = Asked { generate: args.generate, tokenizer: tokenizer(args.tokenizer.as_deref())?, seed: args.seed.clone() };
    let ran = model.run(&Given::from(args.input.as_path()), &asked, &mut Terminal::new())?;
    if let Some(pending) = pending {
        pending.write(ran.as_input().to_string().as_bytes())?;
    }
    Ok(Outcome::done(ran.text(), ran.json()))
}
