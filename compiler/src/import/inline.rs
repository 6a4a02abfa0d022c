//! Functions of a model, put in the place of their calls. Nothing that comes after knows of functions.

use std::collections::HashMap;

use prost::Message;
use tract_onnx::pb::{AttributeProto, FunctionProto, ModelProto, NodeProto};

use super::check::{MOST_NODES, display_name};
use super::control;
use super::defect::Defect;
use super::error::{ImportError, UnsupportedNode};
use super::operators::ONNX;
use super::refusal::{AttributeFault, Refusal};

/// Calls within calls.
const DEPTH: usize = 16;
/// Bytes that all nodes may come to: a small file can call a large function often.
const MOST_BYTES: usize = 1 << 27;

/// Replaces every call of a function of the model by the function's nodes, and drops the functions.
///
/// # Errors
/// A call that cannot be replaced, by name: of a function that calls itself, or whose attributes are not all given.
pub(super) fn inline(proto: &mut ModelProto) -> Result<(), ImportError> {
    let functions = std::mem::take(&mut proto.functions);
    let Some(graph) = proto.graph.as_mut().filter(|_| !functions.is_empty()) else { return Ok(()) };
    let mut by_name = HashMap::new();
    for function in &functions {
        let name = (domain(function.domain()).to_owned(), function.name().to_owned());
        if by_name.insert(name, function).is_some() {
            let name = format!("{}.{}", domain(function.domain()), function.name());
            return Err(ImportError::invalid(Defect::Two { what: "functions", name }));
        }
    }
    let versions = proto.opset_import.iter().map(|import| (domain(&import.domain).to_owned(), import.version)).collect();
    let mut inliner = Inliner { functions: by_name, versions, nodes: Vec::new(), bytes: 0 };
    for node in std::mem::take(&mut graph.node) {
        inliner.node(node, 0)?;
    }
    graph.node = inliner.nodes;
    Ok(())
}

/// A domain by the shorter of its names.
fn domain(domain: &str) -> &str {
    if ONNX.contains(&domain) { "" } else { domain }
}

struct Inliner<'m> {
    functions: HashMap<(String, String), &'m FunctionProto>,
    versions: HashMap<String, i64>,
    nodes: Vec<NodeProto>,
    /// Size of what was put in.
    bytes: usize,
}

impl Inliner<'_> {
    /// Appends a node, or the nodes that it stands for.
    fn node(&mut self, node: NodeProto, depth: usize) -> Result<(), ImportError> {
        let name = (domain(&node.domain).to_owned(), node.op_type.clone());
        let Some(&function) = self.functions.get(&name) else {
            self.nodes.push(node);
            return Ok(());
        };
        let refuse = |hint: Refusal| {
            let node = UnsupportedNode { name: display_name(&node), op: node.op_type.clone(), hint };
            ImportError::Unsupported(vec![node])
        };
        if depth == DEPTH {
            return Err(refuse(Refusal::Form("functions call functions too deeply")));
        }
        // What a body will take, names of the call included, before it is made.
        let names: usize = function.node.iter().map(|n| 1 + n.input.len() + n.output.len()).sum();
        self.bytes = self.bytes.saturating_add(function.encoded_len() + names * (64 + display_name(&node).len()));
        if self.nodes.len() > MOST_NODES || self.bytes > MOST_BYTES {
            let long = "the functions of the model, in the place of their calls, are too many nodes";
            return Err(refuse(Refusal::Form(long)));
        }
        let body = self.body(&node, function).map_err(refuse)?;
        body.into_iter().try_for_each(|node| self.node(node, depth + 1))
    }

    /// A function's nodes under the names and attributes of a call.
    fn body(&self, call: &NodeProto, function: &FunctionProto) -> Result<Vec<NodeProto>, Refusal> {
        for import in &function.opset_import {
            let own = self.versions.get(domain(&import.domain));
            if own.is_some_and(|&own| own != import.version) {
                return Err(Refusal::Version { domain: import.domain.clone(), version: import.version });
            }
        }
        if call.input.len() > function.input.len() || call.output.len() > function.output.len() {
            return Err(Refusal::Form("the call has more operands or results than the function"));
        }
        // Names of nodes may be anybody's; a result has one maker.
        let prefix = call.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let mut values: HashMap<&str, String> = HashMap::new();
        for (n, name) in function.input.iter().enumerate() {
            values.insert(name, call.input.get(n).cloned().unwrap_or_default());
        }
        // A result that is an operand, or two results that are one value.
        let mut copies = Vec::new();
        for (name, outer) in function.output.iter().zip(&call.output).filter(|(_, outer)| !outer.is_empty()) {
            match values.get(name.as_str()) {
                None => drop(values.insert(name, outer.clone())),
                Some(value) => copies.push(NodeProto {
                    op_type: "Identity".to_owned(),
                    input: vec![value.clone()],
                    output: vec![outer.clone()],
                    ..NodeProto::default()
                }),
            }
        }
        let one = |name: &str| match values.get(name) {
            Some(value) => value.clone(),
            None if name.is_empty() => String::new(),
            None => format!("{prefix}/{name}"),
        };
        let rename = |names: &[String]| -> Vec<String> { names.iter().map(|name| one(name)).collect() };
        let mut nodes = Vec::with_capacity(function.node.len() + copies.len());
        for node in &function.node {
            let attributes: Vec<Option<AttributeProto>> =
                node.attribute.iter().map(|a| attribute(a, call, function)).collect::<Result<_, _>>()?;
            let mut renamed = NodeProto {
                input: rename(&node.input),
                output: rename(&node.output),
                name: format!("{prefix}/{}", display_name(node)),
                attribute: attributes.into_iter().flatten().collect(),
                ..node.clone()
            };
            control::rename_captured(&mut renamed, &one);
            nodes.push(renamed);
        }
        nodes.append(&mut copies);
        Ok(nodes)
    }
}

