//! The sumcheck of a layer: variables are bound and the next message is computed in one pass over the rows.
//!
//! Rows keep the equality polynomial of the last variables as a factor of `A` and `B`; what it is of the others multiplies sums over chunks. It goes
//! in once, when the first variables are bound, and what the variables of a group have of it is divided out as they are bound.

use super::integers::{Bottom, Known};
use super::leaves::LeafRows;
use super::pass::{Chunk, Corners, Sums};
use super::plain::Layer;
use super::row::{Pairs, Table, get, nodes, put, together};
use super::source::{Above, Binding, FirstBound, FirstRows, Second, Source, Stored};
use crate::field::{Fr, eq, eq_table, eq_table_scaled};
use crate::lanes::{NullaryFnOnce, Scalars, Simd, WIDTH};
use crate::sumcheck::Rounds;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;
use std::sync::Arc;

/// Variables whose equality polynomial the rows have as a factor, the last ones: rows that are summed up before they are weighted.
const INNER: usize = 9;

/// Chunks whose sums are added up before they are reduced, for [`add_weighted`](crate::lanes::nodes::add_weighted): parts of a chunk are below `2^260 + 64 r`
/// together.
const TOGETHER: usize = 1 << 12;

/// Where the rows of a layer are.
pub enum Rows {
    /// The leaves.
    Leaves(Arc<LeafRows>),
    /// The layer above, or the second one above, made from leaves.
    Above(Arc<LeafRows>),
    Second(Arc<LeafRows>),
    Stored(Table),
}

/// The sumcheck of a layer of `2^k` rows.
pub struct LayerRounds {
    simd: Simd,
    k: usize,
    point: Vec<Fr>,
    /// Of each of the last coordinates, the inverses of what the equality polynomial is at 0 and at 1.
    inverses: Vec<[Fr; 2]>,
    lambda: Fr,
    /// Variables that are bound, or are to be.
    at: usize,
    /// What they are bound to, if the rows do not have it yet.
    pending: Vec<Fr>,
    /// The equality polynomial there.
    bound: Fr,
    /// As long as no variable is bound in the table.
    rows: Option<Rows>,
    /// `A, B, p_1, q_1`.
    table: Table,
    /// Variables from this one on weight the rows.
    from: usize,
    /// Memory.
    spare: Table,
}

impl LayerRounds {
    /// Starts, unless a coordinate is 0 or 1, so that there is no dividing by the equality polynomial.
    pub fn new(simd: Simd, rows: Rows, k: usize, point: &[Fr], lambda: Fr, spare: Table) -> Result<Self, Layer> {
        let mut inverses: Vec<Fr> = point[k - INNER.min(k)..].iter().flat_map(|&r| [Fr::ONE - r, r]).collect();
        if inverses.contains(&Fr::ZERO) {
            return Err(rows.layer(simd, k));
        }
        ark_ff::fields::batch_inversion(&mut inverses);
        Ok(Self {
            simd,
            k,
            point: point.to_vec(),
            inverses: inverses.as_chunks().0.to_vec(),
            lambda,
            at: 0,
            pending: Vec::new(),
            bound: Fr::ONE,
            rows: Some(rows),
            table: Table::default(),
            from: k - INNER.min(k),
            spare,
        })
    }

    /// The memory of what is not needed any more.
    pub fn into_spare(self) -> Table {
        let own = if let Some(Rows::Stored(table)) = self.rows { table } else { Table::default() };
        [own, self.table, self.spare].into_iter().max_by_key(Table::capacity).unwrap_or_default()
    }

    /// Weights of the rows by the variables from `from` on, and `lambda` times these.
    fn weights(&self, from: usize) -> Vec<[Scalars; 2]> {
        let lanes = |x: &[Fr; WIDTH]| [self.simd.scalars(x), self.simd.scalars(&x.map(|x| x * self.lambda))];
        eq_table(&self.point[from..]).as_chunks().0.iter().map(lanes).collect()
    }

