//! What does not depend on other nodes: inputs and constants. They have no rule of lowering: a lowering begins with them.

use std::sync::Arc;

use ndarray::ArrayD;

use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, arity, require};
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[];

/// The model's input of this index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Position among the model's inputs.
    pub index: usize,
    /// Whether the statement has it, whoever knows the other inputs.
    pub shown: bool,
}

/// A weight or another compile-time tensor.
#[derive(Clone)]
pub struct Constant(pub Arc<ArrayD<f64>>);

impl Operator for Input {
    fn name(&self) -> &'static str {
        "Input"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 0..=0)?;
        Ok(None)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, _: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        empty()
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNBOUNDED
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        at.value(id)
    }
}

impl Operator for Constant {
    fn name(&self) -> &'static str {
        "Constant"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 0..=0)?;
        Ok(None)
    }

    fn check(&self, shape: &[usize], operands: &[&[usize]]) -> Result<(), Misfit> {
        self.shape(operands)?;
        require(self.0.shape() == shape, || Misfit::Shape { expected: self.0.shape().to_vec(), got: shape.to_vec() })
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, _: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        self.0.as_ref().clone()
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::hull(self.0.iter().copied())
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        at.value(id)
    }
}
