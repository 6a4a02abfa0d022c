//! The parser's inference of types and shapes, one node at a time, with a look at each node before it is its turn.
//!
//! The parser evaluates whatever depends on constants as soon as it sees it, and a few bytes can ask for a result of any size, by way
//! of any operator. So the shape of a result is found out first, by the same rules but without an evaluation; it is held against what
//! a file of this length may make, and so are all such results together. Shapes that the operator does not admit are refused by name.

use std::collections::HashMap;
use std::sync::Arc;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact, InferenceModel};

use super::check::{MOST_AXES, display_name};
use super::contain::Failure;
use super::error::{ImportError, UnsupportedNode};
use super::refusal::Refusal;
use super::shapes::{self, Operand};
use super::sizes::{MOST, MOST_CONSTANT};
use super::unfit::Unfit;
use super::{contain, operators, own};

/// Entries of all values together that are computed from constants, in a small file.
const MOST_COMPUTED: usize = 1 << 25;
/// Numbers and places that all nodes of a model state together.
const MOST_STATED: usize = 1 << 24;
/// Operators whose result is no larger than their operand, whatever its shape.
const SHRINKING: [&str; 2] = ["NonZero", "Slice"];
/// Operators whose result has as many entries as their operand.
const SAME: [&str; 5] = ["Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"];

/// Infers all types and shapes. `bytes` is the file's length.
///
/// # Errors
/// The first node whose operands or results are not what they may be.
pub(super) fn infer(model: &mut InferenceModel, proto: &ModelProto, opset: i64, bytes: usize) -> Result<(), ImportError> {
    let nodes = proto.graph.as_ref().map_or(&[][..], |graph| &graph.node);
    // Constants and inputs come first, then the file's nodes in their order.
    let first = model.nodes().len() - nodes.len().min(model.nodes().len());
    let order = contain::guarded(|| model.eval_order()).map_err(ImportError::invalid)?;
    let mut computed = Computed {
        constant: HashMap::new(),
        total: 0,
        stated: 0,
        most: MOST_CONSTANT.max(bytes),
        all: MOST_COMPUTED.max(4 * bytes),
    };
    for id in order {
        let Some(node) = id.checked_sub(first).and_then(|n| nodes.get(n)) else {
            computed.constant.insert(id, !model.inputs.iter().any(|input| input.node == id));
            continue;
        };
        let unsupported = |hint: Refusal| {
            ImportError::Unsupported(vec![UnsupportedNode { name: display_name(node), op: node.op_type.clone(), hint }])
        };
        let at = |why: Why| match why {
            Why::Wrong(reason) => ImportError::Shape { node: display_name(node), op: node.op_type.clone(), reason },
            Why::Unknown(operands) => unsupported(Refusal::Shapes(operands)),
            Why::Refused(hint) => unsupported(hint),
        };
        let known = |outlet: &OutletId| {
            let fact = model.outlet_fact(*outlet).is_ok_and(|fact| fact.value.concretize().is_some());
            fact || computed.constant.get(&outlet.node) == Some(&true)
        };
        let constant = model.node(id).inputs.iter().all(known);
        if !constant && operators::operator(&node.domain, &node.op_type).is_some_and(|op| op.constant) {
            return Err(unsupported(Refusal::Variable("this operator is supported for constant operands only")));
        }
        computed.constant.insert(id, constant);
        step(model, id, node, opset, &mut computed).map_err(at)?;
    }
    Ok(())
}

/// Why nothing is inferred.
enum Why {
    /// The node is not what it may be.
    Wrong(Unfit),
    /// The parser has no rule for operands of these shapes, in a form that may be valid.
    Unknown(Vec<Vec<usize>>),
    /// It has no meaning here.
    Refused(Refusal),
}

impl From<Unfit> for Why {
    fn from(reason: Unfit) -> Self {
        Self::Wrong(reason)
    }
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        Self::Wrong(failure.into())
    }
}

/// What is computed from constants alone.
struct Computed {
    constant: HashMap<usize, bool>,
    /// Entries so far.
    total: usize,
    /// Numbers and places that nodes state.
    stated: usize,
    /// Entries that one value may have.
    most: usize,
    /// Entries that all of them may have.
    all: usize,
}

