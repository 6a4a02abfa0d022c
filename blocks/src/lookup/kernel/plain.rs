//! The fraction tree one element at a time, on any processor: what its messages are.

use crate::claims::Polynomial;
use crate::field::{Fr, eq, eq_table, eq_table_scaled, from_i64, powers};
use crate::kernel::{Axis, Values, contract};
use crate::lookup::{Block, BlockKind, Fingerprint, Leaves, TreeProver, tag};
use crate::program::{Program, Shape, TensorId};
use crate::sumcheck::Rounds;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

/// Work below which a loop stays on one thread.
const GRAIN: usize = 1 << 9;
/// Bits of the inner half of a split eq table.
const INNER: usize = 9;

/// One layer: fractions `p / q`; nodes behind the end are `0 / 1`.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub p: Vec<Fr>,
    pub q: Vec<Fr>,
}

impl Layer {
    pub fn node(&self, i: usize) -> (Fr, Fr) {
        match (self.p.get(i), self.q.get(i)) {
            (Some(&p), Some(&q)) => (p, q),
            _ => (Fr::ZERO, Fr::ONE),
        }
    }

    /// The layer above: node `i` is the sum of nodes `2i` and `2i + 1`.
    pub fn parents(&self) -> Self {
        let sum = |i: usize| {
            let ((p0, q0), (p1, q1)) = (self.node(2 * i), self.node(2 * i + 1));
            (times(p0, q1) + times(p1, q0), q0 * q1)
        };
        let (p, q) = (0..self.p.len().div_ceil(2)).into_par_iter().with_min_len(GRAIN).map(sum).unzip();
        Self { p, q }
    }
}

/// The tree, and the sumcheck of one of its layers.
pub struct Tree {
    /// From the root (index 0) to the leaves.
    layers: Vec<Layer>,
    sumcheck: LayerSumcheck,
}

impl Tree {
    /// Builds the tree over the leaves.
    pub fn new(leaves: &Leaves, program: &Program, values: &dyn Values, fingerprint: &Fingerprint) -> Self {
        let mut layers = vec![fill(leaves, program, values, fingerprint)];
        for _ in 0..leaves.bits {
            let above = layers.last().map(Layer::parents).unwrap_or_default();
            layers.push(above);
        }
        layers.reverse();
        Self { layers, sumcheck: LayerSumcheck::default() }
    }
}

/// The leaves' fractions.
fn fill(leaves: &Leaves, program: &Program, values: &dyn Values, fingerprint: &Fingerprint) -> Layer {
    let mut layer = Layer { p: vec![Fr::ZERO; leaves.active], q: vec![Fr::ONE; leaves.active] };
    let mut rest = (&mut layer.p[..], &mut layer.q[..]);
    for block in &leaves.blocks {
        let (p, q) = (rest.0.split_at_mut(1 << block.bits), rest.1.split_at_mut(1 << block.bits));
        fill_block(leaves, block, program, values, fingerprint, (p.0, q.0));
        rest = (p.1, q.1);
    }
    layer
}

