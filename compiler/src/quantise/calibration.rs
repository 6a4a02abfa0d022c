//! What samples say about the ranges of a graph's tensors.

use std::collections::HashMap;

use ndarray::{ArrayD, Dimension};
use zktorch_blocks::program::Scale;

use super::grid::{self, Grids};
use crate::graph::{Graph, NodeId};
use crate::ops::{MaxPool, Op, Window};

/// Smallest and largest value seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest.
    pub lo: f64,
    /// Largest.
    pub hi: f64,
}

impl Range {
    /// Nothing is known.
    pub(crate) const UNBOUNDED: Self = Self { lo: f64::NEG_INFINITY, hi: f64::INFINITY };
    /// Probabilities, and answers.
    pub(crate) const UNIT: Self = Self { lo: 0.0, hi: 1.0 };

    /// All numbers up to a magnitude.
    pub(crate) fn symmetric(magnitude: f64) -> Self {
        Self { lo: -magnitude, hi: magnitude }
    }

    /// The smallest range with all of these numbers.
    pub(crate) fn hull(values: impl IntoIterator<Item = f64>) -> Self {
        let start = Self { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
        values.into_iter().fold(start, |r, v| Self { lo: r.lo.min(v), hi: r.hi.max(v) })
    }

    /// The hull of what a function gives of the ends of two ranges.
    pub(crate) fn corners(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self::hull([f(self.lo, other.lo), f(self.lo, other.hi), f(self.hi, other.lo), f(self.hi, other.hi)])
    }

    /// A product in which 0 times infinity counts as 0: the 0 is one.
    pub(crate) fn times(a: f64, b: f64) -> f64 {
        if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
    }

    /// The largest magnitude in the range.
    pub fn magnitude(&self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    fn join(&mut self, other: Self) {
        self.lo = self.lo.min(other.lo);
        self.hi = self.hi.max(other.hi);
    }
}

/// Ranges of every node over the samples seen, and spreads within the windows of max pools.
#[derive(Clone, Default)]
pub struct Calibration {
    ranges: HashMap<NodeId, Range>,
    spreads: HashMap<NodeId, f64>,
    grids: Grids,
    samples: usize,
}

impl Calibration {
    /// Takes in the values of every node for one sample.
    pub fn observe<'v>(&mut self, graph: &Graph, value: impl Fn(NodeId) -> &'v ArrayD<f64>) {
        self.samples += 1;
        grid::observe(&mut self.grids, graph, &value);
        for (id, node) in graph.nodes() {
            let range = range_of(value(id));
            self.ranges.entry(id).and_modify(|r| r.join(range)).or_insert(range);
            if let (Op::MaxPool(MaxPool(window)), Some(&operand)) = (&node.op, graph.operands(id).first()) {
                // A monotone function before the pool may be moved behind it: the spread before it counts as well.
                let before = match graph.op(operand) {
                    Op::Unary(f) if f.is_monotone() => graph.operands(operand)[0],
                    _ => operand,
                };
                let spread = spread(value(before), window).max(spread(value(operand), window));
                self.spreads.entry(id).and_modify(|s| *s = s.max(spread)).or_insert(spread);
            }
        }
    }

    /// States the range of a node for which there are no samples.
    pub fn assume(&mut self, id: NodeId, range: Range) {
        self.ranges.insert(id, range);
    }

    /// Whether something is known of the range of a node.
    pub(super) fn knows(&self, id: NodeId) -> bool {
        self.ranges.contains_key(&id)
    }

    /// Number of samples seen.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Range of a node.
    pub fn range(&self, id: NodeId) -> Range {
        self.ranges.get(&id).copied().unwrap_or(Range { lo: 0.0, hi: 0.0 })
    }

    /// How far the entries of a max pool's windows lie apart.
    pub fn spread(&self, pool: NodeId) -> f64 {
        self.spreads.get(&pool).copied().unwrap_or(f64::INFINITY)
    }

    /// By how many bits, at most so many, an input's grid is to be finer, so that its comparisons with constants come out as those of its
    /// numbers in all samples.
    pub fn finer_grid(&self, input: NodeId, from: Scale, most: i32) -> i32 {
        grid::finer(&self.grids, input, from.0, most)
    }

    /// How much larger than the samples' the values of other inputs may be.
    pub fn margin(&self) -> f64 {
        if self.samples == 0 { 1.0 } else { 1.2 + 0.8 / (self.samples as f64).sqrt() }
    }
}

fn range_of(values: &ArrayD<f64>) -> Range {
    let start = Range { lo: f64::INFINITY, hi: f64::NEG_INFINITY };
    values.iter().filter(|v| v.is_finite()).fold(start, |r, &v| Range { lo: r.lo.min(v), hi: r.hi.max(v) })
}

/// Largest difference of two entries of one window.
fn spread(values: &ArrayD<f64>, window: &Window) -> f64 {
    let shape = values.shape().to_vec();
    let Some(first) = shape.len().checked_sub(window.rank()) else { return f64::INFINITY };
    let mut extremes: HashMap<Vec<usize>, Range> = HashMap::new();
    let dense = window.kernel == window.strides;
    if !dense {
        let r = range_of(values);
        return r.hi - r.lo;
    }
    for (index, &v) in values.indexed_iter() {
        let mut key = index.slice().to_vec();
        for (axis, k) in window.kernel.iter().enumerate() {
            key[first + axis] = (key[first + axis] + window.pads_begin[axis]) / k;
        }
        let v = Range { lo: v, hi: v };
        extremes.entry(key).and_modify(|r| r.join(v)).or_insert(v);
    }
    extremes.values().map(|r| r.hi - r.lo).fold(0.0, f64::max)
}
