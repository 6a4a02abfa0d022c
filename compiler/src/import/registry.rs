//! Which operators are understood, and by what.

use super::ops::{elementwise, linear, pool, reduce, views};
use super::translate::{Refusal, Site, Translator};
use crate::graph::NodeId;

/// Translates one node into nodes of the graph and returns the one that is its output.
pub(super) type Handler = fn(&mut Translator<'_>, &Site<'_>) -> Result<NodeId, Refusal>;

/// The handler of an operator, by tract's name for it.
pub(super) fn handler(operator: &str) -> Option<Handler> {
    Some(match operator {
        "Conv" => linear::conv,
        "EinSum" => linear::einsum,
        "MaxPool" => pool::max_pool,
        "SumPool" => pool::sum_pool,
        "Softmax" => reduce::softmax,
        "LogSoftmax" => reduce::log_softmax,
        "AddAxis" | "RmAxis" | "Reshape" => views::reshape,
        "MoveAxis" => views::move_axis,
        "Concat" => views::concat,
        "Slice" => views::slice,
        "StridedSlice" => views::strided_slice,
        "Downsample" => views::downsample,
        "Pad" => views::pad,
        "MultiBroadcastTo" => views::broadcast,
        "Tile" => views::tile,
        "Gather" => views::gather,
        "Identity" => views::identity,
        "Dropout" => views::dropout,
        "Cast" => elementwise::cast,
        "Iff" => elementwise::select,
        reduction if reduction.starts_with("Reduce<") => reduce::reduce,
        "Scan" | "GruSeq" | "LstmSeq" => return None,
        _ => elementwise::by_mini_op,
    })
}
