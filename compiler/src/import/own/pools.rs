//! Sums of powers: over windows, whole planes, rows, and neighbouring channels.

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::sketch::{LONGEST, Sketch, axis_of};
use crate::graph::NodeId;
use crate::ops::{Add, Div, Einsum, Label, Mix, Mul, Norm, Reduce, ReduceKind, Root, Row, Unary};

/// A local response normalisation: `x / (bias + alpha / size * sum of squares of channels)^beta`.
pub(super) fn lrn(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let channels = *shape.get(1).ok_or(Refusal::Missing("its operand has no channels"))?;
    let (alpha, beta, bias) = (s.float("alpha", 1e-4), s.float("beta", 0.75), s.float("bias", 1.0));
    let size = usize::try_from(s.integer("size", 0)).unwrap_or(0);
    if size == 0 {
        return Err(Refusal::Missing("its attribute `size` is missing"));
    }
    let x = s.operand_node(0)?;
    let squares = s.add(Unary::Square, &[x])?;
    let row = |c: usize| (c.saturating_sub((size - 1) / 2)..channels.min(c + size / 2 + 1)).map(|i| (i, 1.0)).collect();
    let rows: Vec<Row> = (0..channels).map(row).collect();
    let sums = s.add(Mix { axis: 1, rows: Arc::new(rows) }, &[squares])?;
    let (factor, bias) = (s.number(alpha / size as f64, &shape), s.number(bias, &shape));
    let scaled = s.add(Mul, &[sums, factor])?;
    let sum = s.add(Add, &[scaled, bias])?;
    let divisor = s.add(Unary::Pow(-beta), &[sum])?;
    Ok(vec![s.add(Mul, &[x, divisor])?])
}

/// `|x|^p`, as products that are no function of one entry: a table would round what is small beside others.
fn powers(s: &mut Sketch<'_>, p: i64) -> Result<NodeId, Refusal> {
    let x = s.operand_node(0)?;
    let odd = if p % 2 == 1 { Some(s.add(Unary::Abs, &[x])?) } else { None };
    let mut power = match (p, odd) {
        (1, Some(size)) => return Ok(size),
        (2..=16, _) => s.add(Unary::Square, &[x])?,
        _ => return Err(Refusal::OutOfRange("its attribute `p`")),
    };
    let all = Label::of(0..s.shape_of(x).len());
    let product = Einsum { lhs: all.clone(), rhs: all.clone(), out: all };
    let square = power;
    for _ in 1..p / 2 {
        power = s.add(product.clone(), &[power, square])?;
    }
    match odd {
        Some(size) => s.add(product, &[power, size]),
        None => Ok(power),
    }
}

/// `x^(1/p)`: roots until what is left of the exponent is not below 1, so that no small number makes a large one.
fn root(s: &mut Sketch<'_>, mut x: NodeId, p: i64) -> Result<NodeId, Refusal> {
    let mut exponent = 1.0 / p as f64;
    while exponent < 1.0 {
        x = s.add(Root, &[x])?;
        exponent *= 2.0;
    }
    if exponent == 1.0 { Ok(x) } else { s.add(Unary::Pow(exponent), &[x]) }
}

/// The entries of windows, along each axis: of every place those that are there.
pub(super) fn windows(s: &Sketch<'_>, shape: &[usize]) -> Result<Vec<Vec<Vec<usize>>>, Refusal> {
    let rank =
        shape.len().checked_sub(2).filter(|&rank| rank > 0).ok_or(Refusal::Missing("its operand has no axes of space"))?;
    let kernel = s.list("kernel_shape", rank)?.ok_or(Refusal::Missing("its attribute `kernel_shape` is missing"))?;
    let (strides, dilations) = (s.extents("strides", rank)?, s.extents("dilations", rank)?);
    let pads = s.list("pads", 2 * rank)?.unwrap_or_else(|| vec![0; 2 * rank]);
    let auto = s.word("auto_pad", "NOTSET");
    let ceil = s.integer("ceil_mode", 0) == 1;
    let mut axes = Vec::with_capacity(rank);
    for n in 0..rank {
        let (extent, stride, dilation) = (shape[2 + n] as i64, strides[n] as i64, dilations[n] as i64);
        let span = (kernel[n] - 1) * dilation + 1;
        let (begin, out) = match auto {
            "SAME_UPPER" | "SAME_LOWER" => {
                let out = (extent + stride - 1) / stride;
                let total = ((out - 1) * stride + span - extent).max(0);
                (if auto == "SAME_UPPER" { total / 2 } else { total - total / 2 }, out)
            }
            _ => {
                let [begin, end] = if auto == "VALID" { [0, 0] } else { [pads[n], pads[n + rank]] };
                let room = extent + begin + end - span;
                let out = if ceil { (room + stride - 1).div_euclid(stride) } else { room.div_euclid(stride) } + 1;
                // No window begins behind the operand and what is before it.
                (begin, if ceil && (out - 1) * stride >= extent + begin { out - 1 } else { out })
            }
        };
        if !(1..=LONGEST as i64).contains(&out) || out.saturating_mul(kernel[n]) > LONGEST as i64 {
            return Err(Refusal::OutOfRange("its window"));
        }
        let source = |place: i64, tap: i64| {
            let index = place * stride + tap * dilation - begin;
            (0..extent).contains(&index).then_some(index as usize)
        };
        axes.push((0..out).map(|place| (0..kernel[n]).filter_map(|tap| source(place, tap)).collect()).collect());
    }
    Ok(axes)
}

/// Norms of windows.
pub(super) fn lp_pool(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let (p, shape) = (s.integer("p", 2), s.shape(0)?);
    let axes = windows(s, &shape)?;
    let mut x = powers(s, p)?;
    for (n, places) in axes.into_iter().enumerate() {
        let rows = places.into_iter().map(|sources| sources.into_iter().map(|index| (index, 1.0)).collect()).collect();
        x = s.add(Mix { axis: 2 + n, rows: Arc::new(rows) }, &[x])?;
    }
    Ok(vec![root(s, x, p)?])
}

/// Norms of planes.
pub(super) fn global_lp_pool(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let (p, rank) = (s.integer("p", 2), s.shape(0)?.len());
    let x = powers(s, p)?;
    let sum = s.add(Reduce { kind: ReduceKind::Sum, axes: (2..rank).collect() }, &[x])?;
    Ok(vec![root(s, sum, p)?])
}

/// Rows divided by their norms; a row of zeros is one.
pub(super) fn lp_normalization(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let axis = axis_of(s.integer("axis", -1), shape.len())?;
    let x = s.operand_node(0)?;
    match s.integer("p", 2) {
        1 => {
            let sizes = s.add(Unary::Abs, &[x])?;
            let sums = s.add(Reduce { kind: ReduceKind::Sum, axes: vec![axis] }, &[sizes])?;
            let sums = s.repeat(sums, &shape);
            Ok(vec![s.add(Div, &[x, sums])?])
        }
        2 => {
            // A root of the mean of squares, of which a row has as many as entries.
            let normed = s.add(Norm { axes: vec![axis], eps: f64::MIN_POSITIVE, centred: false }, &[x])?;
            let factor = s.number((shape[axis] as f64).sqrt().recip(), &shape);
            Ok(vec![s.add(Mul, &[normed, factor])?])
        }
        _ => Err(Refusal::OutOfRange("its attribute `p`")),
    }
}
