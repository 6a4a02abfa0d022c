//! What becomes of a model: the integers' outputs against the reference, column by column, and against what the report promises.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ndarray::ArrayD;
use zktorch_blocks::execute::execute;
use zktorch_blocks::program::Element;
use zktorch_compiler::import::{ImportOptions, model_bytes};
use zktorch_compiler::{Compiled, Options, Port, compile_model};

use super::groups::{Groups, stated};
use super::plan::RandomModel;
use super::random::Random;
use super::reference::Reference;
use super::samples::{between, samples};

/// Samples that the compiler sees.
const CALIBRATION: usize = 24;
/// Samples that it does not see, each between two of those.
const FRESH: usize = 4;
/// An error that nobody would call right.
const LARGE: f64 = 0.05;
/// Changes of the inputs, relative to their size, that must not matter more than an error does.
const NUDGE: f64 = 1e-3;

/// What became of a model.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Outcome {
    /// All entries are within the stated errors.
    Right,
    /// They are, but the stated errors are large.
    Inexact,
    /// Not compiled, or not run on a calibration sample, for this reason.
    Refused(Stage, String),
    /// Off, but so is the reference when inputs change by a thousandth: near a jump or a pole.
    Sensitive,
    /// tract cannot run it, or gives infinities.
    NoReference(String),
    /// Further off than the report says.
    Wrong(String),
    /// The compiler panicked.
    Panicked(String),
}

/// Where a model was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Stage {
    /// The file.
    Import,
    /// The graph with its samples.
    Compile,
    /// A calibration sample.
    Run,
}

/// Compiles a model and compares.
pub fn judge(model: &RandomModel) -> Outcome {
    let calibration = samples(&model.feeds, model.seed, CALIBRATION);
    let fresh = between(&model.feeds, &calibration, model.seed, FRESH);
    let reference = match Reference::new(&model.bytes) {
        Ok(reference) => reference,
        Err(reason) => return without_reference(model, &reason),
    };
    let all: Vec<&Vec<ArrayD<f64>>> = calibration.iter().chain(&fresh).collect();
    let expected: Result<Vec<_>, String> = all.iter().map(|sample| reference.run(sample)).collect();
    let expected = match expected {
        Ok(expected) => expected,
        Err(reason) => return without_reference(model, &reason),
    };
    let finite = expected.iter().flatten().all(|output| output.iter().all(|v| v.is_finite()));
    let compiled = match guarded(|| compiled(model, &calibration)) {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(refused)) => return if finite { refused } else { Outcome::NoReference("not finite".to_owned()) },
        Err(panic) => return Outcome::Panicked(panic),
    };
    if !finite {
        // tract's softplus, for one, overflows where the function does not.
        return Outcome::NoReference("not finite, though it compiles".to_owned());
    }
    let mut got = Vec::new();
    for (index, sample) in all.iter().enumerate() {
        match guarded(|| run(&compiled, sample)) {
            Ok(Ok(outputs)) => got.push(Some(outputs)),
            Ok(Err(reason)) if index < CALIBRATION => return Outcome::Refused(Stage::Run, reason),
            Ok(Err(_)) => got.push(None),
            Err(panic) => return Outcome::Panicked(panic),
        }
    }
    match excess(&compiled, &expected, &got, |_, _| None) {
        None if stated(&compiled) > LARGE => Outcome::Inexact,
        None => Outcome::Right,
        Some(found) => {
            let nudged = nudged(model.seed, &reference, &compiled, &all, &expected);
            match excess(&compiled, &expected, &got, |index, position| nudged.get(index)?.get(position).copied()) {
                Some(_) => Outcome::Wrong(found),
                None => Outcome::Sensitive,
            }
        }
    }
}

/// What tract refuses to run, the compiler must refuse as well, or the generator is wrong.
fn without_reference(model: &RandomModel, reason: &str) -> Outcome {
    let compiled = guarded(|| compiled(model, &samples(&model.feeds, model.seed, 1)).is_ok());
    match compiled {
        Ok(true) => Outcome::Wrong(format!("compiled, though tract does not run it: {reason}")),
        Ok(false) => Outcome::NoReference(reason.to_owned()),
        Err(panic) => Outcome::Panicked(panic),
    }
}

fn compiled(model: &RandomModel, calibration: &[Vec<ArrayD<f64>>]) -> Result<Compiled, Outcome> {
    let imported =
        model_bytes(&model.bytes, &ImportOptions::default()).map_err(|e| Outcome::Refused(Stage::Import, e.to_string()))?;
    compile_model(&imported, calibration, &Options::default()).map_err(|e| Outcome::Refused(Stage::Compile, e.to_string()))
}

