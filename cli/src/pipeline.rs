//! The only place that calls the compiler.

use crate::args::{Task, Visibility};
use crate::failure::{Failure, note, warn};
use crate::files;
use crate::folder::read_verifying_key;
use crate::foreign;
use crate::progress::Progress;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zktorch_blocks::execute::ExecuteError;
use zktorch_blocks::program;
use zktorch_compiler::goal::{COMPLETION, Temperature};
use zktorch_compiler::graph::Graph;
use zktorch_compiler::import::{ImportError, ImportOptions, model_path};
use zktorch_compiler::inputs::{InputSpec, Sample, SampleError, read};
use zktorch_compiler::{CompileError, Earlier, Explanation, Goal, InputError, Like, Misposed, Options};
use zktorch_verdict::{Tensor, show};

pub use zktorch_compiler::report::{Predictions, Report};
pub use zktorch_compiler::{Compiled, Port};

/// What the user chooses about the program.
#[derive(Clone, Debug)]
pub struct Choices {
    /// Files with sample inputs.
    pub calibrate: Vec<PathBuf>,
    /// What proofs show.
    pub task: Task,
    /// New tokens of a completion; none for half of the text.
    pub new_tokens: Option<usize>,
    /// The temperature of a sample; none for 1.
    pub temperature: Option<Temperature>,
    /// Bits of activations.
    pub bits: Option<u32>,
    /// The divergence of a language model's predictions that is good enough.
    pub target_kl: f64,
    /// The output error beyond which the model is refused.
    pub max_error: f64,
    /// Whether the proof shows the inputs.
    pub input: Visibility,
    /// A verifying key whose outputs these inputs are to be like.
    pub input_like: Option<PathBuf>,
    /// Whether the proof shows the outputs.
    pub output: Visibility,
    /// Shapes of inputs, in order; none for the model's own.
    pub input_shapes: Vec<Vec<usize>>,
}

impl Choices {
    /// What proofs show, of a model whose text is as long as its first input.
    fn goal(&self, graph: &Graph) -> Result<Goal, Failure> {
        let length = || graph.inputs().first().map_or(0, |&id| graph.node(id).len());
        let tokens = || self.new_tokens.unwrap_or_else(|| length() / 2);
        Ok(match (self.task, self.temperature) {
            (Task::Sample, temperature) => Goal::Sample { tokens: tokens(), temperature: temperature.unwrap_or_default() },
            (_, Some(_)) => return Err(Failure::undecided("--temperature says how a sample is drawn: --task sample")),
            (Task::Outputs, None) => Goal::Outputs,
            (Task::Generate, None) => Goal::Generation { tokens: tokens() },
            (Task::Likelihood, None) => Goal::Likelihood,
        })
    }
}

/// From an ONNX file to a program and its weights, or those of an earlier program of the model.
pub fn compile_model(
    model: &Path,
    choices: &Choices,
    alike: Option<Earlier>,
    progress: &mut Progress,
) -> Result<Compiled, Failure> {
    progress.begin("reading the model");
    files::readable(model)?;
    let options = ImportOptions { input_shapes: choices.input_shapes.clone(), ..ImportOptions::default() };
    let imported = model_path(model, &options).map_err(|e| import_failure(model, &e))?;
    let inputs = InputSpec::of(&imported.graph);
    for name in &imported.batched {
        let what = format!(
            "the file leaves the first axis of input `{name}` open: it is 1, one sample a proof; --input-shape sets another"
        );
        progress.suspend(|| note(&what));
    }
    progress.begin("reading samples");
    let mut all = Vec::new();
    for path in &choices.calibrate {
        all.extend(read(path, &inputs).map_err(sample_failure)?);
    }
    progress.begin("quantising");
    let inputs_like = choices.input_like.as_deref().map_or_else(|| Ok(Vec::new()), |path| outputs_of(path, &inputs))?;
    let (inputs, outputs) = (choices.input.into(), choices.output.into());
    let goal = choices.goal(&imported.graph)?;
    let Choices { bits, target_kl, max_error, .. } = *choices;
    let alike = alike.map(Arc::new);
    let options = Options { goal, bits, inputs, outputs, inputs_like, alike, target_kl, max_error, ..Options::default() };
    zktorch_compiler::compile_model(&imported, &all, &options).map_err(|e| compile_failure(model, &e))
}

