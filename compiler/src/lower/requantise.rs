//! Requantisation: fewer bits, and the same value at another scale (docs/lowerings.md, section 4).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value};
use crate::graph::NodeId;
use crate::ops::Op;

/// Tensors up to this size are committed rather than kept virtual: a wave of messages costs more.
const SMALL: usize = 1 << 14;
/// Bits of wide values beyond those of activations: residual streams, and products of two activations, have channels far larger than others.
pub(crate) const FINER: u32 = 8;
/// Bits of a wide value that are left to inputs beyond the samples': texts have tokens that no sample had.
const HEADROOM: i32 = 2;
/// Bits of a part of an output.
const SHOWN: u32 = 30;
/// Bits of a product of two values.
const ROOM: u32 = 58;
/// Bits that one requantisation drops at most.
const WIDEST_SHIFT: i32 = 40;

impl Lowering<'_> {
    /// The interval of activations.
    pub(crate) fn signed(&self) -> Interval {
        let half = 1i64 << (self.settings.bits - 1);
        Interval::new(-half, half - 1)
    }

    /// The value of a node in few bits, so that products and tables can use it.
    pub(crate) fn narrow(&mut self, id: NodeId) -> Result<Value, Refusal> {
        if let Some(value) = self.narrow.get(&id) {
            return Ok(*value);
        }
        let value = self.value(id)?;
        let scale = self.plan.scale(id);
        let name = self.name(id);
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        let spare = 1i64 << (self.settings.bits + 4);
        let small = self.builder.tensor(value.tensor).shape.len() <= SMALL;
        let result = if -spare <= lo && hi < spare && value.scale <= scale + 4 {
            if value.depth > 0 && small {
                Value { tensor: self.builder.copy(&format!("{name}.copy"), value.tensor), depth: 0, ..value }
            } else {
                value
            }
        } else {
            let rounded = self.round(&name, value, scale)?;
            let Interval { lo, hi } = self.builder.interval(rounded.tensor);
            self.builder.loose_range(&name, rounded.tensor, lo, hi - lo + 1)?;
            rounded
        };
        self.narrow.insert(id, result);
        Ok(result)
    }

    /// The value of a node as a factor, and by how many bits it is finer than a narrow one: a product of two activations is wide where
    /// the settings say so.
    pub(crate) fn factor(&mut self, id: NodeId) -> Result<(Value, i32), Refusal> {
        let wide = self.graph.multiplies(id) || self.is_steep(id);
        if !self.settings.wide || !wide || self.exact(id) {
            return Ok((self.narrow(id)?, 0));
        }
        let value = self.wide(id, self.settings.bits + FINER)?;
        Ok((value, (value.scale - self.plan.scale(id)).clamp(0, FINER as i32)))
    }

    /// The operand of a convolution, and by how many bits it is finer than a narrow one.
    pub(crate) fn convolved(&mut self, id: NodeId) -> Result<(Value, i32), Refusal> {
        let wide = self.graph.gates_convolutions() || self.is_steep(id);
        if !self.settings.wide || !wide || self.exact(id) {
            return Ok((self.narrow(id)?, 0));
        }
        let value = self.wide(id, self.settings.bits + FINER)?;
        Ok((value, (value.scale - self.plan.scale(id)).clamp(0, FINER as i32)))
    }

    /// Two factors of a product: narrow, or one of them as wide as it comes, where their product is wide and has room.
    pub(crate) fn factors(&mut self, a: NodeId, b: NodeId) -> Result<(Value, Value), Refusal> {
        let function = |at: &Self, id: NodeId| matches!(at.graph.op(id), Op::Unary(_));
        if !self.settings.wide || self.exact(a) || self.exact(b) || function(self, a) == function(self, b) {
            return Ok((self.narrow(a)?, self.narrow(b)?));
        }
        let (looked_up, other) = if function(self, a) { (a, b) } else { (b, a) };
        let (looked_up, virtual_one) = (self.narrow(looked_up)?, self.value(other)?);
        let bits = |at: &Self, value: Value| at.builder.interval(value.tensor).bits();
        let room = bits(self, looked_up) + bits(self, virtual_one) <= ROOM;
        Ok((looked_up, if room { virtual_one } else { self.wide(other, self.settings.bits + FINER)? }))
    }

    /// The value of a node in few bits, or wide where small entries count.
    pub(crate) fn narrow_unless_steep(&mut self, id: NodeId) -> Result<Value, Refusal> {
        if self.is_steep(id) { self.wide(id, self.settings.bits + FINER) } else { self.narrow(id) }
    }

    /// The value of a node that is a part of an output: as it comes, unless it has far more bits than others, so that it may be larger than in the
    /// samples.
    pub(crate) fn shown(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let value = self.value(id)?;
        let few = self.builder.interval(value.tensor).bits() <= SHOWN && value.scale <= self.plan.scale(id) + 4;
        if few { Ok(value) } else { self.narrow(id) }
    }

    /// The value of a node in so many bits, finer than a narrow one, for what squares it: as it is where it fits.
    pub(crate) fn wide(&mut self, id: NodeId, bits: u32) -> Result<Value, Refusal> {
        let (value, half) = (self.value(id)?, 1i64 << (bits - 1));
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        if -half <= lo && hi < half {
            return Ok(value);
        }
        let name = format!("{}.wide", self.name(id));
        let scale = self.plan.scale(id) + (bits as i32 - self.settings.bits as i32 - HEADROOM);
        let (x, divisor) = self.shifted(&name, value, scale)?;
        let wide = self.divide(&name, x, divisor, Interval::new(-half, half - 1), scale)?;
        self.builder.loose_range(&name, wide.tensor, -half, 2 * half)?;
        self.values.insert(id, wide);
        Ok(wide)
    }

    /// `y = floor((x + 2^(k-1)) / 2^k)` at the given scale, its remainder looked up. The caller looks up `y`.
    pub(crate) fn round(&mut self, name: &str, x: Value, scale: Scale) -> Result<Value, Refusal> {
        let (x, divisor) = self.shifted(name, x, scale)?;
        self.divide(name, x, divisor, self.signed(), scale)
    }

    /// What is to be divided by what, a power of two, to bring a value to a scale. A coarser value is shifted up: exact.
    pub(crate) fn shifted(&mut self, name: &str, x: Value, scale: Scale) -> Result<(TensorId, i64), Refusal> {
        match x.scale - scale {
            shift if shift > WIDEST_SHIFT => {
                Err(Refusal::Width(format!("a requantisation by {shift} bits, at most {WIDEST_SHIFT} are possible")))
            }
            shift if shift > 0 => Ok((x.tensor, 1 << shift)),
            shift => Ok((self.builder.linear(&format!("{name}.shifted"), &[(power(-shift)?, x.tensor)], 0, scale)?, 1)),
        }
    }

    /// `y = floor((x + floor(d/2)) / d)` in an interval, its remainder looked up. The caller looks up `y`.
    pub(crate) fn divide(
        &mut self,
        name: &str,
        x: TensorId,
        d: i64,
        interval: Interval,
        scale: Scale,
    ) -> Result<Value, Refusal> {
        let dims = self.builder.dims(x).to_vec();
        let rule = Advice::Round { source: x, divisor: d };
        let y = self.builder.advice(&format!("{name}.rounded"), &dims, rule, interval, scale);
        self.remainder(name, x, d, y)?;
        Ok(Value { tensor: y, scale, depth: 0 })
    }

    /// Requires `x + floor(d/2) - d y` to be a remainder. The caller looks up `y`.
    pub(crate) fn remainder(&mut self, name: &str, x: TensorId, d: i64, y: TensorId) -> Result<(), Refusal> {
        let remainder = self.builder.linear(&format!("{name}.remainder"), &[(1, x), (-d, y)], d / 2, Scale(0))?;
        self.builder.remainder(&format!("{name}.remainder"), remainder, d)
    }

    /// Whether the integers of a node's tensor lie in an interval.
    pub(crate) fn lies_within(&mut self, id: NodeId, lo: i64, hi: i64) -> Result<bool, Refusal> {
        let value = self.value(id)?;
        let interval = self.builder.interval(value.tensor);
        Ok(lo <= interval.lo && interval.hi <= hi)
    }

    /// The value of a node rounded for a table, which pins it: no range lookup of its own.
    pub(crate) fn table_input(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let value = self.value(id)?;
        if self.has_table(id)? {
            return Ok(value);
        }
        let fitted = self.fit(&self.name(id), value, self.plan.scale(id))?;
        if fitted.tensor != value.tensor {
            self.narrow.insert(id, fitted);
        }
        Ok(fitted)
    }

    /// A value as it is if the tables of activations hold it, else rounded to a scale. The caller looks it up in one.
    pub(crate) fn fit(&mut self, name: &str, value: Value, scale: Scale) -> Result<Value, Refusal> {
        let domain = self.signed();
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        if domain.contains(lo) && domain.contains(hi) { Ok(value) } else { self.round(name, value, scale) }
    }
}

/// `2^exponent` for `0 <= exponent < 60`.
pub(crate) fn power(exponent: i32) -> Result<i64, Refusal> {
    u32::try_from(exponent)
        .ok()
        .filter(|&e| e < 60)
        .map(|e| 1i64 << e)
        .ok_or_else(|| Refusal::Width(format!("scales of operands lie {exponent} bits apart, expected 0 to 59")))
}
