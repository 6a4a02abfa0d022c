//! What a proof shows of a language model: its outputs, a text that it writes, or how likely it finds one.

use zktorch_blocks::program::{Program, TensorId};

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
    /// The sum of the logarithms of the probabilities that the model gives to the tokens of a text, as output [`LIKELIHOOD`]. The input [`COUNTED`] has
    /// a bit for each token that says whether it counts; the first never does.
    Likelihood,
}

/// The input that says after which places of a text tokens are the model's.
pub const PLACES: &str = "places";
/// The tokens that are the model's.
pub const COMPLETION: &str = "completion";
/// The input that says which tokens count.
pub const COUNTED: &str = "counted";
/// The logarithm of a text's probability.
pub const LIKELIHOOD: &str = "log_likelihood";

impl Goal {
    /// What a program shows by its names: to be confirmed by lowering the model anew.
    pub fn claimed(program: &Program) -> Self {
        let tensor = |ids: &[TensorId]| ids.last().and_then(|&id| program.tensors.get(id));
        let Some((input, output)) = tensor(&program.inputs).zip(tensor(&program.outputs)) else { return Self::Outputs };
        match (input.name.as_str(), output.shape.dims()) {
            (COUNTED, []) => Self::Likelihood,
            (PLACES, &[tokens]) => Self::Generation { tokens },
            _ => Self::Outputs,
        }
    }

    /// How many of a program's inputs are the model's own.
    pub fn own_inputs(self, all: usize) -> usize {
        all - usize::from(self != Self::Outputs).min(all)
    }
}
