//! Words at the edge: text becomes token ids before anything is proved, and ids become text after anything was verified.
//!
//! No proof knows of it. A tokenizer is the user's own file: two people with different ones read different texts in the same ids.

use crate::failure::Failure;
use crate::files;
use std::path::Path;
use zktorch_verdict::Tensor;
use zktorch_verdict::show::plain;
use zktorch_verdict::texts::texts;

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
    pub fn text(&self, ids: &[i64]) -> Option<String> {
        let ids: Option<Vec<u32>> = ids.iter().map(|&id| u32::try_from(id).ok()).collect();
        self.0.decode(&ids?, false).ok()
    }

    /// What the ids among some inputs and outputs say, under their names.
    pub fn texts(&self, tensors: &[Tensor]) -> Vec<(String, String)> {
        texts(tensors, &|ids| self.text(ids))
    }
}
