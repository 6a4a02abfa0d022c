//! Sums of products of two tensors (docs/lowerings.md, section 9).

mod import;
mod several;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array3, ArrayD, Axis, Ix3, IxDyn};
use zktorch_blocks::program::Scale;

use super::label::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty, integers};
use super::regroup::reshape_groups;
use super::shape::{Misfit, require, two};
use super::{Op, Unary};
use crate::graph::{Domain, NodeId};
use crate::import::Import;
use crate::lower::{Lowering, Note, Refusal, Value, Weight};
use crate::quantise::{Range, is_compared, scale_for};

pub(crate) use several::several;

pub(super) const IMPORT: Imports = &[Import::Named("EinSum", import::import)];

/// First label for the parts of a flattened axis.
const PART: Label = Label(100);
/// Of a unit axis that a reshape drops.
const DROPPED: Label = Label(u8::MAX);

/// Sum of products of two operands over all labels that `out` lacks. Labels are distinct within an operand and
/// within `out`; every label of `out` occurs in an operand. MatMul, Gemm and batched products are such.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Einsum {
    /// One label per axis of the left operand.
    pub lhs: Vec<Label>,
    /// One label per axis of the right operand.
    pub rhs: Vec<Label>,
    /// One label per axis of the result.
    pub out: Vec<Label>,
}

impl Operator for Einsum {
    fn name(&self) -> &'static str {
        "Einsum"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let (labels, operands) = ([&self.lhs, &self.rhs], two(operands)?);
        for (labels, shape) in labels.iter().zip(operands) {
            let count = || Misfit::Count { what: "labels", got: labels.len(), shape: shape.to_vec() };
            require(labels.len() == shape.len(), count)?;
            require(distinct(labels), || Misfit::Repeated(labels.to_vec()))?;
        }
        require(distinct(&self.out), || Misfit::Repeated(self.out.clone()))?;
        let extent_in =
            |side: usize, label: Label| labels[side].iter().position(|&l| l == label).map(|axis| operands[side][axis]);
        for &label in labels[0] {
            if let (Some(a), Some(b)) = (extent_in(0, label), extent_in(1, label)) {
                require(a == b, || Misfit::Extents { label, left: a, right: b })?;
            }
        }
        let extent = |&label: &Label| extent_in(0, label).or(extent_in(1, label)).ok_or(Misfit::Unbound(label));
        let shape: Result<Vec<usize>, Misfit> = self.out.iter().map(extent).collect();
        shape.map(Some)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        integers(operands)
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        match *operands {
            [a, b] => contract([&self.lhs, &self.rhs], &self.out, [a, b]),
            _ => empty(),
        }
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let contracted: Vec<usize> = (0..self.lhs.len()).filter(|&axis| !self.out.contains(&self.lhs[axis])).collect();
        let product = Range::times(at.operand(0).magnitude(), at.operand(1).magnitude());
        Range::symmetric(at.entries(0, &contracted) * product)
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let Self { lhs, rhs, out } = self;
        for (own, other) in [(lhs, rhs), (rhs, lhs)] {
            if let Some(label) = own.iter().find(|l| !other.contains(l) && !out.contains(l)) {
                return Err(format!("label {label} occurs in one operand alone and not in the result").into());
            }
        }
        let (a, b) = (at.operand(id, 0)?, at.operand(id, 1)?);
        match (at.is_constant(a), at.is_constant(b)) {
            (_, true) => constant(at, id, (a, lhs), (b, rhs), out),
            (true, false) => constant(at, id, (b, rhs), (a, lhs), out),
            (false, false) => {
                let (x, y) = match at.beside_bits(a, b)? {
                    Some(factors) => factors,
                    None => (at.narrow(a)?, at.narrow(b)?),
                };
                let tensor = at.builder.einsum(&at.name(id), (x.tensor, lhs), (y.tensor, rhs), out)?;
                Ok(Value { tensor, scale: x.scale + y.scale, depth: x.depth.max(y.depth) + 1 })
            }
        }
    }
}

fn distinct(labels: &[Label]) -> bool {
    labels.iter().enumerate().all(|(i, l)| !labels[..i].contains(l))
}

