//! Bytes to tract's typed model with concrete shapes.

use std::path::Path;

use prost::Message;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{ModelProto, TensorProto, ValueInfoProto};
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
    ImportOptions, axes, bodies, branches, check, control, descent, expand, external, finite, infer, inline, nearest, own,
    recurrent, rewrite, scan, sizes, steps, twins, withheld,
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

/// What a model gives whatever its inputs are, if that is so.
pub(super) fn known(part: &ModelProto, folder: Option<&Path>, options: &ImportOptions) -> Option<f64> {
    let loaded = load(&part.encode_to_vec(), folder, options).ok()?;
    let value = loaded.model.output_fact(0).ok()?.konst.as_ref()?.cast_to::<f64>().ok()?.into_owned();
    let plain = value.try_as_plain_ram().ok()?;
    plain.as_slice::<f64>().ok()?.first().copied()
}

/// Parses a model, fixes its inputs' shapes and infers all others.
pub(super) fn load(bytes: &[u8], folder: Option<&Path>, options: &ImportOptions) -> Result<Loaded, ImportError> {
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    own::register(&mut onnx);
    descent::register(&mut onnx.op_register);
    nearest::register(&mut onnx.op_register);
    steps::register(&mut onnx);
    let mut proto = parse(bytes)?;
    let mut output_names = output_names(&proto);
    inline::inline(&mut proto)?;
    branches::fold(&mut proto, &|part| known(part, folder, options));
    bodies::flex::spell(&mut proto)?;
    control::flatten(&mut proto)?;
    check::structure(&proto).map_err(ImportError::invalid)?;
    expand::expand(&mut proto)?;
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
        bodies::spell(graph, opset, options)?;
        recurrent::spell(graph, opset)?;
        twins::merge(graph);
    }
    let shapes = filled(&mut proto, &options.input_shapes)?;
    let opened = options.input_shapes.len();
    let inputs = proto.graph.iter().flat_map(axes::inputs).skip(opened);
    let batched = inputs.filter(|input| axes::is_batched(input)).map(|input| input.name.clone()).collect();
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
    fix_inputs(&mut model, &shapes)?;
    infer::infer(&mut model, &proto, opset, bytes.len().max(options.withheld.unwrap_or(0)))?;
    let names = Names::new(model.nodes().iter().map(|node| node.name.clone()));
    let mut model = guarded(|| model.into_typed()).map_err(ImportError::inference)?;
    drop_empty(&mut model, &mut output_names)?;
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

/// The shapes of all inputs. One without entries is a constant, whatever it is given.
fn filled(proto: &mut ModelProto, given: &[Vec<usize>]) -> Result<Vec<Option<Vec<usize>>>, ImportError> {
    let Some(graph) = &mut proto.graph else { return Ok(Vec::new()) };
    let mut shapes = axes::shapes(graph, given)?;
    let empty = |shape: &Option<Vec<usize>>| shape.as_ref().is_some_and(|shape| shape.contains(&0));
    let inputs: Vec<ValueInfoProto> = axes::inputs(graph).cloned().collect();
    for (input, shape) in inputs.iter().zip(&shapes).filter(|(_, shape)| empty(shape)) {
        let data_type = match input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
            Some(Value::TensorType(tensor)) => tensor.elem_type,
            _ => continue,
        };
        let dims = shape.iter().flatten().map(|&extent| extent as i64).collect();
        graph.initializer.push(TensorProto { name: input.name.clone(), dims, data_type, ..TensorProto::default() });
        graph.input.retain(|other| other.name != input.name);
    }
    shapes.retain(|shape| !empty(shape));
    Ok(shapes)
}

/// Drops outputs without entries.
fn drop_empty(model: &mut TypedModel, names: &mut Vec<String>) -> Result<(), ImportError> {
    let filled = |outlet: &OutletId| {
        let fact = model.outlet_fact(*outlet).map_err(|error| ImportError::inference(Failure::from(error)))?;
        Ok(!fact.shape.iter().any(|dim| dim.to_usize().is_ok_and(|extent| extent == 0)))
    };
    let kept: Vec<bool> = model.outputs.iter().map(filled).collect::<Result<_, ImportError>>()?;
    if !kept.contains(&true) {
        return Err(ImportError::invalid(Defect::Empty));
    }
    let mut flags = kept.iter();
    model.outputs.retain(|_| flags.next() == Some(&true));
    let mut flags = kept.iter();
    names.retain(|_| flags.next() == Some(&true));
    Ok(())
}

/// Gives every input a concrete shape.
fn fix_inputs(model: &mut InferenceModel, shapes: &[Option<Vec<usize>>]) -> Result<(), ImportError> {
    for index in 0..model.inputs.len() {
        let name = model.node(model.inputs[index].node).name.clone();
        let inference = |error: TractError| ImportError::inference(Failure::from(error));
        let fact = model.input_fact(index).map_err(inference)?.clone();
        let shape = match shapes.get(index) {
            Some(Some(shape)) => admitted(&name, &fact, shape)?,
            _ => return Err(ImportError::DynamicInput { name, declared: display(&fact) }),
        };
        let datum_type = fact.datum_type.concretize().unwrap_or(DatumType::F32);
        model.set_input_fact(index, InferenceFact::dt_shape(datum_type, shape)).map_err(inference)?;
    }
    Ok(())
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
    if fits {
        Ok(shape.to_vec())
    } else {
        Err(ImportError::InputShape { name: name.to_owned(), declared: display(fact), got: shape.to_vec() })
    }
}

fn display(fact: &InferenceFact) -> String {
    format!("{:?}", fact.shape)
}
