//! Requantisation and functions of one entry (docs/lowerings.md, section 4, and docs/lowerings.md, section 6).

use zktorch_blocks::program::{Advice, Interval, TableId, TensorId};

use super::builder::Refusal;
use super::elementwise::power;
use super::{Lowering, Value};
use crate::graph::{NodeId, Op, Unary};
use crate::quantise::{Domain, to_integer, to_real};

/// Tensors up to this size are committed rather than kept virtual: a wave of messages costs more.
const SMALL: usize = 1 << 14;
/// Bits that one requantisation drops at most.
const WIDEST_SHIFT: i32 = 40;
/// Scale of a real number that was an integer, at most.
const REAL_BITS: i32 = 16;
/// No table entry exceeds this.
const ENTRY: f64 = (1u64 << 30) as f64;

impl Lowering<'_> {
    /// The interval of activations.
    pub(super) fn signed(&self) -> Interval {
        let half = 1i64 << (self.settings.bits - 1);
        Interval::new(-half, half - 1)
    }

    /// The value of a node in few bits, so that products and tables can use it.
    pub(super) fn narrow(&mut self, id: NodeId) -> Result<Value, Refusal> {
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

    /// `y = floor((x + 2^(k-1)) / 2^k)` at the given scale, its remainder looked up. The caller looks up `y`.
    pub(super) fn round(&mut self, name: &str, x: Value, scale: i32) -> Result<Value, Refusal> {
        let (x, divisor) = self.shifted(name, x, scale)?;
        self.divide(name, x, divisor, self.signed(), scale)
    }

    /// What is to be divided by what, a power of two, to bring a value to a scale. A coarser value is shifted up: exact.
    pub(super) fn shifted(&mut self, name: &str, x: Value, scale: i32) -> Result<(TensorId, i64), Refusal> {
        match x.scale - scale {
            shift if shift > WIDEST_SHIFT => {
                Err(format!("a requantisation by {shift} bits, at most {WIDEST_SHIFT} are possible"))
            }
            shift if shift > 0 => Ok((x.tensor, 1 << shift)),
            shift => Ok((self.builder.linear(&format!("{name}.shifted"), &[(power(-shift)?, x.tensor)], 0, scale)?, 1)),
        }
    }

    /// `y = floor((x + floor(d/2)) / d)` in an interval, its remainder looked up. The caller looks up `y`.
    pub(super) fn divide(
        &mut self,
        name: &str,
        x: TensorId,
        d: i64,
        interval: Interval,
        scale: i32,
    ) -> Result<Value, Refusal> {
        let dims = self.builder.dims(x).to_vec();
        let rule = Advice::Round { source: x, divisor: d };
        let y = self.builder.advice(&format!("{name}.rounded"), &dims, rule, interval, scale);
        let remainder = self.builder.linear(&format!("{name}.remainder"), &[(1, x), (-d, y)], d / 2, 0)?;
        if d == 1 {
            self.builder.zero(remainder);
        } else {
            self.builder.remainder(&format!("{name}.remainder"), remainder, d)?;
        }
        Ok(Value { tensor: y, scale, depth: 0 })
    }

    /// A function of each entry.
    pub(super) fn unary(&mut self, id: NodeId) -> Result<Value, Refusal> {
        if self.plan.pools.contains_key(&id) {
            return self.fused_pool(id);
        }
        let Op::Unary(function) = self.graph.op(id).clone() else { return Err("not a function".to_owned()) };
        let operand = self.operand(id, 0)?;
        match function {
            Unary::Neg => {
                let x = self.value(operand)?;
                let tensor = self.builder.linear(&self.name(id), &[(-1, x.tensor)], 0, x.scale)?;
                Ok(Value { tensor, ..x })
            }
            // As fine as if it had been a real number all the time: what follows may be a small part of 1.
            Unary::ToReal => {
                let x = self.value(operand)?;
                let scale = self.plan.scale(id).clamp(0, REAL_BITS);
                let tensor = self.builder.linear(&self.name(id), &[(power(scale)?, x.tensor)], 0, scale)?;
                Ok(Value { tensor, scale, ..x })
            }
            Unary::Wrap { lo, hi } if self.lies_within(operand, lo, hi)? => self.value(operand),
            Unary::Square => {
                let x = self.narrow(operand)?;
                self.product(&self.name(id), x, x)
            }
            _ => {
                if let (Some(&reach), Some(domain)) = (self.plan.saturated.get(&id), Domain::of(&function, self.settings)) {
                    let x = self.value(operand)?;
                    return self.saturated(id, x, &function, domain, reach);
                }
                let y = self.table_input(operand)?;
                self.apply(id, y, function)
            }
        }
    }

    /// Whether the integers of a node's tensor lie in an interval.
    fn lies_within(&mut self, id: NodeId, lo: i64, hi: i64) -> Result<bool, Refusal> {
        let value = self.value(id)?;
        let interval = self.builder.interval(value.tensor);
        Ok(lo <= interval.lo && interval.hi <= hi)
    }

    /// The value of a node rounded for a table, which pins it: no range lookup of its own.
    pub(super) fn table_input(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let value = self.value(id)?;
        let fitted = self.fit(&self.name(id), value, self.plan.scale(id))?;
        if fitted.tensor != value.tensor {
            self.narrow.insert(id, fitted);
        }
        Ok(fitted)
    }

    /// A value as it is if the tables of activations hold it, else rounded to a scale. The caller looks it up in one.
    pub(super) fn fit(&mut self, name: &str, value: Value, scale: i32) -> Result<Value, Refusal> {
        let domain = self.signed();
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        if domain.contains(lo) && domain.contains(hi) { Ok(value) } else { self.round(name, value, scale) }
    }

    /// `o = f(y)` by a lookup of `(y, o)`; for the node `id`.
    pub(super) fn apply(&mut self, id: NodeId, y: Value, function: Unary) -> Result<Value, Refusal> {
        if function == Unary::Relu && self.settings.signs && self.plan.pools.is_empty() {
            return self.relu_by_sign(id, y);
        }
        let (table, scale, interval) = self.function_table(id, y.scale, function)?;
        let dims = self.builder.dims(y.tensor).to_vec();
        let rule = Advice::Table { source: y.tensor, table, column: 1 };
        let tensor = self.builder.advice(&self.name(id), &dims, rule, interval, scale);
        self.builder.lookup(&[y.tensor, tensor], table);
        Ok(Value { tensor, scale, depth: 0 })
    }

    /// `o = s y`, where `s` is the sign bit of `y`: `y + 2^(w-1) = 2^j h + lo`, `lo` and `(h, s)` looked up. No table of
    /// `2^w` rows: for nets with few activations (docs/lowerings.md, section 6).
    fn relu_by_sign(&mut self, id: NodeId, y: Value) -> Result<Value, Refusal> {
        let name = self.name(id);
        let domain = self.signed();
        let shared = self.settings.shared.min(self.settings.bits - 1);
        let dims = self.builder.dims(y.tensor).to_vec();
        let raised = self.builder.linear(&format!("{name}.raised"), &[(1, y.tensor)], -domain.lo, y.scale)?;
        let highs = 1i64 << (self.settings.bits - shared);
        let high = self.builder.limb(&name, raised, 1 << shared, highs)?;
        let column = (0..highs).map(|h| i64::from(2 * h >= highs)).collect();
        let table = self.builder.data_table(&format!("sign of {} bits", self.settings.bits - shared), 0, vec![column]);
        let rule = Advice::Table { source: high, table, column: 1 };
        let sign = self.builder.advice(&format!("{name}.sign"), &dims, rule, Interval::new(0, 1), 0);
        self.builder.lookup(&[high, sign], table);
        let product = self.product(&format!("{name}.product"), Value { tensor: sign, scale: 0, depth: 0 }, y)?;
        let tensor = self.builder.copy(&name, product.tensor);
        Ok(Value { tensor, scale: y.scale, depth: 0 })
    }

    /// The table of a function whose input has scale `from`: the table, the output's scale and interval.
    fn function_table(&mut self, id: NodeId, from: i32, function: Unary) -> Result<(TableId, i32, Interval), Refusal> {
        let domain = self.signed();
        if function == Unary::Relu {
            let rows = 1usize << self.settings.bits;
            return Ok((self.builder.relu_table(domain.lo, rows), from, Interval::new(0, domain.hi)));
        }
        let keeps_grid =
            matches!(function, Unary::LeakyRelu(_) | Unary::Clip { .. } | Unary::Abs | Unary::ThresholdedRelu(_));
        let to = if keeps_grid { from.min(self.plan.scale(id)) } else { self.plan.scale(id) };
        let entry = |x: i64| to_integer(function.eval(to_real(x, from)), to);
        let fits = |x: i64| entry(x).abs() < ENTRY;
        let operand = self.operand(id, 0)?;
        let range = self.calibration.range(operand);
        // The table begins where the function does, around the middle of what it meets.
        let lo = self.decisions.next(domain.lo..=domain.hi + 1, || {
            let middle = (((range.lo + range.hi) / 2.0) * f64::from(from).exp2()) as i64;
            let seed = [middle.clamp(domain.lo, domain.hi), 0, 1, -1].into_iter().find(|&x| fits(x));
            seed.map_or(domain.hi + 1, |seed| (domain.lo..=seed).rev().take_while(|&x| fits(x)).last().unwrap_or(seed))
        })?;
        let hi =
            (lo..=domain.hi).take_while(|&x| fits(x)).last().ok_or("the function has no value in the calibrated range")?;
        let column: Vec<i64> = (lo..=hi).map(|x| entry(x) as i64).collect();
        let bounds = (column.iter().copied().min().unwrap_or(0), column.iter().copied().max().unwrap_or(0));
        let name = format!("{} at scale {from}", function.name());
        Ok((self.builder.data_table(&name, lo, vec![column]), to, Interval::new(bounds.0, bounds.1)))
    }
}
