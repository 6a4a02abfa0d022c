//! What is at places of an image: `GridSample`.
//!
//! A sample is a sum over all entries of each axis, weighed by how far they are from the place: `max(0, 1 - |t|)` for a linear one. Weights outside
//! of the image belong to zeros, so that nothing is picked, and no place is refused.

use std::sync::Arc;

use super::super::refusal::Refusal;
use super::sketch::{LONGEST, Sketch};
use crate::graph::NodeId;
use crate::ops::{Add, Einsum, Label, Mix, Mul, Pad, Row, Slice, Sub, Unary};

/// Weights of one axis altogether.
const MOST: usize = 1 << 24;
/// Of cubic samples.
const COEFFICIENT: f64 = -0.75;

/// How places become weights.
struct Sampling<'s> {
    mode: &'s str,
    padding: &'s str,
    corners: bool,
}

pub(super) fn grid_sample(s: &mut Sketch<'_>) -> Result<Vec<NodeId>, Refusal> {
    let (image, grid) = (s.shape(0)?, s.shape(1)?);
    let rank = image.len().saturating_sub(2);
    let fits = matches!(rank, 1..=3) && grid.len() == rank + 2 && grid[0] == image[0] && grid[rank + 1] == rank;
    if !fits || image.contains(&0) || grid.contains(&0) {
        return Err(Refusal::Shapes(vec![image, grid]));
    }
    let mode = s.word("mode", if s.opset < 20 { "bilinear" } else { "linear" });
    let sampling = Sampling { mode, padding: s.word("padding_mode", "zeros"), corners: s.integer("align_corners", 0) == 1 };
    if mode.ends_with("cubic") && sampling.padding != "zeros" {
        return Err(Refusal::Form("cubic samples are supported with padding by zeros only"));
    }
    let (batch, places) = (image[0], grid[1..=rank].iter().product::<usize>());
    if places > LONGEST || image[2..].iter().any(|extent| batch * places * extent > MOST) {
        return Err(Refusal::Form("its samples have more than 2^24 weights along an axis"));
    }
    let places_node = s.operand_node(1)?;
    let places_node = s.reshape(places_node, &[batch, places, rank]);
    // [N, C, spatial..], of which each axis from the last on becomes the samples'.
    let mut x = s.operand_node(0)?;
    let spatial = Label::of(3..3 + rank);
    let [n, c, p] = [0, 1, 2].map(|label| Label::of([label])[0]);
    let mut labels = [&[n, c], spatial.as_slice()].concat();
    for axis in (0..rank).rev() {
        let coordinate = rank - 1 - axis;
        let own = s.add(Slice { axis: 2, start: coordinate, end: coordinate + 1, step: 1 }, &[places_node])?;
        let weights = sampling.weights(s, own, image[2 + axis])?;
        labels.retain(|&label| label != p);
        let rest: Vec<Label> = labels.iter().copied().filter(|&label| label != spatial[axis]).collect();
        let out = [rest.as_slice(), &[p]].concat();
        let lhs = if axis + 1 == rank { labels.clone() } else { [labels.as_slice(), &[p]].concat() };
        x = s.add(Einsum { lhs, rhs: vec![n, p, spatial[axis]], out }, &[x, weights])?;
        labels = rest;
    }
    let shape = [&image[..2], &grid[1..=rank]].concat();
    Ok(vec![s.reshape(x, &shape)])
}

