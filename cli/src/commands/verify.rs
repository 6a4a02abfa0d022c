//! `verify`: what a proof shows, or why it shows nothing.

use crate::args::{Requirement, Verify};
use crate::binding::read_commitment;
use crate::failure::Failure;
use crate::files::read;
use crate::generators;
use crate::model_proof;
use crate::outcome::Outcome;
use crate::pipeline::read_sample;
use crate::progress::Progress;
use crate::text::read_texts;
use crate::tokens::Tokenizer;
use std::path::Path;
use zktorch_compiler::inputs::Sample;
use zktorch_verdict::{
    Answer, Case, Demands, File, Known, Model, NamedCommitment, Timing, Undecided, expected, show, together,
};
use zktorch_verifier::Verdict;
use zktorch_verifier::key::VerifyingKey;

pub fn command(args: &Verify) -> Result<Outcome, Failure> {
    let keys = match args.key.as_slice() {
        [key] => vec![key; args.proof.len()],
        keys if keys.len() == args.proof.len() => keys.iter().collect(),
        keys => {
            let (keys, proofs) = (show::things(keys.len(), "key"), show::things(args.proof.len(), "proof"));
            return Err(Failure::undecided(format!("{keys} for {proofs}: give one key for all, or one for each")));
        }
    };
    if args.proof.len() > 1 && args.input.is_some() {
        return Err(Failure::undecided("--input is compared with one proof; verify that proof by itself"));
    }
    if args.proof.len() == 1 && args.require.contains(&Requirement::Shared) {
        return Err(Failure::undecided("--require shared is about several proofs, and one is given"));
    }
    let commitment = |path: &std::path::PathBuf| {
        Ok(NamedCommitment { name: path.display().to_string(), commitment: read_commitment(path)? })
    };
    let bind = args.bind.iter().map(commitment).collect::<Result<Vec<_>, Failure>>()?;
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::read).transpose()?;
    let require: Vec<zktorch_verdict::Requirement> = args.require.iter().map(|&r| r.into()).collect();
    let decode = tokenizer.as_ref().map(|tokenizer| |ids: &[i64]| tokenizer.text(ids));
    let decode = decode.as_ref().map(|decode| decode as &zktorch_verdict::texts::Decode<'_>);
    let mut demands = Demands { seed: args.seed.as_deref(), require: &require, bind, input: None, decode };
    let mut answers = Vec::new();
    for (key, proof) in keys.iter().zip(&args.proof) {
        answers.push(judge(key, proof, args.input.as_deref(), tokenizer.as_ref(), &mut demands)?);
    }
    Ok(if let [answer] = answers.as_slice() {
        Outcome { accepted: answer.accepted(), text: answer.text(), json: answer.json() }
    } else {
        let all = together(answers, &demands);
        Outcome { accepted: all.accepted(), text: all.text(), json: all.json() }
    })
}

/// The verdict on one proof.
fn judge(
    path: &Path,
    proof_path: &Path,
    input: Option<&Path>,
    tokenizer: Option<&Tokenizer>,
    demands: &mut Demands<'_>,
) -> Result<Answer, Failure> {
    let named = |undecided: Undecided| {
        let file = match undecided.file() {
            File::Key => path.to_owned(),
            File::Proof => proof_path.to_owned(),
            File::ModelProof => path.with_file_name(crate::folder::MODEL),
        };
        Failure::undecidable(&undecided, &file)
    };
    let mut progress = Progress::new();
    progress.begin("reading");
    let case = Case::read(&read(path)?, &read(proof_path)?).map_err(named)?;
    demands.input = input.map(|file| known(file, &case.key, tokenizer, &named)).transpose()?;
    progress.begin("generators");
    let generators = generators::for_verifier(&case.key.setup).map_err(named)?;
    progress.begin("proof");
    let start = progress.seconds();
    let verdict = case.decide(generators.as_ref(), demands.seed).map_err(named)?;
    let seconds = progress.seconds() - start;
    progress.begin("model proof");
    let model = match verdict {
        Verdict::Accepted => model_proof::state(path, &case.key, generators.as_ref(), &named)?,
        Verdict::Rejected(_) => Model::unneeded(),
    };
    let timing = Timing { seconds, total_seconds: progress.seconds(), phases: progress.finish() };
    Ok(case.conclude(&proof_path.display().to_string(), &verdict, &model, demands).timed(timing))
}

/// Reads a file as the input of a key's model.
fn known(
    file: &Path,
    key: &VerifyingKey,
    tokenizer: Option<&Tokenizer>,
    named: &impl Fn(Undecided) -> Failure,
) -> Result<Known, Failure> {
    let (ports, texts) = expected(key).map_err(named)?;
    let name = file.display().to_string();
    if texts {
        let arrays = read_texts(file, &ports, tokenizer)?;
        if let [prompt] = arrays.as_slice() {
            return Known::prompt(name, key, prompt).map_err(named);
        }
        // A pipe is read once.
        if arrays.len() == ports.len() {
            return Known::inputs(name, key, &arrays).map_err(named);
        }
    }
    let sample: Sample = read_sample(file, &ports)?;
    let arrays: Vec<Vec<f64>> = sample.iter().map(|array| array.iter().copied().collect()).collect();
    Known::inputs(name, key, &arrays).map_err(named)
}
