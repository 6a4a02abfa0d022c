//! Rotary embeddings: pairs of entries, each turned by an angle of its position, in the spellings that exporters have.
//!
//! Taken apart, halves are cut out, negated, put together and added, and all of them rounded. As one product with the angles' matrices they
//! are exact, and what comes out is rounded once.

use std::collections::BTreeSet;

use ndarray::{ArrayD, Axis, IxDyn, Slice as Cut, concatenate};

use super::super::{Graph, NodeId};
use super::constants::combine;
use super::split;
use crate::ops::{Add, Concat, Einsum, Label, Mul, Op, Reshape, Slice, Sub, Unary};

/// Nodes of one embedding, at most.
const NODES: usize = 24;

/// Makes one product of sums `x c + r s`, where `r` has the entries of pairs of `x` in the other order, and `c` and `s` are constants.
pub fn find_rotations(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order().into_iter().rev() {
        let whole = matches!(graph.op(id), Op::Add(Add) | Op::Sub(Sub) | Op::Concat(_) | Op::Reshape(Reshape));
        if !whole || graph.uses(id) == 0 {
            continue;
        }
        if let Some(rotated) = rotated(graph, id) {
            graph.replace(id, rotated);
            changed = true;
        }
    }
    changed
}

fn rotated(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let inside = region(graph, id)?;
    let shape = graph.shape(id).to_vec();
    for x in inside.into_iter().rev().filter(|&x| x != id) {
        let Some(terms) = (graph.shape(x) == shape).then(|| terms(graph, id, x)).flatten() else { continue };
        for pairs in [Pairs::Halves, Pairs::Neighbours] {
            if let Some(rotated) = product(graph, id, x, &terms, pairs) {
                return Some(rotated);
            }
        }
    }
    None
}

/// The nodes that a node may be a rotation of, the last ones last.
fn region(graph: &Graph, id: NodeId) -> Option<Vec<NodeId>> {
    let (mut seen, mut stack) = (BTreeSet::new(), vec![id]);
    let mut turned = false;
    while let Some(id) = stack.pop() {
        if !seen.insert(id) || !linear(graph, id) {
            continue;
        }
        turned |= matches!(graph.op(id), Op::Concat(_));
        stack.extend(graph.operands(id).into_iter().filter(|&operand| graph.behind(operand).is_none()));
        if seen.len() > NODES {
            break;
        }
    }
    let order = turned.then(|| graph.order())?;
    Some(order.into_iter().filter(|id| seen.contains(id)).collect())
}

/// Whether every entry of a node is a sum of multiples of entries of its operands.
fn linear(graph: &Graph, id: NodeId) -> bool {
    match graph.op(id) {
        Op::Mul(Mul) => split(graph, id).is_some(),
        Op::Add(Add) | Op::Sub(Sub) => graph.operands(id).iter().all(|&operand| graph.behind(operand).is_none()),
        Op::Unary(Unary::Neg) | Op::Concat(_) | Op::Slice(_) | Op::Reshape(Reshape) => true,
        _ => false,
    }
}

/// A summand of a tensor that is linear in another one along what follows that one's leading axes, row by row: entry `i` is
/// `factor[.., i]` times entry `source[i]`.
struct Term {
    source: Vec<usize>,
    factor: ArrayD<f64>,
}

impl Term {
    fn times(mut self, factor: &ArrayD<f64>) -> Option<Self> {
        self.factor = combine(&self.factor, factor, |a, b| a * b)?;
        Some(self)
    }

    fn negated(mut self) -> Self {
        self.factor.mapv_inplace(|v| -v);
        self
    }

    fn chosen(&self, order: &[usize]) -> Self {
        let source = order.iter().filter_map(|&i| self.source.get(i).copied()).collect();
        Self { source, factor: self.factor.select(Axis(self.factor.ndim() - 1), order) }
    }
}