/// An operand without its reshape and its labels, the weight and its labels.
type Unflattened = (NodeId, Vec<Label>, Weight, Vec<Label>);

/// A product with a weight. Where the other operand is a reshape that flattens contracted axes, the weight is
/// unflattened instead: the reshape costs nothing then.
fn constant(
    at: &mut Lowering<'_>,
    id: NodeId,
    (x, x_labels): (NodeId, &[Label]),
    (w, w_labels): (NodeId, &[Label]),
    out: &[Label],
) -> Result<Value, Refusal> {
    if let Some(weight) = at.shared(w)? {
        let (x, _) = at.factor(x)?;
        let tensor = at.builder.einsum(&at.name(id), (weight.tensor, w_labels), (x.tensor, x_labels), out)?;
        return Ok(Value { tensor, scale: x.scale + weight.scale, depth: x.depth + 1 });
    }
    let weight = at.constant(w).ok_or("the weight must be a constant")?;
    let weight = weight.broadcast(at.graph.shape(w)).ok_or("the weight does not broadcast")?;
    let plain = (x, x_labels.to_vec(), weight.clone(), w_labels.to_vec());
    let (x, x_labels, weight, w_labels) = unflatten(at, x, x_labels, &weight, w_labels, out).unwrap_or(plain);
    if let Some(turned) = turned(at, id, (x, &x_labels), (&weight, &w_labels), out)? {
        return Ok(turned);
    }
    if let Some(counted) = counted(at, id, (x, &x_labels), (&weight, &w_labels), out)? {
        return Ok(counted);
    }
    let name = at.name(id);
    let (x, scale) = match selected(at, id, x, &weight)? {
        Some(selected) => selected,
        None => {
            let (x, finer) = at.factor(x)?;
            (x, at.weight_scale(id, x.scale - finer, &weight)?)
        }
    };
    let weight = at.weight(&format!("{name}.weight"), weight.shape(), &weight, scale)?;
    let tensor = at.builder.einsum(&name, (weight, &w_labels), (x.tensor, &x_labels), out)?;
    Ok(Value { tensor, scale: x.scale + scale, depth: x.depth + 1 })
}

/// An input of more bits than others, of which entries are selected to be compared, as it is, and a scale that leaves them room.
fn selected(at: &mut Lowering<'_>, id: NodeId, x: NodeId, weight: &Weight) -> Result<Option<(Value, Scale)>, Refusal> {
    if !matches!(at.graph.op(x), Op::Input(_)) || !is_compared(at.graph, id) || at.exact(id) {
        return Ok(None);
    }
    let x = at.value(x)?;
    if at.builder.interval(x.tensor).bits() <= (at.settings.bits + 2).min(16) {
        return Ok(None);
    }
    let scale = at.decide_scale(Note::WeightScale, |withheld| {
        if weight.is_whole(withheld) { Scale(0) } else { scale_for(weight.largest(withheld), 127.0) }
    })?;
    Ok(Some((x, scale)))
}

/// Bits of a sum of products of small integers and weights, of which a weight has all that are left.
const COUNTED: u32 = 38;
/// Bits of a weight beside small integers: as many as floats have, and no fewer than others have.
const FINE: std::ops::RangeInclusive<u32> = 16..=24;

/// Small integers that are factors of reals, such as bits or quantised numbers: they stay what they are, and weights have the bits that
/// integers leave.
fn counted(
    at: &mut Lowering<'_>,
    id: NodeId,
    (x, x_labels): (NodeId, &[Label]),
    (weight, w_labels): (&Weight, &[Label]),
    out: &[Label],
) -> Result<Option<Value>, Refusal> {
    if !matches!(at.graph.op(x), Op::Unary(Unary::ToReal)) || at.exact(id) {
        return Ok(None);
    }
    let integers = at.operand(x, 0)?;
    let x = at.value(integers)?;
    let extents = w_labels.iter().zip(weight.shape());
    let summed: usize = extents.filter(|(label, _)| !out.contains(label)).map(|(_, &extent)| extent).product();
    let taken = at.builder.interval(x.tensor).bits() + summed.next_power_of_two().ilog2();
    let bits = COUNTED.saturating_sub(taken).min(*FINE.end());
    if !at.exact(integers) || bits < *FINE.start() {
        return Ok(None);
    }
    let limit = f64::from((1u32 << (bits - 1)) - 1);
    let scale = at.decide_scale(Note::WeightScale, |withheld| scale_for(weight.largest(withheld), limit))?;
    let name = at.name(id);
    let weight = at.weight(&format!("{name}.weight"), weight.shape(), weight, scale)?;
    let tensor = at.builder.einsum(&name, (weight, w_labels), (x.tensor, x_labels), out)?;
    Ok(Some(Value { tensor, scale, depth: x.depth + 1 }))
}

