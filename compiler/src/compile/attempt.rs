//! One lowering under given widths, and its runs on samples.

use zktorch_blocks::execute::Trace;
use zktorch_blocks::program::Limits;

use super::CompileError;
use super::task::Task;
use super::trial::Trial;
use crate::lower::{Interface, lower};
use crate::quantise::Settings;
use crate::report::{self, Accuracy, Hearing, Language, Measure, Totals};

/// Multiplications in all test runs of one candidate, beyond which fewer samples are tried.
const EFFORT: u64 = 1 << 32;
/// Texts that a language model is judged by, whatever that takes.
const TEXTS: usize = 2;
/// Microseconds of a committed value, and of an entry that is looked up or of a table.
pub(super) const COMMITTED: f64 = 0.3;
pub(super) const LEAF: f64 = 1.0;
/// What the error of a group counts beside that of a whole tensor: half a percent of one is like the usual target of the other.
const GROUP: f64 = 0.16;

/// One lowering and its runs on the samples of the search.
pub(super) struct Attempt {
    pub settings: Settings,
    pub trial: Trial,
    pub traces: Vec<Trace>,
    pub accuracy: Accuracy,
    /// What the integers say of texts, of a language model.
    pub language: Option<Language>,
    /// What the search compares: the divergence of a language model's predictions; else the error of tensors, or that of groups as a part of
    /// what is expected of them.
    pub score: f64,
}

impl Attempt {
    /// Lowers a graph and runs it on as many of the search's samples as are cheap.
    pub fn new(task: &Task<'_>, settings: Settings) -> Result<Self, CompileError> {
        let lowered = lower(&task.graph, &task.calibration, settings, Interface::of(task.options, &task.columns))?;
        Self::of(task, settings, Trial::new(&task.graph, lowered))
    }

    /// Runs a lowering on as many of the search's samples as are cheap.
    pub fn of(task: &Task<'_>, settings: Settings, trial: Trial) -> Result<Self, CompileError> {
        trial.lowered.program.validate(&Limits::default())?;
        let runs = (EFFORT / trial.work()).clamp(1, 8) as usize;
        let mut measure = Measure::new(&trial.outputs, &task.bounds);
        let mut traces = Vec::new();
        for sample in task.search.iter().take(runs) {
            task.reference.step();
            let trace = trial.run(&sample.inputs)?;
            measure.take(&trial.outputs_of(&trace), &sample.wanted);
            traces.push(trace);
        }
        let accuracy = measure.finish(task.search.len());
        let language = task.language.then(|| hear(task, &trial, runs));
        let score = language.map_or(accuracy.tensor_error.max(GROUP * accuracy.error()), |language| language.kl_mean);
        Ok(Self { settings, trial, traces, accuracy, language, score })
    }
}

impl Attempt {
    /// Microseconds of a proof of the program that a graph becomes, as far as they depend on widths.
    pub fn price(task: &Task<'_>, settings: Settings) -> Result<f64, CompileError> {
        let lowered = lower(&task.graph, &task.calibration, settings, Interface::of(task.options, &task.columns))?;
        let Totals { committed, lookups, table_rows, .. } = report::totals(&lowered.program);
        Ok(COMMITTED * committed as f64 + LEAF * (lookups + table_rows) as f64)
    }

    /// Whether predictions are as near to a language model's as is asked for, on all texts.
    pub fn foretells(&self, target: f64) -> bool {
        self.language.is_some_and(|language| language.left_out == 0 && language.kl_mean <= target)
    }
}

/// What the integers say of texts that ranges were made without, or where there are none of those of the search.
fn hear(task: &Task<'_>, trial: &Trial, runs: usize) -> Language {
    let held_out = !task.held.is_empty();
    let texts: Vec<(&Vec<_>, &Vec<_>)> = match held_out {
        true => task.held.iter().map(|text| (&text.inputs, &text.wanted)).collect(),
        false => task.search.iter().map(|sample| (&sample.inputs, &sample.wanted)).collect(),
    };
    let mut hearing = Hearing::default();
    for (inputs, wanted) in texts.into_iter().take(runs.max(TEXTS)) {
        let ids: Vec<f64> = inputs.iter().flatten().copied().collect();
        let floats: Vec<f64> = wanted.iter().flatten().copied().collect();
        task.reference.step();
        match trial.run(inputs) {
            Ok(trace) => hearing.take(&ids, &floats, &trial.outputs_of(&trace).concat()),
            Err(_) => hearing.leave_out(),
        }
    }
    hearing.finish(held_out)
}
