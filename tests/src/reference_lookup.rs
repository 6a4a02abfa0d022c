//! The fractions of all lookups, and a slow prover of their tree, straight from the definition.

use crate::field_witness::Data;
use ark_ff::Field;
use zktorch_blocks::claims::Polynomial;
use zktorch_blocks::field::{Fr, eq, eq_table, from_i64, powers};
use zktorch_blocks::lookup::{BlockKind, Fingerprint, Leaves, TreeProver};
use zktorch_blocks::program::{TableId, TensorId};
use zktorch_blocks::sumcheck::Rounds;
use zktorch_blocks::sumcheck::kernel::bind_top;

/// The sum of the fractions of all lookups and tables, with the tag's power of beta as an argument of its own. Padding is
/// taken to be zero, and there are no lookups of rows.
///
/// # Panics
/// If a denominator vanishes.
pub fn sum(data: &Data<'_>, [alpha, beta, tag_power]: [Fr; 3]) -> Fr {
    let beta = powers(beta, 8);
    let program = data.program;
    let tag = |table: TableId| tag_power * from_i64(table.0 as i64 + 1);
    let inverse = |x: Fr| x.inverse().expect("random");
    let mut sum = from_i64(0);
    for lookup in &program.lookups {
        for at in program.tensors[lookup.columns[0]].shape.padded_indices() {
            let tuple = lookup.columns.iter().map(|&c| data.values[&Polynomial::Tensor(c)][at]);
            sum += inverse(alpha + tag(lookup.table) + tuple.zip(&beta).map(|(v, b)| v * b).sum::<Fr>());
        }
    }
    for (id, table) in program.tables.enumerate() {
        for (row, count) in data.values[&Polynomial::Multiplicity(id)].iter().enumerate() {
            let entries: Fr = (0..table.columns.len()).map(|j| beta[j] * from_i64(table.padded_entry(j, row))).sum();
            sum -= *count * inverse(alpha + tag(id) + entries);
        }
    }
    sum
}

/// The tree: all nodes of all layers.
pub struct SlowTree {
    layers: Vec<(Vec<Fr>, Vec<Fr>)>,
    /// `p0, p1, q0, q1` of the layer under way.
    tables: [Vec<Fr>; 4],
    point: Vec<Fr>,
    scale: Fr,
    lambda: Fr,
}

impl SlowTree {
    /// Builds the tree over what the data show it.
    pub fn new(leaves: &Leaves, data: &Data<'_>, fingerprint: &Fingerprint) -> Self {
        let Fingerprint { alpha, beta, .. } = *fingerprint;
        let zero = from_i64(0);
        let one = from_i64(1);
        let beta = powers(beta, leaves.width + 1);
        let tag = |table: TableId| beta[leaves.width] * from_i64(table.0 as i64 + 1);
        let (mut p, mut q) = (vec![zero; 1 << leaves.bits], vec![one; 1 << leaves.bits]);
        for block in &leaves.blocks {
            match block.kind {
                BlockKind::Lookup(i) => {
                    let lookup = &data.program.lookups[i];
                    for at in 0..1 << block.bits {
                        p[block.offset + at] = one;
                        let columns = lookup.columns.iter().map(|&c| data.in_tree(Polynomial::Tensor(c))[at]);
                        q[block.offset + at] = alpha + columns.zip(&beta).map(|(v, b)| v * b).sum::<Fr>();
                    }
                    for at in data.program.tensors[lookup.columns[0]].shape.padded_indices() {
                        q[block.offset + at] += tag(lookup.table);
                    }
                }
                BlockKind::RowLookup(i) => {
                    let lookup = &data.program.row_lookups[i];
                    let indices = data.in_tree(Polynomial::Tensor(lookup.indices));
                    let rows = at_point(data, fingerprint, lookup.rows, lookup.source);
                    for at in 0..1 << block.bits {
                        p[block.offset + at] = one;
                        q[block.offset + at] = alpha + indices[at] + beta[1] * rows[at];
                    }
                    let tag = beta[leaves.width] * leaves.row_tag(data.program, lookup.source);
                    let shape = &data.program.tensors[lookup.indices].shape;
                    shape.padded_indices().into_iter().for_each(|at| q[block.offset + at] += tag);
                }
                BlockKind::RowTable(i) => {
                    let id = leaves.row_tables[i];
                    let rows = at_point(data, fingerprint, id, id);
                    let tag = beta[leaves.width] * leaves.row_tag(data.program, id);
                    for (row, value) in rows.into_iter().enumerate() {
                        p[block.offset + row] = -data.in_tree(Polynomial::RowMultiplicity(id))[row];
                        let own = if row < data.program.first_extent(id) { from_i64(row as i64) + tag } else { zero };
                        q[block.offset + row] = alpha + own + beta[1] * value;
                    }
                }
                BlockKind::Table(id) => {
                    let table = &data.program.tables[id];
                    for row in 0..1 << block.bits {
                        p[block.offset + row] = -data.in_tree(Polynomial::Multiplicity(id))[row];
                        let entries = (0..table.columns.len()).map(|j| beta[j] * from_i64(table.padded_entry(j, row)));
                        q[block.offset + row] = alpha + tag(id) + entries.sum::<Fr>();
                    }
                }
                BlockKind::Padding => {
                    p[block.offset] = -from_i64(leaves.padded as i64);
                    q[block.offset] = alpha;
                }
            }
        }
        let mut layers = vec![(p, q)];
        for _ in 0..leaves.bits {
            let (p, q) = &layers[layers.len() - 1];
            let pairs = || p.chunks(2).zip(q.chunks(2));
            let above =
                (pairs().map(|(p, q)| p[0] * q[1] + p[1] * q[0]).collect(), pairs().map(|(_, q)| q[0] * q[1]).collect());
            layers.push(above);
        }
        layers.reverse();
        Self { layers, tables: Default::default(), point: Vec::new(), scale: one, lambda: zero }
    }
}

