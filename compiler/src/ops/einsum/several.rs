//! Einsums of any number of operands as einsums of two: labels that stand twice in an operand are its diagonal, labels that nothing else has
//! are summed up first, and operands are multiplied from the left.

use super::super::{Einsum, Label, Op, Reduce, ReduceKind, Reshape, Take, Transpose};
use crate::graph::{Graph, NodeId};
use crate::import::Refusal;

/// An operand and a label for each of its axes.
pub(crate) type Labelled = (Vec<Label>, NodeId);

/// The sum of products over all labels that the result does not have. Of a label's extents those that are 1 are repeated; one that only the
/// result has is an axis of extent 1.
///
/// # Errors
/// If extents of one label differ, or an operand has an axis without one.
pub(crate) fn several(graph: &mut Graph, name: &str, operands: &[Labelled], out: &[Label]) -> Result<NodeId, Refusal> {
    let mut drawing = Drawing { graph, name };
    let operands = operands.iter().map(|operand| drawing.diagonal(operand)).collect::<Result<Vec<_>, _>>()?;
    let largest = |drawing: &Drawing<'_>, label: Label| {
        let extent =
            |(labels, x): &Labelled| labels.iter().position(|l| *l == label).map(|axis| drawing.graph.shape(*x)[axis]);
        operands.iter().filter_map(extent).max().unwrap_or(1)
    };
    let shape: Vec<usize> = out.iter().map(|&label| largest(&drawing, label)).collect();
    let mut apart = Vec::with_capacity(operands.len());
    for (labels, x) in &operands {
        let extents = drawing.graph.shape(*x).to_vec();
        let kept: Vec<usize> = (0..extents.len()).filter(|&a| extents[a] == largest(&drawing, labels[a])).collect();
        if (0..extents.len()).any(|a| extents[a] != 1 && !kept.contains(&a)) {
            return Err(Refusal::Shapes(operands.iter().map(|(_, x)| drawing.graph.shape(*x).to_vec()).collect()));
        }
        let inner: Vec<usize> = kept.iter().map(|&axis| extents[axis]).collect();
        apart.push((kept.iter().map(|&axis| labels[axis]).collect::<Vec<_>>(), drawing.reshape(*x, &inner)));
    }
    for side in 0..apart.len() {
        let needed = |label: &Label| {
            out.contains(label) || apart.iter().enumerate().any(|(n, (l, _))| n != side && l.contains(label))
        };
        let private: Vec<usize> = (0..apart[side].0.len()).filter(|&axis| !needed(&apart[side].0[axis])).collect();
        apart[side] = drawing.summed(apart[side].clone(), &private)?;
    }
    let (own, x) = drawing.product(apart, out)?;
    let order: Vec<usize> = out.iter().filter_map(|label| own.iter().position(|l| l == label)).collect();
    let moved = if order.is_sorted() { x } else { drawing.add(Transpose(order), &[x])? };
    Ok(drawing.reshape(moved, &shape))
}

/// The graph that gets the nodes, and the name that they get.
struct Drawing<'g> {
    graph: &'g mut Graph,
    name: &'g str,
}

impl Drawing<'_> {
    fn add(&mut self, op: impl Into<Op>, operands: &[NodeId]) -> Result<NodeId, Refusal> {
        Ok(self.graph.add_inferred(self.name, op, operands)?)
    }

    fn reshape(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        if self.graph.shape(x) == shape { x } else { self.graph.add(self.name, Reshape, &[x], shape) }
    }

    /// The product of all operands, over labels that neither the result nor a later operand has.
    fn product(&mut self, operands: Vec<Labelled>, out: &[Label]) -> Result<Labelled, Refusal> {
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
            let node = self.add(Einsum { lhs, rhs, out: kept.clone() }, &[x, y])?;
            product = (kept, node);
        }
        Ok(product)
    }

    /// An operand with each label once: where one stands twice, of the entries at which both indices are the same.
    fn diagonal(&mut self, (labels, x): &Labelled) -> Result<Labelled, Refusal> {
        let shape = self.graph.shape(*x).to_vec();
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
            return Ok((own, *x));
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
        let flat = self.reshape(*x, &[shape.iter().product()]);
        let taken = self.add(Take { axis: 0, indices }, &[flat])?;
        Ok((own, self.reshape(taken, &extents)))
    }

    /// An operand without some axes, over which it is summed up.
    fn summed(&mut self, (mut labels, x): Labelled, axes: &[usize]) -> Result<Labelled, Refusal> {
        if axes.is_empty() {
            return Ok((labels, x));
        }
        let sum = self.add(Reduce { kind: ReduceKind::Sum, axes: axes.to_vec() }, &[x])?;
        let mut shape = self.graph.shape(sum).to_vec();
        for &axis in axes.iter().rev() {
            shape.remove(axis);
            labels.remove(axis);
        }
        Ok((labels, self.reshape(sum, &shape)))
    }
}
