//! From a float graph and samples to a program, its weights, and a report.

mod attempt;
mod error;
mod options;
mod search;

use ndarray::ArrayD;
use zktorch_blocks::execute::{Trace, Weights};
use zktorch_blocks::program::{Interval, Program};

use crate::Port;
use crate::graph::{Evaluation, Graph, Op};
use crate::lower::Lowered;
use crate::quantise::{Calibration, Range, to_real};
use crate::report::{self, Report};
use attempt::{Attempt, Reference, ports};
pub use error::CompileError;
pub use options::Options;
use search::search;

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

/// Compiles a graph. Each sample has one array for each input.
///
/// # Errors
/// If the graph or the samples cannot be used, with the node or sample that is to blame.
pub fn compile(graph: &Graph, samples: &[Vec<ArrayD<f64>>], options: &Options) -> Result<Compiled, CompileError> {
    if let Some(bits) = options.bits.filter(|b| !(8..=16).contains(b)) {
        return Err(CompileError::Bits(bits));
    }
    let (calibration, references) = calibrate(graph, samples, options)?;
    let rounded = |op: &Op| matches!(op, Op::Unary(_) | Op::MaxPool(_) | Op::Softmax { .. } | Op::LogSoftmax { .. });
    let activations = graph.nodes().filter(|(_, n)| rounded(&n.op)).map(|(_, n)| n.len()).sum();
    let best = search(graph, &calibration, options, &references, activations)?;
    Ok(finish(graph, &calibration, best, references))
}

fn calibrate<'s>(
    graph: &Graph,
    samples: &'s [Vec<ArrayD<f64>>],
    options: &Options,
) -> Result<(Calibration, Vec<Reference<'s>>), CompileError> {
    let mut calibration = Calibration::default();
    let mut references = Vec::new();
    // The samples that are compared in detail are spread over the set.
    let stride = samples.len().div_ceil(8).max(1);
    for (index, sample) in samples.iter().enumerate() {
        let evaluation = graph.evaluate(sample).map_err(|error| CompileError::Sample { sample: index, error })?;
        for (id, node) in graph.nodes() {
            let finite = evaluation.value(id).is_some_and(|v| v.iter().all(|x| x.is_finite()));
            if !finite && graph.constant(id).is_none() {
                return Err(CompileError::NotFinite { sample: index, tensor: node.name.clone() });
            }
        }
        let empty = ArrayD::zeros(vec![0]);
        calibration.observe(graph, |id| evaluation.value(id).unwrap_or(&empty));
        if index % stride == 0 {
            references.push((sample.as_slice(), evaluation));
        }
    }
    if samples.is_empty() {
        let range =
            |&(scale, Interval { lo, hi }): &(i32, Interval)| Range { lo: to_real(lo, scale), hi: to_real(hi, scale) };
        calibration.bound(graph, &options.inputs_like.iter().map(range).collect::<Vec<_>>());
    }
    Ok((calibration, references))
}

fn finish(graph: &Graph, calibration: &Calibration, best: Attempt, references: Vec<Reference<'_>>) -> Compiled {
    let Attempt { settings, lowered: Lowered { program, weights, nodes }, traces, error } = best;
    let runs: Vec<(Trace, Evaluation)> = traces.into_iter().zip(references.into_iter().map(|(_, e)| e)).collect();
    let report = Report {
        bits: settings.bits,
        shift: settings.shift,
        samples: calibration.samples(),
        output_error: error,
        tensors: report::tensors(graph, &program, &nodes, &runs),
        blocks: report::blocks(&program),
        totals: report::totals(&program),
        predictions: None,
    };
    let (inputs, outputs) = ports(graph, &program);
    Compiled { program, weights, report, inputs, outputs }
}