/// The entries of a shape, numbered.
fn numbered(shape: &[usize], first: usize) -> ArrayD<usize> {
    let mut next = first..;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || next.next().unwrap_or_default())
}

/// A node as a sum of terms of another one's entries along its last axis, in every row of the other axes.
fn terms(graph: &Graph, id: NodeId, x: NodeId) -> Option<Vec<Term>> {
    let lead = graph.shape(x).len().checked_sub(1)?;
    let (head, rest) = graph.shape(id).split_at_checked(lead)?;
    if head != &graph.shape(x)[..lead] {
        return None;
    }
    let count = rest.iter().product();
    if id == x {
        let mut ones = vec![1; lead];
        ones.push(count);
        return Some(vec![Term { source: (0..count).collect(), factor: ArrayD::ones(IxDyn(&ones)) }]);
    }
    if !linear(graph, id) {
        return None;
    }
    let operands = graph.operands(id);
    let all = operands.iter().filter(|&&operand| graph.behind(operand).is_none());
    let mut parts = all.map(|&operand| terms(graph, operand, x)).collect::<Option<Vec<_>>>()?;
    match *graph.op(id) {
        Op::Concat(Concat { axis }) => {
            let axis = Axis(axis.checked_sub(lead)?);
            let mut first = 0;
            let shapes = operands.iter().map(|&operand| &graph.shape(operand)[lead..]);
            let numbers: Vec<ArrayD<usize>> = shapes
                .map(|shape| {
                    let numbers = numbered(shape, first);
                    first += numbers.len();
                    numbers
                })
                .collect();
            let views: Vec<_> = numbers.iter().map(|numbers| numbers.view()).collect();
            let order: Vec<usize> = concatenate(axis, &views).ok()?.into_iter().collect();
            let each = parts.first()?.len();
            if parts.iter().any(|terms| terms.len() != each) {
                return None;
            }
            (0..each).map(|n| joined(&parts.iter().filter_map(|terms| terms.get(n)).collect::<Vec<_>>(), &order)).collect()
        }
        Op::Slice(Slice { axis, start, end, step }) => {
            let cut = Cut::new(start as isize, Some(end as isize), step as isize);
            let numbers = numbered(&graph.shape(*operands.first()?)[lead..], 0);
            let order: Vec<usize> = numbers.slice_axis(Axis(axis.checked_sub(lead)?), cut).iter().copied().collect();
            Some(parts.pop()?.iter().map(|term| term.chosen(&order)).collect())
        }
        Op::Mul(Mul) => {
            let (_, constant, _) = split(graph, id)?;
            let mut dims = constant.shape()[..lead].to_vec();
            let wide = constant.broadcast([&dims, rest].concat())?.to_owned();
            dims.push(count);
            let wide = wide.into_shape_with_order(dims).ok()?;
            parts.pop()?.into_iter().map(|term| term.times(&wide)).collect()
        }
        Op::Unary(_) => Some(parts.pop()?.into_iter().map(Term::negated).collect()),
        Op::Sub(Sub) => {
            let negated = parts.pop()?.into_iter().map(Term::negated);
            Some(parts.pop()?.into_iter().chain(negated).collect())
        }
        _ => Some(parts.into_iter().flatten().collect()),
    }
}

/// One term of a concatenation, whose entries lie in this order.
fn joined(parts: &[&Term], order: &[usize]) -> Option<Term> {
    let last = parts.first()?.factor.ndim() - 1;
    let lead: Vec<usize> = (0..last).map(|a| parts.iter().map(|term| term.factor.shape()[a]).max().unwrap_or(1)).collect();
    let wide = |term: &&Term| Some(term.factor.broadcast([&lead[..], &[term.source.len()]].concat())?.to_owned());
    let factors = parts.iter().map(wide).collect::<Option<Vec<ArrayD<f64>>>>()?;
    let views: Vec<_> = factors.iter().map(|factor| factor.view()).collect();
    let factor = concatenate(Axis(last), &views).ok()?;
    let source = parts.iter().flat_map(|term| term.source.iter().copied()).collect();
    Some(Term { source, factor }.chosen(order))
}

