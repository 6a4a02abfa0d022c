//! Booleans: conditions, and comparisons of integers (docs/lowerings.md, section 20).

use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value};
use crate::graph::{Domain, NodeId};
use crate::ops::{Op, Unary};

/// Rows of a table of a function of integers, at most.
const ROWS: i64 = 1 << 16;
/// Integers that are compared lie at most so far apart, in bits.
const FARTHEST: u64 = 1 << 48;

/// Bits of what is chosen or ordered by bits, at most.
const WIDEST: u32 = 40;

/// 0 and 1.
const BITS: Interval = Interval { lo: 0, hi: 1 };

impl Lowering<'_> {
    /// The value of a boolean node: what is not constant is 0 or 1 by other relations.
    pub(crate) fn condition(&mut self, id: NodeId) -> Result<Value, Refusal> {
        if self.graph.domain(id).range() != Some((BITS.lo, BITS.hi)) {
            return Err("a condition that is not a boolean".into());
        }
        let Some(constant) = self.constant(id) else { return self.value(id) };
        if let Some(value) = self.values.get(&id) {
            return Ok(*value);
        }
        let (name, dims) = (self.name(id), self.graph.shape(id).to_vec());
        let tensor = match constant.single() {
            Some(bit) => self.builder.fill(&name, &dims, i64::from(bit != 0.0)),
            // What masks scores is part of the architecture, other entries may be weights.
            None if self.graph.masks(id) => {
                let mask = constant.broadcast(&dims).ok_or("a constant does not broadcast")?.mask();
                self.builder.constant(&name, &dims, mask)
            }
            None => {
                let weight = self.value(id)?.tensor;
                self.builder.within(&format!("{name}.range"), weight, BITS)?;
                weight
            }
        };
        let value = Value { tensor, scale: Scale(0), depth: 0 };
        self.values.insert(id, value);
        Ok(value)
    }

    /// Two factors of which one is bits, perhaps cast to numbers: these add no bits to the other, which stays as it comes where it has room.
    pub(crate) fn beside_bits(&mut self, a: NodeId, b: NodeId) -> Result<Option<(Value, Value)>, Refusal> {
        let Some((bits, other)) = self.bits(a).map(|bits| (bits, b)).or_else(|| self.bits(b).map(|bits| (bits, a))) else {
            return Ok(None);
        };
        let swapped = self.bits(a).is_none();
        let (bits, value) = (self.condition(bits)?, self.unrounded(other)?);
        Ok(Some(if swapped { (value, bits) } else { (bits, value) }))
    }

    /// The value of a node as it comes, where bits that choose of it or order it have room.
    pub(crate) fn unrounded(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let value = self.value(id)?;
        if self.builder.interval(value.tensor).bits() <= WIDEST { Ok(value) } else { self.narrow(id) }
    }

    /// The booleans that a node is, or that it is a cast of.
    fn bits(&self, id: NodeId) -> Option<NodeId> {
        let behind = match self.graph.op(id) {
            Op::Unary(Unary::ToReal) => *self.graph.operands(id).first()?,
            _ => id,
        };
        (self.graph.domain(behind) == Domain::Boolean && !self.is_constant(behind)).then_some(behind)
    }

    /// `[x >= 0]` of integers: `x + W = W s + l` with `s` a bit and `l` in `[0, W)`.
    pub(crate) fn nonnegative(&mut self, name: &str, x: TensorId) -> Result<TensorId, Refusal> {
        let Interval { lo, hi } = self.builder.interval(x);
        self.sign_within(name, x, lo.unsigned_abs().max(hi.unsigned_abs().saturating_add(1)) as i64)
    }

    /// The same of integers in `[-reach, reach)`, whatever their interval says: others have no proof.
    pub(crate) fn sign_within(&mut self, name: &str, x: TensorId, reach: i64) -> Result<TensorId, Refusal> {
        let reach = reach.unsigned_abs();
        if reach > FARTHEST {
            return Err(Refusal::Width(format!("a comparison of integers that lie {reach} apart")));
        }
        let reach = reach.next_power_of_two().max(1 << self.settings.shared) as i64;
        let dims = self.builder.dims(x).to_vec();
        let raised = self.builder.linear(&format!("{name}.raised"), &[(1, x)], reach, Scale(0))?;
        let rule = Advice::Floor { source: raised, divisor: reach };
        let sign = self.builder.advice(&format!("{name}.sign"), &dims, rule, BITS, Scale(0));
        let low = self.builder.linear(&format!("{name}.low"), &[(1, raised), (-reach, sign)], 0, Scale(0))?;
        self.builder.within(&format!("{name}.low"), low, Interval::new(0, reach - 1))?;
        self.builder.within(&format!("{name}.sign"), sign, BITS)?;
        Ok(sign)
    }

    /// The integer of an interval that a node's is modulo their number: what division down leaves.
    pub(crate) fn wrapped(&mut self, id: NodeId, x: NodeId, lo: i64, hi: i64) -> Result<Value, Refusal> {
        let (name, x) = (self.name(id), self.value(x)?);
        let part = |suffix: &str| format!("{name}.{suffix}");
        let (count, dims) = (hi - lo + 1, self.builder.dims(x.tensor).to_vec());
        let raised = self.builder.linear(&part("raised"), &[(1, x.tensor)], -lo, Scale(0))?;
        let Interval { lo: least, hi: most } = self.builder.interval(raised);
        let [least, most] = [least, most].map(|end| end.div_euclid(count));
        let rule = Advice::Floor { source: raised, divisor: count };
        let rounds = self.builder.advice(&part("rounds"), &dims, rule, Interval::new(least, most), Scale(0));
        self.builder.loose_range(&part("rounds"), rounds, least, most - least + 1)?;
        let left = self.builder.linear(&part("left"), &[(1, raised), (-count, rounds)], lo, Scale(0))?;
        let tensor = self.builder.copy_within(&name, left, Interval::new(lo, hi));
        self.builder.within(&part("left"), tensor, Interval::new(lo, hi))?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }

    /// `[x = 0]` of integers: neither `x < 0` nor `x > 0`.
    pub(crate) fn vanishes(&mut self, name: &str, x: TensorId) -> Result<TensorId, Refusal> {
        let least = self.nonnegative(&format!("{name}.least"), x)?;
        let negated = self.builder.linear(&format!("{name}.negated"), &[(-1, x)], 0, Scale(0))?;
        let most = self.nonnegative(&format!("{name}.most"), negated)?;
        let [least, most] = [least, most].map(|tensor| Value { tensor, scale: Scale(0), depth: 0 });
        Ok(self.product(name, least, most)?.tensor)
    }

    /// Requires integers from 0 to below a bound: in one table, or from both ends.
    pub(crate) fn below(&mut self, name: &str, x: TensorId, bound: i64) -> Result<(), Refusal> {
        if bound <= ROWS {
            return self.builder.within(&format!("{name}.range"), x, Interval::new(0, bound - 1));
        }
        let rest = self.builder.linear(&format!("{name}.rest"), &[(-1, x)], bound - 1, Scale(0))?;
        self.builder.loose_range(&format!("{name}.range"), x, 0, bound)?;
        self.builder.loose_range(&format!("{name}.rest"), rest, 0, bound)
    }

    /// `1 - x` of booleans.
    pub(crate) fn negated(&mut self, name: &str, x: Value) -> Result<Value, Refusal> {
        let tensor = self.builder.linear(name, &[(-1, x.tensor)], 1, Scale(0))?;
        Ok(Value { tensor, ..x })
    }

    /// `a` or `b` holds: `1 - (1 - a) (1 - b)`, which is a boolean by its operands' intervals too.
    pub(crate) fn either(&mut self, name: &str, a: Value, b: Value) -> Result<Value, Refusal> {
        let a = self.negated(&format!("{name}.first"), a)?;
        let b = self.negated(&format!("{name}.second"), b)?;
        let neither = self.product(&format!("{name}.neither"), a, b)?;
        self.negated(name, neither)
    }

    /// Whether a node's integers are few enough for a table of all of them.
    pub(crate) fn has_table(&mut self, id: NodeId) -> Result<bool, Refusal> {
        if !self.exact(id) {
            return Ok(false);
        }
        let value = self.value(id)?;
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        Ok(hi.saturating_sub(lo) < ROWS)
    }

    /// A node's integers, or the bound that they lie beyond: `lo + [x >= lo] (x - lo)`, and so from above.
    pub(crate) fn held(&mut self, id: NodeId, x: NodeId, bounds: [f64; 2]) -> Result<Value, Refusal> {
        let (name, mut value) = (self.name(id), self.value(x)?);
        for (bound, side, part) in [(bounds[0], 1, "lower"), (bounds[1], -1, "upper")] {
            if !bound.is_finite() {
                continue;
            }
            let (bound, part) = (bound as i64, format!("{name}.{part}"));
            let within = self.builder.linear(&format!("{part}.gap"), &[(side, value.tensor)], -side * bound, Scale(0))?;
            let sign = Value { tensor: self.nonnegative(&part, within)?, scale: Scale(0), depth: 0 };
            let product = self.product(&format!("{part}.product"), sign, Value { tensor: within, ..value })?;
            let tensor = self.builder.linear(&part, &[(side, product.tensor)], bound, Scale(0))?;
            value = Value { tensor, ..product };
        }
        Ok(value)
    }

    /// `[x != 0]` of a node's integers.
    pub(crate) fn differs_from_zero(&mut self, id: NodeId, x: NodeId) -> Result<Value, Refusal> {
        let (name, x) = (self.name(id), self.value(x)?);
        let zero = self.vanishes(&format!("{name}.zero"), x.tensor)?;
        self.negated(&name, Value { tensor: zero, scale: Scale(0), depth: 1 })
    }
}
