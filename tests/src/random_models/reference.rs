//! The values that a model has by itself: tract's run of its bytes, which none of our passes has touched.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use prost::Message;
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};
use tract_onnx::prelude::*;

/// A model that tract can run.
pub struct Reference(Arc<TypedRunnableModel>);

impl Reference {
    /// Reads a model; neither simplified nor optimised, since that may change values.
    ///
    /// # Errors
    /// tract's reason.
    pub fn new(bytes: &[u8]) -> Result<Self, String> {
        let plan = || {
            let mut proto = ModelProto::decode(bytes)?;
            spell_celu(&mut proto);
            let onnx = tract_onnx::onnx().with_ignore_value_info(true);
            onnx.model_for_proto_model(&proto)?.into_typed()?.into_runnable()
        };
        contained(plan).map(Self)
    }

    /// The outputs for one sample.
    ///
    /// # Errors
    /// tract's reason.
    pub fn run(&self, inputs: &[ArrayD<f64>]) -> Result<Vec<ArrayD<f64>>, String> {
        let run = || {
            let tensor = |(index, a): (usize, &ArrayD<f64>)| {
                let values: Vec<f64> = a.iter().copied().collect();
                let element = self.0.model().input_fact(index)?.datum_type;
                TractResult::Ok(Tensor::from_shape(a.shape(), &values)?.cast_to_dt(element)?.into_owned().into_tvalue())
            };
            let inputs = inputs.iter().enumerate().map(tensor).collect::<TractResult<TVec<TValue>>>()?;
            let outputs = self.0.run(inputs)?;
            outputs.iter().map(|output| array(output)).collect()
        };
        contained(run)
    }
}

/// `max(x, 0) + min(alpha (exp(x / alpha) - 1), 0)` in place of each `Celu`, in which tract forgets the factor.
fn spell_celu(proto: &mut ModelProto) {
    let Some(graph) = &mut proto.graph else { return };
    for celu in std::mem::take(&mut graph.node) {
        if celu.op_type != "Celu" {
            graph.node.push(celu);
            continue;
        }
        let alpha = celu.attribute.iter().find(|a| a.name == "alpha").map_or(1.0, |a| a.f);
        let (x, y) = (celu.input[0].clone(), celu.output[0].clone());
        let part = |suffix: &str| format!("{y}.{suffix}");
        for (name, value) in [("alpha", alpha), ("one", 1.0), ("zero", 0.0)] {
            let tensor = TensorProto { data_type: 1, float_data: vec![value], name: part(name), ..TensorProto::default() };
            graph.initializer.push(tensor);
        }
        let mut add = |op: &str, operands: [&str; 2], output: &str| {
            let input = operands.iter().filter(|o| !o.is_empty()).map(|&o| o.to_owned()).collect();
            let (name, op_type) = (output.to_owned(), op.to_owned());
            graph.node.push(NodeProto { input, output: vec![name.clone()], name, op_type, ..NodeProto::default() });
        };
        add("Div", [&x, &part("alpha")], &part("ratio"));
        add("Exp", [&part("ratio"), ""], &part("exp"));
        add("Sub", [&part("exp"), &part("one")], &part("less"));
        add("Mul", [&part("less"), &part("alpha")], &part("scaled"));
        add("Min", [&part("scaled"), &part("zero")], &part("negative"));
        add("Max", [&x, &part("zero")], &part("positive"));
        add("Add", [&part("negative"), &part("positive")], &y);
    }
}

fn array(tensor: &Tensor) -> TractResult<ArrayD<f64>> {
    let cast = tensor.cast_to::<f64>()?;
    let plain = cast.try_as_plain_ram()?;
    Ok(ArrayD::from_shape_vec(IxDyn(tensor.shape()), plain.as_slice::<f64>()?.to_vec())?)
}

fn contained<T>(step: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => result.map_err(|error| format!("{error:#}")),
        Err(_) => Err("tract panicked".to_owned()),
    }
}
