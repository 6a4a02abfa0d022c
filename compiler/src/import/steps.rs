//! What recurrences are made of that ONNX has no operator for, as operators of the parser's. They stand in no file: what is in files is spelled
//! by them, and none of their names is admitted there.

use tract_onnx::Onnx;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::*;
use tract_onnx::tract_hir::internal::{Expansion, check_output_arity, expand};

/// Something about tensors whose first axis counts steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Steps {
    /// The states before each step, for each sequence of the first operand, `[steps, sequences, ..]`, as many numbers as the last axis of the
    /// second operand has. A third operand says what they are before the first step.
    States,
    /// The states after each step, the first operand, which are handed on to be the second.
    Carry,
    /// Steps in the other order.
    Reversed,
    /// The last step alone.
    Last,
}

/// The names of the operators in spelled graphs.
pub(super) const STATES: &str = "zktorch.States";
pub(super) const CARRY: &str = "zktorch.Carry";
pub(super) const REVERSED: &str = "zktorch.Reversed";
pub(super) const LAST: &str = "zktorch.Last";

/// Teaches the parser these operators.
pub(super) fn register(onnx: &mut Onnx) {
    onnx.op_register.insert(STATES, |_, _| Ok((expand(Steps::States), Vec::new())));
    onnx.op_register.insert(CARRY, |_, _| Ok((expand(Steps::Carry), Vec::new())));
    onnx.op_register.insert(REVERSED, |_, _| Ok((expand(Steps::Reversed), Vec::new())));
    onnx.op_register.insert(LAST, |_, _| Ok((expand(Steps::Last), Vec::new())));
}

impl Steps {
    fn of_kind(&self) -> &'static str {
        match self {
            Self::States => "States",
            Self::Carry => "Carry",
            Self::Reversed => "Reversed",
            Self::Last => "Last",
        }
    }

    /// The shape of the result by those of the operands.
    fn shape<D: DimLike>(&self, operands: &[&[D]]) -> TractResult<TVec<D>> {
        let mut shape: TVec<D> = operands.first().context("no operand")?.iter().cloned().collect();
        match self {
            Self::States => {
                let size = operands.get(1).and_then(|kernel| kernel.last()).context("states of no size")?;
                ensure!(shape.len() == 3, "states of sequences that are no sequences of rows of numbers");
                shape[2] = size.clone();
                let first: TVec<D> = [D::one(), shape[1].clone(), shape[2].clone()].into_iter().collect();
                ensure!(
                    operands.get(2).is_none_or(|given| *given == &*first),
                    "states of another shape before the first step"
                );
            }
            Self::Last => *shape.first_mut().context("a number has no steps")? = D::one(),
            Self::Carry => ensure!(operands.get(1) == operands.first(), "states of another shape than those they become"),
            Self::Reversed => {}
        }
        Ok(shape)
    }
}

impl Expansion for Steps {
    fn name(&self) -> StaticName {
        self.of_kind().into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        s.equals(&outputs[0].datum_type, &inputs[0].datum_type)?;
        s.given_all(inputs.iter().map(|input| &input.shape), move |s, shapes| {
            let shapes: Vec<&[TDim]> = shapes.iter().map(|shape| &**shape).collect();
            s.equals(&outputs[0].shape, self.shape(&shapes)?)
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }

    fn runs_out_of_plan(&self) -> bool {
        false
    }
}

impl Op for Steps {
    fn name(&self) -> StaticName {
        self.of_kind().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Steps {
    not_out_of_plan!();
}

impl TypedOp for Steps {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shapes: Vec<&[TDim]> = inputs.iter().map(|fact| &*fact.shape).collect();
        let first = inputs.first().context("no operand")?;
        Ok(tvec!(first.datum_type.fact(self.shape(&shapes)?)))
    }

    as_op!();
}
