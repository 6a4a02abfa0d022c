//! Normalisations: the few spellings of `(x - mean) / sqrt(variance + eps)` and `x / sqrt(mean of squares + eps)`.
//!
//! Taken apart, the square root's operand needs more bits than any table has, because squares of a row's entries lie as far apart as they
//! do twice over; as one node the root is exact (docs/lowerings.md, section 12).

use super::super::{Graph, NodeId};
use super::constants::uniform;
use super::{of_unary, repeated, split};
use crate::ops::{Add, Div, Mul, Norm, Op, Reduce, ReduceKind, Reshape, Sub, Unary};

/// How far a stated `1 / n` may be off, which is one in floats of 32 bits.
const CLOSE: f64 = 1e-6;

/// Makes one node of every normalisation. What its result is multiplied with stays.
pub fn find_norms(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        if graph.uses(id) == 0 {
            continue;
        }
        let Some(Found { c, divisor, root, factor }) = quotient(graph, id) else { continue };
        let Some((x, norm)) = normalisation(graph, c, root) else { continue };
        // Reshapes keep the order of rows, so that one that ends in the rows' own shape has changed nothing.
        let shape = graph.shape(divisor);
        if shape != rows(graph, x, &norm.axes) && shape != graph.shape(x) {
            continue;
        }
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

/// `c / sqrt(root)`, and what it is multiplied with. The divisor, or its reciprocal, is repeated along rows.
struct Found {
    c: NodeId,
    divisor: NodeId,
    root: NodeId,
    factor: Option<NodeId>,
}

/// `c / sqrt(v)`, `c (1 / sqrt(v))` and `c ((1 / sqrt(v)) g)` for a constant `g`.
fn quotient(graph: &mut Graph, id: NodeId) -> Option<Found> {
    let [a, b] = graph.operands(id)[..] else { return None };
    match graph.op(id) {
        Op::Div(Div) => {
            let divisor = repeated(graph, b);
            let root = of_unary(graph, unshaped(graph, divisor), &Unary::Sqrt)?;
            Some(Found { c: a, divisor, root, factor: None })
        }
        Op::Mul(Mul) => [(a, b), (b, a)].into_iter().find_map(|(c, r)| {
            let divisor = repeated(graph, r);
            if let Some(root) = reciprocal_root(graph, divisor) {
                return Some(Found { c, divisor, root, factor: None });
            }
            let Op::Mul(Mul) = graph.op(r) else { return None };
            let [l, g] = graph.operands(r)[..] else { return None };
            [(l, g), (g, l)].into_iter().find_map(|(r, g)| {
                graph.behind(g)?;
                let divisor = repeated(graph, r);
                let root = reciprocal_root(graph, divisor)?;
                Some(Found { c, divisor, root, factor: Some(g) })
            })
        }),
        _ => None,
    }
}

/// `v` of `1 / sqrt(v)`.
fn reciprocal_root(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let id = unshaped(graph, id);
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
    let variance = unshaped(graph, variance);
    let difference = unshaped(graph, of_unary(graph, variance, &Unary::Relu).unwrap_or(variance));
    let Op::Sub(Sub) = graph.op(difference) else { return None };
    let [squares, square] = graph.operands(difference)[..] else { return None };
    let (of_squares, along) = repeated_mean(graph, squares, |_, id| Some(id))?;
    let (of_mean, own) = repeated_mean(graph, square, squared)?;
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
    let (of, axes) = repeated_mean(graph, m, |_, id| Some(id))?;
    (of == x).then_some((x, axes))
}

/// What a node repeats a function of the mean of, and along which axes the mean is.
fn repeated_mean(
    graph: &Graph,
    id: NodeId,
    argument: impl Fn(&Graph, NodeId) -> Option<NodeId>,
) -> Option<(NodeId, Vec<usize>)> {
    let inner = repeated(graph, id);
    let (x, axes) = mean(graph, argument(graph, unshaped(graph, inner))?)?;
    (inner == id || graph.shape(inner) == rows(graph, x, &axes)).then_some((x, axes))
}

/// What a node is the mean of, and along which axes: a mean, or a sum divided by the number of entries.
fn mean(graph: &Graph, id: NodeId) -> Option<(NodeId, Vec<usize>)> {
    let id = unshaped(graph, id);
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
    let reduced = unshaped(graph, reduced);
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

/// What a node has the entries of, in their order.
fn unshaped(graph: &Graph, mut id: NodeId) -> NodeId {
    while let (Op::Reshape(Reshape), Some(&inner)) = (graph.op(id), graph.operands(id).first()) {
        id = inner;
    }
    id
}

/// The shape of what there is one of for each row.
fn rows(graph: &Graph, x: NodeId, axes: &[usize]) -> Vec<usize> {
    graph.shape(x).iter().enumerate().map(|(axis, &extent)| if axes.contains(&axis) { 1 } else { extent }).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::super::simplify;
    use super::*;
    use crate::ops::Broadcast;

    /// `(x - mean) / sqrt(mean of squares - square of the mean + eps)` of columns, where the mean is written without its axis, and with it at
    /// some place before it is repeated.
    fn without_axes(place: [usize; 2]) -> Graph {
        let (mut graph, shape) = (Graph::new(), [3, 3]);
        let x = graph.add_input("x", &shape);
        let constant = |graph: &mut Graph, value: f64, shape: &[usize]| {
            graph.add_constant("constant", ArrayD::from_elem(IxDyn(shape), value))
        };
        let mean = |graph: &mut Graph, of: NodeId| {
            let sum = graph.add_inferred("sum", Reduce { kind: ReduceKind::Sum, axes: vec![0] }, &[of]).expect("fits");
            let sum = graph.add("sum", Reshape, &[sum], &[3]);
            let third = constant(graph, 1.0 / 3.0, &[3]);
            graph.add_inferred("mean", Mul, &[sum, third]).expect("fits")
        };
        let square = graph.add_inferred("square", Unary::Square, &[x]).expect("fits");
        let (mean_of_squares, m) = (mean(&mut graph, square), mean(&mut graph, x));
        let square_of_mean = graph.add_inferred("square", Unary::Square, &[m]).expect("fits");
        let variance = graph.add_inferred("variance", Sub, &[mean_of_squares, square_of_mean]).expect("fits");
        let variance = graph.add_inferred("variance", Unary::Relu, &[variance]).expect("fits");
        let eps = constant(&mut graph, 1e-3, &[3]);
        let variance = graph.add_inferred("eps", Add, &[variance, eps]).expect("fits");
        let root = graph.add_inferred("root", Unary::Rsqrt, &[variance]).expect("fits");
        let [m, root] = [m, root].map(|id| {
            let rows = graph.add("rows", Reshape, &[id], &place);
            graph.add("repeated", Broadcast, &[rows], &shape)
        });
        let c = graph.add_inferred("centred", Sub, &[x, m]).expect("fits");
        let y = graph.add_inferred("y", Mul, &[c, root]).expect("fits");
        graph.add_output("y", y);
        graph
    }

    #[test]
    fn rows_may_lose_their_axes_and_get_them_back_where_they_were() {
        let x = ArrayD::from_shape_fn(IxDyn(&[3, 3]), |at| (at[0] * 3 + at[1] * at[1]) as f64 * 0.4 - 1.0);
        for (place, found) in [([1, 3], true), ([3, 1], false)] {
            let mut graph = without_axes(place);
            let before = graph.evaluate(std::slice::from_ref(&x)).expect("it runs").outputs()[0].clone();
            simplify(&mut graph);
            graph.validate().expect("well formed");
            assert_eq!(graph.nodes().any(|(_, node)| matches!(node.op, Op::Norm(_))), found, "{place:?}");
            let after = graph.evaluate(std::slice::from_ref(&x)).expect("it runs").outputs()[0].clone();
            assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
}
