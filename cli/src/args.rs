//! The commands and their options.

mod compile;
mod value;

use clap::{Parser, Subcommand, ValueEnum};
pub use compile::Compile;
use std::path::PathBuf;
use value::threads;

/// Prove that a neural network gave an output, without showing its weights.
///
/// Export your PyTorch model to ONNX, `compile` it once, `prove` one inference, and let anybody `verify` it.
#[derive(Debug, Parser)]
#[command(name = "zktorch", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How results are printed on standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, display_order = 100)]
    pub format: Format,
    /// Say what is being done and how long it took, also where standard error is no terminal
    #[arg(short, long, global = true, display_order = 101, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing on standard error but errors: no progress, no notes, no warnings. Results keep their warnings
    #[arg(short, long, global = true, display_order = 102)]
    pub quiet: bool,
}

const AFTER: &str = "Exit codes: 0 done or accepted, 1 rejected or not supported, 2 could not decide (bad file, bad usage, \
i/o error).\nStart with `zktorch demo`.";

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// Who knows a model's inputs or outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Visibility {
    /// The proof shows them, and is about exactly these
    Public,
    /// The proof hides them behind a commitment
    Private,
}

/// What a verifier may ask for beside a valid proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Requirement {
    /// The weights are proved to be integers of their declared widths (`model.proof`)
    ModelProof,
    /// Not everybody can forge proofs for the key
    SecureSetup,
    /// The proof shows all inputs
    PublicInput,
    /// The proof shows all outputs
    PublicOutput,
    /// Several proofs: private tensors that they share tie all of them together
    Shared,
}

impl From<Requirement> for zktorch_verdict::Requirement {
    fn from(requirement: Requirement) -> Self {
        match requirement {
            Requirement::ModelProof => Self::ModelProof,
            Requirement::SecureSetup => Self::SecureSetup,
            Requirement::PublicInput => Self::PublicInput,
            Requirement::PublicOutput => Self::PublicOutput,
            Requirement::Shared => Self::Shared,
        }
    }
}

/// What proofs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// The model's outputs
    Outputs,
    /// That a text goes on as the model says: each of its last tokens has the largest logit behind those before it
    Generate,
    /// That a text goes on as the model draws it, by a seed that comes after the prompt: each of its last tokens as often as the model says at a
    /// temperature
    Sample,
    /// How likely the model finds a text: the sum of the logarithms of its tokens' probabilities
    Likelihood,
}

impl From<Task> for zktorch_engine::Task {
    fn from(task: Task) -> Self {
        match task {
            Task::Outputs => Self::Outputs,
            Task::Generate => Self::Generate,
            Task::Sample => Self::Sample,
            Task::Likelihood => Self::Likelihood,
        }
    }
}

impl From<Visibility> for zktorch_blocks::program::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Public,
            Visibility::Private => Self::Private,
        }
    }
}

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Toggle {
    /// Do it
    On,
    /// Leave it out: for experiments
    Off,
}

/// The commands.
#[derive(Debug, Subcommand)]
// What a command's help says stands at its options.
#[allow(missing_docs)]
pub enum Command {
    Compile(Compile),
    Run(Run),
    Commit(Commit),
    Prove(Prove),
    Verify(Verify),
    Strip(Strip),
    Audit(Audit),
    Inspect(Inspect),
    Demo(Demo),
    Completions(Completions),
    Man(Man),
}

