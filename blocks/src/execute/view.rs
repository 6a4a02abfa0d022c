//! Views: by a table for each group of axes, and by strides where the index map is affine in every axis.

use crate::each_width;
use crate::integers::{Integer, Integers, Slice};
use crate::program::{AxisGroup, GroupMap, Shape, TensorId, View};

/// Row-major strides of a box.
pub(super) fn row_major(dims: &[usize]) -> Vec<i64> {
    let mut strides = vec![1i64; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis] as i64;
    }
    strides
}

/// Of one group: for each flat index on its output axes the offset in the source, or -1 outside.
fn offsets(group: &AxisGroup, source: &Shape, out: &Shape) -> Vec<i64> {
    let all = row_major(source.dims());
    let strides: Vec<i64> = group.source_axes.iter().map(|&a| all[a]).collect();
    let sources: Vec<usize> = group.source_axes.iter().map(|&a| source.dims()[a]).collect();
    let outs: Vec<usize> = group.out_axes.iter().map(|&a| out.dims()[a]).collect();
    let within = row_major(&outs);
    let count: usize = outs.iter().product();
    let one = |index: i64| if index >= 0 && index < sources[0] as i64 { index * strides[0] } else { -1 };
    (0..count)
        .map(|flat| match &group.map {
            GroupMap::Broadcast => 0,
            // Lists stand for tensors of indices by now.
            GroupMap::Indices(_) => -1,
            GroupMap::Reshape => {
                let mut rest = flat;
                let mut offset = 0;
                for (extent, stride) in sources.iter().zip(&strides).rev() {
                    offset += (rest % extent) as i64 * stride;
                    rest /= extent;
                }
                offset
            }
            GroupMap::Affine { strides, offset } => {
                let index = |j: usize| (flat as i64 / within[j]) % outs[j] as i64;
                one((0..outs.len()).map(|j| strides[j] * index(j)).sum::<i64>() + offset)
            }
            GroupMap::List(indices) => indices[flat].map_or(-1, |i| one(i64::from(i))),
        })
        .collect()
}

/// All entries of a view whose indices are lists, at the width of the source.
pub(super) fn materialise(view: &View, source: &Shape, out: &Shape, values: Slice<'_>) -> Integers {
    each_width!(values, values => Integers::make(out.len(), |entries| write(view, source, out, values, entries)))
}

fn write<T: Integer>(view: &View, source: &Shape, out: &Shape, values: &[T], mut entries: &mut [T]) {
    let tables: Vec<Vec<i64>> = view.groups.iter().map(|g| offsets(g, source, out)).collect();
    // For each output axis: its group, and its weight in the group's flat index.
    let mut place = vec![(0usize, 0usize); out.rank()];
    for (index, group) in view.groups.iter().enumerate() {
        let outs: Vec<usize> = group.out_axes.iter().map(|&a| out.dims()[a]).collect();
        for (&axis, weight) in group.out_axes.iter().zip(row_major(&outs)) {
            place[axis] = (index, weight as usize);
        }
    }
    let (inner, outer) = match out.dims().split_last() {
        Some((&inner, outer)) => (inner, outer),
        None => (1, &[][..]),
    };
    let (inner_group, inner_weight) = place.last().copied().unwrap_or((usize::MAX, 0));
    let mut index = vec![0usize; outer.len()];
    let mut flat = vec![0usize; tables.len()];
    for _ in 0..outer.iter().product() {
        let row;
        (row, entries) = std::mem::take(&mut entries).split_at_mut(inner);
        flat.fill(0);
        for (&i, &(group, weight)) in index.iter().zip(&place) {
            flat[group] += i * weight;
        }
        let base = (0..tables.len()).filter(|&g| g != inner_group).try_fold(0i64, |sum, g| {
            let offset = tables[g][flat[g]];
            (offset >= 0).then_some(sum + offset)
        });
        match (base, tables.get(inner_group)) {
            // The entries are zero.
            (None, _) => {}
            (Some(base), None) => row.fill(values[base as usize]),
            (Some(base), Some(table)) => row.iter_mut().enumerate().for_each(|(i, entry)| {
                let offset = table[flat[inner_group] + i * inner_weight];
                if offset >= 0 {
                    *entry = values[(base + offset) as usize];
                }
            }),
        }
        for axis in (0..outer.len()).rev() {
            index[axis] += 1;
            if index[axis] < outer[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// A view whose offset is linear in every output axis once the source is cut, or padded by zeros, to what it touches.
pub(super) struct Strides {
    /// First index touched on each source axis.
    pub first: Vec<i64>,
    /// Number of indices from the first to the last touched.
    pub extents: Vec<usize>,
    /// Offset of a step on each output axis, in the cut source.
    pub strides: Vec<i64>,
    /// Offset of output index 0, in the cut source.
    pub base: i64,
}

/// The strides of a view, if its groups are all affine.
pub(super) fn strides(view: &View, source: &Shape, out: &Shape) -> Option<Strides> {
    let mut first = vec![0i64; source.rank()];
    let mut extents = source.dims().to_vec();
    for group in &view.groups {
        if let GroupMap::Affine { strides, offset } = &group.map {
            let axis = *group.source_axes.first()?;
            let (mut lo, mut hi) = (*offset, *offset);
            for (&out_axis, &stride) in group.out_axes.iter().zip(strides) {
                let end = stride * (out.dims()[out_axis] as i64 - 1);
                lo += end.min(0);
                hi += end.max(0);
            }
            // A map that touches a huge range sparsely is cheaper by table.
            (hi - lo < 2 * extents[axis] as i64 + 64).then_some(())?;
            first[axis] = lo;
            extents[axis] = (hi - lo + 1) as usize;
        }
    }
    let cut = row_major(&extents);
    let mut result = vec![0i64; out.rank()];
    let mut base = 0;
    for group in &view.groups {
        match &group.map {
            GroupMap::Broadcast => {}
            GroupMap::List(_) | GroupMap::Indices(_) => return None,
            GroupMap::Affine { strides, offset } => {
                let axis = *group.source_axes.first()?;
                base += (offset - first[axis]) * cut[axis];
                for (&out_axis, &stride) in group.out_axes.iter().zip(strides) {
                    result[out_axis] = stride * cut[axis];
                }
            }
            GroupMap::Reshape => {
                let adjacent = group.source_axes.windows(2).all(|w| w[0] + 1 == w[1]);
                adjacent.then_some(())?;
                let step = group.source_axes.last().map_or(0, |&a| cut[a]);
                let outs: Vec<usize> = group.out_axes.iter().map(|&a| out.dims()[a]).collect();
                for (&out_axis, weight) in group.out_axes.iter().zip(row_major(&outs)) {
                    result[out_axis] = weight * step;
                }
            }
        }
    }
    Some(Strides { first, extents, strides: result, base })
}

/// The source cut or padded to the box that strides refer to; `None` if that is the source itself.
pub(super) fn cut(strides: &Strides, source: &Shape, values: Slice<'_>) -> Option<Integers> {
    if strides.first.iter().all(|&f| f == 0) && strides.extents == source.dims() {
        return None;
    }
    let groups = (0..source.rank())
        .map(|axis| AxisGroup {
            out_axes: vec![axis],
            source_axes: vec![axis],
            map: GroupMap::Affine { strides: vec![1], offset: strides.first[axis] },
        })
        .collect();
    let view = View { source: TensorId(0), groups };
    Some(materialise(&view, source, &Shape(strides.extents.clone()), values))
}
