//! Convolutions and matrix products (docs/lowerings.md, section 9).

use ndarray::ArrayD;
use zktorch_blocks::program::{AxisGroup, GroupMap, TensorId};

use super::builder::Refusal;
use super::layout::{pass, reshape_groups};
use super::{Lowering, Value};
use crate::graph::{NodeId, Op, Window};
use crate::quantise::scale_for;

/// Labels of a convolution.
const BATCH: u8 = 0;
const GROUP: u8 = 1;
const OUT: u8 = 2;
const IN: u8 = 3;
const SPACE: u8 = 10;
const TAP: u8 = 20;
/// First label for the parts of a flattened axis.
const PART: u8 = 100;

/// An operand without its reshape and its labels, the weight and its labels.
type Unflattened = (NodeId, Vec<u8>, ArrayD<f64>, Vec<u8>);

impl Lowering<'_> {
    /// The scale of a weight so that the requantisation behind it drops the usual number of bits, within 8 to 16 (or 20) bits.
    pub(super) fn weight_scale(&mut self, id: NodeId, operand: i32, largest: f64) -> Result<i32, Refusal> {
        if self.exact(id) {
            return Ok(0);
        }
        let (bits, shift, sink) = (self.settings.bits, self.settings.shift, self.plan.sink(self.graph, id));
        self.decisions.scale(|| {
            // Weights of more than 16 bits only where remainders take limbs anyway.
            let widest = scale_for(largest, f64::from(1u32 << (shift.max(16) - 1)) - 1.0);
            match sink {
                Some(sink) => (sink + shift as i32 - operand).clamp(scale_for(largest, 127.0), widest),
                None => scale_for(largest, f64::from(1u32 << bits.max(13)) - 1.0).min(widest),
            }
        })
    }

    pub(super) fn conv(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Conv { window, groups } = self.graph.op(id).clone() else { return Err("not a convolution".to_owned()) };
        let (x, w) = (self.operand(id, 0)?, self.operand(id, 1)?);
        let kernel = self.constant(w).ok_or("the kernel must be a constant")?;
        let x = self.narrow(x)?;
        let name = self.name(id);
        let out = self.graph.shape(id).to_vec();
        let channels = self.builder.dims(x.tensor)[1];
        let (outs, ins) = (out[1] / groups, channels / groups);
        let depthwise = groups > 1 && outs == 1 && ins == 1;

        let (lead, lead_labels, w_lead, w_labels) = match (groups, depthwise) {
            (1, _) => (vec![channels], vec![IN], vec![outs, ins], vec![OUT, IN]),
            (_, true) => (vec![groups], vec![GROUP], vec![groups], vec![GROUP]),
            _ => (vec![groups, ins], vec![GROUP, IN], vec![groups, outs, ins], vec![GROUP, OUT, IN]),
        };
        let (view, mut x_labels) = self.window(&format!("{name}.window"), x.tensor, &lead, &window, &out[2..]);
        x_labels.splice(1..1, lead_labels);
        let taps: Vec<usize> = (0..window.rank()).filter(|&a| window.kernel[a] > 1).collect();
        let w_dims: Vec<usize> = w_lead.into_iter().chain(taps.iter().map(|&a| window.kernel[a])).collect();
        let w_labels: Vec<u8> = w_labels.into_iter().chain(taps.iter().map(|&a| TAP + a as u8)).collect();

        let scale = self.weight_scale(id, x.scale, largest(&kernel))?;
        let kernel = kernel.into_shape_with_order(w_dims).map_err(|e| format!("kernel: {e}"))?;
        let weight = self.weight(&format!("{name}.weight"), kernel.shape(), &kernel, scale)?;
        let mut out_labels = match (groups, depthwise) {
            (1, _) => vec![BATCH, OUT],
            (_, true) => vec![BATCH, GROUP],
            _ => vec![BATCH, GROUP, OUT],
        };
        out_labels.extend((0..window.rank()).map(|a| SPACE + a as u8));
        let mut tensor = self.builder.einsum(&name, (weight, &w_labels), (view, &x_labels), &out_labels)?;
        if self.builder.dims(tensor) != out {
            let groups = reshape_groups(self.builder.dims(tensor), &out);
            tensor = self.builder.view(&format!("{name}.channels"), tensor, &out, groups);
        }
        let value = Value { tensor, scale: x.scale + scale, depth: x.depth + 1 };
        match self.graph.operands(id).get(2) {
            None => Ok(value),
            Some(&bias) => {
                let bias = self.constant(bias).ok_or("the bias must be a constant")?;
                let mut shape = vec![out[1]];
                shape.extend(vec![1; window.rank()]);
                let bias = bias.into_shape_with_order(shape).map_err(|e| format!("bias: {e}"))?;
                self.add_constant(&format!("{name}.biased"), (1, value), (1, &bias), self.exact(id))
            }
        }
    }

    /// `[N, C, H..]` as `[N, lead.., oh, kh..]`, and the labels of all but the leading channel axes. Taps of extent 1
    /// are left out; without any window the tensor itself.
    fn window(
        &mut self,
        name: &str,
        x: TensorId,
        lead: &[usize],
        window: &Window,
        spatial: &[usize],
    ) -> (TensorId, Vec<u8>) {
        let source = self.builder.dims(x).to_vec();
        let mut dims = vec![source[0]];
        dims.extend(lead);
        let channels = AxisGroup { out_axes: (1..dims.len()).collect(), source_axes: vec![1], map: GroupMap::Reshape };
        let mut groups = vec![pass(0, 0), channels];
        let mut labels = vec![BATCH];
        let mut moved = lead.len() > 1;
        for (axis, &extent) in spatial.iter().enumerate() {
            let mut group = AxisGroup { out_axes: vec![dims.len()], source_axes: vec![2 + axis], map: GroupMap::Reshape };
            dims.push(extent);
            labels.push(SPACE + axis as u8);
            let (stride, offset) = (window.strides[axis] as i64, -(window.pads_begin[axis] as i64));
            let mut strides = vec![stride];
            if window.kernel[axis] > 1 {
                group.out_axes.push(dims.len());
                dims.push(window.kernel[axis]);
                labels.push(TAP + axis as u8);
                strides.push(window.dilations[axis] as i64);
            }
            if strides != [1] || offset != 0 || source[2 + axis] != extent {
                group.map = GroupMap::Affine { strides, offset };
                moved = true;
            }
            groups.push(group);
        }
        if moved { (self.builder.view(name, x, &dims, groups), labels) } else { (x, labels) }
    }

    pub(super) fn einsum(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Einsum { lhs, rhs, out } = self.graph.op(id).clone() else { return Err("not an einsum".to_owned()) };
        for (own, other) in [(&lhs, &rhs), (&rhs, &lhs)] {
            if let Some(label) = own.iter().find(|l| !other.contains(l) && !out.contains(l)) {
                return Err(format!("label {label} occurs in one operand alone and not in the result"));
            }
        }
        let (a, b) = (self.operand(id, 0)?, self.operand(id, 1)?);
        match (self.is_constant(a), self.is_constant(b)) {
            (_, true) => self.einsum_constant(id, (a, lhs), (b, rhs), &out),
            (true, false) => self.einsum_constant(id, (b, rhs), (a, lhs), &out),
            (false, false) => {
                let (x, y) = (self.narrow(a)?, self.narrow(b)?);
                let tensor = self.builder.einsum(&self.name(id), (x.tensor, &lhs), (y.tensor, &rhs), &out)?;
                Ok(Value { tensor, scale: x.scale + y.scale, depth: x.depth.max(y.depth) + 1 })
            }
        }
    }

    /// A product with a weight. Where the other operand is a reshape that flattens contracted axes, the weight is
    /// unflattened instead: the reshape costs nothing then.
    fn einsum_constant(
        &mut self,
        id: NodeId,
        (x, x_labels): (NodeId, Vec<u8>),
        (w, w_labels): (NodeId, Vec<u8>),
        out: &[u8],
    ) -> Result<Value, Refusal> {
        let weight = self.constant(w).ok_or("the weight must be a constant")?;
        let shape = self.graph.shape(w).to_vec();
        let weight = weight.broadcast(shape).ok_or("the weight does not broadcast")?.to_owned();
        let plain = (x, x_labels.clone(), weight.clone(), w_labels.clone());
        let (x, x_labels, weight, w_labels) = self.unflatten(x, &x_labels, &weight, &w_labels, out).unwrap_or(plain);
        let x = self.narrow(x)?;
        let name = self.name(id);
        let scale = self.weight_scale(id, x.scale, largest(&weight))?;
        let weight = self.weight(&format!("{name}.weight"), weight.shape(), &weight, scale)?;
        let tensor = self.builder.einsum(&name, (weight, &w_labels), (x.tensor, &x_labels), out)?;
        Ok(Value { tensor, scale: x.scale + scale, depth: x.depth + 1 })
    }

    /// Looks through a reshape of `x` by splitting the weight's contracted axes.
    fn unflatten(
        &self,
        x: NodeId,
        x_labels: &[u8],
        weight: &ArrayD<f64>,
        w_labels: &[u8],
        out: &[u8],
    ) -> Option<Unflattened> {
        matches!(self.graph.op(x), Op::Reshape).then_some(())?;
        let source = self.operand(x, 0).ok()?;
        let from = self.graph.shape(source);
        let mut labels = vec![0u8; from.len()];
        let mut parts: Vec<(u8, Vec<u8>, Vec<usize>)> = Vec::new();
        let mut next = PART;
        for group in reshape_groups(from, self.graph.shape(x)) {
            let dims: Vec<usize> = group.source_axes.iter().map(|&a| from[a]).collect();
            let fresh: Vec<u8> = dims
                .iter()
                .map(|_| {
                    next += 1;
                    next
                })
                .collect();
            match (&group.out_axes[..], &group.source_axes[..]) {
                ([o], [s]) => labels[*s] = x_labels[*o],
                ([o], sources) if w_labels.contains(&x_labels[*o]) && !out.contains(&x_labels[*o]) => {
                    sources.iter().zip(&fresh).for_each(|(&s, &l)| labels[s] = l);
                    parts.push((x_labels[*o], fresh, dims));
                }
                ([], [s]) => {
                    labels[*s] = fresh[0];
                    parts.push((u8::MAX, fresh, dims));
                }
                _ => return None,
            }
        }
        let (mut w_dims, mut new_labels) = (Vec::new(), Vec::new());
        for (&label, &extent) in w_labels.iter().zip(weight.shape()) {
            match parts.iter().find(|(l, ..)| *l == label) {
                Some((_, fresh, dims)) => {
                    w_dims.extend(dims);
                    new_labels.extend(fresh);
                }
                None => {
                    w_dims.push(extent);
                    new_labels.push(label);
                }
            }
        }
        // Unit axes that the reshape dropped are contracted with unit axes of the weight.
        for (_, fresh, dims) in parts.iter().filter(|(l, ..)| *l == u8::MAX) {
            w_dims.extend(dims);
            new_labels.extend(fresh);
        }
        let weight = weight.clone().into_shape_with_order(w_dims).ok()?;
        Some((source, labels, weight, new_labels))
    }
}

/// The largest magnitude of an array's entries.
pub(super) fn largest(array: &ArrayD<f64>) -> f64 {
    array.iter().fold(0f64, |m, v| m.max(v.abs()))
}
