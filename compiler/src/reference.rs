//! Somebody else's account of what a model gives: what errors are measured against.

use ndarray::ArrayD;

use crate::graph::{EvaluateError, Graph};
use crate::import::Failure;

/// Why a model gives nothing for an input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unevaluated {
    /// More or fewer inputs than the model has.
    #[error("the model has {expected} inputs, got {got}")]
    Inputs {
        /// Inputs of the model.
        expected: usize,
        /// Those given.
        got: usize,
    },
    /// The graph does not take the input.
    #[error(transparent)]
    Graph(#[from] EvaluateError),
    /// A step of tract fails.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// What a model gives for an input, by an evaluation that no pass of the compiler has touched.
pub trait Reference {
    /// All outputs for one sample, in the model's order.
    ///
    /// # Errors
    /// What keeps the model from being evaluated.
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, Unevaluated>;

    /// A step of the work that this account is compared in is done: a run of integers. Nobody needs to know.
    fn step(&self) {}
}

/// An account of which every use, and every step between, is told to somebody, who may unwind: that ends the work.
pub(crate) struct Watched<'w> {
    /// The account.
    pub reference: &'w dyn Reference,
    /// Who is told.
    pub told: &'w dyn Fn(),
}

impl Reference for Watched<'_> {
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, Unevaluated> {
        (self.told)();
        self.reference.outputs(inputs)
    }

    fn step(&self) {
        (self.told)();
    }
}

/// A graph that comes from no file is its own account.
impl Reference for Graph {
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, Unevaluated> {
        let evaluation = self.evaluate(inputs)?;
        Ok(evaluation.outputs().into_iter().cloned().collect())
    }
}
