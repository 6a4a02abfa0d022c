//! Rewrites of the typed graph. Each preserves [`Graph::evaluate`] up to float rounding.

use super::Graph;

/// All passes.
pub fn simplify(graph: &mut Graph) {
    graph.remove_dead();
}
