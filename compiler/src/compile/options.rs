//! What the user of the compiler chooses.

use zktorch_blocks::program::Interval;

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
