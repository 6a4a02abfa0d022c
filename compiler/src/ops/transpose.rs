//! Axes in another order (docs/lowerings.md, section 10).

use ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::internal::AxisOp;

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one, require};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("MoveAxis", import)];

/// Axis `i` of the result is axis `perm[i]` of the operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transpose(pub Vec<usize>);

/// One axis moved to another place.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let AxisOp::Move(from, to) = *site.op::<AxisOp>()? else {
        return Err(import::Refusal::Form("expected a move of one axis"));
    };
    let x = t.operand(site, 0)?;
    t.add(site, Transpose::moving(site.shape.len(), from, to), &[x])
}

impl Transpose {
    /// Moves one axis of a tensor of this rank to another place.
    pub(crate) fn moving(rank: usize, from: usize, to: usize) -> Self {
        let mut perm: Vec<usize> = (0..rank).collect();
        let axis = perm.remove(from);
        perm.insert(to, axis);
        Self(perm)
    }
}

impl Operator for Transpose {
    fn name(&self) -> &'static str {
        "Transpose"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let (x, perm) = (one(operands)?, &self.0);
        let mut sorted = perm.clone();
        sorted.sort_unstable();
        require(sorted.iter().copied().eq(0..x.len()), || Misfit::Permutation { order: perm.clone(), shape: x.to_vec() })?;
        Ok(Some(perm.iter().map(|&axis| x[axis]).collect()))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| x.view().permuted_axes(IxDyn(&self.0)).to_owned())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        at.layout(id, self.0.iter().enumerate().map(|(out, &source)| pass(out, source)).collect())
    }
}
