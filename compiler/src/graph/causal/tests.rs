//! What is called causal, tried: later tokens are changed, and nothing before them moves.

use ndarray::{ArrayD, IxDyn};

use super::*;
use crate::graph::Domain;
use crate::ops::{Add, IndexOf, Label, Mul, PRelu, ReduceKind, Reshape, Sub, Take, TopK, Unary};

/// Numbers at random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn array(&mut self, shape: &[usize]) -> ArrayD<f64> {
        ArrayD::from_shape_fn(IxDyn(shape), |_| self.below(64) as f64 / 32.0 - 1.0)
    }

    /// The factors of a number in an order, ones among them.
    fn shape(&mut self, mut entries: usize) -> Vec<usize> {
        let mut shape = Vec::new();
        while entries > 1 {
            let divisors: Vec<usize> = (1..=entries).filter(|d| entries.is_multiple_of(*d)).collect();
            let extent = self.one(&divisors);
            shape.push(extent);
            entries /= extent;
        }
        if self.below(3) == 0 {
            shape.insert(self.below(shape.len() + 1), 1);
        }
        shape
    }

    /// A mask for scores, with unit axes where it does not vary: often a band, perhaps one that looks ahead, or of other axes.
    fn mask(&mut self, shape: &[usize]) -> ArrayD<f64> {
        let own: Vec<usize> = shape.iter().map(|&extent| if self.below(3) == 0 { 1 } else { extent }).collect();
        let [query, key, kind, ahead] = [own.len(), own.len(), 4, 2].map(|n| self.below(n));
        ArrayD::from_shape_fn(IxDyn(&own), |at| {
            let kept = match kind {
                0 => self.below(2) == 0,
                1 => at[key] + 1 >= at[query] && at[key] <= at[query] + ahead,
                _ => at[key] <= at[query] + ahead / 2,
            };
            f64::from(u8::from(kept))
        })
    }
}

/// Adds a node of some operator, if its shapes fit.
fn grow(graph: &mut Graph, random: &mut Random) -> Option<NodeId> {
    let nodes: Vec<NodeId> = graph.order();
    let x = nodes[nodes.len() - 1 - random.below(nodes.len().min(8))];
    let shape = graph.shape(x).to_vec();
    let axis = random.below(shape.len());
    let axes = vec![axis];
    if shape.is_empty() || graph.node(x).len() > 512 {
        return None;
    }
    let alike: Vec<NodeId> = nodes.iter().copied().filter(|&y| graph.shape(y) == shape).collect();
    let y = random.one(&alike);
    let one = |graph: &mut Graph, op: Op| graph.add_inferred("", op, &[x]).ok();
    let two = |graph: &mut Graph, op: Op| graph.add_inferred("", op, &[x, y]).ok();
    match random.below(22) {
        0 => one(graph, random.one(&[Unary::Tanh, Unary::Relu, Unary::Square]).into()),
        1 => two(graph, random.one(&[Op::from(Add), Sub.into(), Mul.into()])),
        2 => {
            let slopes = random.array(&shape);
            let slopes = graph.add_constant("", slopes);
            graph.add_inferred("", PRelu, &[x, slopes]).ok()
        }
        3 => {
            let kind = random.one(&[ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Max]);
            one(graph, Reduce { kind, axes }.into())
        }
        4 => one(graph, Norm { axes, eps: 0.1, centred: true }.into()),
        5 => one(graph, Softmax { axes }.into()),
        6 => {
            let start = random.below(shape[axis]);
            one(graph, Slice { axis, start, end: start + 1 + random.below(shape[axis] - start), step: 1 }.into())
        }
        7 => one(graph, Take { axis, indices: (0..shape[axis]).map(|_| random.below(shape[axis])).collect() }.into()),
        8 => two(graph, Concat { axis }.into()),
        9 => one(graph, CumSum { axis, exclusive: random.below(2) == 0, reverse: random.below(2) == 0 }.into()),
        10 => {
            let mut order: Vec<usize> = (0..shape.len()).collect();
            (1..order.len()).for_each(|n| order.swap(n, random.below(n + 1)));
            one(graph, Transpose(order).into())
        }
        11 => {
            let to: Vec<usize> =
                shape.iter().map(|&extent| if extent == 1 { 1 + random.below(4) } else { extent }).collect();
            Some(graph.add("", Broadcast, &[x], &to))
        }
        12 => {
            let z = one(graph, TopK { top: 1 + random.below(*shape.last()?), largest: true, last: false }.into())?;
            if random.below(2) == 0 { graph.add_inferred("", IndexOf, &[z]).ok() } else { Some(z) }
        }
        13 => {
            let ids = *graph.inputs().first()?;
            graph.add_inferred("", Gather { axis }, &[x, ids]).ok()
        }
        14..=15 => {
            let to = random.shape(shape.iter().product());
            Some(graph.add("", Reshape, &[x], &to))
        }
        16..=18 => {
            let mask = random.mask(&shape);
            let mask = graph.add_constant("", mask);
            graph.add_inferred("", MaskedSoftmax { axes, gap: f64::INFINITY }, &[x, mask]).ok()
        }
        _ => {
            // Labels of equal extents may be the same.
            let y = random.one(&nodes);
            let [lhs, rhs] = [x, y].map(|node| {
                let mut free: Vec<u8> = (0..5).collect();
                let label = |_| Label(free.remove(random.below(free.len())));
                (0..graph.shape(node).len().min(5)).map(label).collect::<Vec<_>>()
            });
            let mut out: Vec<Label> = lhs.clone();
            out.extend(rhs.iter().filter(|label| !lhs.contains(label)));
            out.retain(|label| random.below(4) > 0 || !(lhs.contains(label) && rhs.contains(label)));
            graph.add_inferred("", Einsum { lhs, rhs, out }, &[x, y]).ok()
        }
    }
}

