//! Normalisation of rows: `(x - mean) / sqrt(variance + eps)`, with or without the mean (docs/lowerings.md, section 12).
//!
//! Nothing of it is a table: the root of a row's sum of squares is an exact square root, its reciprocal an exact quotient, and the row is
//! multiplied with that.

use ndarray::{ArrayD, Axis};
use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one, with_axes};
use crate::graph::{Domain, NodeId};
use crate::lower::{FINER, Lowering, Refusal, Value, power};
use crate::quantise::Range;

/// A pass finds normalisations in what exporters write.
pub(super) const IMPORT: Imports = &[];

/// Bits behind an entry's own that a mean has.
const GUARD: i32 = 2;
/// Bits that the reciprocal root of a row as large as any can be has.
const RECIPROCAL: i32 = 10;
/// Values stay below `2^61`, with some room.
const ROOM: u32 = 59;

/// `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + eps)` over the given axes together, or `x / sqrt(mean(x^2) + eps)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    /// Ascending, distinct.
    pub axes: Vec<usize>,
    /// Positive.
    pub eps: f64,
    /// Whether the mean is taken away.
    pub centred: bool,
}

impl Operator for Norm {
    fn name(&self) -> &'static str {
        if self.centred { "LayerNormalization" } else { "RMSNormalization" }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        with_axes(one(operands)?, &self.axes).map(Some)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let Some(&x) = operands.first() else { return empty() };
        let mean = |x: &ArrayD<f64>| {
            self.axes.iter().fold(x.clone(), |x, &axis| {
                x.map_axis(Axis(axis), |lane| lane.sum() / lane.len() as f64).insert_axis(Axis(axis))
            })
        };
        let c = if self.centred { x - &mean(x) } else { x.clone() };
        let root = mean(&(&c * &c)).mapv_into(|variance| (variance + self.eps).sqrt());
        c / root
    }

    /// A row's squares sum to the number of its entries at most.
    fn range(&self, at: &Ranges<'_>) -> Range {
        Range::symmetric(at.entries(0, &self.axes).sqrt())
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (operand, name) = (at.operand(id, 0)?, at.name(id));
        let dims = at.graph.shape(id).to_vec();
        let kept: Vec<usize> = (0..dims.len()).filter(|a| !self.axes.contains(a)).collect();
        let row = Row { name: &name, entries: self.axes.iter().map(|&a| dims[a]).product(), axes: &self.axes, kept: &kept };
        let guard = if self.centred { GUARD } else { 0 };
        // The sum of a row's squares, of entries less their mean, has to fit.
        let widest = (ROOM - row.entries.next_power_of_two().ilog2()) / 2 - guard as u32;
        let x = at.wide(operand, widest.min(at.settings.bits + FINER))?;
        let c = if self.centred { row.centre(at, x)? } else { x };
        let result = at.plan.scale(id);
        let size = at.builder.interval(c.tensor).magnitude().max(1);
        let shift = (Interval::new(0, size).bits() as i32 + RECIPROCAL - result.0).max(1);
        let root = row.root(at, c, self.eps)?;
        let r = row.reciprocal(at, root, result + shift, size)?;
        let (all, rows) = (Label::of(0..dims.len()), Label::of(kept.iter().copied()));
        let product = at.builder.einsum(&format!("{name}.product"), (c.tensor, &all), (r, &rows), &all)?;
        let normed = at.divide(&name, product, power(shift)?, at.signed(), result)?;
        let Interval { lo, hi } = at.builder.interval(normed.tensor);
        at.builder.loose_range(&name, normed.tensor, lo, hi - lo + 1)?;
        Ok(normed)
    }
}

/// Rows along some axes.
struct Row<'r> {
    name: &'r str,
    /// Entries of a row.
    entries: usize,
    axes: &'r [usize],
    kept: &'r [usize],
}

impl Row<'_> {
    /// `c = 2^g x - round(2^g mean)`.
    fn centre(&self, at: &mut Lowering<'_>, x: Value) -> Result<Value, Refusal> {
        let (name, n, scale) = (self.name, self.entries as i64, x.scale + GUARD);
        let sum = at.sum_axes(&format!("{name}.sum"), x.tensor, self.axes, false)?;
        let sum = at.builder.linear(&format!("{name}.sum.raised"), &[(1 << GUARD, sum)], 0, scale)?;
        let bound = at.builder.interval(x.tensor).magnitude().max(1) << GUARD;
        let dims = at.builder.dims(sum).to_vec();
        let rule = Advice::Round { source: sum, divisor: n };
        let mean = at.builder.advice(&format!("{name}.mean"), &dims, rule, Interval::new(-bound, bound), scale);
        at.builder.loose_range(&format!("{name}.mean"), mean, -bound, 2 * bound + 1)?;
        let rest = at.builder.linear(&format!("{name}.mean.remainder"), &[(1, sum), (-n, mean)], n / 2, Scale(0))?;
        let other = at.builder.linear(&format!("{name}.mean.rest"), &[(-1, rest)], n - 1, Scale(0))?;
        at.builder.loose_range(&format!("{name}.mean.remainder"), rest, 0, n)?;
        at.builder.loose_range(&format!("{name}.mean.rest"), other, 0, n)?;
        let dims = at.builder.dims(x.tensor).to_vec();
        let spread = at.broadcast_axes(&format!("{name}.mean.spread"), mean, self.kept, &dims);
        let terms = [(1 << GUARD, x.tensor), (-1, spread)];
        Ok(Value { tensor: at.builder.linear(&format!("{name}.centred"), &terms, 0, scale)?, scale, ..x })
    }

    /// `floor(sqrt(sum c^2 + n eps))` at the scale of `c`: `sqrt(n)` times the root of the variance and `eps`.
    fn root(&self, at: &mut Lowering<'_>, c: Value, eps: f64) -> Result<TensorId, Refusal> {
        let name = self.name;
        let all = Label::of(0..at.builder.dims(c.tensor).len());
        let rows = Label::of(self.kept.iter().copied());
        let squares = at.builder.einsum(&format!("{name}.squares"), (c.tensor, &all), (c.tensor, &all), &rows)?;
        let eps = (self.entries as f64 * eps * (c.scale + c.scale).units()).round().max(1.0);
        if eps >= f64::from(ROOM).exp2() {
            return Err(Refusal::Width(format!("its epsilon is {eps:.0} beside the integers of its squares, too large")));
        }
        // No square is negative.
        let sum = at.builder.linear(&format!("{name}.energy"), &[(1, squares)], eps as i64, c.scale + c.scale)?;
        at.square_root(&format!("{name}.root"), sum, c.scale)
    }

    /// `round(sqrt(n) 2^scale / y)` for a root `y`, with which entries up to a size can be multiplied.
    fn reciprocal(&self, at: &mut Lowering<'_>, y: TensorId, scale: Scale, size: i64) -> Result<TensorId, Refusal> {
        let numerator = ((self.entries as f64).sqrt() * scale.units()).round();
        if numerator >= f64::from(ROOM).exp2() {
            return Err(Refusal::Width("the reciprocal of its root: use fewer bits".to_owned()));
        }
        let (numerator, roots) = (numerator as i64, at.builder.interval(y));
        // Rows that are smaller, and not zero, have no integers; what is multiplied with it fits.
        let largest = (numerator / roots.lo.max(1) + 1).min((1 << ROOM) / roots.hi.max(size));
        at.reciprocal(&format!("{}.reciprocal", self.name), (numerator, y), largest, scale)
    }
}
