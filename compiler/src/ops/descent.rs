//! Which nodes of decision trees are reached (docs/lowerings.md, section 25).

use std::sync::Arc;

use ndarray::{ArrayD, Axis};
use zktorch_blocks::program::{Advice, AxisGroup, GroupMap, Interval, Scale};

use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one, require};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("Descent", import)];

/// Nodes of trees along the last axis: 1 where the bits of all nodes above lead to a node, else 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descent {
    /// 0 for a root, else `1 + 2 p + b` for the child of an earlier node `p` that is next where its bit is `b`.
    pub parents: Arc<Vec<u32>>,
}

fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let parents = site.op::<import::Descent>()?.parents.clone();
    let bits = t.operand(site, 0)?;
    t.add(site, Descent { parents }, &[bits])
}

/// For each node its parent, if the bit that leads to it is this one.
fn behind(parents: &[u32], bit: bool) -> Vec<Option<u32>> {
    let of = |&code: &u32| import::Descent::parent(code).filter(|&(_, own)| own == bit).map(|(parent, _)| parent);
    parents.iter().map(of).collect()
}

/// The nodes along the last axis that bits lead to: `r = root + (r s)[parents behind 1] + (r - r s)[parents behind 0]`.
pub(crate) fn reached(at: &mut Lowering<'_>, name: &str, bits: Value, parents: &[u32]) -> Result<Value, Refusal> {
    let dims = at.builder.dims(bits.tensor).to_vec();
    let (nodes, rank) = (parents.len(), dims.len());
    let part = |suffix: &str| format!("{name}.{suffix}");
    let rule = Advice::Descent { bits: bits.tensor, parents: parents.to_vec() };
    let reached = at.builder.advice(name, &dims, rule, Interval::new(0, 1), Scale(0));
    at.builder.within(&part("range"), reached, Interval::new(0, 1))?;
    let reached = Value { tensor: reached, scale: Scale(0), depth: 0 };
    let on = at.product(&part("on"), reached, bits)?;
    let off = at.builder.linear(&part("off"), &[(1, reached.tensor), (-1, on.tensor)], 0, Scale(0))?;
    let roots = parents.iter().map(|&code| i64::from(code == 0)).collect();
    let roots = at.builder.constant(&part("roots"), &[nodes], roots);
    let roots = at.broadcast_axes(&part("root"), roots, &[rank - 1], &dims);
    let mut terms = vec![(1, reached.tensor), (-1, roots)];
    for (suffix, source, bit) in [("behind.one", on.tensor, true), ("behind.zero", off, false)] {
        let list = behind(parents, bit);
        if list.iter().any(Option::is_some) {
            let mut groups: Vec<AxisGroup> = (0..rank).map(|axis| pass(axis, axis)).collect();
            groups[rank - 1].map = GroupMap::List(list);
            terms.push((-1, at.builder.view(&part(suffix), source, &dims, groups)));
        }
    }
    let step = at.builder.linear(&part("step"), &terms, 0, Scale(0))?;
    at.builder.zero(step);
    Ok(reached)
}

impl Operator for Descent {
    fn name(&self) -> &'static str {
        "Descent"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let bits = one(operands)?;
        let nodes = self.parents.len();
        let count = || Misfit::Count { what: "parents", got: nodes, shape: bits.to_vec() };
        require(bits.last() == Some(&nodes), count)?;
        let early = self.parents.iter().enumerate().all(|(node, &code)| code as usize <= 2 * node);
        require(early, || Misfit::Index { extent: nodes })?;
        Ok(Some(bits.to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Boolean
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let [bits] = *operands else { return empty() };
        let mut reached = bits.clone();
        for (bits, mut reached) in
            bits.lanes(Axis(bits.ndim() - 1)).into_iter().zip(reached.lanes_mut(Axis(bits.ndim() - 1)))
        {
            for (node, &code) in self.parents.iter().enumerate() {
                reached[node] = import::Descent::parent(code).map_or(1.0, |(above, bit)| {
                    let parent = above as usize;
                    f64::from(u8::from(reached[parent] != 0.0 && (bits[parent] != 0.0) == bit))
                });
            }
        }
        reached
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let bits = at.condition(operand)?;
        reached(at, &at.name(id), bits, &self.parents)
    }
}
