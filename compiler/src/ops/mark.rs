//! One-hot rows of indices that depend on inputs (docs/lowerings.md, section 24).

use ndarray::{ArrayD, IxDyn};
use tract_onnx::prelude::{DatumType, Tensor};
use tract_onnx::tract_core::ops::array::OneHot;
use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::index::indices as counted;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one};
use super::{Add, IndexOf, Label, Mul, Op, Reshape, Transpose, Unary};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Translator, to_array};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Named("Onehot", one_hot)];

/// Bits of one tensor of marks, at most.
const MOST: usize = 1 << 24;

/// Bits `z[.., e]` that are 1 where the operand's entry is `e`, an index of an axis of this extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Of the axis.
    pub extent: usize,
}

/// Bits of indices, with the indices' own axes and that of the entries: those that a `TopK` or the like made, if it made the indices.
pub(super) fn marks(
    t: &mut Translator<'_>,
    site: &Site<'_>,
    indices: NodeId,
    extent: usize,
) -> Result<NodeId, import::Refusal> {
    let mut id = indices;
    while let (Op::Reshape(Reshape) | Op::Unary(Unary::ToReal | Unary::Trunc | Unary::Wrap { .. }), Some(&inner)) =
        (t.graph.op(id), t.graph.operands(id).first())
    {
        id = inner;
    }
    let shape = [t.graph.shape(indices), &[extent]].concat();
    if shape.iter().product::<usize>() > MOST {
        return Err(import::Refusal::Form("so many entries at indices that depend on inputs are not supported"));
    }
    if let (Op::IndexOf(IndexOf), Some(&z)) = (t.graph.op(id), t.graph.operands(id).first())
        && t.graph.shape(z).last() == Some(&extent)
    {
        return Ok(t.reshape(site, z, &shape));
    }
    let x = counted(t, site, indices, extent)?;
    t.add(site, Mark { extent }, &[x])
}

/// One number where an index is, and another elsewhere.
fn one_hot(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let OneHot { axis, dim, off, on } = site.op::<OneHot>()?.clone();
    let indices = t.operand(site, 0)?;
    let z = marks(t, site, indices, dim)?;
    let z = match t.graph.shape(z).len() - 1 {
        last if last == axis => z,
        last => t.add(site, Transpose::moving(last + 1, last, axis), &[z])?,
    };
    let number = |tensor: &Tensor| {
        to_array(tensor)?.first().copied().ok_or(import::Refusal::Missing("a value of a one-hot tensor is missing"))
    };
    let (kind, off, on) = (on.datum_type(), number(&off)?, number(&on)?);
    if kind == DatumType::Bool {
        return match (off != 0.0, on != 0.0) {
            (false, true) => Ok(z),
            (true, false) => t.add(site, Unary::Not, &[z]),
            _ => Err(import::Refusal::Form("a one-hot tensor of one truth is not supported")),
        };
    }
    let integer = kind.is_integer();
    let mut y = t.add(site, if integer { Unary::Wrap { lo: 0, hi: 1 } } else { Unary::ToReal }, &[z])?;
    for (op, number, neutral) in [(Op::from(Mul), on - off, 1.0), (Add.into(), off, 0.0)] {
        if number != neutral {
            let shape = t.graph.shape(y).to_vec();
            let constant = ArrayD::from_elem(IxDyn(&vec![1; shape.len()]), number);
            let domain = if integer { Domain::ANY } else { Domain::Real };
            let constant = t.graph.add_constant_of(domain, site.name.clone(), constant);
            let constant = t.broadcast(site, constant, &shape);
            y = t.add(site, op, &[y, constant])?;
        }
    }
    Ok(y)
}

impl Operator for Mark {
    fn name(&self) -> &'static str {
        "OneHot"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        Ok(Some([one(operands)?, &[self.extent]].concat()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Boolean
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(x) = operands.first() else { return empty() };
        let bits = x.iter().flat_map(|&v| (0..self.extent).map(move |e| f64::from(u8::from(v == e as f64)))).collect();
        ArrayD::from_shape_vec(IxDyn(shape), bits).unwrap_or_else(|_| empty())
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, operand) = (at.name(id), at.operand(id, 0)?);
        let x = at.value(operand)?.tensor;
        let tensor = marked(at, &name, x, self.extent)?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }
}

/// Bits of which each row has one, at the place that an index says: their sum is 1, and that of places the index.
pub(crate) fn marked(at: &mut Lowering<'_>, name: &str, x: TensorId, extent: usize) -> Result<TensorId, Refusal> {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let dims = [at.builder.dims(x), &[extent]].concat();
    let (axis, bits) = (dims.len() - 1, Interval::new(0, 1));
    let places = at.builder.constant(&part("places"), &[extent], (0..extent as i64).collect());
    let rows: Vec<usize> = (0..axis).collect();
    let spread = at.broadcast_axes(&part("index.spread"), x, &rows, &dims);
    let each = at.broadcast_axes(&part("places.spread"), places, &[axis], &dims);
    let apart = at.builder.linear(&part("apart"), &[(1, spread), (-1, each)], 0, Scale(0))?;
    let rule = Advice::FirstZero { source: apart, axes: vec![axis] };
    let z = at.builder.advice(name, &dims, rule, bits, Scale(0));
    at.builder.within(name, z, bits)?;
    let count = at.sum_axes(&part("count"), z, &[axis], false)?;
    let excess = at.builder.linear(&part("excess"), &[(1, count)], -1, Scale(0))?;
    at.builder.zero(excess);
    let all = Label::of(0..=axis);
    let said = at.builder.einsum(&part("said"), (places, &all[axis..]), (z, &all), &all[..axis])?;
    let other = at.builder.linear(&part("other"), &[(1, said), (-1, x)], 0, Scale(0))?;
    at.builder.zero(other);
    Ok(z)
}
