//! Words at the edge: text becomes token ids before anything is proved, and ids become text after anything was verified.
//!
//! No proof knows of it. A tokenizer is the user's own file: two people with different ones read different texts in the same ids.

use crate::failure::{Failure, Kind};
#[cfg(feature = "text")]
use crate::files;
use std::path::Path;
use zktorch_verdict::Tensor;
#[cfg(feature = "text")]
use zktorch_verdict::show::plain;
use zktorch_verdict::texts::texts;

/// From text to ids and back.
#[cfg(feature = "text")]
#[derive(Clone)]
pub struct Tokenizer(Box<tokenizers::Tokenizer>);

/// There is none without the feature `text`.
#[cfg(not(feature = "text"))]
#[derive(Clone)]
pub enum Tokenizer {}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a tokenizer")
    }
}

#[cfg(not(feature = "text"))]
impl Tokenizer {
    /// Refuses: this zktorch was built without tokenizers.
    ///
    /// # Errors
    /// Always.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Err(Failure::file("read", path, "this zktorch was built without tokenizers").of(Kind::Usage))
    }

    /// There is no tokenizer to ask.
    pub fn ids(&self, _text: &str) -> Result<Vec<f64>, Failure> {
        match *self {}
    }

    /// There is no tokenizer to ask.
    pub fn text(&self, _ids: &[i64]) -> Option<String> {
        match *self {}
    }
}

#[cfg(feature = "text")]
impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        files::readable(path)?;
        let failed =
            |why| Failure::file("read", path, why).hint("a tokenizer.json is needed, as the model's makers give it");
        tokenizers::Tokenizer::from_file(path).map(|all| Self(Box::new(all))).map_err(|e| failed(plain(&e.to_string())))
    }

    /// The ids of a text, with what the tokenizer puts around it.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn ids(&self, text: &str) -> Result<Vec<f64>, Failure> {
        let failed =
            |e: tokenizers::Error| Failure::new(Kind::Input, format!("the tokenizer fails: {}", plain(&e.to_string())));
        let encoding = self.0.encode(text, true).map_err(failed)?;
        Ok(encoding.get_ids().iter().map(|&id| f64::from(id)).collect())
    }

    /// The text of ids, special tokens included; none where an id is no token.
    pub fn text(&self, ids: &[i64]) -> Option<String> {
        let ids: Option<Vec<u32>> = ids.iter().map(|&id| u32::try_from(id).ok()).collect();
        self.0.decode(&ids?, false).ok()
    }
}

impl Tokenizer {
    /// What the ids among some inputs and outputs say, under their names.
    pub fn texts(&self, tensors: &[Tensor]) -> Vec<(String, String)> {
        texts(tensors, &|ids| self.text(ids))
    }
}
