//! Functions of one entry.

mod domain;
mod finite;
mod function;
mod import;
#[cfg(test)]
mod library;
mod steep;

use ndarray::ArrayD;
use zktorch_blocks::program::Scale;

use super::division;
use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, one};
use crate::graph::{Domain, NodeId};
use crate::import::Import;
use crate::lower::{Lowering, Refusal, Value, power};
use crate::quantise::{Domain as Saturating, Range};

pub use finite::NotFinite;
pub use function::Unary;
pub(super) use import::clip;

pub(super) const IMPORT: Imports =
    &[Import::Unary(import::function), Import::Binary(import::with_constant), Import::Named("Cast", import::cast)];

/// Scale of a real number that was an integer, at most.
const REAL_BITS: Scale = Scale(16);

impl Operator for Unary {
    fn name(&self) -> &'static str {
        Unary::name(self)
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        Ok(Some(one(operands)?.to_vec()))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        domain::of(self, first(operands))
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| x.mapv(|v| self.eval(v)))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        image(self, at.operand(0))
    }

    fn nature(&self) -> Nature {
        Nature {
            layout: false,
            linear: matches!(self, Unary::Neg),
            keeps_scale: matches!(self, Unary::Relu | Unary::LeakyRelu(_)),
            rounds: true,
        }
    }

    fn bound(&self) -> Option<f64> {
        match self {
            Unary::Sigmoid | Unary::HardSigmoid { .. } | Unary::Tanh | Unary::Erf | Unary::Softsign => Some(1.0),
            Unary::Clip { lo, hi } if lo.is_finite() && hi.is_finite() => Some(lo.abs().max(hi.abs())),
            _ => None,
        }
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        if at.plan.pools.contains_key(&id) {
            return at.fused_pool(id);
        }
        let operand = at.operand(id, 0)?;
        if let Some(whole) = at.whole_part(id, operand, self)? {
            return Ok(whole);
        }
        match *self {
            Unary::Neg => {
                let x = at.value(operand)?;
                let tensor = at.builder.linear(&at.name(id), &[(-1, x.tensor)], 0, x.scale)?;
                Ok(Value { tensor, ..x })
            }
            Unary::Not if at.graph.domain(operand) == Domain::Boolean => {
                let x = at.condition(operand)?;
                at.negated(&at.name(id), x)
            }
            // As fine as if it had been a real number all the time: what follows may be a small part of 1.
            Unary::ToReal => {
                let x = at.value(operand)?;
                let scale = at.plan.scale(id).clamp(Scale(0), REAL_BITS);
                let tensor = at.builder.linear(&at.name(id), &[(power(scale - x.scale)?, x.tensor)], 0, scale)?;
                Ok(Value { tensor, scale, ..x })
            }
            Unary::Wrap { lo, hi } if at.lies_within(operand, lo, hi)? => at.value(operand),
            Unary::Clip { lo, hi } if at.exact(operand) && !at.has_table(operand)? => at.held(id, operand, [lo, hi]),
            Unary::Wrap { lo, hi } if at.exact(operand) && !at.has_table(operand)? => at.wrapped(id, operand, lo, hi),
            // No integer stands for another.
            Unary::NotFinite(_) => {
                let tensor = at.builder.fill(&at.name(id), at.graph.shape(id), 0);
                Ok(Value { tensor, scale: Scale(0), depth: 0 })
            }
            Unary::Square => {
                let x = at.narrow_unless_steep(operand)?;
                at.product(&at.name(id), x, x)
            }
            Unary::Recip if division::sign(at, id, operand)? == 0 => division::reciprocal(at, id, operand),
            Unary::Silu | Unary::Composite(_)
                if self.gates() && at.settings.wide && !at.exact(operand) && at.graph.gates_convolutions() =>
            {
                at.gate(id, operand, self)
            }
            Unary::NonZero if at.exact(operand) && !at.has_table(operand)? => at.differs_from_zero(id, operand),
            _ => {
                if let (Some(&reach), Some(domain)) = (at.plan.saturated.get(&id), Saturating::of(self, at.settings)) {
                    let x = at.value(operand)?;
                    return at.saturated(id, x, self, domain, reach);
                }
                if at.is_steep(operand)
                    && self.is_steep()
                    && let Some(value) = at.by_magnitude(id, self)?
                {
                    return Ok(value);
                }
                let y = at.table_input(operand)?;
                at.apply(id, y, self.clone())
            }
        }
    }
}

impl Unary {
    /// Whether it is `x sigmoid(x)`, however that is spelled.
    pub(crate) fn gates(&self) -> bool {
        self.name() == Self::Silu.name()
    }
}

/// The range of a function: of one that never decreases at the ends of the argument's, of others sampled, with 0 as a value.
fn image(f: &Unary, range: Range) -> Range {
    if f.is_monotone() || matches!(f, Unary::ToReal) {
        return Range::hull([f.eval(range.lo), f.eval(range.hi)]);
    }
    match f {
        Unary::NonZero | Unary::Not | Unary::NotFinite(_) => return Range::UNIT,
        Unary::Wrap { lo, hi } => return Range { lo: *lo as f64, hi: *hi as f64 },
        _ => {}
    }
    if !(range.hi - range.lo).is_finite() {
        return Range::UNBOUNDED;
    }
    let steps = 1000;
    let at = |i: i32| f.eval(range.lo + (range.hi - range.lo) * f64::from(i) / f64::from(steps));
    let inner = (range.lo <= 0.0 && 0.0 <= range.hi).then(|| f.eval(0.0));
    let values = (0..=steps).map(at).chain(inner).filter(|v| v.is_finite());
    Range::hull(values.chain([0.0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotone_functions_do_not_pass_through_0() {
        assert_eq!(image(&Unary::Exp, Range { lo: 0.0, hi: 0.0 }), Range { lo: 1.0, hi: 1.0 });
        let input = Range { lo: -1.0, hi: 1.0 };
        assert_eq!(image(&Unary::Clip { lo: 1.0, hi: 2.0 }, input), Range { lo: 1.0, hi: 1.0 });
    }
}
