//! Repetition of axes of extent 1 (docs/lowerings.md, section 10).

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::{AxisGroup, GroupMap};

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one, require};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("MultiBroadcastTo", import)];

/// Repetition of axes of extent 1 up to the node's shape, which has the operand's rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast;

/// Repetition of axes of extent 1.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let x = t.operand(site, 0)?;
    Ok(t.broadcast(site, x, &site.shape))
}

impl Operator for Broadcast {
    fn name(&self) -> &'static str {
        "Broadcast"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        one(operands)?;
        Ok(None)
    }

    fn check(&self, shape: &[usize], operands: &[&[usize]]) -> Result<(), Misfit> {
        let x = one(operands)?;
        let fits = x.len() == shape.len() && x.iter().zip(shape).all(|(a, b)| a == b || *a == 1);
        require(fits, || Misfit::Broadcast { from: x.to_vec(), to: shape.to_vec() })
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let view = operands.first().and_then(|x| x.broadcast(IxDyn(shape)));
        view.map_or_else(empty, |view| view.to_owned())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let from = at.operand_shape(id)?;
        let to = at.graph.shape(id);
        let mut groups = Vec::new();
        for (axis, (&a, &b)) in from.iter().zip(to).enumerate() {
            if a == b {
                groups.push(pass(axis, axis));
            } else {
                groups.push(AxisGroup { out_axes: vec![], source_axes: vec![axis], map: GroupMap::Reshape });
                groups.push(AxisGroup { out_axes: vec![axis], source_axes: vec![], map: GroupMap::Broadcast });
            }
        }
        at.layout(id, groups)
    }
}
