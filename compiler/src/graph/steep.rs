//! What goes into functions that are steep near 0.

use std::collections::BTreeSet;

use super::{Domain, Graph, NodeId};
use crate::ops::{Op, Unary};

impl Graph {
    /// Nodes whose entries go into a function that is steep near 0, as they are, added up, or times constants: entries that are small beside others
    /// count as much.
    pub(crate) fn before_steep(&self) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        for id in self.order().into_iter().rev() {
            let taken = |user: NodeId| match self.op(user) {
                Op::Unary(function) if function.is_steep() => true,
                Op::Unary(Unary::Square) | Op::Concat(_) => found.contains(&user),
                Op::Mul(_) | Op::Einsum(_) | Op::Conv(_) => found.contains(&user) && !self.multiplies(user),
                op => found.contains(&user) && (op.nature().layout || op.nature().linear),
            };
            if self.domain(id) == Domain::Real
                && self.behind(id).is_none()
                && self.users(id).iter().any(|&(user, _)| taken(user))
            {
                found.insert(id);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Einsum, Label, Mul, Reduce, ReduceKind};

    #[test]
    fn what_is_added_up_before_a_root_is_steep_and_what_is_behind_is_not() {
        let mut g = Graph::new();
        let x = g.add_input("x", &[1, 2]);
        let w = g.add_constant("w", ndarray::ArrayD::from_shape_fn(vec![2, 3], |at| at[0] as f64 - at[1] as f64));
        let product = Einsum { lhs: Label::of([0, 1]), rhs: Label::of([1, 2]), out: Label::of([0, 2]) };
        let y = g.add_inferred("layer", product, &[x, w]).unwrap();
        let square = g.add_inferred("square", Unary::Square, &[y]).unwrap();
        let sum = g.add_inferred("sum", Reduce { kind: ReduceKind::Sum, axes: vec![1] }, &[square]).unwrap();
        let root = g.add_inferred("root", Unary::Sqrt, &[sum]).unwrap();
        let last = g.add_inferred("last", Mul, &[root, root]).unwrap();
        g.add_output("y", last);
        assert_eq!(g.before_steep(), BTreeSet::from([x, y, square, sum]));
    }
}
