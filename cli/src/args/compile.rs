//! The options of `compile`.

use super::value::{Shape, part, shape};
use super::{Task, Toggle, Visibility};
use std::path::PathBuf;
use zktorch_compiler::goal::Temperature;
use zktorch_engine::SetupChoice;

/// Turn an ONNX model into a provable program and its keys.
///
/// The model's numbers become integers ("quantisation"); the report says how far the integer model is from yours. DIR gets:
///
/// - `proving.key` and `program.zkc`: stay with whoever proves; the key contains the weights, keep it
///
/// - `verifying.key` and `model.proof`: for whoever checks proofs, once, together
///
/// - `report.json`: for you
#[derive(Debug, clap::Args)]
pub struct Compile {
    /// The model, as `torch.onnx.export` writes it
    #[arg(value_name = "MODEL.onnx")]
    pub model: PathBuf,
    /// The folder to make
    #[arg(short, long = "out", value_name = "DIR", required_unless_present = "explain")]
    pub out: Option<PathBuf>,
    /// Make nothing: list what each node of the model would become, without samples, and what stands in the way
    #[arg(long, conflicts_with_all = ["out", "calibrate", "weights_of", "force"])]
    pub explain: bool,
    /// Write into a folder that is not empty, and replace the keys in it: proofs made with them are not accepted by new ones
    #[arg(long)]
    pub force: bool,
    /// Sample inputs (.json, .npy, .npz, .pb) that show which values the model meets; strongly recommended, may be repeated
    #[arg(long, value_name = "FILE")]
    pub calibrate: Vec<PathBuf>,
    /// Bits of an activation, 8 to 16: more is closer to the float model and slower. Left out, the fewest that keep the
    /// error on the samples small
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=16))]
    pub bits: Option<u32>,
    /// The largest error of an output that is accepted on the samples, as a part of what its entries (of a large output: its column) reach,
    /// or of their bound where the operator has one (1 of a sigmoid or a softmax): 0.05 is 5 %. A model with a larger error is refused
    #[arg(long, value_name = "PART", default_value_t = zktorch_compiler::MAX_ERROR, value_parser = part, requires = "calibrate")]
    pub max_error: f64,
    /// The divergence of a language model's predictions from the float model's that is good enough, in nats a token, on texts that are held back
    /// from calibration
    #[arg(long, value_name = "NATS", default_value_t = zktorch_compiler::TARGET_KL, value_parser = part, requires = "calibrate")]
    pub target_kl: f64,
    /// What proofs show. A language model takes token ids and gives logits for each; it must be causal to be asked for more than its outputs
    #[arg(long, value_enum, default_value_t = Task::Outputs)]
    pub task: Task,
    /// With `--task generate` or `sample`: new tokens that one proof can show, at most; half of the text if left out
    #[arg(long, value_name = "N")]
    pub new_tokens: Option<usize>,
    /// With `--task sample`: what logits are divided by, a positive number; 1 if left out, at which tokens are drawn as the model has it
    #[arg(long, value_name = "T")]
    pub temperature: Option<Temperature>,
    /// What the commitments rest on: `auto`, `ethereum` (the public KZG ceremony, small proofs), `transparent` (nothing to
    /// trust), the path of a powers-of-tau file, or `insecure:LOG2` (anyone can forge proofs; benchmarks only)
    #[arg(long, value_name = "SETUP", default_value = "auto")]
    pub setup: SetupChoice,
    /// Whether proofs show the model's input
    #[arg(long, value_enum, default_value_t = Visibility::Public)]
    pub input: Visibility,
    /// Take range and scale of inputs from the outputs of another model, given by its verifying key, so that this model can be proved on
    /// what that one gave
    #[arg(long, value_name = "KEY")]
    pub input_like: Option<PathBuf>,
    /// Whether proofs show the model's output
    #[arg(long, value_enum, default_value_t = Visibility::Public)]
    pub output: Visibility,
    /// A folder that was compiled from the same model for a longer text: this one gets its commitments to the weights, its model proof and all that
    /// was chosen for it, so that both are one model to whoever verifies
    #[arg(long, value_name = "DIR", conflicts_with_all = ["setup", "bits", "input_like"])]
    pub weights_of: Option<PathBuf>,
    /// Whether to prove that the committed weights are integers of their declared widths: once a model, for whoever verifies.
    /// Without it a verdict says `model: unproved`
    #[arg(long, value_enum, default_value_t = Toggle::On)]
    pub model_proof: Toggle,
    /// The shape of an input that the ONNX file leaves open, such as 1x3x32x32; repeat it for further inputs, in order. An open first
    /// axis (the batch) is 1 without it
    #[arg(long = "input-shape", value_name = "SHAPE", value_parser = shape)]
    pub input_shape: Vec<Shape>,
    /// For tests: draws all randomness from a seed, so that the files are the same each time, and hide nothing
    #[arg(long, value_name = "N", hide = true)]
    pub test_seed: Option<u64>,
}