/// What the nodes of an ONNX file would become, and what stands in the way: nodes that are not read first.
pub fn explain_model(model: &Path, choices: &Choices) -> Result<Explanation, Failure> {
    files::readable(model)?;
    let options = ImportOptions { input_shapes: choices.input_shapes.clone(), ..ImportOptions::default() };
    let imported = match model_path(model, &options) {
        Err(ImportError::Unsupported(nodes)) => {
            let obstacles = nodes.iter().map(ToString::to_string).collect();
            return Ok(Explanation { obstacles, ..Explanation::default() });
        }
        imported => imported.map_err(|e| import_failure(model, &e))?,
    };
    let options =
        Options { bits: choices.bits, inputs: choices.input.into(), outputs: choices.output.into(), ..Options::default() };
    zktorch_compiler::explain(&imported.graph, &options).map_err(|e| compile_failure(model, &e))
}

impl From<Visibility> for program::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Public,
            Visibility::Private => Self::Private,
        }
    }
}

/// What the outputs of a key are like, one for each input.
fn outputs_of(path: &Path, inputs: &[InputSpec]) -> Result<Vec<Like>, Failure> {
    let key = read_verifying_key(path)?;
    let program = &key.program;
    let tensors: Vec<_> = program.outputs.iter().filter_map(|&id| program.tensors.get(id)).collect();
    let shapes = |all: &mut dyn Iterator<Item = &[usize]>| all.map(show::shape).collect::<Vec<_>>().join(", ");
    if tensors.len() != inputs.len() || tensors.iter().zip(inputs).any(|(t, i)| t.shape.dims() != i.shape) {
        let (got, expected) =
            (shapes(&mut tensors.iter().map(|t| t.shape.dims())), shapes(&mut inputs.iter().map(|i| i.shape.as_slice())));
        return Err(Failure::file("use", path, format!("its outputs have shapes {got}, the model's inputs {expected}")));
    }
    let columns = program.outputs.iter().map(|&id| program.column_exponents(id).to_vec());
    let like = tensors.iter().zip(columns);
    Ok(like.map(|(t, columns)| Like { scale: t.scale, interval: t.interval, columns }).collect())
}

/// A model that cannot be imported: unsupported, or not readable.
pub fn import_failure(path: &Path, error: &ImportError) -> Failure {
    let model = path.display();
    let failure = match error {
        ImportError::Unsupported(_) => Failure::unsupported(format!(
            "`{model}` uses operators that cannot be proved yet: {error}"
        ))
        .hint(error.way_out().unwrap_or("docs/operators.md lists the operators that are proved, and ways around others")),
        ImportError::Read { .. } => Failure::undecided(error.to_string()),
        ImportError::Malformed { .. } => {
            let seems = foreign::guess(path).map(|what| format!("the file seems to be {what}"));
            let complete = || "is the file complete, and was it written by torch.onnx.export?".into();
            Failure::undecided(format!("`{model}`: {error}")).hint(seems.unwrap_or_else(complete))
        }
        ImportError::ExternalData { .. } => Failure::undecided(format!("`{model}`: {error}"))
            .hint("keep the weight files that the export wrote beside the .onnx file"),
        _ => Failure::undecided(format!("`{model}`: {error}")),
    };
    // The parser's words for further outputs.
    if error.of_training() || error.to_string().contains("Wrong number of outputs") {
        return failure.hint("was the model exported in training mode? call model.eval() before torch.onnx.export");
    }
    failure
}

fn compile_failure(model: &Path, error: &CompileError) -> Failure {
    let text = format!("`{}`: {error}", model.display());
    match error {
        CompileError::Lower(_) => Failure::unsupported(text),
        CompileError::Goal(Misposed::Long { .. }) => {
            Failure::undecided(text).hint("choose --new-tokens, or export the model for a longer text")
        }
        CompileError::Goal(_) => Failure::unsupported(text)
            .hint("--task generate, sample and likelihood are for causal language models; --task outputs proves what any model gives"),
        CompileError::Unlike(_) => {
            Failure::undecided(text).hint("--weights-of takes a folder of the same model, compiled with the same options for a longer text")
        }
        CompileError::Execute(ExecuteError::OutOfRange { allowed, .. }) if allowed.lo > 0 => Failure::unsupported(text),
        CompileError::Execute(_) => Failure::unsupported(text).hint(
            "numbers of very different size share a tensor: divide each by its usual size before the model, or give more samples (--calibrate), \
             which show the size of every column",
        ),
        CompileError::Inexact { .. } => Failure::unsupported(text).hint(
            "more samples (--calibrate) or more --bits may bring it closer; --max-error accepts a larger error, which the report states",
        ),
        CompileError::Uncalibrated { .. } => {
            Failure::unsupported(text).hint("give typical inputs: --calibrate FILE (.npy, .npz, .json, .pb)")
        }
        CompileError::Reference { .. } => Failure::undecided(text).hint("does the model run on this sample in onnxruntime?"),
        CompileError::Sample { .. } | CompileError::NotFinite { .. } => {
            Failure::undecided(text).hint("check the --calibrate files")
        }
        CompileError::Bits(_) | CompileError::Invalid(_) => Failure::undecided(text),
    }
}