/// The outputs' real numbers.
fn run(compiled: &Compiled, sample: &[ArrayD<f64>]) -> Result<Vec<Vec<f64>>, String> {
    let quantise = |(port, values): (&Port, &ArrayD<f64>)| {
        port.quantise(&values.iter().copied().collect::<Vec<_>>()).map_err(|e| e.to_string())
    };
    let inputs = compiled.inputs.iter().zip(sample).map(quantise).collect::<Result<Vec<_>, _>>()?;
    let trace = execute(&compiled.program, &compiled.weights, &inputs).map_err(|e| e.to_string())?;
    let outputs = compiled.outputs.iter().zip(&compiled.program.outputs);
    Ok(outputs.map(|(port, &id)| port.dequantise(&trace.values(&compiled.program, id))).collect())
}

/// The entry that is the furthest beyond its allowance, if one is. `excuse` gives what an entry (of a sample, by its position
/// over all outputs) may be off besides.
fn excess(
    compiled: &Compiled,
    expected: &[Vec<ArrayD<f64>>],
    got: &[Option<Vec<Vec<f64>>>],
    excuse: impl Fn(usize, usize) -> Option<f64>,
) -> Option<String> {
    let groups = Groups::new(compiled, expected);
    let mut worst: Option<(f64, String)> = None;
    for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
        let Some(got) = got else { continue };
        let mut position = 0;
        for (output, ((port, expected), got)) in compiled.outputs.iter().zip(expected).zip(got).enumerate() {
            if expected.len() != got.len() {
                return Some(format!("`{}`: {} entries, expected {}", port.name, got.len(), expected.len()));
            }
            for (entry, (&expected, &got)) in expected.iter().zip(got).enumerate() {
                let off = (expected - got).abs();
                let allowed = groups.allowed(output, entry) + excuse(index, position).unwrap_or(0.0);
                let over = off / allowed;
                position += 1;
                if over > 1.0 && worst.as_ref().is_none_or(|(most, _)| over > *most) {
                    let name = &port.name;
                    let text = format!(
                        "`{name}` entry {entry} of sample {index}: {got:.6e}, expected {expected:.6e}, allowed {allowed:.2e}"
                    );
                    worst = Some((over, text));
                }
            }
        }
    }
    worst.map(|(_, text)| text)
}

/// How far each entry of each sample moves when inputs change by a little: by a step of their integers or of activations, by a thousandth, or
/// to the nearest multiple of such steps, which alone meets a function that jumps at one point.
fn nudged(
    seed: u64,
    reference: &Reference,
    compiled: &Compiled,
    all: &[&Vec<ArrayD<f64>>],
    expected: &[Vec<ArrayD<f64>>],
) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed ^ 0x7777);
    let size = |input: usize| all.iter().flat_map(|sample| &sample[input]).fold(0f64, |m, v| m.max(v.abs()));
    // As coarse as activations are, which leave a bit unused beside their sign.
    let relative = NUDGE.max((2.0 - f64::from(compiled.report.bits)).exp2());
    let steps = |(input, port): (usize, &Port)| {
        let entries = port.shape.iter().product();
        let steps = port.dequantise(&vec![1; entries]).into_iter().map(f64::abs);
        steps.map(|step| (step, step.max(relative * size(input)))).collect()
    };
    let steps: Vec<Vec<(f64, f64)>> = compiled.inputs.iter().enumerate().map(steps).collect();
    let mut one = |sample: &[ArrayD<f64>], expected: &[ArrayD<f64>]| {
        let mut moved = vec![0f64; expected.iter().map(ArrayD::len).sum()];
        for attempt in 0..24 {
            let mut sample = sample.to_vec();
            for ((array, steps), port) in sample.iter_mut().zip(&steps).zip(&compiled.inputs) {
                let real = port.element == Element::Real;
                array.iter_mut().zip(steps).filter(|_| real).for_each(|(v, &(step, reach))| {
                    let share = random.uniform(-1.0, 1.0);
                    match attempt {
                        0..8 => *v += reach * share.signum(),
                        8..16 => *v += reach * share,
                        _ => {
                            // The input's own rounding comes first.
                            let coarse = step * f64::from(attempt - 16).exp2();
                            for step in [step, coarse].into_iter().filter(|&step| step < 2.0 * reach) {
                                *v = (*v / step + 0.5).floor() * step;
                            }
                        }
                    }
                });
            }
            let Ok(outputs) = reference.run(&sample) else { continue };
            let changes = outputs.iter().flatten().zip(expected.iter().flatten()).map(|(a, b)| 2.0 * (a - b).abs());
            moved.iter_mut().zip(changes).for_each(|(most, change)| *most = most.max(change));
        }
        moved
    };
    all.iter().zip(expected).map(|(sample, expected)| one(sample, expected)).collect()
}

fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
    })
}
