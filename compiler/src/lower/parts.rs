//! Whole parts of numbers, exactly (docs/lowerings.md, section 6).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value, power};
use crate::graph::NodeId;
use crate::ops::Unary;

/// Bits behind the point that are cut off, at most.
const WIDEST: i32 = 40;

impl Lowering<'_> {
    /// A whole number beside each of a node's, by its integers as they come: what a table would round first may be another one. None for other
    /// functions, and where a table takes the integers as they are.
    pub(crate) fn whole_part(&mut self, id: NodeId, operand: NodeId, function: &Unary) -> Result<Option<Value>, Refusal> {
        if !matches!(function, Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc) || self.exact(operand) {
            return Ok(None);
        }
        let (name, x) = (self.name(id), self.unrounded(operand)?);
        let (Interval { lo, hi }, held) = (self.builder.interval(x.tensor), self.signed());
        if held.contains(lo) && held.contains(hi) || x.scale.0 > WIDEST {
            return Ok(None);
        }
        if x.scale.0 <= 0 || *function == Unary::Round {
            return self.nearest(&name, x.tensor, x.scale.0).map(Some);
        }
        let divisor = power(x.scale.0)?;
        let tensor = match function {
            Unary::Floor => self.divided_down(&name, x.tensor, divisor)?,
            // As far up as down on the other side.
            Unary::Ceil => {
                let turned = self.builder.linear(&format!("{name}.turned"), &[(-1, x.tensor)], 0, x.scale)?;
                let down = self.divided_down(&format!("{name}.down"), turned, divisor)?;
                self.builder.linear(&name, &[(-1, down)], 0, Scale(0))?
            }
            _ if lo >= 0 => self.divided_down(&name, x.tensor, divisor)?,
            // Up where it is negative: by all that is less than one more.
            _ => {
                let sign = self.nonnegative(&name, x.tensor)?;
                let terms = [(1, x.tensor), (1 - divisor, sign)];
                let raised = self.builder.linear(&format!("{name}.towards"), &terms, divisor - 1, x.scale)?;
                self.divided_down(&name, raised, divisor)?
            }
        };
        Ok(Some(Value { tensor, scale: Scale(0), depth: 0 }))
    }

    /// `floor(x / divisor)` for a power of two: what is left is looked up, and the quotient.
    fn divided_down(&mut self, name: &str, x: TensorId, divisor: i64) -> Result<TensorId, Refusal> {
        let (dims, Interval { lo, hi }) = (self.builder.dims(x).to_vec(), self.builder.interval(x));
        let interval = Interval::new(lo.div_euclid(divisor), hi.div_euclid(divisor));
        let rule = Advice::Floor { source: x, divisor };
        let whole = self.builder.advice(&format!("{name}.whole"), &dims, rule, interval, Scale(0));
        let rest = self.builder.linear(&format!("{name}.rest"), &[(1, x), (-divisor, whole)], 0, Scale(0))?;
        self.builder.remainder(&format!("{name}.rest"), rest, divisor)?;
        self.builder.loose_range(&format!("{name}.whole"), whole, interval.lo, interval.hi - interval.lo + 1)?;
        Ok(whole)
    }
}
