//! Claims that become one without a message: those on one combination of rows, and those with one point on the columns.
//!
//! A claim `<R, eq(P, .)> = v` names a combination of rows `R` and a point `P` on the columns. With weights, `<R, f_1>` and `<R, f_2>` add up to
//! `<R, f_1 + f_2>`, and `<R_1, f>` and `<R_2, f>` to `<R_1 + R_2, f>`: everything that names the same `R`, or the same `P`, can be one leaf.
//! Small tensors share a row and have different points; tensors that are asked for in one wave share a point and have different rows. As each leaf
//! costs the prover as many multiplications as a row has columns, there are as few as can be.

use crate::form::LinearForm;
use crate::layout::{Layout, Split};
use ark_ff::Field;
use std::collections::HashMap;
use std::hash::Hash;
use zktorch_blocks::claim_reduction::OpeningClaim;
use zktorch_blocks::field::Fr;
use zktorch_blocks::transcript::{Check, HiddenAffine, Reject};
use zktorch_blocks::work::Work;

/// A combination of rows, and a form on it.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    /// Rows and their weights.
    pub rows: Vec<(usize, Fr)>,
    /// The form.
    pub form: LinearForm,
}

/// Weighs claim `i` with `gamma^i` and adds up what can be added, in order of first appearance. Returns the sum of all values too.
///
/// # Errors
/// A claim on something that is not committed, or too much work.
pub fn merge(
    layout: &Layout,
    work: &mut Work,
    claims: &[OpeningClaim],
    gamma: Fr,
) -> Result<(Vec<Leaf>, HiddenAffine), Reject> {
    let split = |claim: &OpeningClaim| layout.split(claim.polynomial, &claim.point);
    let splits: Option<Vec<Split>> = claims.iter().map(split).collect();
    let splits = splits.ok_or(Reject::Check(Check::CommittedClaim))?;
    let (mut rows, mut columns) = (HashMap::new(), HashMap::new());
    let edges: Vec<(usize, usize)> =
        splits.iter().map(|s| (number(&mut rows, &s.rows), number(&mut columns, &s.columns))).collect();
    let by_column = cover(&edges, work)?;

    let mut index: HashMap<(bool, usize), usize> = HashMap::new();
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut value = HiddenAffine::ZERO;
    let mut weight = Fr::ONE;
    for ((claim, split), (row, column)) in claims.iter().zip(&splits).zip(edges) {
        let shares_column = by_column.get(column) == Some(&true);
        let at = *index.entry((shares_column, if shares_column { column } else { row })).or_insert(leaves.len());
        if at == leaves.len() {
            leaves.push(Leaf::default());
        }
        if let Some(leaf) = leaves.get_mut(at) {
            if shares_column {
                leaf.form = LinearForm::eq(split.columns.clone());
                leaf.rows.extend(split.rows.iter().map(|(row, w)| (*row, weight * w)));
            } else {
                leaf.form.eqs.push((weight, split.columns.clone()));
                leaf.rows.clone_from(&split.rows);
            }
        }
        value.add_scaled(weight, &claim.value);
        weight *= gamma;
    }
    Ok((leaves, value))
}

/// The number of a key in order of first appearance.
fn number<'a, K: Eq + Hash>(seen: &mut HashMap<&'a K, usize>, key: &'a K) -> usize {
    let next = seen.len();
    *seen.entry(key).or_insert(next)
}

