//! From a float graph and samples to a program, its weights, and a report.

mod alike;
mod ask;
mod attempt;
mod channels;
mod columns;
mod error;
mod explain;
mod options;
mod origin;
mod search;
mod task;
#[cfg(test)]
mod tests;
mod trial;

use std::borrow::Cow;

use ndarray::ArrayD;
use zktorch_blocks::execute::{Trace, Weights};
use zktorch_blocks::program::{Limits, Program, Visibility};

use crate::Port;
use crate::goal::Goal;
use crate::graph::columns::Columns;
use crate::graph::{Evaluation, Graph};
use crate::import::Model;
use crate::lower::{Interface, Lowered, lower};
use crate::quantise::Settings;
use crate::reference::{Reference, Watched};
use crate::report::{self, Accuracy, Measure, Report};
pub use ask::{Misposed, extend};
use ask::{Text, calibrate, texts};
use attempt::Attempt;
pub use error::{CompileError, Unlike};
pub use explain::{ExplainedNode, Explanation, explain};
pub use options::{Earlier, Like, MAX_ERROR, Options, TARGET_KL, WARN_ERROR};
use search::{search, wider};
use task::Task;
pub(crate) use task::scaled;
use trial::ports;

/// Multiplications of all runs that measure the chosen program, beyond which a part of the samples is measured.
const THOROUGH: u64 = 1 << 35;
/// Texts of a language model, of which a quarter is held back.
const ENOUGH: usize = 4;
/// Texts that are held back, at most.
const HELD: usize = 16;
/// Random inputs with an error beyond this show that interval analysis is too coarse.
const BLIND: f64 = 0.5;

/// A compiled model. It holds weights, so that it has no debug output.
#[derive(Clone)]
pub struct Compiled {
    /// What is proved.
    pub program: Program,
    /// The weights that are committed in the key.
    pub weights: Weights,
    /// Scales, errors and costs.
    pub report: Report,
    /// The model's inputs.
    pub inputs: Vec<Port>,
    /// The model's outputs.
    pub outputs: Vec<Port>,
}

/// Compiles a model from a file. Each sample has one array for each input. Errors are measured against the file.
///
/// # Errors
/// If the graph or the samples cannot be used, with the node or sample that is to blame, or if the integers are too far from the model.
pub fn compile_model(model: &Model, samples: &[Vec<ArrayD<f64>>], options: &Options) -> Result<Compiled, CompileError> {
    compile_against(&model.graph, &model.untouched, samples, options)
}

/// As [`compile_model`], and tells of every sample that the model is run on and of every run of integers. Who is told may unwind: that ends the work.
///
/// # Errors
/// As [`compile_model`].
pub fn compile_model_watched(
    model: &Model,
    samples: &[Vec<ArrayD<f64>>],
    options: &Options,
    told: &dyn Fn(),
) -> Result<Compiled, CompileError> {
    compile_against(&model.graph, &Watched { reference: &model.untouched, told }, samples, options)
}

/// Compiles a graph that comes from no file. Errors are measured against its own evaluation.
///
/// # Errors
/// As [`compile_model`].
pub fn compile(graph: &Graph, samples: &[Vec<ArrayD<f64>>], options: &Options) -> Result<Compiled, CompileError> {
    compile_against(graph, graph, samples, options)
}

