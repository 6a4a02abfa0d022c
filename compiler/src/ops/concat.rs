//! Tensors one behind the other (docs/lowerings.md, section 10).

use ndarray::{ArrayD, Axis, concatenate};
use tract_onnx::tract_core::ops::array::TypedConcat;
use zktorch_blocks::program::Scale;

use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, arity, require, with_axes};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, affine, pass, power};
use crate::quantise::{Range, is_only_shown};

pub(super) const IMPORT: Imports = &[Import::Named("Concat", import)];

/// Concatenation of one or more operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// Along this axis.
    pub axis: usize,
}

/// Concatenation.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let axis = site.op::<TypedConcat>()?.axis;
    let operands = (0..site.node.inputs.len()).map(|i| t.operand(site, i)).collect::<Result<Vec<_>, _>>()?;
    t.add(site, Concat { axis }, &operands)
}

impl Operator for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 1..=usize::MAX)?;
        let (axis, first) = (self.axis, operands[0]);
        let mut shape = with_axes(first, &[axis])?;
        for other in &operands[1..] {
            let fits = other.len() == first.len() && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
            require(fits, || Misfit::Beside { axis, first: first.to_vec(), other: other.to_vec() })?;
            shape[axis] += other[axis];
        }
        Ok(Some(shape))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        operands.iter().copied().reduce(Domain::join).unwrap_or(Domain::Real)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let views: Vec<_> = operands.iter().map(|o| o.view()).collect();
        concatenate(Axis(self.axis), &views).unwrap_or_else(|_| empty())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::hull(at.all().iter().flat_map(|r| [r.lo, r.hi]))
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let shape = at.graph.shape(id).to_vec();
        let name = at.name(id);
        let operands = at.graph.operands(id);
        let shown = is_only_shown(at.graph, id);
        let parts = operands.iter().map(|&o| if shown { at.shown(o) } else { at.narrow_unless_steep(o) });
        let parts = parts.collect::<Result<Vec<Value>, _>>()?;
        let scale = parts.iter().map(|p| p.scale).max().unwrap_or(Scale(0));
        let depth = parts.iter().map(|p| p.depth).max().unwrap_or(0);
        let mut start = 0i64;
        let mut terms = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let groups =
                (0..shape.len()).map(|a| if a == self.axis { affine(a, a, 1, -start) } else { pass(a, a) }).collect();
            start += at.builder.dims(part.tensor)[self.axis] as i64;
            let placed = at.builder.view(&format!("{name}.part{index}"), part.tensor, &shape, groups);
            terms.push((power(scale - part.scale)?, placed));
        }
        Ok(Value { tensor: at.builder.linear(&name, &terms, 0, scale)?, scale, depth })
    }
}
