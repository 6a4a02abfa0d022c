//! The one operator that ONNX lacks for trees: which of their nodes are reached. [`expand`](super::expand) writes it into graphs, and a file may
//! have it too.
//!
//! `Descent(bits, parents)`: `bits` are booleans, the nodes of all trees along their last axis, and `parents` has for each node 0 where it is a
//! root, else `1 + 2 p + b` where it is the child of node `p`, which comes before it, that is next if the bit of `p` is `b`. The result has 1 at
//! nodes to which bits lead.

use tract_onnx::model::OnnxOpRegister;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::internal::{Expansion, Solver, TensorProxy, check_input_arity, check_output_arity, expand};

/// Its domain.
pub(super) const DOMAIN: &str = "zktorch";
/// Its name.
pub(super) const NAME: &str = "Descent";
/// The name of a convolution of integers that have no zero point, of any type.
pub(super) const WHOLE_CONV: &str = "WholeConv";

/// Lets the parser know the operator, and its own convolution of integers under another name: what has the name of ONNX's is rewritten.
pub(super) fn register(operators: &mut OnnxOpRegister) {
    operators.insert(NAME, |_, _| Ok((expand(Unread), vec![])));
    if let Some(&conv) = operators.0.get("ConvInteger") {
        operators.insert(WHOLE_CONV, conv);
    }
}

/// The operator in the parser's typed model.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Descent {
    /// One a node.
    pub(crate) parents: Arc<Vec<u32>>,
}

impl Descent {
    /// The parent of a node, and the bit that leads from there to it, by its code.
    pub(crate) fn parent(code: u32) -> Option<(u32, bool)> {
        code.checked_sub(1).map(|code| (code / 2, code % 2 == 1))
    }
}

/// The operator before its second operand is read.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Unread;

impl Expansion for Unread {
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
        s.equals(&inputs[0].datum_type, DatumType::Bool)?;
        s.equals(&inputs[1].datum_type, DatumType::I64)?;
        s.equals(&outputs[0].datum_type, DatumType::Bool)?;
        s.equals(&outputs[0].shape, &inputs[0].shape)
    }

    fn wire(&self, prefix: &str, target: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let parents = target.outlet_fact(inputs[1])?.konst.clone().context("its parents must be constants")?;
        let parents = parents.try_as_plain_ram()?.as_slice::<i64>()?.to_vec();
        let nodes = target.outlet_fact(inputs[0])?.shape.last().map(|dim| dim.to_usize()).transpose()?;
        ensure!(nodes == Some(parents.len()), "{} parents for {nodes:?} nodes", parents.len());
        let early = |(node, &code): (usize, &i64)| (0..=2 * node as i64).contains(&code);
        ensure!(parents.iter().enumerate().all(early), "a parent that does not come before its child");
        let parents = parents.into_iter().map(u32::try_from).collect::<Result<_, _>>()?;
        target.wire_node(prefix, Descent { parents: Arc::new(parents) }, &inputs[..1])
    }
}

impl Op for Descent {
    fn name(&self) -> StaticName {
        NAME.into()
    }

    op_as_typed_op!();
}

impl EvalOp for Descent {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let bits = args_1!(inputs);
        let mut reached = bits.into_tensor();
        let mut plain = reached.try_as_plain_ram_mut()?;
        for row in plain.as_slice_mut::<bool>()?.chunks_mut(self.parents.len().max(1)) {
            let bits = row.to_vec();
            for (node, &code) in self.parents.iter().enumerate() {
                row[node] =
                    Self::parent(code).is_none_or(|(parent, bit)| row[parent as usize] && bits[parent as usize] == bit);
            }
        }
        Ok(tvec!(reached.into_tvalue()))
    }
}

impl TypedOp for Descent {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].datum_type.fact(inputs[0].shape.clone())))
    }

    as_op!();
}