/// Entries of a node that depend on no token from `first` on, by what is known of it.
fn before(first: usize, axes: &TokenAxes, values: &ArrayD<f64>) -> Vec<u64> {
    let early = values.indexed_iter().filter(|(at, _)| axes.iter().all(|&axis| at[axis] < first));
    // A row that a mask leaves nothing of is refused when a model runs.
    early
        .map(|(_, &value)| {
            if value == 0.0 {
                0
            } else if value.is_nan() {
                u64::MAX
            } else {
                value.to_bits()
            }
        })
        .collect()
}

#[test]
fn nothing_that_is_called_causal_depends_on_later_tokens() {
    let (mut sums, mut nodes) = (0, 0);
    for seed in 0..1500 {
        let mut random = Random(seed * 2 + 1);
        let [tokens, width] = [2 + random.below(3), 1 + random.below(4)];
        let mut graph = Graph::new();
        let ids = graph.add_input_of(Domain::Integer { lo: 0, hi: 4 }, "ids", &[1, tokens]);
        let table = random.array(&[5, width]);
        let table = graph.add_constant("table", table);
        graph.add_inferred("x", Gather { axis: 0 }, &[table, ids]).expect("shapes fit");
        for _ in 0..40 {
            let mut next = graph.clone();
            if grow(&mut next, &mut random).is_some() && causal(&next, ids, 1).is_ok() {
                graph = next;
            }
        }
        let known = causal(&graph, ids, 1).expect("it is causal");
        let text: Vec<f64> = (0..tokens).map(|_| random.below(5) as f64).collect();
        let run = |text: &[f64]| {
            let ids = ArrayD::from_shape_vec(IxDyn(&[1, tokens]), text.to_vec()).expect("of the shape");
            graph.evaluate(&[ids]).expect("it runs")
        };
        let whole = run(&text);
        for first in 1..tokens {
            let mut other = text.clone();
            other[first..].iter_mut().for_each(|id| *id = ((*id as usize + 1 + random.below(4)) % 5) as f64);
            let other = run(&other);
            for (id, axes) in known.iter().filter(|(_, axes)| !axes.is_empty()) {
                let [whole, other] = [&whole, &other].map(|run| before(first, axes, run.value(*id).expect("it is kept")));
                assert_eq!(whole, other, "{seed}: {:?} of token axes {axes:?}", graph.op(*id));
            }
        }
        let mixes = |id: &NodeId| match graph.op(*id) {
            Op::MaskedSoftmax(MaskedSoftmax { axes, .. }) => axes.iter().any(|axis| known[id].contains(axis)),
            _ => false,
        };
        sums += known.keys().filter(|id| mixes(id)).count();
        nodes += known.values().filter(|axes| !axes.is_empty()).count();
    }
    assert!(nodes > 10_000 && sums > 100, "{nodes} nodes, {sums} softmaxes over tokens");
}
