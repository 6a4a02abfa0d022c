//! On which grids of an input its comparisons with constants come out as those of the numbers themselves.
//!
//! A feature is often measured in tenths, and thresholds of trees are often features that were seen. Both are rounded to the grid of the integers,
//! so that `x < t` of equal numbers, or of neighbours, may come out either way. Samples show on which grids it does not.

use std::collections::HashMap;

use ndarray::ArrayD;

use crate::graph::{Graph, NodeId};
use crate::ops::{Compare, Einsum, Op};

/// The coarsest grid that is looked at has steps of two to this many.
const COARSEST: i32 = 24;
/// Nodes between an input and a comparison.
const FARTHEST: usize = 16;

/// For each input, a bit for every scale at which a comparison of some sample comes out wrong, the coarsest first.
pub(super) type Grids = HashMap<NodeId, u64>;

/// Whether comparisons with constants are all that a node goes into, by whatever views.
pub(crate) fn is_compared(graph: &Graph, id: NodeId) -> bool {
    let users = graph.users(id);
    let compared = |&(user, position): &(NodeId, usize)| match graph.op(user) {
        Op::Compare(_) => graph.operands(user).get(1 - position.min(1)).is_some_and(|&other| graph.behind(other).is_some()),
        op => op.nature().layout && position == 0 && is_compared(graph, user),
    };
    !graph.outputs().contains(&id) && !users.is_empty() && users.iter().all(compared)
}

/// Takes in the comparisons of a sample.
pub(super) fn observe<'v>(grids: &mut Grids, graph: &Graph, value: impl Fn(NodeId) -> &'v ArrayD<f64>) {
    for (id, node) in graph.nodes() {
        let Op::Compare(Compare(comparison)) = node.op else { continue };
        let [a, b] = graph.operands(id)[..] else { continue };
        for (side, x, other) in [(0, a, b), (1, b, a)] {
            let Some(input) = selected(graph, x).filter(|_| graph.behind(other).is_some()) else { continue };
            let wrong = grids.entry(input).or_default();
            for (&x, &constant) in value(x).iter().zip(value(other)) {
                let compare = |x: f64| if side == 0 { comparison.eval(x, constant) } else { comparison.eval(constant, x) };
                *wrong |= differs(|x| compare(x) != 0.0, x, constant);
            }
        }
    }
}

/// The coarsest scale from one on, by at most so many bits, at which no comparison of a sample comes out wrong.
pub(super) fn finer(grids: &Grids, input: NodeId, from: i32, most: i32) -> i32 {
    let wrong = grids.get(&input).copied().unwrap_or(0);
    let right =
        |scale: i32| u32::try_from(scale + COARSEST).ok().and_then(|bit| wrong.checked_shr(bit)).is_some_and(|w| w & 1 == 0);
    (0..=most).find(|&more| right(from + more)).unwrap_or(0)
}

/// Scales at which a comparison of a number, rounded, with a constant comes out wrong.
fn differs(compare: impl Fn(f64) -> bool, x: f64, constant: f64) -> u64 {
    let (truth, apart) = (compare(x), (x - constant).abs());
    let mut wrong = 0;
    for bit in 0..u64::BITS {
        let units = f64::from(bit as i32 - COARSEST).exp2();
        // Rounding moves a number by half a step.
        if apart * units > 0.5 {
            break;
        }
        let rounded = (x * units + 0.5).floor() / units;
        if compare(rounded) != truth {
            wrong |= 1 << bit;
        }
    }
    wrong
}

/// The input of which every entry of a node is an entry.
fn selected(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let mut current = id;
    for _ in 0..FARTHEST {
        let operands = graph.operands(current);
        current = match (graph.op(current), &operands[..]) {
            (Op::Input(_), _) => return (!graph.domain(current).is_exact()).then_some(current),
            (Op::Einsum(Einsum { lhs, rhs, out }), &[a, b]) => {
                let (x, constant, labels) = match (graph.constant(a), graph.constant(b)) {
                    (None, Some(constant)) => (a, constant, rhs),
                    (Some(constant), None) => (b, constant, lhs),
                    _ => return None,
                };
                // One entry of each row is 1, and what is summed is a row.
                let summed: Vec<usize> = (0..labels.len()).filter(|&axis| !out.contains(&labels[axis])).collect();
                let bits = constant.iter().all(|&v| v == 0.0 || v == 1.0);
                let ones = summed.iter().rev().fold((**constant).clone(), |sum, &axis| sum.sum_axis(ndarray::Axis(axis)));
                if !bits || !ones.iter().all(|&count| count == 1.0) {
                    return None;
                }
                x
            }
            (op, &[x]) if op.nature().layout => x,
            _ => return None,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_at(x: f64, constant: f64, strict: bool) -> Vec<i32> {
        let wrong = differs(|x| if strict { x < constant } else { x <= constant }, x, constant);
        (0..64).filter(|bit| wrong >> bit & 1 == 1).map(|bit| bit - COARSEST).filter(|&scale| scale >= 0).collect()
    }

    #[test]
    fn numbers_that_are_equal_need_a_grid_that_has_them() {
        // 5.6 of 32 bits lies on the grid of 21 bits behind the point, and below it rounding goes either way.
        let x = f64::from(5.6f32);
        let (less, most) = (wrong_at(x, x, true), wrong_at(x, x, false));
        assert!(less.iter().chain(&most).all(|&scale| scale < 21), "{less:?} {most:?}");
        let mut all: Vec<i32> = less.into_iter().chain(most).collect();
        all.sort_unstable();
        assert!((0..18).all(|scale| all.contains(&scale)), "{all:?}");
    }

    #[test]
    fn numbers_that_are_far_apart_need_no_fine_grid() {
        assert_eq!(wrong_at(4.9, 4.95, false), [0, 1, 2]);
        assert_eq!(wrong_at(2.0, 7.5, true), [] as [i32; 0]);
    }

    #[test]
    fn the_coarsest_right_grid_is_taken() {
        let input = NodeId::new(0);
        let grids = Grids::from([(input, 0b1011 << COARSEST)]);
        assert_eq!([0, 1, 3, 4].map(|from| finer(&grids, input, from, 8)), [2, 1, 1, 0]);
        assert_eq!((finer(&grids, input, 0, 1), finer(&Grids::new(), input, 0, 8)), (0, 0));
    }
}