    /// What `add` adds for every chunk, given its number, itself, its weight and what is known from the chunks before.
    fn sum<T: Send>(
        &self,
        nodes: usize,
        outer: &[Fr],
        chunks: Vec<T>,
        add: impl Fn(usize, T, Fr, &mut Sums, &mut Known) + Sync,
    ) -> Vec<Fr> {
        let simd = self.simd;
        let none = || (vec![simd.no_sum(); nodes], Known::new(self.lambda));
        let chunks = chunks.into_par_iter().enumerate().with_max_len(TOGETHER);
        let sums = chunks.fold(none, |(mut total, mut known), (o, chunk)| {
            add(o, chunk, outer[o], &mut total, &mut known);
            (total, known)
        });
        let sums = sums.map(|(total, _)| total.iter().map(|sum| simd.total(sum)).collect::<Vec<Fr>>());
        sums.reduce(
            || vec![Fr::ZERO; nodes],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        )
    }

    /// The message for `b` variables with `2^b = CORNERS` and `3^b = NODES`.
    fn pass<const CORNERS: usize, const NODES: usize>(&mut self) -> Vec<Fr> {
        let b = CORNERS.trailing_zeros() as usize;
        let from = self.from.max(self.at + b);
        // Vectors at a corner, and of a chunk.
        let (rest, chunk) = ((1 << (self.k - self.at - b)) / WIDTH, (1 << (self.k - from)) / WIDTH);
        let outer = eq_table_scaled(&self.point[self.at + b..from], self.bound);
        let shape = Shape { rest, chunk, from, outer };
        let message = match self.rows.take() {
            None => self.bind_further::<CORNERS, NODES>(&shape),
            Some(rows) if self.pending.is_empty() => {
                let message = match &rows {
                    Rows::Leaves(leaves) => self.first_of_leaves::<CORNERS, NODES>(&shape, &Bottom(leaves)),
                    Rows::Above(leaves) => self.first::<_, CORNERS, NODES>(&shape, &Above(leaves)),
                    Rows::Second(leaves) => self.first::<_, CORNERS, NODES>(&shape, &Second(leaves)),
                    Rows::Stored(table) => self.first::<_, CORNERS, NODES>(&shape, &Stored(table.rows())),
                };
                self.rows = Some(rows);
                return message;
            }
            Some(Rows::Leaves(leaves)) => self.bind_first::<_, CORNERS, NODES>(&shape, &Bottom(&leaves), &leaves.roles),
            Some(Rows::Above(leaves)) => self.bind_first::<_, CORNERS, NODES>(&shape, &Above(&leaves), &[]),
            Some(Rows::Second(leaves)) => self.bind_first::<_, CORNERS, NODES>(&shape, &Second(&leaves), &[]),
            Some(Rows::Stored(table)) => {
                let message = self.bind_first::<_, CORNERS, NODES>(&shape, &Stored(table.rows()), &[]);
                self.spare = table;
                message
            }
        };
        self.from = from;
        self.pending.clear();
        message
    }

    fn first<S: Source, const CORNERS: usize, const NODES: usize>(&self, shape: &Shape, source: &S) -> Vec<Fr> {
        let (simd, weights) = (self.simd, self.weights(shape.from));
        self.sum(NODES, &shape.outer, vec![(); shape.outer.len()], |o, (), weight, total, _| {
            let corners = FirstRows { source, first: o * shape.chunk, stride: shape.rest, weights: &weights };
            simd.vectorize(Chunk::<_, CORNERS, NODES> { simd, corners, vectors: shape.vectors(), weight, total });
        })
    }

    fn first_of_leaves<const CORNERS: usize, const NODES: usize>(&self, shape: &Shape, bottom: &Bottom<'_>) -> Vec<Fr> {
        let weights = self.weights(shape.from);
        self.sum(NODES, &shape.outer, vec![(); shape.outer.len()], |o, (), weight, total, known| {
            bottom.message::<CORNERS, NODES>(known, o * shape.chunk, shape.rest, &weights, weight, total);
        })
    }

