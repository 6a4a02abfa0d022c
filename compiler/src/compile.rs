//! From a float graph and samples to a program, its weights, and a report.

use ndarray::ArrayD;
use zktorch_blocks::execute::{ExecuteError, Trace, Weights, execute};
use zktorch_blocks::program::{Interval, Invalid, Limits, Program};

use crate::graph::{EvaluateError, Evaluation, Graph, Op};
use crate::lower::{Interface, LowerError, Lowered, lower};
use crate::quantise::{Calibration, Range, Settings, candidates, finest, saturates, to_integer, to_real};
use crate::report::{self, Report};

/// Multiplications in all test runs of one candidate, beyond which fewer samples are tried.
const EFFORT: u64 = 1 << 32;

/// Activations of a net in which every bit is felt, and the output error that is small enough there.
const LARGE: usize = 100_000;
const LARGE_ERROR: f64 = 0.002;
/// Widths whose error is within this factor of the finest ones' will do where no widths reach the target.
const NEAR: f64 = 1.3;

/// What the user chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bits of activations, 8 to 16; `None` for the smallest that keep the error small.
    pub bits: Option<u32>,
    /// Whether inputs are part of the statement.
    pub public_inputs: bool,
    /// Whether outputs are part of the statement.
    pub public_outputs: bool,
    /// Scale and interval that inputs must have, in order; none for the model's own.
    pub inputs_like: Vec<(i32, Interval)>,
    /// The output error to stay below, relative to the largest output.
    pub target_error: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { bits: None, public_inputs: true, public_outputs: true, inputs_like: Vec::new(), target_error: 0.0008 }
    }
}

/// An input or output of a compiled model.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Port {
    /// The ONNX name.
    pub name: String,
    /// Extents.
    pub shape: Vec<usize>,
    /// `real = value * 2^-scale`.
    pub scale: i32,
    /// Values allowed.
    pub interval: Interval,
}

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

/// Why a graph cannot be compiled.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    /// An option is out of range.
    #[error("--bits {0}: expected 8 to 16")]
    Bits(u32),
    /// A calibration sample does not fit the model.
    #[error("calibration sample {sample}: {error}")]
    Sample {
        /// Index of the sample.
        sample: usize,
        /// What is wrong with it.
        error: EvaluateError,
    },
    /// A calibration sample makes the model produce infinities or NaN.
    #[error(
        "calibration sample {sample}: tensor `{tensor}` has an entry that is not finite; expected finite inputs and activations"
    )]
    NotFinite {
        /// Index of the sample.
        sample: usize,
        /// The tensor's name.
        tensor: String,
    },
    /// Operations that cannot be lowered.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The program does not validate: a bug of the compiler.
    #[error("the lowered program is not well formed: {0}")]
    Invalid(#[from] Invalid),
    /// No widths carry the calibration samples.
    #[error("no bit widths carry the calibration samples: {0}")]
    Execute(#[from] ExecuteError),
}

/// Why a value is no input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The wrong number of values.
    #[error("input `{name}`: expected {expected} values, got {got}")]
    Length {
        /// The input's name.
        name: String,
        /// Values expected.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// NaN or infinity.
    #[error("input `{name}`: entry {position} is {value}; expected a finite number")]
    NotFinite {
        /// The input's name.
        name: String,
        /// Row-major position.
        position: usize,
        /// The entry.
        value: f32,
    },
    /// Beyond the calibrated range.
    #[error("input `{name}`: entry {position} is {value}, outside [{lo}, {hi}]; compile again with samples like it")]
    OutOfRange {
        /// The input's name.
        name: String,
        /// Row-major position.
        position: usize,
        /// The entry.
        value: f32,
        /// Smallest value allowed.
        lo: f64,
        /// Largest value allowed.
        hi: f64,
    },
}

/// Compiles a graph. Each sample has one array for each input.
///
/// # Errors
/// If the graph or the samples cannot be used, with the node or sample that is to blame.
pub fn compile(graph: &Graph, samples: &[Vec<ArrayD<f32>>], options: &Options) -> Result<Compiled, CompileError> {
    if let Some(bits) = options.bits.filter(|b| !(8..=16).contains(b)) {
        return Err(CompileError::Bits(bits));
    }
    let (calibration, references) = calibrate(graph, samples, options)?;
    let rounded = |op: &Op| matches!(op, Op::Unary(_) | Op::MaxPool(_) | Op::Softmax { .. });
    let activations = graph.nodes().filter(|(_, n)| rounded(&n.op)).map(|(_, n)| n.len()).sum();
    let best = search(graph, &calibration, options, &references, activations)?;
    Ok(finish(graph, &calibration, best, references))
}

/// The cheapest widths whose error is as small as wanted; where none is, the cheapest that come near the best.
fn search(
    graph: &Graph,
    calibration: &Calibration,
    options: &Options,
    references: &[Reference<'_>],
    activations: usize,
) -> Result<Attempt, CompileError> {
    let try_out = |settings: Settings| attempt(graph, calibration, settings, options, references);
    let error = |attempt: &Attempt| attempt.error.unwrap_or(0.0);
    let wanted = if activations > LARGE { options.target_error.max(LARGE_ERROR) } else { options.target_error };
    let [finest, beyond] = finest(options.bits, activations);
    let reach = |saturates| -> Result<Attempt, CompileError> {
        let best = try_out(Settings { saturates, ..finest })?;
        if error(&best) <= wanted {
            return Ok(best);
        }
        // Limbs for all remainders: only where they bring much.
        let finer = try_out(Settings { saturates, ..beyond }).ok().filter(|finer| error(finer) < 0.5 * error(&best));
        Ok(finer.unwrap_or(best))
    };
    let mut best = reach(false)?;
    // Saturation too: it takes two more values and a lookup each time.
    if error(&best) > wanted
        && saturates(graph, finest)
        && let Ok(other) = reach(true)
        && error(&other) < 0.5 * error(&best)
    {
        best = other;
    }
    if best.settings.shift > finest.shift && error(&best) > 0.5 * wanted {
        return Ok(best);
    }
    let wanted = wanted.max(NEAR * error(&best));
    let mut failed: Vec<(Settings, f64)> = Vec::new();
    let saturates = best.settings.saturates;
    for settings in candidates(options.bits, activations).into_iter().map(|s| Settings { saturates, ..s }) {
        if settings == best.settings {
            break;
        }
        if failed.iter().any(|(tried, ratio)| hopeless(*tried, *ratio, settings)) {
            continue;
        }
        // Widths that cannot carry the samples are no error: wider ones do.
        if let Ok(tried) = try_out(settings) {
            if error(&tried) <= wanted {
                return Ok(tried);
            }
            failed.push((settings, error(&tried) / wanted));
        }
    }
    Ok(best)
}

/// Whether widths will not repair an error that others left: a bit halves it, or somewhat more where it had saturated.
fn hopeless(tried: Settings, ratio: f64, next: Settings) -> bool {
    let more = (next.bits as i32 - tried.bits as i32).max(next.shift as i32 - tried.shift as i32);
    f64::from(more) < (0.6 * ratio.log2()).floor()
}

/// One lowering and its runs on samples.
struct Attempt {
    settings: Settings,
    lowered: Lowered,
    traces: Vec<Trace>,
    error: Option<f64>,
}

type Reference<'s> = (&'s [ArrayD<f32>], Evaluation);

fn calibrate<'s>(
    graph: &Graph,
    samples: &'s [Vec<ArrayD<f32>>],
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

fn attempt(
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
                error = error.max((to_real(value, port.scale) - f64::from(float)).abs());
                largest = largest.max(f64::from(float.abs()));
            }
        }
        traces.push(trace);
    }
    let error = (!traces.is_empty()).then(|| error / largest.max(f64::MIN_POSITIVE));
    Ok(Attempt { settings, lowered, traces, error })
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