/// A run that failed: a program that is broken is a bad file, a value out of range a bad input.
pub fn run_failure(error: ExecuteError) -> Failure {
    let failure = Failure::undecided(error.to_string());
    match error {
        ExecuteError::Contradiction { tensor, .. } if tensor.starts_with(COMPLETION) => {
            failure.hint("a token of the text is not the model's answer to those before it, or not what the seed draws; --generate N writes what is")
        }
        _ => failure,
    }
}

fn sample_failure(error: SampleError) -> Failure {
    Failure::undecided(error.to_string())
}

/// Reads the one input that a file holds, as integers.
pub fn read_input(path: &Path, ports: &[Port]) -> Result<Vec<Vec<i64>>, Failure> {
    let sample = read_sample(path, ports)?;
    let integers = quantise(ports, &sample).map_err(|e| Failure::file("use", path, e))?;
    for ((port, values), integers) in ports.iter().zip(&sample).zip(&integers) {
        lost(port, &values.iter().copied().collect::<Vec<f64>>(), integers).into_iter().for_each(|what| warn(&what));
    }
    Ok(integers)
}

/// Inputs of more entries are looked at by columns of their last axis.
const SMALL: usize = 64;

/// Says which entries (of a large input: columns) are not 0 but count as 0, if any.
fn lost(port: &Port, values: &[f64], integers: &[i64]) -> Option<String> {
    let small = values.len() <= SMALL;
    let groups = if small { values.len() } else { port.shape.last().copied().unwrap_or(1) }.max(1);
    let (mut given, mut counts) = (vec![false; groups], vec![false; groups]);
    for (position, (&value, &integer)) in values.iter().zip(integers).enumerate() {
        given[position % groups] |= value != 0.0;
        counts[position % groups] |= integer != 0;
    }
    let lost: Vec<usize> = (0..groups).filter(|&group| given[group] && !counts[group]).collect();
    let first = *lost.first()?;
    let place = if small { format!("entry {}", show::place(first, &port.shape)) } else { format!("column {first}") };
    let more = if lost.len() > 1 { format!(" and {} more count", lost.len() - 1) } else { " counts".to_owned() };
    Some(format!(
        "input `{}`: {place}{more} as 0, though not 0: the program knows numbers in steps of {} there",
        port.name,
        show::number(port.step(first))
    ))
}

/// The integers of an input.
pub fn quantise(ports: &[Port], sample: &Sample) -> Result<Vec<Vec<i64>>, InputError> {
    ports.iter().zip(sample).map(|(port, array)| port.quantise(&array.iter().copied().collect::<Vec<f64>>())).collect()
}

/// What a file of inputs has to hold.
pub fn specs(ports: &[Port]) -> Vec<InputSpec> {
    ports.iter().map(|p| InputSpec { name: p.name.clone(), shape: p.shape.clone() }).collect()
}

/// Reads the one input that a file holds.
pub fn read_sample(path: &Path, ports: &[Port]) -> Result<Sample, Failure> {
    let mut samples = read(path, &specs(ports)).map_err(sample_failure)?;
    let [_] = samples.as_slice() else {
        let shapes: Vec<String> =
            ports.iter().map(|p| format!("`{}` has shape {}", p.name, show::shape(&p.shape))).collect();
        let why = format!("expected one sample, it holds {} (input {})", samples.len(), shapes.join(", input "));
        return Err(Failure::file("use", path, why));
    };
    Ok(samples.remove(0))
}

/// Named tensors of integers.
pub fn tensors(ports: &[Port], values: &[Vec<i64>]) -> Vec<Tensor> {
    ports.iter().zip(values).map(|(port, values)| Tensor::of(port, values.clone())).collect()
}
