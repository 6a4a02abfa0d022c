//! Weights that a file has twice, and weights that it has once for several users.
//!
//! The parser makes one tensor of two that are equal, and a weight of several users is committed once. Who has the file without its weights
//! does not see that two are equal: so one stands for both, by its name, in the file as it is read and in the one that is stripped.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::rewrite;
use super::tensors::{self, Element};

/// Type, shape and entries.
type Content<'g> = (i32, &'g [i64], Cow<'g, [u8]>);

/// Lets one of equal weights stand for all.
pub(super) fn merge(graph: &mut GraphProto) {
    let twins = twins(graph, graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)));
    rename(graph, &twins);
}

/// Lets one of the weights that a graph has lost stand for all that were equal to it in the whole graph.
pub(super) fn merge_lost(whole: &GraphProto, stripped: &mut GraphProto) {
    let own = stripped.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.clone()));
    let lost = own.chain(constants(stripped)).filter(|(_, tensor)| !tensors::has_data(tensor));
    let lost: HashSet<String> = lost.map(|(name, _)| name).collect();
    let constants = constants(whole);
    let all = whole.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor));
    let all = all.chain(constants.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    let twins = twins(whole, all.filter(|(name, _)| lost.contains(*name)));
    rename(stripped, &twins);
}

/// The values of constants that are nodes.
fn constants(graph: &GraphProto) -> Vec<(String, TensorProto)> {
    let constant = |node: &NodeProto| Some((node.output.first()?.clone(), rewrite::constant(node)?));
    graph.node.iter().filter(|node| node.op_type == "Constant").filter_map(constant).collect()
}

/// Which tensors of floats equal which before them.
fn twins<'g>(graph: &GraphProto, all: impl Iterator<Item = (&'g str, &'g TensorProto)>) -> HashMap<String, String> {
    let declared: HashSet<&str> = graph.input.iter().chain(&graph.output).map(|value| value.name.as_str()).collect();
    let mut first: HashMap<Content<'_>, &str> = HashMap::new();
    let mut twins = HashMap::new();
    for (name, tensor) in all.filter(|(name, _)| !declared.contains(name)) {
        let float = Element::of(tensor.data_type).is_some_and(Element::is_float);
        let Some(entries) = tensors::raw(tensor).filter(|_| float) else { continue };
        let known = *first.entry((tensor.data_type, &tensor.dims, entries)).or_insert(name);
        if known != name {
            twins.insert(name.to_owned(), known.to_owned());
        }
    }
    twins
}

fn rename(graph: &mut GraphProto, twins: &HashMap<String, String>) {
    for operand in graph.node.iter_mut().flat_map(|node| &mut node.input) {
        if let Some(known) = twins.get(operand) {
            operand.clone_from(known);
        }
    }
    graph.initializer.retain(|tensor| !twins.contains_key(&tensor.name));
    graph.node.retain(|node| node.op_type != "Constant" || !node.output.iter().any(|name| twins.contains_key(name)));
}

/// A transpose of a weight that something else uses too: the result's name, the weight's, and the order of axes.
pub(super) struct Transposed {
    pub result: String,
    pub weight: String,
    pub order: Vec<usize>,
}

/// All of them: the parser evaluates them, and keeps no account of that.
pub(super) fn transposed(graph: &GraphProto) -> Vec<Transposed> {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    graph.node.iter().flat_map(|node| &node.input).for_each(|name| *uses.entry(name.as_str()).or_default() += 1);
    let ranks: HashMap<&str, usize> = graph.initializer.iter().map(|t| (t.name.as_str(), t.dims.len())).collect();
    let of = |node: &NodeProto| {
        let (weight, result) = (node.input.first()?, node.output.first()?.clone());
        let rank = *ranks.get(weight.as_str()).filter(|_| uses.get(weight.as_str()).is_some_and(|&uses| uses > 1))?;
        let given = node.attribute.iter().find(|attribute| attribute.name == "perm").map(|attribute| &attribute.ints);
        let order = match given {
            Some(order) => order.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<Vec<usize>>>()?,
            None => (0..rank).rev().collect(),
        };
        Some(Transposed { result, weight: weight.clone(), order })
    };
    graph.node.iter().filter(|node| node.op_type == "Transpose").filter_map(of).collect()
}
