//! Bytes to tract's typed model with concrete shapes.

use std::path::Path;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact, InferenceModel};
use tract_onnx::tract_hir::ops::unimpl::UnimplementedOp;

use super::contain::{Failure, guarded};
use super::defect::Defect;
use super::error::{ImportError, UnsupportedNode};
use super::names::Names;
use super::refusal::Refusal;
use super::{
    ImportOptions, attention, celu, check, external, finite, infer, inline, own, rewrite, scan, sizes, twins, withheld,
};

/// A typed model with what the typed stage forgets.
pub(super) struct Loaded {
    pub(super) model: TypedModel,
    pub(super) names: Names,
    pub(super) output_names: Vec<String>,
    /// Inputs whose first axis the file leaves open: it is 1.
    pub(super) batched: Vec<String>,
    /// Nodes that transpose a weight that something else uses too: their names, those of the weights, and the orders of axes.
    pub(super) transposed: Vec<(String, String, Vec<usize>)>,
}

/// The model that bytes hold.
pub(super) fn parse(mut bytes: &[u8]) -> Result<ModelProto, ImportError> {
    scan::check(bytes).map_err(ImportError::malformed)?;
    let parsed = guarded(|| tract_onnx::onnx().proto_model_for_read(&mut bytes));
    let proto = parsed.map_err(ImportError::malformed)?;
    if proto.graph.is_none() {
        return Err(ImportError::malformed(Defect::NoGraph));
    }
    Ok(proto)
}

/// Parses a model, fixes its inputs' shapes and infers all others.
pub(super) fn load(bytes: &[u8], folder: Option<&Path>, options: &ImportOptions) -> Result<Loaded, ImportError> {
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    own::register(&mut onnx);
    let mut proto = parse(bytes)?;
    let output_names = output_names(&proto);
    inline::inline(&mut proto)?;
    check::structure(&proto).map_err(ImportError::invalid)?;
    let opset = check::opset(&proto).map_err(ImportError::invalid)?;
    if let Some(most) = options.withheld {
        withheld::stand_in(&mut proto, folder, most)?;
    }
    if let Some(graph) = &mut proto.graph {
        external::read_foreign(graph, folder)?;
    }
    rewrite::rewrite(&mut proto, opset)?;
    check::check(&proto)?;
    finite::check(&proto)?;
    external::check(&proto, folder)?;
    if let Some(graph) = &mut proto.graph {
        celu::spell(graph)?;
        attention::spell(graph)?;
        twins::merge(graph);
    }
    let folder = folder.map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f });
    let parsed = guarded(|| onnx.parse(&proto, folder.and_then(Path::to_str))).map_err(ImportError::invalid)?;
    if !parsed.unresolved_inputs.is_empty() {
        return Err(ImportError::invalid(Defect::Unmade(parsed.unresolved_inputs)));
    }
    let name = |value: &str| {
        let outlet = parsed.outlets_by_name.get(value)?;
        Some(parsed.model.nodes().get(outlet.node)?.name.clone())
    };
    let transposed = proto.graph.iter().flat_map(twins::transposed);
    let transposed = transposed.filter_map(|t| Some((name(&t.result)?, name(&t.weight)?, t.order))).collect();
    let mut model = parsed.model;
    check_operators(&model)?;
    let batched = fix_inputs(&mut model, &options.input_shapes)?;
    infer::infer(&mut model, &proto, opset, bytes.len().max(options.withheld.unwrap_or(0)))?;
    let names = Names::new(model.nodes().iter().map(|node| node.name.clone()));
    let model = guarded(|| model.into_typed()).map_err(ImportError::inference)?;
    sizes::check_values(&model, bytes.len().max(options.withheld.unwrap_or(0))).map_err(ImportError::inference)?;
    Ok(Loaded { model, names, output_names, batched, transposed })
}

/// Reports all operators that the parser does not know.
fn check_operators(model: &InferenceModel) -> Result<(), ImportError> {
    let unknown: Vec<UnsupportedNode> = model
        .nodes()
        .iter()
        .filter_map(|node| {
            node.op_as::<UnimplementedOp>()?;
            let op = node.op.name();
            let op = op.trim_start_matches("Unimplemented(").trim_end_matches(')').to_owned();
            Some(UnsupportedNode { name: node.name.clone(), op, hint: Refusal::Unknown })
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(ImportError::Unsupported(unknown)) }
}

fn output_names(proto: &ModelProto) -> Vec<String> {
    proto.graph.iter().flat_map(|graph| &graph.output).map(|output| output.name.clone()).collect()
}

/// Gives every input a concrete shape; the names of those whose first axis becomes 1.
fn fix_inputs(model: &mut InferenceModel, shapes: &[Vec<usize>]) -> Result<Vec<String>, ImportError> {
    let mut batched = Vec::new();
    let count = model.inputs.len();
    if !shapes.is_empty() && shapes.len() != count {
        return Err(ImportError::InputShapeCount { expected: count, got: shapes.len() });
    }
    for index in 0..count {
        let name = model.node(model.inputs[index].node).name.clone();
        let inference = |error: TractError| ImportError::inference(Failure::from(error));
        let fact = model.input_fact(index).map_err(inference)?.clone();
        let shape = match shapes.get(index) {
            Some(shape) => admitted(&name, &fact, shape)?,
            None => {
                if declared(&fact).is_some_and(|extents| extents.first() == Some(&None)) {
                    batched.push(name.clone());
                }
                default_shape(&name, &fact)?
            }
        };
        let datum_type = fact.datum_type.concretize().unwrap_or(DatumType::F32);
        model.set_input_fact(index, InferenceFact::dt_shape(datum_type, shape)).map_err(inference)?;
    }
    Ok(batched)
}

/// The declared extents, `None` where symbolic; `None` for an unknown number of axes.
fn declared(fact: &InferenceFact) -> Option<Vec<Option<usize>>> {
    let rank = fact.shape.rank().concretize()?;
    let dims = fact.shape.dims().map(|dim| dim.concretize().and_then(|dim| dim.to_usize().ok()));
    Some(dims.take(usize::try_from(rank).ok()?).collect())
}

fn admitted(name: &str, fact: &InferenceFact, shape: &[usize]) -> Result<Vec<usize>, ImportError> {
    let fits = match declared(fact) {
        None => true,
        Some(declared) => {
            declared.len() == shape.len() && declared.iter().zip(shape).all(|(d, s)| d.is_none_or(|d| d == *s))
        }
    };
    if fits && !shape.contains(&0) {
        Ok(shape.to_vec())
    } else {
        Err(ImportError::InputShape { name: name.to_owned(), declared: display(fact), got: shape.to_vec() })
    }
}

fn default_shape(name: &str, fact: &InferenceFact) -> Result<Vec<usize>, ImportError> {
    let dynamic = || ImportError::DynamicInput { name: name.to_owned(), declared: display(fact) };
    let declared = declared(fact).ok_or_else(dynamic)?;
    let fixed = declared.into_iter().enumerate().map(|(axis, extent)| match extent {
        Some(extent) => Some(extent),
        None if axis == 0 => Some(1),
        None => None,
    });
    fixed.collect::<Option<Vec<usize>>>().ok_or_else(dynamic)
}

fn display(fact: &InferenceFact) -> String {
    format!("{:?}", fact.shape)
}
