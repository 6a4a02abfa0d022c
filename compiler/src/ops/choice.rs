//! Comparisons, and the choice between two tensors. Passes make other operators of what they understand; the rest has no integers.

use ndarray::{ArrayD, Zip};
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::logic::{CompEq, CompGT, CompGTE, CompLT, CompLTE};

use super::operator::{Imports, Nature, Operator, Ranges, empty, zip};
use super::shape::{Misfit, alike, arity, same};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(compare), Import::Named("Iff", select)];

const UNSUPPORTED: &str = "this operation is not supported";

/// 1 where the comparison of two tensors of one shape holds, else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compare(pub Comparison);

/// Operands `condition`, `a`, `b` of one shape: `a` where the condition is not 0, else `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Select;

/// A comparison of two entries. Greater-than is less-than with swapped operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a == b`
    Equal,
}

impl Comparison {
    /// 1 if the comparison holds, else 0.
    pub fn eval(self, a: f64, b: f64) -> f64 {
        let holds = match self {
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::Equal => a == b,
        };
        f64::from(u8::from(holds))
    }
}

fn compare(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    let (comparison, swapped) = match () {
        () if op.is::<CompLT>() => (Comparison::Less, false),
        () if op.is::<CompGT>() => (Comparison::Less, true),
        () if op.is::<CompLTE>() => (Comparison::LessEqual, false),
        () if op.is::<CompGTE>() => (Comparison::LessEqual, true),
        () if op.is::<CompEq>() => (Comparison::Equal, false),
        () => return None,
    };
    Some(t.binary(site, Compare(comparison), swapped))
}

/// `where(condition, a, b)`; a known, uniform condition picks its branch.
fn select(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    if let Some(condition) = t.uniform(site, 0) {
        let branch = t.operand(site, if condition != 0.0 { 1 } else { 2 })?;
        return Ok(t.broadcast(site, branch, &site.shape));
    }
    let mut operands = Vec::with_capacity(3);
    for index in 0..3 {
        let operand = t.operand(site, index)?;
        operands.push(t.broadcast(site, operand, &site.shape));
    }
    t.add(site, Select, &operands)
}

impl Operator for Compare {
    fn name(&self) -> &'static str {
        match self.0 {
            Comparison::Less => "Less",
            Comparison::LessEqual => "LessOrEqual",
            Comparison::Equal => "Equal",
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Boolean
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| self.0.eval(a, b))
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn unsupported(&self) -> Option<&'static str> {
        Some(UNSUPPORTED)
    }

    fn lower(&self, _: &mut Lowering<'_>, _: NodeId) -> Result<Value, Refusal> {
        Err(UNSUPPORTED.into())
    }
}

impl Operator for Select {
    fn name(&self) -> &'static str {
        "Where"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 3..=3)?;
        alike(operands).map(Some)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        operands.get(1).zip(operands.get(2)).map_or(Domain::Real, |(a, b)| a.join(*b))
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let [condition, a, b] = *operands else { return empty() };
        Zip::from(condition).and(a).and(b).map_collect(|&c, &a, &b| if c != 0.0 { a } else { b })
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::hull(at.all().iter().skip(1).flat_map(|r| [r.lo, r.hi]))
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn unsupported(&self) -> Option<&'static str> {
        Some(UNSUPPORTED)
    }

    fn lower(&self, _: &mut Lowering<'_>, _: NodeId) -> Result<Value, Refusal> {
        Err(UNSUPPORTED.into())
    }
}
