//! The prover's vectors in the accumulator.

use crate::fold::FoldProver;
use crate::layout::Split;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use zeroize::Zeroize;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::kernel::wide::{Signed, Wide};
use zktorch_blocks::sumcheck::kernel::sum_products;
use zktorch_blocks::sumcheck::{Degree, Rounds};

/// Columns a thread accumulates at a time.
const TILE: usize = 256;

/// A vector and a linear form, dense.
type Node = (Vec<Fr>, Vec<Fr>);

/// Folds combinations of integer rows.
pub struct RowFold<'a> {
    rows: &'a [Vec<i64>],
    columns: usize,
    /// Those that are left; the ones behind, up to a power of two, are zero.
    nodes: Vec<Node>,
}

impl<'a> RowFold<'a> {
    /// `rows` are those of all phases.
    pub fn new(columns: usize, rows: &'a [Vec<i64>]) -> Self {
        Self { rows, columns, nodes: Vec::new() }
    }

    /// `sum_i weight_i row_i`.
    fn combine(&self, weights: &[(usize, Fr)]) -> Vec<Fr> {
        let weights: Vec<(&[i64], Signed)> =
            weights.iter().map(|&(row, w)| (self.rows[row].as_slice(), Signed::from(w))).collect();
        let tile = |start: usize| {
            let len = TILE.min(self.columns - start);
            let mut sums = [Wide::default(); TILE];
            for (row, weight) in &weights {
                for (sum, &value) in sums.iter_mut().zip(row.iter().skip(start).take(len)) {
                    sum.add_product(value, weight);
                }
            }
            sums.into_iter().take(len).map(Wide::reduce)
        };
        (0..self.columns.div_ceil(TILE)).into_par_iter().flat_map_iter(|i| tile(i * TILE)).collect()
    }
}

impl Drop for RowFold<'_> {
    fn drop(&mut self) {
        self.nodes.iter_mut().for_each(|(w, _)| w.zeroize());
    }
}

impl Rounds for RowFold<'_> {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        let (rest, nodes) = (self.nodes.len().next_power_of_two() >> b, Degree::Two.message_len(b));
        // Column by column: corner `e` of the cube that ends in `j` is node `e rest + j`.
        let tile = |(j, start): (usize, usize)| {
            let corners: Vec<Option<&Node>> = (0..1 << b).map(|e| self.nodes.get(e * rest + j)).collect();
            let value = |factor: usize, e: usize, column: usize| {
                corners[e].map_or(Fr::ZERO, |(w, f)| if factor == 0 { w[column] } else { f[column] })
            };
            sum_products(2, b, Degree::Two, start..self.columns.min(start + TILE), value)
        };
        let add = |mut sum: Vec<Fr>, part: Vec<Fr>| {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            sum
        };
        let tiles = self.columns.div_ceil(TILE);
        let all = (0..rest.min(self.nodes.len()) * tiles).into_par_iter();
        all.map(|i| tile((i / tiles, i % tiles * TILE))).reduce(|| vec![Fr::ZERO; nodes], add)
    }

    fn bind(&mut self, challenges: &[Fr]) {
        let rest = self.nodes.len().next_power_of_two() >> challenges.len();
        let weights = eq_table(challenges);
        let mut others = self.nodes.split_off(rest.min(self.nodes.len()));
        self.nodes.par_iter_mut().enumerate().for_each(|(j, (w, f))| {
            w.iter_mut().chain(f.iter_mut()).for_each(|x| *x *= weights[0]);
            for (weight, (w2, f2)) in weights[1..].iter().zip(others.iter().skip(j).step_by(rest)) {
                w.iter_mut().zip(w2).chain(f.iter_mut().zip(f2)).for_each(|(x, y)| *x += *weight * y);
            }
        });
        others.par_iter_mut().for_each(|(w, _)| w.zeroize());
    }
}

impl FoldProver for RowFold<'_> {
    fn start(&mut self, leaves: &[Split]) {
        self.nodes = leaves.par_iter().map(|leaf| (self.combine(&leaf.rows), eq_table(&leaf.columns))).collect();
    }

    fn vector(&self) -> Vec<Fr> {
        self.nodes.first().map(|n| n.0.clone()).unwrap_or_else(|| vec![Fr::from(0u64); self.columns])
    }

    fn form(&self) -> Vec<Fr> {
        self.nodes.first().map(|n| n.1.clone()).unwrap_or_else(|| vec![Fr::from(0u64); self.columns])
    }
}
