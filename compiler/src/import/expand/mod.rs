//! Operators of trees, linear models and tables of features (`ai.onnx.ml`), and of quantised models, written in ONNX's own operators: what comes
//! after knows nothing of them, so that a stripped file has their weights taken out as any others.
//!
//! An attribute that is not understood is refused by name, whatever its value.

mod attributes;
mod emit;
mod ensemble;
mod features;
mod forest;
mod labels;
mod linear;
mod moved;
mod nibbles;
mod optional;
mod quantise;
mod quantised;
mod svm;
mod text;
mod trees;
mod votes;

use tract_onnx::pb::{ModelProto, NodeProto, OperatorSetIdProto};

use super::check::{self, display_name};
use super::error::{ImportError, UnsupportedNode};
use super::operators::ONNX;
use super::refusal::Refusal;
use attributes::Attributes;
use emit::Emitter;

/// The domain of trees, linear models and tables of features.
const LEARNING: &str = "ai.onnx.ml";
/// The operator set that a model without operators of ONNX's own gets.
const OPSET: i64 = 17;

/// Writes a node in other operators; they follow the emitter's.
type Rule = fn(&mut Emitter, &NodeProto, &Attributes<'_>) -> Result<(), Refusal>;

/// An operator: its domain, its name, the attributes that are understood, and its rule.
type Expanded = (&'static str, &'static str, &'static [&'static str], Rule);

/// The operators that are written in others.
static RULES: [&[Expanded]; 9] = [
    trees::RULES,
    linear::RULES,
    svm::RULES,
    features::RULES,
    quantised::RULES,
    quantise::RULES,
    moved::RULES,
    optional::RULES,
    text::RULES,
];

fn rule(node: &NodeProto) -> Option<&'static Expanded> {
    let domain = if ONNX.contains(&node.domain.as_str()) { "" } else { node.domain.as_str() };
    RULES.iter().copied().flatten().find(|(of, name, ..)| *of == domain && *name == node.op_type)
}

/// All operators that are written in others: domains, names and attributes.
pub(super) fn known() -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    RULES.iter().copied().flatten().map(|&(domain, name, attributes, _)| (domain, name, attributes))
}

/// Writes all such nodes of a model in other operators.
///
/// # Errors
/// All nodes of them that mean what is not computed here.
pub(super) fn expand(proto: &mut ModelProto) -> Result<(), ImportError> {
    let Some(graph) = &mut proto.graph else { return Ok(()) };
    nibbles::widen(graph);
    if graph.node.iter().all(|node| rule(node).is_none()) {
        return Ok(());
    }
    super::rewrite::remove_dead(graph);
    if !proto.opset_import.iter().any(|import| ONNX.contains(&import.domain.as_str())) {
        proto.opset_import.push(OperatorSetIdProto { domain: String::new(), version: OPSET });
    }
    let opset = check::opset(proto).map_err(ImportError::invalid)?;
    let Some(graph) = &mut proto.graph else { return Ok(()) };
    let nodes = std::mem::take(&mut graph.node);
    let mut emitter = Emitter::new(graph, &nodes, opset);
    let mut refused = Vec::new();
    for node in nodes {
        let Some((_, _, known, rule)) = rule(&node) else {
            emitter.keep(node);
            continue;
        };
        let attributes = Attributes::of(&node, known);
        emitter.begin(&node);
        let written = attributes.and_then(|attributes| rule(&mut emitter, &node, &attributes));
        if let Err(hint) = written.and_then(|()| emitter.room(Some(0))) {
            refused.push(UnsupportedNode { name: display_name(&node), op: node.op_type.clone(), hint });
        }
    }
    if !refused.is_empty() {
        return Err(ImportError::Unsupported(refused));
    }
    emitter.finish(graph);
    Ok(())
}
