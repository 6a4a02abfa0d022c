//! The tree on lanes.

use super::leaves::LeafRows;
use super::plain::LayerSumcheck;
use super::rounds::{LayerRounds, Rows};
use super::row::{NODES, Row, Table, get, nodes, pairs, put, sums};
use super::source::{Above, Second, Source, Stored};
use crate::field::Fr;
use crate::kernel::Values;
use crate::lanes::{NullaryFnOnce, Simd};
use crate::lookup::{Fingerprint, Leaves, TOP_LAYERS, TreeProver};
use crate::program::Program;
use crate::sumcheck::Rounds;
use rayon::prelude::*;
use std::sync::Arc;

/// So many of the lowest layers are made from integers where they are read: two, and three in large trees, whose memory costs more than that.
const fn made(bits: usize) -> usize {
    if bits < 22 { 2 } else { 3 }
}
/// Vectors of a layer that are made together with all that is above them.
const BLOCK: usize = 128;
/// The smallest layer on lanes, of 128 nodes: the children of the first one that has a sumcheck.
const TOP: usize = TOP_LAYERS + 1;

/// The tree, and the sumcheck of one of its layers.
pub struct Tree {
    simd: Simd,
    bits: usize,
    made: usize,
    leaves: Arc<LeafRows>,
    /// Those of 2^7 nodes and more, until their sumcheck begins.
    stored: Vec<Table>,
    /// Those above, one by one.
    top: Vec<(Vec<Fr>, Vec<Fr>)>,
    sumcheck: Sumcheck,
}

enum Sumcheck {
    OnLanes(LayerRounds),
    OneByOne(LayerSumcheck),
}

impl Default for Sumcheck {
    fn default() -> Self {
        Self::OneByOne(LayerSumcheck::default())
    }
}

impl Tree {
    /// Builds the tree over the leaves.
    pub fn new(simd: Simd, leaves: &Leaves, program: &Program, values: &dyn Values, fingerprint: &Fingerprint) -> Self {
        let rows = LeafRows::new(simd, leaves, program, values, fingerprint);
        let made = made(leaves.bits);
        let lowest = leaves.bits - made;
        let vectors = leaves.active.div_ceil(NODES << made).next_multiple_of(BLOCK);
        // Within blocks, up to a vector each; then layer by layer.
        let levels = lowest.saturating_sub(TOP).min(BLOCK.trailing_zeros() as usize);
        let mut tables: Vec<Table> = (0..=levels).map(|level| Table::new(vectors >> level)).collect();
        if made == 2 {
            fill(simd, &Above(&rows), &mut tables)
        } else {
            fill(simd, &Second(&rows), &mut tables)
        }
        for _ in levels..lowest - TOP {
            let above = tables.last().map(|below| {
                let mut above = Table::new(below.rows().len().div_ceil(2));
                simd.vectorize(Parents { simd, below: below.rows(), above: above.rows_mut() });
                above
            });
            tables.extend(above);
        }
        tables.reverse();
        let top = tables.first().map_or_else(Vec::new, |table| top(simd, table));
        Self { simd, bits: leaves.bits, made, leaves: Arc::new(rows), stored: tables, top, sumcheck: Sumcheck::default() }
    }
}

/// Fills layers, each half as large as the one before, the first one above rows that are made.
fn fill(simd: Simd, source: &impl Source, tables: &mut [Table]) {
    let mut levels: Vec<_> =
        tables.iter_mut().enumerate().map(|(level, table)| table.rows_mut().chunks_mut(BLOCK >> level)).collect();
    let blocks = std::iter::from_fn(|| levels.iter_mut().map(Iterator::next).collect::<Option<Vec<&mut [Row]>>>());
    blocks.collect::<Vec<_>>().into_par_iter().enumerate().for_each(|(number, levels)| {
        simd.vectorize(Block { simd, source, first: number * BLOCK, levels });
    });
}

/// The layers above the smallest one on lanes, from the root.
fn top(simd: Simd, table: &Table) -> Vec<(Vec<Fr>, Vec<Fr>)> {
    let missing = (1usize << TOP).saturating_sub(table.rows().len() * NODES);
    let neutral = std::iter::repeat_n((Fr::from(0u64), Fr::from(1u64)), missing);
    let mut nodes: Vec<(Fr, Fr)> =
        table.rows().iter().flat_map(|row| nodes(simd, &get(simd, row))).chain(neutral).take(1 << TOP).collect();
    let mut layers = Vec::new();
    while nodes.len() > 1 {
        nodes = nodes.as_chunks().0.iter().map(|[(p0, q0), (p1, q1)]| (*p0 * q1 + *p1 * q0, *q0 * q1)).collect();
        layers.push(nodes.iter().copied().unzip());
    }
    layers.reverse();
    layers
}

/// A block of the lowest stored layer, over rows that are made, and what is above it.
struct Block<'t, S> {
    simd: Simd,
    source: &'t S,
    first: usize,
    levels: Vec<&'t mut [Row]>,
}

impl<S: Source> NullaryFnOnce for Block<'_, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, source, first, levels } = self;
        let mut levels = levels.into_iter();
        let Some(mut below) = levels.next() else { return };
        for (i, row) in below.iter_mut().enumerate() {
            let v = 2 * (first + i);
            *row = put(simd, &pairs(simd, [&sums(simd, &source.row(simd, v)), &sums(simd, &source.row(simd, v + 1))]));
        }
        for above in levels {
            Parents { simd, below, above }.call();
            below = above;
        }
    }
}

/// The layer above some rows, behind which all are neutral.
struct Parents<'t> {
    simd: Simd,
    below: &'t [Row],
    above: &'t mut [Row],
}

impl NullaryFnOnce for Parents<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (simd, below) = (self.simd, Stored(self.below));
        for (v, row) in self.above.iter_mut().enumerate() {
            *row = put(simd, &pairs(simd, [&sums(simd, &below.row(simd, 2 * v)), &sums(simd, &below.row(simd, 2 * v + 1))]));
        }
    }
}

impl TreeProver for Tree {
    fn layer(&self, k: usize) -> (Vec<Fr>, Vec<Fr>) {
        self.top[k].clone()
    }

    fn start(&mut self, k: usize, point: &[Fr], lambda: Fr) {
        let rows = match self.bits - (k + 1) {
            0 => Rows::Leaves(self.leaves.clone()),
            1 => Rows::Above(self.leaves.clone()),
            2 if self.made == 3 => Rows::Second(self.leaves.clone()),
            // The layers below are no longer needed once their sumcheck has begun.
            _ => Rows::Stored(std::mem::take(&mut self.stored[k + 1 - TOP])),
        };
        let spare = match std::mem::take(&mut self.sumcheck) {
            Sumcheck::OnLanes(rounds) => rounds.into_spare(),
            Sumcheck::OneByOne(_) => Table::default(),
        };
        self.sumcheck = match LayerRounds::new(self.simd, rows, k, point, lambda, spare) {
            Ok(rounds) => Sumcheck::OnLanes(rounds),
            Err(layer) => Sumcheck::OneByOne(LayerSumcheck::new(&layer, k, point, lambda)),
        };
    }

    fn rounds(&mut self) -> &mut dyn Rounds {
        match &mut self.sumcheck {
            Sumcheck::OnLanes(rounds) => rounds,
            Sumcheck::OneByOne(rounds) => rounds,
        }
    }

    fn children(&self) -> (Vec<Fr>, Vec<Fr>) {
        match &self.sumcheck {
            Sumcheck::OnLanes(rounds) => rounds.children(),
            Sumcheck::OneByOne(rounds) => rounds.children(),
        }
    }
}
