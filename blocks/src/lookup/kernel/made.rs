//! Leaves, and the layer above them, as forms make them.

use super::leaves::{BOUND, Column, Form, Kind, LeafRows};
use super::row::{Pairs, get, neutral, pairs, sums};
use crate::lanes::scalar::{Integers, Short};
use crate::lanes::{NullaryFnOnce, Scalars, WIDTH};

impl LeafRows {
    /// Sixteen integers of a column, those of even and of odd leaves.
    #[inline(always)]
    pub fn integers(&self, form: &Form, column: &Column, v: usize) -> [Integers; 2] {
        let simd = self.simd;
        let place = form.places.at(v - form.first);
        let [low, high] = [place.valid as u8, (place.valid >> 8) as u8];
        let start = place.start as usize;
        let both = match column {
            Column::Tag(tag) => {
                let tag = simd.splat_integer(*tag);
                [simd.spread(low, tag), simd.spread(high, tag)]
            }
            Column::Values(values) => {
                let middle = start + low.count_ones() as usize;
                let (a, b) = (window(values, start), window(values, middle));
                let (a, b) = (simd.integers(&a), simd.integers(&b));
                if place.valid == u16::MAX { [a, b] } else { [simd.spread(low, a), simd.spread(high, b)] }
            }
        };
        simd.unzip_integers(both)
    }

    /// Adds the columns of numerators, or of denominators, to short sums of even and of odd leaves, each times the factor of its role.
    #[inline(always)]
    pub fn add_columns(&self, sums: &mut [Short; 2], form: &Form, v: usize, counted: bool, factors: &[Scalars]) {
        let simd = self.simd;
        let bound = simd.splat_integer(BOUND);
        for (role, column) in &form.columns {
            if self.counts(*role) == counted {
                let z = self.integers(form, column, v);
                simd.add_multiple(&mut sums[0], simd.add_integers(z[0], bound), &factors[*role]);
                simd.add_multiple(&mut sums[1], simd.add_integers(z[1], bound), &factors[*role]);
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
                let bound = simd.splat_integer(BOUND);
                let [x, y] = leaves.integers(form, &form.columns[0].1, v).map(
                    #[inline(always)]
                    |z| simd.add_integers(z, bound),
                );
                let (both, one) = (simd.add_integers(x, y), &leaves.short_roles[0]);
                let (mut p, mut q) = (simd.short(twice), simd.short(square));
                simd.add_multiple(&mut p, both, one);
                simd.add_multiple(&mut q, both, linear);
                simd.add_multiple(&mut q, simd.mul_integers(x, y), one);
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

/// Eight integers from a place on, with zeros behind the end.
#[inline(always)]
fn window(values: &[i64], start: usize) -> [i64; WIDTH] {
    match values.get(start..).and_then(<[i64]>::first_chunk) {
        Some(window) => *window,
        None => {
            let mut window = [0; WIDTH];
            let rest = values.get(start..).unwrap_or_default();
            window[..rest.len()].copy_from_slice(rest);
            window
        }
    }
}
