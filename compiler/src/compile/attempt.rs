//! One lowering under given widths, and its runs on samples.

use ndarray::ArrayD;
use zktorch_blocks::execute::{ExecuteError, Trace, execute};
use zktorch_blocks::program::{Limits, Program, TensorId};

use super::CompileError;
use super::task::Task;
use crate::Port;
use crate::graph::{Graph, NodeId};
use crate::lower::{Interface, Lowered, lower};
use crate::quantise::{Settings, to_integer};
use crate::report::{self, Accuracy, Hearing, Language, Measure, Totals};

/// Multiplications in all test runs of one candidate, beyond which fewer samples are tried.
const EFFORT: u64 = 1 << 32;
/// Texts that a language model is judged by, whatever that takes.
const TEXTS: usize = 2;
/// Microseconds of a committed value, and of an entry that is looked up or of a table.
const COMMITTED: f64 = 0.3;
const LEAF: f64 = 1.0;
/// What the error of a group counts beside that of a whole tensor: half a percent of one is like the usual target of the other.
const GROUP: f64 = 0.16;

/// One lowering and its runs on the samples of the search.
pub(super) struct Attempt {
    pub settings: Settings,
    pub lowered: Lowered,
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
        lowered.program.validate(&Limits::default())?;
        let [_, outputs] = ports(&task.graph, &lowered.program);
        let runs = (EFFORT / work(&lowered.program)).clamp(1, 8) as usize;
        let mut measure = Measure::new(&outputs, &task.bounds);
        let mut traces = Vec::new();
        for sample in task.search.iter().take(runs) {
            let trace = run(&lowered, &sample.inputs)?;
            measure.take(&outputs_of(&lowered.program, &outputs, &trace), &sample.wanted);
            traces.push(trace);
        }
        let accuracy = measure.finish(task.search.len());
        let language = task.language.then(|| hear(task, &lowered, &outputs, runs));
        let score = language.map_or(accuracy.tensor_error.max(GROUP * accuracy.error()), |language| language.kl_mean);
        Ok(Self { settings, lowered, traces, accuracy, language, score })
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
fn hear(task: &Task<'_>, lowered: &Lowered, outputs: &[Port], runs: usize) -> Language {
    let held_out = !task.held.is_empty();
    let texts: Vec<(&Vec<_>, &Vec<_>)> = match held_out {
        true => task.held.iter().map(|text| (&text.inputs, &text.wanted)).collect(),
        false => task.search.iter().map(|sample| (&sample.inputs, &sample.wanted)).collect(),
    };
    let mut hearing = Hearing::default();
    for (inputs, wanted) in texts.into_iter().take(runs.max(TEXTS)) {
        let ids: Vec<f64> = inputs.iter().flatten().copied().collect();
        let floats: Vec<f64> = wanted.iter().flatten().copied().collect();
        match run(lowered, inputs) {
            Ok(trace) => hearing.take(&ids, &floats, &outputs_of(&lowered.program, outputs, &trace).concat()),
            Err(_) => hearing.leave_out(),
        }
    }
    hearing.finish(held_out)
}

/// Multiplications of one run.
pub(super) fn work(program: &Program) -> u64 {
    report::totals(program).multiplications.max(1)
}

/// Runs a program on the graph's inputs.
pub(super) fn run(lowered: &Lowered, inputs: &[ArrayD<f64>]) -> Result<Trace, ExecuteError> {
    let Lowered { program, weights, .. } = lowered;
    let one = |(&id, array): (&TensorId, &ArrayD<f64>)| {
        let scale = program.tensors[id].scale;
        array.iter().map(|&v| to_integer(v, scale) as i64).collect()
    };
    let integers: Vec<Vec<i64>> = program.inputs.iter().zip(inputs).map(one).collect();
    execute(program, weights, &integers)
}

/// The real numbers of all outputs of a run.
pub(super) fn outputs_of(program: &Program, ports: &[Port], trace: &Trace) -> Vec<Vec<f64>> {
    ports.iter().zip(&program.outputs).map(|(port, &id)| port.dequantise(&trace.values(program, id))).collect()
}

/// Inputs and outputs of a program, the lowering of a graph.
pub(super) fn ports(graph: &Graph, program: &Program) -> [Vec<Port>; 2] {
    let port = |name: &str, node: NodeId, id: TensorId| {
        let tensor = &program.tensors[id];
        let (shape, element) = (tensor.shape.dims().to_vec(), graph.element(node));
        let columns = program.column_exponents(id).to_vec();
        Port { name: name.to_owned(), shape, element, scale: tensor.scale, columns, interval: tensor.interval }
    };
    let inputs = graph.inputs().iter().zip(&program.inputs).map(|(&n, &id)| port(&graph.node(n).name, n, id));
    let named = graph.outputs().iter().zip(graph.output_names());
    let outputs = named.zip(&program.outputs).map(|((&n, name), &id)| port(name, n, id));
    [inputs.collect(), outputs.collect()]
}
