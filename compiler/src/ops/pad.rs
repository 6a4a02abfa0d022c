//! A frame around a tensor (docs/lowerings.md, section 10).

use ndarray::{ArrayD, Axis, IxDyn, Slice as Cut};
use tract_onnx::tract_core::ops::array::{Pad as TractPad, PadMode};
use zktorch_blocks::program::AxisGroup;

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one, require};
use super::take::Take;
use crate::graph::{Domain, EXACT, NodeId};
use crate::import::{self, Import, Site, Translator, to_array};
use crate::lower::{Lowering, Refusal, Value, affine, pass};
use crate::quantise::{Range, to_integer};

pub(super) const IMPORT: Imports = &[Import::Named("Pad", import)];

/// A frame of a constant around the operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Pad {
    /// Entries before, per axis.
    pub begin: Vec<usize>,
    /// Entries after, per axis.
    pub end: Vec<usize>,
    /// The frame's value.
    pub value: f64,
}

/// A frame: of a constant, or of entries of the operand.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let op = site.op::<TractPad>()?;
    let mut x = t.operand(site, 0)?;
    if let PadMode::Constant(value) = &op.mode {
        let value = to_array(value)?.first().copied().ok_or(import::Refusal::Missing("the padding has no value"))?;
        let (begin, end) = op.pads.iter().copied().unzip();
        return t.add(site, Pad { begin, end, value }, &[x]);
    }
    let shape = t.operand_shape(site, 0)?;
    for (axis, &(begin, end)) in op.pads.iter().enumerate().filter(|(_, pads)| **pads != (0, 0)) {
        let last = shape[axis] as i64 - 1;
        let inside = |position: i64| match op.mode {
            PadMode::Edge => position.clamp(0, last),
            _ if position < 0 => -position,
            _ if position > last => 2 * last - position,
            _ => position,
        };
        let positions = -(begin as i64)..=last + end as i64;
        let indices = positions.map(|p| usize::try_from(inside(p)).map_err(|_| import::Refusal::OutOfRange("the padding")));
        let indices = indices.collect::<Result<Vec<_>, _>>()?;
        x = t.add(site, Take { axis, indices }, &[x])?;
    }
    Ok(x)
}

impl Operator for Pad {
    fn name(&self) -> &'static str {
        "Pad"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let (x, begin, end) = (one(operands)?, &self.begin, &self.end);
        let fits = begin.len() == x.len() && end.len() == x.len();
        require(fits, || Misfit::Count { what: "pads", got: begin.len(), shape: x.to_vec() })?;
        let padded = |i: usize| begin[i].checked_add(x[i])?.checked_add(end[i]);
        let shape = (0..x.len()).map(padded).collect::<Option<_>>();
        shape.map(Some).ok_or_else(|| Misfit::Padding(x.to_vec()))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        let whole = self.value.fract() == 0.0 && self.value.abs() <= EXACT as f64;
        match first(operands) {
            Domain::Real => Domain::Real,
            inner if whole => inner.join(Domain::Integer { lo: self.value as i64, hi: self.value as i64 }),
            _ => Domain::Real,
        }
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(x) = operands.first() else { return empty() };
        let mut padded = ArrayD::from_elem(IxDyn(shape), self.value);
        let mut inner = padded.view_mut();
        for (axis, (&first, &extent)) in self.begin.iter().zip(x.shape()).enumerate() {
            inner.slice_axis_inplace(Axis(axis), Cut::from(first..first + extent));
        }
        inner.assign(x);
        padded
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::hull([at.operand(0).lo, at.operand(0).hi, self.value])
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let shape = at.graph.shape(id).to_vec();
        let from = at.operand_shape(id)?;
        let groups: Vec<AxisGroup> = (0..shape.len())
            .map(|a| if shape[a] == from[a] { pass(a, a) } else { affine(a, a, 1, -(self.begin[a] as i64)) })
            .collect();
        let x = at.layout(id, groups.clone())?;
        if self.value == 0.0 {
            return Ok(x);
        }
        // c (1 - cover), where the cover is the view of a tensor of ones.
        let name = at.name(id);
        let ones = at.builder.fill(&format!("{name}.ones"), &from, 1);
        let cover = at.builder.view(&format!("{name}.cover"), ones, &shape, groups);
        let value = to_integer(self.value, x.scale) as i64;
        let tensor = at.builder.linear(&name, &[(1, x.tensor), (-value, cover)], value, x.scale)?;
        Ok(Value { tensor, ..x })
    }
}
