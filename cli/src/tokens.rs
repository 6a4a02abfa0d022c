//! Words at the edge: text becomes token ids before anything is proved, and ids become text after anything was verified.
//!
//! No proof knows of it. A tokenizer is the user's own file: two people with different ones read different texts in the same ids.

use crate::failure::Failure;
use crate::files;
use crate::show::{Tensor, plain};
use serde_json::{Value, json};
use std::path::Path;
use zktorch_blocks::program::Element;
use zktorch_compiler::goal::{COMPLETION, COUNTED, PLACES, SEED};

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
        // A place that is repeated fills the list up.
        let answers = places.windows(2).position(|pair| pair[0] == pair[1]).map_or(places.len(), |last| last + 1);
        let answered = places.iter().max().and_then(|&last| usize::try_from(last).ok()).map(|last| last + 2);
        let counted = named(COUNTED).and_then(|bits| bits.iter().rposition(|&bit| bit != 0)).map(|last| last + 1);
        let of_ids =
            |tensor: &&Tensor| tensor.element == Element::Integer && ![PLACES, SEED].contains(&tensor.name.as_str());
        let text = |tensor: &Tensor| {
            let all = tensor.integers.len();
            let length = if tensor.name == COMPLETION { answers } else { answered.or(counted).unwrap_or(all) };
            Some((tensor.name.clone(), self.text(&tensor.integers[..length.min(all)])?))
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
