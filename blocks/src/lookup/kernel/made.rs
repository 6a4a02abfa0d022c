//! Leaves, and the layer above them, as forms make them.

use super::leaves::{BOUND, Column, Form, Kind, LeafRows};
use super::places::Place;
use super::row::{NODES, Pairs, get, neutral, pairs, sums};
use crate::lanes::scalar::{Integers, Short};
use crate::lanes::{NullaryFnOnce, Scalars};

impl LeafRows {
    /// The integers of a column in a vector.
    #[inline(always)]
    pub fn integers(&self, form: &Form, column: &Column, v: usize) -> Integers {
        let simd = self.simd;
        let Place { start, valid } = form.places.at(v - form.first);
        let dense = match column {
            Column::Short(values) => simd.short_integers(&window(values, start as usize)),
            Column::Long(values) => simd.integers(&window(values, start as usize)),
            Column::Tag(tag) => simd.splat_integer(*tag),
        };
        if valid == u16::MAX { dense } else { simd.spread(valid, dense) }
    }

    /// Adds the columns of numerators, or of denominators, to short sums of even and of odd leaves, each times the factor of its role.
    #[inline(always)]
    pub fn add_columns(&self, sums: &mut [Short; 2], form: &Form, v: usize, counted: bool, factors: &[Scalars]) {
        let simd = self.simd;
        let bound = simd.splat_integer(BOUND as i32);
        for (role, column) in &form.columns {
            if self.counts(*role) == counted {
                let z = simd.add_integers(self.integers(form, column, v), bound);
                simd.add_multiple(&mut sums[0], simd.first(z), &factors[*role]);
                simd.add_multiple(&mut sums[1], simd.second(z), &factors[*role]);
            }
        }
    }

    /// The leaves of a vector.
    #[inline(never)]
    pub fn row(&self, v: usize) -> Pairs {
        self.simd.vectorize(One { leaves: self, v })
    }

    /// The sums of a vector's pairs.
    #[inline(never)]
    fn sums(&self, v: usize) -> [Scalars; 2] {
        self.simd.vectorize(OneAbove { leaves: self, v })
    }

    /// The layer above the leaves.
    #[inline(always)]
    pub fn above(&self, v: usize) -> Pairs {
        pairs(self.simd, [&self.sums(2 * v), &self.sums(2 * v + 1)])
    }

    /// Denominators, or numerators, that a form makes.
    #[inline(always)]
    fn made(&self, form: &Form, v: usize, counted: bool) -> [Scalars; 2] {
        let simd = self.simd;
        let mut sums = [simd.short(&form.made.short[usize::from(!counted)]); 2];
        self.add_columns(&mut sums, form, v, counted, &self.short_roles);
        [simd.reduce_short(sums[0]), simd.reduce_short(sums[1])]
    }
}

/// A vector of leaves. It is a function of its own: it is large, and used in many places.
struct One<'t> {
    leaves: &'t LeafRows,
    v: usize,
}

impl NullaryFnOnce for One<'_> {
    type Output = Pairs;

    #[inline(always)]
    fn call(self) -> Pairs {
        let Self { leaves, v } = self;
        let simd = leaves.simd;
        match leaves.kind(v) {
            Kind::Stored(base) => get(simd, &leaves.stored[base.wrapping_add(v as u32) as usize]),
            Kind::Form(0) => neutral(simd),
            Kind::Form(form) => {
                let form = &leaves.forms[form as usize];
                let [q0, q1] = leaves.made(form, v, false);
                let [p0, p1] = match form.made.p {
                    Some(p) => [p; 2],
                    None => leaves.made(form, v, true),
                };
                [p0, q0, p1, q1]
            }
        }
    }
}

/// The sums of its pairs.
struct OneAbove<'t> {
    leaves: &'t LeafRows,
    v: usize,
}

impl NullaryFnOnce for OneAbove<'_> {
    type Output = [Scalars; 2];

    #[inline(always)]
    fn call(self) -> [Scalars; 2] {
        let Self { leaves, v } = self;
        let simd = leaves.simd;
        if let Kind::Form(form) = leaves.kind(v) {
            let form = &leaves.forms[form as usize];
            if form.columns.is_empty() {
                return form.made.sums;
            }
            if let Some([twice, square, linear]) = &form.made.single {
                // 2 c + x + y over c^2 + c (x + y) + x y.
                let bound = simd.splat_integer(BOUND as i32);
                let z = simd.add_integers(leaves.integers(form, &form.columns[0].1, v), bound);
                let (both, one) = (simd.add_multipliers(simd.first(z), simd.second(z)), &leaves.short_roles[0]);
                let (mut p, mut q) = (simd.short(twice), simd.short(square));
                simd.add_multiple(&mut p, both, one);
                simd.add_multiple(&mut q, both, linear);
                simd.add_multiple(&mut q, simd.cross(z, z), one);
                return [simd.reduce_short(p), simd.reduce_short(q)];
            }
            if form.made.unit {
                let [q0, q1] = leaves.made(form, v, false);
                return [simd.add(&q0, &q1), simd.mul(&q0, &q1)];
            }
        }
        sums(simd, &leaves.row(v))
    }
}

/// Sixteen integers from a place on. Columns end in as many zeros.
#[inline(always)]
fn window<T: Copy + Default>(values: &[T], start: usize) -> [T; NODES] {
    values[start..].first_chunk().copied().unwrap_or_default()
}
