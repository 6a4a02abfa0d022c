//! `FlexAttention`: an attention whose scores and shares graphs of the file's own change. Its nodes stand in a file's place before anything
//! is checked, so that those of such graphs are looked at as all others.

use std::collections::HashMap;

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{GraphProto, ModelProto};

use super::Spelling;
use crate::import::check::{check_attribute, display_name};
use crate::import::error::ImportError;
use crate::import::operators::Kind;
use crate::import::refusal::{AttributeFault, Refusal};
use crate::import::spelling;

/// The domain of what is not in the standard yet.
const PREVIEW: &str = "ai.onnx.preview";

/// Writes every such attention as what it stands for.
///
/// # Errors
/// Those of a form that is not read.
pub(in super::super) fn spell(proto: &mut ModelProto) -> Result<(), ImportError> {
    let Some(graph) = &mut proto.graph else { return Ok(()) };
    let is = |node: &tract_onnx::pb::NodeProto| node.op_type == "FlexAttention" && node.domain == PREVIEW;
    for node in graph.node.iter_mut().filter(|node| is(node)) {
        node.name = display_name(node);
    }
    spelling::spell(graph, is, attention)
}

fn attention(s: &mut Spelling<'_>) -> Result<(), Refusal> {
    let [q, k, v] = [s.operand(0)?, s.operand(1)?, s.operand(2)?];
    for attribute in &s.node.attribute {
        let refused = |fault: AttributeFault| Refusal::Attribute { name: attribute.name.clone(), fault };
        match attribute.name.as_str() {
            "scale" => check_attribute(attribute, Kind::Number).map_err(refused)?,
            "softmax_precision" => check_attribute(attribute, Kind::Only(1)).map_err(refused)?,
            "score_mod" | "prob_mod" if attribute.r#type == AttributeType::Graph as i32 => {}
            _ => return Err(refused(AttributeFault::Unknown)),
        }
    }
    let [k, v] = [s.repeated(&q, &k), s.repeated(&q, &v)];
    let scores = s.scores(&q, &k);
    let scores = changed(s, "score_mod", scores)?;
    let shares = s.put("Softmax", &[&scores]);
    s.with("axis", -1);
    let shares = changed(s, "prob_mod", shares)?;
    let result = s.put("MatMul", &[&shares, &v]);
    s.result(0, &result);
    Ok(())
}

/// What a graph of the node's makes of a value.
fn changed(s: &mut Spelling<'_>, name: &str, value: String) -> Result<String, Refusal> {
    let Some(graph) = s.given(name).and_then(|attribute| attribute.g.clone()) else { return Ok(value) };
    let GraphProto { input, output, node, initializer, .. } = graph;
    let ([input], [output]) = (&input[..], &output[..]) else {
        return Err(Refusal::Form("a graph of its own must have one input and one output"));
    };
    let made = node.iter().flat_map(|node| &node.output).chain(initializer.iter().map(|tensor| &tensor.name));
    let prefix = format!("{}.{name}", s.node.name);
    let mut names: HashMap<String, String> = made.map(|own| (own.clone(), format!("{prefix}/{own}"))).collect();
    names.insert(input.name.clone(), value);
    names.insert(String::new(), String::new());
    let renamed = |own: &String| names.get(own).unwrap_or(own).clone();
    s.tensors.extend(initializer.iter().cloned().map(|mut tensor| {
        tensor.name = renamed(&tensor.name);
        tensor
    }));
    s.nodes.extend(node.iter().cloned().map(|mut node| {
        node.input = node.input.iter().map(renamed).collect();
        node.output = node.output.iter().map(renamed).collect();
        node.name = format!("{prefix}/{}", display_name(&node));
        node
    }));
    Ok(renamed(&output.name))
}
