//! The largest entries of rows, and where they are (docs/lowerings.md, section 22).
//!
//! What is advice are bits that mark an entry for each place in the order. Indices, and everything that is picked or placed by them, are sums of
//! products with these bits.

mod import;

use std::cmp::Ordering;

use ndarray::{ArrayD, Axis, IxDyn};
use zktorch_blocks::program::{Advice, AxisGroup, GroupMap, Interval, Scale, TensorId};

use super::Label;
use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, one, require};
use crate::graph::{Domain, NodeId};
use crate::import::Import;
use crate::lower::{Lowering, Refusal, Value, affine, pass};
use crate::quantise::Range;

pub(super) use import::{arg, axis_last, pick, restored};

pub(super) const IMPORT: Imports = &[Import::Several("Topk", import::top_k)];

/// Bits `z[.., r, e]` that are 1 where entry `e` of the last axis is at place `r` of so many in the order of their row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK {
    /// Places.
    pub top: usize,
    /// Whether large entries come first, or small ones.
    pub largest: bool,
    /// Whether of equal entries the last comes first, or the first.
    pub last: bool,
}

/// The index of the last axis at which bits are 1, where one of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexOf;

impl Operator for TopK {
    fn name(&self) -> &'static str {
        "TopK"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let mut shape = one(operands)?.to_vec();
        let extent = shape.last().copied().unwrap_or(0);
        let fits = (1..=extent).contains(&self.top);
        require(fits, || Misfit::Count { what: "places", got: self.top, shape: shape.clone() })?;
        shape.insert(shape.len() - 1, self.top);
        Ok(Some(shape))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Boolean
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let Some(&x) = operands.first() else { return empty() };
        let mut bits = Vec::with_capacity(shape.iter().product());
        for row in x.lanes(Axis(x.ndim().saturating_sub(1))) {
            let mut order: Vec<usize> = (0..row.len()).collect();
            order.sort_by(|&a, &b| {
                let by_size = row[a].partial_cmp(&row[b]).unwrap_or(Ordering::Equal);
                let by_index = if self.last { b.cmp(&a) } else { a.cmp(&b) };
                (if self.largest { by_size.reverse() } else { by_size }).then(by_index)
            });
            let mark = |&entry: &usize| (0..row.len()).map(move |e| f64::from(u8::from(e == entry)));
            bits.extend(order.iter().take(self.top).flat_map(mark));
        }
        ArrayD::from_shape_vec(IxDyn(shape), bits).unwrap_or_else(|_| empty())
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNIT
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, operand) = (at.name(id), at.operand(id, 0)?);
        let x = at.unrounded(operand)?;
        let tensor = ranked(at, &name, x.tensor, self)?;
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }
}

/// Marks of the first places of rows, by keys that are all distinct.
pub(crate) fn ranked(at: &mut Lowering<'_>, name: &str, x: TensorId, order: &TopK) -> Result<TensorId, Refusal> {
    let part = |suffix: &str| format!("{name}.{suffix}");
    let dims = at.builder.dims(x).to_vec();
    let axis = dims.len() - 1;
    let (extent, top) = (dims[axis] as i64, order.top);
    let index = at.builder.constant(&part("index"), &[dims[axis]], (0..extent).collect());
    let index = at.broadcast_axes(&part("index.spread"), index, &[axis], &dims);
    let terms = [(if order.largest { extent } else { -extent }, x), (if order.last { 1 } else { -1 }, index)];
    let key = at.builder.linear(&part("key"), &terms, 0, Scale(0))?;
    let Interval { lo, hi } = at.builder.interval(key);
    let apart = hi.saturating_sub(lo).saturating_add(1);

    let mut marked = dims.clone();
    marked.insert(axis, top);
    let z = at.builder.advice(name, &marked, Advice::Top { source: key }, Interval::new(0, 1), Scale(0));
    at.builder.within(name, z, Interval::new(0, 1))?;
    let count = at.sum_axes(&part("count"), z, &[axis + 1], false)?;
    let excess = at.builder.linear(&part("excess"), &[(1, count)], -1, Scale(0))?;
    at.builder.zero(excess);

    // The keys that are marked, each larger than the next.
    let (all, places, entries) = (Label::of(0..=axis + 1), Label::of(0..=axis), Label::of((0..axis).chain([axis + 1])));
    let picked = at.builder.einsum(&part("picked"), (z, &all), (key, &entries), &places)?;
    let part_of = |at: &mut Lowering<'_>, suffix: &str, from: i64, extent: usize| {
        let mut groups: Vec<AxisGroup> = (0..axis).map(|axis| pass(axis, axis)).collect();
        groups.push(affine(axis, axis, 1, from));
        let dims = [&dims[..axis], &[extent]].concat();
        at.builder.view(&part(suffix), picked, &dims, groups)
    };
    if top > 1 {
        let (upper, lower) = (part_of(at, "upper", 0, top - 1), part_of(at, "lower", 1, top - 1));
        let steps = at.builder.linear(&part("step"), &[(1, upper), (-1, lower)], -1, Scale(0))?;
        at.builder.loose_range(&part("step"), steps, 0, apart)?;
    }
    // And the last larger than all that are not.
    let last = part_of(at, "last", top as i64 - 1, 1);
    let mut groups: Vec<AxisGroup> = (0..axis).map(|axis| pass(axis, axis)).collect();
    groups.push(AxisGroup { out_axes: vec![], source_axes: vec![axis], map: GroupMap::Reshape });
    groups.push(AxisGroup { out_axes: vec![axis], source_axes: vec![], map: GroupMap::Broadcast });
    let last = at.builder.view(&part("last.spread"), last, &dims, groups);
    let chosen = at.sum_axes(&part("chosen"), z, &[axis], false)?;
    let gap = at.builder.linear(&part("gap"), &[(1, last), (-1, key), (apart, chosen)], -1, Scale(0))?;
    at.builder.loose_range(&part("gap"), gap, 0, apart)?;
    Ok(z)
}

