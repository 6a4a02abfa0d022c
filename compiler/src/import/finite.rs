//! Whether all numbers of a model are numbers.
//!
//! Minus infinity is one in a mask: what is added to scores of a softmax, or chosen in their place, says that an entry has no weight. An
//! infinite bound of a clip, a maximum or a minimum is none. Everywhere else infinities and what is not a number would come out as some integer or other.

use tract_onnx::pb::ModelProto;

use super::check::display_name;
use super::error::ImportError;
use super::flow::Flow;
use super::rewrite::constant;
use super::tensors::{self, Element};
use crate::graph::{Graph, NodeId};
use crate::ops::{Add, Broadcast, Constant, Div, Max, Mul, Op, Pad, Reshape, Select, Unary};

/// Checks the tensors that stand in the file.
///
/// # Errors
/// The first entry that is not finite, with its tensor and place.
pub(super) fn check(proto: &ModelProto) -> Result<(), ImportError> {
    let Some(graph) = &proto.graph else { return Ok(()) };
    let flow = Flow::new(graph);
    for tensor in &graph.initializer {
        one(&flow, &tensor.name, &format!("tensor `{}`", tensor.name), tensor)?;
    }
    for node in &graph.node {
        let value = node.output.first().map_or("", String::as_str);
        let name = format!("node `{}` ({})", display_name(node), node.op_type);
        if let Some(tensor) = (node.op_type == "Constant").then(|| constant(node)).flatten() {
            one(&flow, value, &name, &tensor)?;
        } else if let Some(tensor) = node.attribute.iter().find_map(|attribute| attribute.t.as_ref()) {
            one(&flow, value, &name, tensor)?;
        }
    }
    Ok(())
}

fn one(flow: &Flow<'_>, value: &str, name: &str, tensor: &tract_onnx::pb::TensorProto) -> Result<(), ImportError> {
    if !Element::of(tensor.data_type).is_some_and(Element::is_float) || tensors::is_external(tensor) {
        return Ok(());
    }
    let allowed = |v: f64| match v {
        f64::NEG_INFINITY => flow.may_be_infinite(value) || flow.is_bound(value, true),
        f64::INFINITY => flow.is_bound(value, false),
        v => v.is_finite(),
    };
    match tensors::position(tensor, |v| !v.is_finite() && !allowed(v)) {
        Some((flat, value)) => {
            let place = tensors::place(&tensor.dims, flat);
            Err(ImportError::NotFinite { tensor: name.to_owned(), place, value })
        }
        None => Ok(()),
    }
}

/// Checks the numbers of a graph: those of files beside the model, and what was computed from constants.
///
/// # Errors
/// The first number that is not finite, with its node and place.
pub(super) fn check_graph(graph: &Graph) -> Result<(), ImportError> {
    for (id, node) in graph.nodes() {
        let refuse = |place: Vec<usize>, value: f64| {
            let name = format!("node `{}` ({})", node.name, node.op.name());
            Err(ImportError::NotFinite { tensor: name, place, value })
        };
        match &node.op {
            Op::Constant(Constant(value)) => {
                let bad = value
                    .indexed_iter()
                    .find(|(_, v)| !(v.is_finite() || **v == f64::NEG_INFINITY && ends_in_softmax(graph, id)));
                if let Some((place, &v)) = bad {
                    return refuse((0..value.ndim()).map(|axis| place[axis]).collect(), v);
                }
            }
            Op::Pad(Pad { value, .. }) if !value.is_finite() => return refuse(Vec::new(), *value),
            Op::Unary(Unary::LeakyRelu(v)) if !v.is_finite() => return refuse(Vec::new(), f64::from(*v)),
            Op::Unary(Unary::Pow(v)) if !v.is_finite() => return refuse(Vec::new(), *v),
            Op::Unary(Unary::Clip { lo, .. }) if lo.is_nan() || *lo == f64::INFINITY => return refuse(Vec::new(), *lo),
            Op::Unary(Unary::Clip { hi, .. }) if hi.is_nan() || *hi == f64::NEG_INFINITY => return refuse(Vec::new(), *hi),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a value is added to scores of a softmax, or chosen in their place, and used for nothing else.
fn ends_in_softmax(graph: &Graph, id: NodeId) -> bool {
    let (mut seen, mut stack) = (std::collections::HashSet::new(), vec![(id, false)]);
    let mut reached = false;
    while let Some((id, scores)) = stack.pop() {
        if graph.outputs().contains(&id) {
            return false;
        }
        for (user, position) in graph.users(id) {
            let next = match graph.op(user) {
                Op::Reshape(Reshape) | Op::Broadcast(Broadcast) | Op::Transpose(_) | Op::Slice(_) | Op::Take(_) => scores,
                Op::Add(Add) | Op::Max(Max) => true,
                Op::Select(Select) if position > 0 => true,
                Op::Mul(Mul) | Op::Div(Div) if scores => true,
                Op::Softmax(_) | Op::LogSoftmax(_) if scores => {
                    reached = true;
                    continue;
                }
                _ => return false,
            };
            if seen.insert((user, next)) {
                stack.push((user, next));
            }
        }
    }
    reached
}
