//! Lookup tables.

use serde::{Deserialize, Serialize};

/// A public table of integer tuples, one column for each component. All columns have `rows` entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name for people.
    pub name: String,
    /// Number of rows; padded to a power of two by repeating row 0.
    pub rows: usize,
    /// The components.
    pub columns: Vec<Column>,
}

/// One column of a table. The closed forms cost the verifier nothing, data cost it a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Column {
    /// Row `i` holds `start + i`.
    Count {
        /// The entry of row 0.
        start: i64,
    },
    /// Row `i` holds `max(start + i, 0)`.
    Relu {
        /// The input of row 0.
        start: i64,
    },
    /// The entries themselves.
    Data(Vec<i64>),
}

impl Column {
    /// The entry of a row.
    pub fn entry(&self, row: usize) -> i64 {
        match self {
            Self::Count { start } => start.wrapping_add(row as i64),
            Self::Relu { start } => start.wrapping_add(row as i64).max(0),
            Self::Data(entries) => entries.get(row).copied().unwrap_or(0),
        }
    }
}

impl Table {
    /// The integers `lo, lo + 1, .., lo + rows - 1`.
    pub fn range(name: impl Into<String>, lo: i64, rows: usize) -> Self {
        Self { name: name.into(), rows, columns: vec![Column::Count { start: lo }] }
    }

    /// Number of rows once padded.
    pub fn padded_rows(&self) -> usize {
        self.rows.next_power_of_two()
    }

    /// The entry of a column in a row of the padded table.
    pub fn padded_entry(&self, column: usize, row: usize) -> i64 {
        self.columns.get(column).map_or(0, |c| c.entry(if row < self.rows { row } else { 0 }))
    }
}