    /// Binds what is pending on rows that are not in the table, into the table.
    fn bind_first<S: Source, const CORNERS: usize, const NODES: usize>(
        &mut self,
        shape: &Shape,
        source: &S,
        roles: &[Fr],
    ) -> Vec<Fr> {
        let (simd, weights) = (self.simd, self.weights(shape.from));
        let binding = Binding::new(simd, &self.pending, roles, CORNERS * shape.rest);
        let mut table = std::mem::take(&mut self.spare).reuse(CORNERS * shape.rest);
        let chunks = together(table.rows_mut(), shape.rest, shape.chunk);
        let message = self.sum(NODES, &shape.outer, chunks, |o, kept, weight, total, _| {
            let chunks = (0..CORNERS).map(|e| source.chunk(&binding, e * shape.rest + o * shape.chunk)).collect();
            let corners = FirstBound { source, binding: &binding, chunks, weights: &weights, kept };
            simd.vectorize(Chunk::<_, CORNERS, NODES> { simd, corners, vectors: shape.vectors(), weight, total });
        });
        self.table = table;
        message
    }

    /// Binds what is pending in the table.
    fn bind_further<const CORNERS: usize, const NODES: usize>(&mut self, shape: &Shape) -> Vec<Fr> {
        let (simd, b) = (self.simd, CORNERS.trailing_zeros() as usize);
        let plain = eq_table(&self.pending);
        // What the group's own variables weight the rows by.
        let mut divisors = vec![Fr::ONE; CORNERS];
        for variable in self.from..shape.from {
            let inverses = self.inverses[variable + self.inverses.len() - self.k];
            for (e, divisor) in divisors.iter_mut().enumerate() {
                *divisor *= inverses[e >> (b - 1 - (variable - self.at)) & 1];
            }
        }
        let splat = |x: &Fr| simd.splat_scalar(*x);
        let weighted: Vec<Vec<Scalars>> =
            divisors.iter().map(|d| plain.iter().map(|w| simd.splat_scalar(*w * d)).collect()).collect();
        let plain: Vec<Scalars> = plain.iter().map(splat).collect();
        let mut table = std::mem::take(&mut self.table);
        let chunks = together(table.rows_mut(), shape.rest, shape.chunk);
        let message = self.sum(NODES, &shape.outer, chunks, |_, pieces, weight, total, _| {
            let corners = Further { pieces, weighted: &weighted, plain: &plain, corners: CORNERS };
            simd.vectorize(Chunk::<_, CORNERS, NODES> { simd, corners, vectors: shape.vectors(), weight, total });
        });
        table.truncate(CORNERS * shape.rest);
        self.table = table;
        message
    }

    /// The rows over the variables that are left, with what is pending bound: numerators and denominators of their nodes.
    pub fn children(&self) -> (Vec<Fr>, Vec<Fr>) {
        let (simd, left) = (self.simd, self.k - self.at);
        let len = (1 << left) / WIDTH;
        let binding = Binding::new(simd, &self.pending, &[], len);
        let rows: Vec<Pairs> = match &self.rows {
            None => Bind { source: &Stored(self.table.rows()), binding: &binding, len }.on_lanes(),
            Some(Rows::Stored(table)) => Bind { source: &Stored(table.rows()), binding: &binding, len }.on_lanes(),
            Some(Rows::Above(leaves)) => Bind { source: &Above(leaves), binding: &binding, len }.on_lanes(),
            Some(Rows::Second(leaves)) => Bind { source: &Second(leaves), binding: &binding, len }.on_lanes(),
            Some(Rows::Leaves(leaves)) => {
                let binding = Binding::new(simd, &self.pending, &leaves.roles, len);
                Bind { source: &Bottom(leaves), binding: &binding, len }.on_lanes()
            }
        };
        let elements = rows.iter().flat_map(|row| {
            let [a, b, p1, q1] = [&row[0], &row[1], &row[2], &row[3]].map(|x| simd.elements(x));
            (0..WIDTH).map(move |l| [a[l], b[l], p1[l], q1[l]])
        });
        let weighted = self.rows.is_none();
        let own = self.inverses.iter().skip(self.inverses.len() - (self.k - self.from));
        let divisors = own.fold(vec![Fr::ONE], |d, inverses| d.iter().flat_map(|&d| inverses.map(|i| d * i)).collect());
        let children = elements.zip(divisors.iter().cycle()).flat_map(|([a, b, p1, q1], d)| {
            // p_0 + lambda q_0 and q_0, weighted.
            let (p0, q0) = if weighted { (d * &(a - self.lambda * b), d * &b) } else { (a, b) };
            [(p0, q0), (p1, q1)]
        });
        children.unzip()
    }
}

