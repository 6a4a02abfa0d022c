//! Entries of one axis by indices that depend on inputs: embeddings of token ids (docs/lowerings.md, section 10).

use ndarray::{ArrayD, Axis, IxDyn};
use zktorch_blocks::program::{AxisGroup, GroupMap, Role, TensorId};

use super::operator::{Imports, Nature, Operator, Ranges, empty, first};
use super::shape::{Misfit, two, with_axes};
use super::{Op, Reshape, Unary};
use crate::graph::{Domain, Graph, NodeId};
use crate::import::{self, Site, Translator};
use crate::lower::{Lowering, Refusal, Value, pass};
use crate::quantise::Range;

/// ONNX's operator with constant indices is [`Take`](super::Take), which asks here for the rest.
pub(super) const IMPORT: Imports = &[];

/// The last id that floats of 32 bits hold, through which exporters cast ids.
const MOST: usize = 1 << 24;

/// `out[.., i.., ..] = x[.., indices[i..], ..]`: the axis of operand 0 is replaced by the axes of operand 1, integers below the axis' extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// Along this axis.
    pub axis: usize,
}

/// Entries by indices that depend on inputs. The integers of an input are then known to be indices: negative ones, which ONNX counts from
/// the end, are refused as inputs, and when a model runs.
pub(super) fn import(t: &mut Translator<'_>, site: &Site<'_>, axis: usize) -> Result<NodeId, import::Refusal> {
    let (x, mut indices) = (t.operand(site, 0)?, t.operand(site, 1)?);
    let extent = *t.graph.shape(x).get(axis).ok_or(import::Refusal::OutOfRange("the axis"))?;
    let input = ids_behind(&t.graph, indices);
    if matches!(t.graph.op(input), Op::Input(_)) && extent <= MOST {
        t.graph.declare(input, Domain::Integer { lo: 0, hi: extent as i64 - 1 });
        let shape = t.graph.shape(indices).to_vec();
        indices = t.reshape(site, input, &shape);
    }
    if !t.graph.domain(indices).is_exact() {
        return Err(import::Refusal::Form("indices that are rounded are not supported, only integers"));
    }
    t.add(site, Gather { axis }, &[x, indices])
}

/// The node whose entries, which are integers, these are in order: through casts, which change none below 2^24, and other shapes.
pub(super) fn ids_behind(graph: &Graph, mut id: NodeId) -> NodeId {
    while let Op::Reshape(Reshape) | Op::Unary(Unary::ToReal | Unary::Trunc) = graph.op(id) {
        let Some(&operand) = graph.operands(id).first() else { break };
        id = operand;
    }
    id
}

impl Operator for Gather {
    fn name(&self) -> &'static str {
        "Gather"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let [x, indices] = two(operands)?;
        let mut shape = with_axes(x, &[self.axis])?;
        shape.splice(self.axis..=self.axis, indices.iter().copied());
        Ok(Some(shape))
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        first(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let [x, indices] = *operands else { return empty() };
        if x.is_empty() {
            return empty();
        }
        let last = x.shape()[self.axis].saturating_sub(1);
        let list: Vec<usize> = indices.iter().map(|&index| (index.max(0.0) as usize).min(last)).collect();
        let rows = x.select(Axis(self.axis), &list).as_standard_layout().into_owned();
        rows.into_shape_with_order(IxDyn(shape)).unwrap_or_else(|_| empty())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::LAYOUT
    }

