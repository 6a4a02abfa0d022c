//! Somebody else's account of what a model gives: what errors are measured against.

use ndarray::ArrayD;

use crate::graph::Graph;

/// What a model gives for an input, by an evaluation that no pass of the compiler has touched.
pub trait Reference {
    /// All outputs for one sample, in the model's order.
    ///
    /// # Errors
    /// What keeps the model from being evaluated.
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, String>;
}

/// A graph that comes from no file is its own account.
impl Reference for Graph {
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, String> {
        let evaluation = self.evaluate(inputs).map_err(|e| e.to_string())?;
        Ok(evaluation.outputs().into_iter().cloned().collect())
    }
}
