//! The table of an operand over the variables of a sumcheck, its other axes bound to the claim's point.
//!
//! A sliding window is never unrolled: its bound and kept axes become one small matrix a spatial axis, and the source is
//! contracted with one matrix after the other.

use super::Values;
use super::contract::{Axis, contract};
use crate::claims::Polynomial;
use crate::field::{Fr, eq_table};
use crate::integers::Slice;
use crate::matmul::{Contraction, Coordinates};
use crate::permute::{affine, pick};
use crate::program::{AxisGroup, GroupMap, Program, Shape, Source, TensorId, View, index_bits};
use ark_ff::{AdditiveGroup, Field, Zero};
use rayon::prelude::*;

/// Row-major over the kept axes (valid box), in the operand's axis order. `points[a]` binds axis `a`.
pub fn bind(program: &Program, values: &dyn Values, id: TensorId, points: &[Option<&[Fr]>]) -> Vec<Fr> {
    let tensor = &program.tensors[id];
    if let Source::View(view) = &tensor.source {
        let source = &program.tensors[view.source].shape;
        if let Some(steps) = window_steps(view, &tensor.shape, source, points) {
            return bind_window(values.integers(Polynomial::Tensor(view.source)).slice(), source, steps);
        }
    }
    let axes: Vec<Axis> = points.iter().map(|p| p.map_or(Axis::Kept, |p| Axis::Bound(eq_table(p)))).collect();
    contract(values.integers(Polynomial::Tensor(id)).slice(), tensor.shape.dims(), &axes)
}

/// What a window view does to a source axis, in the order of the output's kept axes.
enum Step {
    /// Contract with weights.
    Weights(Vec<Fr>),
    /// Leave it.
    Keep,
    /// Contract with each row of a matrix `[kept][source]`: the axis becomes the kept one.
    Matrix(Vec<Vec<Fr>>),
}

/// The steps, if every group is a pass-through or a window with at most one kept axis, and the kept axes come in the order of the
/// source axes. Views without a window with both kinds of axes are dealt with densely.
fn window_steps(view: &View, out: &Shape, source: &Shape, points: &[Option<&[Fr]>]) -> Option<Vec<Step>> {
    let mut steps: Vec<Option<(usize, Step)>> = (0..source.rank()).map(|_| None).collect();
    let mut factor = Fr::ONE;
    for group in &view.groups {
        let kept: Vec<usize> = group.out_axes.iter().copied().filter(|&a| points[a].is_none()).collect();
        match (&group.map, group.source_axes.as_slice()) {
            (GroupMap::Reshape, &[axis]) if group.out_axes.len() == 1 => {
                let at = group.out_axes[0];
                steps[axis] = Some((at, points[at].map_or(Step::Keep, |p| Step::Weights(eq_table(p)))));
            }
            (GroupMap::Reshape, []) => {
                // Unit axes have no coordinates.
            }
            (GroupMap::Affine { strides, offset }, &[axis]) if kept.len() <= 1 => {
                let at = kept.first().or(group.out_axes.first()).copied()?;
                let matrix = window_matrix(group, out, source.dims()[axis], strides, *offset, points);
                steps[axis] = Some((
                    at,
                    if kept.is_empty() { Step::Weights(matrix.into_iter().next()?) } else { Step::Matrix(matrix) },
                ));
            }
            (GroupMap::Broadcast, []) if kept.is_empty() => {
                let extents = pick(out, &group.out_axes);
                for (&a, &d) in group.out_axes.iter().zip(extents.dims()) {
                    factor *= crate::field::less_than(d, points[a].unwrap_or_default());
                }
            }
            _ => return None,
        }
    }
    let mut order = Vec::new();
    let steps: Option<Vec<Step>> = steps
        .into_iter()
        .map(|step| {
            let (at, step) = step?;
            if !matches!(step, Step::Weights(_)) {
                order.push(at);
            }
            Some(step)
        })
        .collect();
    let mut steps = steps?;
    if factor != Fr::ONE {
        scale_first(&mut steps, factor)?;
    }
    order.is_sorted().then_some(steps)
}

/// Multiplies the whole contraction by a factor.
fn scale_first(steps: &mut [Step], factor: Fr) -> Option<()> {
    let rows: Vec<&mut Fr> = steps.iter_mut().find_map(|s| match s {
        Step::Weights(w) => Some(w.iter_mut().collect()),
        Step::Matrix(m) => Some(m.iter_mut().flatten().collect()),
        Step::Keep => None,
    })?;
    rows.into_iter().for_each(|w| *w *= factor);
    Some(())
}

/// Row `k` holds `sum of eq over the bound indices` that see source index `x` through kept index `k`.
fn window_matrix(
    group: &AxisGroup,
    out: &Shape,
    extent: usize,
    strides: &[i64],
    offset: i64,
    points: &[Option<&[Fr]>],
) -> Vec<Vec<Fr>> {
    let dims = pick(out, &group.out_axes);
    let tables: Vec<Option<Vec<Fr>>> = group.out_axes.iter().map(|&a| points[a].map(eq_table)).collect();
    let kept = tables.iter().position(Option::is_none);
    let mut matrix = vec![vec![Fr::ZERO; extent]; kept.map_or(1, |k| dims.dims()[k])];
    let mut index = vec![0; dims.rank()];
    for flat in 0..dims.len() {
        let mut rest = flat;
        for (i, &d) in index.iter_mut().zip(dims.dims()).rev() {
            *i = rest % d;
            rest /= d;
        }
        if let Some(x) = affine(&index, strides, offset).filter(|&x| x < extent) {
            let weight: Fr = tables.iter().zip(&index).filter_map(|(t, &i)| Some(t.as_ref()?[i])).product();
            matrix[kept.map_or(0, |k| index[k])][x] += weight;
        }
    }
    matrix
}

