//! Sums of many points by group, with one inversion for many affine additions.
//!
//! An affine addition costs 3 multiplications and the inverse of `x_2 - x_1`; Montgomery's trick shares one inversion among a
//! batch for 3 multiplications each. That is half the price of a mixed projective addition. Additions of a batch must not depend
//! on one another, so every group is summed as a binary tree, all groups level by level.

use super::Point;
use super::inverse::inverse;
use ark_bls12_381::Fq;
use ark_ff::{AdditiveGroup, Field};

/// Additions that share an inversion.
const BATCH: usize = 1024;

/// What is added: a group, and a tag that names a point.
pub(super) type Entry = (u32, u32);

/// Reusable memory for sums by group.
#[derive(Default)]
pub(super) struct Summer {
    ends: Vec<usize>,
    lengths: Vec<usize>,
    level: Vec<Point>,
    next: Vec<Point>,
    pending: Pending,
}

/// Additions of one batch.
#[derive(Default)]
struct Pending {
    /// Index of the first summand (the second follows it) and of the sum.
    pairs: Vec<(usize, usize)>,
    products: Vec<Fq>,
}

impl Summer {
    /// The sum of every group below `groups`; `get` turns a tag into a point.
    pub fn sums(&mut self, groups: usize, entries: &[Entry], get: impl Fn(u32) -> Point) -> &[Point] {
        self.sort(groups, entries, get);
        while self.lengths.iter().any(|&n| n > 1) {
            self.halve();
        }
        self.next.clear();
        let mut sums = self.level.iter();
        let spread =
            self.lengths.iter().map(|&n| if n == 0 { Point::IDENTITY } else { sums.next().copied().unwrap_or_default() });
        self.next.extend(spread);
        &self.next
    }

    /// Counting sort of the points by group.
    fn sort(&mut self, groups: usize, entries: &[Entry], get: impl Fn(u32) -> Point) {
        self.lengths.clear();
        self.lengths.resize(groups, 0);
        for &(group, _) in entries {
            self.lengths[group as usize] += 1;
        }
        self.ends.clear();
        self.ends.extend(self.lengths.iter().scan(0, |start, n| Some(std::mem::replace(start, *start + n))));
        self.level.clear();
        self.level.resize(entries.len(), Point::IDENTITY);
        for &(group, tag) in entries {
            let end = &mut self.ends[group as usize];
            self.level[*end] = get(tag);
            *end += 1;
        }
    }

    /// One level of all trees: neighbours are added, an odd one passes.
    fn halve(&mut self) {
        self.next.clear();
        self.next.resize(self.lengths.iter().map(|n| n.div_ceil(2)).sum(), Point::IDENTITY);
        let (mut from, mut to) = (0, 0);
        for length in &mut self.lengths {
            for _ in 0..*length / 2 {
                self.pending.pairs.push((from, to));
                from += 2;
                to += 1;
                if self.pending.pairs.len() == BATCH {
                    self.pending.flush(&self.level, &mut self.next);
                }
            }
            if *length % 2 == 1 {
                self.next[to] = self.level[from];
                from += 1;
                to += 1;
            }
            *length = length.div_ceil(2);
        }
        self.pending.flush(&self.level, &mut self.next);
        std::mem::swap(&mut self.level, &mut self.next);
    }
}

impl Pending {
    fn flush(&mut self, level: &[Point], next: &mut [Point]) {
        self.products.clear();
        let mut product = Fq::ONE;
        for &(from, _) in &self.pairs {
            self.products.push(product);
            product *= level[from].divisor(&level[from + 1]);
        }
        // Divisors are never zero.
        let mut inverse = inverse(&product).unwrap_or(Fq::ZERO);
        for (&(from, to), product) in self.pairs.iter().zip(&self.products).rev() {
            let (a, b) = (&level[from], &level[from + 1]);
            let divisor = a.divisor(b);
            next[to] = a.add(b, inverse * product);
            inverse *= divisor;
        }
        self.pairs.clear();
    }
}

/// Adds another point to every point: `points_i + other(i, points_i)`.
pub(super) fn add_all(points: &mut [Point], other: impl Fn(usize, &Point) -> Point) {
    let mut products = Vec::with_capacity(BATCH.min(points.len()));
    for (number, chunk) in points.chunks_mut(BATCH).enumerate() {
        let first = number * BATCH;
        products.clear();
        let mut product = Fq::ONE;
        for (i, point) in chunk.iter().enumerate() {
            products.push(product);
            product *= point.divisor(&other(first + i, point));
        }
        let mut inverse = inverse(&product).unwrap_or(Fq::ZERO);
        for ((i, point), product) in chunk.iter_mut().enumerate().zip(&products).rev() {
            let other = other(first + i, point);
            let divisor = point.divisor(&other);
            *point = point.add(&other, inverse * product);
            inverse *= divisor;
        }
    }
}

/// Doubles every point.
pub(super) fn double_all(points: &mut [Point]) {
    add_all(points, |_, point| *point);
}
