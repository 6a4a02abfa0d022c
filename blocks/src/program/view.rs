//! Views: a tensor whose entries are another's, rearranged.

use super::TensorId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Deref;

/// `out[i] = source[phi(i)]` where `phi(i)` is a valid index of the source, else 0.
///
/// `phi` is a product of maps over disjoint groups of axes; together the groups name every axis of the output and of
/// the source once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The tensor looked at.
    pub source: TensorId,
    /// The factors of the index map.
    pub groups: Vec<AxisGroup>,
}

/// One factor of a view's index map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AxisGroup {
    /// Output axes of the group, in the order in which the map reads them.
    pub out_axes: Vec<usize>,
    /// Source axes of the group.
    pub source_axes: Vec<usize>,
    /// From the indices on the output axes to those on the source axes.
    pub map: GroupMap,
}

/// The index map of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupMap {
    /// Row-major order is kept: both sides have the same number of entries. One axis each way of equal extent is a pass
    /// through (transposes are made of these); more are a reshape. No source axis and output axes of extent 1 (or the
    /// reverse) insert (or drop) unit axes.
    Reshape,
    /// `source index = sum_j strides[j] * out_index[j] + offset` on one source axis, 0 outside of it: slice, pad, stride,
    /// flip (negative stride) and the sliding windows of convolution and pooling.
    Affine {
        /// One stride an output axis.
        strides: Vec<i64>,
        /// Added to the sum.
        offset: i64,
    },
    /// Every index of the output axes sees the same entry: broadcast of new axes. Has no source axis.
    Broadcast,
    /// `source index = indices[flat index on the output axes]` on one source axis; `None` gives 0. Gather by a public list, resize,
    /// clamped windows.
    List(Vec<Option<u32>>),
    /// `source index = t[flat index on the output axes]` on one source axis, for a public tensor `t`: an embedding of token ids that the
    /// statement shows. The tensor's interval lies within the axis, and a statement within the interval.
    Indices(TensorId),
}

impl View {
    /// The public tensors whose values are indices.
    pub fn indices(&self) -> impl Iterator<Item = TensorId> + '_ {
        self.groups.iter().filter_map(|group| if let GroupMap::Indices(id) = group.map { Some(id) } else { None })
    }

    /// The view with lists in place of the tensors that hold indices. Values that are not there, or that no list can hold, are `None`.
    pub fn with_lists<V: Deref<Target = [i64]>>(&self, values: impl Fn(TensorId) -> Option<V>) -> Cow<'_, Self> {
        if self.indices().next().is_none() {
            return Cow::Borrowed(self);
        }
        let mut view = self.clone();
        for group in &mut view.groups {
            if let GroupMap::Indices(id) = group.map {
                let list = values(id);
                let list = list.iter().flat_map(|list| list.iter()).map(|&index| u32::try_from(index).ok());
                group.map = GroupMap::List(list.collect());
            }
        }
        Cow::Owned(view)
    }
}
