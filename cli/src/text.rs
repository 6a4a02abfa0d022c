//! Texts of language models: what a program asks for beside the text itself, and completions.
//!
//! A text is a list of token ids, which may be shorter than the model's input. It is filled up by itself, over and over: a causal model says
//! the same whatever stands behind a token, and of tokens that it meets anyway no value leaves the ranges that samples have shown.

use crate::failure::Failure;
use crate::files;
use crate::folder::ProgramFile;
use crate::pipeline;
use crate::progress::Progress;
use crate::tokens::Tokenizer;
use std::path::Path;
use zktorch_blocks::execute::{Weights, execute};
use zktorch_blocks::program::Element;
use zktorch_compiler::goal::{COMPLETION, COUNTED, PLACES};
use zktorch_compiler::inputs::read_arrays;

/// What a program shows of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// How it goes on.
    Completion,
    /// How likely it is.
    Likelihood,
}

impl Shows {
    fn of(file: &ProgramFile) -> Option<Self> {
        let [text, second] = file.inputs.as_slice() else { return None };
        let [output] = file.outputs.as_slice() else { return None };
        let words = (second.name.as_str(), output.name.as_str());
        match words {
            _ if text.element != Element::Integer => None,
            (PLACES, COMPLETION) => Some(Self::Completion),
            (COUNTED, _) => Some(Self::Likelihood),
            _ => None,
        }
    }
}

/// Reads the one input that a file holds, as integers: a text alone where the program is about texts, to be gone on with for `generate`
/// tokens.
pub fn read_input(
    path: &Path,
    file: &ProgramFile,
    weights: &Weights,
    (generate, tokenizer): (Option<usize>, Option<&Tokenizer>),
    progress: &mut Progress,
) -> Result<Vec<Vec<i64>>, Failure> {
    let shows = Shows::of(file);
    if generate.is_some() && shows != Some(Shows::Completion) {
        return Err(Failure::undecided("--generate: the model was not compiled to generate")
            .hint("compile it with `zktorch compile --task generate`"));
    }
    let Some(shows) = shows else { return pipeline::read_input(path, &file.inputs) };
    let arrays = match (words(path)?, tokenizer) {
        (Some(words), Some(tokenizer)) => vec![tokenizer.ids(&words)?],
        (Some(_), None) => {
            return Err(
                Failure::file("use", path, "a text, and there is no tokenizer").hint("--tokenizer FILE.json reads it")
            );
        }
        (None, _) => read_arrays(path, &pipeline::specs(&file.inputs)).map_err(|e| Failure::undecided(e.to_string()))?,
    };
    let text = match arrays.as_slice() {
        [text] => text,
        _ if generate.is_some() => {
            return Err(Failure::file("use", path, "it says more than a text").hint("--generate goes on with a text alone"));
        }
        // A pipe is read once.
        all if all.len() == file.inputs.len() => {
            let integers = file.inputs.iter().zip(all).map(|(port, values)| port.quantise(values));
            return integers.collect::<Result<_, _>>().map_err(|e| Failure::file("use", path, e));
        }
        _ => return pipeline::read_input(path, &file.inputs),
    };
    let room = file.inputs[0].shape.iter().product::<usize>();
    let lengths = |least: usize, most: usize| {
        let why = format!("a text of {} tokens, expected {least} to {most}", text.len());
        if (least..=most).contains(&text.len()) { Ok(()) } else { Err(Failure::file("use", path, why)) }
    };
    let filled: Vec<f64> = text.iter().copied().cycle().take(room.max(text.len())).collect();
    let ids = || file.inputs[0].quantise(&filled).map_err(|e| Failure::file("use", path, e));
    match (shows, generate) {
        (Shows::Likelihood, _) => {
            lengths(2, room)?;
            let counted = (0..room).map(|place| i64::from((1..text.len()).contains(&place))).collect();
            Ok(vec![ids()?, counted])
        }
        (Shows::Completion, Some(tokens)) => {
            let most = file.inputs[1].shape.iter().product();
            if !(1..=most).contains(&tokens) {
                return Err(Failure::undecided(format!("--generate {tokens}: expected 1 to {most} tokens"))
                    .hint("`zktorch compile --new-tokens` says how many one proof can show"));
            }
            lengths(1, room - tokens)?;
            complete(file, weights, (ids()?, text.len()), tokens, progress)
        }
        (Shows::Completion, None) => Err(Failure::file("use", path, format!("a text alone; input `{PLACES}` is missing"))
            .hint("--generate N goes on with the text for N tokens")),
    }
}

/// The words of a file that is a text, less the end of its last line.
fn words(path: &Path) -> Result<Option<String>, Failure> {
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("txt")) {
        return Ok(None);
    }
    let bytes = files::read(path)?;
    let words = String::from_utf8(bytes).map_err(|_| Failure::file("read", path, "it is not UTF-8"))?;
    Ok(Some(words.strip_suffix('\n').map_or(words.as_str(), |words| words.strip_suffix('\r').unwrap_or(words)).to_owned()))
}

/// A text whose tokens behind its first `prompt` are the integer model's answers, and the places of these.
///
/// All answers are read off one run. Those behind a wrong guess may be wrong, the first of them is right: so each run settles a token at least, and
/// often several.
fn complete(
    file: &ProgramFile,
    weights: &Weights,
    (mut ids, prompt): (Vec<i64>, usize),
    tokens: usize,
    progress: &mut Progress,
) -> Result<Vec<Vec<i64>>, Failure> {
    let slots = file.inputs[1].shape.iter().product::<usize>();
    let places: Vec<i64> = (0..slots).map(|slot| (prompt - 1 + slot.min(tokens - 1)) as i64).collect();
    let program = &file.program;
    let Some(&output) = program.outputs.first() else { return Err(Failure::undecided("the program has no output")) };
    progress.begin("generating");
    for _ in 0..=tokens {
        let inputs = vec![ids.clone(), places.clone()];
        let trace = execute(program, weights, &inputs).map_err(pipeline::run_failure)?;
        let answers = trace.values(program, output);
        let settled = ids[prompt..].iter().zip(answers.iter()).take(tokens).all(|(id, answer)| id == answer);
        if settled {
            return Ok(inputs);
        }
        ids[prompt..].iter_mut().zip(answers.iter()).take(tokens).for_each(|(id, answer)| *id = *answer);
    }
    Err(Failure::undecided("the model's answers depend on tokens behind them").hint("this is a defect of zktorch"))
}
