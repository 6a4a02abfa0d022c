//! What can keep a graph from being lowered.

use crate::graph::{Graph, NodeId};

/// A node that cannot be lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The node's name.
    pub node: String,
    /// Its operation.
    pub op: String,
    /// What is wrong, with what was expected.
    pub why: String,
    /// What the user can do.
    pub hint: String,
}

impl Problem {
    /// Annotations that no lowering of this model writes.
    pub(super) fn annotations(why: String) -> Self {
        let hint = "was the key made from this model?".to_owned();
        Self { node: String::new(), op: "annotations".to_owned(), why, hint }
    }

    pub(super) fn refused(graph: &Graph, id: NodeId, why: String) -> Self {
        let node = graph.node(id);
        let hint = "try other widths (--bits), or simplify the model around this node".to_owned();
        Self { node: node.name.clone(), op: node.op.name().to_owned(), why, hint }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node `{}` ({}): {}; hint: {}", self.node, self.op, self.why, self.hint)
    }
}

/// Everything that keeps a graph from being lowered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} node(s) cannot be lowered:{}", problems.len(), problems.iter().map(|p| format!("\n  {p}")).collect::<String>())]
pub struct LowerError {
    /// One for each node.
    pub problems: Vec<Problem>,
}

impl From<Problem> for LowerError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}
