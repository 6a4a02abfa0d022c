//! What the user of a compilation chooses.

use crate::blob::Blob;
use crate::failure::Failure;
use crate::given::Given;
use std::path::PathBuf;
use std::str::FromStr;
use zktorch_blocks::goal::{Goal, Temperature};
use zktorch_blocks::program::Visibility;
use zktorch_compiler::graph::Graph;

/// What proofs show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// The model's outputs.
    #[default]
    Outputs,
    /// That a text goes on as the model says.
    Generate,
    /// That a text goes on as the model draws it, by a seed that comes after the prompt.
    Sample,
    /// How likely the model finds a text.
    Likelihood,
}

/// A word that is none of those that are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No task.
    #[error("expected outputs, generate, sample or likelihood")]
    Task,
    /// The size of an insecure setup.
    #[error("expected insecure:LOG2 with LOG2 from {} to {}, such as insecure:12", INSECURE.start(), INSECURE.end())]
    Insecure,
}

impl FromStr for Task {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        Ok(match word {
            "outputs" => Self::Outputs,
            "generate" => Self::Generate,
            "sample" => Self::Sample,
            "likelihood" => Self::Likelihood,
            _ => return Err(Unknown::Task),
        })
    }
}

/// Which setup to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SetupChoice {
    /// By size.
    #[default]
    Auto,
    /// The embedded ceremony.
    Ethereum,
    /// Hash-to-curve generators.
    Transparent,
    /// A public tau with this many powers, in binary logarithm.
    Insecure(u32),
    /// A powers-of-tau file.
    File(PathBuf),
}

/// Sizes that an insecure setup can have.
const INSECURE: std::ops::RangeInclusive<u32> = 5..=20;

impl FromStr for SetupChoice {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Ok(match text {
            "auto" => Self::Auto,
            "ethereum" => Self::Ethereum,
            "transparent" => Self::Transparent,
            _ => match text.strip_prefix("insecure") {
                Some(rest) if rest.is_empty() || rest.starts_with(':') => {
                    let log2 = rest.strip_prefix(':').and_then(|n| n.parse().ok()).filter(|n| INSECURE.contains(n));
                    Self::Insecure(log2.ok_or(Unknown::Insecure)?)
                }
                _ => Self::File(text.into()),
            },
        })
    }
}

/// What the user chooses about a compilation.
#[derive(Clone, Debug)]
pub struct CompileOptions {
    /// Sample inputs, which show what values the model meets.
    pub calibrate: Vec<Given>,
    /// What proofs show.
    pub task: Task,
    /// New tokens of a completion; none for half of the text.
    pub new_tokens: Option<usize>,
    /// The temperature of a sample; none for 1.
    pub temperature: Option<Temperature>,
    /// Bits of activations, 8 to 16; none for the fewest that keep the error on the samples small.
    pub bits: Option<u32>,
    /// The divergence of a language model's predictions that is good enough, in nats a token.
    pub target_kl: f64,
    /// The output error beyond which the model is refused, as a part of what outputs reach.
    pub max_error: f64,
    /// Whether the proof shows the inputs.
    pub input: Visibility,
    /// A verifying key whose outputs these inputs are to be like.
    pub input_like: Option<Blob>,
    /// Whether the proof shows the outputs.
    pub output: Visibility,
    /// What commitments rest on.
    pub setup: SetupChoice,
    /// A folder of the same model, compiled for a longer text, whose commitments and model proof are taken.
    pub weights_of: Option<PathBuf>,
    /// Whether to prove that the weights are integers of their declared widths, or their padding alone.
    pub model_proof: bool,
    /// Shapes of inputs, in order; none for the model's own.
    pub input_shapes: Vec<Vec<usize>>,
    /// **For tests**: makes the same keys each time, which hide nothing from whoever knows it.
    pub test_seed: Option<u64>,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            calibrate: Vec::new(),
            task: Task::Outputs,
            new_tokens: None,
            temperature: None,
            bits: None,
            target_kl: zktorch_compiler::TARGET_KL,
            max_error: zktorch_compiler::MAX_ERROR,
            input: Visibility::Public,
            input_like: None,
            output: Visibility::Public,
            setup: SetupChoice::Auto,
            weights_of: None,
            model_proof: true,
            input_shapes: Vec::new(),
            test_seed: None,
        }
    }
}

impl CompileOptions {
    /// What proofs show, of a model whose text is as long as its first input.
    pub(crate) fn goal(&self, graph: &Graph) -> Result<Goal, Failure> {
        let length = || graph.inputs().first().map_or(0, |&id| graph.node(id).len());
        let tokens = || self.new_tokens.unwrap_or_else(|| length() / 2);
        Ok(match (self.task, self.temperature) {
            (Task::Sample, temperature) => Goal::Sample { tokens: tokens(), temperature: temperature.unwrap_or_default() },
            (_, Some(_)) => return Err(Failure::usage("--temperature says how a sample is drawn: --task sample")),
            (Task::Outputs, None) => Goal::Outputs,
            (Task::Generate, None) => Goal::Generation { tokens: tokens() },
            (Task::Likelihood, None) => Goal::Likelihood,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setups_and_tasks_by_their_words() {
        assert_eq!("auto".parse(), Ok(SetupChoice::Auto));
        assert_eq!("insecure:9".parse(), Ok(SetupChoice::Insecure(9)));
        assert_eq!("tau.json".parse(), Ok(SetupChoice::File("tau.json".into())));
        for bad in ["insecure", "insecure:", "insecure:99", "insecure:x"] {
            assert!(bad.parse::<SetupChoice>().is_err(), "{bad}");
        }
        assert_eq!(("sample".parse(), "draw".parse::<Task>()), (Ok(Task::Sample), Err(Unknown::Task)));
    }
}
