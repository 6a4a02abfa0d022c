//! Products of entries: of all so far, and determinants of small matrices.

use super::super::refusal::Refusal;
use super::sketch::{Sketch, axis_of};
use crate::graph::NodeId;
use crate::ops::{Add, Mul, Pad, Slice, Sub};

/// Rows of a matrix that has a determinant here: it is a sum of products of as many entries.
const ROWS: usize = 6;

/// Entry `i` along an axis is the product of entries up to it: products of 2, 4, 8, .. entries, each of two of half as many.
pub(super) fn cum_prod(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let axis = s.numbers(1, "its axis must be a constant")?;
    let axis = axis.and_then(|axis| axis.first().copied()).ok_or(Refusal::Missing("its axis is missing"))?;
    let axis = axis_of(axis as i64, shape.len())?;
    let reverse = s.integer("reverse", 0) == 1;
    let extent = shape[axis];
    // Entries from so many places before, and 1 where there is none.
    let earlier = |s: &mut Sketch<'_>, x: NodeId, by: usize| {
        let frame = |width: usize| (0..shape.len()).map(|a| if a == axis { width } else { 0 }).collect();
        let (begin, end, start) = if reverse { (frame(0), frame(by), by) } else { (frame(by), frame(0), 0) };
        let framed = s.add(Pad { begin, end, value: 1.0 }, &[x])?;
        s.add(Slice { axis, start, end: start + extent, step: 1 }, &[framed])
    };
    let mut x = s.operand_node(0)?;
    if s.integer("exclusive", 0) == 1 {
        x = earlier(s, x, 1)?;
    }
    let mut by = 1;
    while by < extent {
        let before = earlier(s, x, by)?;
        x = s.add(Mul, &[x, before])?;
        by *= 2;
    }
    Ok(vec![x])
}

/// Determinants of matrices along the last two axes: by their minors, each of which is computed once.
pub(super) fn det(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let shape = s.shape(0)?;
    let &[ref outer @ .., rows, columns] = shape.as_slice() else { return Err(Refusal::Shapes(vec![shape])) };
    if rows != columns || rows == 0 {
        return Err(Refusal::Shapes(vec![shape.clone()]));
    }
    if rows > ROWS {
        return Err(Refusal::Form("determinants of more than 6 rows are not supported"));
    }
    let (x, rank) = (s.operand_node(0)?, outer.len());
    let entry = |s: &mut Sketch<'_>, row: usize, column: usize| {
        let row = s.add(Slice { axis: rank, start: row, end: row + 1, step: 1 }, &[x])?;
        s.add(Slice { axis: rank + 1, start: column, end: column + 1, step: 1 }, &[row])
    };
    // Of the first rows, minors by their columns, as bits.
    let mut minors: Vec<Option<NodeId>> = vec![None; 1 << rows];
    for columns in 1..1usize << rows {
        let row = columns.count_ones() as usize - 1;
        let mut sum: Option<NodeId> = None;
        for (place, column) in (0..rows).filter(|column| columns >> column & 1 == 1).enumerate() {
            let own = entry(s, row, column)?;
            let term = match minors[columns & !(1 << column)] {
                Some(minor) => s.add(Mul, &[own, minor])?,
                None => own,
            };
            // The last row's signs: plus at its own end.
            let plus = (row + place).is_multiple_of(2);
            sum = Some(match sum {
                None if plus => term,
                None => {
                    let dims = s.shape_of(term);
                    let zero = s.number(0.0, &dims);
                    s.add(Sub, &[zero, term])?
                }
                Some(sum) if plus => s.add(Add, &[sum, term])?,
                Some(sum) => s.add(Sub, &[sum, term])?,
            });
        }
        minors[columns] = sum;
    }
    let whole = minors.pop().flatten().ok_or(Refusal::Missing("it has no rows"))?;
    Ok(vec![s.reshape(whole, outer)])
}
