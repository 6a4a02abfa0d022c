//! Inputs and outputs whose columns differ in size: powers of two that bring them to one size, pushed into the constants beside them.
//!
//! One scale for an income of 52,000 and a rate of 0.031 leaves nothing of the rate. A column (the entries of one index of the last axis)
//! therefore stands for the real numbers less a power of two, and the graph puts the power back where it is used: in the weights of a
//! product, where the large weights of small columns become as small as the others, and vice versa for outputs.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::passes::{self, combined, scaled_einsum, uniform};
use super::{Graph, NodeId};
use crate::ops::{Add, Broadcast, ColumnScale, Compare, Concat, Einsum, Mul, Op, Reshape, Slice, Take};

/// Nodes between an input or output and the constants that take its powers in: a hostile model's chains may be as long as its file.
const FARTHEST: usize = 64;

/// By which powers of two columns are larger than what stands for them; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// One list for each input.
    pub inputs: Vec<Vec<i32>>,
    /// One list for each output.
    pub outputs: Vec<Vec<i32>>,
}

impl Columns {
    /// Whether no column has a power of its own.
    pub fn is_none(&self) -> bool {
        self.inputs.iter().chain(&self.outputs).all(Vec::is_empty)
    }

    /// The graph on inputs and with outputs of columns of one size. Exponents must be as many as columns.
    pub fn apply(&self, graph: &Graph) -> Graph {
        let mut graph = graph.clone();
        for (position, exponents) in self.outputs.iter().enumerate().filter(|(_, e)| !e.is_empty()) {
            let output = graph.outputs()[position];
            let down: Vec<i32> = exponents.iter().map(|e| -e).collect();
            let scaled = backward(&mut graph, output, &down, FARTHEST);
            graph.set_output(position, scaled);
        }
        for (input, exponents) in graph.inputs().to_vec().into_iter().zip(&self.inputs).filter(|(_, e)| !e.is_empty()) {
            forward(&mut graph, input, input, exponents, FARTHEST);
        }
        graph.remove_dead();
        graph
    }
}

fn is_zero(exponents: &[i32]) -> bool {
    exponents.iter().all(|&e| e == 0)
}

/// Powers of two along the last axis of a tensor of this rank.
fn powers(exponents: &[i32], rank: usize) -> ArrayD<f64> {
    let mut shape = vec![1; rank.max(1)];
    shape[rank.max(1) - 1] = exponents.len();
    ArrayD::from_shape_fn(IxDyn(&shape), |index| f64::from(exponents[index[rank.max(1) - 1]]).exp2())
}

/// The variable and the constant operand of a node, if the constant is a weight. One number for all entries is public in the program, and
/// must stay so: times powers of two it would be a weight, whose values an audit does not see.
fn split(graph: &Graph, id: NodeId) -> Option<(NodeId, Arc<ArrayD<f64>>)> {
    let (variable, constant, _) = passes::split(graph, id)?;
    uniform(&constant).is_none().then_some((variable, constant))
}

/// The columns of `x` times powers of two, as a node of its own.
fn apart(graph: &mut Graph, x: NodeId, exponents: &[i32]) -> NodeId {
    if is_zero(exponents) {
        return x;
    }
    let node = graph.node(x).clone();
    graph.add(node.name, ColumnScale(exponents.to_vec()), &[x], &node.shape)
}

/// The columns of `x`, which is an output, times powers of two: within the constants before it where nothing else uses them.
fn backward(graph: &mut Graph, x: NodeId, exponents: &[i32], steps: usize) -> NodeId {
    if is_zero(exponents) || steps == 0 {
        return apart(graph, x, exponents);
    }
    let node = graph.node(x).clone();
    let rank = node.shape.len();
    let within = if graph.uses(x) > 1 { None } else { Some(node.op) };
    match within {
        Some(Op::Add(Add)) => {
            if let Some((y, c)) = split(graph, x)
                && let Some(c) = combined(&c, &powers(exponents, rank))
            {
                let y = backward(graph, y, exponents, steps - 1);
                return passes::with_constant(graph, x, Op::Add(Add), y, c);
            }
        }
        Some(Op::Mul(Mul)) => {
            if let Some((y, c)) = split(graph, x)
                && let Some(c) = combined(&c, &powers(exponents, rank))
            {
                return passes::with_constant(graph, x, Op::Mul(Mul), y, c);
            }
        }
        Some(Op::Einsum(Einsum { lhs, rhs, out })) => {
            if let Some(scaled) = scaled_einsum(graph, x, [&lhs, &rhs], &out, &powers(exponents, rank)) {
                return scaled;
            }
        }
        Some(Op::Concat(Concat { axis })) => {
            let mut start = 0;
            let mut parts = Vec::new();
            for part in graph.operands(x) {
                let extent = graph.shape(part)[axis];
                let own = if axis + 1 == rank { &exponents[start..start + extent] } else { exponents };
                start += extent;
                parts.push(backward(graph, part, own, steps - 1));
            }
            return graph.add(node.name, Concat { axis }, &parts, &node.shape);
        }
        Some(Op::Reshape(Reshape)) => {
            let y = graph.operands(x)[0];
            if graph.shape(y).last() == node.shape.last() {
                let y = backward(graph, y, exponents, steps - 1);
                return graph.add(node.name, Reshape, &[y], &node.shape);
            }
        }
        _ => {}
    }
    apart(graph, x, exponents)
}

