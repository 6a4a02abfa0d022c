//! Numbers in memory, eight together, that are overwritten when they are dropped.

use super::scalar::Packed;
use super::{NullaryFnOnce, Scalars, Simd, WIDTH};
use crate::field::Fr;
use bytemuck::{Zeroable, cast_slice_mut};
use rayon::prelude::*;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroize;

/// Vectors that are worth a task.
const GRAIN: usize = 1 << 8;

/// Scalars below `2.2 r`, lane `l` of vector `v` the one at `8 v + l`.
pub struct Table(Vec<Packed>);

impl Table {
    /// Zeros.
    pub fn zeros(vectors: usize) -> Self {
        Self(vec![Packed::zeroed(); vectors])
    }

    /// Some elements; zeros behind them, up to a multiple of eight.
    pub fn new(simd: Simd, elements: &[Fr]) -> Self {
        let mut table = Self::zeros(elements.len().div_ceil(WIDTH));
        table
            .par_chunks_mut(GRAIN)
            .zip(elements.par_chunks(GRAIN * WIDTH))
            .for_each(|(out, elements)| simd.vectorize(Put { simd, elements, out }));
        table
    }

    /// The elements.
    pub fn elements(&self, simd: Simd) -> Vec<Fr> {
        elements(simd, self)
    }
}

/// The elements of a part of a table.
pub fn elements(simd: Simd, table: &[Packed]) -> Vec<Fr> {
    // Of the final length, so that no copy is left behind.
    let mut elements = Vec::with_capacity(table.len() * WIDTH);
    simd.vectorize(Get { simd, table, out: &mut elements });
    elements
}

/// As many tables can be combined: a [`Sum`](super::Sum) takes as many products.
pub const MOST: usize = 400;

/// `sum_i weight_i table_i`.
///
/// # Panics
/// If there are more than [`MOST`].
pub fn combination(simd: Simd, weighted: &[(Fr, &Table)], out: &mut [Fr]) {
    assert!(weighted.len() <= MOST, "limbs take no more");
    let weighted: Vec<(Scalars, &[Packed])> = weighted.iter().map(|(w, table)| (simd.splat_scalar(*w), &***table)).collect();
    simd.vectorize(Combination { simd, weighted: &weighted, out });
}

struct Combination<'t> {
    simd: Simd,
    weighted: &'t [(Scalars, &'t [Packed])],
    out: &'t mut [Fr],
}

impl NullaryFnOnce for Combination<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, weighted, out } = self;
        for (v, out) in out.chunks_mut(WIDTH).enumerate() {
            let mut sum = simd.no_sum();
            for (weight, table) in weighted {
                simd.add_product(&mut sum, &simd.get(&table[v]), weight);
            }
            // Below `(1 + 0.0284 400 2.2) r < 26 r`.
            out.copy_from_slice(&simd.elements(&simd.reduce(sum))[..out.len()]);
        }
    }
}

struct Put<'t> {
    simd: Simd,
    elements: &'t [Fr],
    out: &'t mut [Packed],
}

impl NullaryFnOnce for Put<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, some) in self.out.iter_mut().zip(self.elements.chunks(WIDTH)) {
            let all = std::array::from_fn(|lane| some.get(lane).copied().unwrap_or_default());
            *out = self.simd.put(&self.simd.scalars(&all));
        }
    }
}

struct Get<'t> {
    simd: Simd,
    table: &'t [Packed],
    out: &'t mut Vec<Fr>,
}

impl NullaryFnOnce for Get<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for packed in self.table {
            self.out.extend(self.simd.elements(&self.simd.get(packed)));
        }
    }
}

impl Deref for Table {
    type Target = [Packed];

    fn deref(&self) -> &[Packed] {
        &self.0
    }
}

impl DerefMut for Table {
    fn deref_mut(&mut self) -> &mut [Packed] {
        &mut self.0
    }
}

impl Zeroize for Table {
    fn zeroize(&mut self) {
        cast_slice_mut::<Packed, u64>(&mut self.0).zeroize();
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.zeroize();
    }
}
