//! Two tensors as integers of one scale, and how far they lie apart (docs/lowerings.md, section 20).

use zktorch_blocks::program::{Scale, TensorId};

use super::{Lowering, Refusal, Value, power};
use crate::graph::NodeId;
use crate::quantise::{scale_for, to_integer};

/// What a constant of one number has at its own scale.
const LARGEST: f64 = 32767.0;
/// Bits of what is compared or divided, at most.
const WIDEST: u32 = 46;

impl Lowering<'_> {
    /// What is at least 0 where `a <= b` of two nodes, or `a < b`: exactly of their integers, and of constants as they are.
    pub(crate) fn gap(&mut self, name: &str, a: NodeId, b: NodeId, strict: bool) -> Result<TensorId, Refusal> {
        let less = i64::from(strict);
        for (x, constant, sign) in [(a, b, -1), (b, a, 1)] {
            let Some(constant) = self.constant(constant) else { continue };
            // `x <= c` of integers is that of the largest integer below `c`, and `x < c` that of the smallest above it, less 1.
            let x = self.comparable(x)?;
            let interval = self.builder.interval(x.tensor);
            let bound = constant.bounds(x.scale, strict == (sign < 0), (sign * less) as f64, interval);
            return Ok(self.add_constant(name, (sign, x), (-sign, &bound), true)?.tensor);
        }
        let (x, y, scale) = self.aligned(name, a, b)?;
        self.builder.linear(name, &[(1, y), (-1, x)], -less, scale)
    }

    /// The integers of two nodes of one shape at the finer of their scales, exactly, and that scale. What has too many bits for that is
    /// narrow.
    pub(crate) fn aligned(&mut self, name: &str, a: NodeId, b: NodeId) -> Result<(TensorId, TensorId, Scale), Refusal> {
        let mut pair = [self.plain(a)?, self.plain(b)?];
        let scale = pair[0].scale.max(pair[1].scale);
        let wide = |at: &Self, x: Value| at.builder.interval(x.tensor).bits() as i32 + (scale - x.scale) > WIDEST as i32;
        if wide(self, pair[0]) || wide(self, pair[1]) {
            pair = [self.narrow(a)?, self.narrow(b)?];
        }
        let scale = pair[0].scale.max(pair[1].scale);
        let mut tensors = [pair[0].tensor; 2];
        for ((tensor, x), side) in tensors.iter_mut().zip(pair).zip(["first", "second"]) {
            let factor = power(scale - x.scale)?;
            *tensor = self.builder.linear(&format!("{name}.{side}.aligned"), &[(factor, x.tensor)], 0, scale)?;
        }
        Ok((tensors[0], tensors[1], scale))
    }

    /// Integers as they are; reals as they come, where they have room.
    fn comparable(&mut self, id: NodeId) -> Result<Value, Refusal> {
        if self.exact(id) { self.value(id) } else { self.unrounded(id) }
    }

    /// The value of a node as it comes: of one number a public one.
    fn plain(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Some(number) = self.constant(id).and_then(|constant| constant.single()) else { return self.comparable(id) };
        let scale = if self.exact(id) { Scale(0) } else { finest(number) };
        let dims = self.graph.shape(id).to_vec();
        let tensor = self.builder.fill(&self.name(id), &dims, to_integer(number, scale) as i64);
        Ok(Value { tensor, scale, depth: 0 })
    }
}

/// The coarsest scale at which a number is an integer, or that at which it has 15 bits.
pub(crate) fn finest(number: f64) -> Scale {
    let exact = |scale: Scale| (number * scale.units()).fract() == 0.0;
    let mut finest = scale_for(number.abs(), LARGEST);
    while finest > Scale(0) && exact(finest - 1) {
        finest = finest - 1;
    }
    finest
}
