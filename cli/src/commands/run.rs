//! `run`: integer inference.

use super::{inside, tokenizer};
use crate::args::Run;
use crate::outcome::Outcome;
use crate::progress::Talk;
use serde_json::Value;
use zktorch_engine::{Asked, Failure, Files, Given, Pending, Runnable, read_labels};

pub fn command(args: &Run, talk: Talk) -> Result<Outcome, Failure> {
    let files = Files::default().samples("--input", &args.input);
    let files = args.tokenizer.iter().fold(files, |files, path| files.input("--tokenizer", path));
    let files = args.labels.iter().fold(files, |files, path| files.input("--labels", path));
    let files = inside(&args.dir, files);
    args.output.iter().fold(files, |files, path| files.output("-o", path)).force(args.force).check()?;
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    let pending = args.output.as_deref().map(Pending::new).transpose()?;
    let model = Runnable::read(&args.dir)?;
    let asked = Asked { generate: args.generate, tokenizer: tokenizer(args.tokenizer.as_deref())?, seed: args.seed.clone() };
    let ran = model.run_given(&Given::from(args.input.as_path()), &asked, &mut talk.terminal())?;
    let accuracy = labels.map(|labels| ran.accuracy(&labels)).transpose()?;
    if let Some((pending, path)) = pending.zip(args.output.as_deref()) {
        pending.write(&ran.to_bytes(path)?)?;
    }
    let (mut text, mut json) = (ran.text(), ran.json());
    if let (Some(accuracy), Value::Object(map)) = (&accuracy, &mut json) {
        text = format!("{}\n{}", text.trim_end(), accuracy.text());
        map.insert("accuracy".into(), accuracy.json());
    }
    Ok(Outcome::done(text, json))
}
