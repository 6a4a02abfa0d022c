//! Row lookups: rows of a tensor by indices that need not be public.

use super::{Program, TensorId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// `rows[i.., d..] = source[indices[i..], d..]`: at every valid position the index is one of the source's first axis, and the row is the
/// source's there. It holds all three tensors to it: neither indices nor rows need a range of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLookup {
    /// The indices.
    pub indices: TensorId,
    /// Of the indices' shape, with the source's axes but the first behind it.
    pub rows: TensorId,
    /// What the rows are taken from.
    pub source: TensorId,
}

impl Program {
    /// The tensors that rows are taken from, ascending: each is a table, of as many rows as its first axis has indices.
    pub fn row_tables(&self) -> Vec<TensorId> {
        let sources: BTreeSet<TensorId> = self.row_lookups.iter().map(|lookup| lookup.source).collect();
        sources.into_iter().collect()
    }

    /// Entries of the first axis of a tensor.
    pub fn first_extent(&self, id: TensorId) -> usize {
        self.tensors.get(id).and_then(|tensor| tensor.shape.dims().first()).copied().unwrap_or(1)
    }

    /// Bits of the longest row that is looked up.
    pub fn row_bits(&self) -> usize {
        let row = |lookup: &RowLookup| self.tensors.get(lookup.source).map_or(0, |t| t.shape.axis_bits().skip(1).sum());
        self.row_lookups.iter().map(row).max().unwrap_or(0)
    }

    /// Whether anything is looked up.
    pub fn looks_up(&self) -> bool {
        !self.lookups.is_empty() || !self.row_lookups.is_empty()
    }
}
