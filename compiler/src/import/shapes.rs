//! Which shapes an operator admits, where the parser does not ask.

use std::ops::RangeInclusive;
use std::sync::Arc;

use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::prelude::*;

use super::check::MOST_AXES;
use super::operators::{self, Kind};
use super::site::to_integers;
use super::sizes::MOST_CONSTANT;
use super::unfit::Unfit;

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
pub(super) fn check(node: &NodeProto, operands: &[Option<Operand>], opset: i64) -> Result<(), Unfit> {
    let site = Site { node, operands };
    site.axes()?;
    match node.op_type.as_str() {
        "AveragePool" | "MaxPool" => site.pool(),
        "Conv" | "WholeConv" => site.conv(),
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
            Some(steps) if steps.contains(&0) => Err(Unfit::Step),
            _ => Ok(()),
        },
        "Split" => site.split(opset),
        "Gather" | "GatherElements" => site.gather(),
        "Range" => site.range(),
        // Of none there is no largest: minus infinity is no number.
        "ArgMax" | "ArgMin" | "ReduceMax" | "ReduceMin" if site.operand(0).is_some_and(|x| x.volume() == 0) => {
            Err(Unfit::Nothing)
        }
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
    fn axes(&self) -> Result<(), Unfit> {
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
                    return Err(Unfit::Axis { axis: attribute.i, rank: self.rank() });
                }
                Some(Kind::Axes) => self.distinct(&attribute.ints)?,
                Some(Kind::Permutation) if attribute.ints.len() != self.rank() => {
                    return Err(Unfit::Permutation { axes: attribute.ints.len(), rank: self.rank() });
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
    fn distinct(&self, axes: &[i64]) -> Result<(), Unfit> {
        let new = if self.node.op_type == "Unsqueeze" { axes.len() } else { 0 };
        let count = self.rank() + new;
        let rank = count as i64;
        let mut seen = [false; 4 * MOST_AXES];
        for &axis in axes {
            if !(-rank..rank).contains(&axis) {
                return Err(Unfit::Axis { axis, rank: count });
            }
            let place = if axis < 0 { axis + rank } else { axis };
            let slot = usize::try_from(place).ok().and_then(|n| seen.get_mut(n)).ok_or(Unfit::Rank(count))?;
            if std::mem::replace(slot, true) {
                return Err(Unfit::AxisTwice { axes: axes.to_vec(), rank: count });
            }
        }
        Ok(())
    }

    /// An operand of extents that are `least` at least.
    fn extents(&self, position: usize, least: i64) -> Result<(), Unfit> {
        let Some(extents) = self.integers(position) else { return Ok(()) };
        // An extent that is to be found out.
        let open = extents.iter().filter(|&&e| e == -1 && least == -1).count();
        match extents.iter().copied().find(|&e| e < least) {
            Some(extent) => Err(Unfit::Extent { extents, extent }),
            None if open > 1 => Err(Unfit::TwoOpen(extents)),
            None if extents.len() > MOST_AXES => Err(Unfit::Rank(extents.len())),
            None if extents.iter().any(|&e| e > MOST_CONSTANT as i64) => {
                Err(Unfit::Extents { extents, most: MOST_CONSTANT })
            }
            None => Ok(()),
        }
    }

    fn as_many(&self, position: usize, count: usize) -> Result<(), Unfit> {
        match self.integers(position) {
            Some(list) if list.len() != count => Err(Unfit::Count { what: "numbers", got: list.len(), axes: count }),
            _ => Ok(()),
        }
    }

    /// The extents of a window and their padding: spans, and padding before and after.
    fn window(&self, kernel: &[i64]) -> Result<Vec<(i64, i64, i64)>, Unfit> {
        let spatial = self.rank().checked_sub(2).ok_or(Unfit::Layout)?;
        let ones = vec![1; spatial];
        let zeros = vec![0; 2 * spatial];
        let (strides, dilations) = (self.list("strides").unwrap_or(&ones), self.list("dilations").unwrap_or(&ones));
        let pads = self.list("pads").unwrap_or(&zeros);
        for (attribute, list, count) in [
            ("kernel_shape", kernel, spatial),
            ("strides", strides, spatial),
            ("dilations", dilations, spatial),
            ("pads", pads, 2 * spatial),
        ] {
            if list.len() != count {
                return Err(Unfit::Attribute { attribute, got: list.to_vec(), axes: spatial });
            }
        }
        let same = self.attribute("auto_pad").is_some_and(|a| a.s.starts_with(b"SAME"));
        let mut windows = Vec::with_capacity(spatial);
        for axis in 0..spatial {
            let span = dilations[axis] * (kernel[axis] - 1) + 1;
            let (before, after) = (pads[axis], pads[axis + spatial]);
            if !same && span > self.shape()[axis + 2] as i64 + before + after {
                return Err(Unfit::Window { span, extent: self.shape()[axis + 2] });
            }
            windows.push((span, before, after));
        }
        Ok(windows)
    }

    fn pool(&self) -> Result<(), Unfit> {
        let kernel = self.list("kernel_shape").ok_or(Unfit::Missing("its attribute `kernel_shape` is missing"))?;
        let wide = |&(_, &(span, before, after)): &(usize, &(i64, i64, i64))| before >= span || after >= span;
        match self.window(kernel)?.iter().enumerate().find(wide) {
            Some((axis, &(span, before, after))) => Err(Unfit::Padding { pads: before.max(after), axis, span }),
            None => Ok(()),
        }
    }

    fn conv(&self) -> Result<(), Unfit> {
        let Some(weight) = self.operand(1) else { return Err(Unfit::Missing("it has no kernel")) };
        let kernel = || weight.shape.clone();
        if weight.shape.len() != self.rank() || self.rank() < 3 {
            return Err(Unfit::Kernel { operand: self.shape().to_vec(), kernel: kernel() });
        }
        let own: Vec<i64> = weight.shape[2..].iter().map(|&extent| extent as i64).collect();
        if let Some(stated) = self.list("kernel_shape").filter(|stated| *stated != own) {
            return Err(Unfit::KernelShape { stated: stated.to_vec(), kernel: kernel() });
        }
        if own.contains(&0) {
            return Err(Unfit::NoKernel(kernel()));
        }
        let groups = self.attribute("group").map_or(1, |a| a.i.max(1) as usize);
        let (out, channels) = (weight.shape[0], weight.shape[1]);
        if self.shape()[1] != channels.saturating_mul(groups) || out % groups != 0 {
            return Err(Unfit::Channels { channels: self.shape()[1], groups, kernel: kernel() });
        }
        if let Some(bias) = self.operand(2).filter(|bias| bias.shape != [out]) {
            return Err(Unfit::Bias { bias: bias.shape.clone(), channels: out });
        }
        self.window(&own).map(|_| ())
    }

    fn pad(&self) -> Result<(), Unfit> {
        let axes = self.integers(3).map_or(self.rank(), |axes| axes.len());
        let stated = self.list("pads").map(<[i64]>::to_vec);
        let Some(pads) = self.integers(1).or(stated) else { return Ok(()) };
        if pads.len() != 2 * axes {
            return Err(Unfit::Count { what: "pads", got: pads.len(), axes });
        }
        if pads.iter().any(|&p| p < 0) {
            return Err(Unfit::Cropped(pads));
        }
        match pads.into_iter().find(|&p| p > MOST_CONSTANT as i64) {
            Some(pad) => Err(Unfit::Pad(pad)),
            None => Ok(()),
        }
    }

    /// The extent of the axis that an attribute names.
    fn extent(&self) -> Result<usize, Unfit> {
        let axis = self.attribute("axis").map_or(0, |a| a.i);
        let own = if axis < 0 { axis + self.rank() as i64 } else { axis };
        let extent = usize::try_from(own).ok().and_then(|axis| self.shape().get(axis));
        extent.copied().ok_or(Unfit::Axis { axis, rank: self.rank() })
    }

    fn split(&self, opset: i64) -> Result<(), Unfit> {
        let extent = self.extent()?;
        let parts = self.node.output.len();
        if let Some(stated) = self.attribute("num_outputs").filter(|a| a.i != parts as i64) {
            return Err(Unfit::Parts { stated: stated.i, results: parts });
        }
        let stated = self.list("split").map(<[i64]>::to_vec);
        let Some(sizes) = self.integers(1).or(stated) else {
            let whole = opset >= 18 || extent % parts.max(1) == 0;
            return if whole { Ok(()) } else { Err(Unfit::Uneven { entries: extent, parts }) };
        };
        let sum = sizes.iter().try_fold(0i64, |sum, &size| sum.checked_add(size).filter(|_| size >= 0));
        if sizes.len() == parts && sum == Some(extent as i64) {
            return Ok(());
        }
        Err(Unfit::Sizes { sizes, parts, entries: extent })
    }

    fn gather(&self) -> Result<(), Unfit> {
        let extent = self.extent()?;
        let extent = extent as i64;
        let indices = self.integers(1).unwrap_or_default();
        match indices.into_iter().find(|index| !(-extent..extent).contains(index)) {
            Some(index) => Err(Unfit::Index { index, extent }),
            None => Ok(()),
        }
    }

    fn range(&self) -> Result<(), Unfit> {
        let number = |position: usize| -> Option<f64> {
            let value = self.operand(position)?.value.as_ref()?.cast_to::<f64>().ok()?;
            value.try_as_plain_ram().ok()?.as_slice::<f64>().ok()?.first().copied()
        };
        let (Some(start), Some(limit), Some(step)) = (number(0), number(1), number(2)) else { return Ok(()) };
        let count = ((limit - start) / step).ceil();
        // Not a number, where the step is 0.
        if count.abs() <= MOST_CONSTANT as f64 { Ok(()) } else { Err(Unfit::Range { start, limit, step }) }
    }

    /// Whether an attribute divides an extent of the first operand.
    fn divides(&self, name: &'static str, axis: usize) -> Result<(), Unfit> {
        let by = self.attribute(name).map_or(1, |a| a.i.max(1) as usize);
        let by = if self.node.op_type == "DepthToSpace" { by.saturating_mul(by) } else { by };
        match self.shape().get(axis) {
            Some(extent) if extent % by == 0 => Ok(()),
            _ => Err(Unfit::Divisor { shape: self.shape().to_vec(), attribute: name, by }),
        }
    }
}