/// Makes all that uses `old` use `new` instead, whose columns are smaller by powers of two.
fn forward(graph: &mut Graph, old: NodeId, new: NodeId, exponents: &[i32], steps: usize) {
    let mut apart_from = None;
    for (user, position) in graph.users(old) {
        if user == new || apart_from == Some(user) {
            continue;
        }
        if let Some(replacement) = absorbed(graph, user, old, new, exponents, steps) {
            if let Replacement::Whole(node) = replacement {
                graph.replace(user, node);
            }
            continue;
        }
        let scaled = *apart_from.get_or_insert_with(|| apart(graph, new, exponents));
        graph.set_operand(user, position, scaled);
    }
    for position in 0..graph.outputs().len() {
        if graph.outputs()[position] == old {
            let scaled = *apart_from.get_or_insert_with(|| apart(graph, new, exponents));
            graph.set_output(position, scaled);
        }
    }
}

/// What became of a user.
enum Replacement {
    /// A node with the same values.
    Whole(NodeId),
    /// Its own users were given another node.
    Done,
}

/// A user of `old` that takes the powers into its constants, or hands them on.
fn absorbed(
    graph: &mut Graph,
    user: NodeId,
    old: NodeId,
    new: NodeId,
    exponents: &[i32],
    steps: usize,
) -> Option<Replacement> {
    let steps = steps.checked_sub(1)?;
    let rank = graph.shape(old).len();
    let node = graph.node(user).clone();
    match &node.op {
        Op::Mul(Mul) => {
            let (x, c) = split(graph, user)?;
            let c = combined(&c, &powers(exponents, rank))?;
            (x == old).then(|| Replacement::Whole(passes::with_constant(graph, user, Op::Mul(Mul), new, c)))
        }
        Op::Add(Add) => {
            let (x, c) = split(graph, user)?;
            let down: Vec<i32> = exponents.iter().map(|e| -e).collect();
            let c = combined(&c, &powers(&down, rank))?;
            if x != old {
                return None;
            }
            let sum = passes::with_constant(graph, user, Op::Add(Add), new, c);
            forward(graph, user, sum, exponents, steps);
            Some(Replacement::Done)
        }
        Op::Einsum(Einsum { lhs, rhs, .. }) => {
            let operands = graph.operands(user);
            let side = (0..2).find(|&side| graph.constant(operands[side]).is_some())?;
            let (labels, other) = if side == 0 { (lhs, rhs) } else { (rhs, lhs) };
            let axis = labels.iter().position(|label| Some(label) == other.last())?;
            let weights = graph.constant(operands[side])?;
            let mut shape = vec![1; weights.ndim()];
            shape[axis] = exponents.len();
            let powers = powers(exponents, 1).into_shape_with_order(IxDyn(&shape)).ok()?;
            let weights = combined(weights, &powers)?;
            let constant = graph.add_constant(node.name.clone(), weights);
            let both = if side == 0 { [constant, new] } else { [new, constant] };
            (operands[1 - side] == old)
                .then(|| Replacement::Whole(graph.add(node.name.clone(), node.op.clone(), &both, &node.shape)))
        }
        Op::Reshape(Reshape) if node.shape.last() == graph.shape(old).last() => {
            let reshaped = graph.add(node.name.clone(), Reshape, &[new], &node.shape);
            forward(graph, user, reshaped, exponents, steps);
            Some(Replacement::Done)
        }
        Op::Slice(Slice { axis, start, end, step }) => {
            let own: Vec<i32> = if axis + 1 == rank {
                exponents[*start..*end].iter().copied().step_by(*step).collect()
            } else {
                exponents.to_vec()
            };
            let sliced = graph.add(node.name.clone(), node.op.clone(), &[new], &node.shape);
            forward(graph, user, sliced, &own, steps);
            Some(Replacement::Done)
        }
        Op::Take(Take { axis, indices }) => {
            let own = if axis + 1 == rank { indices.iter().map(|&i| exponents[i]).collect() } else { exponents.to_vec() };
            let taken = graph.add(node.name.clone(), node.op.clone(), &[new], &node.shape);
            forward(graph, user, taken, &own, steps);
            Some(Replacement::Done)
        }
        // What is compared with a number is smaller by as much as the number is.
        Op::Compare(Compare(_)) => {
            let operands = graph.operands(user);
            let side = operands.iter().position(|&operand| operand == old)?;
            let constant = graph.behind(operands[1 - side]).filter(|c| uniform(c).is_none())?;
            let down: Vec<i32> = exponents.iter().map(|e| -e).collect();
            let shape = &node.shape;
            let missing = shape.len().checked_sub(constant.ndim())?;
            let mut extents = vec![1; missing];
            extents.extend_from_slice(constant.shape());
            let constant = constant.to_shape(IxDyn(&extents)).ok()?.to_owned();
            let scaled = combined(&constant, &powers(&down, rank))?;
            let own = scaled.shape() == &shape[..];
            let number = graph.add_constant(node.name.clone(), scaled);
            let number = if own { number } else { graph.add(node.name.clone(), Broadcast, &[number], shape) };
            let both = if side == 0 { [new, number] } else { [number, new] };
            Some(Replacement::Whole(graph.add(node.name.clone(), node.op.clone(), &both, shape)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Broadcast, Label};
    use ndarray::Dimension;

    fn values(shape: &[usize], seed: usize) -> ArrayD<f64> {
        ArrayD::from_shape_fn(IxDyn(shape), |i| ((i.as_array_view().sum() * 7919 + seed * 31) % 17) as f64 - 8.0)
    }

    /// Standardised inputs, a layer, and two heads that are joined.
    fn tabular() -> Graph {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 3]);
        let mean = g.add_constant("mean", values(&[1, 3], 1));
        let y = g.add_inferred("centred", Add, &[x, mean]).unwrap();
        let deviation = g.add_constant("deviation", values(&[1, 3], 2));
        let y = g.add_inferred("standard", Mul, &[y, deviation]).unwrap();
        let product = Op::Einsum(Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) });
        let w = g.add_constant("w", values(&[3, 4], 3));
        let y = g.add_inferred("layer", product.clone(), &[y, w]).unwrap();
        let heads: Vec<NodeId> = (0..2)
            .map(|n| {
                let w = g.add_constant("head", values(&[4, 1], 4 + n));
                g.add_inferred("head", product.clone(), &[y, w]).unwrap()
            })
            .collect();
        let joined = g.add_inferred("joined", Concat { axis: 1 }, &heads).unwrap();
        g.add_output("y", joined);
        g
    }

    #[test]
    fn powers_go_into_the_constants() {
        let graph = tabular();
        let columns = Columns { inputs: vec![vec![16, 0, -5]], outputs: vec![vec![0, -9]] };
        let scaled = columns.apply(&graph);
        scaled.validate().unwrap();
        assert!(scaled.nodes().all(|(_, node)| !matches!(node.op, Op::ColumnScale(_))));
        let x = values(&[1, 3], 9);
        let small = combined(&x, &powers(&[-16, 0, 5], 2)).unwrap();
        let (wanted, got) = (graph.evaluate(&[x]).unwrap(), scaled.evaluate(&[small]).unwrap());
        let wanted = combined(wanted.outputs()[0], &powers(&[0, 9], 2)).unwrap();
        assert_eq!(&wanted, got.outputs()[0]);
    }

    #[test]
    fn public_numbers_stay_public() {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 2]);
        for op in [Op::Add(Add), Op::Mul(Mul)] {
            let two = g.add_constant("two", ArrayD::from_elem(IxDyn(&[1, 1]), 2.0));
            let two = g.add("two", Broadcast, &[two], &[1, 2]);
            let y = g.add_inferred("y", op, &[x, two]).unwrap();
            g.add_output("y", y);
        }
        let exponents = vec![0, -9];
        let columns = Columns { inputs: vec![exponents.clone()], outputs: vec![exponents.clone(), exponents] };
        let mut scaled = columns.apply(&g);
        crate::graph::passes::simplify(&mut scaled);
        let constants: Vec<usize> = scaled.nodes().filter_map(|(id, _)| scaled.constant(id)).map(|c| c.len()).collect();
        assert_eq!(constants, [1, 1], "a number that every key shows has become a weight");
    }

    #[test]
    fn what_has_no_constant_keeps_the_powers() {
        let mut g = Graph::new();
        let x = g.add_input("x", &[2, 2]);
        let y = g.add_inferred("y", Mul, &[x, x]).unwrap();
        g.add_output("y", y);
        g.add_output("x", x);
        let columns = Columns { inputs: vec![vec![3, 0]], outputs: vec![vec![0, 1], vec![]] };
        let scaled = columns.apply(&g);
        scaled.validate().unwrap();
        let x = values(&[2, 2], 1);
        let small = combined(&x, &powers(&[-3, 0], 2)).unwrap();
        let got = scaled.evaluate(&[small]).unwrap();
        assert_eq!(got.outputs()[1], &x);
        assert_eq!(got.outputs()[0], &combined(&(&x * &x), &powers(&[0, -1], 2)).unwrap());
    }

    #[test]
    fn a_chain_as_long_as_its_file_does_not_exhaust_the_stack() {
        let mut g = Graph::new();
        let x = g.add_input("x", &[4, 2]);
        let mut y = x;
        for _ in 0..1 << 15 {
            y = g.add_inferred("y", Slice { axis: 0, start: 0, end: 4, step: 1 }, &[y]).unwrap();
        }
        for _ in 0..1 << 15 {
            y = g.add("y", Reshape, &[y], &[4, 2]);
        }
        g.add_output("y", y);
        let columns = Columns { inputs: vec![vec![3, 0]], outputs: vec![vec![0, 1]] };
        columns.apply(&g).validate().unwrap();
    }
}
