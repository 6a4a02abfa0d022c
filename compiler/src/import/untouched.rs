//! The model as its file says, run by tract's own operators on the typed model, before it is translated and before any rewriting.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::math::Ln;
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};

use super::contain::{Failure, contained, guarded};
use super::error::ImportError;
use crate::graph::Graph;
use crate::reference::{Reference, Unevaluated};

/// A model before any rewriting.
#[derive(Clone)]
pub enum Untouched {
    /// As tract runs it.
    Runnable(Runnable),
    /// As it was translated, where tract cannot run it.
    Translated(Graph),
}

/// A model that tract runs.
#[derive(Clone)]
pub struct Runnable {
    plan: Arc<TypedRunnableModel>,
    /// Element type and shape of every input.
    inputs: Vec<(DatumType, Vec<usize>)>,
}

impl std::fmt::Debug for Untouched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let inputs = match self {
            Self::Runnable(model) => model.inputs.len(),
            Self::Translated(graph) => graph.inputs().len(),
        };
        write!(f, "a model of {inputs} inputs")
    }
}

impl std::fmt::Debug for Runnable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a model of {} inputs", self.inputs.len())
    }
}

/// Makes the logarithm of a softmax one operator. As two, they lose in 32 bits whatever lies far below the largest entry; onnxruntime joins them too.
fn join_logarithms(model: &mut TypedModel) {
    let joined: Vec<(usize, usize)> =
        model.nodes().iter().filter_map(|node| Some((softmax_of(model, node)?, node.id))).collect();
    for (softmax, logarithm) in joined {
        let Some(op) = model.node(softmax).op_as::<Softmax>() else { continue };
        let op = Softmax { kind: SoftmaxKind::LogSoftmax, ..op.clone() };
        model.node_mut(softmax).op = Box::new(op);
        model.node_mut(logarithm).op = Box::new(Identity);
    }
}

/// The softmax whose logarithm a node is, if nothing else uses it.
fn softmax_of(model: &TypedModel, node: &TypedNode) -> Option<usize> {
    node.op_as::<ElementWiseOp>()?.0.is::<Ln>().then_some(())?;
    let softmax = model.node(node.inputs.first()?.node);
    let own = softmax.op_as::<Softmax>().is_some_and(|op| op.kind == SoftmaxKind::Softmax);
    let alone = softmax.outputs.first()?.successors.len() == 1 && model.outputs.iter().all(|o| o.node != softmax.id);
    (own && alone).then_some(softmax.id)
}

impl Untouched {
    /// Prepares a typed model with concrete shapes.
    pub(super) fn new(mut model: TypedModel) -> Result<Self, ImportError> {
        let prepare = || -> TractResult<Runnable> {
            join_logarithms(&mut model);
            let fact = |index| -> TractResult<(DatumType, Vec<usize>)> {
                let fact = model.input_fact(index)?;
                let shape = fact.shape.as_concrete().ok_or_else(|| TractError::msg("an input's shape is not fixed"))?;
                Ok((fact.datum_type, shape.to_vec()))
            };
            let inputs = (0..model.inputs.len()).map(fact).collect::<TractResult<Vec<_>>>()?;
            Ok(Runnable { plan: model.into_runnable()?, inputs })
        };
        guarded(prepare).map(Self::Runnable).map_err(ImportError::inference)
    }
}

impl Runnable {
    fn run(&self, inputs: &[ArrayD<f64>]) -> TractResult<Vec<ArrayD<f64>>> {
        let feed = |(array, (element, shape)): (&ArrayD<f64>, &(DatumType, Vec<usize>))| -> TractResult<TValue> {
            let values: Vec<f64> = array.iter().copied().collect();
            let tensor = Tensor::from_shape(shape, &values)?;
            Ok(tensor.cast_to_dt(*element)?.into_owned().into_tvalue())
        };
        let feeds = inputs.iter().zip(&self.inputs).map(feed).collect::<TractResult<TVec<TValue>>>()?;
        let outputs = self.plan.run(feeds)?;
        let read = |tensor: &TValue| -> TractResult<ArrayD<f64>> {
            let cast = tensor.cast_to::<f64>()?;
            let values = cast.try_as_plain_ram()?.as_slice::<f64>()?.to_vec();
            Ok(ArrayD::from_shape_vec(IxDyn(tensor.shape()), values)?)
        };
        outputs.iter().map(read).collect()
    }
}

impl Reference for Untouched {
    fn outputs(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, Unevaluated> {
        let model = match self {
            Self::Runnable(model) => model,
            Self::Translated(graph) => return Reference::outputs(graph, inputs),
        };
        if inputs.len() != model.inputs.len() {
            return Err(Unevaluated::Inputs { expected: model.inputs.len(), got: inputs.len() });
        }
        // The outermost reason: those within may have values of the sample.
        let outputs = contained(|| model.run(inputs))?;
        outputs.map_err(|error| Failure::Refused(error.to_string()).into())
    }
}