impl Sampling<'_> {
    /// `[N, P, extent]` for places `[N, P, 1]`: what every entry of the axis weighs.
    fn weights(&self, s: &mut Sketch<'_>, place: NodeId, extent: usize) -> Result<NodeId, Refusal> {
        let width = extent as f64;
        // From [-1, 1] to indices.
        let (factor, shift) =
            if self.corners { ((width - 1.0) / 2.0, (width - 1.0) / 2.0) } else { (width / 2.0, (width - 1.0) / 2.0) };
        let direct = self.padding == "zeros" && self.mode != "nearest";
        let (place, factor, shift) = match direct {
            true => (place, factor, shift),
            false => {
                let mut index = affine(s, place, &[(factor, shift)])?;
                if self.mode == "nearest" && self.padding != "reflection" {
                    index = s.add(Unary::Round, &[index])?;
                }
                index = match self.padding {
                    "reflection" => {
                        let index = self.reflected(s, index, width)?;
                        if self.mode == "nearest" { s.add(Unary::Round, &[index])? } else { index }
                    }
                    _ => index,
                };
                if self.padding != "zeros" {
                    index = s.add(Unary::Clip { lo: 0.0, hi: width - 1.0 }, &[index])?;
                }
                (index, 1.0, 0.0)
            }
        };
        let rows: Vec<(f64, f64)> = (0..extent).map(|j| (factor, shift - j as f64)).collect();
        let apart = affine(s, place, &rows)?;
        let apart = s.add(Unary::Abs, &[apart])?;
        if self.mode.ends_with("cubic") { cubic(s, apart) } else { less(s, apart) }
    }

    /// An index that is turned back at both ends of the axis, as often as it takes.
    fn reflected(&self, s: &mut Sketch<'_>, index: NodeId, width: f64) -> Result<NodeId, Refusal> {
        let (least, span) = if self.corners { (0.0, width - 1.0) } else { (-0.5, width) };
        if span == 0.0 {
            return Ok(index);
        }
        let shape = s.shape_of(index);
        let number = |s: &mut Sketch<'_>, value: f64| s.number(value, &shape);
        let shift = number(s, -least);
        let from = s.add(Add, &[index, shift])?;
        let from = s.add(Unary::Abs, &[from])?;
        // `u - 2 span floor(u / 2 span)`, and then how far it is from the turn.
        let share = number(s, 1.0 / (2.0 * span));
        let turns = s.add(Mul, &[from, share])?;
        let turns = s.add(Unary::Floor, &[turns])?;
        let period = number(s, 2.0 * span);
        let whole = s.add(Mul, &[turns, period])?;
        let rest = s.add(Sub, &[from, whole])?;
        let turn = number(s, -span);
        let rest = s.add(Add, &[rest, turn])?;
        let rest = s.add(Unary::Abs, &[rest])?;
        let last = number(s, span + least);
        s.add(Sub, &[last, rest])
    }
}

/// `factor x + shift` for each pair, along the last axis, of `x [.., 1]`: the shifts are the numbers of a frame of ones, and public.
pub(super) fn affine(s: &mut Sketch<'_>, x: NodeId, pairs: &[(f64, f64)]) -> Result<NodeId, Refusal> {
    let rank = s.shape_of(x).len();
    let mut end = vec![0; rank];
    end[rank - 1] = 1;
    let beside_one = s.add(Pad { begin: vec![0; rank], end, value: 1.0 }, &[x])?;
    let rows = pairs.iter().map(|&(factor, shift)| {
        let mut row: Row = vec![(0, factor), (1, shift)];
        row.retain(|&(_, weight)| weight != 0.0);
        row
    });
    s.add(Mix { axis: rank - 1, rows: Arc::new(rows.collect()) }, &[beside_one])
}

/// `max(0, 1 - t)`.
pub(super) fn less(s: &mut Sketch<'_>, t: NodeId) -> Result<NodeId, Refusal> {
    let shape = s.shape_of(t);
    let one = s.number(1.0, &shape);
    let rest = s.add(Sub, &[one, t])?;
    s.add(Unary::Relu, &[rest])
}

/// A cubic's weight at a distance: one polynomial up to 1, one from there to 2, each 0 where the other begins.
fn cubic(s: &mut Sketch<'_>, t: NodeId) -> Result<NodeId, Refusal> {
    let a = COEFFICIENT;
    let polynomial = |s: &mut Sketch<'_>, x: NodeId, coefficients: [f64; 4]| -> Result<NodeId, Refusal> {
        let shape = s.shape_of(x);
        let mut sum = s.number(coefficients[0], &shape);
        for coefficient in &coefficients[1..] {
            let product = s.add(Mul, &[sum, x])?;
            let number = s.number(*coefficient, &shape);
            sum = s.add(Add, &[product, number])?;
        }
        Ok(sum)
    };
    let near = s.add(Unary::Clip { lo: 0.0, hi: 1.0 }, &[t])?;
    let far = s.add(Unary::Clip { lo: 1.0, hi: 2.0 }, &[t])?;
    let near = polynomial(s, near, [a + 2.0, -(a + 3.0), 0.0, 1.0])?;
    let far = polynomial(s, far, [a, -5.0 * a, 8.0 * a, -4.0 * a])?;
    s.add(Add, &[near, far])
}
