//! Affine additions eight at a time.

use super::CurvePoint;
use super::inverse::inverse;
use ark_bls12_381::Fq;
use ark_ff::{AdditiveGroup, Field};
use zktorch_blocks::lanes::base::{get, set};
use zktorch_blocks::lanes::{Base, NullaryFnOnce, Simd, WIDTH, Words, power_of_two};

/// For each eight additions what they divide by, and the product of what those before them do.
pub(super) type Scratch = Vec<[Base; 2]>;

/// Up to so many additions are faster one by one.
const FEW: usize = 8;

/// The instructions, if the processor has them and the additions are enough.
pub(super) fn of_use(count: usize) -> Option<Simd> {
    Simd::try_new().filter(|_| count > FEW)
}

/// Like [`Adder::add_pairs`](super::batch), which takes these when it can.
pub(super) fn add_pairs<'p>(
    simd: Simd,
    scratch: &mut Scratch,
    count: usize,
    pair: impl Fn(usize) -> (&'p CurvePoint, &'p CurvePoint),
    put: impl FnMut(usize, CurvePoint),
) {
    simd.vectorize(Additions { simd, scratch, count, pair, put });
}

struct Additions<'s, Pair, Put> {
    simd: Simd,
    scratch: &'s mut Scratch,
    count: usize,
    pair: Pair,
    put: Put,
}

impl<'p, Pair: Fn(usize) -> (&'p CurvePoint, &'p CurvePoint), Put: FnMut(usize, CurvePoint)> NullaryFnOnce
    for Additions<'_, Pair, Put>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, scratch, count, pair, mut put } = self;
        scratch.clear();
        // Stands for 1.
        let mut product = simd.splat(&const { power_of_two(32) });
        for first in (0..count).step_by(WIDTH) {
            let [mut from, mut to] = [Words::default(); 2];
            for lane in 0..WIDTH {
                let pair = (first + lane < count).then(|| pair(first + lane));
                let line = pair.and_then(|(a, b)| Some((a.x, a.line(b).ok()?.x)));
                // Where there is no line the factor is one.
                let (a, line) = line.unwrap_or((Fq::ZERO, Fq::ONE));
                set(&mut from, lane, &a);
                set(&mut to, lane, &line);
            }
            let divisor = simd.sub::<1, _>(&simd.load(&to), &simd.load(&from));
            scratch.push([divisor, product]);
            product = simd.mul(&product, &divisor);
        }
        let mut inverse = simd.load(&invert(&simd.store(&product)));
        // It was stored as 2^32 times what it stood for: the inverse is loaded as one that is 2^64 times too small. Coordinates stand for
        // 2^-32 times what they are; with slopes that stand for 2^-16 times what they are, squares are to the same scale.
        inverse = simd.mul(&inverse, &simd.splat(&const { power_of_two(80) }));
        for (first, [divisor, product]) in (0..count).step_by(WIDTH).zip(scratch.iter()).rev() {
            let [mut ax, mut ay, mut bx, mut line] = [Words::default(); 4];
            let mut sums = [None; WIDTH];
            for (lane, sum) in sums.iter_mut().enumerate().take(count - first) {
                let (a, b) = pair(first + lane);
                match a.line(b) {
                    Ok(other) => {
                        set(&mut ax, lane, &a.x);
                        set(&mut ay, lane, &a.y);
                        set(&mut bx, lane, &b.x);
                        set(&mut line, lane, &other.y);
                    }
                    Err(other) => *sum = Some(other),
                }
            }
            let [ax, ay, bx, line] = [simd.load(&ax), simd.load(&ay), simd.load(&bx), simd.load(&line)];
            let own = simd.mul(&inverse, product);
            inverse = simd.mul(&inverse, divisor);
            let slope = simd.mul(&simd.sub::<1, _>(&line, &ay), &own);
            let x = simd.sub::<1, _>(&simd.sub::<1, _>(&simd.square(&slope), &ax), &bx);
            let y = simd.sub::<1, _>(&simd.mul(&slope, &simd.shift_left(&simd.sub::<4, _>(&ax, &x))), &ay);
            let (x, y) = (simd.store(&x), simd.store(&y));
            for (lane, sum) in sums.into_iter().enumerate().take(count - first) {
                put(first + lane, sum.unwrap_or_else(|| CurvePoint { x: get(&x, lane), y: get(&y, lane) }));
            }
        }
    }
}

/// The inverses of eight elements, none of them zero.
fn invert(words: &Words<6>) -> Words<6> {
    let elements: [Fq; WIDTH] = std::array::from_fn(|lane| get(words, lane));
    let mut product = Fq::ONE;
    let products = elements.map(|element| {
        let before = product;
        product *= element;
        before
    });
    debug_assert!(product != Fq::ZERO);
    let mut rest = inverse(&product).unwrap_or(Fq::ZERO);
    let mut inverses = Words::default();
    for (lane, (element, product)) in elements.iter().zip(products).enumerate().rev() {
        set(&mut inverses, lane, &(rest * product));
        rest *= element;
    }
    inverses
}
