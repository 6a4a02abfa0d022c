//! What a proof shows of a language model: its outputs, a text that it writes, or how likely it finds one.

use std::fmt;
use std::str::FromStr;

use crate::program::{Program, TensorId};

/// What a proof shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// The model's outputs.
    #[default]
    Outputs,
    /// That tokens of a text are those of the model's largest logits behind what stands before them; the lowest of several. The input
    /// [`PLACES`] has the places of what each answers to, and the output [`COMPLETION`] the tokens: that at a place and one more.
    Generation {
        /// How many tokens, at most: a place may stand there again.
        tokens: usize,
    },
    /// That tokens of a text are drawn from what the model says of the next token, by the input [`SEED`]. Places and tokens are those of a
    /// generation.
    Sample {
        /// How many tokens, at most.
        tokens: usize,
        /// How far the likely tokens are preferred.
        temperature: Temperature,
    },
    /// The sum of the logarithms of the probabilities that the model gives to the tokens of a text, as output [`LIKELIHOOD`]. The input [`COUNTED`] has
    /// a bit for each token that says whether it counts; the first never does.
    Likelihood,
}

/// The input that says after which places of a text tokens are the model's.
pub const PLACES: &str = "places";
/// The tokens that are the model's.
pub const COMPLETION: &str = "completion";
/// The input that draws follow from.
pub const SEED: &str = "seed";
/// The input that says which tokens count.
pub const COUNTED: &str = "counted";
/// The logarithm of a text's probability.
pub const LIKELIHOOD: &str = "log_likelihood";
/// How the table of exponentials of a sample is called, before its temperature.
pub const AT: &str = "exp(-d) at temperature ";

/// What logits are divided by before a token is drawn: a positive number. Tokens are drawn as the model has it at 1, and the likely ones more often
/// below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Temperature(f64);

// No temperature is a NaN.
impl Eq for Temperature {}

/// 1.
impl Default for Temperature {
    fn default() -> Self {
        Self(1.0)
    }
}

impl Temperature {
    /// A temperature, of a positive number.
    pub fn new(temperature: f64) -> Option<Self> {
        (temperature.is_finite() && temperature > 0.0).then_some(Self(temperature))
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A text that is not a positive number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a positive number")]
pub struct NoTemperature;

impl FromStr for Temperature {
    type Err = NoTemperature;

    fn from_str(text: &str) -> Result<Self, NoTemperature> {
        text.parse().ok().and_then(Self::new).ok_or(NoTemperature)
    }
}

/// The shortest text that is read as the same number.
impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Goal {
    /// What a program shows by its names: to be confirmed by lowering the model anew.
    pub fn claimed(program: &Program) -> Self {
        let tensor = |ids: &[TensorId]| ids.last().and_then(|&id| program.tensors.get(id));
        let Some((input, output)) = tensor(&program.inputs).zip(tensor(&program.outputs)) else { return Self::Outputs };
        let temperature =
            || program.tables.iter().find_map(|table| table.name.strip_prefix(AT)?.split_once(',')?.0.parse().ok());
        match (input.name.as_str(), output.shape.dims()) {
            (COUNTED, []) => Self::Likelihood,
            (PLACES, &[tokens]) => Self::Generation { tokens },
            (SEED, &[tokens]) => temperature().map_or(Self::Outputs, |temperature| Self::Sample { tokens, temperature }),
            _ => Self::Outputs,
        }
    }

    /// Whether proofs show how a text goes on.
    pub fn goes_on(self) -> bool {
        matches!(self, Self::Generation { .. } | Self::Sample { .. })
    }

    /// How many of a program's inputs are the model's own.
    pub fn own_inputs(self, all: usize) -> usize {
        let asked = match self {
            Self::Outputs => 0,
            Self::Generation { .. } | Self::Likelihood => 1,
            Self::Sample { .. } => 2,
        };
        all - all.min(asked)
    }
}