/// Those of a block, over zeros.
pub(super) fn fill_block(
    leaves: &Leaves,
    block: &Block,
    program: &Program,
    values: &dyn Values,
    fingerprint: &Fingerprint,
    (p, q): (&mut [Fr], &mut [Fr]),
) {
    let alpha = fingerprint.alpha;
    let beta = powers(fingerprint.beta, leaves.width + 1);
    let tag_power = beta[leaves.width];
    match block.kind {
        BlockKind::Lookup(i) => {
            let lookup = &program.lookups[i];
            let shape = &program.tensors[lookup.columns[0]].shape;
            let columns: Vec<_> = lookup.columns.iter().map(|&c| values.values(Polynomial::Tensor(c))).collect();
            let base = alpha + tag_power * tag(lookup.table);
            p.fill(Fr::ONE);
            place(q, shape, alpha, |at| base + columns.iter().zip(&beta).map(|(c, b)| scaled(*b, c[at])).sum::<Fr>());
        }
        BlockKind::RowLookup(i) => {
            let lookup = &program.row_lookups[i];
            let indices = values.values(Polynomial::Tensor(lookup.indices));
            let shape = &program.tensors[lookup.indices].shape;
            let rows = rows_at(program, values, fingerprint, lookup.rows, shape.rank());
            let base = alpha + tag_power * leaves.row_tag(program, lookup.source);
            p.fill(Fr::ONE);
            place(q, shape, alpha, |at| base + from_i64(indices[at]) + beta[1] * rows[at]);
        }
        BlockKind::Table(id) => {
            let table = &program.tables[id];
            let base = alpha + tag_power * tag(id);
            let multiplicities = values.values(Polynomial::Multiplicity(id));
            let row = |i: usize| {
                let entries = (0..table.columns.len()).map(|j| scaled(beta[j], table.padded_entry(j, i)));
                base + entries.sum::<Fr>()
            };
            p.par_iter_mut().with_min_len(GRAIN).zip(&multiplicities[..]).for_each(|(p, &m)| *p = from_i64(-m));
            q.par_iter_mut().with_min_len(GRAIN).enumerate().for_each(|(i, q)| *q = row(i));
        }
        BlockKind::RowTable(i) => {
            let id = leaves.row_tables[i];
            let rows = rows_at(program, values, fingerprint, id, 1);
            let base = alpha + tag_power * leaves.row_tag(program, id);
            let multiplicities = values.values(Polynomial::RowMultiplicity(id));
            p.iter_mut().zip(&multiplicities[..]).for_each(|(p, &m)| *p = from_i64(-m));
            let shape = Shape(vec![program.first_extent(id)]);
            place(q, &shape, alpha, |at| base + from_i64(at as i64) + beta[1] * rows[at]);
        }
        BlockKind::Padding => {
            p[0] = -Fr::from(leaves.padded as u64);
            q[0] = alpha;
        }
    }
}

/// Denominators at the valid positions of a shape, and `alpha` in padding.
fn place(q: &mut [Fr], shape: &Shape, alpha: Fr, denominator: impl Fn(usize) -> Fr + Send + Sync) {
    let denominators: Vec<Fr> = (0..shape.len()).into_par_iter().with_min_len(GRAIN).map(denominator).collect();
    if shape.is_row_major() {
        q[..denominators.len()].copy_from_slice(&denominators);
        q[denominators.len()..].fill(alpha);
    } else {
        q.fill(alpha);
        shape.padded_indices().into_iter().zip(denominators).for_each(|(i, d)| q[i] = d);
    }
}

/// The rows of a tensor, behind its first axes, at the fingerprint's point.
fn rows_at(program: &Program, values: &dyn Values, fingerprint: &Fingerprint, id: TensorId, first: usize) -> Vec<Fr> {
    let shape = &program.tensors[id].shape;
    let behind = Shape(shape.dims()[first..].to_vec());
    let bound = behind.split(fingerprint.row_point(behind.bits())).into_iter().map(|point| Axis::Bound(eq_table(point)));
    let axes: Vec<Axis> = std::iter::repeat_n(Axis::Kept, first).chain(bound).collect();
    contract(values.integers(Polynomial::Tensor(id)).slice(), shape.dims(), &axes)
}

/// `numerator * denominator`, cheap for the numerators that most leaves have.
fn times(numerator: Fr, denominator: Fr) -> Fr {
    if numerator == Fr::ONE {
        denominator
    } else if numerator == Fr::ZERO {
        numerator
    } else {
        numerator * denominator
    }
}

/// `power * value`, cheap for the first column, whose power is one.
fn scaled(power: Fr, value: i64) -> Fr {
    match value {
        0 => Fr::ZERO,
        1 => power,
        _ if power == Fr::ONE => from_i64(value),
        _ => power * from_i64(value),
    }
}

impl TreeProver for Tree {
    fn layer(&self, k: usize) -> (Vec<Fr>, Vec<Fr>) {
        let layer = &self.layers[k];
        (0..1usize << k).map(|i| layer.node(i)).unzip()
    }

    fn start(&mut self, k: usize, point: &[Fr], lambda: Fr) {
        // The layers below are no longer needed once their sumcheck has begun, and the last one's table is as large as its first round made it.
        self.sumcheck = LayerSumcheck::default();
        let children = std::mem::take(&mut self.layers[k + 1]);
        self.sumcheck = LayerSumcheck::new(&children, k, point, lambda);
    }

    fn rounds(&mut self) -> &mut dyn Rounds {
        &mut self.sumcheck
    }

    fn children(&self) -> (Vec<Fr>, Vec<Fr>) {
        self.sumcheck.children()
    }
}

