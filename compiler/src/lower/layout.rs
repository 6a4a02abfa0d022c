//! Operations that move entries: views (docs/lowerings.md, section 10).

use zktorch_blocks::program::{AxisGroup, GroupMap, TensorId};

use super::builder::Refusal;
use super::elementwise::power;
use super::{Lowering, Value};
use crate::graph::{NodeId, Op};
use crate::quantise::to_integer;

/// One axis that stays as it is.
pub(super) fn pass(out: usize, source: usize) -> AxisGroup {
    AxisGroup { out_axes: vec![out], source_axes: vec![source], map: GroupMap::Reshape }
}

/// `source = stride * out + offset` on one axis.
pub(super) fn affine(out: usize, source: usize, stride: i64, offset: i64) -> AxisGroup {
    AxisGroup { out_axes: vec![out], source_axes: vec![source], map: GroupMap::Affine { strides: vec![stride], offset } }
}

/// A reshape as the finest product of reshapes of adjacent axes.
pub(super) fn reshape_groups(from: &[usize], to: &[usize]) -> Vec<AxisGroup> {
    let mut groups = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() || j < to.len() {
        let (first_i, first_j) = (i, j);
        let (mut a, mut b) = (1usize, 1usize);
        loop {
            if a == b && i + j > first_i + first_j {
                break;
            }
            if (a <= b && i < from.len()) || j == to.len() {
                a *= from[i];
                i += 1;
            } else {
                b *= to[j];
                j += 1;
            }
        }
        // A unit axis met alone is inserted or dropped; with its equal on the other side it passes through.
        if a == 1 && i > first_i && j == first_j && to.get(j) == Some(&1) {
            j += 1;
        }
        groups.push(AxisGroup {
            out_axes: (first_j..j).collect(),
            source_axes: (first_i..i).collect(),
            map: GroupMap::Reshape,
        });
    }
    groups
}

impl Lowering<'_> {
    /// A view of a node's operand, at the operand's scale.
    fn layout(&mut self, id: NodeId, groups: Vec<AxisGroup>) -> Result<Value, Refusal> {
        let operand = self.operand(id, 0)?;
        let x = self.value(operand)?;
        let tensor = self.builder.view(&self.name(id), x.tensor, self.graph.shape(id), groups);
        Ok(Value { tensor, ..x })
    }

    fn operand_shape(&self, id: NodeId) -> Result<Vec<usize>, Refusal> {
        Ok(self.graph.shape(self.operand(id, 0)?).to_vec())
    }

    pub(super) fn reshape(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let from = self.operand_shape(id)?;
        if from == self.graph.shape(id) {
            let operand = self.operand(id, 0)?;
            return self.value(operand);
        }
        self.layout(id, reshape_groups(&from, self.graph.shape(id)))
    }

    pub(super) fn transpose(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Transpose(permutation) = self.graph.op(id).clone() else { return Err("not a transpose".to_owned()) };
        self.layout(id, permutation.iter().enumerate().map(|(out, &source)| pass(out, source)).collect())
    }

    pub(super) fn slice(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Slice { axis, start, step, .. } = *self.graph.op(id) else { return Err("not a slice".to_owned()) };
        let rank = self.graph.shape(id).len();
        let cut = |a| if a == axis { affine(a, a, step as i64, start as i64) } else { pass(a, a) };
        self.layout(id, (0..rank).map(cut).collect())
    }

    pub(super) fn take(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Take { axis, indices } = self.graph.op(id).clone() else { return Err("not a selection".to_owned()) };
        let list = indices.iter().map(|&i| u32::try_from(i).ok()).collect();
        let rank = self.graph.shape(id).len();
        let mut groups: Vec<AxisGroup> = (0..rank).map(|a| pass(a, a)).collect();
        groups[axis].map = GroupMap::List(list);
        self.layout(id, groups)
    }

    pub(super) fn broadcast(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let from = self.operand_shape(id)?;
        let to = self.graph.shape(id);
        let mut groups = Vec::new();
        for (axis, (&a, &b)) in from.iter().zip(to).enumerate() {
            if a == b {
                groups.push(pass(axis, axis));
            } else {
                groups.push(AxisGroup { out_axes: vec![], source_axes: vec![axis], map: GroupMap::Reshape });
                groups.push(AxisGroup { out_axes: vec![axis], source_axes: vec![], map: GroupMap::Broadcast });
            }
        }
        self.layout(id, groups)
    }

    /// A tensor whose axes are the `kept` axes of `dims`, repeated along the others.
    pub(super) fn broadcast_axes(&mut self, name: &str, x: TensorId, kept: &[usize], dims: &[usize]) -> TensorId {
        let new: Vec<usize> = (0..dims.len()).filter(|a| !kept.contains(a)).collect();
        if new.is_empty() {
            return x;
        }
        let mut groups: Vec<AxisGroup> = kept.iter().enumerate().map(|(source, &out)| pass(out, source)).collect();
        groups.push(AxisGroup { out_axes: new, source_axes: vec![], map: GroupMap::Broadcast });
        self.builder.view(name, x, dims, groups)
    }

    pub(super) fn pad(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Pad { begin, value: frame, .. } = self.graph.op(id).clone() else { return Err("not a pad".to_owned()) };
        let shape = self.graph.shape(id).to_vec();
        let from = self.operand_shape(id)?;
        let groups: Vec<AxisGroup> = (0..shape.len())
            .map(|a| if shape[a] == from[a] { pass(a, a) } else { affine(a, a, 1, -(begin[a] as i64)) })
            .collect();
        let x = self.layout(id, groups.clone())?;
        if frame == 0.0 {
            return Ok(x);
        }
        // c (1 - cover), where the cover is the view of a tensor of ones.
        let name = self.name(id);
        let ones = self.builder.fill(&format!("{name}.ones"), &from, 1);
        let cover = self.builder.view(&format!("{name}.cover"), ones, &shape, groups);
        let value = to_integer(frame, x.scale) as i64;
        let tensor = self.builder.linear(&name, &[(1, x.tensor), (-value, cover)], value, x.scale)?;
        Ok(Value { tensor, ..x })
    }

    pub(super) fn concat(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Concat { axis } = *self.graph.op(id) else { return Err("not a concatenation".to_owned()) };
        let shape = self.graph.shape(id).to_vec();
        let name = self.name(id);
        let operands = self.graph.operands(id);
        let parts = operands.iter().map(|&o| self.narrow(o)).collect::<Result<Vec<Value>, _>>()?;
        let scale = parts.iter().map(|p| p.scale).max().unwrap_or(0);
        let depth = parts.iter().map(|p| p.depth).max().unwrap_or(0);
        let mut start = 0i64;
        let mut terms = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let groups = (0..shape.len()).map(|a| if a == axis { affine(a, a, 1, -start) } else { pass(a, a) }).collect();
            start += self.builder.dims(part.tensor)[axis] as i64;
            let placed = self.builder.view(&format!("{name}.part{index}"), part.tensor, &shape, groups);
            terms.push((power(scale - part.scale)?, placed));
        }
        Ok(Value { tensor: self.builder.linear(&name, &terms, 0, scale)?, scale, depth })
    }
}
