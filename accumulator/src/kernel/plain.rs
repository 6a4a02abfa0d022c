//! The fold one column after the other: it says what the messages are.

use crate::fold::FoldProver;
use crate::form::LinearForm;
use crate::merge::Leaf;
use crate::rows::Row;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use zeroize::Zeroizing;
use zktorch_blocks::each_width;
use zktorch_blocks::field::{Fr, eq_table};
use zktorch_blocks::integers::Integer;
use zktorch_blocks::kernel::wide::{Signed, Wide};
use zktorch_blocks::sumcheck::kernel::sum_products;
use zktorch_blocks::sumcheck::{Degree, Rounds};

/// Columns a thread accumulates at a time.
const TILE: usize = 256;

/// Rows whose combination takes longer than what is done with it: the vector is kept, and not made again each time it is read.
const MANY: usize = 8;

/// A vector of the fold.
enum Vector {
    /// A combination of rows.
    Rows(Vec<(usize, Signed)>),
    /// All of its entries.
    Dense(Zeroizing<Vec<Fr>>),
}

/// A vector and a form on it.
type Node = (Vector, LinearForm);

/// The fold.
pub struct RowFold<'a> {
    rows: &'a [Row],
    columns: usize,
    /// Those that are left; the ones behind, up to a power of two, are zero.
    nodes: Vec<Node>,
}

impl<'a> RowFold<'a> {
    /// `rows` are those of all phases.
    pub fn new(columns: usize, rows: &'a [Row]) -> Self {
        Self { rows, columns, nodes: Vec::new() }
    }

    /// Tiles of a row; all are of one length.
    fn tiles(&self) -> usize {
        self.columns.div_ceil(TILE)
    }

    /// The entries of a combination of rows on a tile.
    fn combine(&self, weights: &[(usize, Signed)], tile: usize) -> Zeroizing<Vec<Fr>> {
        let mut sums = [Wide::default(); TILE];
        for (row, weight) in weights {
            for (column, values) in self.rows[*row].within(tile * TILE..(tile + 1) * TILE) {
                let sums = sums[column..].iter_mut();
                each_width!(values, values => sums.zip(values).for_each(|(sum, &v)| sum.add_product(v.wide(), weight)));
            }
        }
        Zeroizing::new(sums.into_iter().take(self.columns).map(Wide::reduce).collect())
    }

    /// A node's entries and coefficients on a tile.
    fn tile(&self, (w, f): &Node, tile: usize) -> (Zeroizing<Vec<Fr>>, Vec<Fr>) {
        let w = match w {
            Vector::Rows(weights) => self.combine(weights, tile),
            Vector::Dense(w) => Zeroizing::new(w.iter().skip(tile * TILE).take(TILE).copied().collect()),
        };
        (w, f.block(tile, self.columns.min(TILE)))
    }

    /// All entries of a node, and all coefficients.
    fn dense(&self, node: &Node) -> (Zeroizing<Vec<Fr>>, Vec<Fr>) {
        self.sum(&[(Fr::from(1u64), Some(node))])
    }

    /// `sum_i weight_i node_i`.
    fn sum(&self, weighted: &[(Fr, Option<&Node>)]) -> (Zeroizing<Vec<Fr>>, Vec<Fr>) {
        let mut w = Zeroizing::new(vec![Fr::ZERO; self.columns]);
        let mut f = vec![Fr::ZERO; self.columns];
        w.par_chunks_mut(TILE).zip(f.par_chunks_mut(TILE)).enumerate().for_each(|(tile, (w, f))| {
            for (weight, node) in weighted.iter().filter_map(|(weight, node)| Some((*weight, (*node)?))) {
                let (w2, f2) = self.tile(node, tile);
                w.iter_mut().zip(w2.iter()).chain(f.iter_mut().zip(&f2)).for_each(|(x, y)| *x += weight * y);
            }
        });
        (w, f)
    }
}

impl Rounds for RowFold<'_> {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        let (rest, len) = (self.nodes.len().next_power_of_two() >> b, Degree::Two.message_len(b));
        // Tile by tile: corner `e` of the cube that ends in `j` is node `e rest + j`.
        let tile = |j: usize, tile: usize| {
            let corner = |e: usize| self.nodes.get(e * rest + j).map(|node| self.tile(node, tile));
            let corners: Vec<_> = (0..1 << b).map(corner).collect();
            let value = |factor: usize, e: usize, column: usize| {
                corners[e].as_ref().map_or(Fr::ZERO, |(w, f)| if factor == 0 { w[column] } else { f[column] })
            };
            sum_products(2, b, Degree::Two, 0..self.columns.min(TILE), value)
        };
        let add = |mut sum: Vec<Fr>, part: Vec<Fr>| {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            sum
        };
        let tiles = self.tiles();
        let all = (0..rest.min(self.nodes.len()) * tiles).into_par_iter();
        all.map(|i| tile(i / tiles, i % tiles)).reduce(|| vec![Fr::ZERO; len], add)
    }

    fn bind(&mut self, challenges: &[Fr]) {
        let rest = self.nodes.len().next_power_of_two() >> challenges.len();
        let weights = eq_table(challenges);
        let bound = |j: usize| {
            let corners: Vec<(Fr, Option<&Node>)> =
                weights.iter().enumerate().map(|(e, &weight)| (weight, self.nodes.get(e * rest + j))).collect();
            let (w, f) = self.sum(&corners);
            (Vector::Dense(w), LinearForm::dense(f))
        };
        self.nodes = (0..rest.min(self.nodes.len())).map(bound).collect();
    }
}

impl FoldProver for RowFold<'_> {
    fn start(&mut self, leaves: Vec<Leaf>) {
        let node = |leaf: Leaf| {
            let many = leaf.rows.len() > MANY;
            let rows = Vector::Rows(leaf.rows.into_iter().map(|(row, w)| (row, Signed::from(w))).collect());
            let vector = if many { Vector::Dense(self.dense(&(rows, LinearForm::default())).0) } else { rows };
            (vector, leaf.form)
        };
        self.nodes = leaves.into_iter().map(node).collect();
    }

    fn vector(&self) -> Vec<Fr> {
        self.nodes.first().map_or_else(|| vec![Fr::ZERO; self.columns], |node| self.dense(node).0.to_vec())
    }

    fn form(&self) -> Vec<Fr> {
        self.nodes.first().map_or_else(|| vec![Fr::ZERO; self.columns], |node| self.dense(node).1)
    }
}