/// Run the compiled model on inputs, without proving anything.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// A folder made by `zktorch compile`
    pub dir: PathBuf,
    /// The input: {"input_data": [[..]]} with one list an input, or .npy, .npz, .pb, or a folder of these; several samples have one more axis in
    /// front, or stand in for a first axis of 1. Of a language model that generates or judges texts, a text
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// The label of each sample, whole numbers in the samples' order (.npy, .json, or one a line): prints how many the model gets right, by the
    /// largest entry of an output, or by an output that is itself a label
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Go on with the text for so many tokens, by the integer model; for a model compiled with `--task generate` or `sample`
    #[arg(long, value_name = "N")]
    pub generate: Option<usize>,
    /// What draws follow from, for a model compiled with `--task sample`: any text, hexadecimal digits too, that was not known before model and
    /// prompt were fixed
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
    /// The model's tokenizer.json: reads an input that is a text (.txt), and shows ids as text; what is proved are ids
    #[arg(long, value_name = "FILE.json")]
    pub tokenizer: Option<PathBuf>,
    /// Also write the outputs: .npy (one output), .npz (by their names), or {"input_data": [[..]]}, an input or calibration samples of a model that
    /// goes on with them
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace what cannot be made again: an opening, a commitment, keys or a program of zktorch
    #[arg(long)]
    pub force: bool,
}

/// Commit to private inputs, so that several proofs can be about them.
///
/// COMMITMENT may be given to anybody, and signed by whoever made the input. Beside it lies COMMITMENT.opening, which is secret: whoever
/// proves with `--bind` needs both.
#[derive(Debug, clap::Args)]
pub struct Commit {
    /// A folder made by `zktorch compile --input private`
    pub dir: PathBuf,
    /// The input: {"input_data": [[..]]} with one list an input, or .npy, .npz, .pb
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// The commitment to write
    #[arg(short, long, value_name = "COMMITMENT")]
    pub output: PathBuf,
    /// Replace what cannot be made again: an opening, a commitment, keys or a program of zktorch
    #[arg(long)]
    pub force: bool,
    /// For tests: draws all randomness from a seed, so that the files are the same each time, and hide nothing
    #[arg(long, value_name = "N", hide = true)]
    pub test_seed: Option<u64>,
}

/// Run the compiled model on an input and prove the outputs.
///
/// Needs `program.zkc`, `proving.key` and `verifying.key` in DIR. PROOF is for whoever verifies, beside `verifying.key` and `model.proof`; the
/// input is only if it is public and they want to compare it.
#[derive(Debug, clap::Args)]
pub struct Prove {
    /// A folder made by `zktorch compile`
    pub dir: PathBuf,
    /// The input: {"input_data": [[..]]} with one list an input, or .npy, .npz, .pb; not needed if all inputs are bound
    #[arg(long, value_name = "FILE", required_unless_present = "bind")]
    pub input: Option<PathBuf>,
    /// Go on with the text for so many tokens, and prove that they are the model's; for a model compiled with `--task generate` or `sample`
    #[arg(long, value_name = "N", requires = "input")]
    pub generate: Option<usize>,
    /// What draws follow from, for a model compiled with `--task sample`: the seed of whoever verifies, or one that nobody knew before model and
    /// prompt were fixed
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
    /// The model's tokenizer.json: reads an input that is a text (.txt), and shows ids as text; what is proved are ids
    #[arg(long, value_name = "FILE.json")]
    pub tokenizer: Option<PathBuf>,
    /// A commitment to private inputs, with its opening beside it, that the proof shall be about; may be repeated
    #[arg(long, value_name = "COMMITMENT")]
    pub bind: Vec<PathBuf>,
    /// Where to write the commitment to private inputs and outputs of this proof, and its opening (secret), for other proofs to be bound to
    #[arg(long, value_name = "COMMITMENT")]
    pub keep: Option<PathBuf>,
    /// The proof to write
    #[arg(short, long, value_name = "PROOF")]
    pub output: PathBuf,
    /// Replace what cannot be made again: an opening, a commitment, keys or a program of zktorch
    #[arg(long)]
    pub force: bool,
    /// Write the proof without verifying it first: saves what `verify` takes, and a proof under a foreign or damaged key is not found out
    #[arg(long)]
    pub unchecked: bool,
    /// Threads to use; all cores if left out
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub threads: Option<usize>,
    /// For tests: draws all randomness from a seed, so that the files are the same each time, and hide nothing
    #[arg(long, value_name = "N", hide = true)]
    pub test_seed: Option<u64>,
}

