//! The same entries under another shape (docs/lowerings.md, section 10).

use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::{IntoTValue, Tensor, tvec};
use tract_onnx::tract_core::internal::EvalContext;

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::regroup::reshape_groups;
use super::shape::{Misfit, one, require};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[
    Import::Named("AddAxis", import),
    Import::Named("RmAxis", import),
    Import::Named("Reshape", import),
    Import::Named("Identity", identity),
    Import::Named("Dropout", dropout),
];

/// The same entries in row-major order under the node's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reshape;

/// Anything that keeps the entries in row-major order.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let x = t.operand(site, 0)?;
    Ok(t.reshape(site, x, &site.shape))
}

/// The operand itself.
fn identity(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    t.operand(site, 0)
}

/// Dropout in inference; tract's operator refuses to be evaluated in training.
fn dropout(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let shape = t.operand_shape(site, 0)?;
    let probe = Tensor::zero_dt(t.operand_type(site, 0)?, &shape)?;
    let mut operands = tvec![probe.into_tvalue()];
    for index in 1..site.node.inputs.len() {
        let operand = t
            .known(site, index)
            .ok_or(import::Refusal::Variable("the ratio and the mode of a dropout must be constants"))?;
        operands.push(operand.clone().into_tvalue());
    }
    site.node.op.eval(&EvalContext::out_of_plan(), operands)?;
    t.operand(site, 0)
}

impl Operator for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        one(operands)?;
        Ok(None)
    }

    fn check(&self, shape: &[usize], operands: &[&[usize]]) -> Result<(), Misfit> {
        let x = one(operands)?;
        let same = x.iter().product::<usize>() == shape.iter().product::<usize>();
        require(same, || Misfit::Volume { from: x.to_vec(), to: shape.to_vec() })
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let reshaped = |x: &&ArrayD<f64>| x.as_standard_layout().into_owned().into_shape_with_order(IxDyn(shape)).ok();
        operands.first().and_then(reshaped).unwrap_or_else(empty)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let from = at.operand_shape(id)?;
        if from == at.graph.shape(id) {
            let operand = at.operand(id, 0)?;
            return at.value(operand);
        }
        at.layout(id, reshape_groups(&from, at.graph.shape(id)))
    }
}