/// Infers what one node makes.
fn step(model: &mut InferenceModel, id: usize, node: &NodeProto, opset: i64, computed: &mut Computed) -> Result<(), Why> {
    let inputs: Vec<InferenceFact> = facts(model, id)?;
    let known: Vec<Operand> = inputs.iter().map(operand).collect::<Option<_>>().ok_or(Unfit::Operand)?;
    let shapes_given: Vec<Vec<usize>> = known.iter().map(|operand| operand.shape.clone()).collect();
    let mut known = known.into_iter();
    let operands: Vec<Option<Operand>> =
        node.input.iter().map(|name| if name.is_empty() { None } else { known.next() }).collect();
    shapes::check(node, &operands, opset)?;
    let given = operands.iter().map(|operand| operand.as_ref().map(|x| (x.shape.clone(), x.value.clone()))).collect();
    computed.stated += own::check(node, given, opset).map_err(Why::Refused)?;
    if computed.stated > MOST_STATED {
        return Err(Why::Refused(Refusal::Form("it and the nodes before it take more than 2^24 public numbers and places")));
    }
    let constant = computed.constant.get(&id) == Some(&true);
    if let Some(shape) = shapes::padded(node, &operands) {
        contain::guarded(|| model.set_outlet_fact(OutletId::new(id, 0), InferenceFact::shape(shape)))?;
    }
    results_match(model, id)?;
    let shapes = predicted(model, id, &inputs).map_err(|_| Why::Unknown(shapes_given.clone()))?;
    let given = operands.iter().flatten().map(Operand::volume).sum::<usize>();
    let most = if constant { computed.most } else { MOST };
    for shape in &shapes {
        let Some(shape) = shape else {
            if constant && !SHRINKING.contains(&node.op_type.as_str()) {
                return Err(Unfit::Result.into());
            }
            computed.total = computed.total.saturating_add(given);
            continue;
        };
        let volume = volume(shape).filter(|&volume| shape.len() <= MOST_AXES && volume <= most);
        let volume = volume.ok_or_else(|| Unfit::Large { shape: shape.clone(), most })?;
        if constant {
            computed.total = computed.total.saturating_add(volume);
        }
        if SAME.contains(&node.op_type.as_str()) && operands.first().and_then(|x| Some(x.as_ref()?.volume())) != Some(volume)
        {
            return Err(Unfit::Volume(shape.clone()).into());
        }
    }
    if computed.total > computed.all {
        return Err(Unfit::Constants(computed.all).into());
    }
    contain::guarded(|| apply(model, id, &inputs)).map_err(|_| Why::Unknown(shapes_given))
}

/// Infers, and evaluates, what a node makes.
fn apply(model: &mut InferenceModel, id: usize, inputs: &[InferenceFact]) -> TractResult<()> {
    let mut op = model.node(id).op.clone();
    let outputs: Vec<InferenceFact> = model.node_facts(id)?.1.into_iter().cloned().collect();
    let (given, made, _) = op.infer(inputs.iter().collect(), outputs.iter().collect(), tvec!())?;
    let operands = model.node(id).inputs.clone();
    let results = (0..made.len()).map(|slot| OutletId::new(id, slot));
    for (outlet, fact) in operands.into_iter().zip(given).chain(results.zip(made)) {
        let known = model.outlet_fact(outlet)?.unify(&fact)?;
        model.set_outlet_fact(outlet, known)?;
    }
    Ok(())
}

/// What is known of a node's operands.
fn facts(model: &InferenceModel, id: usize) -> Result<Vec<InferenceFact>, Failure> {
    contain::guarded(|| Ok(model.node_facts(id)?.0.into_iter().cloned().collect()))
}

/// Refuses a node with other results than its operator has.
fn results_match(model: &InferenceModel, id: usize) -> Result<(), Unfit> {
    let (got, expected) = contain::guarded(|| Ok((model.node_facts(id)?.1.len(), model.node(id).op.nboutputs()?)))?;
    if got == expected { Ok(()) } else { Err(Unfit::Results { got, expected }) }
}

/// The shapes of a node's results where they follow from its operands, without an evaluation.
fn predicted(model: &InferenceModel, id: usize, inputs: &[InferenceFact]) -> Result<Vec<Option<Vec<i64>>>, Failure> {
    let mut op = model.node(id).op.clone();
    let outputs = contain::guarded(|| {
        let outputs = model.node_facts(id)?.1;
        Ok(op.infer_facts(inputs.iter().collect(), outputs, tvec!())?.1)
    })?;
    let dims = |fact: &InferenceFact| -> Option<Vec<i64>> {
        fact.shape.concretize()?.iter().map(|dim| dim.to_i64().ok()).collect()
    };
    Ok(outputs.iter().map(dims).collect())
}

fn volume(shape: &[i64]) -> Option<usize> {
    shape.iter().try_fold(1usize, |volume, &dim| volume.checked_mul(usize::try_from(dim).ok()?))
}

fn operand(fact: &InferenceFact) -> Option<Operand> {
    let shape: Option<Vec<usize>> = fact.shape.concretize()?.iter().map(|dim| dim.to_usize().ok()).collect();
    let value: Option<Arc<Tensor>> = fact.value.concretize();
    Some(Operand { shape: shape?, value })
}