/// The rows of a tensor, as long as a source's, at the fingerprint's point.
fn at_point(data: &Data<'_>, fingerprint: &Fingerprint, id: TensorId, source: TensorId) -> Vec<Fr> {
    let bits = data.program.tensors[source].shape.axis_bits().skip(1).sum();
    let weights = eq_table(fingerprint.row_point(bits));
    let row = |row: &[Fr]| row.iter().zip(&weights).map(|(v, w)| *v * w).sum();
    data.in_tree(Polynomial::Tensor(id)).chunks(1 << bits).map(row).collect()
}

impl TreeProver for SlowTree {
    fn layer(&self, k: usize) -> (Vec<Fr>, Vec<Fr>) {
        self.layers[k].clone()
    }

    fn start(&mut self, k: usize, point: &[Fr], lambda: Fr) {
        let (p, q) = &self.layers[k + 1];
        let side = |v: &[Fr], side: usize| v.iter().skip(side).step_by(2).copied().collect::<Vec<Fr>>();
        self.tables = [side(p, 0), side(p, 1), side(q, 0), side(q, 1)];
        (self.point, self.scale, self.lambda) = (point.to_vec(), from_i64(1), lambda);
    }

    fn rounds(&mut self) -> &mut dyn Rounds {
        self
    }

    fn children(&self) -> (Vec<Fr>, Vec<Fr>) {
        let [p0, p1, q0, q1] = &self.tables;
        let woven = |even: &[Fr], odd: &[Fr]| even.iter().zip(odd).flat_map(|(a, b)| [*a, *b]).collect();
        (woven(p0, p1), woven(q0, q1))
    }
}

impl Rounds for SlowTree {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        let [p0, p1, q0, q1] = [0, 1, 2, 3].map(|i| extend(&self.tables[i], b));
        let rest = eq_table(&self.point[b..]);
        let n = rest.len();
        let at = |i: usize| p0[i] * q1[i] + p1[i] * q0[i] + self.lambda * q0[i] * q1[i];
        (0..p0.len() / n).map(|e| self.scale * (0..n).map(|x| rest[x] * at(e * n + x)).sum::<Fr>()).collect()
    }

    fn bind(&mut self, challenges: &[Fr]) {
        let rest = self.point.split_off(challenges.len());
        self.scale *= eq(&self.point, challenges);
        self.point = rest;
        for table in &mut self.tables {
            challenges.iter().for_each(|&r| bind_top(table, r));
        }
    }
}

/// Values on `{0, 1, inf}^b x {0, 1}^rest`, first variable slowest.
fn extend(table: &[Fr], b: usize) -> Vec<Fr> {
    if b == 0 {
        return table.to_vec();
    }
    let (low, high) = table.split_at(table.len() / 2);
    let difference: Vec<Fr> = low.iter().zip(high).map(|(l, h)| *h - l).collect();
    [low, high, &difference].iter().flat_map(|t| extend(t, b - 1)).collect()
}