/// Bits of what is turned as wide as it comes, at most.
const TURNED: u32 = 45;
/// Bits of a sum of two products.
const TURNED_SUM: u32 = 60;
/// Bits that the rounding of it drops: two whole limbs.
const LIMBS: i32 = 32;
/// Bits of a weight beside which remainders take limbs.
const WEIGHT: u32 = 20;

/// Pairs times a matrix for each place, such as rotations of queries and keys: sums of two products, for which the operand need not be
/// rounded first.
fn turned(
    at: &mut Lowering<'_>,
    id: NodeId,
    (x, x_labels): (NodeId, &[Label]),
    (weight, w_labels): (&Weight, &[Label]),
    out: &[Label],
) -> Result<Option<Value>, Refusal> {
    let extents = w_labels.iter().zip(weight.shape());
    let summed: usize = extents.filter(|(label, _)| !out.contains(label)).map(|(_, &extent)| extent).product();
    let by_place = w_labels.iter().any(|label| out.contains(label) && x_labels.contains(label));
    if summed != 2 || !by_place || at.exact(id) {
        return Ok(None);
    }
    let x = at.value(x)?;
    let bits = at.builder.interval(x.tensor).bits();
    if bits > TURNED {
        return Ok(None);
    }
    let limits = [12, WEIGHT.min(TURNED_SUM - bits)].map(|bits| f64::from((1u32 << bits) - 1));
    let (name, sink) = (at.name(id), at.plan.sink(at.graph, id));
    let scale = at.decide_scale(Note::WeightScale, |withheld| {
        let [least, most] = limits.map(|limit| scale_for(weight.largest(withheld), limit));
        sink.map_or(most, |sink| Scale(sink + LIMBS - x.scale).clamp(least, most))
    })?;
    let weight = at.weight(&format!("{name}.weight"), weight.shape(), weight, scale)?;
    let tensor = at.builder.einsum(&name, (weight, w_labels), (x.tensor, x_labels), out)?;
    Ok(Some(Value { tensor, scale: x.scale + scale, depth: x.depth + 1 }))
}

/// Looks through a reshape of `x` by splitting the weight's contracted axes.
fn unflatten(
    at: &Lowering<'_>,
    x: NodeId,
    x_labels: &[Label],
    weight: &Weight,
    w_labels: &[Label],
    out: &[Label],
) -> Option<Unflattened> {
    matches!(at.graph.op(x), Op::Reshape(_)).then_some(())?;
    let source = at.operand(x, 0).ok()?;
    let from = at.graph.shape(source);
    let mut labels = vec![Label(0); from.len()];
    let mut parts: Vec<(Label, Vec<Label>, Vec<usize>)> = Vec::new();
    let mut next = 0;
    for group in reshape_groups(from, at.graph.shape(x)) {
        let dims: Vec<usize> = group.source_axes.iter().map(|&a| from[a]).collect();
        let fresh: Vec<Label> = dims
            .iter()
            .map(|_| {
                next += 1;
                PART.nth(next)
            })
            .collect();
        match (&group.out_axes[..], &group.source_axes[..]) {
            ([o], [s]) => labels[*s] = x_labels[*o],
            ([o], sources) if w_labels.contains(&x_labels[*o]) && !out.contains(&x_labels[*o]) => {
                sources.iter().zip(&fresh).for_each(|(&s, &l)| labels[s] = l);
                parts.push((x_labels[*o], fresh, dims));
            }
            ([], [s]) => {
                labels[*s] = fresh[0];
                parts.push((DROPPED, fresh, dims));
            }
            _ => return None,
        }
    }
    let (mut w_dims, mut new_labels) = (Vec::new(), Vec::new());
    for (&label, &extent) in w_labels.iter().zip(weight.shape()) {
        match parts.iter().find(|(l, ..)| *l == label) {
            Some((_, fresh, dims)) => {
                w_dims.extend(dims);
                new_labels.extend(fresh);
            }
            None => {
                w_dims.push(extent);
                new_labels.push(label);
            }
        }
    }
    // Unit axes that the reshape dropped are contracted with unit axes of the weight.
    for (_, fresh, dims) in parts.iter().filter(|(l, ..)| *l == DROPPED) {
        w_dims.extend(dims);
        new_labels.extend(fresh);
    }
    let weight = weight.clone().reshaped(w_dims).ok()?;
    Some((source, labels, weight, new_labels))
}

