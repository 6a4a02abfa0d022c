//! The nearest integer to a product or a quotient, of two the even one (docs/lowerings.md, section 26).

use ndarray::ArrayD;
use zktorch_blocks::program::{Advice, Interval, Scale};

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator};
use crate::lower::{Lowering, Note, Refusal, Value, Weight, kept_axes, power};
use crate::ops::Label;
use crate::quantise::{Range, scale_for};

pub(super) const IMPORT: Imports = &[Import::Named("Nearest", import)];

/// Integers of a table, at most.
const ROWS: i64 = 1 << 16;
/// Bits of a factor that is not exact.
const FACTOR: u32 = 30;
/// A quotient by a tensor is no larger, unless it says so.
const FARTHEST: i64 = 1 << 20;
/// Bits of a product.
const ROOM: u32 = 58;

/// `x m` or `x / m`, rounded to the nearest integer, of two to the even one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// A quotient.
    pub over: bool,
    /// The divisor is divided by this before, and no result is larger; 0 if neither.
    pub times: i64,
}

fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let import::Nearest { over, times } = *site.op::<import::Nearest>()?;
    let (x, m) = (t.operand(site, 0)?, t.operand(site, 1)?);
    let m = t.broadcast(site, m, &site.shape);
    t.add(site, Nearest { over, times }, &[x, m])
}

impl Nearest {
    fn eval(self, x: f64, m: f64) -> f64 {
        let Self { over, times } = self;
        import::Nearest { over, times }.eval(x as f32, m as f32)
    }

    /// By which number a constant says that is multiplied.
    fn factor(self, m: f64) -> f64 {
        match (self.over, self.times) {
            (false, _) => m,
            (true, 0) => m.recip(),
            (true, times) => times as f64 / m,
        }
    }

    /// A table of all that the first operand may be.
    fn by_table(self, at: &mut Lowering<'_>, id: NodeId, x: Value, m: f64) -> Result<Value, Refusal> {
        let Interval { lo, hi } = at.builder.interval(x.tensor);
        let column: Vec<f64> = (lo..=hi).map(|v| self.eval(v as f64 / x.scale.units(), m)).collect();
        if column.iter().any(|v| !v.is_finite() || v.abs() > f64::from(1 << 30)) {
            return Err("a quotient that is no number of 31 bits".into());
        }
        let column: Vec<i64> = column.into_iter().map(|v| v as i64).collect();
        let interval = Interval::new(column.iter().copied().min().unwrap_or(0), column.iter().copied().max().unwrap_or(0));
        let table = at.builder.data_table(&format!("nearest at scale {}", x.scale), lo, vec![column]);
        let (name, dims) = (at.name(id), at.builder.dims(x.tensor).to_vec());
        let rule = Advice::Table { source: x.tensor, table, column: 1 };
        let tensor = at.builder.advice(&name, &dims, rule, interval, Scale(0));
        at.builder.lookup(&[x.tensor, tensor], table);
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }

    /// One number for all entries, which is public.
    fn by_number(self, at: &mut Lowering<'_>, id: NodeId, x: Value, m: f64) -> Result<Value, Refusal> {
        let factor = self.factor(m);
        if !(factor > 0.0 && factor.is_finite()) {
            return Err(format!("a scale of {m}, expected a positive number").into());
        }
        // A float of 32 bits is an integer of 24 bits and a power of two.
        let scale = scale_for(factor, f64::from(1u32 << FACTOR) - 1.0);
        let mut multiplier = (factor * scale.units()).round() as i64;
        let mut shift = (scale + x.scale).0;
        while shift > 0 && multiplier % 2 == 0 {
            (multiplier, shift) = (multiplier / 2, shift - 1);
        }
        let name = at.name(id);
        let product = at.builder.linear(&format!("{name}.product"), &[(multiplier, x.tensor)], 0, Scale(0))?;
        at.nearest(&name, product, shift)
    }

    /// A number for each channel: a weight.
    fn by_weight(self, at: &mut Lowering<'_>, id: NodeId, x: Value, m: &Weight) -> Result<Value, Refusal> {
        let name = at.name(id);
        let factors = m.mapped(|m| self.factor(m));
        let bits = (ROOM - at.builder.interval(x.tensor).bits().min(ROOM)).min(FACTOR);
        let limit = f64::from((1u32 << bits) - 1);
        let scale = at.decide_scale(Note::WeightScale, |withheld| scale_for(factors.largest(withheld), limit))?;
        let dims = at.builder.dims(x.tensor).to_vec();
        let weight = at.weight_squeezed(&format!("{name}.factor"), &factors, scale)?;
        let (all, kept) = (Label::of(0..dims.len()), Label::of(kept_axes(factors.shape(), dims.len()).iter().copied()));
        let product = at.builder.einsum(&format!("{name}.product"), (weight, &kept), (x.tensor, &all), &all)?;
        at.nearest(&name, product, (scale + x.scale).0)
    }

    /// A factor or divisor that depends on inputs.
    fn by_tensor(self, at: &mut Lowering<'_>, id: NodeId, x: Value, m: NodeId) -> Result<Value, Refusal> {
        let m = at.value(m)?;
        if !self.over {
            let product = at.product(&format!("{}.product", at.name(id)), x, m)?;
            return at.nearest(&at.name(id), product.tensor, product.scale.0);
        }
        let (times, most) = if self.times == 0 { (1, FARTHEST) } else { (self.times, self.times) };
        let scale = x.scale.max(m.scale);
        let (name, numerator, divisor) = (at.name(id), power(scale - x.scale)?, power(scale - m.scale)?);
        let terms = [(times * numerator, x.tensor)];
        let numerator = at.builder.linear(&format!("{name}.numerator"), &terms, 0, Scale(0))?;
        let divisor = at.builder.linear(&format!("{name}.divisor"), &[(divisor, m.tensor)], 0, Scale(0))?;
        at.nearest_quotient(&name, numerator, divisor, most)
    }
}

impl Operator for Nearest {
    fn name(&self) -> &'static str {
        "Nearest"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        match self.times {
            0 => Domain::ANY,
            most => Domain::Integer { lo: -most, hi: most },
        }
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |x, m| self.eval(x, m))
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let (x, m) = (at.operand(0), at.operand(1));
        match at.constant(1) {
            _ if self.times != 0 => Range::symmetric(self.times as f64),
            Some(m) => {
                let largest = m.iter().map(|&m| self.factor(m).abs()).fold(0.0, f64::max);
                Range::symmetric(Range::times(x.magnitude(), largest) + 0.5)
            }
            None if self.over => Range::UNBOUNDED,
            None => Range::symmetric(Range::times(x.magnitude(), m.magnitude()) + 0.5),
        }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (x, m) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let value = at.unrounded(x)?;
        let Interval { lo, hi } = at.builder.interval(value.tensor);
        match at.constant(m).map(|m| (m.single(), m)) {
            Some((Some(m), _)) if !at.exact(x) && hi.saturating_sub(lo) < ROWS => self.by_table(at, id, value, m),
            Some((Some(m), _)) => self.by_number(at, id, value, m),
            Some((None, m)) => self.by_weight(at, id, value, &m),
            None => self.by_tensor(at, id, value, m),
        }
    }
}
