//! Sums of points eight at a time, in chains: each chain adds its points one after the other, and all take a step together and share its inversion.

use super::batch::{Entry, SIGN, double_all};
use super::inverse::inverse;
use super::{CurvePoint, glv};
use ark_bls12_381::Fq;
use ark_ff::Field;
use std::cmp::Reverse;
use zktorch_blocks::lanes::base::Limbs;
use zktorch_blocks::lanes::{Base, NullaryFnOnce, Simd, WIDTH};

/// Chains that take their steps together: with their scratch they fit into half a megabyte of cache.
const TOGETHER: usize = 1024;
/// The most points of a chain, where there are many.
const LONGEST: usize = 32;
/// A point of the curve, or zeros for the identity; coordinates below `1.47 p`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    x: Limbs,
    y: Limbs,
}

impl From<&CurvePoint> for Point {
    fn from(point: &CurvePoint) -> Self {
        Self { x: Limbs::from(&point.x), y: Limbs::from(&point.y) }
    }
}

impl From<&Point> for CurvePoint {
    fn from(point: &Point) -> Self {
        Self { x: Fq::from(&point.x), y: Fq::from(&point.y) }
    }
}

impl Point {
    /// Whether this is the neutral element.
    pub fn is_identity(&self) -> bool {
        self.x.0 == [0; 8] && self.y.0 == [0; 8]
    }
}

/// Points in two parts, tags counting through both.
type Parts<'a> = [&'a [Point]; 2];

/// The sum of every group below `groups`, and the identity of those that have nothing to add; nothing at all where two points would be added that have
/// the same `x`. No entry is of the identity.
pub(super) fn sums(simd: Simd, parts: Parts<'_>, groups: usize, entries: &[Entry]) -> Option<Vec<Point>> {
    let mut lengths = vec![0usize; groups];
    for &(group, _) in entries {
        lengths[group as usize] += 1;
    }
    let mut ends: Vec<usize> = lengths.iter().scan(0, |start, n| Some(std::mem::replace(start, *start + n))).collect();
    let mut tags = vec![0; entries.len()];
    for &(group, tag) in entries {
        let end = &mut ends[group as usize];
        tags[*end] = tag;
        *end += 1;
    }
    let mut steps = Steps::default();
    let mut level = shorten(simd, parts, &tags, &mut lengths, &mut steps)?;
    while lengths.iter().any(|&n| n > 1) {
        tags.clear();
        tags.extend(0..level.len() as u32);
        level = shorten(simd, [&level, &[]], &tags, &mut lengths, &mut steps)?;
    }
    let mut found = level.into_iter();
    Some(lengths.iter().map(|&n| if n == 0 { Point::default() } else { found.next().unwrap_or_default() }).collect())
}

/// Twice every point.
pub(super) fn double(simd: Simd, points: &mut [Point]) {
    for some in points.chunks_mut(TOGETHER) {
        if simd.vectorize(Double { simd, points: &mut *some }).is_none() {
            // The identity is among them.
            let mut points: Vec<CurvePoint> = some.iter().map(CurvePoint::from).collect();
            double_all(&mut points);
            some.iter_mut().zip(&points).for_each(|(own, point)| *own = Point::from(point));
        }
    }
}

/// Every point's image under the endomorphism.
pub(super) fn endomorphism(simd: Simd, points: &mut [Point]) {
    simd.vectorize(Endomorphism { simd, points });
}

/// Where a chain's tags begin, how many they are, and where its sum belongs.
#[derive(Clone, Copy)]
struct Chain {
    start: usize,
    len: usize,
    to: usize,
}

