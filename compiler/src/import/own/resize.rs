//! `Resize` and `Upsample`: along every axis a sum of few entries, by weights that follow from extents.

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::sketch::{LONGEST, Sketch};
use crate::graph::NodeId;
use crate::ops::{Mix, Pad, Row, Take};

/// How entries of an axis are made of others.
#[derive(Clone, Copy)]
enum Kernel {
    Nearest,
    Linear,
    Cubic,
}

/// What all axes have in common.
struct Method<'s> {
    kernel: Kernel,
    /// How a place in the result is one in the operand.
    transformation: &'s str,
    /// Which neighbour is the nearest.
    rounding: &'s str,
    coefficient: f64,
    exclude_outside: bool,
    antialias: bool,
}

/// An axis: from an extent to another.
struct Line {
    from: usize,
    to: usize,
    scale: f64,
    /// The part of the operand that is enlarged, as fractions of it.
    roi: [f64; 2],
}

/// `Resize` of operator set 10 and later.
pub(super) fn resize(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    if s.opset < 11 {
        return enlarge(s, 1);
    }
    let kernel = kernel(s)?;
    let method = Method {
        kernel,
        transformation: s.word("coordinate_transformation_mode", "half_pixel"),
        rounding: s.word("nearest_mode", "round_prefer_floor"),
        coefficient: s.float("cubic_coeff_a", -0.75),
        exclude_outside: s.integer("exclude_outside", 0) == 1,
        antialias: s.integer("antialias", 0) == 1,
    };
    let shape = s.shape(0)?;
    let rank = shape.len();
    let axes = s.axes("axes", rank)?.unwrap_or_else(|| (0..rank).collect());
    let scales = s.numbers(2, "its scales must be constants")?;
    let sizes = s.numbers(3, "its sizes must be constants")?;
    let crops = method.transformation == "tf_crop_and_resize";
    let roi = if crops { s.numbers(1, "its region of interest must be a constant")? } else { None };
    let roi = match (crops, roi) {
        (true, None) => return Err(Refusal::Missing("its region of interest is missing")),
        (_, roi) => roi.unwrap_or_else(|| [vec![0.0; axes.len()], vec![1.0; axes.len()]].concat()),
    };
    for (what, got, expected) in [
        ("numbers in its region", roi.len(), 2 * axes.len()),
        ("scales", scales.as_ref().map_or(axes.len(), Vec::len), axes.len()),
        ("sizes", sizes.as_ref().map_or(axes.len(), Vec::len), axes.len()),
    ] {
        if got != expected {
            return Err(Refusal::Count { what, got, expected });
        }
    }
    let mut lines = Vec::with_capacity(axes.len());
    match (scales, sizes) {
        (Some(scales), None) => {
            for (&axis, scale) in axes.iter().zip(scales) {
                // In floats of 32 bits, as runtimes do.
                let to = (shape[axis] as f32 * scale as f32).floor();
                lines.push((shape[axis], f64::from(to), scale));
            }
        }
        (None, Some(sizes)) => {
            let ratios: Vec<f64> = axes.iter().zip(&sizes).map(|(&axis, size)| size / shape[axis] as f64).collect();
            let common = match s.word("keep_aspect_ratio_policy", "stretch") {
                "not_larger" => Some(ratios.iter().copied().fold(f64::INFINITY, f64::min)),
                "not_smaller" => Some(ratios.iter().copied().fold(0.0, f64::max)),
                _ => None,
            };
            for ((&axis, size), ratio) in axes.iter().zip(sizes).zip(ratios) {
                lines.push(match common {
                    Some(common) => (shape[axis], (common * shape[axis] as f64 + 0.5).floor(), common),
                    None => (shape[axis], size, ratio),
                });
            }
        }
        _ => return Err(Refusal::Form("it has both scales and sizes, or neither")),
    }
    let value = s.float("extrapolation_value", 0.0);
    let mut x = s.operand_node(0)?;
    let mut frame = (vec![0; rank], vec![0; rank]);
    for (n, (&axis, (from, to, scale))) in axes.iter().zip(lines).enumerate() {
        let line = Line { from, to: extent(to)?, scale: positive(scale)?, roi: [roi[n], roi[axes.len() + n]] };
        let mut rows: Vec<Row> = (0..line.to).map(|place| method.row(&line, place)).collect();
        if crops {
            // What lies outside of the operand is a frame around the rest.
            frame.0[axis] = rows.iter().take_while(|row| row.is_empty()).count();
            frame.1[axis] = rows[frame.0[axis]..].iter().rev().take_while(|row| row.is_empty()).count();
            rows = rows[frame.0[axis]..rows.len() - frame.1[axis]].to_vec();
        }
        x = along(s, x, axis, rows)?;
    }
    if frame.0.iter().chain(&frame.1).any(|&width| width > 0) {
        x = s.add(Pad { begin: frame.0, end: frame.1, value }, &[x])?;
    }
    Ok(vec![x])
}

