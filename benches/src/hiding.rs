//! What hiding costs: the protocol and its plain mode, side by side on the same keys and input.
//!
//! Both run in this process, in turn, on one pool of threads. What counts is the median of each; processor time is the
//! process's own, so that other work on the machine disturbs it less than it does the clock.

use crate::args::Args;
use crate::measure::Launcher;
use crate::model::Sources;
use crate::pair;
use crate::plain;
use crate::table::seconds;
use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;
use zktorch_accumulator::setup::{Decider, Generators};
use zktorch_prover::{Prover, ProvingKey, Randomness};
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify};

/// The word that asks for this.
pub const COMMAND: &str = "hiding";

/// Seconds by the clock and of the processor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// By the clock.
    pub wall: f64,
    /// Of all threads.
    pub processor: f64,
}

/// Medians of one model, hidden first and plain second.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The model.
    pub model: String,
    /// Threads that proved.
    pub threads: usize,
    /// Proving.
    pub prove: [Cost; 2],
    /// Verification.
    pub verify: [Cost; 2],
    /// Bytes of the messages.
    pub bytes: [usize; 2],
}

/// A compiled model and the integers of an input.
struct Compiled {
    proving: ProvingKey,
    verifying: VerifyingKey,
    inputs: Vec<Vec<i64>>,
}

impl Compiled {
    /// Compiles a model, and proves once: the proof says which integers its public inputs are.
    fn new(name: &str, args: &Args, sources: &Sources, work: &Path, launcher: &Launcher, binary: &Path) -> Result<Self> {
        let model = sources.find(name)?;
        let dir = work.join(COMMAND).join(&model.name);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(dir.parent().context("below the folder of results")?)?;
        let word = |path: &Path| path.to_str().map(str::to_owned).context("a path is not UTF-8");
        let [onnx, folder, calibration, input] = [&model.onnx, &dir, &model.calibration, &model.input].map(|p| word(p));
        let (folder, input) = (folder?, input?);
        let mut line = ["compile", &onnx?, "-o", &folder, "--calibrate", &calibration?].map(str::to_owned).to_vec();
        line.extend(model.shapes.iter().flat_map(|shape| ["--input-shape".to_owned(), shape.clone()]));
        line.extend(args.compile_arg.iter().cloned());
        let proof = word(&dir.join("proof.zkp"))?;
        let prove = ["prove", &folder, "--input", &input, "-o", &proof].map(str::to_owned).to_vec();
        for mut line in [line, prove] {
            line.extend(["--format".to_owned(), "json".to_owned()]);
            let words: Vec<&str> = line.iter().map(String::as_str).collect();
            launcher.run(binary, &words, &[])?.json(words[0], &launcher.limits)?;
        }
        let read = |file: &str| fs::read(dir.join(file)).with_context(|| format!("cannot read {file}"));
        let (proving, verifying) =
            (ProvingKey::from_bytes(&read("proving.key")?)?, VerifyingKey::from_bytes(&read("verifying.key")?)?);
        let proof = Proof::from_bytes(&read("proof.zkp")?)?;
        let program = &verifying.program;
        let place = |id| program.statement().position(|public| public == id).context("the input is not public");
        let inputs = program.inputs.iter().map(|&id| Ok(proof.statement[place(id)?].clone())).collect::<Result<_>>()?;
        Ok(Self { proving, verifying, inputs })
    }

