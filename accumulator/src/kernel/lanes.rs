//! The fold on lanes.

use super::tile::{Bind, Combine, Eq, Message, Pair, VECTORS, Weighted, WriteOut, weights};
use crate::fold::FoldProver;
use crate::form::LinearForm;
use crate::merge::Leaf;
use crate::rows::Row;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use zktorch_blocks::field::Fr;
use zktorch_blocks::integers::Width;
use zktorch_blocks::lanes::scalar::Packed;
use zktorch_blocks::lanes::table::Table;
use zktorch_blocks::lanes::{Scalars, Simd, WIDTH};
use zktorch_blocks::sumcheck::Rounds;

/// Tiles whose sums are added up before they become elements.
const TILES: usize = 8;

/// Rows, or multiples of equality polynomials on all columns, whose combination takes longer than to keep it in memory: fresh pages cost as much as 30
/// rows, and 4 such multiples.
const MANY_ROWS: usize = 30;
const MANY_EQS: usize = 4;

/// A vector of the fold.
enum Vector {
    /// A combination of rows.
    Rows(Weighted),
    /// All of its entries.
    Dense(Table),
}

/// A form of the fold.
enum Form {
    /// A sum of multiples of equality polynomials.
    Eqs(Vec<Eq>),
    /// All of its coefficients.
    Dense(Table),
}

/// A vector and a form on it.
struct Node(Vector, Form);

/// The fold.
pub struct RowFold<'a> {
    simd: Simd,
    rows: &'a [Row],
    columns: usize,
    /// Those that are left; the ones behind, up to a power of two, are zero.
    nodes: Vec<Node>,
}

impl<'a> RowFold<'a> {
    /// Of rows of at least eight columns.
    pub fn new(simd: Simd, columns: usize, rows: &'a [Row]) -> Self {
        Self { simd, rows, columns, nodes: Vec::new() }
    }

    /// Vectors of a tile; all tiles are of one length.
    fn tile(&self) -> usize {
        VECTORS.min(self.columns / WIDTH)
    }

    fn tiles(&self) -> usize {
        self.columns / WIDTH / self.tile()
    }

    /// A node's vector on a tile.
    fn vector_on<'t>(&self, vector: &'t Vector, tile: usize, out: &'t mut [Packed]) -> &'t [Packed] {
        match vector {
            Vector::Dense(table) => &table[tile * out.len()..][..out.len()],
            Vector::Rows(weighted) => {
                let (simd, rows, first) = (self.simd, self.rows, tile * out.len() * WIDTH);
                simd.vectorize(Combine { simd, rows, weighted, first, out });
                out
            }
        }
    }

    /// A node's form on a tile.
    fn form_on<'t>(&self, form: &'t Form, tile: usize, out: &'t mut [Packed]) -> &'t [Packed] {
        match form {
            Form::Dense(table) => &table[tile * out.len()..][..out.len()],
            Form::Eqs(eqs) => {
                let (simd, first) = (self.simd, tile * out.len() * WIDTH);
                simd.vectorize(WriteOut { simd, eqs, first, out });
                out
            }
        }
    }

    fn node_on<'t>(&self, Node(vector, form): &'t Node, tile: usize, [w, f]: &'t mut [Table; 2]) -> Pair<'t> {
        [self.vector_on(vector, tile, w), self.form_on(form, tile, f)]
    }

    /// All tiles.
    fn whole(&self, on: impl Fn(usize, &mut [Packed]) + Sync) -> Table {
        let mut table = Table::zeros(self.columns / WIDTH);
        table.par_chunks_mut(self.tile()).enumerate().for_each(|(tile, out)| on(tile, out));
        table
    }

    fn start_form(&self, form: &LinearForm) -> Form {
        if !form.dense.is_empty() {
            return Form::Dense(Table::new(self.simd, &form.to_dense(self.columns)));
        }
        let eqs: Vec<Eq> = form.eqs.iter().map(|(scale, point)| Eq::new(self.simd, *scale, point)).collect();
        let many = eqs.iter().map(Eq::len).sum::<usize>() > MANY_EQS * self.columns;
        let form = Form::Eqs(eqs);
        if many {
            Form::Dense(self.whole(|tile, out| {
                self.form_on(&form, tile, out);
            }))
        } else {
            form
        }
    }

    /// Memory for some nodes on a tile.
    fn scratch(&self, nodes: usize) -> Vec<[Table; 2]> {
        (0..nodes).map(|_| [(); 2].map(|()| Table::zeros(self.tile()))).collect()
    }