    /// Where the indices are a public input a view by the statement's, and nothing is committed or looked up; else lookups of rows.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (operand, indices) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let x = at.value(operand)?;
        let list = at.value(ids_behind(at.graph, indices))?;
        let (name, dims, rank) = (at.name(id), at.graph.shape(id).to_vec(), at.graph.shape(operand).len());
        let axes = at.graph.shape(indices).len();
        let others: Vec<usize> = (0..rank).filter(|&a| a != self.axis).collect();
        let out = |axis: usize| if axis < self.axis { axis } else { axis + axes - 1 };
        if at.builder.role(list.tensor) == Role::Public {
            let mut groups: Vec<AxisGroup> = others.iter().map(|&a| pass(out(a), a)).collect();
            let out_axes = (self.axis..self.axis + axes).collect();
            groups.push(AxisGroup { out_axes, source_axes: vec![self.axis], map: GroupMap::Indices(list.tensor) });
            return Ok(Value { tensor: at.builder.view(&name, x.tensor, &dims, groups), ..x });
        }
        // The axis comes first, and the indices' axes go to where it was.
        let list = at.value(indices)?.tensor;
        let order: Vec<usize> = std::iter::once(self.axis).chain(others.iter().copied()).collect();
        let source = transposed(at, &format!("{name}.source"), x.tensor, &order);
        let rows = at.builder.rows(&format!("{name}.rows"), source, list);
        let back: Vec<usize> = (0..dims.len())
            .map(|axis| match axis {
                a if a < self.axis => axes + a,
                a if a < self.axis + axes => a - self.axis,
                a => a,
            })
            .collect();
        Ok(Value { tensor: transposed(at, &name, rows, &back), scale: x.scale, depth: 0 })
    }
}

/// A tensor with axis `order[i]` at place `i`.
fn transposed(at: &mut Lowering<'_>, name: &str, x: TensorId, order: &[usize]) -> TensorId {
    if order.is_sorted() {
        return x;
    }
    let dims: Vec<usize> = order.iter().map(|&axis| at.builder.dims(x)[axis]).collect();
    at.builder.view(name, x, &dims, order.iter().enumerate().map(|(out, &source)| pass(out, source)).collect())
}

#[cfg(test)]
mod tests {
    use zktorch_blocks::execute::{check_satisfied, execute};
    use zktorch_blocks::program::Visibility;

    use super::*;
    use crate::graph::Graph;
    use crate::{Compiled, Options, compile};

    /// Rows of a table of five by ids of two axes, between the table's other axes.
    fn embedding(axis: usize) -> Graph {
        let mut graph = Graph::new();
        let ids = graph.add_input_of(Domain::Integer { lo: 0, hi: 4 }, "ids", &[3, 2]);
        let shape: Vec<usize> = if axis == 0 { vec![5, 2, 3] } else { vec![2, 5, 3] };
        let values = (0..30).map(|i| f64::from(i * 7 % 31) - 15.0).collect();
        let table = graph.add_constant("table", ArrayD::from_shape_vec(shape, values).expect("of the shape"));
        let rows = graph.add_inferred("rows", Gather { axis }, &[table, ids]).expect("shapes fit");
        graph.add_output("rows", rows);
        graph
    }

    #[test]
    fn the_integers_are_the_rows_of_the_ids() {
        for (axis, inputs) in [0, 1].into_iter().flat_map(|axis| [(axis, Visibility::Public), (axis, Visibility::Private)]) {
            let graph = embedding(axis);
            let options = Options { inputs, ..Options::default() };
            let Compiled { program, weights, outputs, .. } = compile(&graph, &[], &options).expect("it compiles");
            let ids = [4, 0, 3, 3, 1, 2];
            let trace = execute(&program, &weights, &[ids.to_vec()]).expect("in range");
            assert_eq!(check_satisfied(&program, &trace), []);
            let floats = ArrayD::from_shape_vec(vec![3, 2], ids.map(|id| id as f64).to_vec()).expect("of the shape");
            let wanted = graph.evaluate(&[floats]).expect("it runs").outputs()[0].clone();
            assert_eq!(wanted.shape(), if axis == 0 { [3, 2, 2, 3] } else { [2, 3, 2, 3] });
            let given = outputs[0].dequantise(&trace.values(&program, program.outputs[0]));
            assert_eq!(given, wanted.into_iter().collect::<Vec<_>>());
            assert_eq!(program.row_lookups.len(), usize::from(inputs == Visibility::Private), "public ids need none");
        }
    }

    #[test]
    fn a_key_of_another_axis_fails_its_audit() {
        let [first, second] = [0, 1].map(embedding);
        let program = compile(&first, &[], &Options::default()).expect("it compiles").program;
        assert!(crate::audit::audit(&first, &program).is_ok());
        assert!(crate::audit::audit(&second, &program).is_err());
    }
}
