//! Provers that are measured.

mod ezkl;
mod zktorch;

pub use ezkl::Ezkl;
pub use zktorch::Zktorch;

use crate::measure::{Launcher, Usage};
use crate::model::Model;
use crate::record::Row;
use anyhow::Result;
use serde_json::Value;
use std::path::Path;

/// How everything is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Starts the commands.
    pub launcher: Launcher,
    /// Numbers of threads.
    pub threads: Vec<usize>,
    /// Repetitions of proof and verification.
    pub repeat: u32,
}

/// A prover.
pub trait Subject {
    /// Its name, with the version where that is pinned.
    fn name(&self) -> String;

    /// Measures a model and fills the row as far as it gets. Files go below `work`, an empty folder.
    ///
    /// # Errors
    /// If a step fails; what the row holds by then was measured.
    fn measure(&self, model: &Model, work: &Path, plan: &Plan, row: &mut Row) -> Result<()>;
}

impl Plan {
    /// Runs a command and returns the JSON it prints with what it used.
    fn step(&self, what: &str, program: &Path, args: &[&str], env: &[(&str, String)]) -> Result<(Value, Usage)> {
        let finished = self.launcher.run(program, args, env)?;
        Ok((finished.json(what, &self.launcher.limits)?, finished.usage))
    }

    /// Repeats a step; the fastest, and the seconds of all.
    fn fastest(&self, step: impl Fn() -> Result<(Value, Usage)>) -> Result<(Value, Usage, Vec<f64>)> {
        let (mut value, mut usage) = step()?;
        let mut all = vec![usage.seconds];
        for _ in 1..self.repeat {
            let (next_value, next) = step()?;
            all.push(next.seconds);
            let peak_bytes = usage.peak_bytes.max(next.peak_bytes);
            if next.seconds < usage.seconds {
                (value, usage) = (next_value, next);
            }
            usage.peak_bytes = peak_bytes;
        }
        Ok((value, usage, all))
    }
}

/// A path as a word of a command line. Paths come from the command line or are made of names of models.
fn word(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| anyhow::anyhow!("{} is not UTF-8", path.display()))
}

/// Sizes of files, added up.
fn sizes(folder: &Path, names: &[&str]) -> Option<u64> {
    names.iter().map(|name| std::fs::metadata(folder.join(name)).ok().map(|m| m.len())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Ending, Limits};
    use std::cell::Cell;

    #[test]
    fn the_fastest_counts_and_the_highest_peak() {
        let limits = Limits { seconds: 1.0, bytes: 1 };
        let launcher = Launcher { watcher: "x".into(), limits, folder: "x".into() };
        let plan = Plan { launcher, threads: vec![1], repeat: 3 };
        let calls = Cell::new(0usize);
        let step = || {
            let at = calls.replace(calls.get() + 1);
            let usage = Usage {
                ending: Ending::Exit(Some(0)),
                seconds: [3.0, 1.0, 2.0][at],
                cpu_seconds: 0.0,
                peak_bytes: [7, 5, 9][at],
            };
            Ok((Value::from(at), usage))
        };
        let (value, usage, all) = plan.fastest(step).unwrap();
        assert_eq!((value, usage.seconds, usage.peak_bytes, all), (Value::from(1), 1.0, 9, vec![3.0, 1.0, 2.0]));
    }
}