    /// `sum_i weight_i node_i`.
    fn sum(&self, weighted: &[(Scalars, &Node)]) -> [Table; 2] {
        let mut sums = [(); 2].map(|()| Table::zeros(self.columns / WIDTH));
        let [w, f] = &mut sums;
        let tiles = w.par_chunks_mut(self.tile()).zip(f.par_chunks_mut(self.tile())).enumerate();
        tiles.for_each_init(
            || self.scratch(weighted.len()),
            |scratch, (tile, (w, f))| {
                let corner = |(&(weight, node), own)| (weight, self.node_on(node, tile, own));
                let corners: Vec<(Scalars, Pair<'_>)> = weighted.iter().zip(scratch).map(corner).collect();
                let simd = self.simd;
                simd.vectorize(Bind { simd, corners: &corners, out: [w, f] });
            },
        );
        sums
    }

    /// The only node that is left, or zero.
    fn last(&self) -> [Table; 2] {
        let one = self.simd.splat_scalar(Fr::from(1u64));
        self.sum(&self.nodes.first().map(|node| (one, node)).into_iter().collect::<Vec<_>>())
    }

    fn message<const CORNERS: usize, const NODES: usize>(&self) -> Vec<Fr> {
        let (simd, tiles) = (self.simd, self.tiles());
        let rest = self.nodes.len().next_power_of_two() / CORNERS;
        let items = rest.min(self.nodes.len()) * tiles;
        // Corner `e` of the cube that ends in `j` is node `e rest + j`.
        let piece = |scratch: &mut Vec<[Table; 2]>, piece: usize| {
            let mut total = [simd.no_sum(); NODES];
            for item in piece * TILES..items.min((piece + 1) * TILES) {
                let (j, tile) = (item / tiles, item % tiles);
                let corner = |(e, own)| Some(self.node_on(self.nodes.get(e * rest + j)?, tile, own));
                let corners: Vec<Option<Pair<'_>>> = scratch.iter_mut().enumerate().map(corner).collect();
                simd.vectorize(Message::<CORNERS, NODES> { simd, corners: &corners, total: &mut total });
            }
            total.iter().map(|sum| simd.total(sum)).collect::<Vec<Fr>>()
        };
        let add = |mut sum: Vec<Fr>, part: Vec<Fr>| {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            sum
        };
        let pieces = (0..items.div_ceil(TILES)).into_par_iter();
        pieces.map_init(|| self.scratch(CORNERS), piece).reduce(|| vec![Fr::ZERO; NODES], add)
    }
}

impl Rounds for RowFold<'_> {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        match b {
            1 => Self::message::<2, 3>(self),
            2 => Self::message::<4, 9>(self),
            3 => Self::message::<8, 27>(self),
            _ => Self::message::<16, 81>(self),
        }
    }

    fn bind(&mut self, challenges: &[Fr]) {
        let rest = self.nodes.len().next_power_of_two() >> challenges.len();
        let weights = weights(self.simd, challenges);
        let mut nodes: Vec<Option<Node>> = std::mem::take(&mut self.nodes).into_iter().map(Some).collect();
        let mut corners = |j: usize| -> Vec<(Scalars, Node)> {
            let own = weights.iter().enumerate();
            own.filter_map(|(e, &weight)| Some((weight, nodes.get_mut(e * rest + j)?.take()?))).collect()
        };
        let groups: Vec<_> = (0..rest).map(&mut corners).filter(|group| !group.is_empty()).collect();
        // What is bound goes when its sum is made.
        let bound = |group: Vec<(Scalars, Node)>| {
            let [w, f] = self.sum(&group.iter().map(|(weight, node)| (*weight, node)).collect::<Vec<_>>());
            Node(Vector::Dense(w), Form::Dense(f))
        };
        self.nodes = groups.into_par_iter().map(bound).collect();
    }
}

impl FoldProver for RowFold<'_> {
    fn start(&mut self, leaves: Vec<Leaf>) {
        let wide = |row: usize| self.rows[row].within(0..self.columns).any(|(_, values)| values.width() == Width::I64);
        let node = |leaf: Leaf| {
            let vector = Vector::Rows(Weighted::new(self.simd, &leaf.rows, wide));
            let many = leaf.rows.len() > MANY_ROWS;
            let vector = if many {
                Vector::Dense(self.whole(|tile, out| {
                    self.vector_on(&vector, tile, out);
                }))
            } else {
                vector
            };
            Node(vector, self.start_form(&leaf.form))
        };
        self.nodes = leaves.into_iter().map(node).collect();
    }

    fn vector(&self) -> Vec<Fr> {
        self.last()[0].elements(self.simd)
    }

    fn form(&self) -> Vec<Fr> {
        self.last()[1].elements(self.simd)
    }
}
