//! From a float graph and samples to a program, its weights, and a report.

mod attempt;
mod columns;
mod error;
mod options;
mod origin;
mod search;
mod task;
#[cfg(test)]
mod tests;

use ndarray::ArrayD;
use zktorch_blocks::execute::{Trace, Weights};
use zktorch_blocks::program::Program;

use crate::Port;
use crate::graph::columns::Columns;
use crate::graph::{Evaluation, Graph};
use crate::import::Model;
use crate::lower::Lowered;
use crate::reference::Reference;
use crate::report::{self, Accuracy, Measure, Report};
use attempt::{Attempt, outputs_of, ports, run, work};
pub use error::CompileError;
pub use options::{Like, MAX_ERROR, Options, WARN_ERROR};
use search::search;
use task::Task;
pub(crate) use task::scaled;

/// Multiplications of all runs that measure the chosen program, beyond which a part of the samples is measured.
const THOROUGH: u64 = 1 << 35;
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
    let like = &options.inputs_like;
    let given = if like.iter().all(|like| like.columns.is_empty()) {
        Columns::default()
    } else {
        Columns { inputs: like.iter().map(|like| like.columns.clone()).collect(), outputs: Vec::new() }
    };
    let task = Task::new(graph, given, reference, samples, options)?;
    let found = chosen(&task);
    let poor = match &found {
        Ok((_, accuracy)) => accuracy.error() > columns::GOOD,
        Err(error) => matches!(error, CompileError::Execute(_)),
    };
    if poor
        && like.is_empty()
        && !samples.is_empty()
        && let Some(wanted) = columns::wanted(&task)
    {
        // A scale for each column costs nothing, but a user's input is then bounded column by column: only where it helps much.
        let by_column = Task::new(graph, wanted, reference, samples, options)?;
        if let Ok((best, accuracy)) = chosen(&by_column)
            && found.as_ref().map_or(true, |(_, whole)| accuracy.error() < 0.5 * whole.error())
        {
            judge(&by_column, &best, &accuracy)?;
            return Ok(finish(&by_column, best, accuracy));
        }
    }
    let (best, accuracy) = found?;
    judge(&task, &best, &accuracy)?;
    Ok(finish(&task, best, accuracy))
}

/// The best attempt, and its errors.
fn chosen(task: &Task<'_>) -> Result<(Attempt, Accuracy), CompileError> {
    let best = search(task)?;
    let accuracy = Accuracy { unrunnable: task.unrunnable.clone(), ..measure(task, &best)? };
    Ok((best, accuracy))
}

/// The errors of all samples, or of as many others than the search's as there is time for.
fn measure(task: &Task<'_>, best: &Attempt) -> Result<Accuracy, CompileError> {
    let all = task.samples.len();
    let most = usize::try_from(THOROUGH / work(&best.lowered.program)).unwrap_or(usize::MAX).max(task.search.len());
    if all == 0 || (all == best.traces.len() && all <= most) {
        return Ok(best.accuracy.clone());
    }
    let searched: Vec<usize> = if all <= most { Vec::new() } else { task.searched().collect() };
    let chosen: Vec<usize> = (0..all).filter(|index| !searched.contains(index)).collect();
    let stride = chosen.len().div_ceil(most).max(1);
    let [_, outputs] = ports(task, &best.lowered.program);
    let mut measure = Measure::new(&outputs, &task.bounds);
    for index in chosen.into_iter().step_by(stride) {
        let inputs = task.inputs(index);
        let evaluation = task.graph.evaluate(&inputs).map_err(|error| CompileError::Sample { sample: index, error })?;
        let trace = run(&best.lowered, &inputs)?;
        measure.take(&outputs_of(&best.lowered.program, &outputs, &trace), &task.wanted(index, &evaluation)?);
    }
    Ok(measure.finish(all))
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
    Err(CompileError::Inexact { output, entries, error, accepted, origin })
}

fn finish(task: &Task<'_>, best: Attempt, accuracy: Accuracy) -> Compiled {
    let [inputs, outputs] = ports(task, &best.lowered.program);
    let Attempt { settings, lowered: Lowered { program, weights, nodes }, traces, .. } = best;
    let evaluations = task.search.iter().map(|sample| &sample.evaluation);
    let known = !task.samples.is_empty();
    let runs: Vec<(Trace, &Evaluation)> = if known { traces.into_iter().zip(evaluations).collect() } else { Vec::new() };
    let report = Report {
        bits: settings.bits,
        shift: settings.shift,
        samples: task.samples.len(),
        output_error: known.then(|| accuracy.error()),
        accuracy: known.then_some(accuracy),
        tensors: report::tensors(&task.graph, &program, &nodes, &runs),
        blocks: report::blocks(&program),
        totals: report::totals(&program),
        predictions: None,
    };
    Compiled { program, weights, report, inputs, outputs }
}
