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
        // Reasons of arithmetic speak of bits; no width helps against any other.
        let hint = match why.contains("bits") || why.contains("limbs") || why.contains("calibrated range") {
            true => "try other widths (--bits), or simplify the model around this node",
            false => "no width helps: replace this operation in the model by others, or leave it out",
        };
        let hint = hint.to_owned();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_fit_the_cause() {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[2]);
        let hint = |why: &str| Problem::refused(&graph, x, why.to_owned()).hint;
        assert!(hint("`x` could reach [-9, 9], more than 61 bits: use fewer bits").contains("--bits"));
        assert!(hint("division of two tensors is not supported yet").starts_with("no width helps"));
        assert!(hint("the kernel must be a constant").starts_with("no width helps"));
    }
}
