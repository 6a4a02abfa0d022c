//! Products of one-hot rows with a table, which are rows of the table.

use ndarray::{Array1, ArrayD, Axis};

use super::super::{Domain, Graph, NodeId};
use crate::ops::{Broadcast, Compare, Comparison, Einsum, Gather, Label, Op, Pad, Reshape, Transpose, Unary};

/// The last id that floats of 32 bits hold.
const MOST: usize = 1 << 24;

/// `[x = 0, 1, ..] W` as the rows of `W` at `x`, and rows of zeros behind its end. Integers of an input that no row stands for are refused
/// as inputs, as far ones are anyway; what is computed has to lie within the rows by its type.
pub fn find_one_hots(graph: &mut Graph) -> bool {
    let mut changed = false;
    for id in graph.order() {
        let Op::Einsum(einsum) = graph.op(id).clone() else { continue };
        let [a, b] = graph.operands(id)[..] else { continue };
        if graph.uses(id) == 0 {
            continue;
        }
        let Einsum { lhs, rhs, out } = einsum;
        let found = rows(graph, id, (a, &lhs), (b, &rhs), &out).or_else(|| rows(graph, id, (b, &rhs), (a, &lhs), &out));
        if let Some(new) = found {
            graph.replace(id, new);
            changed = true;
        }
    }
    changed
}

fn rows(graph: &mut Graph, id: NodeId, hot: (NodeId, &[Label]), table: (NodeId, &[Label]), out: &[Label]) -> Option<NodeId> {
    let ((hot, hot_labels), (table, table_labels)) = (hot, table);
    let table = graph.constant(table)?.clone();
    let mut contracted = hot_labels.iter().filter(|label| table_labels.contains(label) && !out.contains(label));
    let (label, None) = (*contracted.next()?, contracted.next()) else { return None };
    let at = |labels: &[Label]| labels.iter().position(|&l| l == label);
    let (hot_axis, table_axis) = (at(hot_labels)?, at(table_labels)?);
    let (x, count) = one_hot(graph, hot, hot_axis)?;

    // The table's rows come first; what both operands have beside them has extent 1 and stays with the ids.
    let mut order = vec![table_axis];
    order.extend((0..table_labels.len()).filter(|&axis| axis != table_axis));
    let mut table = table.view().permuted_axes(order.clone()).as_standard_layout().into_owned();
    let mut rest = Vec::new();
    for (place, &axis) in order.iter().enumerate().skip(1).rev() {
        match hot_labels.contains(&table_labels[axis]) {
            true if graph.shape(hot)[hot_labels.iter().position(|l| *l == table_labels[axis])?] != 1 => return None,
            true => table = table.index_axis_move(Axis(place), 0),
            false => rest.insert(0, table_labels[axis]),
        }
    }
    let rows = within(graph, x, count)?;
    let (name, shape) = (graph.node(id).name.clone(), graph.shape(id).to_vec());
    let ids: Vec<Label> = hot_labels.iter().copied().filter(|&l| l != label).collect();
    let extents: Vec<usize> = (0..hot_labels.len()).filter(|&a| a != hot_axis).map(|a| graph.shape(hot)[a]).collect();
    let list = graph.add(name.clone(), Reshape, &[x], &extents);
    let mut source = graph.add_constant(name.clone(), table);
    if rows > count {
        let mut end = vec![0; graph.shape(source).len()];
        let begin = end.clone();
        end[0] = rows - count;
        source = graph.add_inferred(name.clone(), Pad { begin, end, value: 0.0 }, &[source]).ok()?;
    }
    let gathered = graph.add_inferred(name.clone(), Gather { axis: 0 }, &[source, list]).ok()?;
    let labels: Vec<Label> = ids.into_iter().chain(rest).collect();
    let order: Option<Vec<usize>> = out.iter().map(|label| labels.iter().position(|l| l == label)).collect();
    let order = order.filter(|order| order.len() == labels.len())?;
    Some(if order.is_sorted() { gathered } else { graph.add(name, Transpose(order), &[gathered], &shape) })
}

/// The integers that are compared with 0, 1, .. along an axis, and with how many; the node is 1 where they are equal.
fn one_hot(graph: &Graph, mut id: NodeId, axis: usize) -> Option<(NodeId, usize)> {
    while let Op::Unary(Unary::ToReal) = graph.op(id) {
        id = *graph.operands(id).first()?;
    }
    let Op::Compare(Compare(Comparison::Equal)) = graph.op(id) else { return None };
    let [a, b] = graph.operands(id)[..] else { return None };
    let (x, known) = match (graph.behind(a), graph.behind(b)) {
        (None, Some(known)) => (a, known),
        (Some(known), None) => (b, known),
        _ => return None,
    };
    let count = *graph.shape(id).get(axis)?;
    let counts = known.len() == count && known.shape().get(axis) == Some(&count) && counts(&known);
    let Op::Broadcast(Broadcast) = graph.op(x) else { return None };
    let &x = graph.operands(x).first()?;
    let mut extents = graph.shape(id).to_vec();
    extents[axis] = 1;
    (counts && count > 1 && graph.shape(x) == extents && graph.domain(x).is_exact()).then_some((x, count))
}

