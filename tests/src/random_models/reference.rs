//! The values that a model has by itself: tract's run of its bytes, which none of our passes has touched.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
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
            let model = tract_onnx::onnx().with_ignore_value_info(true).model_for_read(&mut &bytes[..])?;
            model.into_typed()?.into_runnable()
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