/// An attribute of a function's node, as a call makes it.
fn attribute(own: &AttributeProto, call: &NodeProto, function: &FunctionProto) -> Result<Option<AttributeProto>, Refusal> {
    if own.ref_attr_name.is_empty() {
        return Ok(Some(own.clone()));
    }
    let wanted = &own.ref_attr_name;
    match call.attribute.iter().find(|given| given.name == *wanted) {
        Some(given) => Ok(Some(AttributeProto { name: own.name.clone(), ..given.clone() })),
        None if function.attribute.contains(wanted) => Ok(None),
        // One with a default, which is not among the names.
        None => Err(Refusal::Attribute { name: wanted.clone(), fault: AttributeFault::Default }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::{GraphProto, OperatorSetIdProto};

    fn node(domain: &str, op: &str, input: &[&str], output: &[&str]) -> NodeProto {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        NodeProto {
            domain: domain.into(),
            op_type: op.into(),
            input: names(input),
            output: names(output),
            ..NodeProto::default()
        }
    }

    fn function(name: &str, input: &[&str], output: &[&str], nodes: Vec<NodeProto>) -> FunctionProto {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        FunctionProto {
            name: Some(name.into()),
            domain: Some("own".into()),
            input: names(input),
            output: names(output),
            node: nodes,
            ..FunctionProto::default()
        }
    }

    fn model(node: Vec<NodeProto>, functions: Vec<FunctionProto>) -> ModelProto {
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: 17 }];
        ModelProto {
            graph: Some(GraphProto { node, ..GraphProto::default() }),
            functions,
            opset_import,
            ..ModelProto::default()
        }
    }

    #[test]
    fn calls_become_nodes_under_names_of_their_own() {
        let inner = function("twice", &["a"], &["b"], vec![node("", "Add", &["a", "a"], &["b"])]);
        let calls = vec![node("own", "twice", &["p"], &["q"]), node("own", "twice", &["q"], &["r"])];
        let outer = function("four", &["p", "unused"], &["r", "p"], calls);
        let mut proto = model(vec![node("own", "four", &["x"], &["y", "z"])], vec![inner, outer]);
        inline(&mut proto).unwrap();
        let nodes = proto.graph.unwrap().node;
        let got: Vec<_> = nodes.iter().map(|n| (n.op_type.as_str(), n.input.join(","), n.output.join(","))).collect();
        assert_eq!(
            got,
            [
                ("Add", "x,x".to_owned(), "y/q".to_owned()),
                ("Add", "y/q,y/q".to_owned(), "y".to_owned()),
                ("Identity", "x".to_owned(), "z".to_owned()),
            ]
        );
        assert!(proto.functions.is_empty());
    }

    #[test]
    fn attributes_come_from_the_call() {
        let mut leaky = node("", "LeakyRelu", &["a"], &["b"]);
        let reference = |wanted: &str| AttributeProto {
            name: "alpha".into(),
            ref_attr_name: wanted.into(),
            ..AttributeProto::default()
        };
        leaky.attribute = vec![reference("slope")];
        let mut body = function("leaky", &["a"], &["b"], vec![leaky]);
        let mut call = node("own", "leaky", &["x"], &["y"]);
        let defaulted = inline(&mut model(vec![call.clone()], vec![body.clone()])).unwrap_err();
        assert!(defaulted.to_string().contains("its attribute `slope` has a default in the function"), "{defaulted}");
        body.attribute = vec!["slope".into()];
        call.attribute = vec![AttributeProto { name: "slope".into(), f: 0.25, ..AttributeProto::default() }];
        let mut proto = model(vec![call], vec![body]);
        inline(&mut proto).unwrap();
        let attribute = &proto.graph.as_ref().unwrap().node[0].attribute[0];
        assert_eq!((attribute.name.as_str(), attribute.f), ("alpha", 0.25));
    }

    #[test]
    fn functions_that_call_themselves_are_refused() {
        let calls = || vec![node("own", "f", &["a"], &["t"]), node("own", "f", &["t"], &["b"])];
        let error = inline(&mut model(vec![node("own", "f", &["x"], &["y"])], vec![function("f", &["a"], &["b"], calls())]));
        assert!(error.unwrap_err().to_string().contains("too deeply"));
    }
}
