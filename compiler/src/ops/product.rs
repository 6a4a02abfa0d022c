//! Products of tensors of one shape (docs/lowerings.md, section 8).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::math;

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use super::{Concat, Slice, Transpose};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(import)];

/// Elementwise product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mul;

fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    op.is::<math::Mul>().then(|| t.binary(site, Mul, false))
}

/// The product over axes, which stay with extent 1: of halves, until one entry is left.
pub(super) fn along(t: &mut Translator<'_>, site: &Site<'_>, x: NodeId, axes: &[usize]) -> Result<NodeId, import::Refusal> {
    let shape = t.graph.shape(x).to_vec();
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = axes.iter().chain(&kept).copied().collect();
    let mut extent: usize = axes.iter().map(|&axis| shape[axis]).product();
    let rest: usize = kept.iter().map(|&axis| shape[axis]).product();
    let moved = if order.is_sorted() { x } else { t.add(site, Transpose(order), &[x])? };
    let mut product = t.reshape(site, moved, &[extent, rest]);
    while extent > 1 {
        let half = extent / 2;
        let part = |t: &mut Translator<'_>, start: usize, end: usize| {
            t.add(site, Slice { axis: 0, start, end, step: 1 }, &[product])
        };
        let (first, second) = (part(t, 0, half)?, part(t, half, 2 * half)?);
        let last = if extent % 2 == 1 { Some(part(t, extent - 1, extent)?) } else { None };
        product = t.add(site, Mul, &[first, second])?;
        if let Some(last) = last {
            product = t.add(site, Concat { axis: 0 }, &[product, last])?;
        }
        extent = half + extent % 2;
    }
    let ones: Vec<usize> = (0..shape.len()).map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] }).collect();
    Ok(t.reshape(site, product, &ones))
}

impl Operator for Mul {
    fn name(&self) -> &'static str {
        "Mul"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        Domain::of_pair(operands, |[a, b, c, d]| vec![a * c, a * d, b * c, b * d])
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| a * b)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::symmetric(Range::times(at.operand(0).magnitude(), at.operand(1).magnitude()))
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
        for (x, c) in [(a, b), (b, a)] {
            if let Some(constant) = at.constant(c) {
                return at.mul_constant(id, x, &constant);
            }
        }
        let (a, b) = match at.beside_bits(a, b)? {
            Some(factors) => factors,
            None => at.factors(a, b)?,
        };
        at.product(&at.name(id), a, b)
    }
}
