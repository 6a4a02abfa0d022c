//! Einsums of any number of operands as einsums of two: labels that stand twice in an operand are its diagonal, labels that nothing else has
//! are summed up first, and operands are multiplied from the left.

use tract_onnx::tract_core::axes::Axis as TractAxis;
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::super::{Einsum, Label, Reduce, ReduceKind, Take, Transpose};
use crate::graph::NodeId;
use crate::import::{Refusal, Site, Translator};

/// An operand and a label for each of its axes.
type Labelled = (Vec<Label>, NodeId);

/// MatMul, Gemm's product, and all other einsums.
pub(super) fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<EinSum>()?;
    if op.q_params.is_some() {
        return Err(Refusal::QUANTISED);
    }
    let axes: Vec<&TractAxis> = op.axes.iter_all_axes().collect();
    let count = op.axes.input_count();
    if op.axes.output_count() != 1 || axes.iter().any(|a| a.outputs.iter().any(|places| places.len() > 1)) {
        return Err(Refusal::Form("a label twice in the result is not supported"));
    }
    if axes.len() > usize::from(u8::MAX) {
        return Err(Refusal::Form("so many labels are not supported"));
    }
    let out = labels(&axes, site.shape.len(), |axis| &axis.outputs[0]);
    let mut operands = Vec::with_capacity(count);
    for side in 0..count {
        let own = labels(&axes, t.operand_shape(site, side)?.len(), |axis| &axis.inputs[side]);
        let whole = diagonal(t, site, (own, side))?;
        operands.push(whole);
    }
    let extents: Vec<Labelled> = operands.clone();
    let largest = |t: &Translator<'_>, label: Label| {
        let extent = |(labels, x): &Labelled| labels.iter().position(|l| *l == label).map(|axis| t.graph.shape(*x)[axis]);
        extents.iter().filter_map(extent).max().unwrap_or(1)
    };
    for operand in &mut operands {
        *operand = without_units(t, site, operand.clone(), &largest);
    }
    for side in 0..count {
        let needed = |label: &Label| {
            out.contains(label) || operands.iter().enumerate().any(|(n, (l, _))| n != side && l.contains(label))
        };
        let private: Vec<usize> = (0..operands[side].0.len()).filter(|&axis| !needed(&operands[side].0[axis])).collect();
        operands[side] = summed(t, site, operands[side].clone(), &private)?;
    }
    let mut rest = operands.into_iter();
    let mut product = rest.next().ok_or(Refusal::Missing("an einsum has no operand"))?;
    while let Some((rhs, y)) = rest.next() {
        let later = |label: &Label| rest.as_slice().iter().any(|(labels, _)| labels.contains(label));
        let (lhs, x) = product;
        // The last product has the order of the result.
        let kept: Vec<Label> = match rest.as_slice() {
            [] => out.iter().copied().filter(|l| lhs.contains(l) || rhs.contains(l)).collect(),
            _ => {
                let new = rhs.iter().filter(|l| !lhs.contains(l));
                lhs.iter().chain(new).copied().filter(|l| out.contains(l) || later(l)).collect()
            }
        };
        let node = t.add(site, Einsum { lhs, rhs, out: kept.clone() }, &[x, y])?;
        product = (kept, node);
    }
    let (own, x) = product;
    let order: Vec<usize> = out.iter().filter_map(|label| own.iter().position(|l| l == label)).collect();
    let moved = if order.is_sorted() { x } else { t.add(site, Transpose(order), &[x])? };
    // A label that only the result has is an axis of extent 1.
    Ok(t.reshape(site, moved, &site.shape))
}

/// The labels of one side, by position; the label is the axis' index.
fn labels<'a>(axes: &[&'a TractAxis], rank: usize, places: impl Fn(&'a TractAxis) -> &'a [usize]) -> Vec<Label> {
    let at = |p: usize| axes.iter().position(|axis| places(axis).contains(&p));
    (0..rank).filter_map(|p| at(p).and_then(|label| u8::try_from(label).ok().map(Label))).collect()
}

/// An operand with each label once: where one stands twice, of the entries at which both indices are the same.
fn diagonal(t: &mut Translator<'_>, site: &Site<'_>, (labels, side): (Vec<Label>, usize)) -> Result<Labelled, Refusal> {
    let (x, shape) = (t.operand(site, side)?, t.operand_shape(site, side)?);
    if labels.len() != shape.len() {
        return Err(Refusal::Form("an einsum with an axis without label is not supported"));
    }
    let mut own: Vec<Label> = Vec::new();
    labels.iter().for_each(|label| {
        if !own.contains(label) {
            own.push(*label)
        }
    });
    if own.len() == labels.len() {
        return Ok((own, x));
    }
    let place = |label: &Label| labels.iter().position(|l| l == label).unwrap_or(0);
    let extents: Vec<usize> = own.iter().map(|label| shape[place(label)]).collect();
    if labels.iter().zip(&shape).any(|(label, &extent)| shape[place(label)] != extent) {
        return Err(Refusal::Form("a label that stands twice in one operand with different extents is not supported"));
    }
    let strides: Vec<usize> = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
    let stride = |label: &Label| labels.iter().zip(&strides).filter(|(l, _)| *l == label).map(|(_, s)| s).sum::<usize>();
    let mut indices = vec![0];
    for (label, &extent) in own.iter().zip(&extents) {
        let step = stride(label);
        indices = indices.iter().flat_map(|&start| (0..extent).map(move |i| start + i * step)).collect();
    }
    let flat = t.reshape(site, x, &[shape.iter().product()]);
    let taken = t.add(site, Take { axis: 0, indices }, &[flat])?;
    Ok((own, t.reshape(site, taken, &extents)))
}

/// An operand without the axes of extent 1 that another one broadcasts.
fn without_units(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    (labels, x): Labelled,
    largest: &impl Fn(&Translator<'_>, Label) -> usize,
) -> Labelled {
    let shape = t.graph.shape(x).to_vec();
    let kept: Vec<usize> = (0..shape.len()).filter(|&axis| shape[axis] == largest(t, labels[axis])).collect();
    let extents: Vec<usize> = kept.iter().map(|&axis| shape[axis]).collect();
    (kept.iter().map(|&axis| labels[axis]).collect(), t.reshape(site, x, &extents))
}

/// An operand without some axes, over which it is summed up.
fn summed(t: &mut Translator<'_>, site: &Site<'_>, (mut labels, x): Labelled, axes: &[usize]) -> Result<Labelled, Refusal> {
    if axes.is_empty() {
        return Ok((labels, x));
    }
    let sum = t.add(site, Reduce { kind: ReduceKind::Sum, axes: axes.to_vec() }, &[x])?;
    let mut shape = t.graph.shape(sum).to_vec();
    for &axis in axes.iter().rev() {
        shape.remove(axis);
        labels.remove(axis);
    }
    Ok((labels, t.reshape(site, sum, &shape)))
}