/// How a message goes through the rows.
struct Shape {
    /// Vectors at a corner.
    rest: usize,
    /// Vectors of a chunk.
    chunk: usize,
    /// Variables from this one on weight the rows.
    from: usize,
    /// Weights of the chunks.
    outer: Vec<Fr>,
}

impl Shape {
    fn vectors(&self) -> u64 {
        u64::MAX >> (64 - self.chunk)
    }
}

/// Chunks of the table at the corners of what is bound, for those of the next variables. Bound rows are put where those of the first corner were.
struct Further<'t> {
    pieces: Vec<&'t mut [super::row::Row]>,
    weighted: &'t [Vec<Scalars>],
    plain: &'t [Scalars],
    corners: usize,
}

impl Corners for Further<'_> {
    #[inline(always)]
    fn corner(&mut self, simd: Simd, e: usize, j: usize) -> Pairs {
        let [mut a, mut b, mut p, mut q] = [simd.no_sum(); 4];
        for (c, (plain, weighted)) in self.plain.iter().zip(&self.weighted[e]).enumerate() {
            let row = get(simd, &self.pieces[c * self.corners + e][j]);
            simd.add_product(&mut a, &row[0], weighted);
            simd.add_product(&mut b, &row[1], weighted);
            simd.add_product(&mut p, &row[2], plain);
            simd.add_product(&mut q, &row[3], plain);
        }
        let row = [simd.reduce(a), simd.reduce(b), simd.reduce(p), simd.reduce(q)];
        self.pieces[e][j] = put(simd, &row);
        row
    }
}

/// Some bound rows.
struct Bind<'t, S> {
    source: &'t S,
    binding: &'t Binding,
    len: usize,
}

impl<S: Source> Bind<'_, S> {
    fn on_lanes(self) -> Vec<Pairs> {
        self.binding.simd.vectorize(self)
    }
}

impl<S: Source> NullaryFnOnce for Bind<'_, S> {
    type Output = Vec<Pairs>;

    #[inline(always)]
    fn call(self) -> Vec<Pairs> {
        let chunk = self.source.chunk(self.binding, 0);
        let mut rows = Vec::with_capacity(self.len);
        for j in 0..self.len {
            rows.push(self.source.bound(self.binding, &chunk, j));
        }
        rows
    }
}

impl Rows {
    /// All of them, one by one.
    fn layer(&self, simd: Simd, k: usize) -> Layer {
        let row = |v: usize| match self {
            Self::Leaves(leaves) => leaves.row(v),
            Self::Above(leaves) => leaves.above(v),
            Self::Second(leaves) => Second(leaves).row(simd, v),
            Self::Stored(table) => Stored(table.rows()).row(simd, v),
        };
        let (p, q) = (0..(1usize << k) / WIDTH).flat_map(|v| nodes(simd, &row(v))).unzip();
        Layer { p, q }
    }
}

impl Rounds for LayerRounds {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        match b {
            1 => self.pass::<2, 3>(),
            2 => self.pass::<4, 9>(),
            3 => self.pass::<8, 27>(),
            _ => self.pass::<16, 81>(),
        }
    }

    fn bind(&mut self, challenges: &[Fr]) {
        self.bound *= eq(&self.point[self.at..self.at + challenges.len()], challenges);
        self.at += challenges.len();
        self.pending = challenges.to_vec();
    }
}
