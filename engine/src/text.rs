//! Texts of language models: what a program asks for beside the text itself, and completions.
//!
//! A text is a list of token ids, which may be shorter than the model's input. It is filled up by itself, over and over: a causal model says
//! the same whatever stands behind a token, and of tokens that it meets anyway no value leaves the ranges that samples have shown.

use crate::failure::{Failure, Kind};
use crate::files;
use crate::folder::ProgramFile;
use crate::given::Given;
use crate::input;
use crate::refusals::run_failure;
use crate::tokens::Tokenizer;
use crate::watch::Phases;
use std::path::Path;
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::execute::{Weights, execute};
use zktorch_blocks::port::Port;
use zktorch_blocks::program::Element;
use zktorch_compiler::goal::{COMPLETION, COUNTED, PLACES, SEED};
use zktorch_verdict::filled;
use zktorch_verifier::seed::{seeds, words};

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
        let [text, asked @ ..] = file.inputs.as_slice() else { return None };
        let [output] = file.outputs.as_slice() else { return None };
        let asked: Vec<&str> = asked.iter().map(|port| port.name.as_str()).collect();
        match (asked.as_slice(), output.name.as_str()) {
            _ if text.element != Element::Integer => None,
            ([PLACES] | [PLACES, SEED], COMPLETION) => Some(Self::Completion),
            ([COUNTED], _) => Some(Self::Likelihood),
            _ => None,
        }
    }
}

/// Whether a program shows something of a text, which may be shorter than its input.
pub(crate) fn is_about_texts(file: &ProgramFile) -> bool {
    Shows::of(file).is_some()
}

/// What is asked of a text.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// For how many tokens it is gone on with.
    pub generate: Option<usize>,
    /// Reads words, and shows ids as words.
    pub tokenizer: Option<Tokenizer>,
    /// The seed that tokens are drawn by.
    pub seed: Option<String>,
}

/// The words of a seed, which is there if and only if the program draws.
pub(crate) fn words_of(
    file: &ProgramFile,
    seed: Option<&str>,
    key: impl FnOnce() -> Result<KeyDigest, Failure>,
) -> Result<Option<Vec<i64>>, Failure> {
    match (seeds(&file.program).next(), seed) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::usage("--seed: the model was not compiled to draw tokens")
            .hint("compile it with `zktorch compile --task sample`")),
        (Some(_), None) => Err(Failure::usage("the model draws tokens by a seed, and --seed is missing")
            .hint("take one from whoever verifies, or from a beacon, once the prompt is fixed")),
        (Some(_), Some(seed)) => Ok(Some(words(&key()?, seed.as_bytes()))),
    }
}

/// Reads the one input that a file holds, as integers: a text alone where the program is about texts, to be gone on with.
pub(crate) fn read_input(
    given: &Given,
    file: &ProgramFile,
    weights: &Weights,
    (asked, seed): (&Asked, Option<Vec<i64>>),
    phases: &mut Phases<'_>,
) -> Result<Vec<Vec<i64>>, Failure> {
    let (generate, tokenizer) = (asked.generate, asked.tokenizer.as_ref());
    let shows = Shows::of(file);
    if generate.is_some() && shows != Some(Shows::Completion) {
        return Err(Failure::usage("--generate: the model was not compiled to generate")
            .hint("compile it with `zktorch compile --task generate`"));
    }
    let Some(shows) = shows else { return input::integers(given, &file.inputs, phases) };
    let ports = &file.inputs[..file.inputs.len() - usize::from(seed.is_some())];
    let arrays = read_texts(given, ports, tokenizer)?;
    let text = match arrays.as_slice() {
        [text] => text,
        _ if generate.is_some() => {
            return Err(given.unfit("it says more than a text").hint("--generate goes on with a text alone"));
        }
        // A pipe is read once.
        all if all.len() == ports.len() => {
            let integers = ports.iter().zip(all).map(|(port, values)| port.quantise(values));
            let given = integers.collect::<Result<Vec<_>, _>>().map_err(|e| given.unfit(e))?;
            return Ok(given.into_iter().chain(seed).collect());
        }
        _ => return Ok(input::integers(given, ports, phases)?.into_iter().chain(seed).collect()),
    };
    let room = file.inputs[0].shape.iter().product::<usize>();
    let lengths = |least: usize, most: usize| {
        let why = format!("a text of {} tokens, expected {least} to {most}", text.len());
        if (least..=most).contains(&text.len()) { Ok(()) } else { Err(given.unfit(why)) }
    };
    let filled = filled(text, room);
    let ids = || file.inputs[0].quantise(&filled).map_err(|e| given.unfit(e));
    match (shows, generate) {
        (Shows::Likelihood, _) => {
            lengths(2, room)?;
            let counted = (0..room).map(|place| i64::from((1..text.len()).contains(&place))).collect();
            Ok(vec![ids()?, counted])
        }
        (Shows::Completion, Some(tokens)) => {
            let most = file.inputs[1].shape.iter().product();
            if !(1..=most).contains(&tokens) {
                return Err(Failure::usage(format!("--generate {tokens}: expected 1 to {most} tokens"))
                    .hint("`zktorch compile --new-tokens` says how many one proof can show"));
            }
            lengths(1, room - tokens)?;
            complete(file, weights, (ids()?, text.len(), seed), tokens, phases)
        }
        (Shows::Completion, None) => Err(given
            .unfit(format!("a text alone; input `{PLACES}` is missing"))
            .hint("--generate N goes on with the text for N tokens")),
    }
}

