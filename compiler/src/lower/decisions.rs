//! What a lowering decides by weights and samples, written down so that it can be repeated by somebody who has neither.
//!
//! All else follows from the architecture. A decision is a scale, a width, or where a table begins: what the program shows anyway, or
//! powers of two of the same kind, so that the notes tell nothing new about the weights.

use std::ops::RangeInclusive;

use super::error::Refusal;
use crate::quantise::{Note, Settings};

/// Bits of a weight that may be noted, less its sign.
pub(super) const WIDTHS: RangeInclusive<i64> = 0..=40;

/// Decisions in the order in which a lowering comes to them.
#[derive(Debug)]
pub(crate) enum Decisions<'n> {
    /// Made here; all of them so far.
    Made(Vec<i64>),
    /// Made earlier; all of them, and how many are used up.
    Noted(&'n [i64], usize),
    /// Made earlier for the model, about which something else is asked now.
    Begun(&'n [i64], usize),
}

impl<'n> Decisions<'n> {
    /// Decisions yet to be made under these settings.
    pub fn made(settings: Settings) -> Self {
        Self::Made(settings.notes().to_vec())
    }

    /// Decisions of an earlier lowering, and its settings.
    ///
    /// # Errors
    /// If these are no settings.
    pub fn noted(notes: &'n [i64]) -> Result<(Settings, Self), Refusal> {
        let first = notes.first_chunk().ok_or("they are missing: the program was not compiled from a model")?;
        let settings = Settings::of_notes(*first).ok_or("they do not begin with settings of the compiler")?;
        Ok((settings, Self::Noted(notes, first.len())))
    }

    /// Those of them that are about the model; what is decided about a question is decided anew.
    pub fn begun(self) -> Self {
        match self {
            Self::Noted(notes, used) => Self::Begun(notes, used),
            other => other,
        }
    }

    /// Goes on with what is asked about the model.
    pub fn ask(&mut self) {
        if let Self::Begun(notes, used) = self {
            *self = Self::Made(notes.iter().take(*used).copied().collect());
        }
    }

    /// The next decision: `make` makes it, or an earlier lowering has.
    ///
    /// # Errors
    /// If it is not allowed, or was not noted.
    pub fn next(&mut self, note: Note, allowed: RangeInclusive<i64>, make: impl FnOnce() -> i64) -> Result<i64, Refusal> {
        let decision = match self {
            Self::Made(_) => make(),
            Self::Noted(notes, used) | Self::Begun(notes, used) => {
                let ended = || Refusal::Annotation(format!("the annotations end before the {note}"));
                *notes.get(*used).ok_or_else(ended)?
            }
        };
        if !allowed.contains(&decision) {
            let why =
                format!("the {note} is {decision} by the annotations, expected {} to {}", allowed.start(), allowed.end());
            return Err(Refusal::Annotation(why));
        }
        match self {
            Self::Made(notes) => notes.push(decision),
            Self::Noted(_, used) | Self::Begun(_, used) => *used += 1,
        }
        Ok(decision)
    }

    /// All decisions.
    ///
    /// # Errors
    /// If some were noted that this lowering had no use for.
    pub fn finish(self) -> Result<Vec<i64>, Refusal> {
        match self {
            Self::Made(notes) => Ok(notes),
            Self::Begun(notes, used) => Ok(notes.iter().take(used).copied().collect()),
            Self::Noted(notes, used) if used == notes.len() => Ok(notes.to_vec()),
            Self::Noted(notes, used) => {
                Err(Refusal::Annotation(format!("there are {} annotations, this model has use for {used}", notes.len())))
            }
        }
    }
}
