//! `run`: integer inference.

use crate::args::Run;
use crate::failure::Failure;
use crate::files::Pending;
use crate::folder::{self, ProgramFile, digest_of};
use crate::outcome::Outcome;
use crate::pipeline::{run_failure, tensors};
use crate::place;
use crate::progress::Progress;
use crate::text;
use crate::tokens::Tokenizer;
use serde_json::json;
use zktorch_blocks::execute::execute;
use zktorch_verdict::{Tensor, texts};

pub fn command(args: &Run) -> Result<Outcome, Failure> {
    let files = place::Files::default().samples("--input", &args.input);
    let files = args.tokenizer.iter().fold(files, |files, path| files.input("--tokenizer", path));
    let files = folder::ALL.iter().fold(files, |files, name| files.input("DIR", args.dir.join(name)));
    args.output.iter().fold(files, |files, path| files.output("-o", path)).force(args.force).check()?;
    let pending = args.output.as_deref().map(Pending::new).transpose()?;
    let mut progress = Progress::new();
    progress.begin("reading the keys");
    let file = ProgramFile::read(&args.dir)?;
    let key = file.proving_key(&args.dir)?;
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::read).transpose()?;
    let seed = text::seed(&file, args.seed.as_deref(), || digest_of(&file.verifying_key(&args.dir)?))?;
    let asked = text::Asked { generate: args.generate, tokenizer: tokenizer.as_ref(), seed };
    let inputs = text::read_input(&args.input, &file, &key.weights, asked, &mut progress)?;
    progress.begin("running");
    let start = progress.seconds();
    let trace = execute(&file.program, &key.weights, &inputs).map_err(run_failure)?;
    let seconds = progress.seconds() - start;
    let values: Vec<Vec<i64>> = file.program.outputs.iter().map(|&id| trace.values(&file.program, id).to_vec()).collect();
    let outputs = tensors(&file.outputs, &values);
    if let Some(pending) = pending {
        let data: Vec<Vec<f64>> = outputs.iter().map(Tensor::data).collect();
        pending.write(json!({ "input_data": data }).to_string().as_bytes())?;
    }
    let shown = [tensors(&file.inputs, &inputs), outputs.clone()].concat();
    let texts = tokenizer.map(|tokenizer| tokenizer.texts(&shown)).unwrap_or_default();
    let mut text: Vec<String> = outputs.iter().map(Tensor::text).collect();
    text.extend(texts::lines(&texts).into_iter().map(|(_, line)| line));
    let phases: Vec<_> =
        progress.finish().into_iter().map(|(name, seconds)| json!({ "name": name, "seconds": seconds })).collect();
    let texts = texts::to_json(&texts);
    let json = json!({ "outputs": Tensor::list(&outputs), "texts": texts, "seconds": seconds, "phases": phases });
    Ok(Outcome::done(text.join("\n"), json))
}
