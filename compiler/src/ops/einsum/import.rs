//! Products by the parser's labels: MatMul, Gemm's product, and einsums without an ellipsis.

use tract_onnx::tract_core::axes::Axis as TractAxis;
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::super::Label;
use super::several::{Labelled, several};
use crate::graph::NodeId;
use crate::import::{Refusal, Site, Translator};

/// MatMul, Gemm's product, and all other einsums.
pub(super) fn import(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let op = site.op::<EinSum>()?;
    if op.q_params.is_some() {
        return Err(Refusal::QUANTISED);
    }
    let axes: Vec<&TractAxis> = op.axes.iter_all_axes().collect();
    if op.axes.output_count() != 1 || axes.iter().any(|a| a.outputs.iter().any(|places| places.len() > 1)) {
        return Err(Refusal::Form("a label twice in the result is not supported"));
    }
    if axes.len() > usize::from(u8::MAX) {
        return Err(Refusal::Form("so many labels are not supported"));
    }
    let out = labels(&axes, site.shape.len(), |axis| &axis.outputs[0]);
    let operand = |t: &mut Translator<'_>, side: usize| -> Result<Labelled, Refusal> {
        let own = labels(&axes, t.operand_shape(site, side)?.len(), |axis| &axis.inputs[side]);
        Ok((own, t.operand(site, side)?))
    };
    let operands = (0..op.axes.input_count()).map(|side| operand(t, side)).collect::<Result<Vec<_>, _>>()?;
    let product = several(&mut t.graph, &site.name, &operands, &out)?;
    Ok(t.reshape(site, product, &site.shape))
}

/// The labels of one side, by position; the label is the axis' index.
fn labels<'a>(axes: &[&'a TractAxis], rank: usize, places: impl Fn(&'a TractAxis) -> &'a [usize]) -> Vec<Label> {
    let at = |p: usize| axes.iter().position(|axis| places(axis).contains(&p));
    (0..rank).filter_map(|p| at(p).and_then(|label| u8::try_from(label).ok().map(Label))).collect()
}
