//! Views that several operators use (docs/lowerings.md, section 10).

use zktorch_blocks::program::{AxisGroup, GroupMap, TensorId};

use super::{Lowering, Refusal, Value};
use crate::graph::NodeId;

/// One axis that stays as it is.
pub(crate) fn pass(out: usize, source: usize) -> AxisGroup {
    AxisGroup { out_axes: vec![out], source_axes: vec![source], map: GroupMap::Reshape }
}

/// `source = stride * out + offset` on one axis.
pub(crate) fn affine(out: usize, source: usize, stride: i64, offset: i64) -> AxisGroup {
    AxisGroup { out_axes: vec![out], source_axes: vec![source], map: GroupMap::Affine { strides: vec![stride], offset } }
}

impl Lowering<'_> {
    /// A view of a node's operand, at the operand's scale.
    pub(crate) fn layout(&mut self, id: NodeId, groups: Vec<AxisGroup>) -> Result<Value, Refusal> {
        let operand = self.operand(id, 0)?;
        let x = self.value(operand)?;
        let tensor = self.builder.view(&self.name(id), x.tensor, self.graph.shape(id), groups);
        Ok(Value { tensor, ..x })
    }

    pub(crate) fn operand_shape(&self, id: NodeId) -> Result<Vec<usize>, Refusal> {
        Ok(self.graph.shape(self.operand(id, 0)?).to_vec())
    }

    /// A tensor whose axes are the `kept` axes of `dims`, repeated along the others.
    pub(crate) fn broadcast_axes(&mut self, name: &str, x: TensorId, kept: &[usize], dims: &[usize]) -> TensorId {
        let new: Vec<usize> = (0..dims.len()).filter(|a| !kept.contains(a)).collect();
        if new.is_empty() {
            return x;
        }
        let mut groups: Vec<AxisGroup> = kept.iter().enumerate().map(|(source, &out)| pass(out, source)).collect();
        groups.push(AxisGroup { out_axes: new, source_axes: vec![], map: GroupMap::Broadcast });
        self.builder.view(name, x, dims, groups)
    }
}