fn ports(graph: &Graph, program: &Program) -> (Vec<Port>, Vec<Port>) {
    let port = |name: &str, id: usize| {
        let tensor = &program.tensors[id];
        Port { name: name.to_owned(), shape: tensor.shape.dims().to_vec(), scale: tensor.scale, interval: tensor.interval }
    };
    let inputs = graph.inputs().iter().zip(&program.inputs).map(|(&n, &id)| port(&graph.node(n).name, id));
    let outputs = graph.output_names().iter().zip(&program.outputs).map(|(n, &id)| port(n, id));
    (inputs.collect(), outputs.collect())
}

fn quantise_all(ports: &[Port], inputs: &[ArrayD<f32>]) -> Vec<Vec<i64>> {
    let one =
        |(port, array): (&Port, &ArrayD<f32>)| array.iter().map(|&v| to_integer(f64::from(v), port.scale) as i64).collect();
    ports.iter().zip(inputs).map(one).collect()
}

impl Port {
    /// Integers of an input's entries, row-major.
    ///
    /// # Errors
    /// If there are too few or too many, or one is not finite or leaves the range.
    pub fn quantise(&self, values: &[f32]) -> Result<Vec<i64>, InputError> {
        let expected = self.shape.iter().product();
        if values.len() != expected {
            return Err(InputError::Length { name: self.name.clone(), expected, got: values.len() });
        }
        let one = |(position, &value): (usize, &f32)| {
            let name = || self.name.clone();
            if !value.is_finite() {
                return Err(InputError::NotFinite { name: name(), position, value });
            }
            let (lo, hi) = (self.interval.lo as f64, self.interval.hi as f64);
            let integer = to_integer(f64::from(value), self.scale);
            if integer < lo || integer > hi {
                let real = |v: i64| to_real(v, self.scale);
                let (lo, hi) = (real(self.interval.lo), real(self.interval.hi));
                return Err(InputError::OutOfRange { name: name(), position, value, lo, hi });
            }
            Ok(integer as i64)
        };
        values.iter().enumerate().map(one).collect()
    }

    /// The real numbers that an output's integers stand for.
    pub fn dequantise(&self, values: &[i64]) -> Vec<f64> {
        values.iter().map(|&v| to_real(v, self.scale)).collect()
    }
}
