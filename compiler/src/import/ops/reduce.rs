//! Reductions and softmax.

use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, Softmax};

use crate::graph::{NodeId, Op, ReduceKind, Unary};
use crate::import::translate::{Refusal, Site, Translator};

/// Sum, maximum, minimum and mean of squares.
pub(in crate::import) fn reduce(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<Reduce>()?;
    let axes = sorted(&op.axes);
    let mut x = t.operand(site, 0)?;
    let kind = match op.reducer {
        Reducer::Sum => ReduceKind::Sum,
        Reducer::Max => ReduceKind::Max,
        Reducer::Min => ReduceKind::Min,
        Reducer::MeanOfSquares => {
            x = t.add(site, Op::Unary(Unary::Square), &[x])?;
            ReduceKind::Mean
        }
        other => return Err(format!("the reduction {other:?} is not supported")),
    };
    t.add(site, Op::Reduce { kind, axes }, &[x])
}

/// Softmax over some axes.
pub(in crate::import) fn softmax(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<Softmax>()?;
    let x = t.operand(site, 0)?;
    t.add(site, Op::Softmax { axes: sorted(&op.axes) }, &[x])
}

/// The logarithm of softmax over some axes.
pub(in crate::import) fn log_softmax(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let axes = sorted(&site.op::<Softmax>()?.axes);
    let x = t.operand(site, 0)?;
    t.add(site, Op::LogSoftmax { axes }, &[x])
}

fn sorted(axes: &[usize]) -> Vec<usize> {
    let mut axes = axes.to_vec();
    axes.sort_unstable();
    axes.dedup();
    axes
}
