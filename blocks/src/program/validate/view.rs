//! Well-formedness of a view: every axis in one group, and every index within the source or outside of it on purpose.

use super::{Check, MAGNITUDE, RANK, as_many, at_most, contains, ensure};
use crate::program::fault::Fault;
use crate::program::{AxisGroup, GroupMap, Interval, Program, Role, Tensor, TensorId, View};

impl Program {
    pub(super) fn check_view(&self, id: TensorId, tensor: &Tensor, view: &View) -> Check {
        let source = self.operand(id, view.source)?;
        let mut out_seen = vec![false; tensor.shape.rank()];
        let mut source_seen = vec![false; source.shape.rank()];
        let mut padded = false;
        // Groups without axes do nothing.
        at_most("groups of axes", view.groups.len(), 2 * RANK)?;
        for (index, group) in view.groups.iter().enumerate() {
            let outs = claim_axes(&mut out_seen, &group.out_axes, tensor.shape.dims());
            let sources = claim_axes(&mut source_seen, &group.source_axes, source.shape.dims());
            let (outs, sources) = (outs?, sources?);
            padded |= self
                .check_group(id, group, &outs, &sources)
                .map_err(|fault| Fault::Group { index, fault: Box::new(fault) })?;
        }
        ensure(!out_seen.contains(&false), || Fault::AxisUnused("output"))?;
        ensure(!source_seen.contains(&false), || Fault::AxisUnused("source"))?;
        let Interval { lo, hi } = source.interval;
        let (lo, hi) = if padded { (lo.min(0), hi.max(0)) } else { (lo, hi) };
        contains(tensor, lo.into(), hi.into())
    }

    /// Checks one group of a view, tensor `id`; true if some output index of it looks outside the source.
    fn check_group(&self, id: TensorId, group: &AxisGroup, outs: &[usize], sources: &[usize]) -> Check<bool> {
        match &group.map {
            GroupMap::Reshape => {
                let reshape = || Fault::Reshape { from: sources.to_vec(), into: outs.to_vec() };
                ensure(volume(outs) == volume(sources), reshape)?;
                Ok(false)
            }
            GroupMap::Broadcast => {
                as_many("source axes of a broadcast", sources.len(), 0)?;
                Ok(false)
            }
            GroupMap::Affine { strides, offset } => {
                let extent = one_source(sources)?;
                as_many("strides", strides.len(), outs.len())?;
                let (mut lo, mut hi) = (i128::from(*offset), i128::from(*offset));
                for (&stride, &out) in strides.iter().zip(outs) {
                    let end = i128::from(stride) * (out as i128 - 1);
                    lo += end.min(0);
                    hi += end.max(0);
                }
                let bound = i128::from(MAGNITUDE);
                ensure(-bound < lo && hi < bound, || Fault::Overflow { what: "an index", bits: 62 })?;
                Ok(lo < 0 || hi >= extent as i128)
            }
            GroupMap::List(indices) => {
                let extent = one_source(sources)?;
                as_many("indices", indices.len(), volume(outs).unwrap_or(usize::MAX))?;
                let beyond = indices.iter().flatten().find(|&&i| i as usize >= extent);
                beyond.map_or(Ok(()), |&index| Err(Fault::Index { index, extent }))?;
                Ok(indices.contains(&None))
            }
            GroupMap::Indices(indices) => self.check_indices(id, *indices, outs, one_source(sources)?).map(|()| false),
        }
    }

    /// Checks a tensor of indices: an earlier one that the statement shows, all of whose values are indices of the source axis.
    fn check_indices(&self, id: TensorId, indices: TensorId, outs: &[usize], extent: usize) -> Check {
        let tensor = self.operand(id, indices)?;
        ensure(tensor.role() == Role::Public, || Fault::HiddenIndices(tensor.name.clone()))?;
        as_many("indices", tensor.shape.len(), volume(outs).unwrap_or(usize::MAX))?;
        let interval = tensor.interval;
        let last = u32::try_from(interval.hi).ok().filter(|_| interval.lo >= 0);
        ensure(last.is_some_and(|last| (last as usize) < extent), || Fault::Indices { interval, extent })
    }
}

/// Marks axes as used and returns their extents.
pub(super) fn claim_axes(seen: &mut [bool], axes: &[usize], dims: &[usize]) -> Check<Vec<usize>> {
    let mut extents = Vec::with_capacity(axes.len().min(RANK));
    for &axis in axes {
        let slot = seen.get_mut(axis).ok_or(Fault::Missing { what: "axis", index: axis })?;
        ensure(!std::mem::replace(slot, true), || Fault::AxisTwice(axis))?;
        extents.extend(dims.get(axis));
    }
    Ok(extents)
}

/// The extent of the one source axis of a group.
fn one_source(sources: &[usize]) -> Check<usize> {
    match sources {
        [extent] => Ok(*extent),
        _ => Err(Fault::Count { what: "source axes", got: sources.len(), expected: 1 }),
    }
}

fn volume(extents: &[usize]) -> Option<usize> {
    extents.iter().try_fold(1usize, |v, &e| v.checked_mul(e))
}
