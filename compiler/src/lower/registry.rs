//! The rule of each operation.

use super::builder::Refusal;
use super::error::{LowerError, Problem};
use super::{Lowering, Value};
use crate::graph::{Graph, NodeId, Op, ReduceKind};

/// From a node whose operands are lowered to its value.
pub(super) type Rule<'g> = fn(&mut Lowering<'g>, NodeId) -> Result<Value, Refusal>;

/// The rule of an operation; none for inputs and constants, and for what is not supported.
pub(super) fn rule<'g>(op: &Op) -> Option<Rule<'g>> {
    Some(match op {
        Op::Conv { .. } => Lowering::conv,
        Op::Einsum { .. } => Lowering::einsum,
        Op::Add => Lowering::add,
        Op::Sub => Lowering::sub,
        Op::Mul => Lowering::mul,
        Op::Div => Lowering::div,
        Op::Max => Lowering::max,
        Op::Min => Lowering::min,
        Op::PRelu => Lowering::prelu,
        Op::Unary(_) => Lowering::unary,
        Op::MaxPool(_) => Lowering::max_pool,
        Op::AveragePool { .. } => Lowering::average_pool,
        Op::Reduce { kind: ReduceKind::Sum | ReduceKind::Mean, .. } => Lowering::reduce_sum,
        Op::Reduce { .. } => Lowering::reduce_max,
        Op::Softmax { .. } => Lowering::softmax,
        Op::LogSoftmax { .. } => Lowering::log_softmax,
        Op::MaskedSoftmax { .. } => Lowering::masked_softmax,
        Op::ColumnScale(_) => Lowering::column_scale,
        Op::Reshape => Lowering::reshape,
        Op::Transpose(_) => Lowering::transpose,
        Op::Concat { .. } => Lowering::concat,
        Op::Slice { .. } => Lowering::slice,
        Op::Pad { .. } => Lowering::pad,
        Op::Broadcast => Lowering::broadcast,
        Op::Take { .. } => Lowering::take,
        Op::Input { .. } | Op::Constant(_) | Op::Compare(_) | Op::Select => return None,
    })
}

/// All nodes without a rule.
pub(super) fn check(graph: &Graph) -> Result<(), LowerError> {
    let missing = |id: NodeId| {
        let op = graph.op(id);
        rule(op).is_none() && !matches!(op, Op::Input { .. } | Op::Constant(_))
    };
    let problems: Vec<Problem> = graph
        .nodes()
        .filter(|(id, _)| missing(*id))
        .map(|(id, _)| Problem {
            hint: "replace it by supported operations before export".to_owned(),
            ..Problem::refused(graph, id, "this operation is not supported".to_owned())
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(LowerError { problems }) }
}
