//! The larger and the smaller of two tensors' entries (docs/lowerings.md, section 11).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::math;
use zktorch_blocks::program::Scale;

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use super::unary::{Unary, clip};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Note, Refusal, Value, power};
use crate::quantise::{Range, scale_for};

pub(super) const IMPORT: Imports = &[Import::Binary(import)];

/// Elementwise maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Max;

/// Elementwise minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Min;

/// With a constant that is the same for all entries it is a function of one entry.
fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    let lower = op.is::<math::Max>();
    if !lower && !op.is::<math::Min>() {
        return None;
    }
    for (bound, x) in [(1, 0), (0, 1)] {
        if let Some(bound) = t.uniform(site, bound) {
            return Some(clip(t, site, x, bound, lower));
        }
    }
    Some(if lower { t.binary(site, Max, false) } else { t.binary(site, Min, false) })
}

impl Operator for Max {
    fn name(&self) -> &'static str {
        "Max"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        extreme(operands, |[a, b, c, d]| vec![a.max(c), b.max(d)])
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, f64::max)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let [a, b] = [at.operand(0), at.operand(1)];
        Range { lo: a.lo.max(b.lo), hi: a.hi.max(b.hi) }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        extremum(at, id, 1)
    }
}

impl Operator for Min {
    fn name(&self) -> &'static str {
        "Min"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        extreme(operands, |[a, b, c, d]| vec![a.min(c), b.min(d)])
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, f64::min)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let [a, b] = [at.operand(0), at.operand(1)];
        Range { lo: a.lo.min(b.lo), hi: a.hi.min(b.hi) }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        extremum(at, id, -1)
    }
}

/// Of two booleans a boolean.
fn extreme(operands: &[Domain], corners: impl Fn([i128; 4]) -> Vec<i128>) -> Domain {
    match operands {
        [Domain::Boolean, Domain::Boolean] => Domain::Boolean,
        _ => Domain::of_pair(operands, corners),
    }
}

/// `max(a, b) = a + relu(b - a)`, `min(a, b) = a - relu(a - b)`.
fn extremum(at: &mut Lowering<'_>, id: NodeId, sign: i64) -> Result<Value, Refusal> {
    let name = at.name(id);
    let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
    // The difference may be far wider than the result.
    let limit = at.signed().hi as f64;
    let widest = match at.exact(id) {
        true => Scale(0),
        false => at.decide_scale(Note::DifferenceScale, |samples| {
            let (ra, rb) = (samples.range(a), samples.range(b));
            scale_for((ra.hi - rb.lo).max(rb.hi - ra.lo) * samples.margin(), limit)
        })?,
    };
    let (a, b) = (at.narrow(a)?, at.narrow(b)?);
    let scale = a.scale.max(b.scale);
    let (ca, cb) = (power(scale - a.scale)?, power(scale - b.scale)?);
    let terms = [(sign * cb, b.tensor), (-sign * ca, a.tensor)];
    let difference = at.builder.linear(&format!("{name}.difference"), &terms, 0, scale)?;
    let difference = Value { tensor: difference, scale, depth: 0 };
    let rounded = at.round(&name, difference, scale.min(widest))?;
    let part = at.apply(id, rounded, Unary::Relu)?;
    let fine = power(scale - part.scale)?;
    let tensor = at.builder.linear(&name, &[(ca, a.tensor), (sign * fine, part.tensor)], 0, scale)?;
    Ok(Value { tensor, scale, depth: a.depth })
}