/// Which entries of a row are turned together.
#[derive(Clone, Copy)]
enum Pairs {
    /// Those half a row apart.
    Halves,
    /// Each with the next.
    Neighbours,
}

impl Pairs {
    /// The pair of an entry, and which of the two it is.
    fn place(self, entry: usize, size: usize) -> (usize, usize) {
        match self {
            Self::Halves => (entry % (size / 2), entry / (size / 2)),
            Self::Neighbours => (entry / 2, entry % 2),
        }
    }

    /// Two things of pairs in the order of a row's axes.
    fn order<T>(self, pair: T, which: T) -> [T; 2] {
        match self {
            Self::Halves => [which, pair],
            Self::Neighbours => [pair, which],
        }
    }
}

/// Pairs times matrices of two rows, if every entry is made of itself and of the other one of its pair.
fn product(graph: &mut Graph, id: NodeId, x: NodeId, terms: &[Term], pairs: Pairs) -> Option<NodeId> {
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(x).to_vec());
    let (&size, lead) = shape.split_last()?;
    if size < 2 || size % 2 != 0 || terms.iter().any(|term| term.source.len() != size) {
        return None;
    }
    let [itself, other] = [true, false].map(|own| (0..size).all(|i| terms.iter().any(|t| (t.source[i] == i) == own)));
    if !(itself && other) {
        return None;
    }
    let axes = lead.len();
    let extent = |axis: usize| terms.iter().map(|term| term.factor.shape()[axis]).max().unwrap_or(1);
    let of_lead: Vec<usize> = (0..axes).map(extent).collect();
    let mut matrices = ArrayD::<f64>::zeros([&of_lead[..], &[size / 2, 2, 2]].concat());
    for term in terms {
        for (entry, &source) in term.source.iter().enumerate() {
            let ((pair, row), (of, column)) = (pairs.place(entry, size), pairs.place(source, size));
            if pair != of {
                return None;
            }
            let factor = term.factor.index_axis(Axis(axes), entry);
            let mut place = matrices.view_mut();
            for at in [pair, row, column] {
                place = place.index_axis_move(Axis(axes), at);
            }
            place += &factor.broadcast(&of_lead[..])?;
        }
    }
    let kept: Vec<usize> = (0..axes).filter(|&axis| of_lead[axis] > 1).collect();
    let dims: Vec<usize> = kept.iter().map(|&axis| of_lead[axis]).chain([size / 2, 2, 2]).collect();
    let matrices = graph.add_constant(name.clone(), matrices.into_shape_with_order(dims).ok()?);
    let [pair, row, column] = [axes, axes + 1, axes + 2];
    let split = graph.add(name.clone(), Reshape, &[x], &[lead, &pairs.order(size / 2, 2)].concat());
    let labels = |last: &[usize]| Label::of((0..axes).chain(last.iter().copied()));
    let (lhs, out) = (labels(&pairs.order(pair, column)), labels(&pairs.order(pair, row)));
    let rhs = Label::of(kept.into_iter().chain([pair, row, column]));
    let turned = graph.add_inferred(name.clone(), Einsum { lhs, rhs, out }, &[split, matrices]).ok()?;
    Some(graph.add(name, Reshape, &[turned], &shape))
}

#[cfg(test)]
mod tests {
    use super::super::simplify;
    use super::*;
    use crate::ops::Broadcast;

    const SHAPE: [usize; 4] = [1, 2, 3, 8];

