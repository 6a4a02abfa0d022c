//! The logarithm of a softmax (docs/lowerings.md, section 14): what is subtracted is exact, the logarithm of the sum comes out of two tables.
//!
//! `log p_j = x_j - m - log S`, where `S = sum_j exp(y_j - m)` takes the rounded scores as a softmax does, and `x_j - m` the scores as they
//! are: a small probability keeps all its bits. `S` lies between 1 and the number of entries; its nearest integer `h` says by which power of two it
//! comes near 1, and a table has the logarithms of what is near 1.

use ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::ops::nn::Softmax as TractSoftmax;
use zktorch_blocks::program::Scale;

use super::operator::{Demand, Imports, Nature, Operator, Ranges, empty, sorted};
use super::reduce::{ReduceKind, along};
use super::shape::{Misfit, one, with_axes};
use super::softmax::shifted;
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Exponentials, LONGEST, Lowering, Precision, Refusal, Value, power};
use crate::quantise::{Range, Settings};

pub(super) const IMPORT: Imports = &[Import::Named("LogSoftmax", import)];

/// The logarithm of the softmax: `x - log sum exp(x)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSoftmax {
    /// Ascending, distinct.
    pub axes: Vec<usize>,
}

/// The logarithm of softmax over some axes.
fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let axes = sorted(&site.op::<TractSoftmax>()?.axes);
    let x = t.operand(site, 0)?;
    t.add(site, LogSoftmax { axes }, &[x])
}

impl Operator for LogSoftmax {
    fn name(&self) -> &'static str {
        "LogSoftmax"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        with_axes(one(operands)?, &self.axes).map(Some)
    }

    fn demand(&self, settings: Settings) -> Option<Demand> {
        // A logarithm shows what an exponential hides.
        Some(Demand { rows: rows(settings), finest: Scale(14) })
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |x| log_softmax(&self.axes, x))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let x = at.operand(0);
        Range { lo: x.lo - x.hi - at.entries(0, &self.axes).ln(), hi: 0.0 }
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let operand = at.operand(id, 0)?;
        let x = at.value(operand)?;
        let rows = self::rows(at.settings);
        let precision = Precision { rows, exponential: Scale(20), mantissa: 13, logarithm: Scale(16) };
        at.log_softmax_of(&at.name(id), x, at.plan.scale(operand), &self.axes, precision)
    }
}

/// Rows of the table of exponentials: large scores must not take their precision from probabilities near 1.
fn rows(settings: Settings) -> usize {
    1 << settings.bits.max(14)
}

fn log_softmax(axes: &[usize], x: &ArrayD<f64>) -> ArrayD<f64> {
    let x = shifted(axes, x);
    let sum = along(ReduceKind::Sum, axes, &x.mapv(f64::exp)).mapv_into(f64::ln);
    let Some(sum) = sum.broadcast(IxDyn(x.shape())) else { return x };
    &x - &sum
}

impl Lowering<'_> {
    /// `x - log sum exp x` over some axes, the exponentials of scores rounded to a scale.
    pub(crate) fn log_softmax_of(
        &mut self,
        name: &str,
        x: Value,
        scale: Scale,
        axes: &[usize],
        precision: Precision,
    ) -> Result<Value, Refusal> {
        let dims = self.builder.dims(x.tensor).to_vec();
        let kept: Vec<usize> = (0..dims.len()).filter(|a| !axes.contains(a)).collect();
        let entries: usize = axes.iter().map(|&a| dims[a]).product();
        if entries > LONGEST {
            return Err(format!("a log-softmax over {entries} entries, at most {LONGEST} are possible").into());
        }
        let (maximum, d) = self.gaps(name, x, scale, axes, &kept, precision.rows)?;
        let e = self.exponentials(name, d, scale, axes, Exponentials::new(precision.rows, precision.exponential), None)?;
        let sum = self.sum_axes(&format!("{name}.sum"), e, axes, false)?;
        let sum = self.builder.copy(&format!("{name}.total"), sum);
        let logarithm = self.logarithm(name, sum, entries as i64, precision)?;
        let logarithm = self.broadcast_axes(&format!("{name}.log.spread"), logarithm, &kept, &dims);
        let finest = x.scale.max(scale).max(precision.logarithm);
        let terms = [
            (power(finest - x.scale)?, x.tensor),
            (-power(finest - scale)?, maximum),
            (-power(finest - precision.logarithm)?, logarithm),
        ];
        Ok(Value { tensor: self.builder.linear(name, &terms, 0, finest)?, scale: finest, ..x })
    }
}
