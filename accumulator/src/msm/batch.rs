//! Sums of many points by group, with one inversion for many affine additions: one by one, for any points and processors.
//!
//! An affine addition costs 3 multiplications and the inverse of `x_2 - x_1`; Montgomery's trick shares one inversion among a
//! batch for 3 multiplications each. That is half the price of a mixed projective addition. Additions of a batch must not depend
//! on one another, so every group is summed as a binary tree, all groups level by level.

use super::CurvePoint;
use super::inverse::inverse;
use ark_bls12_381::Fq;
use ark_ff::{AdditiveGroup, Field};

/// Additions that share an inversion.
const BATCH: usize = 1024;

/// What is added: a group, and a tag that names a point by its index.
pub(super) type Entry = (u32, u32);
/// The bit of a tag that says that the point is taken away.
pub(super) const SIGN: u32 = 1 << 31;

/// Reusable memory for sums by group.
#[derive(Default)]
pub(super) struct Summer {
    ends: Vec<usize>,
    lengths: Vec<usize>,
    level: Vec<CurvePoint>,
    next: Vec<CurvePoint>,
    /// Index of the first summand (the second follows it) and of the sum.
    pending: Vec<(usize, usize)>,
    adder: Adder,
}

impl Summer {
    /// The sum of every group below `groups`; `get` turns a tag into a point.
    pub fn sums(&mut self, groups: usize, entries: &[Entry], get: impl Fn(u32) -> CurvePoint) -> &[CurvePoint] {
        self.sort(groups, entries, get);
        while self.lengths.iter().any(|&n| n > 1) {
            self.halve();
        }
        self.next.clear();
        let mut sums = self.level.iter();
        let spread = self
            .lengths
            .iter()
            .map(|&n| if n == 0 { CurvePoint::IDENTITY } else { sums.next().copied().unwrap_or_default() });
        self.next.extend(spread);
        &self.next
    }

    /// Counting sort of the points by group.
    fn sort(&mut self, groups: usize, entries: &[Entry], get: impl Fn(u32) -> CurvePoint) {
        self.lengths.clear();
        self.lengths.resize(groups, 0);
        for &(group, _) in entries {
            self.lengths[group as usize] += 1;
        }
        self.ends.clear();
        self.ends.extend(self.lengths.iter().scan(0, |start, n| Some(std::mem::replace(start, *start + n))));
        self.level.clear();
        self.level.resize(entries.len(), CurvePoint::IDENTITY);
        for &(group, tag) in entries {
            let end = &mut self.ends[group as usize];
            self.level[*end] = get(tag);
            *end += 1;
        }
    }

    /// One level of all trees: neighbours are added, an odd one passes.
    fn halve(&mut self) {
        let Self { lengths, level, next, pending, adder, .. } = self;
        next.clear();
        next.resize(lengths.iter().map(|n| n.div_ceil(2)).sum(), CurvePoint::IDENTITY);
        let (mut from, mut to) = (0, 0);
        for length in lengths {
            for _ in 0..*length / 2 {
                pending.push((from, to));
                from += 2;
                to += 1;
                if pending.len() == BATCH {
                    adder.flush(pending, level, next);
                }
            }
            if *length % 2 == 1 {
                next[to] = level[from];
                from += 1;
                to += 1;
            }
            *length = length.div_ceil(2);
        }
        adder.flush(pending, level, next);
        std::mem::swap(level, next);
    }
}

/// Reusable memory for additions that share an inversion.
#[derive(Default)]
struct Adder {
    products: Vec<Fq>,
}

impl Adder {
    /// Adds neighbours of a level: by index of the first, and of the sum in the next level.
    fn flush(&mut self, pending: &mut Vec<(usize, usize)>, level: &[CurvePoint], next: &mut [CurvePoint]) {
        let pair = |k: usize| {
            let (from, _) = pending[k];
            (&level[from], &level[from + 1])
        };
        self.add_pairs(pending.len(), pair, |k, sum| next[pending[k].1] = sum);
        pending.clear();
    }

    /// Puts the sum of each of `count` pairs.
    fn add_pairs<'p>(
        &mut self,
        count: usize,
        pair: impl Fn(usize) -> (&'p CurvePoint, &'p CurvePoint),
        mut put: impl FnMut(usize, CurvePoint),
    ) {
        self.products.clear();
        let mut product = Fq::ONE;
        for (a, b) in (0..count).map(&pair) {
            self.products.push(product);
            if let Ok(line) = a.line(b) {
                product *= line.x - a.x;
            }
        }
        // No factor is zero.
        debug_assert!(product != Fq::ZERO);
        let mut inverse = inverse(&product).unwrap_or(Fq::ZERO);
        for (k, product) in self.products.iter().enumerate().rev() {
            let (a, b) = pair(k);
            let sum = a.line(b).map(|line| {
                let own = inverse * product;
                inverse *= line.x - a.x;
                a.add(b, &line, own)
            });
            put(k, sum.unwrap_or_else(|sum| sum));
        }
    }
}

/// Doubles every point.
pub(super) fn double_all(points: &mut [CurvePoint]) {
    let mut adder = Adder::default();
    for some in points.chunks_mut(BATCH) {
        let own = some.to_vec();
        adder.add_pairs(own.len(), |k| (&own[k], &own[k]), |k, sum| some[k] = sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bls12_381::{G1Affine, G1Projective};
    use ark_ec::{AffineRepr, CurveGroup};

    #[test]
    fn pairs_have_sums_whatever_they_are() {
        let multiples: Vec<G1Affine> =
            std::iter::successors(Some(G1Projective::from(G1Affine::generator())), |p| Some(*p + G1Affine::generator()))
                .take(40)
                .map(|p| p.into_affine())
                .collect();
        let identity = G1Affine::identity();
        // Equal and opposite points, and the identity on either side and on both.
        let other = |k: usize| match k {
            2 => multiples[k],
            7 => -multiples[k],
            12 | 22 => identity,
            _ => multiples[(5 * k + 3) % 40],
        };
        let pairs: Vec<(G1Affine, G1Affine)> =
            (0..40).map(|k| (if k == 17 || k == 22 { identity } else { multiples[k] }, other(k))).collect();
        let points: Vec<(CurvePoint, CurvePoint)> = pairs.iter().map(|(a, b)| (a.into(), b.into())).collect();
        let expected: Vec<G1Affine> = pairs.iter().map(|(a, b)| (*a + *b).into_affine()).collect();
        let mut sums = [CurvePoint::IDENTITY; 40];
        Adder::default().add_pairs(40, |k| (&points[k].0, &points[k].1), |k, sum| sums[k] = sum);
        assert_eq!(sums.iter().map(G1Affine::from).collect::<Vec<_>>(), expected);
    }
}
