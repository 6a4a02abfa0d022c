//! Sums and products with constants, which are weights (docs/lowerings.md, section 8).

use zktorch_blocks::program::{Scale, TensorId};

use super::{Lowering, Note, Refusal, Value, Weight, power};
use crate::graph::NodeId;
use crate::ops::Label;
use crate::quantise::{scale_for, to_integer};

/// Bits of a bias; a wider one is committed at a coarser scale and shifted.
const BIAS_BITS: i32 = 30;

/// No constant of an expression exceeds this.
const LARGEST: f64 = (1u64 << 62) as f64;

impl Lowering<'_> {
    /// Whether a node's entries are integers: these are at scale 0, whatever becomes of them.
    pub(crate) fn exact(&self, id: NodeId) -> bool {
        self.graph.domain(id).is_exact()
    }

    /// `sign_x x + sign_c c` for a constant that broadcasts to the shape of `x`; integers if `exact`.
    pub(crate) fn add_constant(
        &mut self,
        name: &str,
        (sign_x, x): (i64, Value),
        (sign_c, constant): (i64, &Weight),
        exact: bool,
    ) -> Result<Value, Refusal> {
        // A narrow sum gets the constant's precision by a finer scale.
        let scale = match exact {
            true => x.scale,
            false => self.decide_scale(Note::SumScale, |withheld| {
                x.scale.max(scale_for(constant.largest(withheld), 255.0).min(x.scale + 8))
            })?,
        };
        let factor = power(scale - x.scale)?;
        if let Some(value) = constant.single() {
            // Whatever is larger is refused with the expression.
            let value = to_integer(value, scale).clamp(-LARGEST, LARGEST);
            let tensor = self.builder.linear(name, &[(sign_x * factor, x.tensor)], sign_c * value as i64, scale)?;
            return Ok(Value { tensor, scale, ..x });
        }
        let coarse = match exact {
            true => scale,
            false => self.decide_scale(Note::BiasScale, |withheld| {
                scale.min(scale_for(constant.largest(withheld), f64::from(BIAS_BITS).exp2()))
            })?,
        };
        let dims = self.builder.dims(x.tensor).to_vec();
        let bias = self.weight_squeezed(&format!("{name}.bias"), constant, coarse)?;
        let kept = kept_axes(constant.shape(), dims.len());
        let bias = self.broadcast_axes(&format!("{name}.broadcast"), bias, &kept, &dims);
        let terms = [(sign_x * factor, x.tensor), (sign_c * power(scale - coarse)?, bias)];
        let tensor = self.builder.linear(name, &terms, 0, scale)?;
        Ok(Value { tensor, scale, ..x })
    }

    /// A weight without its axes of extent 1.
    pub(crate) fn weight_squeezed(&mut self, name: &str, weight: &Weight, scale: Scale) -> Result<TensorId, Refusal> {
        let dims: Vec<usize> = weight.shape().iter().copied().filter(|&d| d > 1).collect();
        self.weight(name, &dims, weight, scale)
    }

    /// `x c` for a constant that broadcasts to the shape of `x`.
    pub(crate) fn mul_constant(&mut self, id: NodeId, x: NodeId, constant: &Weight) -> Result<Value, Refusal> {
        let name = self.name(id);
        if let Some(factor) = constant.single() {
            let value = self.value(x)?;
            let largest = factor.abs();
            if self.exact(id) {
                let tensor = self.builder.linear(&name, &[(factor as i64, value.tensor)], 0, value.scale)?;
                return Ok(Value { tensor, ..value });
            }
            if largest > 0.0 && largest.log2().fract() == 0.0 && factor > 0.0 {
                return Ok(Value { scale: value.scale - largest.log2() as i32, ..value });
            }
            // What is as wide as it comes, such as a rotation, may leave no room for a factor.
            let value = if self.builder.interval(value.tensor).bits() + 15 > 60 { self.narrow(x)? } else { value };
            let bits = scale_for(largest, 32767.0);
            let scale = value.scale + bits;
            let factor = to_integer(factor, bits) as i64;
            let tensor = self.builder.linear(&name, &[(factor, value.tensor)], 0, scale)?;
            return Ok(Value { tensor, scale, ..value });
        }
        let (value, finer) = if self.is_steep(x) { self.factor(x)? } else { (self.narrow(x)?, 0) };
        let scale = self.weight_scale(id, value.scale - finer, constant)?;
        let weight = self.weight_squeezed(&format!("{name}.factor"), constant, scale)?;
        let dims = self.builder.dims(value.tensor).to_vec();
        let kept = kept_axes(constant.shape(), dims.len());
        let all = Label::of(0..dims.len());
        let labels = Label::of(kept.iter().copied());
        let tensor = self.builder.einsum(&name, (weight, &labels), (value.tensor, &all), &all)?;
        Ok(Value { tensor, scale: value.scale + scale, depth: value.depth + 1 })
    }

    /// The entrywise product of two tensors of one shape.
    pub(crate) fn product(&mut self, name: &str, a: Value, b: Value) -> Result<Value, Refusal> {
        let labels = Label::of(0..self.builder.dims(a.tensor).len());
        let tensor = self.builder.einsum(name, (a.tensor, &labels), (b.tensor, &labels), &labels)?;
        Ok(Value { tensor, scale: a.scale + b.scale, depth: a.depth.max(b.depth) + 1 })
    }

    /// The scale of a weight so that the requantisation behind it drops the usual number of bits, within 8 to 16 (or 20) bits.
    pub(crate) fn weight_scale(&mut self, id: NodeId, operand: Scale, weight: &Weight) -> Result<Scale, Refusal> {
        if self.exact(id) {
            return Ok(Scale(0));
        }
        let (bits, shift, sink) = (self.settings.bits, self.settings.shift, self.plan.sink(self.graph, id));
        self.decide_scale(Note::WeightScale, |withheld| {
            let largest = weight.largest(withheld);
            // Weights of more than 16 bits only where remainders take limbs anyway.
            let widest = scale_for(largest, f64::from(1u32 << (shift.max(16) - 1)) - 1.0);
            match sink {
                Some(sink) => Scale(sink + shift as i32 - operand).clamp(scale_for(largest, 127.0), widest),
                None => scale_for(largest, f64::from(1u32 << bits.max(13)) - 1.0).min(widest),
            }
        })
    }
}

/// The axes of the full shape on which a (right-aligned) constant varies.
pub(crate) fn kept_axes(shape: &[usize], rank: usize) -> Vec<usize> {
    let first = rank.saturating_sub(shape.len());
    shape.iter().enumerate().filter(|(_, d)| **d > 1).map(|(axis, _)| first + axis).collect()
}
