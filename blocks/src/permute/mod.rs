//! The permute block: a tensor whose entries are another's, rearranged.
//!
//! Groups of axes that only move index bits rewrite the claim's point and cost nothing. The others make one sumcheck of the
//! source, restricted to the coordinates that pass through, against a product of indicator tables, one a group, that
//! both sides compute in time linear in the group. See `README.md` beside this file.

use crate::field::{Fr, eq_table, evaluate, less_than};
use crate::program::{AxisGroup, GroupMap, Shape, TensorId, View, index_bits};
use ark_ff::{AdditiveGroup, Field, Zero};

/// Whether the group's map moves index bits and no more.
pub fn is_free(group: &AxisGroup, out: &Shape, source: &Shape) -> bool {
    match &group.map {
        GroupMap::Broadcast => true,
        GroupMap::Reshape => pick(out, &group.out_axes).is_row_major() && pick(source, &group.source_axes).is_row_major(),
        GroupMap::Affine { .. } | GroupMap::List(_) | GroupMap::Indices(_) => false,
    }
}

/// Whether all groups are free.
pub fn is_free_view(view: &View, out: &Shape, source: &Shape) -> bool {
    view.groups.iter().all(|g| is_free(g, out, source))
}

/// Entries of the indicators of all groups that are not free, and of the tables that they are made from.
pub fn table_sizes(view: &View, out: &Shape, source: &Shape) -> usize {
    let size =
        |group: &AxisGroup| pick(out, &group.out_axes).len().saturating_add(pick(source, &group.source_axes).padded_len());
    view.groups.iter().filter(|g| !is_free(g, out, source)).map(size).fold(0, usize::saturating_add)
}

/// The extents of some axes.
pub fn pick(shape: &Shape, axes: &[usize]) -> Shape {
    Shape(axes.iter().filter_map(|&a| shape.dims().get(a).copied()).collect())
}

/// A claim on a view at a point, in terms of the source:
/// `view~(p) = factor * sum_x source~(passed, x) prod_g indicator_g(x_g)`.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// The source.
    pub source: TensorId,
    /// Product of the less-than factors of broadcast axes.
    pub factor: Fr,
    /// For each source axis the coordinates that pass through, or `None` if the sumcheck ranges over it.
    pub passed: Vec<Option<Vec<Fr>>>,
    /// Indicators of the groups that are not free.
    pub indicators: Vec<Indicator>,
    /// Variables of the sumcheck: bits of the source axes that do not pass, in axis order.
    pub variables: usize,
}

/// The indicator of a group at the claim's point: `sum over valid (out, x) with x = phi(out) of eq(p, out) [x]`.
#[derive(Clone, Debug)]
pub struct Indicator {
    /// Source axes of the group.
    pub source_axes: Vec<usize>,
    /// One entry for each index of these axes, padded, in the group's order.
    pub table: Vec<Fr>,
}

impl Reduction {
    /// Reduces a claim at `point`, which has one coordinate for each bit of `out`. The view has its indices as lists
    /// ([`View::with_lists`]).
    pub fn new(view: &View, out: &Shape, source: &Shape, point: &[Fr]) -> Self {
        let coordinates = out.split(point);
        let mut passed = vec![None; source.rank()];
        let mut factor = Fr::ONE;
        let mut indicators = Vec::new();
        for group in &view.groups {
            let own: Vec<&[Fr]> = group.out_axes.iter().filter_map(|&a| coordinates.get(a).copied()).collect();
            if matches!(group.map, GroupMap::Broadcast) {
                let extents = group.out_axes.iter().filter_map(|&a| out.dims().get(a));
                factor *= extents.zip(&own).map(|(&d, p)| less_than(d, p)).product::<Fr>();
            } else if is_free(group, out, source) {
                let mut rest: &[Fr] = &own.concat();
                for &axis in &group.source_axes {
                    let bits = source.dims().get(axis).map_or(0, |&d| index_bits(d));
                    let (head, tail) = rest.split_at(bits.min(rest.len()));
                    if let Some(slot) = passed.get_mut(axis) {
                        *slot = Some(head.to_vec());
                    }
                    rest = tail;
                }
            } else {
                let table = indicator(group, &pick(out, &group.out_axes), &pick(source, &group.source_axes), &own);
                indicators.push(Indicator { source_axes: group.source_axes.clone(), table });
            }
        }
        let free_bits: usize = passed.iter().flatten().map(Vec::len).sum();
        Self { source: view.source, factor, passed, indicators, variables: source.bits().saturating_sub(free_bits) }
    }

