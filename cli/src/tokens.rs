//! Words at the edge: text becomes token ids before anything is proved, and ids become text after anything was verified.
//!
//! No proof knows of it. A tokenizer is the user's own file: two people with different ones read different texts in the same ids.

use crate::answered::runs;
use crate::failure::Failure;
use crate::files;
use crate::show::{Tensor, plain};
use serde_json::{Value, json};
use std::path::Path;
use zktorch_blocks::program::Element;
use zktorch_compiler::goal::{COMPLETION, COUNTED, PLACES, SEED};

/// Stands between answers whose places do not follow one another.
const APART: &str = " [..] ";

/// From text to ids and back.
pub struct Tokenizer(tokenizers::Tokenizer);

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        files::readable(path)?;
        let failed =
            |why| Failure::file("read", path, why).hint("a tokenizer.json is needed, as the model's makers give it");
        tokenizers::Tokenizer::from_file(path).map(Self).map_err(|e| failed(plain(&e.to_string())))
    }

    /// The ids of a text, with what the tokenizer puts around it.
    pub fn ids(&self, text: &str) -> Result<Vec<f64>, Failure> {
        let failed = |e: tokenizers::Error| Failure::undecided(format!("the tokenizer fails: {}", plain(&e.to_string())));
        let encoding = self.0.encode(text, true).map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| f64::from(id)).collect())
    }

    /// The text of ids, special tokens included; none where an id is no token.
    fn text(&self, ids: &[i64]) -> Option<String> {
        let ids: Option<Vec<u32>> = ids.iter().map(|&id| u32::try_from(id).ok()).collect();
        self.0.decode(&ids?, false).ok()
    }

    /// What the ids among some inputs and outputs say, under their names: as much of a text as is answered or counted.
    pub fn texts(&self, tensors: &[Tensor]) -> Vec<(String, String)> {
        let named = |name: &str| tensors.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.integers.as_slice());
        let places = named(PLACES).unwrap_or_default();
        let answered = places.iter().max().and_then(|&last| usize::try_from(last).ok()).map(|last| last + 2);
        let counted = named(COUNTED).and_then(|bits| bits.iter().rposition(|&bit| bit != 0)).map(|last| last + 1);
        let of_ids =
            |tensor: &&Tensor| tensor.element == Element::Integer && ![PLACES, SEED].contains(&tensor.name.as_str());
        // Tokens that stand apart in the text are no phrase of it.
        let completion = |tokens: &[i64]| {
            let piece =
                |run: &Vec<usize>| self.text(&run.iter().filter_map(|&n| tokens.get(n).copied()).collect::<Vec<_>>());
            Some(runs(places).iter().map(piece).collect::<Option<Vec<String>>>()?.join(APART))
        };
        let text = |tensor: &Tensor| {
            let all = tensor.integers.len();
            let text = match tensor.name == COMPLETION && !places.is_empty() {
                true => completion(&tensor.integers),
                false => self.text(&tensor.integers[..answered.or(counted).unwrap_or(all).min(all)]),
            };
            Some((tensor.name.clone(), text?))
        };
        tensors.iter().filter(of_ids).filter_map(text).collect()
    }
}

/// Texts for people, one line each.
pub fn lines(texts: &[(String, String)]) -> Vec<(&'static str, String)> {
    texts.iter().map(|(name, text)| ("text", format!("{}: {}", plain(name), plain(text)))).collect()
}

/// Texts as JSON: by the names of what they are read from.
pub fn to_json(texts: &[(String, String)]) -> Value {
    texts.iter().map(|(name, text)| (name.clone(), json!(text))).collect::<serde_json::Map<_, _>>().into()
}
