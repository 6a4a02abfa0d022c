//! Where a layer's rows come from before a variable is bound.

use super::leaves::LeafRows;
use super::pass::Corners;
use super::row::{Pairs, Row, get, neutral, pairs, put, sums, weigh};
use crate::field::{Fr, eq_table};
use crate::lanes::{Scalars, Simd};

/// What rows are bound with.
pub struct Binding {
    pub simd: Simd,
    /// Weights of the corners of the variables that are bound.
    pub weights: Vec<Fr>,
    /// The same on lanes.
    pub lanes: Vec<Scalars>,
    /// Sums of the weights from each corner on.
    pub behind: Vec<Scalars>,
    /// For each corner the number of each role of columns, times its weight, for short sums.
    pub roles: Vec<Vec<Scalars>>,
    /// Vectors from a corner to the next.
    pub stride: usize,
}

impl Binding {
    pub fn new(simd: Simd, challenges: &[Fr], roles: &[Fr], stride: usize) -> Self {
        let weights = eq_table(challenges);
        let lanes = weights.iter().map(|&w| simd.splat_scalar(w)).collect();
        let behind = (0..=weights.len()).map(|c| simd.splat_scalar(weights[c..].iter().sum())).collect();
        let roles = weights.iter().map(|&w| roles.iter().map(|&x| simd.splat_short(w * x)).collect()).collect();
        Self { simd, weights, lanes, behind, roles, stride }
    }
}

/// Rows of a layer.
pub trait Source: Sync {
    /// What bound rows of a chunk have in common.
    type Chunk: Send;

    /// A vector of rows.
    fn row(&self, simd: Simd, v: usize) -> Pairs;

    /// The chunk of bound rows that starts at a vector.
    fn chunk(&self, binding: &Binding, first: usize) -> Self::Chunk;

    /// Its vector `j`: sums over the corners that are bound, of rows times weights.
    fn bound(&self, binding: &Binding, chunk: &Self::Chunk, j: usize) -> Pairs;
}

/// Rows in memory; behind them all are neutral.
pub struct Stored<'t>(pub &'t [Row]);

/// Rows of the layer above the leaves.
pub struct Above<'t>(pub &'t LeafRows);

/// Rows of the layer above that.
pub struct Second<'t>(pub &'t LeafRows);

/// `sum_c weight_c row_c`, below `(1 + 0.0284 2.2 2^b) r` where `b` variables are bound: the weights are below `r`.
#[inline(always)]
pub fn combine(binding: &Binding, first: usize, row: impl Fn(usize) -> Pairs) -> Pairs {
    let simd = binding.simd;
    let mut all = [simd.no_sum(); 4];
    for (c, weight) in binding.lanes.iter().enumerate() {
        let row = row(first + c * binding.stride);
        for (sum, x) in all.iter_mut().zip(&row) {
            simd.add_product(sum, x, weight);
        }
    }
    all.map(
        #[inline(always)]
        |sum| simd.reduce(sum),
    )
}

impl Source for Stored<'_> {
    type Chunk = usize;

    #[inline(always)]
    fn row(&self, simd: Simd, v: usize) -> Pairs {
        match self.0.get(v) {
            Some(row) => get(simd, row),
            None => neutral(simd),
        }
    }

    fn chunk(&self, _: &Binding, first: usize) -> usize {
        first
    }

    #[inline(always)]
    fn bound(&self, binding: &Binding, first: &usize, j: usize) -> Pairs {
        let simd = binding.simd;
        let [mut p0, mut q0, mut p1, mut q1] = [simd.no_sum(); 4];
        for (c, weight) in binding.lanes.iter().enumerate() {
            let Some(row) = self.0.get(first + j + c * binding.stride) else {
                // From here on all are neutral.
                simd.add_one(&mut q0, &binding.behind[c]);
                simd.add_one(&mut q1, &binding.behind[c]);
                break;
            };
            let [a, b, c, d] = get(simd, row);
            simd.add_product(&mut p0, &a, weight);
            simd.add_product(&mut q0, &b, weight);
            simd.add_product(&mut p1, &c, weight);
            simd.add_product(&mut q1, &d, weight);
        }
        [simd.reduce(p0), simd.reduce(q0), simd.reduce(p1), simd.reduce(q1)]
    }
}

impl Source for Above<'_> {
    type Chunk = usize;

    #[inline(always)]
    fn row(&self, _: Simd, v: usize) -> Pairs {
        self.0.above(v)
    }

    fn chunk(&self, _: &Binding, first: usize) -> usize {
        first
    }

    #[inline(always)]
    fn bound(&self, binding: &Binding, first: &usize, j: usize) -> Pairs {
        combine(
            binding,
            first + j,
            #[inline(always)]
            |v| self.0.above(v),
        )
    }
}

impl Source for Second<'_> {
    type Chunk = usize;

    #[inline(always)]
    fn row(&self, simd: Simd, v: usize) -> Pairs {
        pairs(simd, [&sums(simd, &self.0.above(2 * v)), &sums(simd, &self.0.above(2 * v + 1))])
    }

    fn chunk(&self, _: &Binding, first: usize) -> usize {
        first
    }

    #[inline(always)]
    fn bound(&self, binding: &Binding, first: &usize, j: usize) -> Pairs {
        combine(
            binding,
            first + j,
            #[inline(always)]
            |v| self.row(binding.simd, v),
        )
    }
}

/// Rows of a chunk before a variable is bound.
pub struct FirstRows<'t, S> {
    pub source: &'t S,
    pub first: usize,
    pub stride: usize,
    pub weights: &'t [[Scalars; 2]],
}

impl<S: Source> Corners for FirstRows<'_, S> {
    #[inline(always)]
    fn corner(&mut self, simd: Simd, e: usize, j: usize) -> Pairs {
        weigh(simd, &self.source.row(simd, self.first + e * self.stride + j), &self.weights[j])
    }
}

/// The chunks of bound rows at the corners of the next variables, which are kept.
pub struct FirstBound<'t, S: Source> {
    pub source: &'t S,
    pub binding: &'t Binding,
    pub chunks: Vec<S::Chunk>,
    pub weights: &'t [[Scalars; 2]],
    pub kept: Vec<&'t mut [Row]>,
}

impl<S: Source> Corners for FirstBound<'_, S> {
    #[inline(always)]
    fn corner(&mut self, simd: Simd, e: usize, j: usize) -> Pairs {
        let row = weigh(simd, &self.source.bound(self.binding, &self.chunks[e], j), &self.weights[j]);
        self.kept[e][j] = put(simd, &row);
        row
    }
}
