//! What the user of the compiler chooses.

use std::fmt;
use std::sync::Arc;

use zktorch_blocks::execute::Weights;
use zktorch_blocks::program::{Interval, Program, Scale, Visibility};

use crate::goal::Goal;

/// What the user chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// What proofs show.
    pub goal: Goal,
    /// Bits of activations, 8 to 16; `None` for the smallest that keep the error small.
    pub bits: Option<u32>,
    /// Who knows the inputs: part of the statement, or not.
    pub inputs: Visibility,
    /// Who knows the outputs.
    pub outputs: Visibility,
    /// What inputs must be like, in order; none for the model's own.
    pub inputs_like: Vec<Like>,
    /// A program of the same model whose weights are shared, and with them all that was decided for it.
    pub alike: Option<Arc<Earlier>>,
    /// The output error to stay below, relative to the largest output.
    pub target_error: f64,
    /// Of a language model: the divergence of its predictions to stay below, in nats a token.
    pub target_kl: f64,
    /// The error of the worst group of outputs beyond which a model is refused.
    pub max_error: f64,
}

/// A tensor that an input is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Like {
    /// `real = value * 2^(columns[c] - scale)`.
    pub scale: Scale,
    /// Values allowed.
    pub interval: Interval,
    /// By which powers of two columns of the last axis are larger; empty for none.
    pub columns: Vec<i32>,
}

/// A compiled program of the model. It holds weights, so that its debug output says nothing of them.
#[derive(Clone)]
pub struct Earlier {
    /// The program.
    pub program: Program,
    /// Its weights.
    pub weights: Weights,
}

impl fmt::Debug for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a program of {} tensors", self.program.tensors.len())
    }
}

/// The error beyond which a model is refused, if nothing else is asked for.
pub const MAX_ERROR: f64 = 0.05;
/// The divergence that a language model's predictions stay below, if nothing else is asked for.
pub const TARGET_KL: f64 = 0.002;
/// A model with a larger error is compiled with a warning.
pub const WARN_ERROR: f64 = 0.01;

impl Default for Options {
    fn default() -> Self {
        Self {
            goal: Goal::Outputs,
            bits: None,
            inputs: Visibility::Public,
            outputs: Visibility::Public,
            inputs_like: Vec::new(),
            alike: None,
            target_error: 0.0008,
            target_kl: TARGET_KL,
            max_error: 0.05,
        }
    }
}
