//! Branches whose condition does not depend on inputs: the nodes of the branch that is taken stand in the place of the `If`.
//!
//! A condition is a tensor of the file, or is computed from constants and shapes: then the part of the model that makes it is loaded as any
//! model, and its value is what comes out. What depends on inputs is left.

use std::collections::{HashMap, HashSet};

use prost::Message;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto};

use super::{rewrite, tensors};

/// Conditions that are computed, of one model.
const MOST: usize = 64;
/// Bytes of a model's part that makes a condition.
const LARGEST: usize = 1 << 26;

/// What a part of a model, which has one output and no inputs but the model's, gives whatever these are.
pub(super) type Value<'v> = &'v dyn Fn(&ModelProto) -> Option<f64>;

/// Puts branches in the place of all conditions that are known.
pub(super) fn fold(proto: &mut ModelProto, value: Value<'_>) {
    let mut left: HashSet<String> = HashSet::new();
    let mut probes = 0;
    loop {
        let Some(graph) = &proto.graph else { return };
        let open = |node: &&NodeProto| node.op_type == "If" && !left.contains(result(node));
        let Some(at) = graph.node.iter().position(|node| open(&node)) else { return };
        let node = &graph.node[at];
        let known = match condition(graph, node) {
            None if probes < MOST => {
                probes += 1;
                node.input.first().and_then(|name| computed(proto, name, value))
            }
            known => known,
        };
        let branch = known.and_then(|taken| branch(node, taken).cloned());
        let Some(graph) = &mut proto.graph else { return };
        match branch {
            Some(branch) => {
                let node = graph.node.remove(at);
                let nodes = body(&node, branch, graph);
                graph.node.splice(at..at, nodes);
            }
            None => drop(left.insert(result(&graph.node[at]).to_owned())),
        }
    }
}

/// What a node is known by.
fn result(node: &NodeProto) -> &str {
    node.output.first().map_or("", String::as_str)
}

/// A condition that stands in the file.
fn condition(graph: &GraphProto, node: &NodeProto) -> Option<bool> {
    let name = node.input.first()?;
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == *name).cloned();
    let made =
        || graph.node.iter().find(|node| node.op_type == "Constant" && result(node) == name).and_then(rewrite::constant);
    let values = tensors::numbers(&tensor.or_else(made)?)?;
    Some(*values.first()? != 0.0)
}

/// A condition that is computed.
fn computed(proto: &ModelProto, name: &str, value: Value<'_>) -> Option<bool> {
    let mut part = proto.clone();
    let graph = part.graph.as_mut()?;
    graph.output = vec![ValueInfoProto { name: name.to_owned(), ..ValueInfoProto::default() }];
    graph.value_info.clear();
    rewrite::remove_dead(graph);
    // A condition of a condition that is not known has no value.
    if graph.node.iter().any(|node| node.op_type == "If") || part.encoded_len() > LARGEST {
        return None;
    }
    value(&part).map(|value| value != 0.0)
}

fn branch(node: &NodeProto, taken: bool) -> Option<&GraphProto> {
    let name = if taken { "then_branch" } else { "else_branch" };
    let branch = node.attribute.iter().find(|attribute| attribute.name == name)?.g.as_ref()?;
    (branch.output.len() >= node.output.len()).then_some(branch)
}

/// A branch's nodes, under names of their own but for its results and for what it takes from outside; its tensors go to the graph.
fn body(node: &NodeProto, branch: GraphProto, graph: &mut GraphProto) -> Vec<NodeProto> {
    let prefix = result(node).to_owned();
    let made = branch.node.iter().flat_map(|node| &node.output).chain(branch.initializer.iter().map(|tensor| &tensor.name));
    let mut names: HashMap<String, String> =
        made.filter(|name| !name.is_empty()).map(|name| (name.clone(), format!("{prefix}/{name}"))).collect();
    let mut copies = Vec::new();
    let mut taken: HashSet<&str> = HashSet::new();
    let nodes: HashSet<&str> = branch.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
    for (inner, outer) in branch.output.iter().zip(&node.output).filter(|(_, outer)| !outer.is_empty()) {
        if nodes.contains(inner.name.as_str()) && taken.insert(&inner.name) {
            names.insert(inner.name.clone(), outer.clone());
        } else {
            let value = names.get(&inner.name).unwrap_or(&inner.name).clone();
            copies.push(NodeProto {
                op_type: "Identity".to_owned(),
                input: vec![value],
                output: vec![outer.clone()],
                ..NodeProto::default()
            });
        }
    }
    let renamed = |name: &String| names.get(name).unwrap_or(name).clone();
    graph.initializer.extend(branch.initializer.iter().cloned().map(|mut tensor| {
        tensor.name = renamed(&tensor.name);
        tensor
    }));
    let mut nodes: Vec<NodeProto> = branch.node;
    for node in &mut nodes {
        rename(node, &names);
        if !node.name.is_empty() {
            node.name = format!("{prefix}/{}", node.name);
        }
    }
    nodes.append(&mut copies);
    nodes
}

/// Renames what a node takes and gives, and what the graphs within it take from outside.
fn rename(node: &mut NodeProto, names: &HashMap<String, String>) {
    for name in node.input.iter_mut().chain(&mut node.output) {
        if let Some(new) = names.get(name) {
            name.clone_from(new);
        }
    }
    for graph in node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut()) {
        let own: HashSet<&String> = graph.node.iter().flat_map(|node| &node.output).collect();
        let outside = names.iter().filter(|(name, _)| !own.contains(name)).map(|(a, b)| (a.clone(), b.clone())).collect();
        graph.node.iter_mut().for_each(|node| rename(node, &outside));
        for output in &mut graph.output {
            if let Some(new) = outside.get(&output.name) {
                output.name.clone_from(new);
            }
        }
    }
}
