//! Which shapes an operator admits, where the parser does not ask.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::prelude::*;

use super::check::MOST_AXES;
use super::operators::{self, Kind};
use super::site::to_integers;
use super::sizes::MOST_CONSTANT;

/// An operand: its shape, and its entries if they are known.
pub(super) struct Operand {
    pub shape: Vec<usize>,
    pub value: Option<Arc<Tensor>>,
}

impl Operand {
    pub fn volume(&self) -> usize {
        self.shape.iter().fold(1, |volume, &dim| volume.saturating_mul(dim))
    }

    /// Its entries, if they are known and may be integers.
    fn integers(&self) -> Option<Vec<i64>> {
        to_integers(self.value.as_ref()?).ok()
    }
}

/// A node with its operands, by position.
struct Site<'n> {
    node: &'n NodeProto,
    operands: &'n [Option<Operand>],
}

/// Checks a node's operands. What is not known yet is left to the parser.
pub(super) fn check(node: &NodeProto, operands: &[Option<Operand>], opset: i64) -> Result<(), String> {
    let site = Site { node, operands };
    site.axes()?;
    match node.op_type.as_str() {
        "AveragePool" | "MaxPool" => site.pool(),
        "Conv" => site.conv(),
        "ConstantOfShape" => site.extents(0, 0),
        "Expand" => site.extents(1, 0),
        "Tile" => {
            site.extents(1, 0)?;
            site.as_many(1, site.rank())
        }
        "Reshape" => site.extents(1, -1),
        "OneHot" => site.extents(1, 1),
        "Pad" => site.pad(),
        "Slice" => match site.integers(4) {
            Some(steps) if steps.contains(&0) => Err("a step of 0".to_owned()),
            _ => Ok(()),
        },
        "Split" => site.split(opset),
        "Gather" | "GatherElements" => site.gather(),
        "Range" => site.range(),
        "GroupNormalization" => site.divides("num_groups", 1),
        "DepthToSpace" => site.divides("blocksize", 1),
        "SpaceToDepth" => site.divides("blocksize", 2).and_then(|()| site.divides("blocksize", 3)),
        _ => Ok(()),
    }
}

/// The shape of a `Pad` along some axes, of which the parser finds out those axes only.
pub(super) fn padded(node: &NodeProto, operands: &[Option<Operand>]) -> Option<Vec<usize>> {
    let site = Site { node, operands };
    let (pads, axes) = (site.integers(1)?, site.integers(3)?);
    let mut shape = site.shape().to_vec();
    if node.op_type != "Pad" {
        return None;
    }
    for (n, axis) in axes.iter().enumerate() {
        let axis = if *axis < 0 { axis + shape.len() as i64 } else { *axis };
        let extent = shape.get_mut(usize::try_from(axis).ok()?)?;
        let wider = (*extent as i64).checked_add(*pads.get(n)?)?.checked_add(*pads.get(n + axes.len())?)?;
        *extent = usize::try_from(wider).ok()?;
    }
    Some(shape)
}