fn contract(labels: [&[Label]; 2], out: &[Label], operands: [&ArrayD<f64>; 2]) -> ArrayD<f64> {
    let (lhs, a) = drop_private(labels[0], labels[1], out, operands[0]);
    let (rhs, b) = drop_private(labels[1], labels[0], out, operands[1]);
    let pick = |labels: &[Label], keep: &dyn Fn(Label) -> bool| -> Vec<Label> {
        labels.iter().copied().filter(|&l| keep(l)).collect()
    };
    let batch = pick(&lhs, &|l| rhs.contains(&l) && out.contains(&l));
    let contracted = pick(&lhs, &|l| rhs.contains(&l) && !out.contains(&l));
    let left = pick(&lhs, &|l| !rhs.contains(&l));
    let right = pick(&rhs, &|l| !lhs.contains(&l));

    let (a, extents_a) = matrices(&a, &lhs, [&batch, &left, &contracted]);
    let (b, extents_b) = matrices(&b, &rhs, [&batch, &contracted, &right]);
    let (count, m, k) = a.dim();
    let n = b.dim().2;
    let product = if m == 1 && k == 1 && n == 1 {
        &a * &b
    } else {
        let mut product = Array3::zeros((count, m, n));
        for ((a, b), mut c) in a.outer_iter().zip(b.outer_iter()).zip(product.outer_iter_mut()) {
            general_mat_mul(1.0, &a, &b, 0.0, &mut c);
        }
        product
    };
    let computed: Vec<Label> = [batch.as_slice(), &left, &right].concat();
    let extents: Vec<usize> = [&extents_a[0][..], &extents_a[1], &extents_b[2]].concat();
    let perm: Vec<usize> = out.iter().filter_map(|l| computed.iter().position(|c| c == l)).collect();
    match product.into_shape_with_order(IxDyn(&extents)) {
        Ok(product) => product.permuted_axes(IxDyn(&perm)),
        Err(_) => ArrayD::zeros(IxDyn(&[0])),
    }
}

/// Sums away the axes whose label is in this operand only.
fn drop_private(own: &[Label], other: &[Label], out: &[Label], x: &ArrayD<f64>) -> (Vec<Label>, ArrayD<f64>) {
    let (mut labels, mut x) = (own.to_vec(), x.clone());
    for axis in (0..own.len()).rev() {
        if !other.contains(&own[axis]) && !out.contains(&own[axis]) {
            x = x.sum_axis(Axis(axis));
            labels.remove(axis);
        }
    }
    (labels, x)
}

/// The operand with its axes sorted into three groups, each flattened, and each group's extents.
fn matrices(x: &ArrayD<f64>, labels: &[Label], groups: [&[Label]; 3]) -> (Array3<f64>, [Vec<usize>; 3]) {
    let position = |label: &Label| labels.iter().position(|l| l == label).unwrap_or(0);
    let extents = groups.map(|group| group.iter().map(|l| x.shape()[position(l)]).collect::<Vec<_>>());
    let perm: Vec<usize> = groups.iter().flat_map(|group| group.iter().map(position)).collect();
    let dim = Ix3(extents[0].iter().product(), extents[1].iter().product(), extents[2].iter().product());
    let permuted = x.view().permuted_axes(IxDyn(&perm));
    let flat = permuted.as_standard_layout().into_owned().into_shape_with_order(dim);
    (flat.unwrap_or_else(|_| Array3::zeros(dim)), extents)
}
