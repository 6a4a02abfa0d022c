//! How many models came to what.

use std::collections::BTreeMap;
use std::fmt;

use super::judge::{Outcome, Stage};

/// Counts of outcomes, and of reasons by their kind.
#[derive(Clone, Debug, Default)]
pub struct Table {
    classes: BTreeMap<&'static str, usize>,
    reasons: BTreeMap<(&'static str, String), Vec<u64>>,
}

impl Table {
    /// Takes in one model's outcome.
    pub fn add(&mut self, seed: u64, outcome: &Outcome) {
        let (class, reason) = match outcome {
            Outcome::Right => ("right", None),
            Outcome::Inexact => ("inexact, as stated", None),
            Outcome::Refused(Stage::Import, reason) => ("refused at import", Some(reason)),
            Outcome::Refused(Stage::Compile, reason) => ("refused at compilation", Some(reason)),
            Outcome::Refused(Stage::Run, reason) => ("refused on a calibration sample", Some(reason)),
            Outcome::Sensitive => ("near a jump or a pole", None),
            Outcome::NoReference(reason) => ("without reference", Some(reason)),
            Outcome::Wrong(_) => ("WRONG", None),
            Outcome::Panicked(reason) => ("PANIC", Some(reason)),
        };
        self.count(seed, class, reason.map_or("", String::as_str));
    }

    /// Takes in a model that ended the process or took too long.
    pub fn lost(&mut self, seed: u64, how: &'static str) {
        self.count(seed, how, "");
    }

    fn count(&mut self, seed: u64, class: &'static str, reason: &str) {
        *self.classes.entry(class).or_default() += 1;
        if !reason.is_empty() || class.chars().all(char::is_uppercase) {
            self.reasons.entry((class, kind(reason))).or_default().push(seed);
        }
    }

    /// Models of a class.
    pub fn of(&self, class: &str) -> usize {
        self.classes.get(class).copied().unwrap_or(0)
    }

    /// All models.
    pub fn total(&self) -> usize {
        self.classes.values().sum()
    }
}

/// A reason without names and numbers.
fn kind(reason: &str) -> String {
    let mut text = String::new();
    for (index, part) in reason.split('`').enumerate() {
        text.push_str(if index % 2 == 0 { part } else { "_" });
    }
    let text: String = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let mut words: Vec<&str> = text.split_whitespace().collect();
    words.dedup();
    words.join(" ").replace("##", "#").chars().take(170).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        for (class, count) in &self.classes {
            writeln!(f, "{count:>6} of {total}  {class}")?;
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|((class, _), seeds)| (*class, std::cmp::Reverse(seeds.len())));
        for ((class, reason), seeds) in reasons {
            // What must not be is listed whole.
            let shown = if reason.is_empty() { seeds.len() } else { 6 };
            writeln!(f, "{:>6} {class}: {reason} (seeds {:?})", seeds.len(), &seeds[..seeds.len().min(shown)])?;
        }
        Ok(())
    }
}
