//! The prover's vectors in the accumulator.

use crate::fold::FoldProver;
use crate::layout::Split;
use rayon::prelude::*;
use zeroize::Zeroize;
use zktorch_blocks::field::{Fr, dot, eq_table};
use zktorch_blocks::kernel::wide::{Signed, Wide};

/// Columns a thread accumulates at a time.
const TILE: usize = 256;

/// Folds combinations of integer rows.
pub struct RowFold<'a> {
    rows: &'a [Vec<i64>],
    columns: usize,
    nodes: Vec<(Vec<Fr>, Vec<Fr>)>,
}

impl<'a> RowFold<'a> {
    /// `rows` are those of all phases.
    pub fn new(columns: usize, rows: &'a [Vec<i64>]) -> Self {
        Self { rows, columns, nodes: Vec::new() }
    }

    /// `sum_i weight_i row_i`.
    fn combine(&self, weights: &[(usize, Fr)]) -> Vec<Fr> {
        let weights: Vec<(&[i64], Signed)> = weights.iter().map(|&(row, w)| (self.rows[row].as_slice(), Signed::from(w))).collect();
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

impl FoldProver for RowFold<'_> {
    fn start(&mut self, leaves: &[Split]) {
        self.nodes = leaves.par_iter().map(|leaf| (self.combine(&leaf.rows), eq_table(&leaf.columns))).collect();
    }

    fn cross_terms(&self) -> Vec<Fr> {
        let cross = |pair: &[(Vec<Fr>, Vec<Fr>)]| dot(&pair[0].0, &pair[1].1) + dot(&pair[1].0, &pair[0].1);
        self.nodes.par_chunks_exact(2).map(cross).collect()
    }

    fn fold(&mut self, r: Fr) {
        let half = self.nodes.len().div_ceil(2);
        self.nodes.par_chunks_mut(2).for_each(|pair| {
            if let [(w, f), (w2, f2)] = pair {
                w.iter_mut().zip(&*w2).for_each(|(a, b)| *a += r * b);
                w2.zeroize();
                f.iter_mut().zip(&*f2).for_each(|(a, b)| *a += r * b);
            }
        });
        let mut index = 0;
        self.nodes.retain(|_| {
            index += 1;
            index % 2 == 1
        });
        debug_assert_eq!(self.nodes.len(), half);
    }

    fn vector(&self) -> Vec<Fr> {
        self.nodes.first().map(|n| n.0.clone()).unwrap_or_else(|| vec![Fr::from(0u64); self.columns])
    }

    fn form(&self) -> Vec<Fr> {
        self.nodes.first().map(|n| n.1.clone()).unwrap_or_else(|| vec![Fr::from(0u64); self.columns])
    }
}
