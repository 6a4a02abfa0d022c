//! One lowering under given widths, and its runs on samples.

use ndarray::ArrayD;
use zktorch_blocks::execute::{Trace, execute};
use zktorch_blocks::program::{Limits, Program};

use super::{CompileError, Options};
use crate::Port;
use crate::graph::{Evaluation, Graph, NodeId};
use crate::lower::{Interface, Lowered, lower};
use crate::quantise::{Calibration, Settings, to_integer, to_real};
use crate::report;

/// Multiplications in all test runs of one candidate, beyond which fewer samples are tried.
const EFFORT: u64 = 1 << 32;

/// One lowering and its runs on samples.
pub(super) struct Attempt {
    pub settings: Settings,
    pub lowered: Lowered,
    pub traces: Vec<Trace>,
    pub error: Option<f64>,
}

/// A sample and its float evaluation.
pub(super) type Reference<'s> = (&'s [ArrayD<f64>], Evaluation);

/// Lowers a graph and runs it on as many samples as are cheap.
pub(super) fn attempt(
    graph: &Graph,
    calibration: &Calibration,
    settings: Settings,
    options: &Options,
    references: &[Reference<'_>],
) -> Result<Attempt, CompileError> {
    let lowered = lower(graph, calibration, settings, Interface::of(options))?;
    lowered.program.validate(&Limits::default())?;
    let ports = ports(graph, &lowered.program);
    let work = report::totals(&lowered.program).multiplications.max(1);
    let runs = (EFFORT / work).clamp(1, 8) as usize;
    let (mut error, mut largest) = (0f64, 0f64);
    let mut traces = Vec::new();
    for (inputs, evaluation) in references.iter().take(runs) {
        let integers = quantise_all(&ports.0, inputs);
        let trace = execute(&lowered.program, &lowered.weights, &integers)?;
        for (port, (&id, float)) in ports.1.iter().zip(lowered.program.outputs.iter().zip(evaluation.outputs())) {
            for (&value, &float) in trace.values(&lowered.program, id).iter().zip(float) {
                error = error.max((to_real(value, port.scale) - float).abs());
                largest = largest.max(float.abs());
            }
        }
        traces.push(trace);
    }
    let error = (!traces.is_empty()).then(|| error / largest.max(f64::MIN_POSITIVE));
    Ok(Attempt { settings, lowered, traces, error })
}

/// Inputs and outputs of a program.
pub(super) fn ports(graph: &Graph, program: &Program) -> (Vec<Port>, Vec<Port>) {
    let port = |name: &str, node: NodeId, id: usize| {
        let element = graph.element(node);
        let tensor = &program.tensors[id];
        let shape = tensor.shape.dims().to_vec();
        Port { name: name.to_owned(), shape, element, scale: tensor.scale, interval: tensor.interval }
    };
    let inputs = graph.inputs().iter().zip(&program.inputs).map(|(&n, &id)| port(&graph.node(n).name, n, id));
    let named = graph.outputs().iter().zip(graph.output_names());
    let outputs = named.zip(&program.outputs).map(|((&n, name), &id)| port(name, n, id));
    (inputs.collect(), outputs.collect())
}

fn quantise_all(ports: &[Port], inputs: &[ArrayD<f64>]) -> Vec<Vec<i64>> {
    let one = |(port, array): (&Port, &ArrayD<f64>)| array.iter().map(|&v| to_integer(v, port.scale) as i64).collect();
    ports.iter().zip(inputs).map(one).collect()
}
