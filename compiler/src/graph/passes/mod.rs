//! Rewrites of the typed graph. Each preserves [`Graph::evaluate`] up to float rounding, says whether it changed
//! anything, and may leave nodes without users behind.

mod absorb;
mod affine;
mod constants;
mod functions;
mod logarithms;
mod logic;
mod masks;
mod norms;
mod onehot;
mod rotary;
mod softmaxes;
mod views;

#[cfg(test)]
mod tests;

use super::{Graph, NodeId};
use crate::ops::{Broadcast, Op, Unary};

pub use absorb::absorb_views;
pub use affine::fold_affine;
pub(super) use affine::{scaled_einsum, split, with_constant};
pub use constants::fold_constants;
pub(super) use constants::uniform;
pub use functions::{fuse_functions, merge_clips};
pub use logarithms::join_log_softmax;
pub use logic::decide_logic;
pub use masks::find_masks;
pub use norms::find_norms;
pub use onehot::find_one_hots;
pub use rotary::find_rotations;
pub use softmaxes::find_softmaxes;
pub use views::merge_views;

/// The product of two constants of one rank, each broadcast where it has extent 1.
pub(super) fn combined(a: &ndarray::ArrayD<f64>, b: &ndarray::ArrayD<f64>) -> Option<ndarray::ArrayD<f64>> {
    constants::combine(a, b, |a, b| a * b)
}

/// The operand of a function.
pub(super) fn of_unary(graph: &Graph, id: NodeId, function: &Unary) -> Option<NodeId> {
    match graph.op(id) {
        Op::Unary(own) if own == function => graph.operands(id).first().copied(),
        _ => None,
    }
}

/// What a node repeats, if it repeats something.
pub(super) fn repeated(graph: &Graph, id: NodeId) -> NodeId {
    match graph.op(id) {
        Op::Broadcast(Broadcast) => graph.operands(id).first().copied().unwrap_or(id),
        _ => id,
    }
}

/// A rewrite, and whether it changed anything.
pub type Pass = fn(&mut Graph) -> bool;

/// All passes, by name, in their order.
pub const PASSES: &[(&str, Pass)] = &[
    ("merge views", merge_views),
    ("absorb views", absorb_views),
    ("fold constants", fold_constants),
    ("find rotations", find_rotations),
    ("find norms", find_norms),
    ("find softmaxes", find_softmaxes),
    ("find one-hots", find_one_hots),
    ("decide logic", decide_logic),
    ("join log-softmax", join_log_softmax),
    ("fold affine", fold_affine),
    ("find masks", find_masks),
    ("merge clips", merge_clips),
    ("fuse functions", fuse_functions),
];

/// Runs all passes until none changes anything (at most a fixed number of rounds), and removes unused nodes.
pub fn simplify(graph: &mut Graph) {
    graph.remove_dead();
    for _ in 0..64 {
        let mut changed = false;
        for (_, pass) in PASSES {
            changed |= pass(graph);
            graph.remove_dead();
        }
        if !changed {
            break;
        }
    }
}
