//! Sums and differences of tensors of one shape (docs/lowerings.md, section 8).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::math;

use super::Op;
use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, power};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(import)];

/// Elementwise sum of two tensors of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

/// Elementwise difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sub;

fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    let (op, swapped) = match () {
        () if op.is::<math::Add>() => (Op::from(Add), false),
        () if op.is::<math::Sub>() => (Sub.into(), false),
        () if op.is::<math::SubF>() => (Sub.into(), true),
        () => return None,
    };
    Some(t.binary(site, op, swapped))
}

impl Operator for Add {
    fn name(&self) -> &'static str {
        "Add"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        Domain::of_pair(operands, |[a, b, c, d]| vec![a + c, b + d])
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| a + b)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let [a, b] = [at.operand(0), at.operand(1)];
        Range { lo: a.lo + b.lo, hi: a.hi + b.hi }
    }

    fn nature(&self) -> Nature {
        Nature::LINEAR
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        sum(at, id, 1)
    }
}

impl Operator for Sub {
    fn name(&self) -> &'static str {
        "Sub"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        Domain::of_pair(operands, |[a, b, c, d]| vec![a - d, b - c])
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| a - b)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let [a, b] = [at.operand(0), at.operand(1)];
        Range { lo: a.lo - b.hi, hi: a.hi - b.lo }
    }

    fn nature(&self) -> Nature {
        Nature::LINEAR
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        sum(at, id, -1)
    }
}

/// `a + sign b`, at the finer of the two scales.
fn sum(at: &mut Lowering<'_>, id: NodeId, sign: i64) -> Result<Value, Refusal> {
    let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
    let name = at.name(id);
    if let Some(bias) = at.constant(b) {
        let x = at.value(a)?;
        return at.add_constant(&name, (1, x), (sign, &bias), at.exact(id));
    }
    if let Some(bias) = at.constant(a) {
        let x = at.value(b)?;
        return at.add_constant(&name, (sign, x), (1, &bias), at.exact(id));
    }
    let (a, b) = (at.value(a)?, at.value(b)?);
    let scale = a.scale.max(b.scale);
    let (ca, cb) = (power(scale - a.scale)?, power(scale - b.scale)?);
    let tensor = at.builder.linear(&name, &[(ca, a.tensor), (sign * cb, b.tensor)], 0, scale)?;
    Ok(Value { tensor, scale, depth: a.depth.max(b.depth) })
}