/// `Upsample`, whose scales are an attribute first and an operand later.
pub(super) fn upsample(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    enlarge(s, 1)
}

/// What `Upsample` and the first `Resize` have in common: places are multiplied by the scale, and the nearest entry is the one before.
fn enlarge(s: &mut Sketch<'_>, position: usize) -> Result<Vec<NodeId>, Refusal> {
    let scales = match s.floats("scales") {
        Some(scales) => Some(scales),
        None => s.numbers(position, "its scales must be constants")?,
    };
    let scales = scales.ok_or(Refusal::Missing("its scales are missing"))?;
    let method = Method {
        kernel: kernel(s)?,
        transformation: "asymmetric",
        rounding: "floor",
        coefficient: -0.75,
        exclude_outside: false,
        antialias: false,
    };
    let shape = s.shape(0)?;
    if scales.len() != shape.len() {
        return Err(Refusal::Count { what: "scales", got: scales.len(), expected: shape.len() });
    }
    let mut x = s.operand_node(0)?;
    for (axis, scale) in scales.into_iter().enumerate() {
        let to = extent((shape[axis] as f32 * scale as f32).floor().into())?;
        let line = Line { from: shape[axis], to, scale: positive(scale)?, roi: [0.0, 1.0] };
        let rows = (0..line.to).map(|place| method.row(&line, place)).collect();
        x = along(s, x, axis, rows)?;
    }
    Ok(vec![x])
}

fn kernel(s: &Sketch<'_>) -> Result<Kernel, Refusal> {
    match s.word("mode", "nearest") {
        "nearest" => Ok(Kernel::Nearest),
        "linear" | "bilinear" => Ok(Kernel::Linear),
        "cubic" => Ok(Kernel::Cubic),
        _ => Err(Refusal::Form("its mode is not one of nearest, linear and cubic")),
    }
}

fn extent(extent: f64) -> Result<usize, Refusal> {
    if extent >= 0.0 && extent <= LONGEST as f64 {
        Ok(extent as usize)
    } else {
        Err(Refusal::OutOfRange("an extent of its result"))
    }
}

fn positive(scale: f64) -> Result<f64, Refusal> {
    if scale > 0.0 && scale.is_finite() { Ok(scale) } else { Err(Refusal::OutOfRange("a scale")) }
}

/// Sums along an axis, which are a choice of entries where each has one of weight 1.
pub(super) fn along(s: &mut Sketch<'_>, x: NodeId, axis: usize, rows: Vec<Row>) -> Result<NodeId, Refusal> {
    let single = |row: &Row| match row[..] {
        [(index, 1.0)] => Some(index),
        _ => None,
    };
    match rows.iter().map(single).collect::<Option<Vec<usize>>>() {
        Some(indices) if indices.iter().copied().eq(0..s.shape_of(x)[axis]) => Ok(x),
        Some(indices) => s.add(Take { axis, indices }, &[x]),
        None => s.add(Mix { axis, rows: Arc::new(rows) }, &[x]),
    }
}