/// The arrays that are given, as long as they are, or the ids of the words that a file says.
pub(crate) fn read_texts(given: &Given, ports: &[Port], tokenizer: Option<&Tokenizer>) -> Result<Vec<Vec<f64>>, Failure> {
    match (said(given.path())?, tokenizer) {
        (Some(words), Some(tokenizer)) => Ok(vec![tokenizer.ids(&words)?]),
        (Some(_), None) => Err(given.unfit("a text, and there is no tokenizer").hint("--tokenizer FILE.json reads it")),
        (None, _) => given.arrays(ports),
    }
}

/// The words of a file that is a text, less the end of its last line.
fn said(path: &Path) -> Result<Option<String>, Failure> {
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("txt")) {
        return Ok(None);
    }
    let bytes = files::read(path)?;
    let words = String::from_utf8(bytes).map_err(|_| Failure::file("read", path, "it is not UTF-8"))?;
    Ok(Some(words.strip_suffix('\n').map_or(words.as_str(), |words| words.strip_suffix('\r').unwrap_or(words)).to_owned()))
}

/// A text whose tokens behind its first `prompt` are the integer model's answers, or what it draws, the places of these, and the seed.
///
/// All answers are read off one run. Those behind a wrong guess may be wrong, the first of them is right: so each run settles a token at least, and
/// often several.
fn complete(
    file: &ProgramFile,
    weights: &Weights,
    (mut ids, prompt, seed): (Vec<i64>, usize, Option<Vec<i64>>),
    tokens: usize,
    phases: &mut Phases<'_>,
) -> Result<Vec<Vec<i64>>, Failure> {
    let slots = file.inputs[1].shape.iter().product::<usize>();
    let places: Vec<i64> = (0..slots).map(|slot| (prompt - 1 + slot.min(tokens - 1)) as i64).collect();
    let (program, takes) = (&file.program, file.inputs[0].interval);
    let Some(&output) = program.outputs.first() else { return Err(Failure::internal("the program has no output")) };
    phases.begin("generating");
    for _ in 0..=tokens {
        let inputs: Vec<Vec<i64>> = [ids.clone(), places.clone()].into_iter().chain(seed.clone()).collect();
        let trace = execute(program, weights, &inputs).map_err(run_failure)?;
        let answers = trace.values(program, output);
        let guesses = ids[prompt..].iter_mut().zip(answers.iter()).take(tokens);
        let mut wrong = guesses.filter(|(id, answer)| **id != **answer).peekable();
        let Some((_, first)) = wrong.peek() else { return Ok(inputs) };
        if !takes.contains(**first) {
            let why = format!("the model goes on with a token that it does not take: it takes {} to {}", takes.lo, takes.hi);
            return Err(Failure::new(Kind::Input, why).hint("it gives logits for more tokens than it has embeddings for"));
        }
        wrong.filter(|(_, answer)| takes.contains(**answer)).for_each(|(id, answer)| *id = *answer);
    }
    Err(Failure::internal("the model's answers depend on tokens behind them").hint("this is a defect of zktorch"))
}