    /// Proves and verifies in both modes, in turn, after one round that does not count.
    fn compare(&self, model: &str, threads: usize, repeat: u32) -> Result<Comparison> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let generators: Option<&Generators> =
            (self.verifying.setup.decider() == Decider::Transparent).then_some(&self.proving.generators);
        let (mut prove, mut check) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        let mut bytes = [0; 2];
        for round in 0..=repeat {
            let (hidden, cost) = timed(|| {
                let randomness = Randomness::from_os().map_err(|e| anyhow!("no randomness: {e}"))?;
                let one = || Prover::new(&self.proving, &self.verifying, randomness).prove(&self.inputs);
                Ok(pool.install(one)?.proof)
            })?;
            let (plain, plain_cost) = timed(|| pool.install(|| plain::prove(&self.proving, &self.verifying, &self.inputs)))?;
            let (verdict, verified) = timed(|| Ok(verify(&self.verifying, &hidden, generators)?))?;
            ensure!(verdict == Verdict::Accepted, "{model}: {verdict:?}");
            let ((), plain_verified) = timed(|| plain::verify(&self.verifying, &plain, generators))?;
            bytes = [hidden.bytes.len(), plain.len()];
            if round > 0 {
                prove.iter_mut().zip([cost, plain_cost]).for_each(|(all, cost)| all.push(cost));
                check.iter_mut().zip([verified, plain_verified]).for_each(|(all, cost)| all.push(cost));
            }
        }
        let (prove, verify) = (prove.map(median), check.map(median));
        Ok(Comparison { model: model.into(), threads, prove, verify, bytes })
    }
}

/// Compares on all models.
///
/// # Errors
/// If a model does not compile, prove or verify.
pub fn run(args: &Args, launcher: &Launcher, binary: &Path, work: &Path) -> Result<Vec<Comparison>> {
    let sources = Sources::new(args, &work.join("models"));
    let mut all = Vec::new();
    for name in sources.expand(&args.models)? {
        eprintln!("{name}: compiling ..");
        let compiled = Compiled::new(&name, args, &sources, work, launcher, binary)?;
        for &threads in &args.threads {
            eprintln!("{name}: {} rounds on {threads} threads ..", args.repeat);
            all.push(compiled.compare(&name, threads, args.repeat)?);
        }
    }
    if all.is_empty() {
        bail!("no models");
    }
    Ok(all)
}

/// A Markdown table.
pub fn markdown(all: &[Comparison]) -> String {
    let mut text = "| model | threads | prove, hidden / plain | ratio | more | processor, hidden / plain | ratio \
                    | verify, hidden / plain | ratio | processor, hidden / plain | ratio | bytes, hidden / plain |\n"
        .to_owned();
    text.push_str("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n");
    for c in all {
        let pair = |pair: [f64; 2]| format!("{} / {}", seconds(pair[0]), seconds(pair[1]));
        let ratio = |[a, b]: [f64; 2]| format!("{:.2}", a / b);
        let (wall, processor) = (c.prove.map(|p| p.wall), c.prove.map(|p| p.processor));
        let (verify, verify_processor) = (c.verify.map(|p| p.wall), c.verify.map(|p| p.processor));
        let cells = [
            c.model.clone(),
            c.threads.to_string(),
            pair(wall),
            ratio(wall),
            seconds(wall[0] - wall[1]),
            pair(processor),
            ratio(processor),
            pair(verify),
            ratio(verify),
            pair(verify_processor),
            ratio(verify_processor),
            format!("{} / {}", c.bytes[0], c.bytes[1]),
        ];
        // A string takes all.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn processor() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 * 1e-6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Cost)> {
    let (start, before) = (Instant::now(), processor()?);
    let value = work()?;
    Ok((value, Cost { wall: start.elapsed().as_secs_f64(), processor: processor()? - before }))
}

/// The median of each.
fn median(costs: Vec<Cost>) -> Cost {
    let middle = |pick: fn(&Cost) -> f64| pair::median(costs.iter().map(pick));
    Cost { wall: middle(|c| c.wall), processor: middle(|c| c.processor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let cost = |wall: f64| Cost { wall, processor: 2.0 * wall };
        assert_eq!(median([3.0, 1.0, 2.0].map(cost).to_vec()), cost(2.0));
        assert_eq!(median([3.0, 1.0].map(cost).to_vec()), cost(1.0));
        let c = Comparison {
            model: "m".into(),
            threads: 1,
            prove: [cost(0.3), cost(0.2)],
            verify: [cost(0.02), cost(0.01)],
            bytes: [5, 7],
        };
        let line = markdown(&[c]).lines().last().unwrap().to_owned();
        assert!(line.contains("| 1.50 |") && line.contains("| 2.00 |") && line.ends_with("| 5 / 7 |"), "{line}");
    }
}