fn compile_against(
    graph: &Graph,
    reference: &dyn Reference,
    samples: &[Vec<ArrayD<f64>>],
    options: &Options,
) -> Result<Compiled, CompileError> {
    if let Some(bits) = options.bits.filter(|b| !(8..=16).contains(b)) {
        return Err(CompileError::Bits(bits));
    }
    extend(options.goal, graph)?;
    if matches!(options.goal, Goal::Sample { .. }) && options.inputs == Visibility::Private {
        return Err(Misposed::Hidden.into());
    }
    let (samples, held) = samples.split_at(samples.len() - held_out(graph, samples));
    let texts = texts(options.goal, samples);
    let samples = &*texts;
    if let Some(earlier) = &options.alike {
        let options = earlier.options(graph, options)?;
        let mut task = Task::new(graph, Columns::default(), reference, samples, &options)?;
        task.hold(held);
        let (best, asked) = earlier.attempt(&task)?;
        let accuracy = measure(&task, &best)?;
        let found = Found { best, accuracy, unseen: 0.0 };
        if !found.best.foretells(options.target_kl) {
            judge(&task, &found.best, &found.accuracy)?;
        }
        return Ok(finish(&task, found, asked));
    }
    let like = &options.inputs_like;
    let given = if like.iter().all(|like| like.columns.is_empty()) {
        Columns::default()
    } else {
        Columns { inputs: like.iter().map(|like| like.columns.clone()).collect(), outputs: Vec::new() }
    };
    let equalised;
    let mut task = Task::new(graph, given, reference, samples, options)?;
    task.hold(held);
    let mut found = chosen(&task);
    if like.is_empty() && !samples.is_empty() && !task.language && is_poor(&found) {
        // A scale for each column costs nothing, but a user's input is then bounded column by column: only where it helps much.
        for columns in columns::wanted(&task) {
            let by_column = Task::new(graph, columns, reference, samples, options)?;
            (task, found) = better(task, found, by_column);
            if !is_poor(&found) {
                break;
            }
        }
        // Neither does a factor between weights on both sides of a channel; as little is changed as helps.
        if is_poor(&found)
            && let Some(equal) = channels::equalised(graph, &task)
        {
            equalised = equal;
            let by_channel = Task::new(&equalised, task.columns.clone(), reference, samples, options)?;
            (task, found) = better(task, found, by_channel);
        }
    }
    let mut found = found?;
    // What a language model says of the next token is judged, not by how much a logit may be off.
    if !found.best.foretells(options.target_kl) {
        found = widened(&task, found)?;
        judge(&task, &found.best, &found.accuracy)?;
    }
    let asked = asked(&task, &found.best)?;
    Ok(finish(&task, found, asked))
}

/// How many texts of a language model, the last ones, are held back to judge it by: a quarter, where there are enough.
fn held_out<S>(graph: &Graph, samples: &[S]) -> usize {
    if Text::of(graph).is_ok() && samples.len() >= ENOUGH { (samples.len() / 4).min(HELD) } else { 0 }
}

/// The best attempt under the scales of a task.
struct Found {
    best: Attempt,
    accuracy: Accuracy,
    /// By how much outputs move where the integers lose what samples do not show.
    unseen: f64,
}

impl Found {
    fn error(&self) -> f64 {
        self.accuracy.error().max(self.unseen)
    }

    /// What is needed to make the same attempt again, which is little.
    fn set_aside(self) -> Aside {
        Aside { settings: self.best.settings, accuracy: self.accuracy, unseen: self.unseen }
    }
}

/// An attempt that is not kept.
struct Aside {
    settings: Settings,
    accuracy: Accuracy,
    unseen: f64,
}

impl Aside {
    fn error(&self) -> f64 {
        self.accuracy.error().max(self.unseen)
    }

    fn again(self, task: &Task<'_>) -> Result<Found, CompileError> {
        Ok(Found { best: Attempt::new(task, self.settings)?, accuracy: self.accuracy, unseen: self.unseen })
    }
}

/// What was found for a task, or for another one if that has half the error. Of two attempts one is kept at a time: each has all weights, and the
/// values of its runs.
fn better<'s>(
    task: Task<'s>,
    found: Result<Found, CompileError>,
    other: Task<'s>,
) -> (Task<'s>, Result<Found, CompileError>) {
    let known = found.map(Found::set_aside);
    match chosen(&other) {
        Ok(better) if known.as_ref().map_or(true, |known| better.error() < 0.5 * known.error()) => (other, Ok(better)),
        worse => {
            drop(worse);
            let found = known.and_then(|known| known.again(&task));
            (task, found)
        }
    }
}

/// Whether scales for columns may help.
fn is_poor(found: &Result<Found, CompileError>) -> bool {
    match found {
        Ok(found) => found.error() > columns::GOOD,
        Err(error) => matches!(error, CompileError::Execute(_)),
    }
}

/// The best attempt, and its errors.
fn chosen(task: &Task<'_>) -> Result<Found, CompileError> {
    let best = search(task)?;
    let accuracy = measure(task, &best)?;
    let unseen = columns::unseen(task, &best);
    Ok(Found { best, accuracy, unseen })
}

/// What was found, or the first wider attempt that is accepted, if that one is not: a threshold may be met by wider numbers only, and on samples
/// that are not among the search's.
fn widened(task: &Task<'_>, mut found: Found) -> Result<Found, CompileError> {
    let accepted = task.options.max_error;
    if task.samples.is_empty() || found.accuracy.error() <= accepted {
        return Ok(found);
    }
    for settings in wider(task, found.best.settings) {
        let Ok(best) = Attempt::new(task, settings) else { continue };
        let accuracy = measure(task, &best)?;
        if accuracy.error() < found.accuracy.error() {
            found = Found { best, accuracy, ..found };
        }
        if found.accuracy.error() <= accepted {
            break;
        }
    }
    Ok(found)
}

