//! The one operator that ONNX lacks for quantised models: the integer that is nearest to a product or a quotient, of two equally near ones the
//! even one, as ONNX has it. [`expand`](super::expand) writes it into graphs.
//!
//! `Nearest(x, m)` is an integer for every entry of `x`, to whose shape `m` broadcasts: `x m`, or `x / m` where `over` is 1, rounded. With
//! `times` it is `x / (m / times)`, and no result is larger than `times`.

use tract_onnx::model::OnnxOpRegister;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::internal::{Expansion, Solver, TensorProxy, check_input_arity, check_output_arity, expand};

/// Its name.
pub(super) const NAME: &str = "Nearest";

/// Lets the parser know the operator.
pub(super) fn register(operators: &mut OnnxOpRegister) {
    operators.insert(NAME, |_, node| {
        let (over, times) = (node.get_attr_opt::<i64>("over")?, node.get_attr_opt::<i64>("times")?);
        Ok((expand(Nearest { over: over == Some(1), times: times.unwrap_or(0) }), vec![]))
    });
}

/// The operator, in the parser's typed model too.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Nearest {
    /// A quotient.
    pub(crate) over: bool,
    /// The divisor is divided by this before; 0 if it is not.
    pub(crate) times: i64,
}

impl Nearest {
    /// What onnxruntime computes, in floats of 32 bits.
    pub(crate) fn eval(&self, x: f32, m: f32) -> f64 {
        let product = match (self.over, self.times) {
            (false, _) => x * m,
            (true, 0) => x / m,
            (true, times) => x / (m / times as f32),
        };
        f64::from(product.round_ties_even())
    }
}

impl Expansion for Nearest {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> TractResult<()> {
        check_input_arity(inputs, 2)?;
        check_output_arity(outputs, 1)?;
        s.equals(&inputs[1].datum_type, DatumType::F32)?;
        s.equals(&outputs[0].datum_type, DatumType::I64)?;
        s.equals(&outputs[0].shape, &inputs[0].shape)
    }

    fn wire(&self, prefix: &str, target: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        target.wire_node(prefix, self.clone(), inputs)
    }
}

impl Op for Nearest {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    op_as_typed_op!();
}

impl EvalOp for Nearest {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let (x, m) = args_2!(inputs);
        let (x, m) = (x.cast_to::<f32>()?, m.cast_to::<f32>()?);
        let (x, m) = (x.to_plain_array_view::<f32>()?, m.to_plain_array_view::<f32>()?);
        let m = m.broadcast(x.raw_dim()).context("the second operand does not broadcast to the first")?;
        let nearest = tract_onnx::prelude::tract_ndarray::Zip::from(x).and(m).map_collect(|&x, &m| self.eval(x, m) as i64);
        Ok(tvec!(nearest.into_tvalue()))
    }
}

impl TypedOp for Nearest {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(i64::fact(inputs[0].shape.clone())))
    }

    as_op!();
}