    fn values(shape: &[usize], seed: f64) -> ArrayD<f64> {
        let mut next = seed;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || {
            next += 1.0;
            (next * 12.9898).sin()
        })
    }

    fn add(graph: &mut Graph, op: impl Into<Op>, operands: &[NodeId]) -> NodeId {
        graph.add_inferred("node", op, operands).expect("shapes fit")
    }

    /// `x` times a constant of its rows and columns.
    fn times(graph: &mut Graph, x: NodeId, seed: f64) -> NodeId {
        let shape = graph.shape(x).to_vec();
        let constant = graph.add_constant("angles", values(&[1, 1, shape[2], shape[3]], seed));
        let constant = graph.add("angles", Broadcast, &[constant], &shape);
        add(graph, Mul, &[x, constant])
    }

    fn cut(graph: &mut Graph, x: NodeId, start: usize, end: usize, step: usize) -> NodeId {
        add(graph, Slice { axis: 3, start, end, step }, &[x])
    }

    /// The outputs of both forms are the same; returns the operators that are left.
    fn simplified(spelling: impl Fn(&mut Graph, NodeId) -> NodeId) -> Vec<&'static str> {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &SHAPE);
        let y = spelling(&mut graph, x);
        graph.add_output("y", y);
        let inputs = [values(&SHAPE, 77.0)];
        let before = graph.evaluate(&inputs).expect("runs").outputs()[0].clone();
        simplify(&mut graph);
        graph.validate().expect("valid");
        let after = graph.evaluate(&inputs).expect("runs").outputs()[0].clone();
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-12));
        let mut ops: Vec<&str> =
            graph.nodes().map(|(_, n)| n.op.name()).filter(|op| !["Input", "Constant"].contains(op)).collect();
        ops.sort_unstable();
        ops
    }

    #[test]
    fn halves_that_are_exchanged_are_one_product() {
        let ops = simplified(|g, x| {
            let (first, second) = (cut(g, x, 0, 4, 1), cut(g, x, 4, 8, 1));
            let second = add(g, Unary::Neg, &[second]);
            let exchanged = add(g, Concat { axis: 3 }, &[second, first]);
            let (a, b) = (times(g, x, 1.0), times(g, exchanged, 2.0));
            add(g, Add, &[a, b])
        });
        assert_eq!(ops, ["Einsum", "Reshape", "Reshape"]);
    }

    #[test]
    fn neighbours_that_are_exchanged_are_one_product() {
        let ops = simplified(|g, x| {
            let (even, odd) = (cut(g, x, 0, 8, 2), cut(g, x, 1, 8, 2));
            let odd = add(g, Unary::Neg, &[odd]);
            let [odd, even] = [odd, even].map(|part| g.add("stacked", Reshape, &[part], &[1, 2, 3, 4, 1]));
            let exchanged = add(g, Concat { axis: 4 }, &[odd, even]);
            let exchanged = g.add("flat", Reshape, &[exchanged], &SHAPE);
            let (a, b) = (times(g, x, 1.0), times(g, exchanged, 2.0));
            add(g, Add, &[a, b])
        });
        assert_eq!(ops, ["Einsum", "Reshape", "Reshape"]);
    }

    #[test]
    fn parts_that_are_turned_each_are_one_product() {
        let ops = simplified(|g, x| {
            let (first, second) = (cut(g, x, 0, 4, 1), cut(g, x, 4, 8, 1));
            let [a, b, c, d] = [(first, 1.0), (second, 2.0), (second, 1.0), (first, 2.0)].map(|(x, s)| times(g, x, s));
            let (left, right) = (add(g, Sub, &[a, b]), add(g, Add, &[c, d]));
            add(g, Concat { axis: 3 }, &[left, right])
        });
        assert_eq!(ops, ["Einsum", "Reshape", "Reshape"]);
    }

    #[test]
    fn what_turns_no_pairs_stays() {
        let ops = simplified(|g, x| {
            let (first, second) = (cut(g, x, 0, 3, 1), cut(g, x, 3, 8, 1));
            let exchanged = add(g, Concat { axis: 3 }, &[second, first]);
            let (a, b) = (times(g, x, 1.0), times(g, exchanged, 2.0));
            add(g, Add, &[a, b])
        });
        assert!(ops.contains(&"Concat"), "{ops:?}");
    }
}
