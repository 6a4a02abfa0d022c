//! Division towards zero, and what it leaves (docs/lowerings.md, section 23).

use ndarray::ArrayD;
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::math;
use zktorch_blocks::program::Scale;

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(import)];

/// The parts of `a = q b + r` for two tensors of one shape, where `q` is an integer and `r` has the sign of `a` and is smaller than `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// `q`, of integers.
    Quotient,
    /// `r`, of integers or reals.
    Remainder,
}

/// The remainder; ONNX's other one, of the divisor's sign, is this and a choice by signs.
fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    op.is::<math::Rem>().then(|| t.binary(site, Whole::Remainder, false))
}

impl Operator for Whole {
    fn name(&self) -> &'static str {
        match self {
            Self::Quotient => "Div",
            Self::Remainder => "Mod",
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        Domain::of_pair(operands, |[a, b, c, d]| {
            let most = match self {
                Self::Quotient => a.abs().max(b.abs()),
                Self::Remainder => a.abs().max(b.abs()).min(c.abs().max(d.abs()) - 1).max(0),
            };
            let positive = a >= 0 && (*self == Self::Remainder || c >= 0);
            vec![if positive { 0 } else { -most }, most]
        })
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| match self {
            Self::Quotient => (a / b).trunc(),
            Self::Remainder => a % b,
        })
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let [a, b] = [at.operand(0), at.operand(1)];
        match self {
            Self::Quotient => Range::symmetric(a.magnitude()),
            Self::Remainder => Range::symmetric(a.magnitude().min(b.magnitude())),
        }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let name = at.name(id);
        let (a, b, scale) = at.aligned(&name, a, b)?;
        match self {
            Self::Quotient => {
                let tensor = at.truncated_quotient(&name, a, b)?;
                Ok(Value { tensor, scale: Scale(0), depth: 1 })
            }
            Self::Remainder => {
                let tensor = at.truncated_remainder(&name, a, b)?;
                Ok(Value { tensor, scale, depth: 1 })
            }
        }
    }
}