impl Operator for IndexOf {
    fn name(&self) -> &'static str {
        "IndexOf"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        let shape = one(operands)?;
        require(!shape.is_empty(), || Misfit::Count { what: "axes", got: 0, shape: vec![] })?;
        Ok(Some(shape[..shape.len() - 1].to_vec()))
    }

    /// Of any bits: those of a row are not known to be but one.
    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::ANY
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        let Some(&z) = operands.first() else { return empty() };
        let sum = |row: ndarray::ArrayView1<'_, f64>| row.iter().enumerate().map(|(e, z)| e as f64 * z).sum();
        z.map_axis(Axis(z.ndim().saturating_sub(1)), sum)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range { lo: 0.0, hi: at.shape(0).last().map_or(0.0, |&extent| extent as f64 - 1.0) }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, operand) = (at.name(id), at.operand(id, 0)?);
        let z = at.condition(operand)?;
        let dims = at.builder.dims(z.tensor).to_vec();
        let (all, axis) = (Label::of(0..dims.len()), dims.len() - 1);
        let index = at.builder.constant(&format!("{name}.index"), &[dims[axis]], (0..dims[axis] as i64).collect());
        let tensor = at.builder.einsum(&name, (index, &all[axis..]), (z.tensor, &all), &all[..axis])?;
        Ok(Value { tensor, scale: Scale(0), depth: 1 })
    }
}

#[cfg(test)]
mod tests {
    use zktorch_blocks::execute::{check_satisfied, execute};
    use zktorch_blocks::program::Visibility;

    use super::*;
    use crate::graph::Graph;
    use crate::ops::{Einsum, Op};
    use crate::{Compiled, Options, compile};

    /// Values and indices of the first places of rows of six.
    fn ordered(order: TopK) -> Graph {
        let mut graph = Graph::new();
        let x = graph.add_input("x", &[3, 6]);
        let z = graph.add_inferred("z", order, &[x]).expect("shapes fit");
        let pick = Einsum { lhs: Label::of([0, 1, 2]), rhs: Label::of([0, 2]), out: Label::of([0, 1]) };
        for (name, op, operands) in [("index", Op::from(IndexOf), &[z][..]), ("value", pick.into(), &[z, x])] {
            let node = graph.add_inferred(name, op, operands).expect("shapes fit");
            graph.add_output(name, node);
        }
        graph
    }

    #[test]
    fn values_and_indices_are_those_of_the_order() {
        // Quarters, some of them equal.
        let x = ArrayD::from_shape_fn(IxDyn(&[3, 6]), |at| ((at[0] * 5 + at[1] * at[1]) % 7) as f64 / 4.0 - 0.75);
        for top in [1, 2, 5, 6] {
            for (largest, last) in [(true, false), (false, false), (true, true), (false, true)] {
                let graph = ordered(TopK { top, largest, last });
                for inputs in [Visibility::Public, Visibility::Private] {
                    let options = Options { inputs, ..Options::default() };
                    let samples = [vec![x.clone()]];
                    let Compiled { program, weights, inputs: ports, outputs, .. } =
                        compile(&graph, &samples, &options).unwrap_or_else(|e| panic!("{e}"));
                    let integers = ports[0].quantise(x.as_slice().expect("row-major")).expect("in range");
                    let trace = execute(&program, &weights, &[integers]).unwrap_or_else(|e| panic!("{e}"));
                    assert_eq!(check_satisfied(&program, &trace), []);
                    let evaluation = graph.evaluate(std::slice::from_ref(&x)).expect("it runs");
                    for ((port, &id), wanted) in outputs.iter().zip(&program.outputs).zip(evaluation.outputs()) {
                        let given = port.dequantise(&trace.values(&program, id));
                        assert_eq!(given, wanted.iter().copied().collect::<Vec<_>>(), "{top} {largest} {last}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_key_of_another_order_fails_its_audit() {
        let order = TopK { top: 2, largest: true, last: false };
        let program = compile(&ordered(order), &[], &Options::default()).expect("it compiles").program;
        assert!(crate::audit::audit(&ordered(order), &program).is_ok());
        for other in [TopK { top: 3, ..order }, TopK { largest: false, ..order }, TopK { last: true, ..order }] {
            assert!(crate::audit::audit(&ordered(other), &program).is_err(), "{other:?}");
        }
    }
}