/// The errors of all samples, or of as many others than the search's as there is time for.
fn measure(task: &Task<'_>, best: &Attempt) -> Result<Accuracy, CompileError> {
    let all = task.samples.len();
    let most = usize::try_from(THOROUGH / best.trial.work()).unwrap_or(usize::MAX).max(task.search.len());
    let unrunnable = || task.unrunnable.as_ref().map(ToString::to_string);
    if all == 0 || (all == best.traces.len() && all <= most) {
        return Ok(Accuracy { unrunnable: unrunnable(), ..best.accuracy.clone() });
    }
    let searched: Vec<usize> = if all <= most { Vec::new() } else { task.searched().collect() };
    let chosen: Vec<usize> = (0..all).filter(|index| !searched.contains(index)).collect();
    let stride = chosen.len().div_ceil(most).max(1);
    let mut measure = Measure::new(&best.trial.outputs, &task.bounds);
    for index in chosen.into_iter().step_by(stride) {
        let inputs = task.inputs(index);
        let evaluation = task.graph.evaluate(&inputs).map_err(|error| CompileError::Sample { sample: index, error })?;
        let trace = best.trial.run(&inputs)?;
        measure.take(&best.trial.outputs_of(&trace), &task.wanted(index, &evaluation)?);
    }
    Ok(Accuracy { unrunnable: unrunnable(), ..measure.finish(all) })
}

/// Refuses what is too far from the model.
fn judge(task: &Task<'_>, best: &Attempt, accuracy: &Accuracy) -> Result<(), CompileError> {
    let Some(worst) = accuracy.worst.first() else { return Ok(()) };
    let (output, entries, error) = (worst.output.clone(), worst.entries.clone(), worst.error);
    let accepted = task.options.max_error;
    if task.samples.is_empty() {
        let blind = error > accepted.max(BLIND);
        return if blind { Err(CompileError::Uncalibrated { output, entries, error }) } else { Ok(()) };
    }
    if error <= accepted {
        return Ok(());
    }
    let origin = origin::describe(task, best);
    let group = worst.describe();
    Err(CompileError::Inexact { group, output, entries, error, accepted, origin })
}

/// What is proved where that is not the outputs: the model under the same settings, asked for it. How far the model's integers are from it was
/// found out on its outputs.
fn asked(task: &Task<'_>, best: &Attempt) -> Result<Option<Asked>, CompileError> {
    let extended = extend(task.options.goal, &task.graph)?;
    let Cow::Owned(graph) = extended else { return Ok(None) };
    let mut calibration = task.calibration.clone();
    calibrate(&graph, &mut calibration);
    let lowered = lower(&graph, &calibration, best.settings, Interface::of(task.options, &task.columns))?;
    lowered.program.validate(&Limits::default())?;
    Ok(Some(Asked { ports: ports(&graph, &lowered.program), program: lowered.program, weights: lowered.weights }))
}

/// A program that shows something else than the model's outputs.
struct Asked {
    program: Program,
    weights: Weights,
    ports: [Vec<Port>; 2],
}

fn finish(task: &Task<'_>, Found { best, accuracy, unseen }: Found, asked: Option<Asked>) -> Compiled {
    let Attempt { settings, trial, traces, language, .. } = best;
    let Lowered { program, weights, nodes } = trial.lowered;
    let known = !task.samples.is_empty();
    let evaluations = if known { task.evaluations(traces.len()) } else { Vec::new() };
    let runs: Vec<(Trace, Evaluation)> = traces.into_iter().zip(evaluations).collect();
    let tensors = report::tensors(&task.graph, &program, &nodes, &runs);
    let asked = asked.unwrap_or_else(|| Asked { ports: ports(&task.graph, &program), program, weights });
    let Asked { program, weights, ports: [inputs, outputs] } = asked;
    let report = Report {
        bits: settings.bits,
        shift: settings.shift,
        samples: task.samples.len(),
        output_error: known.then(|| accuracy.error()),
        accuracy: known.then_some(accuracy),
        gaps: columns::gaps(task),
        unseen,
        language,
        tensors,
        blocks: report::blocks(&program),
        totals: report::totals(&program),
        predictions: None,
    };
    Compiled { program, weights, report, inputs, outputs }
}