impl Site<'_> {
    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    fn list(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    fn operand(&self, position: usize) -> Option<&Operand> {
        self.operands.get(position)?.as_ref()
    }

    fn integers(&self, position: usize) -> Option<Vec<i64>> {
        self.operand(position)?.integers()
    }

    fn shape(&self) -> &[usize] {
        self.operand(0).map_or(&[], |x| &x.shape)
    }

    fn rank(&self) -> usize {
        self.shape().len()
    }

    /// Axes that attributes and operands name.
    fn axes(&self) -> Result<(), String> {
        let Some(operator) = operators::operator(&self.node.domain, &self.node.op_type) else { return Ok(()) };
        let rank = self.rank() as i64;
        let name = self.node.op_type.as_str();
        let of = |name: &str, rank: i64| -> RangeInclusive<i64> {
            match name {
                // A new axis, and the place of a cut.
                "OneHot" => -rank - 1..=rank,
                "Flatten" => -rank..=rank,
                "GatherND" => 0..=rank,
                _ => -rank..=rank - 1,
            }
        };
        // The axis of one scale for all entries does not matter.
        let idle = name == "DequantizeLinear" && self.operand(1).is_some_and(|scale| scale.shape.is_empty());
        for attribute in &self.node.attribute {
            let known = operator.attributes.iter().find(|(known, _, _)| *known == attribute.name);
            match known.map(|(_, kind, _)| kind) {
                Some(Kind::Axis) if !idle && !of(name, rank).contains(&attribute.i) => {
                    return Err(format!("axis {} of {rank}", attribute.i));
                }
                Some(Kind::Axes) => self.distinct(&attribute.ints)?,
                Some(Kind::Permutation) if attribute.ints.len() != self.rank() => {
                    return Err(format!("a permutation of {} axes, of {rank}", attribute.ints.len()));
                }
                _ => {}
            }
        }
        let position = match name {
            "Squeeze" | "Unsqueeze" => 1,
            "Slice" | "Pad" => 3,
            _ if name.starts_with("Reduce") => 1,
            _ => return Ok(()),
        };
        self.integers(position).map_or(Ok(()), |axes| self.distinct(&axes))
    }

    /// Whether axes exist, and none is named twice.
    fn distinct(&self, axes: &[i64]) -> Result<(), String> {
        let new = if self.node.op_type == "Unsqueeze" { axes.len() } else { 0 };
        let rank = (self.rank() + new) as i64;
        let mut seen = [false; 4 * MOST_AXES];
        for &axis in axes {
            if !(-rank..rank).contains(&axis) {
                return Err(format!("axis {axis} of {rank}"));
            }
            let place = if axis < 0 { axis + rank } else { axis };
            let slot = usize::try_from(place).ok().and_then(|n| seen.get_mut(n)).ok_or("too many axes")?;
            if std::mem::replace(slot, true) {
                return Err(format!("the axes {axes:?}, with one of {rank} twice"));
            }
        }
        Ok(())
    }

    /// An operand of extents that are `least` at least.
    fn extents(&self, position: usize, least: i64) -> Result<(), String> {
        let Some(extents) = self.integers(position) else { return Ok(()) };
        // An extent that is to be found out.
        let open = extents.iter().filter(|&&e| e == -1 && least == -1).count();
        match extents.iter().find(|&&e| e < least) {
            Some(extent) => Err(format!("the extents {extents:?}, one of which is {extent}")),
            None if open > 1 => Err(format!("the extents {extents:?}, more than one of which is open")),
            None if extents.len() > MOST_AXES => Err(format!("{} axes", extents.len())),
            None if extents.iter().any(|&e| e > MOST_CONSTANT as i64) => {
                Err(format!("a tensor of the extents {extents:?}, more than {MOST_CONSTANT} entries"))
            }
            None => Ok(()),
        }
    }

    fn as_many(&self, position: usize, count: usize) -> Result<(), String> {
        match self.integers(position) {
            Some(list) if list.len() != count => Err(format!("{} numbers for {count} axes", list.len())),
            _ => Ok(()),
        }
    }

    /// The extents of a window and their padding: spans, and padding before and after.
    fn window(&self, kernel: &[i64]) -> Result<Vec<(i64, i64, i64)>, String> {
        let spatial = self.rank().checked_sub(2).ok_or("expected an operand of shape [N, C, spatial..]")?;
        let ones = vec![1; spatial];
        let zeros = vec![0; 2 * spatial];
        let (strides, dilations) = (self.list("strides").unwrap_or(&ones), self.list("dilations").unwrap_or(&ones));
        let pads = self.list("pads").unwrap_or(&zeros);
        for (what, list, count) in [
            ("kernel_shape", kernel, spatial),
            ("strides", strides, spatial),
            ("dilations", dilations, spatial),
            ("pads", pads, 2 * spatial),
        ] {
            if list.len() != count {
                return Err(format!("its attribute `{what}` is {list:?}, of {spatial} axes"));
            }
        }
        let same = self.attribute("auto_pad").is_some_and(|a| a.s.starts_with(b"SAME"));
        let mut windows = Vec::with_capacity(spatial);
        for axis in 0..spatial {
            let span = dilations[axis] * (kernel[axis] - 1) + 1;
            let (before, after) = (pads[axis], pads[axis + spatial]);
            if !same && span > self.shape()[axis + 2] as i64 + before + after {
                return Err(format!("a window of {span} on an axis of {} entries", self.shape()[axis + 2]));
            }
            windows.push((span, before, after));
        }
        Ok(windows)
    }

    fn pool(&self) -> Result<(), String> {
        let kernel = self.list("kernel_shape").ok_or("its attribute `kernel_shape` is missing")?;
        let wide = |&(_, &(span, before, after)): &(usize, &(i64, i64, i64))| before >= span || after >= span;
        match self.window(kernel)?.iter().enumerate().find(wide) {
            Some((axis, (span, before, after))) => {
                let pads = before.max(after);
                Err(format!(
                    "padding by {pads} on spatial axis {axis}, where a window has {span}: some would lie in it altogether"
                ))
            }
            None => Ok(()),
        }
    }

    fn conv(&self) -> Result<(), String> {
        let Some(weight) = self.operand(1) else { return Err("it has no kernel".to_owned()) };
        if weight.shape.len() != self.rank() || self.rank() < 3 {
            return Err(format!("an operand of shape {:?} and a kernel of shape {:?}", self.shape(), weight.shape));
        }
        let own: Vec<i64> = weight.shape[2..].iter().map(|&extent| extent as i64).collect();
        if let Some(stated) = self.list("kernel_shape").filter(|stated| *stated != own) {
            return Err(format!("its attribute `kernel_shape` is {stated:?}, its kernel's shape {:?}", weight.shape));
        }
        if own.contains(&0) {
            return Err(format!("a kernel of shape {:?}", weight.shape));
        }
        let groups = self.attribute("group").map_or(1, |a| a.i.max(1) as usize);
        let (out, channels) = (weight.shape[0], weight.shape[1]);
        if self.shape()[1] != channels.saturating_mul(groups) || out % groups != 0 {
            return Err(format!("{} channels in {groups} groups for a kernel of shape {:?}", self.shape()[1], weight.shape));
        }
        if let Some(bias) = self.operand(2).filter(|bias| bias.shape != [out]) {
            return Err(format!("a bias of shape {:?} for {out} channels", bias.shape));
        }
        self.window(&own).map(|_| ())
    }

    fn pad(&self) -> Result<(), String> {
        let axes = self.integers(3).map_or(self.rank(), |axes| axes.len());
        let stated = self.list("pads").map(<[i64]>::to_vec);
        let Some(pads) = self.integers(1).or(stated) else { return Ok(()) };
        if pads.len() != 2 * axes {
            return Err(format!("{} pads for {axes} axes", pads.len()));
        }
        if pads.iter().any(|&p| p < 0) {
            return Err(format!("the pads {pads:?}, which are computed: negative ones must be constants"));
        }
        match pads.iter().find(|&&p| p > MOST_CONSTANT as i64) {
            Some(pad) => Err(format!("padding by {pad}")),
            None => Ok(()),
        }
    }

    fn split(&self, opset: i64) -> Result<(), String> {
        let axis = self.attribute("axis").map_or(0, |a| a.i);
        let axis = if axis < 0 { axis + self.rank() as i64 } else { axis };
        let extent = usize::try_from(axis).ok().and_then(|axis| self.shape().get(axis)).ok_or(format!("axis {axis}"))?;
        let parts = self.node.output.len();
        if let Some(stated) = self.attribute("num_outputs").filter(|a| a.i != parts as i64) {
            return Err(format!("its attribute `num_outputs` is {}, of {parts} results", stated.i));
        }
        let stated = self.list("split").map(<[i64]>::to_vec);
        let Some(sizes) = self.integers(1).or(stated) else {
            let whole = opset >= 18 || extent % parts.max(1) == 0;
            return if whole { Ok(()) } else { Err(format!("{extent} entries do not split into {parts} equal parts")) };
        };
        let sum = sizes.iter().try_fold(0i64, |sum, &size| sum.checked_add(size).filter(|_| size >= 0));
        if sizes.len() == parts && sum == Some(*extent as i64) {
            return Ok(());
        }
        Err(format!("the sizes {sizes:?} for {parts} parts of {extent} entries"))
    }

    fn gather(&self) -> Result<(), String> {
        let axis = self.attribute("axis").map_or(0, |a| a.i);
        let axis = if axis < 0 { axis + self.rank() as i64 } else { axis };
        let extent = usize::try_from(axis).ok().and_then(|axis| self.shape().get(axis)).ok_or(format!("axis {axis}"))?;
        let extent = *extent as i64;
        let indices = self.integers(1).unwrap_or_default();
        match indices.iter().find(|&&index| !(-extent..extent).contains(&index)) {
            Some(index) => Err(format!("index {index} of {extent}")),
            None => Ok(()),
        }
    }

    fn range(&self) -> Result<(), String> {
        let number = |position: usize| -> Option<f64> {
            let value = self.operand(position)?.value.as_ref()?.cast_to::<f64>().ok()?;
            value.try_as_plain_ram().ok()?.as_slice::<f64>().ok()?.first().copied()
        };
        let (Some(start), Some(limit), Some(step)) = (number(0), number(1), number(2)) else { return Ok(()) };
        let count = ((limit - start) / step).ceil();
        // Not a number, where the step is 0.
        if count.abs() <= MOST_CONSTANT as f64 { Ok(()) } else { Err(format!("a range from {start} to {limit} by {step}")) }
    }

    /// Whether an attribute divides an extent of the first operand.
    fn divides(&self, name: &str, axis: usize) -> Result<(), String> {
        let by = self.attribute(name).map_or(1, |a| a.i.max(1) as usize);
        let by = if self.node.op_type == "DepthToSpace" { by.saturating_mul(by) } else { by };
        match self.shape().get(axis) {
            Some(extent) if extent % by == 0 => Ok(()),
            _ => Err(format!("an operand of shape {:?} by a {name} of {by}", self.shape())),
        }
    }
}
