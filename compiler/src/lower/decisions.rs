//! What a lowering decides by weights and samples, written down so that it can be repeated by somebody who has neither.
//!
//! All else follows from the architecture. A decision is a scale, a width, or where a table begins: what the program shows anyway, or
//! powers of two of the same kind, so that the notes tell nothing new about the weights.

use std::ops::RangeInclusive;

use super::builder::Refusal;
use crate::quantise::{SCALES, Settings};

/// Bits of a weight that may be noted, less its sign.
pub(super) const WIDTHS: RangeInclusive<i64> = 0..=40;

/// Decisions in the order in which a lowering comes to them.
#[derive(Debug)]
pub(crate) enum Decisions<'n> {
    /// Made here; all of them so far.
    Made(Vec<i64>),
    /// Made earlier; all of them, and how many are used up.
    Noted(&'n [i64], usize),
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

    /// The next decision: `make` makes it, or an earlier lowering has.
    ///
    /// # Errors
    /// If it is not allowed, or was not noted.
    pub fn next(&mut self, allowed: RangeInclusive<i64>, make: impl FnOnce() -> i64) -> Result<i64, Refusal> {
        let decision = match self {
            Self::Made(_) => make(),
            Self::Noted(notes, used) => *notes.get(*used).ok_or("the annotations end too early")?,
        };
        if !allowed.contains(&decision) {
            return Err(format!("a decision of {decision}, expected {} to {}", allowed.start(), allowed.end()));
        }
        match self {
            Self::Made(notes) => notes.push(decision),
            Self::Noted(_, used) => *used += 1,
        }
        Ok(decision)
    }

    /// The next decision, a scale.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn scale(&mut self, make: impl FnOnce() -> i32) -> Result<i32, Refusal> {
        self.next(SCALES, || i64::from(make())).map(|scale| scale as i32)
    }

    /// All decisions.
    ///
    /// # Errors
    /// If some were noted that this lowering had no use for.
    pub fn finish(self) -> Result<Vec<i64>, Refusal> {
        match self {
            Self::Made(notes) => Ok(notes),
            Self::Noted(notes, used) if used == notes.len() => Ok(notes.to_vec()),
            Self::Noted(notes, used) => Err(format!("there are {}, this model has use for {used}", notes.len())),
        }
    }
}
