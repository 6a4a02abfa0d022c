//! Square roots of what has more bits than a table (docs/lowerings.md, section 12).
//!
//! The root of a sum of squares that is small beside others has few bits in a table's steps, and all of them here.

use ndarray::ArrayD;
use zktorch_blocks::program::Scale;

use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one};
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Refusal, Value, power};
use crate::quantise::Range;

/// What is read here by itself makes it.
pub(super) const IMPORT: Imports = &[];

/// Bits of what has a root, with some room.
const ROOM: i32 = 56;
/// Bits behind those of an activation.
const FINER: i32 = 2;

/// `sqrt(x)` of entries that are not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root;

impl Operator for Root {
    fn name(&self) -> &'static str {
        "Root"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        Ok(Some(one(operands)?.to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| x.mapv(|v| v.max(0.0).sqrt()))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range { lo: 0.0, hi: at.operand(0).hi.max(0.0).sqrt() }
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (operand, name) = (at.operand(id, 0)?, at.name(id));
        let x = at.value(operand)?;
        let wanted = 2 * (at.plan.scale(id).0 + FINER) - x.scale.0;
        let most = ROOM - at.builder.interval(x.tensor).bits() as i32;
        let shift = wanted.min(most).max(0);
        // The scale of a root is half of what it is the root of.
        let shift = shift + (shift + x.scale.0).rem_euclid(2);
        let scale = x.scale + shift;
        let raised = at.builder.linear(&format!("{name}.raised"), &[(power(shift)?, x.tensor)], 0, scale)?;
        let half = Scale(scale.0 / 2);
        Ok(Value { tensor: at.square_root(&name, raised, half)?, scale: half, depth: 0 })
    }
}
