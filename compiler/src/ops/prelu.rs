//! A slope of its own for each channel below 0 (docs/lowerings.md, section 6).

use ndarray::ArrayD;
use zktorch_blocks::program::Scale;

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, integers, zip};
use super::shape::{Misfit, same};
use super::unary::Unary;
use crate::graph::{Domain, NodeId};
use crate::lower::{Lowering, Note, Refusal, Value, kept_axes, power};
use crate::quantise::{Range, scale_for};

/// tract writes it with a choice, which a pass recognises.
pub(super) const IMPORT: Imports = &[];

/// Scale of a slope, at most: an expression has the other branch at this scale too.
const SLOPE_BITS: Scale = Scale(30);

/// `x` where `x >= 0`, else `slope * x`. Operands `x`, `slope`, of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PRelu;

impl PRelu {
    /// The function of two entries.
    pub(crate) fn eval(x: f64, slope: f64) -> f64 {
        if x >= 0.0 { x } else { x * slope }
    }
}

impl Operator for PRelu {
    fn name(&self) -> &'static str {
        "PRelu"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        integers(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, Self::eval)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let [x, slope] = [at.operand(0), at.operand(1)];
        let negative = Range { lo: x.lo.min(0.0), hi: x.hi.min(0.0) }.corners(slope, Range::times);
        Range::hull([x.lo.max(0.0), x.hi.max(0.0), negative.lo, negative.hi])
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// `slope x + (1 - slope) relu(x)`.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (x, slope) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let slope = at.constant(slope).ok_or("the slope must be a constant")?;
        let name = at.name(id);
        let y = at.table_input(x)?;
        let positive = at.apply(id, y, Unary::Relu)?;
        let negative =
            at.builder.linear(&format!("{name}.negative"), &[(1, y.tensor), (-1, positive.tensor)], 0, y.scale)?;
        // As fine as 16 bits make it: slopes may be far below 1.
        let fine = match at.exact(id) {
            true => Scale(0),
            false => at.decide_scale(Note::SlopeScale, |withheld| {
                scale_for(slope.largest(withheld), 32767.0).clamp(Scale(0), SLOPE_BITS)
            })?,
        };
        let weight = at.weight_squeezed(&format!("{name}.slope"), &slope, fine)?;
        let dims = at.builder.dims(y.tensor).to_vec();
        let labels = Label::of(kept_axes(slope.shape(), dims.len()));
        let all = Label::of(0..dims.len());
        let scaled = at.builder.einsum(&format!("{name}.scaled"), (weight, &labels), (negative, &all), &all)?;
        let scale = y.scale + fine;
        let terms = [(1, scaled), (power(scale - y.scale)?, positive.tensor)];
        Ok(Value { tensor: at.builder.linear(&name, &terms, 0, scale)?, scale, depth: y.depth + 1 })
    }
}
