//! What became of all cases.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Fate, Proved};

/// Floats this close are as good as they get.
const CLOSE: f64 = 0.001;
/// Names of cases that a reason is shown with.
const SHOWN: usize = 4;

/// What became of one case.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Whether it is counted among those with a function written out.
    pub expanded: bool,
    /// What became of it.
    pub fate: Fate,
    /// Whether a proof of it was made and accepted; none if that was not tried.
    pub proved: Option<Result<Proved, String>>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, fate, proved, .. } = self;
        match fate {
            Fate::Right(error) => write!(f, "{name}: right ({:.3} %)", 100.0 * error)?,
            Fate::Refused(reason) => write!(f, "{name}: refused: {reason}")?,
            Fate::Wrong(how) => write!(f, "{name}: WRONG: {how}")?,
            Fate::Panicked(how) => write!(f, "{name}: PANIC: {how}")?,
        }
        match proved {
            None => Ok(()),
            Some(Ok(_)) => f.write_str(", proved"),
            Some(Err(reason)) => write!(f, ", NOT PROVED: {reason}"),
        }
    }
}

/// All cases of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    /// Cases.
    pub cases: usize,
    /// Right ones.
    pub right: usize,
    /// Right ones whose floats are within a thousandth.
    pub close: usize,
    /// Refused ones.
    pub refused: usize,
    /// Wrong ones.
    pub wrong: usize,
    /// Panics.
    pub panics: usize,
    /// Proved and verified ones.
    pub proved: usize,
    /// Those of which a proof was tried in vain.
    pub unproved: usize,
    /// Names of refused cases by reason.
    pub reasons: BTreeMap<String, Vec<String>>,
}

impl Table {
    /// Counts cases.
    pub fn of<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Self {
        lines.into_iter().fold(Self::default(), |mut table, line| {
            table.cases += 1;
            match &line.fate {
                Fate::Right(error) => {
                    table.right += 1;
                    table.close += usize::from(*error <= CLOSE);
                }
                Fate::Refused(reason) => {
                    table.refused += 1;
                    table.reasons.entry(general(reason)).or_default().push(line.name.clone());
                }
                Fate::Wrong(_) => table.wrong += 1,
                Fate::Panicked(_) => table.panics += 1,
            }
            match &line.proved {
                Some(Ok(_)) => table.proved += 1,
                Some(Err(_)) => table.unproved += 1,
                None => {}
            }
            table
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cases, right, close, refused, wrong, panics, proved, unproved, reasons } = self;
        writeln!(
            f,
            "| cases | right | of these within 0.1 % | refused | wrong | panics | proved and verified | proofs that failed |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        writeln!(f, "| {cases} | {right} | {close} | {refused} | {wrong} | {panics} | {proved} | {unproved} |")?;
        if reasons.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n| refused | reason | as |\n|---|---|---|")?;
        let mut reasons: Vec<_> = reasons.iter().collect();
        reasons.sort_by_key(|(reason, names)| (std::cmp::Reverse(names.len()), *reason));
        for (reason, names) in reasons {
            let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            writeln!(f, "| {} | {} | {} |", names.len(), reason.replace('|', "\\|"), shown.join(", "))?;
        }
        Ok(())
    }
}

/// A reason without what is particular to the case: names of nodes.
fn general(reason: &str) -> String {
    let mut parts = reason.split('`');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(quoted), Some(rest)) = (parts.next(), parts.next()) {
        let named = ["node ", "tensor ", "input ", "value "].iter().any(|kind| text.ends_with(kind));
        text.push_str(&if named { "..".to_owned() } else { format!("`{quoted}`") });
        text.push_str(rest);
    }
    text
}
