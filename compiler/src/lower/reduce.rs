//! Reductions over whole axes (docs/lowerings.md, section 11, and docs/lowerings.md, section 12).

use super::builder::Refusal;
use super::layout::pass;
use super::{Lowering, Value};
use crate::graph::{NodeId, Op, ReduceKind};
use zktorch_blocks::program::{AxisGroup, GroupMap};

impl Lowering<'_> {
    pub(super) fn reduce_sum(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Reduce { kind, axes } = self.graph.op(id).clone() else { return Err("not a reduction".to_owned()) };
        let operand = self.operand(id, 0)?;
        let count: usize = axes.iter().map(|&a| self.graph.shape(operand)[a]).product();
        let mean = kind == ReduceKind::Mean;
        let x = if mean && !count.is_power_of_two() { self.narrow(operand)? } else { self.value(operand)? };
        let name = self.name(id);
        let tensor = self.sum_axes(&format!("{name}.sum"), x.tensor, &axes, true)?;
        self.builder.set_scale(tensor, x.scale);
        let sum = Value { tensor, scale: x.scale, depth: x.depth + 1 };
        if mean { self.mean_of(&name, sum, count as i64) } else { Ok(sum) }
    }

    pub(super) fn reduce_max(&mut self, id: NodeId) -> Result<Value, Refusal> {
        let Op::Reduce { kind, axes } = self.graph.op(id).clone() else { return Err("not a reduction".to_owned()) };
        let operand = self.operand(id, 0)?;
        let x = self.narrow(operand)?;
        let name = self.name(id);
        let sign = if kind == ReduceKind::Min { -1 } else { 1 };
        let signed = self.builder.linear(&format!("{name}.signed"), &[(sign, x.tensor)], 0, x.scale)?;
        let m = self.attained_max(&name, signed, &axes)?;
        let m = self.builder.linear(&format!("{name}.result"), &[(sign, m)], 0, x.scale)?;
        let shape = self.graph.shape(id).to_vec();
        let kept: Vec<usize> = (0..shape.len()).filter(|a| !axes.contains(a)).collect();
        let mut groups: Vec<AxisGroup> = kept.iter().enumerate().map(|(s, &o)| pass(o, s)).collect();
        groups.push(AxisGroup { out_axes: axes, source_axes: vec![], map: GroupMap::Reshape });
        let tensor = self.builder.view(&name, m, &shape, groups);
        Ok(Value { tensor, ..x })
    }
}
