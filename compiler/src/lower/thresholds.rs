//! Comparisons with weights that are exact on the grid of what is compared (docs/lowerings.md, section 25).

use zktorch_blocks::program::{Interval, Scale, TensorId};

use super::{Lowering, Refusal, Value, Weight, kept_axes};
use crate::graph::NodeId;
use crate::ops::Comparison;

/// Bits of a threshold, at most.
const WIDEST: u32 = 40;

impl Lowering<'_> {
    /// The comparison of a node with a constant, which may be its first operand (`swapped`). `x <= t` is `x <= floor(t)` on the grid of `x`,
    /// and `x < t` is `x <= ceil(t) - 1`: whatever `x` is on its grid, the comparison is that of the real numbers.
    pub(crate) fn against(
        &mut self,
        id: NodeId,
        x: NodeId,
        thresholds: &Weight,
        (comparison, swapped): (Comparison, bool),
    ) -> Result<Value, Refusal> {
        let name = self.name(id);
        let value = self.unrounded(x)?;
        let Interval { lo, hi } = self.builder.interval(value.tensor);
        if Interval::new(lo, hi).bits() > WIDEST {
            return Err(Refusal::Width(format!("a comparison with numbers of more than {WIDEST} bits")));
        }
        // The largest integer that is below, or the first that is above. One beyond either end of the interval is as good as any.
        let (strict, up) = match (comparison, swapped) {
            (Comparison::Equal, _) => return self.equals(&name, value, thresholds),
            (Comparison::Less, false) => (true, false),
            (Comparison::LessEqual, false) => (false, false),
            (Comparison::Less, true) => (true, true),
            (Comparison::LessEqual, true) => (false, true),
        };
        let units = value.scale.units();
        let onto = move |t: f64| {
            let scaled = t * units;
            let integer = match (up, strict) {
                (false, false) => scaled.floor(),
                (false, true) => scaled.ceil() - 1.0,
                (true, false) => scaled.ceil(),
                (true, true) => scaled.floor() + 1.0,
            };
            integer.clamp(lo as f64 - 1.0, hi as f64 + 1.0)
        };
        let threshold = self.threshold(&name, value, &thresholds.mapped(|t| onto(t) / units))?;
        let sign = if up { -1 } else { 1 };
        let gap = self.builder.linear(&format!("{name}.gap"), &[(sign, threshold), (-sign, value.tensor)], 0, Scale(0))?;
        Ok(Value { tensor: self.nonnegative(&name, gap)?, scale: Scale(0), depth: 0 })
    }

    /// `[x = t]`: a number that is not on the grid of `x` is no `x`.
    fn equals(&mut self, name: &str, x: Value, thresholds: &Weight) -> Result<Value, Refusal> {
        let Interval { lo, hi } = self.builder.interval(x.tensor);
        let units = x.scale.units();
        let onto = move |t: f64| {
            let scaled = t * units;
            let there = scaled.fract() == 0.0 && scaled >= lo as f64 && scaled <= hi as f64;
            if there { scaled } else { hi as f64 + 1.0 }
        };
        let number = self.threshold(name, x, &thresholds.mapped(|t| onto(t) / units))?;
        let gap = self.builder.linear(&format!("{name}.gap"), &[(1, number), (-1, x.tensor)], 0, Scale(0))?;
        Ok(Value { tensor: self.vanishes(name, gap)?, scale: Scale(0), depth: 1 })
    }

    /// Thresholds on a grid, of the shape of what is compared with them.
    fn threshold(&mut self, name: &str, x: Value, thresholds: &Weight) -> Result<TensorId, Refusal> {
        let dims = self.builder.dims(x.tensor).to_vec();
        let weight = self.weight_squeezed(&format!("{name}.thresholds"), thresholds, x.scale)?;
        let kept = kept_axes(thresholds.shape(), dims.len());
        Ok(self.broadcast_axes(&format!("{name}.threshold"), weight, &kept, &dims))
    }
}
