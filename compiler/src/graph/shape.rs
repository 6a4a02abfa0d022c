//! Shapes: what each op implies, and whether a node's attributes fit its operands.

use super::{Node, Op, Window};

type Reason = String;

/// The shape that `op` gives on operands of these shapes.
pub(super) fn infer(op: &Op, operands: &[&[usize]]) -> Result<Vec<usize>, Reason> {
    match op {
        Op::Input { .. } | Op::Constant(_) | Op::Reshape | Op::Broadcast => {
            Err("the result's shape does not follow from operands".into())
        }
        Op::Conv { window, groups } => conv(window, *groups, operands),
        Op::Einsum { lhs, rhs, out } => einsum([lhs, rhs], out, two(operands)?),
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Max | Op::Min | Op::PRelu | Op::Compare(_) => {
            let [a, b] = two(operands)?;
            require(a == b, || format!("operands must have one shape, got {a:?} and {b:?}"))?;
            Ok(a.to_vec())
        }
        Op::Select => match operands {
            [condition, a, b] if condition == a && a == b => Ok(a.to_vec()),
            _ => Err(format!("expected 3 operands of one shape, got {operands:?}")),
        },
        Op::Unary(_) => Ok(one(operands)?.to_vec()),
        Op::MaxPool(window) | Op::AveragePool { window, .. } => pool(window, one(operands)?),
        Op::Reduce { axes, .. } => {
            let mut shape = checked_axes(one(operands)?, axes)?;
            axes.iter().for_each(|&axis| shape[axis] = 1);
            Ok(shape)
        }
        Op::Softmax { axes } | Op::LogSoftmax { axes } => checked_axes(one(operands)?, axes),
        Op::MaskedSoftmax { axes, .. } => {
            let [x, mask] = two(operands)?;
            require(x == mask, || format!("scores and mask must have one shape, got {x:?} and {mask:?}"))?;
            checked_axes(x, axes)
        }
        Op::ColumnScale(exponents) => {
            let x = one(operands)?;
            require(x.last() == Some(&exponents.len()), || format!("{} exponents for the shape {x:?}", exponents.len()))?;
            Ok(x.to_vec())
        }
        Op::Transpose(perm) => transpose(perm, one(operands)?),
        Op::Concat { axis } => concat(*axis, operands),
        Op::Slice { axis, start, end, step } => slice((*axis, *start, *end, *step), one(operands)?),
        Op::Pad { begin, end, .. } => {
            let x = one(operands)?;
            let fits = begin.len() == x.len() && end.len() == x.len();
            require(fits, || format!("pads need one entry per axis of {x:?}"))?;
            let padded = |i: usize| begin[i].checked_add(x[i])?.checked_add(end[i]);
            (0..x.len()).map(padded).collect::<Option<_>>().ok_or_else(|| format!("the padding of {x:?} is too wide"))
        }
        Op::Take { axis, indices } => {
            let mut shape = checked_axes(one(operands)?, &[*axis])?;
            let extent = shape[*axis];
            require(indices.iter().all(|&i| i < extent), || format!("an index is not below {extent}"))?;
            shape[*axis] = indices.len();
            Ok(shape)
        }
    }
}

/// Checks a node against the shapes of its operands.
pub(super) fn check(node: &Node, operands: &[&[usize]]) -> Result<(), Reason> {
    let shape = &node.shape;
    match &node.op {
        Op::Input { .. } => require(operands.is_empty(), || "an input has no operands".into()),
        Op::Constant(value) => {
            require(operands.is_empty(), || "a constant has no operands".into())?;
            require(value.shape() == shape, || format!("the value has shape {:?}, not {shape:?}", value.shape()))
        }
        Op::Reshape => {
            let x = one(operands)?;
            let same = x.iter().product::<usize>() == node.len();
            require(same, || format!("{x:?} does not have the number of entries of {shape:?}"))
        }
        Op::Broadcast => {
            let x = one(operands)?;
            let fits = x.len() == shape.len() && x.iter().zip(shape).all(|(a, b)| a == b || *a == 1);
            require(fits, || format!("{x:?} does not broadcast to {shape:?}"))
        }
        op => {
            let inferred = infer(op, operands)?;
            require(&inferred == shape, || format!("the shape should be {inferred:?}, not {shape:?}"))
        }
    }
}

fn require(condition: bool, reason: impl FnOnce() -> Reason) -> Result<(), Reason> {
    if condition { Ok(()) } else { Err(reason()) }
}

fn one<'a>(operands: &[&'a [usize]]) -> Result<&'a [usize], Reason> {
    match operands {
        [x] => Ok(x),
        _ => Err(format!("expected 1 operand, got {}", operands.len())),
    }
}

fn two<'a>(operands: &[&'a [usize]]) -> Result<[&'a [usize]; 2], Reason> {
    match operands {
        [a, b] => Ok([a, b]),
        _ => Err(format!("expected 2 operands, got {}", operands.len())),
    }
}