/// For each column whether what names it is merged by it; what is left is merged by rows. An edge names a row and a column. Rows
/// and columns that are merged by meet every edge and are as few as can be: as many as a largest matching has edges (König, 1931).
///
/// Each row looks for a column of its own, along paths on which others change theirs. Rows that find none close the columns that they reached: no
/// later path leads through these to a free one, and they are the ones to merge by.
fn cover(edges: &[(usize, usize)], work: &mut Work) -> Result<Vec<bool>, Reject> {
    let count = |side: fn(&(usize, usize)) -> usize| edges.iter().map(side).max().map_or(0, |last| last + 1);
    let columns = count(|e| e.1);
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); count(|e| e.0)];
    for &(row, column) in edges {
        if let Some(own) = neighbours.get_mut(row) {
            own.push(column);
        }
    }
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    let mut column_of: Vec<Option<usize>> = vec![None; neighbours.len()];
    // Where a column was reached from, in this search or in one that failed.
    let mut reached_from: Vec<Option<usize>> = vec![None; columns];
    for root in 0..neighbours.len() {
        let mut rows = vec![root];
        let mut reached = Vec::new();
        let mut free = None;
        while let (None, Some(row)) = (free, rows.pop()) {
            let own = neighbours.get(row).map(Vec::as_slice).unwrap_or_default();
            work.spend(own.len(), 1)?;
            for &column in own {
                let Some(from @ None) = reached_from.get_mut(column) else { continue };
                *from = Some(row);
                reached.push(column);
                match row_of.get(column) {
                    Some(&Some(next)) => rows.push(next),
                    _ => free = free.or(Some(column)),
                }
            }
        }
        let found = free.is_some();
        while let Some(column) = free {
            let Some(row) = reached_from.get(column).copied().flatten() else { break };
            row_of.get_mut(column).map(|r| r.replace(row));
            free = column_of.get_mut(row).and_then(|c| c.replace(column));
        }
        for column in reached.into_iter().filter(|_| found) {
            reached_from.get_mut(column).map(Option::take);
        }
    }
    Ok(reached_from.iter().map(Option::is_some).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zktorch_blocks::claims::Polynomial;
    use zktorch_blocks::field::{dot, evaluate, from_i64};
    use zktorch_blocks::program::{Interval, Program, Scale, Shape, Source, Tensor, Visibility};

    /// Tensors of one row, of several, and claims on them at points of which some have coordinates in common.
    #[test]
    fn merged_claims_are_the_claims() {
        let tensor = |extent: usize| Tensor {
            name: String::new(),
            shape: Shape::from([extent]),
            source: Source::Weight,
            visibility: Visibility::Private,
            interval: Interval::new(-8, 7),
            scale: Scale(0),
        };
        let program =
            Program { tensors: [64, 32, 16, 16, 8, 8, 4, 4, 4, 1].map(tensor).to_vec().into(), ..Program::default() };
        let layout = Layout::new(&program, 4).unwrap();
        let rows = layout.total_rows();
        let entries: Vec<Fr> = (0..rows * 16).map(|i| from_i64((i * i % 101) as i64 - 50)).collect();
        let row = |r: usize| &entries[r * 16..(r + 1) * 16];
        // Two points that end alike, and one that begins as the first does, for each tensor.
        let points = [[1, 2, 3, 4, 5, 6], [7, 8, 3, 4, 5, 6], [1, 2, 9, 9, 9, 9]];
        let claims: Vec<OpeningClaim> = points
            .iter()
            .flat_map(|point| program.tensors.enumerate().map(move |(id, t)| (id, &point[6 - t.shape.bits()..])))
            .map(|(id, point)| {
                let (polynomial, point) = (Polynomial::Tensor(id), point.iter().copied().map(from_i64).collect::<Vec<Fr>>());
                let place = layout.place(polynomial).unwrap();
                let at = place.row * 16 + place.column;
                let value = evaluate(entries[at..at + (1 << point.len())].to_vec(), &point);
                OpeningClaim { polynomial, point: point.into(), value: value.into() }
            })
            .collect();
        let (leaves, value) = merge(&layout, &mut Work::default(), &claims, from_i64(1_000_003)).unwrap();
        let product = |leaf: &Leaf| -> Fr {
            let form = leaf.form.to_dense(16);
            leaf.rows.iter().map(|&(r, weight)| weight * dot(row(r), &form)).sum()
        };
        assert_eq!(HiddenAffine::from(leaves.iter().map(product).sum::<Fr>()), value);
        // The two tall tensors have two points of their own each; all else lies in five rows.
        assert!(leaves.len() < 10, "{} leaves", leaves.len());
    }

    proptest! {
        #[test]
        fn covers_are_smallest(edges in prop::collection::vec((0..6usize, 0..6usize), 0..20)) {
            let by_column = cover(&edges, &mut Work::default()).unwrap();
            let size = |by_column: &dyn Fn(usize) -> bool| {
                let sides = edges.iter().map(|&(r, c)| if by_column(c) { (1, c) } else { (0, r) });
                sides.collect::<std::collections::BTreeSet<_>>().len()
            };
            let least = (0..1 << 6).map(|set: usize| size(&|c| set >> c & 1 == 1)).min();
            prop_assert_eq!(Some(size(&|c| by_column[c])), least);
        }
    }
}
