//! Places in an image: grids of them, and what is there.

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::sketch::{LONGEST, Sketch};
use crate::graph::NodeId;
use crate::ops::{Mix, Row};

/// A grid of places, of which `theta` maps another: linear in `theta`.
pub(super) fn affine_grid(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let theta = s.shape(0)?;
    let size = s.numbers(1, "its size must be a constant")?.unwrap_or_default();
    let rank = size.len().saturating_sub(2);
    if !matches!(rank, 2 | 3) || theta != [size[0] as usize, rank, rank + 1] || !size.iter().all(|&e| e >= 1.0) {
        return Err(Refusal::Shapes(vec![theta, size.iter().map(|&e| e as usize).collect()]));
    }
    if size[2..].iter().product::<f64>() > LONGEST as f64 {
        return Err(Refusal::OutOfRange("its size"));
    }
    let spatial: Vec<usize> = size[2..].iter().map(|&e| e as usize).collect();
    let corners = s.integer("align_corners", 0) == 1;
    let place = |index: usize, extent: usize| match corners {
        true if extent == 1 => -1.0,
        true => 2.0 * index as f64 / (extent as f64 - 1.0) - 1.0,
        false => (2 * index + 1) as f64 / extent as f64 - 1.0,
    };
    let rows = (0..spatial.iter().product()).map(|flat: usize| {
        // The last axis is the first coordinate.
        let (mut rest, mut row) = (flat, Row::new());
        for (coordinate, &extent) in spatial.iter().rev().enumerate() {
            row.push((coordinate, place(rest % extent, extent)));
            rest /= extent;
        }
        row.push((rank, 1.0));
        row.retain(|&(_, w)| w != 0.0);
        row
    });
    let rows = Arc::new(rows.collect());
    let x = s.operand_node(0)?;
    let x = s.add(Mix { axis: 2, rows }, &[x])?;
    let x = s.reshape(x, &[&[theta[0], rank], spatial.as_slice()].concat());
    let order: Vec<usize> = [0].into_iter().chain(2..2 + rank).chain([1]).collect();
    Ok(vec![s.transpose(x, &order)?])
}