/// Sums groups in part: what is left of them is in order, and `lengths` says how much of each.
fn shorten(simd: Simd, parts: Parts<'_>, tags: &[u32], lengths: &mut [usize], steps: &mut Steps) -> Option<Vec<Point>> {
    let longest = (tags.len() / TOGETHER).clamp(2, LONGEST);
    // Long chains first, so that those that still have something to add are the first ones.
    let mut counts = [0usize; LONGEST + 1];
    for &n in &*lengths {
        counts[longest] += n / longest;
        counts[n % longest] += 1;
    }
    counts[0] = 0;
    let mut count = 0;
    for own in counts.iter_mut().rev() {
        count += std::mem::replace(own, count);
    }
    let mut chains = vec![Chain { start: 0, len: 0, to: 0 }; count];
    let (mut start, mut to) = (0, 0);
    for length in lengths {
        let end = start + *length;
        *length = length.div_ceil(longest);
        while start < end {
            let len = longest.min(end - start);
            chains[counts[len]] = Chain { start, len, to };
            counts[len] += 1;
            (start, to) = (start + len, to + 1);
        }
    }
    if count > TOGETHER {
        // Those that begin near one another use points that are near one another, which stay in the cache.
        chains.sort_unstable_by_key(|chain| (Reverse(chain.len), tags[chain.start] & !SIGN));
    }
    let mut sums = vec![Point::default(); count];
    for chains in chains.chunks(TOGETHER) {
        simd.vectorize(Chains { simd, parts, tags, chains, steps: &mut *steps, sums: &mut sums })?;
    }
    Some(sums)
}

/// What a step of eight chains adds, what it divides by with all those before it, and which of the chains it is one of.
struct Step {
    point: [Base; 2],
    product: Base,
    taken: u8,
}

/// Reusable memory.
#[derive(Default)]
struct Steps {
    sums: Vec<[Base; 2]>,
    steps: Vec<Step>,
}

struct Chains<'a> {
    simd: Simd,
    parts: Parts<'a>,
    tags: &'a [u32],
    chains: &'a [Chain],
    steps: &'a mut Steps,
    sums: &'a mut [Point],
}

impl Chains<'_> {
    /// The points of eight chains at a step, and which of the chains have one.
    #[inline(always)]
    fn points(&self, eight: &[Chain], step: usize) -> ([Base; 2], u8) {
        let [first, second] = self.parts;
        let (mut negative, mut taken) = (0u8, 0u8);
        let (mut x, mut y) = ([&Limbs([0; 8]); WIDTH], [&Limbs([0; 8]); WIDTH]);
        for lane in 0..WIDTH {
            // Any point will do where there is none.
            let chain = &eight[lane.min(eight.len() - 1)];
            let tag = self.tags[chain.start + step.min(chain.len - 1)];
            negative |= ((tag >> 31) as u8) << lane;
            taken |= u8::from(lane < eight.len() && step < chain.len) << lane;
            let index = (tag & !SIGN) as usize;
            let point = first.get(index).unwrap_or_else(|| &second[index - first.len()]);
            (x[lane], y[lane]) = (&point.x, &point.y);
        }
        let (x, y) = (self.simd.gather(x), self.simd.negate(negative, &self.simd.gather(y)));
        ([x, y], taken)
    }
}

impl NullaryFnOnce for Chains<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn call(self) -> Option<()> {
        let simd = self.simd;
        let Steps { mut sums, mut steps } = std::mem::take(self.steps);
        sums.clear();
        let zero = simd.zero();
        sums.extend(self.chains.chunks(WIDTH).map(|eight| {
            let ([x, y], _) = self.points(eight, 0);
            [x, simd.settle(&y, &zero, &zero)]
        }));
        let one = simd.gather([&Limbs::from(&Fq::ONE); WIDTH]);
        let mut complete = Some(());
        for step in 1..self.chains.first().map_or(0, |chain| chain.len) {
            let active = self.chains.partition_point(|chain| chain.len > step);
            steps.clear();
            let mut product = one;
            for (eight, [x, _]) in self.chains[..active].chunks(WIDTH).zip(&sums) {
                let (point, taken) = self.points(eight, step);
                let divisor = simd.pick(taken, &one, &simd.sub::<2, _>(&point[0], x));
                steps.push(Step { point, product, taken });
                product = simd.mul(&product, &divisor);
            }
            let Some(mut inverse) = invert(simd, &product) else {
                complete = None;
                break;
            };
            for (Step { point: [x, y], product, taken }, sum) in steps.iter().zip(&mut sums).rev() {
                let divisor = simd.pick(*taken, &one, &simd.sub::<2, _>(x, &sum[0]));
                let own = simd.mul(&inverse, product);
                inverse = simd.mul(&inverse, &divisor);
                let slope = simd.mul(&simd.sub::<3, _>(y, &sum[1]), &own);
                let [x, y] = third(simd, sum, x, &slope);
                *sum = [simd.pick(*taken, &sum[0], &x), simd.pick(*taken, &sum[1], &y)];
            }
        }
        if complete.is_some() {
            for (eight, [x, y]) in self.chains.chunks(WIDTH).zip(&sums) {
                for ((chain, x), y) in eight.iter().zip(simd.scatter(x)).zip(simd.scatter(y)) {
                    self.sums[chain.to] = Point { x, y };
                }
            }
        }
        *self.steps = Steps { sums, steps };
        complete
    }
}