/// Whether entries are 0, 1, 2 and so on.
fn counts(values: &ArrayD<f64>) -> bool {
    let expected: Array1<f64> = (0..values.len()).map(|i| i as f64).collect();
    values.iter().eq(expected.iter())
}

/// How many rows there must be for the integers of a node, of which so many are not zero.
fn within(graph: &mut Graph, x: NodeId, count: usize) -> Option<usize> {
    let (lo, hi) = graph.domain(x).range()?;
    if lo >= 0 && hi < count as i64 {
        return Some(count);
    }
    let mut chain = vec![x];
    while let (Op::Reshape(Reshape), Some(&inner)) = (graph.op(*chain.last()?), graph.operands(*chain.last()?).first()) {
        chain.push(inner);
    }
    let input = *chain.last()?;
    let rows = (count + 1).next_power_of_two();
    if !matches!(graph.op(input), Op::Input(_)) || rows > MOST {
        return None;
    }
    for id in chain {
        graph.declare(id, Domain::Integer { lo: 0, hi: rows as i64 - 1 });
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use ndarray::IxDyn;

    use super::super::simplify;
    use super::*;

    fn array(shape: &[usize], value: impl Fn(usize) -> f64) -> ArrayD<f64> {
        let len: usize = shape.iter().product();
        ArrayD::from_shape_vec(IxDyn(shape), (0..len).map(value).collect()).expect("of the shape")
    }

    /// `[x = counts] W` for ids of shape `[1, 6]`.
    fn product(domain: Domain, counts: &[f64]) -> Graph {
        let (mut graph, n) = (Graph::new(), counts.len());
        let x = graph.add_input_of(domain, "x", &[1, 6]);
        let x = graph.add("x", Reshape, &[x], &[1, 6, 1]);
        let x = graph.add("x", Broadcast, &[x], &[1, 6, n]);
        let counts = graph.add_constant("counts", array(&[1, 1, n], |i| counts[i]));
        let counts = graph.add("counts", Broadcast, &[counts], &[1, 6, n]);
        let hot = graph.add_inferred("hot", Compare(Comparison::Equal), &[x, counts]).expect("fits");
        let hot = graph.add_inferred("real", Unary::ToReal, &[hot]).expect("fits");
        let table = graph.add_constant("table", array(&[n, 3], |i| (i as f64 * 1.7).sin()));
        let einsum = Einsum { lhs: Label::of([0, 1, 2]), rhs: Label::of([2, 3]), out: Label::of([3, 0, 1]) };
        let y = graph.add_inferred("y", einsum, &[hot, table]).expect("fits");
        graph.add_output("y", y);
        graph
    }

    fn gathers(graph: &mut Graph) -> bool {
        simplify(graph);
        graph.validate().expect("well formed");
        graph.nodes().any(|(_, node)| matches!(node.op, Op::Gather(_)))
    }

    #[test]
    fn rows_are_those_of_the_product() {
        let counts = [0.0, 1.0, 2.0, 3.0, 4.0];
        for (domain, most) in [(Domain::Integer { lo: 0, hi: 4 }, 4.0), (Domain::ANY, 7.0)] {
            let mut graph = product(domain, &counts);
            let inputs = [array(&[1, 6], |i| (i as f64 * 3.0) % (most + 1.0))];
            let before = graph.evaluate(&inputs).expect("it runs").outputs()[0].clone();
            assert!(gathers(&mut graph));
            assert_eq!(graph.evaluate(&inputs).expect("it runs").outputs()[0], &before);
            assert_eq!(graph.domain(graph.inputs()[0]), Domain::Integer { lo: 0, hi: most as i64 });
        }
    }

    #[test]
    fn what_does_not_count_is_no_one_hot() {
        for counts in [[0.0, 1.0, 1.0, 3.0], [0.0, 1.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]] {
            assert!(!gathers(&mut product(Domain::Integer { lo: 0, hi: 3 }, &counts)), "{counts:?}");
        }
        assert!(!gathers(&mut product(Domain::Real, &[0.0, 1.0, 2.0, 3.0])));
    }
}
