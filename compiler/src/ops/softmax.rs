//! Softmax (docs/lowerings.md, section 13): shift by the attained maximum, exponentials by table, exact division.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::ops::nn::Softmax as TractSoftmax;
use zktorch_blocks::program::Scale;

use super::Op;
use super::operator::{Demand, Imports, Nature, Operator, Ranges, empty, sorted};
use super::reduce::{ReduceKind, along};
use super::shape::{Misfit, one, with_axes};
use crate::graph::{Domain, Graph, Node, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Gaps, LONGEST, Lowering, Normaliser, Refusal, Value};
use crate::quantise::{Range, Settings};

pub(super) const IMPORT: Imports = &[Import::Named("Softmax", import)];

/// `exp(x) / sum exp(x)` over the given axes together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Ascending, distinct.
    pub axes: Vec<usize>,
}

/// Softmax over some axes.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<TractSoftmax>()?;
    let x = t.operand(site, 0)?;
    t.add(site, Softmax { axes: sorted(&op.axes) }, &[x])
}

impl Operator for Softmax {
    fn name(&self) -> &'static str {
        "Softmax"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        with_axes(one(operands)?, &self.axes).map(Some)
    }

    fn bound(&self) -> Option<f64> {
        Some(1.0)
    }

    fn demand(&self, settings: Settings) -> Option<Demand> {
        Some(Demand { rows: rows(settings), finest: Scale(10) })
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| softmax(&self.axes, x))
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let x = at.value(operand)?;
        let name = at.name(id);
        let rows = self::rows(at.settings);
        let scale = at.plan.scale(operand);
        let rank = at.builder.dims(x.tensor).len();
        let kept: Vec<usize> = (0..rank).filter(|a| !self.axes.contains(a)).collect();

        let (_, d) = at.gaps(&name, x, scale, &self.axes, &kept, rows)?;
        let gaps = Gaps { d, scale, rows, mask: None, axes: &self.axes, kept: &kept };
        at.probabilities(&name, gaps, normaliser(at, id, &self.axes))
    }
}

/// A table for probabilities where it costs less than remainders of them: a model's softmaxes share it. What is shown, or weighs no other
/// tensor, is divided exactly.
pub(super) fn normaliser(at: &Lowering<'_>, id: NodeId, axes: &[usize]) -> Normaliser {
    let weights =
        |(id, node): &(NodeId, &Node)| matches!(node.op, Op::Softmax(_) | Op::MaskedSoftmax(_)) && weighs(at.graph, *id);
    let entries: usize = at.graph.nodes().filter(weights).map(|(_, node)| node.len()).sum();
    let row: usize = axes.iter().map(|&a| at.graph.shape(id)[a]).product();
    if weighs(at.graph, id) && entries >= rows(at.settings) && row <= LONGEST {
        Normaliser::Logarithm
    } else {
        Normaliser::Quotient
    }
}

/// Whether nothing but sums weighted by a node's entries depends on it.
fn weighs(graph: &Graph, id: NodeId) -> bool {
    let sums = |&(user, _): &(NodeId, usize)| match graph.op(user) {
        Op::Einsum(_) => true,
        op => op.nature().layout && weighs(graph, user),
    };
    let users = graph.users(id);
    !graph.outputs().contains(&id) && !users.is_empty() && users.iter().all(sums)
}

/// Rows of the table of exponentials: as many differences of scores can be told apart.
pub(super) fn rows(settings: Settings) -> usize {
    1 << settings.bits.max(11)
}

/// `x` less its largest entry along the axes.
pub(super) fn shifted(axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    let maximum = along(ReduceKind::Max, axes, x);
    let Some(maximum) = maximum.broadcast(IxDyn(x.shape())) else { return x.clone() };
    x - &maximum
}

pub(super) fn softmax(axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    let exponentials = shifted(axes, x).mapv_into(f64::exp);
    let sum = along(ReduceKind::Sum, axes, &exponentials);
    let Some(sum) = sum.broadcast(IxDyn(x.shape())) else { return exponentials };
    &exponentials / &sum
}
