//! What can be wrong with a graph.

use thiserror::Error;

use crate::ops::Misfit;

/// A violated invariant of a [`Graph`](super::Graph).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GraphError {
    /// A node depends on itself.
    #[error("node `{node}` depends on its own result")]
    Cycle {
        /// A node of the cycle.
        node: String,
    },
    /// Operand indices of a node have a gap or a duplicate.
    #[error("node `{node}`: operand indices are not 0, 1, ..; found index {position}")]
    Operand {
        /// The node.
        node: String,
        /// The operand index that is out of order.
        position: usize,
    },
    /// Shapes or attributes of a node do not fit its operands.
    #[error("node `{node}` ({op}): {reason}")]
    Shape {
        /// The node.
        node: String,
        /// Its op.
        op: &'static str,
        /// What was expected and what was found.
        reason: Misfit,
    },
    /// The graph has no outputs.
    #[error("the graph has no outputs")]
    NoOutput,
}