fn checked_axes(x: &[usize], axes: &[usize]) -> Result<Vec<usize>, Reason> {
    let ascending = axes.windows(2).all(|w| w[0] < w[1]) && axes.last().is_none_or(|&a| a < x.len());
    require(ascending, || format!("axes {axes:?} are not ascending axes of {x:?}"))?;
    Ok(x.to_vec())
}

/// Checks a window's own fields and slides it over the spatial extents.
fn slide(window: &Window, spatial: &[usize]) -> Result<Vec<usize>, Reason> {
    let rank = spatial.len();
    let vectors = [&window.kernel, &window.strides, &window.dilations, &window.pads_begin, &window.pads_end];
    let complete = vectors.iter().all(|v| v.len() == rank);
    require(complete, || format!("the window has not {rank} spatial axes: {window:?}"))?;
    let positive = vectors[..3].iter().all(|v| v.iter().all(|&e| e > 0));
    require(positive, || format!("kernel, strides and dilations must be positive: {window:?}"))?;
    (0..rank)
        .map(|axis| {
            window
                .output_extent(axis, spatial[axis])
                .ok_or_else(|| format!("the window {window:?} does not fit into {spatial:?}"))
        })
        .collect()
}

fn conv(window: &Window, groups: usize, operands: &[&[usize]]) -> Result<Vec<usize>, Reason> {
    let (&[x, w], bias) = operands.split_at_checked(2).ok_or("expected 2 or 3 operands")? else {
        return Err("expected 2 or 3 operands".into());
    };
    let spatial = x.get(2..).ok_or_else(|| format!("x must be [N, C, spatial..], got {x:?}"))?;
    require(matches!(spatial.len(), 1 | 2), || format!("expected 1 or 2 spatial axes, got {x:?}"))?;
    let fits = w.len() == x.len()
        && groups > 0
        && x[1] % groups == 0
        && w[1] == x[1] / groups
        && w[0] % groups == 0
        && w[2..] == window.kernel;
    require(fits, || format!("weights {w:?} do not fit x {x:?} with {groups} groups and {window:?}"))?;
    require(bias.len() <= 1 && bias.iter().all(|b| **b == [w[0]]), || format!("the bias must be [{}], got {bias:?}", w[0]))?;
    Ok([&[x[0], w[0]], slide(window, spatial)?.as_slice()].concat())
}

fn pool(window: &Window, x: &[usize]) -> Result<Vec<usize>, Reason> {
    let (outer, spatial) = x.split_at_checked(2).ok_or_else(|| format!("x must be [N, C, ..], got {x:?}"))?;
    Ok([outer, slide(window, spatial)?.as_slice()].concat())
}

fn einsum(labels: [&Vec<u8>; 2], out: &[u8], operands: [&[usize]; 2]) -> Result<Vec<usize>, Reason> {
    for (labels, shape) in labels.iter().zip(operands) {
        require(labels.len() == shape.len(), || format!("labels {labels:?} do not fit shape {shape:?}"))?;
        require(distinct(labels), || format!("labels {labels:?} repeat"))?;
    }
    require(distinct(out), || format!("labels {out:?} repeat"))?;
    let extent_in = |side: usize, label: u8| labels[side].iter().position(|&l| l == label).map(|axis| operands[side][axis]);
    for &label in labels[0] {
        if let (Some(a), Some(b)) = (extent_in(0, label), extent_in(1, label)) {
            require(a == b, || format!("label {label} is {a} on the left and {b} on the right"))?;
        }
    }
    out.iter().map(|&l| extent_in(0, l).or(extent_in(1, l)).ok_or_else(|| format!("label {l} is in no operand"))).collect()
}

fn distinct(labels: &[u8]) -> bool {
    labels.iter().enumerate().all(|(i, l)| !labels[..i].contains(l))
}

fn transpose(perm: &[usize], x: &[usize]) -> Result<Vec<usize>, Reason> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    require(sorted.iter().copied().eq(0..x.len()), || format!("{perm:?} does not permute the axes of {x:?}"))?;
    Ok(perm.iter().map(|&axis| x[axis]).collect())
}

fn concat(axis: usize, operands: &[&[usize]]) -> Result<Vec<usize>, Reason> {
    let first = operands.first().ok_or("expected at least 1 operand")?;
    let mut shape = checked_axes(first, &[axis])?;
    for other in &operands[1..] {
        let fits = other.len() == first.len() && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
        require(fits, || format!("{other:?} does not fit {first:?} beside axis {axis}"))?;
        shape[axis] += other[axis];
    }
    Ok(shape)
}

fn slice((axis, start, end, step): (usize, usize, usize, usize), x: &[usize]) -> Result<Vec<usize>, Reason> {
    let mut shape = checked_axes(x, &[axis])?;
    let fits = step > 0 && start <= end && end <= x[axis];
    require(fits, || format!("the range {start}..{end} step {step} is not within axis {axis} of {x:?}"))?;
    shape[axis] = (end - start).div_ceil(step);
    Ok(shape)
}
