//! Reductions over whole axes (docs/lowerings.md, section 11, and docs/lowerings.md, section 12).

use ndarray::{ArrayD, Axis};
use tract_onnx::tract_core::ops::nn::{Reduce as TractReduce, Reducer};
use zktorch_blocks::program::{AxisGroup, GroupMap};

use super::operator::{Imports, Nature, Operator, Ranges, empty, first, integers, sorted};
use super::shape::{Misfit, one, with_axes};
use super::top_k::arg;
use super::unary::Unary;
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Family("Reduce<", import)];

/// Reduction over axes, which stay with extent 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// Which reduction.
    pub kind: ReduceKind,
    /// Ascending, distinct.
    pub axes: Vec<usize>,
}

/// How entries are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// Sum.
    Sum,
    /// Arithmetic mean.
    Mean,
    /// Largest entry.
    Max,
    /// Smallest entry.
    Min,
}

/// Sum, maximum, minimum and mean of squares.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<TractReduce>()?;
    let axes = sorted(&op.axes);
    let mut x = t.operand(site, 0)?;
    let kind = match op.reducer {
        Reducer::Sum => ReduceKind::Sum,
        Reducer::Max => ReduceKind::Max,
        Reducer::Min => ReduceKind::Min,
        Reducer::MeanOfSquares => {
            x = t.add(site, Unary::Square, &[x])?;
            ReduceKind::Mean
        }
        Reducer::Prod => return super::product::along(t, site, x, &axes),
        Reducer::ArgMax(last) => return arg(t, site, op, (true, last)),
        Reducer::ArgMin(last) => return arg(t, site, op, (false, last)),
        other => return Err(import::Refusal::Reduction(format!("{other:?}"))),
    };
    t.add(site, Reduce { kind, axes }, &[x])
}

impl Operator for Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            ReduceKind::Sum => "ReduceSum",
            ReduceKind::Mean => "ReduceMean",
            ReduceKind::Max => "ReduceMax",
            ReduceKind::Min => "ReduceMin",
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let mut shape = with_axes(one(operands)?, &self.axes)?;
        self.axes.iter().for_each(|&axis| shape[axis] = 1);
        Ok(Some(shape))
    }

    fn averaged(&self, operand: &[usize]) -> usize {
        match self.kind {
            ReduceKind::Mean => self.axes.iter().map(|&axis| operand[axis]).product(),
            ReduceKind::Sum | ReduceKind::Max | ReduceKind::Min => 1,
        }
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        match self.kind {
            ReduceKind::Sum => integers(operands),
            ReduceKind::Mean => Domain::Real,
            ReduceKind::Max | ReduceKind::Min => first(operands),
        }
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| along(self.kind, &self.axes, x))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let x = at.operand(0);
        match self.kind {
            ReduceKind::Sum => {
                let n = at.entries(0, &self.axes);
                Range { lo: x.lo * n, hi: x.hi * n }
            }
            ReduceKind::Mean | ReduceKind::Max | ReduceKind::Min => x,
        }
    }

    fn nature(&self) -> Nature {
        match self.kind {
            ReduceKind::Sum | ReduceKind::Mean => Nature::LINEAR,
            ReduceKind::Max | ReduceKind::Min => Nature::NONE,
        }
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        match self.kind {
            ReduceKind::Sum | ReduceKind::Mean => self.sum(at, id),
            ReduceKind::Max | ReduceKind::Min => self.extremum(at, id),
        }
    }
}

impl Reduce {
    fn sum(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let count: usize = self.axes.iter().map(|&a| at.graph.shape(operand)[a]).product();
        let mean = self.kind == ReduceKind::Mean;
        let x = if mean && !count.is_power_of_two() { at.narrow(operand)? } else { at.value(operand)? };
        let name = at.name(id);
        let tensor = at.sum_axes(&format!("{name}.sum"), x.tensor, &self.axes, true)?;
        at.builder.set_scale(tensor, x.scale);
        let sum = Value { tensor, scale: x.scale, depth: x.depth + 1 };
        if mean { at.mean_of(&name, sum, count as i64) } else { Ok(sum) }
    }

    fn extremum(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let x = at.narrow(operand)?;
        let name = at.name(id);
        let sign = if self.kind == ReduceKind::Min { -1 } else { 1 };
        let signed = at.builder.linear(&format!("{name}.signed"), &[(sign, x.tensor)], 0, x.scale)?;
        let m = at.attained_max(&name, signed, &self.axes)?;
        let m = at.builder.linear(&format!("{name}.result"), &[(sign, m)], 0, x.scale)?;
        let shape = at.graph.shape(id).to_vec();
        let kept: Vec<usize> = (0..shape.len()).filter(|a| !self.axes.contains(a)).collect();
        let mut groups: Vec<AxisGroup> = kept.iter().enumerate().map(|(s, &o)| pass(o, s)).collect();
        groups.push(AxisGroup { out_axes: self.axes.clone(), source_axes: vec![], map: GroupMap::Reshape });
        let tensor = at.builder.view(&name, m, &shape, groups);
        Ok(Value { tensor, ..x })
    }
}

/// The reduction of an array.
pub(super) fn along(kind: ReduceKind, axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    axes.iter().fold(x.clone(), |x, &axis| {
        let axis = Axis(axis);
        let reduced = match kind {
            ReduceKind::Sum => x.map_axis(axis, |lane| lane.sum()),
            ReduceKind::Mean => x.map_axis(axis, |lane| lane.sum() / lane.len() as f64),
            ReduceKind::Max => x.fold_axis(axis, f64::NEG_INFINITY, |a, b| a.max(*b)),
            ReduceKind::Min => x.fold_axis(axis, f64::INFINITY, |a, b| a.min(*b)),
        };
        reduced.insert_axis(axis)
    })
}
