//! `compile`: from an ONNX file to a folder with program, keys and report.

use crate::args::{Compile, Toggle};
use crate::outcome::Outcome;
use crate::progress::Talk;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;
use zktorch_engine::{
    CompileOptions, Destination, FOLDER_FILES, Failure, Files, Given, MODEL, PROGRAM, PROVING, SetupChoice, VERIFYING,
    compile, explain,
};
use zktorch_verdict::show;

pub fn command(args: &Compile, talk: Talk) -> Result<Outcome, Failure> {
    let options = options(args);
    // The arguments' parser asks for the one or the other.
    let Some(out) = args.out.as_deref().filter(|_| !args.explain) else { return explained(args, &options) };
    // The folder is looked at as a whole.
    files(args, out).force(true).check()?;
    let place = Destination::new(out, args.force)?;
    let start = Instant::now();
    let compiled = compile(&args.model.as_path().into(), &options, &mut talk.terminal())?;
    let seconds = start.elapsed().as_secs_f64();
    let (mut text, mut json) = (compiled.text(&out.display().to_string()), compiled.json());
    let replaced = compiled.write(place)?;
    if let Some(replaced) = &replaced {
        text.push_str(&format!("\nREPLACED: {}\n", replaced.what));
    }
    if let Value::Object(map) = &mut json {
        map.insert("compile_seconds".into(), json!(seconds));
        map.insert("replaced".into(), json!(replaced.map(|replaced| replaced.json())));
    }
    Ok(Outcome::done(format!("{text}\ncompiled in {}\n", show::seconds(seconds)), json))
}

/// What the model would become; the answer is no where something stands in the way.
fn explained(args: &Compile, options: &CompileOptions) -> Result<Outcome, Failure> {
    let explanation = explain(&args.model.as_path().into(), options)?;
    let json = serde_json::to_value(&explanation).map_err(Failure::internal)?;
    let text: Vec<String> = explanation.to_string().lines().map(show::plain).collect();
    Ok(Outcome { accepted: explanation.obstacles.is_empty(), text: text.join("\n"), json })
}

fn options(args: &Compile) -> CompileOptions {
    CompileOptions {
        calibrate: args.calibrate.iter().map(|path| Given::from(path.as_path())).collect(),
        task: args.task.into(),
        new_tokens: args.new_tokens,
        temperature: args.temperature,
        bits: args.bits,
        max_error: args.max_error,
        target_kl: args.target_kl,
        input: args.input.into(),
        input_like: args.input_like.as_deref().map(Into::into),
        output: args.output.into(),
        setup: args.setup.clone(),
        weights_of: args.weights_of.clone(),
        model_proof: args.model_proof == Toggle::On,
        input_shapes: args.input_shape.iter().map(|s| s.0.clone()).collect(),
        test_seed: args.test_seed,
    }
}

/// What is read and written.
fn files(args: &Compile, out: &Path) -> Files {
    let mut files = Files::default().input("the model", &args.model);
    for path in &args.calibrate {
        files = files.samples("--calibrate", path);
    }
    if let Some(path) = &args.input_like {
        files = files.input("--input-like", path);
    }
    if let Some(dir) = &args.weights_of {
        files = [PROGRAM, PROVING, VERIFYING, MODEL]
            .iter()
            .fold(files, |files, name| files.input("--weights-of", dir.join(name)));
    }
    if let SetupChoice::File(path) = &args.setup {
        files = files.input("--setup", path);
    }
    FOLDER_FILES.iter().fold(files, |files, name| files.output(name, out.join(name)))
}