/// `sum_x eq(r, x) (p0 q1 + q0 (p1 + lambda q1))`: rows `(p0, p1 + lambda q1, q0, q1)`.
#[derive(Default)]
pub(super) struct LayerSumcheck {
    table: Vec<[Fr; 4]>,
    /// Coordinates of `r` not yet bound.
    point: Vec<Fr>,
    /// Product of eq over the bound variables.
    bound: Fr,
    lambda: Fr,
}

impl LayerSumcheck {
    pub fn new(children: &Layer, k: usize, point: &[Fr], lambda: Fr) -> Self {
        let row = |i: usize| {
            let ((p0, q0), (p1, q1)) = (children.node(2 * i), children.node(2 * i + 1));
            [p0, p1 + lambda * q1, q0, q1]
        };
        let table = (0..1usize << k).into_par_iter().with_min_len(GRAIN).map(row).collect();
        Self { table, point: point.to_vec(), bound: Fr::ONE, lambda }
    }

    pub fn children(&self) -> (Vec<Fr>, Vec<Fr>) {
        self.table.iter().flat_map(|&[p0, combined, q0, q1]| [(p0, q0), (combined - self.lambda * q1, q1)]).unzip()
    }

    /// The message for `B` variables with `2^B = CORNERS` and `3^B = NODES`.
    fn sums<const CORNERS: usize, const NODES: usize>(&self, b: usize) -> Vec<Fr> {
        let rest = self.table.len() / CORNERS;
        let behind = &self.point[b..];
        let (outer, inner) = behind.split_at(behind.len().saturating_sub(INNER));
        let outer = eq_table_scaled(outer, self.bound);
        let inner = eq_table(inner);
        let chunk = |o: usize| {
            let mut sums = [Fr::ZERO; NODES];
            let mut rows = [[Fr::ZERO; 4]; NODES];
            for (j, &weight) in inner.iter().enumerate() {
                let i = o * inner.len() + j;
                for (e, row) in rows.iter_mut().take(CORNERS).enumerate() {
                    // Weighing the corners is cheaper than weighing the nodes.
                    let [p0, s, q0, q1] = self.table[e * rest + i];
                    *row = [times(p0, weight), s, weight * q0, q1];
                }
                extend_rows(&mut rows, b);
                for (sum, [p0, s, q0, q1]) in sums.iter_mut().zip(&rows) {
                    *sum += Fr::sum_of_products(&[*p0, *q0], &[*q1, *s]);
                }
            }
            sums.iter_mut().for_each(|s| *s *= outer[o]);
            sums
        };
        let add = |mut a: [Fr; NODES], b: [Fr; NODES]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        (0..outer.len()).into_par_iter().map(chunk).reduce(|| [Fr::ZERO; NODES], add).to_vec()
    }
}

/// Extends rows on `{0,1}^b` to `{0,1,infinity}^b` in place, first variable slowest (as the kernel of sumchecks does).
fn extend_rows<const NODES: usize>(rows: &mut [[Fr; 4]; NODES], b: usize) {
    let mut inner = 1;
    for done in 0..b {
        for o in (0..1usize << (b - 1 - done)).rev() {
            for i in (0..inner).rev() {
                let (low, high) = (rows[2 * o * inner + i], rows[(2 * o + 1) * inner + i]);
                let to = 3 * o * inner + i;
                rows[to + 2 * inner] = std::array::from_fn(|c| high[c] - low[c]);
                rows[to + inner] = high;
                rows[to] = low;
            }
        }
        inner *= 3;
    }
}

impl Rounds for LayerSumcheck {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        match b {
            1 => self.sums::<2, 3>(b),
            2 => self.sums::<4, 9>(b),
            3 => self.sums::<8, 27>(b),
            _ => self.sums::<16, 81>(b),
        }
    }

    fn bind(&mut self, challenges: &[Fr]) {
        for &r in challenges {
            let half = self.table.len() / 2;
            let (low, high) = self.table.split_at_mut(half);
            low.par_iter_mut().with_min_len(GRAIN).zip(high.par_iter()).for_each(|(low, high)| {
                low.iter_mut().zip(high).for_each(|(l, h)| *l += r * (*h - *l));
            });
            self.table.truncate(half);
        }
        let rest = self.point.split_off(challenges.len());
        self.bound *= eq(&self.point, challenges);
        self.point = rest;
    }
}
