//! What each node becomes, as far as it becomes anything: nodes without integers do not keep others from being looked at.

use std::collections::HashSet;
use std::ops::Range;

use zktorch_blocks::program::Program;

use super::decisions::Decisions;
use super::{Interface, LowerError, Lowering, Problem};
use crate::graph::{Graph, NodeId};
use crate::quantise::{Calibration, Settings};

/// The tensors and the lookups that a node's rule makes, by their numbers.
pub(crate) struct Part {
    pub node: NodeId,
    pub tensors: Range<usize>,
    pub lookups: Range<usize>,
    /// It is part of another node's rule.
    pub absorbed: bool,
}

/// All nodes that become something, and what keeps others from it.
pub(crate) struct Parts {
    /// Not whole if anything is refused.
    pub program: Program,
    pub parts: Vec<Part>,
    pub problems: Vec<Problem>,
    /// Nodes that depend on a node that is refused.
    pub waiting: Vec<NodeId>,
}

/// Lowers what can be lowered.
///
/// # Errors
/// If not even inputs have integers.
pub(crate) fn explain<'g>(
    graph: &'g Graph,
    calibration: &'g Calibration,
    settings: Settings,
    interface: Interface<'g>,
) -> Result<Parts, LowerError> {
    let mut lowering = Lowering::new(graph, calibration, settings, interface, Decisions::made(settings), None)?;
    let (mut parts, mut problems, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    let mut lost: HashSet<NodeId> = HashSet::new();
    for id in graph.order() {
        if graph.operands(id).iter().any(|operand| lost.contains(operand)) {
            lost.insert(id);
            waiting.push(id);
            continue;
        }
        let size = |at: &Lowering<'_>| (at.builder.program().tensors.len(), at.builder.program().lookups.len());
        let before = size(&lowering);
        let why = graph.op(id).operator().unsupported().map(Into::into);
        if let Err(why) = why.map_or_else(|| lowering.node(id), Err) {
            problems.push(Problem::refused(graph, id, why));
            lost.insert(id);
            continue;
        }
        let after = size(&lowering);
        let absorbed = lowering.plan.absorbed.contains(&id);
        parts.push(Part { node: id, tensors: before.0..after.0, lookups: before.1..after.1, absorbed });
    }
    let (program, _) = lowering.builder.finish();
    Ok(Parts { program, parts, problems, waiting })
}