    /// The source's point once the sumcheck's variables are bound to `challenges`.
    pub fn source_point(&self, source: &Shape, challenges: &[Fr]) -> Vec<Fr> {
        let mut rest = challenges;
        let mut point = Vec::with_capacity(source.bits());
        for (axis, bits) in self.passed.iter().zip(source.axis_bits()) {
            if let Some(coordinates) = axis {
                point.extend_from_slice(coordinates);
            } else {
                let (head, tail) = rest.split_at(bits.min(rest.len()));
                point.extend_from_slice(head);
                rest = tail;
            }
        }
        point
    }

    /// The product of the indicators, and the factor, at a point of the source.
    pub fn indicator_at(&self, source: &Shape, source_point: &[Fr]) -> Fr {
        let coordinates = source.split(source_point);
        let at = |i: &Indicator| {
            let own: Vec<Fr> =
                i.source_axes.iter().filter_map(|&a| coordinates.get(a)).flat_map(|c| c.iter().copied()).collect();
            evaluate(i.table.clone(), &own)
        };
        self.factor * self.indicators.iter().map(at).product::<Fr>()
    }
}

/// The indicator table of a group that is not free; `coordinates` are the claim's on the group's output axes.
fn indicator(group: &AxisGroup, out: &Shape, source: &Shape, coordinates: &[&[Fr]]) -> Vec<Fr> {
    let mut table = vec![Fr::ZERO; source.padded_len()];
    let axes: Vec<Vec<Fr>> = coordinates.iter().map(|p| eq_table(p)).collect();
    let source_indices = source.padded_indices();
    for_each_index(out, &axes, |flat, index, weight| {
        let target = match &group.map {
            GroupMap::Reshape => Some(flat),
            GroupMap::Affine { strides, offset } => affine(index, strides, *offset),
            GroupMap::List(list) => list.get(flat).copied().flatten().and_then(|i| usize::try_from(i).ok()),
            // Lists stand for tensors of indices by now.
            GroupMap::Broadcast | GroupMap::Indices(_) => None,
        };
        if let Some(slot) = target.and_then(|i| source_indices.get(i)).and_then(|&i| table.get_mut(i)) {
            *slot += weight;
        }
    });
    table
}

/// `sum_j strides[j] index[j] + offset`, if it is not negative.
pub fn affine(index: &[usize], strides: &[i64], offset: i64) -> Option<usize> {
    let at =
        index.iter().zip(strides).try_fold(offset, |at, (&i, &s)| at.checked_add(s.checked_mul(i64::try_from(i).ok()?)?))?;
    usize::try_from(at).ok()
}

/// Calls `visit(flat, index, weight)` for every valid index in row-major order, with the product of the axes' weights.
fn for_each_index(shape: &Shape, axes: &[Vec<Fr>], mut visit: impl FnMut(usize, &[usize], Fr)) {
    let dims = shape.dims();
    let mut index = vec![0; dims.len()];
    // prefix[j] is the product of the weights of the first j axes.
    let mut prefix = vec![Fr::ONE; dims.len() + 1];
    let mut changed = 0;
    for flat in 0..shape.len() {
        for j in changed..dims.len() {
            let weight = axes.get(j).zip(index.get(j)).and_then(|(a, &i)| a.get(i)).copied().unwrap_or_else(Fr::zero);
            let next = prefix.get(j).copied().unwrap_or_default() * weight;
            if let Some(slot) = prefix.get_mut(j + 1) {
                *slot = next;
            }
        }
        visit(flat, &index, prefix.last().copied().unwrap_or_default());
        changed = increment(&mut index, dims);
    }
}

/// Steps a row-major index; returns the first axis that changed.
fn increment(index: &mut [usize], dims: &[usize]) -> usize {
    for (j, (i, &d)) in index.iter_mut().zip(dims).enumerate().rev() {
        *i += 1;
        if *i < d {
            return j;
        }
        *i = 0;
    }
    0
}