/// The negated third point of a line of some slope through a point and another one, of which only `x` is needed.
#[inline(always)]
fn third(simd: Simd, [x, y]: &[Base; 2], other: &Base, slope: &Base) -> [Base; 2] {
    let third = simd.settle(&simd.square(slope), x, other);
    let rise = simd.mul(slope, &simd.sub::<2, _>(x, &third));
    [third, simd.settle(&rise, y, &simd.zero())]
}

/// The inverses of eight numbers, if none is zero.
#[inline(always)]
fn invert(simd: Simd, numbers: &Base) -> Option<Base> {
    let numbers = simd.scatter(numbers).map(|number| Fq::from(&number));
    let mut product = Fq::ONE;
    let products = numbers.map(|number| {
        let before = product;
        product *= number;
        before
    });
    let mut rest = inverse(&product)?;
    let mut inverses = [Limbs::default(); WIDTH];
    for ((own, number), product) in inverses.iter_mut().zip(numbers).zip(products).rev() {
        *own = Limbs::from(&(rest * product));
        rest *= number;
    }
    Some(simd.gather(inverses.each_ref()))
}

struct Double<'a> {
    simd: Simd,
    points: &'a mut [Point],
}

impl NullaryFnOnce for Double<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn call(self) -> Option<()> {
        let Self { simd, points } = self;
        let one = simd.gather([&Limbs::from(&Fq::ONE); WIDTH]);
        let mut product = one;
        let mut products = Vec::with_capacity(points.len().div_ceil(WIDTH));
        for eight in points.chunks(WIDTH) {
            let [_, y] = load(simd, eight);
            products.push(product);
            product = simd.mul(&product, &simd.add(&y, &y));
        }
        let mut inverse = invert(simd, &product)?;
        for (eight, product) in points.chunks_mut(WIDTH).zip(products).rev() {
            let [x, y] = load(simd, eight);
            let own = simd.mul(&inverse, &product);
            inverse = simd.mul(&inverse, &simd.add(&y, &y));
            let square = simd.square(&x);
            let slope = simd.mul(&simd.add(&square, &simd.add(&square, &square)), &own);
            let [third, negated] = third(simd, &[x, y], &x, &slope);
            for ((point, x), y) in eight.iter_mut().zip(simd.scatter(&third)).zip(simd.scatter(&negated)) {
                *point = Point { x, y };
            }
        }
        Some(())
    }
}

struct Endomorphism<'a> {
    simd: Simd,
    points: &'a mut [Point],
}

impl NullaryFnOnce for Endomorphism<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, points } = self;
        let (zero, beta) = (simd.zero(), simd.gather([&Limbs::from(&glv::BETA); WIDTH]));
        for eight in points.chunks_mut(WIDTH) {
            let [x, y] = load(simd, eight);
            let (x, y) = (simd.scatter(&simd.mul(&x, &beta)), simd.scatter(&simd.settle(&zero, &y, &zero)));
            for ((point, x), y) in eight.iter_mut().zip(x).zip(y).filter(|((point, _), _)| !point.is_identity()) {
                *point = Point { x, y };
            }
        }
    }
}

/// At most eight points, the last one again where there are fewer.
#[inline(always)]
fn load(simd: Simd, eight: &[Point]) -> [Base; 2] {
    let (mut x, mut y) = ([&Limbs([0; 8]); WIDTH], [&Limbs([0; 8]); WIDTH]);
    for lane in 0..WIDTH {
        let point = &eight[lane.min(eight.len() - 1)];
        (x[lane], y[lane]) = (&point.x, &point.y);
    }
    [simd.gather(x), simd.gather(y)]
}
