//! Sums and products of tensors of one shape (docs/lowerings.md, section 8).

use ndarray::ArrayD;
use zktorch_blocks::program::TensorId;

use super::builder::Refusal;
use super::product::largest;
use super::{Lowering, Value};
use crate::graph::{NodeId, Op, Unary};
use crate::quantise::{scale_for, to_integer};

/// Bits of a bias; a wider one is committed at a coarser scale and shifted.
const BIAS_BITS: i32 = 30;

/// Scale of a slope, at most: an expression has the other branch at this scale too.
const SLOPE_BITS: i32 = 30;

/// No constant of an expression exceeds this.
const LARGEST: f64 = (1u64 << 62) as f64;

impl Lowering<'_> {
    pub(super) fn add(&mut self, id: NodeId) -> Result<Value, Refusal> {
        self.sum(id, 1)
    }

    pub(super) fn sub(&mut self, id: NodeId) -> Result<Value, Refusal> {
        self.sum(id, -1)
    }

    /// `a + sign b`, at the finer of the two scales.
    fn sum(&mut self, id: NodeId, sign: i64) -> Result<Value, Refusal> {
        let (a, b) = (self.operand(id, 0)?, self.operand(id, 1)?);
        let name = self.name(id);
        if let Some(bias) = self.constant(b) {
            let x = self.value(a)?;
            return self.add_constant(&name, (1, x), (sign, &bias), self.exact(id));
        }
        if let Some(bias) = self.constant(a) {
            let x = self.value(b)?;
            return self.add_constant(&name, (sign, x), (1, &bias), self.exact(id));
        }
        let (a, b) = (self.value(a)?, self.value(b)?);
        let scale = a.scale.max(b.scale);
        let (ca, cb) = (power(scale - a.scale)?, power(scale - b.scale)?);
        let tensor = self.builder.linear(&name, &[(ca, a.tensor), (sign * cb, b.tensor)], 0, scale)?;
        Ok(Value { tensor, scale, depth: a.depth.max(b.depth) })
    }

    /// Whether a node's entries are integers: these are at scale 0, whatever becomes of them.
    pub(super) fn exact(&self, id: NodeId) -> bool {
        self.graph.domain(id).is_exact()
    }

    /// `sign_x x + sign_c c` for a constant that broadcasts to the shape of `x`; integers if `exact`.
    pub(super) fn add_constant(
        &mut self,
        name: &str,
        (sign_x, x): (i64, Value),
        (sign_c, constant): (i64, &ArrayD<f64>),
        exact: bool,
    ) -> Result<Value, Refusal> {
        let largest = constant.iter().fold(0f64, |m, v| m.max(v.abs()));
        // A narrow sum gets the constant's precision by a finer scale.
        let scale = match exact {
            true => x.scale,
            false => self.decisions.scale(|| x.scale.max(scale_for(largest, 255.0).min(x.scale + 8)))?,
        };
        let factor = power(scale - x.scale)?;
        if constant.len() == 1 {
            let value = constant.iter().next().map_or(0.0, |&v| to_integer(v, scale));
            // Whatever is larger is refused with the expression.
            let value = value.clamp(-LARGEST, LARGEST);
            let tensor = self.builder.linear(name, &[(sign_x * factor, x.tensor)], sign_c * value as i64, scale)?;
            return Ok(Value { tensor, scale, ..x });
        }
        let coarse = match exact {
            true => scale,
            false => self.decisions.scale(|| scale.min(scale_for(largest, f64::from(BIAS_BITS).exp2())))?,
        };
        let dims = self.builder.dims(x.tensor).to_vec();
        let bias = self.weight_squeezed(&format!("{name}.bias"), constant, coarse)?;
        let kept = kept_axes(constant, dims.len());
        let bias = self.broadcast_axes(&format!("{name}.broadcast"), bias, &kept, &dims);
        let terms = [(sign_x * factor, x.tensor), (sign_c * power(scale - coarse)?, bias)];
        let tensor = self.builder.linear(name, &terms, 0, scale)?;
        Ok(Value { tensor, scale, ..x })
    }

    /// A weight without its axes of extent 1.
    fn weight_squeezed(&mut self, name: &str, array: &ArrayD<f64>, scale: i32) -> Result<TensorId, Refusal> {
        let dims: Vec<usize> = array.shape().iter().copied().filter(|&d| d > 1).collect();
        self.weight(name, &dims, array, scale)
    }

    pub(super) fn mul(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (self.operand(id, 0)?, self.operand(id, 1)?);
        let name = self.name(id);
        for (x, c) in [(a, b), (b, a)] {
            if let Some(constant) = self.constant(c) {
                return self.mul_constant(id, x, &constant);
            }
        }
        let (a, b) = (self.narrow(a)?, self.narrow(b)?);
        self.product(&name, a, b)
    }

    /// Division by a constant; a tensor is inverted by a table first.
    pub(super) fn div(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let (a, b) = (self.operand(id, 0)?, self.operand(id, 1)?);
        match self.constant(b) {
            Some(constant) if constant.iter().all(|&v| v != 0.0) => self.mul_constant(id, a, &constant.mapv(|v| 1.0 / v)),
            Some(_) => Err("division by a constant 0".to_owned()),
            None => Err("division of two tensors is not supported yet; expected a constant divisor".to_owned()),
        }
    }

    /// `x c` for a constant that broadcasts to the shape of `x`.
    fn mul_constant(&mut self, id: NodeId, x: NodeId, constant: &ArrayD<f64>) -> Result<Value, Refusal> {
        let name = self.name(id);
        let largest = constant.iter().fold(0f64, |m, v| m.max(v.abs()));
        if constant.len() == 1 {
            let value = self.value(x)?;
            let factor = constant.iter().next().copied().unwrap_or(0.0);
            if self.exact(id) {
                let tensor = self.builder.linear(&name, &[(factor as i64, value.tensor)], 0, value.scale)?;
                return Ok(Value { tensor, ..value });
            }
            if largest > 0.0 && largest.log2().fract() == 0.0 && factor > 0.0 {
                return Ok(Value { scale: value.scale - largest.log2() as i32, ..value });
            }
            let bits = scale_for(largest, 32767.0);
            let scale = value.scale + bits;
            let factor = to_integer(factor, bits) as i64;
            let tensor = self.builder.linear(&name, &[(factor, value.tensor)], 0, scale)?;
            return Ok(Value { tensor, scale, ..value });
        }
        let value = self.narrow(x)?;
        let scale = self.weight_scale(id, value.scale, largest)?;
        let weight = self.weight_squeezed(&format!("{name}.factor"), constant, scale)?;
        let dims = self.builder.dims(value.tensor).to_vec();
        let kept = kept_axes(constant, dims.len());
        let all: Vec<u8> = (0..dims.len() as u8).collect();
        let labels: Vec<u8> = kept.iter().map(|&a| a as u8).collect();
        let tensor = self.builder.einsum(&name, (weight, &labels), (value.tensor, &all), &all)?;
        Ok(Value { tensor, scale: value.scale + scale, depth: value.depth + 1 })
    }

    /// Columns times powers of two, which are public: exact.
    pub(super) fn column_scale(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::ColumnScale(exponents) = self.graph.op(id).clone() else {
            return Err("not a scaling of columns".to_owned());
        };
        let (operand, name) = (self.operand(id, 0)?, self.name(id));
        let x = self.narrow(operand)?;
        let least = exponents.iter().copied().min().unwrap_or(0);
        let powers = exponents.iter().map(|e| power(e - least)).collect::<Result<Vec<i64>, _>>()?;
        let factors = self.builder.constant(&format!("{name}.columns"), &[powers.len()], powers);
        let all: Vec<u8> = (0..self.builder.dims(x.tensor).len() as u8).collect();
        let last = &all[all.len().saturating_sub(1)..];
        let tensor = self.builder.einsum(&name, (factors, last), (x.tensor, &all), &all)?;
        let scale = x.scale - least;
        self.builder.set_scale(tensor, scale);
        Ok(Value { tensor, scale, depth: x.depth + 1 })
    }

    /// The entrywise product of two tensors of one shape.
    pub(super) fn product(&mut self, name: &str, a: Value, b: Value) -> Result<Value, Refusal> {
        let labels: Vec<u8> = (0..self.builder.dims(a.tensor).len() as u8).collect();
        let tensor = self.builder.einsum(name, (a.tensor, &labels), (b.tensor, &labels), &labels)?;
        Ok(Value { tensor, scale: a.scale + b.scale, depth: a.depth.max(b.depth) + 1 })
    }

    pub(super) fn max(&mut self, id: NodeId) -> Result<Value, Refusal> {
        self.extremum(id, 1)
    }

    pub(super) fn min(&mut self, id: NodeId) -> Result<Value, Refusal> {
        self.extremum(id, -1)
    }

    /// `max(a, b) = a + relu(b - a)`, `min(a, b) = a - relu(a - b)`.
    fn extremum(&mut self, id: NodeId, sign: i64) -> Result<Value, Refusal> {
        let name = self.name(id);
        let (a, b) = (self.operand(id, 0)?, self.operand(id, 1)?);
        // The difference may be far wider than the result.
        let (ra, rb) = (self.calibration.range(a), self.calibration.range(b));
        let spread = (ra.hi - rb.lo).max(rb.hi - ra.lo) * self.calibration.margin();
        let limit = self.signed().hi as f64;
        let widest = match self.exact(id) {
            true => 0,
            false => self.decisions.scale(|| scale_for(spread, limit))?,
        };
        let (a, b) = (self.narrow(a)?, self.narrow(b)?);
        let scale = a.scale.max(b.scale);
        let (ca, cb) = (power(scale - a.scale)?, power(scale - b.scale)?);
        let terms = [(sign * cb, b.tensor), (-sign * ca, a.tensor)];
        let difference = self.builder.linear(&format!("{name}.difference"), &terms, 0, scale)?;
        let difference = Value { tensor: difference, scale, depth: 0 };
        let rounded = self.round(&name, difference, scale.min(widest))?;
        let part = self.apply(id, rounded, Unary::Relu)?;
        let fine = power(scale - part.scale)?;
        let tensor = self.builder.linear(&name, &[(ca, a.tensor), (sign * fine, part.tensor)], 0, scale)?;
        Ok(Value { tensor, scale, depth: a.depth })
    }

    /// `slope x + (1 - slope) relu(x)`.
    pub(super) fn prelu(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let (x, slope) = (self.operand(id, 0)?, self.operand(id, 1)?);
        let slope = self.constant(slope).ok_or("the slope must be a constant")?;
        let name = self.name(id);
        let y = self.table_input(x)?;
        let positive = self.apply(id, y, Unary::Relu)?;
        let negative =
            self.builder.linear(&format!("{name}.negative"), &[(1, y.tensor), (-1, positive.tensor)], 0, y.scale)?;
        // As fine as 16 bits make it: slopes may be far below 1.
        let bits = match self.exact(id) {
            true => 0,
            false => self.decisions.scale(|| scale_for(largest(&slope), 32767.0).clamp(0, SLOPE_BITS))?,
        };
        let weight = self.weight_squeezed(&format!("{name}.slope"), &slope, bits)?;
        let dims = self.builder.dims(y.tensor).to_vec();
        let labels: Vec<u8> = kept_axes(&slope, dims.len()).iter().map(|&a| a as u8).collect();
        let all: Vec<u8> = (0..dims.len() as u8).collect();
        let scaled = self.builder.einsum(&format!("{name}.scaled"), (weight, &labels), (negative, &all), &all)?;
        let scale = y.scale + bits;
        let terms = [(1, scaled), (power(bits)?, positive.tensor)];
        Ok(Value { tensor: self.builder.linear(&name, &terms, 0, scale)?, scale, depth: y.depth + 1 })
    }
}

/// `2^exponent` for `0 <= exponent < 60`.
pub(super) fn power(exponent: i32) -> Result<i64, Refusal> {
    u32::try_from(exponent)
        .ok()
        .filter(|&e| e < 60)
        .map(|e| 1i64 << e)
        .ok_or_else(|| format!("scales of operands lie {exponent} bits apart, expected 0 to 59"))
}

/// The axes of the full shape on which a (right-aligned) constant varies.
fn kept_axes(constant: &ArrayD<f64>, rank: usize) -> Vec<usize> {
    let first = rank.saturating_sub(constant.ndim());
    constant.shape().iter().enumerate().filter(|(_, d)| **d > 1).map(|(axis, _)| first + axis).collect()
}
