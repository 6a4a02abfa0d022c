//! Two builds of `zktorch`, in turn: the one of before and this one, on the same models and inputs, in fresh processes.
//!
//! What counts is the median of each. Whatever else slows the machine slows both, and processor time less than the clock.

use crate::args::Args;
use crate::model::{Model, Sources};
use crate::subject::{Plan, Zktorch};
use crate::table::{bytes, count, seconds};
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The word that asks for this.
pub const COMMAND: &str = "pair";

/// What one build took for one model with one number of threads; seconds are medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// Wall-clock seconds of `compile`, once.
    pub compile: f64,
    /// Wall-clock seconds of `prove`.
    pub prove: f64,
    /// Processor seconds of `prove`.
    pub processor: f64,
    /// The highest peak of `prove`.
    pub peak_bytes: u64,
    /// Bytes of the proof's file.
    pub proof_bytes: u64,
}

/// A model with both builds, the former first.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The model.
    pub model: String,
    /// Threads that proved.
    pub threads: usize,
    /// Both builds.
    pub sides: [Side; 2],
}

/// Compiles every model with both builds, then proves in turn.
///
/// # Errors
/// If there are no models. A model that fails is left out, and said.
pub fn run(args: &Args, plan: &Plan, builds: &[Zktorch; 2], work: &Path) -> Result<Vec<Pair>> {
    let sources = Sources::new(args, &work.join("models"));
    let mut all = Vec::new();
    for name in sources.expand(&args.models)? {
        let model = sources.find(&name)?;
        match both(&model, plan, builds, &work.join(COMMAND)) {
            Ok(pairs) => all.extend(pairs),
            Err(why) => eprintln!("{name}: {why:#}"),
        }
    }
    if all.is_empty() {
        bail!("no models");
    }
    Ok(all)
}

fn both(model: &Model, plan: &Plan, builds: &[Zktorch; 2], work: &Path) -> Result<Vec<Pair>> {
    let folders = ["before", "now"].map(|side| work.join(side).join(&model.name));
    let mut compile = [0.0; 2];
    for ((build, folder), seconds) in builds.iter().zip(&folders).zip(&mut compile) {
        eprintln!("{}: compiling with {} ..", model.name, build.binary.display());
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        *seconds = build.compile(model, &folder.join("compiled"), plan)?.1.seconds;
    }
    plan.threads.iter().map(|&threads| in_turn(model, threads, plan, builds, &folders, compile)).collect()
}

fn in_turn<P: AsRef<Path>>(
    model: &Model,
    threads: usize,
    plan: &Plan,
    builds: &[Zktorch; 2],
    folders: &[P; 2],
    compile: [f64; 2],
) -> Result<Pair> {
    eprintln!("{}: {} rounds on {threads} threads ..", model.name, plan.repeat);
    let mut usages = [Vec::new(), Vec::new()];
    let mut proof_bytes = [0; 2];
    for _ in 0..plan.repeat {
        for side in 0..2 {
            let folder = folders[side].as_ref();
            let proof = folder.join("proof.zkp");
            usages[side].push(builds[side].prove(model, &folder.join("compiled"), &proof, threads, plan)?.1);
            proof_bytes[side] = fs::metadata(&proof).with_context(|| format!("no {}", proof.display()))?.len();
        }
    }
    let side = |side: usize| Side {
        compile: compile[side],
        prove: median(usages[side].iter().map(|usage| usage.seconds)),
        processor: median(usages[side].iter().map(|usage| usage.cpu_seconds)),
        peak_bytes: usages[side].iter().map(|usage| usage.peak_bytes).max().unwrap_or(0),
        proof_bytes: proof_bytes[side],
    };
    Ok(Pair { model: model.name.clone(), threads, sides: [side(0), side(1)] })
}

/// The median, the lower one of two; not a number of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

/// A Markdown table.
pub fn markdown(all: &[Pair]) -> String {
    let mut text = "| model | threads | prove, before / now | times | processor, before / now | times \
                    | peak, before / now | share | proof bytes, before / now | compile, before / now |\n"
        .to_owned();
    text.push_str("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n");
    for Pair { model, threads, sides: [before, now] } in all {
        let times = |a: f64, b: f64| format!("{:.2}", a / b);
        let both = |cell: &dyn Fn(&Side) -> String| format!("{} / {}", cell(before), cell(now));
        let cells = [
            model.clone(),
            threads.to_string(),
            both(&|side| seconds(side.prove)),
            times(before.prove, now.prove),
            both(&|side| seconds(side.processor)),
            times(before.processor, now.processor),
            both(&|side| bytes(side.peak_bytes)),
            format!("{:.0} %", 100.0 * now.peak_bytes as f64 / before.peak_bytes as f64),
            both(&|side| count(side.proof_bytes)),
            both(&|side| seconds(side.compile)),
        ];
        // A string takes all.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([3.0, 1.0].into_iter()), 1.0);
        assert!(median([].into_iter()).is_nan());
        let side = |prove: f64, peak: u64| Side {
            compile: 2.0,
            prove,
            processor: 2.0 * prove,
            peak_bytes: peak << 20,
            proof_bytes: 1234,
        };
        let pair = Pair { model: "m".into(), threads: 2, sides: [side(0.3, 100), side(0.1, 25)] };
        let line = markdown(&[pair]).lines().last().unwrap().to_owned();
        let expected = "| m | 2 | 300 ms / 100 ms | 3.00 | 600 ms / 200 ms | 3.00 | 100 MiB / 25.0 MiB | 25 % | 1,234 / 1,234 | 2.00 s / 2.00 s |";
        assert_eq!(line, expected);
    }
}
