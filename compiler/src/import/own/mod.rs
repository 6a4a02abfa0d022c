//! Operators that the parser lacks, or reads otherwise than the standard says: each is one function, from a node of the file and its operands to
//! nodes of the graph.
//!
//! To the parser they are one operator. The shapes of results, the evaluation of what depends on constants alone, and the run of a model as its
//! file says all follow from the nodes.

mod einsum;
mod grids;
mod maxima;
mod pools;
mod products;
mod regions;
mod resize;
mod samples;
mod sketch;
mod spectra;
mod transposed;
mod views;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use ndarray::ArrayD;
use tract_onnx::model::{Onnx, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact, InferenceModel, InferenceNode, InferenceOp};

use super::refusal::Refusal;
use super::site::{Site, Translator, domain_of, to_array};
use crate::graph::{Graph, NodeId};
use crate::ops::Op as Drawn;
use sketch::{Given, Sketch};

/// Draws the nodes that a node of the file stands for, and gives those of its results.
type Draw = fn(&mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal>;
/// Whether a node of an operator is read here.
type Which = fn(&NodeProto) -> bool;
/// The parser's own reading of a node.
type Builder = fn(&ParsingContext<'_>, &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// Operators that are always read here.
const DRAWN: &[(&str, Draw)] = &[
    ("AffineGrid", grids::affine_grid),
    ("CenterCropPad", views::center_crop_pad),
    ("Col2Im", views::col2im),
    ("ConvTranspose", transposed::conv_transpose),
    ("CumProd", products::cum_prod),
    ("DFT", spectra::dft),
    ("DeformConv", regions::deform_conv),
    ("Det", products::det),
    ("GlobalLpPool", pools::global_lp_pool),
    ("GridSample", samples::grid_sample),
    ("LRN", pools::lrn),
    ("LpNormalization", pools::lp_normalization),
    ("LpPool", pools::lp_pool),
    ("Resize", resize::resize),
    ("RoiAlign", regions::roi_align),
    ("STFT", spectra::stft),
    ("Upsample", resize::upsample),
];

/// Operators that the parser reads too, and whether a node of one is read here.
const SHARED: &[(&str, Draw, Which, Builder)] = &[
    ("Einsum", einsum::einsum, has_ellipsis, |context, node| read("Einsum", context, node)),
    ("MaxPool", maxima::max_pool, |node| node.output.len() > 1, |context, node| read("MaxPool", context, node)),
    ("Pad", views::wrap_pad, wraps, |context, node| read("Pad", context, node)),
];

fn has_ellipsis(node: &NodeProto) -> bool {
    node.attribute.iter().any(|a| a.name == "equation" && a.s.windows(3).any(|three| three == b"..."))
}

fn wraps(node: &NodeProto) -> bool {
    node.attribute.iter().any(|a| a.name == "mode" && a.s == b"wrap")
}

/// What is done with a node, if it is read here.
fn draws(node: &NodeProto) -> Option<Draw> {
    let always = DRAWN.iter().find(|(name, _)| *name == node.op_type).map(|(_, draw)| *draw);
    let shared = SHARED.iter().find(|(name, _, here, _)| *name == node.op_type && here(node));
    always.or(shared.map(|(_, draw, ..)| *draw))
}

/// Makes the parser read nodes by this file where they are read here.
pub(super) fn register(onnx: &mut Onnx) {
    for (name, _) in DRAWN {
        onnx.op_register.insert(name, own);
    }
    for (name, _, _, builder) in SHARED {
        onnx.op_register.insert(name, *builder);
    }
}

fn own(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let op = Own { node: Arc::new(node.clone()), opset: context.onnx_operator_set_version };
    Ok((Box::new(op), vec![]))
}

/// A node that the parser reads, unless it is read here.
fn read(name: &str, context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    static PARSER: LazyLock<HashMap<String, Builder>> = LazyLock::new(|| tract_onnx::onnx().op_register.0);
    match PARSER.get(name).filter(|_| draws(node).is_none()) {
        Some(builder) => builder(context, node),
        None => own(context, node),
    }
}

/// The shape of an operand, and its entries if they are known.
pub(super) type Known = (Vec<usize>, Option<Arc<Tensor>>);

/// How many public numbers and places a node that is read here takes, to be stated.
///
/// # Errors
/// Operands or attributes that have no meaning here.
pub(super) fn check(node: &NodeProto, operands: Vec<Option<Known>>, opset: i64) -> Result<usize, Refusal> {
    let Some(draw) = draws(node) else { return Ok(0) };
    let mut graph = Graph::new();
    let given = operands.into_iter().map(|operand| {
        operand.map(|(shape, value)| {
            let node = Ok(graph.add_input("", &shape));
            Given { shape, value, node }
        })
    });
    let given = given.collect();
    draw(&mut Sketch::new(&mut graph, node, opset, "", given))?;
    let stated = graph.order().into_iter().map(|id| match graph.op(id) {
        Drawn::Mix(mix) => mix.rows.len() + mix.rows.iter().map(Vec::len).sum::<usize>(),
        Drawn::Take(take) => take.indices.len(),
        _ => 0,
    });
    Ok(stated.sum())
}

/// A node that is read here, to the parser.
#[derive(Clone, Debug)]
pub(super) struct Own {
    node: Arc<NodeProto>,
    opset: i64,
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && self.opset == other.opset
    }
}

impl Eq for Own {}

impl Own {
    fn results(&self) -> usize {
        self.node.output.len()
    }

    /// Operands by the node's positions, of operands by those that are there.
    fn by_position<T>(&self, operands: impl IntoIterator<Item = T>) -> Vec<Option<T>> {
        let mut operands = operands.into_iter();
        self.node.input.iter().map(|name| if name.is_empty() { None } else { operands.next() }).collect()
    }

    /// The graph of the node alone, its results, and types of these.
    fn drawn(&self, operands: Vec<(Vec<usize>, DatumType, Option<Arc<Tensor>>)>) -> TractResult<(Graph, Vec<DatumType>)> {
        let mut graph = Graph::new();
        let first = operands.first().map_or(DatumType::F32, |(_, kind, _)| *kind);
        let mut given = Vec::new();
        for (shape, kind, value) in operands {
            let domain = domain_of(kind).map_err(|e| TractError::msg(e.to_string()))?;
            let node = Ok(graph.add_input_of(domain, "", &shape));
            given.push(Given { shape, value, node });
        }
        let given = self.by_position(given);
        let draw = draws(&self.node).ok_or_else(|| TractError::msg("an operator that is not read"))?;
        let results = draw(&mut Sketch::new(&mut graph, &self.node, self.opset, "", given));
        let results = results.map_err(|refusal| TractError::msg(refusal.to_string()))?;
        let kind = |position| if position == 0 { first } else { DatumType::I64 };
        let kinds = (0..results.len()).map(kind).collect();
        results.into_iter().for_each(|node| graph.add_output("", node));
        Ok((graph, kinds))
    }

    /// The node's nodes in the graph that is being made.
    pub fn translate(&self, t: &mut Translator<'_>, site: &Site<'_>) -> Result<Vec<NodeId>, Refusal> {
        let mut given = Vec::new();
        for index in 0..site.node.inputs.len() {
            let (shape, value) = (t.operand_shape(site, index)?, t.known(site, index).cloned());
            given.push(Given { shape, value, node: t.operand(site, index) });
        }
        let given = self.by_position(given);
        let draw = draws(&self.node).ok_or(Refusal::Operator)?;
        draw(&mut Sketch::new(&mut t.graph, &self.node, self.opset, &site.name, given))
    }
}

impl Op for Own {
    fn name(&self) -> StaticName {
        self.node.op_type.clone().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Own {
    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let tensors: Vec<Arc<Tensor>> = inputs.into_iter().map(TValue::into_arc_tensor).collect();
        let operands = tensors.iter().map(|t| (t.shape().to_vec(), t.datum_type(), Some(t.clone()))).collect();
        let (graph, kinds) = self.drawn(operands)?;
        let values = tensors.iter().map(|t| to_array(t)).collect::<Result<Vec<ArrayD<f64>>, _>>();
        let values = values.map_err(|refusal| TractError::msg(refusal.to_string()))?;
        let evaluation = graph.evaluate(&values).map_err(|error| TractError::msg(error.to_string()))?;
        let tensor = |(value, kind): (&ArrayD<f64>, DatumType)| -> TractResult<TValue> {
            let entries: Vec<f64> = value.iter().copied().collect();
            Ok(Tensor::from_shape(value.shape(), &entries)?.cast_to_dt(kind)?.into_owned().into_tvalue())
        };
        evaluation.outputs().into_iter().zip(kinds).map(tensor).collect()
    }

    op_out_of_plan!();
}

impl InferenceOp for Own {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let known = |fact: &&InferenceFact| -> Option<(Vec<usize>, DatumType, Option<Arc<Tensor>>)> {
            let shape = fact.shape.concretize()?.iter().map(|dim| dim.to_usize().ok()).collect::<Option<_>>()?;
            Some((shape, fact.datum_type.concretize()?, fact.value.concretize()))
        };
        let made = match inputs.iter().map(known).collect::<Option<Vec<_>>>() {
            None => outputs.iter().map(|&fact| fact.clone()).collect(),
            Some(operands) => {
                let (graph, kinds) = self.drawn(operands)?;
                let shapes = graph.outputs().iter().map(|&node| graph.shape(node));
                shapes.zip(kinds).map(|(shape, kind)| InferenceFact::dt_shape(kind, shape)).collect()
            }
        };
        let owned = |facts: TVec<&InferenceFact>| facts.into_iter().cloned().collect();
        Ok((owned(inputs), made, owned(observed)))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.results())
    }

    fn to_typed(
        &self,
        _: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let inputs: TVec<OutletId> = node.inputs.iter().map(|input| mapping[input]).collect();
        target.wire_node(&*node.name, self.clone(), &inputs)
    }

    as_op!();
}

impl TypedOp for Own {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let known = |fact: &&TypedFact| -> TractResult<(Vec<usize>, DatumType, Option<Arc<Tensor>>)> {
            let shape = fact.shape.as_concrete().ok_or_else(|| TractError::msg("the shape of an operand is not fixed"))?;
            Ok((shape.to_vec(), fact.datum_type, fact.konst.clone()))
        };
        let (graph, kinds) = self.drawn(inputs.iter().map(known).collect::<TractResult<_>>()?)?;
        let shapes = graph.outputs().iter().map(|&node| graph.shape(node));
        Ok(shapes.zip(kinds).map(|(shape, kind)| kind.fact(shape)).collect())
    }

    as_op!();
}