/// Contracts the source with the steps. Axes that only shrink go first, on integers, with the last window.
fn bind_window(values: Slice<'_>, source: &Shape, steps: Vec<Step>) -> Vec<Fr> {
    let dims = source.dims();
    let matrices: Vec<usize> = (0..steps.len()).filter(|&a| matches!(steps[a], Step::Matrix(_))).collect();
    let Some((&last, earlier)) = matrices.split_last() else {
        let axes: Vec<Axis> =
            steps.into_iter().map(|s| if let Step::Weights(w) = s { Axis::Bound(w) } else { Axis::Kept }).collect();
        return contract(values, dims, &axes);
    };
    let Step::Matrix(rows) = &steps[last] else { return Vec::new() };
    let axes = |row: &Vec<Fr>| -> Vec<Axis> {
        let axis = |(a, step): (usize, &Step)| match step {
            _ if a == last => Axis::Bound(row.clone()),
            Step::Weights(w) => Axis::Bound(w.clone()),
            _ => Axis::Kept,
        };
        steps.iter().enumerate().map(axis).collect()
    };
    // One table for each kept index of the last window; together they are [last kept][rest].
    let mut table: Vec<Fr> = rows.iter().flat_map(|row| contract(values, dims, &axes(row))).collect();
    let mut shape: Vec<(usize, usize)> = vec![(last, rows.len())];
    shape.extend((0..dims.len()).filter(|&a| a != last && !matches!(steps[a], Step::Weights(_))).map(|a| (a, dims[a])));
    for &axis in earlier.iter().rev() {
        if let Step::Matrix(rows) = &steps[axis] {
            let at = shape.iter().position(|&(a, _)| a == axis).unwrap_or(0);
            let behind: usize = shape[at + 1..].iter().map(|s| s.1).product();
            table = multiply_axis(&table, dims[axis], behind, rows);
            shape[at].1 = rows.len();
        }
    }
    to_axis_order(table, &shape)
}

/// Replaces an axis of `extent` entries, with `behind` entries behind each, by the rows of a matrix.
fn multiply_axis(table: &[Fr], extent: usize, behind: usize, rows: &[Vec<Fr>]) -> Vec<Fr> {
    let before = table.len() / (extent * behind);
    let cell = |flat: usize| {
        let (j, row, block) = (flat % behind, flat / behind % rows.len(), flat / behind / rows.len());
        let mut sum = Fr::ZERO;
        for (x, w) in rows[row].iter().enumerate() {
            if !w.is_zero() {
                sum += *w * table[(block * extent + x) * behind + j];
            }
        }
        sum
    };
    (0..before * rows.len() * behind).into_par_iter().with_min_len(64).map(cell).collect()
}

/// Permutes `[(axis, extent)]`, of which only the first is out of place, to ascending axes.
fn to_axis_order(table: Vec<Fr>, shape: &[(usize, usize)]) -> Vec<Fr> {
    let (axis, extent) = shape[0];
    let before: usize = shape[1..].iter().filter(|s| s.0 < axis).map(|s| s.1).product();
    let behind: usize = shape[1..].iter().filter(|s| s.0 > axis).map(|s| s.1).product();
    if before == 1 {
        return table;
    }
    let mut out = Vec::with_capacity(table.len());
    for b in 0..before {
        for e in 0..extent {
            let at = (e * before + b) * behind;
            out.extend_from_slice(&table[at..at + behind]);
        }
    }
    out
}

/// The padded table of an einsum's operand over the sumcheck's variables.
pub fn operand_table(
    program: &Program,
    values: &dyn Values,
    id: TensorId,
    contraction: &Contraction,
    coordinates: &[Coordinates],
) -> Vec<Fr> {
    let points: Vec<Option<&[Fr]>> =
        coordinates.iter().map(|c| if let Coordinates::Fixed(p) = c { Some(p.as_slice()) } else { None }).collect();
    let bound = bind(program, values, id, &points);
    let kept: Vec<usize> =
        coordinates.iter().filter_map(|c| if let Coordinates::Variable(v) = c { Some(*v) } else { None }).collect();
    // Shift of each variable's bits in the padded index.
    let mut shifts = vec![0; contraction.variables.len()];
    let mut shift = 0;
    for (slot, variable) in shifts.iter_mut().zip(&contraction.variables).rev() {
        *slot = shift;
        shift += variable.bits;
    }
    let axes: Vec<(usize, usize)> = kept.iter().map(|&v| (contraction.variables[v].extent, shifts[v])).collect();
    scatter(bound, &axes, contraction.bits())
}

/// Places a row-major table over axes `(extent, shift)` into a padded table of `2^bits` entries.
pub fn scatter(table: Vec<Fr>, axes: &[(usize, usize)], bits: usize) -> Vec<Fr> {
    let mut targets = vec![0usize];
    for &(extent, shift) in axes {
        targets = targets.into_iter().flat_map(|t| (0..extent).map(move |i| t | i << shift)).collect();
    }
    if table.len() == 1 << bits && targets.iter().enumerate().all(|(i, &t)| i == t) {
        return table;
    }
    let mut padded = vec![Fr::ZERO; 1 << bits];
    for (target, value) in targets.into_iter().zip(table) {
        padded[target] = value;
    }
    padded
}

/// `(extent, shift)` of some axes of a shape in the padded index over exactly these axes.
pub fn axis_shifts(shape: &Shape, axes: &[usize]) -> Vec<(usize, usize)> {
    let mut shift = 0;
    let mut list: Vec<(usize, usize)> = axes
        .iter()
        .rev()
        .map(|&a| {
            let own = (shape.dims()[a], shift);
            shift += index_bits(own.0);
            own
        })
        .collect();
    list.reverse();
    list
}