impl Method<'_> {
    /// Where an entry of the result lies in the operand; none outside of it.
    fn origin(&self, line: &Line, place: usize) -> Option<f64> {
        let (place, from, width) = (place as f64, line.from as f64, line.scale * line.from as f64);
        let half = (place + 0.5) / line.scale - 0.5;
        Some(match self.transformation {
            "align_corners" if width == 1.0 => 0.0,
            "align_corners" => place * (from - 1.0) / (width - 1.0),
            "asymmetric" => place / line.scale,
            "tf_crop_and_resize" => {
                let [begin, end] = line.roi;
                let step = if width == 1.0 { (end - begin) / 2.0 } else { place * (end - begin) / (width - 1.0) };
                let origin = step * (from - 1.0) + begin * (from - 1.0);
                return (0.0..=from - 1.0).contains(&origin).then_some(origin);
            }
            "pytorch_half_pixel" if width == 1.0 => -0.5,
            "half_pixel_symmetric" => from / 2.0 * (1.0 - line.to as f64 / width) + half,
            _ => half,
        })
        // A whole number that a quotient misses by its rounding.
        .map(|origin: f64| if (origin - origin.round()).abs() < 1e-6 { origin.round() } else { origin })
    }

    /// The entries that one of the result is a sum of.
    fn row(&self, line: &Line, place: usize) -> Row {
        if line.from == line.to && line.scale == 1.0 && self.transformation != "tf_crop_and_resize" {
            return vec![(place, 1.0)];
        }
        let Some(origin) = self.origin(line, place) else { return Vec::new() };
        // In (0, 1]: of equally near entries the one before counts.
        let before = origin.ceil() - 1.0;
        let ratio = origin - before;
        let mut weights = self.weights(ratio, line.scale);
        let first = before as i64 - (weights.len() as i64 / 2 - 1);
        let last = line.from as i64 - 1;
        if self.exclude_outside {
            for (n, weight) in weights.iter_mut().enumerate() {
                if !(0..=last).contains(&(first + n as i64)) {
                    *weight = 0.0;
                }
            }
            let sum: f64 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        let mut row = Row::new();
        for (n, weight) in weights.into_iter().enumerate().filter(|(_, weight)| *weight != 0.0) {
            let index = (first + n as i64).clamp(0, last) as usize;
            // Places ascend.
            match row.last_mut().filter(|(other, _)| *other == index) {
                Some((_, sum)) => *sum += weight,
                None => row.push((index, weight)),
            }
        }
        row
    }

    /// Weights of neighbours: as many before a place as behind it.
    fn weights(&self, ratio: f64, scale: f64) -> Vec<f64> {
        let a = self.coefficient;
        let cubic = |distance: f64| match distance.abs() {
            x if x <= 1.0 => ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0,
            x if x < 2.0 => ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a,
            _ => 0.0,
        };
        let scale = if self.antialias { scale.min(1.0) } else { 1.0 };
        let reach = |width: f64| {
            let first = (-width / scale).floor() as i64 + 1;
            (first..2 - first).map(move |n| (n as f64 - ratio) * scale)
        };
        let weights: Vec<f64> = match self.kernel {
            Kernel::Nearest => {
                let behind = ratio == 1.0
                    || match self.rounding {
                        "round_prefer_ceil" => ratio >= 0.5,
                        "floor" => false,
                        "ceil" => true,
                        _ => ratio > 0.5,
                    };
                return if behind { vec![0.0, 1.0] } else { vec![1.0, 0.0] };
            }
            Kernel::Linear => reach(1.0).map(|distance| (1.0 - distance.abs()).clamp(0.0, 1.0)).collect(),
            Kernel::Cubic => reach(2.0).map(cubic).collect(),
        };
        if !self.antialias {
            return weights;
        }
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_many_entries_are_quarters() {
        let method = Method {
            kernel: Kernel::Linear,
            transformation: "half_pixel",
            rounding: "floor",
            coefficient: -0.75,
            exclude_outside: false,
            antialias: false,
        };
        let line = Line { from: 3, to: 6, scale: 2.0, roi: [0.0, 1.0] };
        let rows: Vec<Row> = (0..6).map(|place| method.row(&line, place)).collect();
        assert_eq!(rows[0], [(0, 1.0)]);
        assert_eq!(rows[1], [(0, 0.75), (1, 0.25)]);
        assert_eq!(rows[2], [(0, 0.25), (1, 0.75)]);
        assert_eq!(rows[5], [(2, 1.0)]);
    }
}
