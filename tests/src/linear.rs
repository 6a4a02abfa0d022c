//! Sparse linear equations, for provers that look for a way out.

use ark_ff::{Field, Zero};
use std::collections::BTreeMap;
use zktorch_blocks::field::Fr;

/// A sparse row: coefficients by unknown.
pub type Row = BTreeMap<usize, Fr>;

/// One solution of `rows . x = right sides`, unknowns that are free set to zero; `None` if there is none.
pub fn solve(rows: impl IntoIterator<Item = (Row, Fr)>) -> Option<BTreeMap<usize, Fr>> {
    let mut pivots: BTreeMap<usize, (Row, Fr)> = BTreeMap::new();
    for (mut row, mut right) in rows {
        for (&unknown, (pivot, value)) in &pivots {
            eliminate(&mut row, &mut right, unknown, pivot, *value);
        }
        let Some((&unknown, &lead)) = row.iter().next() else {
            if right.is_zero() {
                continue;
            }
            return None;
        };
        let inverse = lead.inverse()?;
        row.values_mut().for_each(|c| *c *= inverse);
        right *= inverse;
        for (other, value) in pivots.values_mut() {
            eliminate(other, value, unknown, &row, right);
        }
        pivots.insert(unknown, (row, right));
    }
    Some(pivots.into_iter().map(|(unknown, (_, value))| (unknown, value)).collect())
}

/// Takes the pivot's unknown out of a row.
fn eliminate(row: &mut Row, right: &mut Fr, unknown: usize, pivot: &Row, value: Fr) {
    let Some(factor) = row.get(&unknown).copied() else { return };
    for (&index, c) in pivot {
        let entry = row.entry(index).or_default();
        *entry -= factor * c;
        if entry.is_zero() {
            row.remove(&index);
        }
    }
    *right -= factor * value;
}
