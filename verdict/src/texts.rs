//! What ids say as text, by a tokenizer that the reader of a verdict has. No proof knows of it.

use crate::answered::runs;
use crate::show::plain;
use crate::tensor::Tensor;
use serde_json::{Value, json};
use zktorch_blocks::goal::{COMPLETION, COUNTED, PLACES, SEED};
use zktorch_blocks::program::Element;

/// Stands between answers whose places do not follow one another.
const APART: &str = " [..] ";

/// The text of ids, special tokens included; none where an id is no token.
pub type Decode<'a> = dyn Fn(&[i64]) -> Option<String> + 'a;

/// What the ids among some inputs and outputs say, under their names: as much of a text as is answered or counted.
pub fn texts(tensors: &[Tensor], decode: &Decode<'_>) -> Vec<(String, String)> {
    let named = |name: &str| tensors.iter().find(|tensor| tensor.name == name).map(|tensor| tensor.integers.as_slice());
    let places = named(PLACES).unwrap_or_default();
    let answered = places.iter().max().and_then(|&last| usize::try_from(last).ok()).map(|last| last.saturating_add(2));
    let counted = named(COUNTED).and_then(|bits| bits.iter().rposition(|&bit| bit != 0)).map(|last| last + 1);
    let of_ids = |tensor: &&Tensor| tensor.element == Element::Integer && ![PLACES, SEED].contains(&tensor.name.as_str());
    // Tokens that stand apart in the text are no phrase of it.
    let completion = |tokens: &[i64]| {
        let piece = |run: &Vec<usize>| decode(&run.iter().filter_map(|&n| tokens.get(n).copied()).collect::<Vec<_>>());
        Some(runs(places).iter().map(piece).collect::<Option<Vec<String>>>()?.join(APART))
    };
    let text = |tensor: &Tensor| {
        let all = tensor.integers.len();
        let text = match tensor.name == COMPLETION && !places.is_empty() {
            true => completion(&tensor.integers),
            false => decode(tensor.integers.get(..answered.or(counted).unwrap_or(all).min(all))?),
        };
        Some((tensor.name.clone(), text?))
    };
    tensors.iter().filter(of_ids).filter_map(text).collect()
}

/// Texts for people, one line each.
pub fn lines(texts: &[(String, String)]) -> Vec<(&'static str, String)> {
    texts.iter().map(|(name, text)| ("text", format!("{}: {}", plain(name), plain(text)))).collect()
}

/// Texts as JSON: by the names of what they are read from.
pub fn to_json(texts: &[(String, String)]) -> Value {
    texts.iter().map(|(name, text)| (name.clone(), json!(text))).collect::<serde_json::Map<_, _>>().into()
}
