//! Views in front of products. The labels of an einsum say which axes run together, so that an operand need not be transposed, repeated or
//! divided first: keys and values that groups of heads share are committed once and not for every head, and a weight whose transpose is
//! used elsewhere stays one weight.

use super::super::{Graph, NodeId};
use crate::ops::{Broadcast, Einsum, Label, Op, Reshape, Transpose, reshape_groups};

/// Lets einsums take in transposes, repetitions, and reshapes in front of which are others of these.
pub fn absorb_views(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        let Op::Einsum(Einsum { lhs, rhs, out }) = graph.op(id).clone() else { continue };
        let [a, b] = graph.operands(id)[..] else { continue };
        if graph.uses(id) == 0 {
            continue;
        }
        let name = graph.node(id).name.clone();
        let first = Product { name, operands: [a, b], labels: [lhs, rhs], out };
        let mut product = first.clone();
        while let Some(next) = (0..2).find_map(|side| product.without_view(graph, side)) {
            product = next;
        }
        if product.operands == first.operands {
            continue;
        }
        let Product { name, operands, labels: [lhs, rhs], out } = product;
        let shape = graph.shape(id).to_vec();
        let Ok(einsum) = graph.add_inferred(name.clone(), Einsum { lhs, rhs, out }, &operands) else { continue };
        let result = reshaped(graph, &name, einsum, &shape);
        graph.replace(id, result);
        changed = true;
    }
    changed
}

/// An einsum whose result is reshaped to what it was.
#[derive(Clone)]
struct Product {
    name: String,
    operands: [NodeId; 2],
    labels: [Vec<Label>; 2],
    out: Vec<Label>,
}

impl Product {
    /// The same product of what an operand is a view of.
    fn without_view(&self, graph: &mut Graph, side: usize) -> Option<Self> {
        let view = self.operands[side];
        let source = *graph.operands(view).first()?;
        // What something else needs is there anyway; a constant is rearranged by itself, unless somebody else has it as it is.
        let einsums = || graph.users(view).iter().all(|(user, _)| matches!(graph.op(*user), Op::Einsum(_)));
        let alone = !graph.outputs().contains(&view) && (graph.uses(view) == 1 || einsums());
        let constant = graph.behind(source).is_some();
        if !alone || (constant && graph.uses(source) == 1) {
            return None;
        }
        match graph.op(view).clone() {
            Op::Transpose(Transpose(perm)) => Some(self.transposed(side, source, &perm)),
            Op::Broadcast(Broadcast) if !constant => self.unrepeated(graph, side, source),
            Op::Reshape(Reshape) if constant || is_view(graph, source) => self.unshaped(graph, side, source),
            _ => None,
        }
    }

    fn with(&self, side: usize, operand: NodeId, labels: Vec<Label>) -> Self {
        let mut product = self.clone();
        (product.operands[side], product.labels[side]) = (operand, labels);
        product
    }

    fn transposed(&self, side: usize, source: NodeId, perm: &[usize]) -> Self {
        let mut labels = self.labels[side].clone();
        perm.iter().zip(&self.labels[side]).for_each(|(&axis, &label)| labels[axis] = label);
        self.with(side, source, labels)
    }

    /// An axis that is repeated is one that this operand lacks: the other has it, and so has the result.
    fn unrepeated(&self, graph: &mut Graph, side: usize, source: NodeId) -> Option<Self> {
        let (from, to) = (graph.shape(source).to_vec(), graph.shape(self.operands[side]));
        let kept: Vec<usize> = (0..from.len()).filter(|&axis| from[axis] == to[axis]).collect();
        let lacking = |label: &Label| self.labels[1 - side].contains(label) && self.out.contains(label);
        if !(0..from.len()).all(|axis| kept.contains(&axis) || lacking(&self.labels[side][axis])) {
            return None;
        }
        let shape: Vec<usize> = kept.iter().map(|&axis| from[axis]).collect();
        let operand = reshaped(graph, &self.name, source, &shape);
        Some(self.with(side, operand, kept.iter().map(|&axis| self.labels[side][axis]).collect()))
    }

    /// An axis that several were joined to is divided in the other operand and in the result instead; axes of extent 1 are left out, or
    /// are the result's. Dividing what is no constant is worth it for keys and values that groups of heads share.
    fn unshaped(&self, graph: &mut Graph, side: usize, source: NodeId) -> Option<Self> {
        let (from, to) = (graph.shape(source).to_vec(), graph.shape(self.operands[side]).to_vec());
        let other = self.operands[1 - side];
        let divides = graph.behind(other).is_some() || matches!(graph.op(source), Op::Broadcast(Broadcast));
        let (mut product, mut labels) = (self.clone(), vec![None; from.len()]);
        let mut shape = graph.shape(other).to_vec();
        for group in reshape_groups(&from, &to) {
            let (units, axes): (Vec<usize>, Vec<usize>) = group.source_axes.iter().partition(|&&axis| from[axis] == 1);
            let (added, joined): (Vec<usize>, Vec<usize>) = group.out_axes.iter().partition(|&&axis| to[axis] == 1);
            for axis in units {
                let fresh = product.fresh(&labels)?;
                labels[axis] = Some(fresh);
                product.out.push(fresh);
            }
            for label in added.iter().map(|&axis| self.labels[side][axis]) {
                match (product.labels[1 - side].contains(&label), product.out.contains(&label)) {
                    // Summed over in the other operand too: it is there for that.
                    (true, false) => return None,
                    (true, true) => {}
                    (false, _) => product.out.retain(|l| *l != label),
                }
            }
            let label = match joined[..] {
                [] => continue,
                [axis] => self.labels[side][axis],
                _ => return None,
            };
            if let [own] = axes[..] {
                labels[own] = Some(label);
                continue;
            }
            let mut parts = Vec::new();
            for &axis in &axes {
                let fresh = product.fresh(&labels)?;
                labels[axis] = Some(fresh);
                parts.push(fresh);
            }
            if let Some(at) = product.out.iter().position(|l| *l == label) {
                product.out.splice(at..=at, parts.iter().copied());
            }
            if let Some(at) = product.labels[1 - side].iter().position(|l| *l == label) {
                divides.then_some(())?;
                product.labels[1 - side].splice(at..=at, parts);
                shape.splice(at..=at, axes.iter().map(|&axis| from[axis]));
            }
        }
        product.operands[1 - side] = reshaped(graph, &self.name, other, &shape);
        Some(product.with(side, source, labels.into_iter().collect::<Option<_>>()?))
    }

    /// A label that nothing has.
    fn fresh(&self, more: &[Option<Label>]) -> Option<Label> {
        let known =
            |label: &Label| self.labels.iter().chain([&self.out]).flatten().chain(more.iter().flatten()).any(|l| l == label);
        (0..u8::MAX).map(Label).find(|label| !known(label))
    }
}

fn is_view(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.op(id), Op::Transpose(_) | Op::Reshape(Reshape) | Op::Broadcast(Broadcast))
}

/// The same entries under a shape, of a reshape those of its operand.
fn reshaped(graph: &mut Graph, name: &str, id: NodeId, shape: &[usize]) -> NodeId {
    let id = match (graph.op(id), graph.operands(id).first()) {
        (Op::Reshape(Reshape), Some(&operand)) => operand,
        _ => id,
    };
    if graph.shape(id) == shape { id } else { graph.add(name, Reshape, &[id], shape) }
}

#[cfg(test)]
mod tests;
