//! What can keep a graph from being lowered.

use crate::graph::{Graph, NodeId};

const FOREIGN: &str = "was the key made from this model?";

/// Why a node has no integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No integers of these widths hold it; others may.
    Width(String),
    /// No width helps.
    Unsupported(String),
    /// An annotation that this lowering would not have written.
    Annotation(String),
    /// A weight that is not the one that is committed.
    Committed(String),
}

impl Refusal {
    /// What the user can do.
    fn hint(&self) -> &'static str {
        match self {
            Self::Width(_) => "try other widths (--bits), or simplify the model around this node",
            Self::Unsupported(_) => "no width helps: replace this operation in the model by others, or leave it out",
            Self::Annotation(_) => FOREIGN,
            Self::Committed(_) => {
                "is it the same model? compile it for its longest text first, for shorter ones on the weights of that"
            }
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Width(why) | Self::Unsupported(why) | Self::Annotation(why) | Self::Committed(why)) = self;
        f.write_str(why)
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Self {
        Self::Unsupported(why.to_owned())
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::Unsupported(why)
    }
}

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
    pub(super) fn annotations(why: Refusal) -> Self {
        let hint = why.hint().to_owned();
        Self { node: String::new(), op: "annotations".to_owned(), why: why.to_string(), hint }
    }

    pub(super) fn refused(graph: &Graph, id: NodeId, why: Refusal) -> Self {
        let node = graph.node(id);
        let (why, hint) = (why.to_string(), why.hint().to_owned());
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
        let hint = |why: Refusal| Problem::refused(&graph, x, why).hint;
        assert!(hint(Refusal::Width("more than 61 bits".to_owned())).contains("--bits"));
        assert!(hint("a convolution over 3 axes".into()).starts_with("no width helps"));
        assert_eq!(hint(Refusal::Annotation("a decision of 9".to_owned())), FOREIGN);
    }
}
