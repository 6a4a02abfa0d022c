//! Pools, and the geometry of windows: asymmetric pads, dilations, ceil mode, automatic pads.

use tract_onnx::pb::AttributeProto;

use super::grower::{Grower, Value};
use super::writer::{int, ints, text};

/// Extents as ONNX writes them.
pub fn integers(values: &[usize]) -> Vec<i64> {
    values.iter().map(|&v| v as i64).collect()
}

/// A sliding window.
pub struct Geometry {
    /// Taps per axis.
    pub kernel: Vec<usize>,
    strides: Vec<usize>,
    dilations: Vec<usize>,
    /// Before the first entry of each axis, then after the last.
    pads: Vec<usize>,
    automatic: Option<&'static str>,
    ceil: bool,
}

impl Geometry {
    /// A window for the given extents; its output may be empty.
    pub fn draw(grower: &mut Grower, extents: &[usize], dilated: bool) -> Self {
        let random = &mut grower.random;
        let kernel: Vec<usize> = extents.iter().map(|&extent| random.between(1, extent.min(4))).collect();
        let strides = extents.iter().map(|_| random.pick(&[1, 1, 1, 2, 2, 3])).collect();
        let dilations = extents.iter().map(|_| if dilated && random.chance(0.2) { 2 } else { 1 }).collect();
        let padded = random.chance(0.5);
        let pads = [&kernel[..], &kernel[..]].concat().iter().map(|&k| if padded { random.below(k) } else { 0 }).collect();
        let automatic = random.chance(0.2).then(|| random.pick(&["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]));
        Self { kernel, strides, dilations, pads, automatic, ceil: false }
    }

    /// The output's extents, if no axis is empty.
    pub fn output(&self, extents: &[usize]) -> Option<Vec<usize>> {
        (0..extents.len()).map(|axis| self.extent(axis, extents[axis])).collect()
    }

    fn extent(&self, axis: usize, extent: usize) -> Option<usize> {
        let stride = self.strides[axis];
        if self.automatic.is_some_and(|mode| mode.starts_with("SAME")) {
            return Some(extent.div_ceil(stride));
        }
        let span = self.dilations[axis] * (self.kernel[axis] - 1) + 1;
        let explicit = self.automatic.is_none_or(|mode| mode == "NOTSET");
        let (before, after) = if explicit { (self.pads[axis], self.pads[axis + self.kernel.len()]) } else { (0, 0) };
        let room = (extent + before + after).checked_sub(span)?;
        let positions = if self.ceil { room.div_ceil(stride) } else { room / stride };
        // No window begins in the padding after the last entry.
        let begins_outside = self.ceil && positions * stride >= extent + before;
        Some(positions + usize::from(!begins_outside)).filter(|&extent| extent > 0)
    }

    /// All but the kernel's shape.
    pub fn attributes(&self) -> Vec<AttributeProto> {
        let mut attributes = vec![];
        if self.strides.iter().any(|&s| s != 1) {
            attributes.push(ints("strides", &integers(&self.strides)));
        }
        if self.dilations.iter().any(|&d| d != 1) {
            attributes.push(ints("dilations", &integers(&self.dilations)));
        }
        if let Some(mode) = self.automatic {
            attributes.push(text("auto_pad", mode));
        }
        if self.automatic.is_none_or(|mode| mode == "NOTSET") && self.pads.iter().any(|&p| p > 0) {
            attributes.push(ints("pads", &integers(&self.pads)));
        }
        if self.ceil {
            attributes.push(int("ceil_mode", 1));
        }
        attributes
    }
}

impl Grower {
    /// A pool over all axes after the first two.
    pub fn pool(&mut self, x: &Value) -> Option<Value> {
        if !(3..=5).contains(&x.rank()) {
            return None;
        }
        if self.random.chance(0.2) {
            let op = self.random.pick(&["GlobalAveragePool", "GlobalMaxPool"]);
            let mut out = x.shape.clone();
            out[2..].fill(1);
            return Some(self.apply(op, &[&x.name], vec![], &out, x.size));
        }
        let maximum = self.random.chance(0.5);
        let dilated = if maximum { self.opset() >= 10 } else { self.opset() >= 19 };
        let mut geometry = Geometry::draw(self, &x.shape[2..], dilated);
        geometry.ceil = self.random.chance(0.3);
        let out = [&x.shape[..2], &geometry.output(&x.shape[2..])?[..]].concat();
        let mut attributes = geometry.attributes();
        attributes.push(ints("kernel_shape", &integers(&geometry.kernel)));
        if !maximum && self.random.chance(0.5) {
            attributes.push(int("count_include_pad", 1));
        }
        let op = if maximum { "MaxPool" } else { "AveragePool" };
        Some(self.apply(op, &[&x.name], attributes, &out, x.size))
    }
}
