//! Normalisations: the few spellings of `(x - mean) / sqrt(variance + eps)` and `x / sqrt(mean of squares + eps)`.
//!
//! Taken apart, the square root's operand needs more bits than any table has, because squares of a row's entries lie as far apart as they
//! do twice over; as one node the root is exact (docs/lowerings.md, section 12).

use super::super::{Graph, NodeId};
use super::constants::uniform;
use super::split;
use crate::ops::{Add, Broadcast, Div, Mul, Norm, Op, Reduce, ReduceKind, Sub, Unary};

/// How far a stated `1 / n` may be off, which is one in floats of 32 bits.
const CLOSE: f64 = 1e-6;

/// Makes one node of every normalisation. What its result is multiplied with stays.
pub fn find_norms(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        let Some(Found { c, root, factor }) = quotient(graph, id) else { continue };
        let Some((x, norm)) = normalisation(graph, c, root) else { continue };
        let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
        let mut normed = graph.add(name.clone(), norm, &[x], &shape);
        if let Some(factor) = factor {
            normed = graph.add(name, Mul, &[normed, factor], &shape);
        }
        graph.replace(id, normed);
        changed = true;
    }
    changed
}

/// `c / sqrt(root)`, and what it is multiplied with.
struct Found {
    c: NodeId,
    root: NodeId,
    factor: Option<NodeId>,
}

/// `c / sqrt(v)`, `c (1 / sqrt(v))` and `c ((1 / sqrt(v)) g)` for a constant `g`.
fn quotient(graph: &mut Graph, id: NodeId) -> Option<Found> {
    let [a, b] = graph.operands(id)[..] else { return None };
    match graph.op(id) {
        Op::Div(Div) => {
            let root = of_unary(graph, repeated(graph, b), &Unary::Sqrt)?;
            Some(Found { c: a, root, factor: None })
        }
        Op::Mul(Mul) => [(a, b), (b, a)].into_iter().find_map(|(c, r)| {
            if let Some(root) = reciprocal_root(graph, repeated(graph, r)) {
                return Some(Found { c, root, factor: None });
            }
            let Op::Mul(Mul) = graph.op(r) else { return None };
            let [l, g] = graph.operands(r)[..] else { return None };
            [(l, g), (g, l)].into_iter().find_map(|(r, g)| {
                graph.behind(g)?;
                let root = reciprocal_root(graph, repeated(graph, r))?;
                Some(Found { c, root, factor: Some(g) })
            })
        }),
        _ => None,
    }
}

/// `v` of `1 / sqrt(v)`.
fn reciprocal_root(graph: &Graph, id: NodeId) -> Option<NodeId> {
    if let Some(v) = of_unary(graph, id, &Unary::Rsqrt) {
        return Some(v);
    }
    let root = match graph.op(id) {
        Op::Div(Div) => {
            let (root, one, swapped) = split(graph, id)?;
            (swapped && uniform(&one)? == 1.0).then_some(root)?
        }
        _ => of_unary(graph, id, &Unary::Recip)?,
    };
    of_unary(graph, repeated(graph, root), &Unary::Sqrt)
}

/// The operand and the node that `c / sqrt(root)` is of it.
fn normalisation(graph: &Graph, c: NodeId, root: NodeId) -> Option<(NodeId, Norm)> {
    let (variance, eps) = with_eps(graph, root)?;
    if let Some((x, axes)) = centred(graph, c) {
        let is_variance = is_variance(graph, variance, (x, &axes))?;
        return is_variance.then_some((x, Norm { axes, eps, centred: true }));
    }
    let (square, axes) = mean(graph, variance)?;
    (squared(graph, square)? == c).then_some((c, Norm { axes, eps, centred: false }))
}

/// Whether a node is the variance of `x` along axes: the mean of squares of `x` less its mean, or the mean of squares of `x` less the square of
/// the mean, perhaps held to be not negative.
fn is_variance(graph: &Graph, variance: NodeId, (x, axes): (NodeId, &[usize])) -> Option<bool> {
    if let Some((square, along)) = mean(graph, variance) {
        let (of, own) = centred(graph, squared(graph, square)?)?;
        return Some(of == x && own == axes && along == axes);
    }
    let difference = of_unary(graph, variance, &Unary::Relu).unwrap_or(variance);
    let Op::Sub(Sub) = graph.op(difference) else { return None };
    let [squares, square] = graph.operands(difference)[..] else { return None };
    let (of_squares, along) = mean(graph, repeated(graph, squares))?;
    let (of_mean, own) = mean(graph, squared(graph, repeated(graph, square))?)?;
    Some(squared(graph, of_squares)? == x && of_mean == x && along == axes && own == axes)
}

/// `v + eps` for a positive number.
fn with_eps(graph: &Graph, id: NodeId) -> Option<(NodeId, f64)> {
    let Op::Add(Add) = graph.op(id) else { return None };
    let (v, constant, _) = split(graph, id)?;
    let eps = uniform(&constant)?;
    (eps > 0.0 && eps.is_finite()).then_some((v, eps))
}

/// `x` and the axes of `x - mean(x)`.
fn centred(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<usize>)> {
    let Op::Sub(Sub) = graph.op(id) else { return None };
    let [x, m] = graph.operands(id)[..] else { return None };
    let (of, axes) = mean(graph, repeated(graph, m))?;
    (of == x).then_some((x, axes))
}

/// What a node is the mean of, and along which axes: a mean, or a sum divided by the number of entries.
fn mean(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<usize>)> {
    let (reduced, factor) = match graph.op(id) {
        Op::Reduce(_) => (id, 1.0),
        Op::Mul(Mul) => {
            let (reduced, by, _) = split(graph, id)?;
            (reduced, uniform(&by)?)
        }
        Op::Div(Div) => {
            let (reduced, by, swapped) = split(graph, id)?;
            (!swapped).then_some((reduced, uniform(&by)?.recip()))?
        }
        _ => return None,
    };
    let Op::Reduce(Reduce { kind, axes }) = graph.op(reduced) else { return None };
    let x = *graph.operands(reduced).first()?;
    let entries: usize = axes.iter().map(|&axis| graph.shape(x)[axis]).product();
    let wanted = match kind {
        ReduceKind::Sum => (entries as f64).recip(),
        ReduceKind::Mean => 1.0,
        ReduceKind::Max | ReduceKind::Min => return None,
    };
    ((factor / wanted - 1.0).abs() <= CLOSE).then(|| (x, axes.clone()))
}

/// What a node is the square of.
fn squared(graph: &Graph, id: NodeId) -> Option<NodeId> {
    match graph.op(id) {
        Op::Unary(Unary::Square) => graph.operands(id).first().copied(),
        Op::Mul(Mul) => match graph.operands(id)[..] {
            [a, b] if a == b => Some(a),
            _ => None,
        },
        _ => None,
    }
}

/// The operand of a function.
fn of_unary(graph: &Graph, id: NodeId, function: &Unary) -> Option<NodeId> {
    match graph.op(id) {
        Op::Unary(own) if own == function => graph.operands(id).first().copied(),
        _ => None,
    }
}

/// What a node repeats, if it repeats something.
fn repeated(graph: &Graph, id: NodeId) -> NodeId {
    match graph.op(id) {
        Op::Broadcast(Broadcast) => graph.operands(id).first().copied().unwrap_or(id),
        _ => id,
    }
}
