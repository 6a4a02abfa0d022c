//! Rows of a layer on lanes.

use crate::field::Fr;
use crate::lanes::scalar::Packed;
use crate::lanes::{Scalars, Simd, WIDTH};

/// Nodes of a vector of rows: two a row.
pub const NODES: usize = 2 * WIDTH;

/// Eight rows, that is pairs of neighbouring nodes: numerators and denominators of the first ones, then of the second ones. Vector `v` of a
/// layer has the nodes from `16 v` on. Numbers are below `2.2 r`.
pub type Pairs = [Scalars; 4];

/// The same in memory.
pub type Row = [Packed; 4];

/// From memory.
#[inline(always)]
pub fn get(simd: Simd, row: &Row) -> Pairs {
    [simd.get(&row[0]), simd.get(&row[1]), simd.get(&row[2]), simd.get(&row[3])]
}

/// For memory.
#[inline(always)]
pub fn put(simd: Simd, [p0, q0, p1, q1]: &Pairs) -> Row {
    [simd.put(p0), simd.put(q0), simd.put(p1), simd.put(q1)]
}

/// The sums of the pairs: `p_0 q_1 + p_1 q_0`, below `(1 + 0.0284 9.7) r`, over `q_0 q_1`.
#[inline(always)]
pub fn sums(simd: Simd, [p0, q0, p1, q1]: &Pairs) -> [Scalars; 2] {
    let mut p = simd.no_sum();
    simd.add_product(&mut p, p0, q1);
    simd.add_product(&mut p, p1, q0);
    [simd.reduce(p), simd.mul(q0, q1)]
}

/// The sums of two vectors of pairs, as pairs of the layer above.
#[inline(always)]
pub fn pairs(simd: Simd, [a, b]: [&[Scalars; 2]; 2]) -> Pairs {
    let ([p0, p1], [q0, q1]) = (simd.unzip([&a[0], &b[0]]), simd.unzip([&a[1], &b[1]]));
    [p0, q0, p1, q1]
}

/// What a layer's sumcheck multiplies: `A = w (p_0 + lambda q_0)` and `B = w q_0`, besides `p_1` and `q_1`, for the weights `w` and `lambda w`. The
/// summand is `A q_1 + B p_1` then. `A` is below `(1 + 0.0284 4.9) r`.
#[inline(always)]
pub fn weigh(simd: Simd, [p0, q0, p1, q1]: &Pairs, [w, lambda_w]: &[Scalars; 2]) -> Pairs {
    let mut a = simd.no_sum();
    simd.add_product(&mut a, p0, w);
    simd.add_product(&mut a, q0, lambda_w);
    [simd.reduce(a), simd.mul(q0, w), *p1, *q1]
}

/// Fractions `0 / 1`.
#[inline(always)]
pub fn neutral(simd: Simd) -> Pairs {
    let (zero, one) = (simd.zero(), simd.splat_scalar(Fr::from(1u64)));
    [zero, one, zero, one]
}

/// The nodes of eight rows one after the other: numerators and denominators.
pub fn nodes(simd: Simd, row: &Pairs) -> impl Iterator<Item = (Fr, Fr)> + use<> {
    let [p0, q0, p1, q1] = [&row[0], &row[1], &row[2], &row[3]].map(|x| simd.elements(x));
    (0..NODES).map(move |i| if i % 2 == 0 { (p0[i / 2], q0[i / 2]) } else { (p1[i / 2], q1[i / 2]) })
}

/// Rows in memory that is used again for other rows: fresh pages cost more than what is written to them.
#[derive(Default)]
pub struct Table {
    words: Vec<u64>,
    /// Words before the first row, which starts a line of the cache.
    skipped: usize,
    len: usize,
}

const LINE: usize = 64;
const ROW_WORDS: usize = size_of::<Row>() / size_of::<u64>();

impl Table {
    /// So many rows of anything.
    pub fn new(len: usize) -> Self {
        // Zeros come from the system without being written.
        let words = vec![0u64; len * ROW_WORDS + LINE / size_of::<u64>()];
        let skipped = words.as_ptr().align_offset(LINE);
        Self { words, skipped, len }
    }

    /// So many rows, in the same memory if it is large enough.
    pub fn reuse(mut self, len: usize) -> Self {
        if self.skipped + len * ROW_WORDS > self.words.len() {
            drop(self);
            return Self::new(len);
        }
        self.len = len;
        self
    }

    /// Memory that it has.
    pub fn capacity(&self) -> usize {
        self.words.len()
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        bytemuck::cast_slice(&self.words[self.skipped..self.skipped + self.len * ROW_WORDS])
    }

    /// The rows, to be written.
    pub fn rows_mut(&mut self) -> &mut [Row] {
        bytemuck::cast_slice_mut(&mut self.words[self.skipped..self.skipped + self.len * ROW_WORDS])
    }

    /// Forgets the rows from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

/// The `i`-th chunk of every piece, for all `i`: disjoint parts of a table that are worked on together.
pub fn together(rows: &mut [Row], piece: usize, chunk: usize) -> Vec<Vec<&mut [Row]>> {
    let mut pieces: Vec<_> = rows.chunks_mut(piece).map(|piece| piece.chunks_mut(chunk)).collect();
    (0..piece.div_ceil(chunk)).map(|_| pieces.iter_mut().filter_map(Iterator::next).collect()).collect()
}