/// Check a proof.
///
/// Needs the verifying key, the model proof beside it (`model.proof`, at the first use of a key; what was accepted is remembered), and the
/// proof: no model, no weights. Says what was proved about what. Several proofs, each with its key (or all with one), are checked together,
/// and private tensors that they share are named.
///
/// A proof is about the program and the weights of its key: have the key, or its digest, from somebody you trust; `zktorch audit` tells
/// whether the program is a network that you know. Exit code 0 says accepted, warnings or not: --require makes them rejections.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The `verifying.key` that `zktorch compile` made; one for all proofs, or one for each
    #[arg(long, value_name = "KEY", required = true)]
    pub key: Vec<PathBuf>,
    /// The proof, or several
    #[arg(value_name = "PROOF", required = true)]
    pub proof: Vec<PathBuf>,
    /// The input that the proof must be about: {"input_data": [[..]]} with one list an input, or .npy, .npz, .pb. It is made integers as
    /// `prove` does it, and compared with the public input. Of a text that a model goes on with, the prompt alone (.txt with `--tokenizer`):
    /// all that stands behind it, up to the end of the completion, must be the model's
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The model's tokenizer.json: shows ids as text. A proof is about ids, whatever a tokenizer makes of them
    #[arg(long, value_name = "FILE.json")]
    pub tokenizer: Option<PathBuf>,
    /// The seed that a sample must have been drawn by, as it was given to `prove`: yours, sent once you had the prompt, or the next number of a
    /// beacon. Needed where the key's program draws
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
    /// Reject what would be accepted with a warning, or shows too little; several are separated by commas
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    pub require: Vec<Requirement>,
    /// A commitment that the proof must be about; may be repeated
    #[arg(long, value_name = "COMMITMENT")]
    pub bind: Vec<PathBuf>,
}

/// Take the weights out of an ONNX model, for an audit.
///
/// Names, shapes and operators stay, and so do single numbers and tensors of one number only (slopes, bounds, zero biases): what the
/// model computes depends on them. The result lists what was kept.
#[derive(Debug, clap::Args)]
pub struct Strip {
    /// The model
    #[arg(value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "STRIPPED.onnx")]
    pub output: PathBuf,
    /// Replace what cannot be made again: an opening, a commitment, keys or a program of zktorch
    #[arg(long)]
    pub force: bool,
}

/// Check that a verifying key is for a given network, without its weights.
///
/// Lowers the model again by the scales and widths that the key notes, and compares the result with the key's program. The model
/// may be the output of `zktorch strip`, an ONNX file without the weight file beside it, or the whole model: weights are not looked at.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// The model, with or without weights
    #[arg(value_name = "MODEL_WITHOUT_WEIGHTS.onnx")]
    pub model: PathBuf,
    /// The `verifying.key`
    #[arg(value_name = "KEY")]
    pub key: PathBuf,
}

/// Say what a file or folder of zktorch contains.
#[derive(Debug, clap::Args)]
pub struct Inspect {
    /// A folder made by `zktorch compile`, or any file in it, or a proof
    #[arg(value_name = "FILE_OR_DIR")]
    pub path: PathBuf,
}

/// See everything once, on a classifier of handwritten digits that ships with zktorch.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Which of the 360 test images to prove
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub index: usize,
}

/// Print a script that completes words of this command line.
///
/// For bash: `zktorch completions bash > ~/.local/share/bash-completion/completions/zktorch`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Print the manual page, or write a page for every command.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder to write zktorch.1, zktorch-compile.1, .. into; without it the page of zktorch is printed
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn errors_are_parts_of_samples() {
        let line = |more: &[&str]| Cli::try_parse_from([&["zktorch", "compile", "m.onnx", "-o", "d"], more].concat());
        assert!(line(&["--max-error", "0.1"]).is_err_and(|e| e.to_string().contains("--calibrate")));
        assert!(line(&["--max-error", "0.1", "--calibrate", "x.npy"]).is_ok() && line(&[]).is_ok());
    }
}
