use super::base::{Limbs, get, power_of_two, set};
use super::scalar::{Integers, Multipliers, Packed};
use super::*;
use ark_bls12_381::{Fq, Fr};
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};

#[expect(clippy::disallowed_macros, reason = "a test that skips says so")]
fn simd() -> Option<Simd> {
    let simd = Simd::try_new();
    if simd.is_none() {
        eprintln!("skipped: this processor has no 52-bit multiply-add");
    }
    simd
}

fn words(elements: &[Fq]) -> Words<6> {
    let mut words = Words::default();
    elements.iter().enumerate().for_each(|(lane, element)| set(&mut words, lane, element));
    words
}

fn elements(words: &Words<6>) -> Vec<Fq> {
    (0..WIDTH).map(|lane| get(words, lane)).collect()
}

/// All pairs of unusual and of any elements, eight at a time. `raw` are some as they are in memory, besides which there are single bits.
fn pairs<F: Field, const WORDS: usize>(
    raw: &[[u64; WORDS]],
    element: impl Fn([u64; WORDS]) -> F,
    bits: usize,
) -> Vec<([F; WIDTH], [F; WIDTH])> {
    let bit = |bit: usize| std::array::from_fn(|w| if bit / 64 == w { 1 << (bit % 64) } else { 0 });
    let unusual = raw.iter().copied().chain((0..bits).step_by(13).map(bit)).map(element);
    let any = std::iter::successors(Some(F::from(3u64)), |x| Some(x.square() + F::from(5u64))).take(50);
    let all: Vec<F> = unusual.chain(any).collect();
    let products = all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))).collect::<Vec<_>>();
    let array = |some: Vec<F>| <[F; WIDTH]>::try_from(some).unwrap();
    products
        .chunks_exact(WIDTH)
        .map(|pairs| {
            let (a, b): (Vec<F>, Vec<F>) = pairs.iter().copied().unzip();
            (array(a), array(b))
        })
        .collect()
}

fn each<F: Copy>(a: &[F; WIDTH], b: &[F; WIDTH], f: impl Fn(F, F) -> F) -> [F; WIDTH] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[test]
fn base_arithmetic_is_that_of_the_field() {
    let Some(simd) = simd() else { return };
    let down = power_of_two(32).inverse().unwrap();
    // Words of all ones, the modulus less a little.
    let p = Fq::MODULUS.0;
    let raw = [
        [0; 6],
        [p[0] - 1, p[1], p[2], p[3], p[4], p[5]],
        [p[0], p[1], p[2], p[3] - 1, p[4], p[5]],
        [u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, p[5] - 1],
        [u64::MAX, 0, u64::MAX, 0, u64::MAX, 0],
    ];
    for (a, b) in pairs(&raw, |words| Fq::new_unchecked(BigInt(words)), 380) {
        let (x, y) = (simd.load(&words(&a)), simd.load(&words(&b)));
        let one = simd.splat(&power_of_two(32));
        let stored = |lanes: Base| elements(&simd.store(&lanes));
        assert_eq!(stored(x), a);
        assert_eq!(stored(simd.add(&x, &y)), each(&a, &b, |a, b| a + b));
        assert_eq!(stored(simd.sub::<1, _>(&x, &y)), each(&a, &b, |a, b| a - b));
        assert_eq!(stored(simd.sub::<2, _>(&simd.sub::<1, _>(&x, &y), &y)), each(&a, &b, |a, b| a - b - b));
        assert_eq!(stored(simd.mul(&x, &y)), each(&a, &b, |a, b| a * b * down));
        assert_eq!(stored(simd.square(&x)), a.map(|a| a.square() * down));
        // The largest factors that are used.
        let large = simd.shift_left(&simd.sub::<4, _>(&x, &y));
        assert_eq!(stored(simd.mul(&large, &one)), each(&a, &b, |a, b| (a - b) * power_of_two(16)));
        assert_eq!(stored(simd.mul(&one, &large)), each(&a, &b, |a, b| (a - b) * power_of_two(16)));
    }
}

/// Numbers up to the bound of those that are settled, and what they stand for.
fn settled() -> Vec<(Limbs, Fq)> {
    let p = <Simd as Modulus<8>>::P;
    let multiples = (0..1470).step_by(7).chain([1469]).map(|thousandths| {
        // Some thousandths of p, limb by limb, lowest bits cut off.
        let (mut number, mut rest) = ([0; 8], 0);
        for (limb, own) in number.iter_mut().zip(p).rev() {
            let numerator = (rest << BITS) + u128::from(own) * thousandths;
            (*limb, rest) = ((numerator / 1000) as u64, numerator % 1000);
        }
        // A digit of its own can be too large for a limb; the top one is not.
        for j in 0..7 {
            (number[j + 1], number[j]) = (number[j + 1] + (number[j] >> BITS), number[j] & MASK);
        }
        number
    });
    let full = [MASK, MASK, MASK, MASK, MASK, MASK, MASK, p[7] * 147 / 100 - 1];
    let low = [MASK, MASK, MASK, MASK, MASK, MASK, MASK, 0];
    let all = multiples.chain([full, low, [0; 8], p, [1, 0, 0, 0, 0, 0, 0, 0]]);
    let scale = Fq::from(2u64).pow([416]).inverse().unwrap();
    let value =
        |limbs: &[u64; 8]| limbs.iter().rev().fold(Fq::ZERO, |x, limb| x * Fq::from(1u64 << BITS) + Fq::from(*limb)) * scale;
    all.map(|limbs| (Limbs(limbs), value(&limbs))).collect()
}

#[test]
fn limbs_are_numbers_to_scale() {
    let Some(simd) = simd() else { return };
    let numbers = settled();
    for (limbs, value) in &numbers {
        assert_eq!(Fq::from(limbs), *value);
        assert_eq!(Fq::from(&Limbs::from(value)), *value);
    }
    let bound = Limbs(multiple(<Simd as Modulus<8>>::P, 147));
    let less = |limbs: &Limbs| {
        let hundred = multiple(limbs.0, 100);
        hundred.iter().rev().lt(bound.0.iter().rev())
    };
    for (i, own) in numbers.chunks_exact(WIDTH).enumerate() {
        let lanes = |rotated: usize| -> [&(Limbs, Fq); WIDTH] {
            std::array::from_fn(
                |l| if rotated == 0 { &own[l] } else { &numbers[(8 * i + 31 * rotated * l) % numbers.len()] },
            )
        };
        for rotated in 1..40 {
            let [a, b, c] = [lanes(0), lanes(rotated), lanes(rotated + 1)];
            let [x, y, z] = [a, b, c].map(|n| simd.gather(n.map(|n| &n.0)));
            assert_eq!(simd.scatter(&x).map(|x| x.0), a.map(|a| a.0.0));
            let value = |limbs: Limbs| {
                assert!(less(&limbs), "{limbs:?}");
                Fq::from(&limbs)
            };
            let of = |f: &dyn Fn(usize) -> Fq| -> [Fq; WIDTH] { std::array::from_fn(f) };
            assert_eq!(simd.scatter(&simd.settle(&x, &y, &z)).map(value), of(&|l| a[l].1 - b[l].1 - c[l].1));
            assert_eq!(simd.scatter(&simd.mul(&x, &y)).map(value), of(&|l| a[l].1 * b[l].1));
            let mask = 0b1010_0110;
            let signed = |l: usize, a: Fq| if mask >> l & 1 == 1 { -a } else { a };
            let zero = simd.zero();
            let negated = simd.negate(mask, &x);
            assert_eq!(simd.scatter(&simd.settle(&negated, &zero, &zero)).map(value), of(&|l| signed(l, a[l].1)));
            let difference = simd.sub::<3, _>(&negated, &y);
            let one = simd.gather([&Limbs::from(&Fq::ONE); WIDTH]);
            assert_eq!(simd.scatter(&simd.mul(&difference, &one)).map(value), of(&|l| signed(l, a[l].1) - b[l].1));
            let picked = simd.scatter(&simd.pick(mask, &x, &y)).map(|x| x.0);
            assert_eq!(picked, std::array::from_fn(|l| if mask >> l & 1 == 1 { b[l].0.0 } else { a[l].0.0 }));
        }
    }
    // The least and the largest that differences can be.
    let extremes = &numbers[numbers.len() - 6..];
    for (a, b, c) in extremes.iter().flat_map(|a| extremes.iter().flat_map(move |b| extremes.iter().map(move |c| (a, b, c))))
    {
        let [x, y, z] = [a, b, c].map(|n| simd.gather([&n.0; WIDTH]));
        let [settled, ..] = simd.scatter(&simd.settle(&x, &y, &z));
        assert!(less(&settled), "{settled:?}");
        assert_eq!(Fq::from(&settled), a.1 - b.1 - c.1);
    }
}

fn scalar_pairs() -> Vec<([Fr; WIDTH], [Fr; WIDTH])> {
    let r = Fr::MODULUS.0;
    let raw = [
        [0; 4],
        [r[0] - 1, r[1], r[2], r[3]],
        [r[0], r[1] - 1, r[2], r[3]],
        [u64::MAX, u64::MAX, u64::MAX, r[3] - 1],
        [0, u64::MAX, 0, r[3]],
    ];
    pairs(&raw, |words| Fr::new_unchecked(BigInt(words)), 254)
}

#[test]
fn scalar_arithmetic_is_that_of_the_field() {
    let Some(simd) = simd() else { return };
    for (a, b) in scalar_pairs() {
        let (x, y) = (simd.scalars(&a), simd.scalars(&b));
        assert_eq!(simd.elements(&x), a);
        assert_eq!(simd.elements(&simd.get(&simd.put(&x))), a);
        assert_eq!(simd.elements(&simd.splat_scalar(a[3])), [a[3]; WIDTH]);
        assert_eq!(simd.elements(&simd.add(&x, &y)), each(&a, &b, |a, b| a + b));
        assert_eq!(simd.elements(&simd.mul(&x, &y)), each(&a, &b, |a, b| a * b));
        assert_eq!(simd.elements(&simd.square(&y)), b.map(|b| b.square()));
        // Differences of differences, as deep as they go.
        let one = simd.sub::<2, _>(&x, &y);
        let two = simd.sub::<4, _>(&one, &simd.sub::<2, _>(&y, &x));
        let three = simd.sub::<8, _>(&two, &simd.sub::<4, _>(&simd.zero(), &one));
        let four = simd.sub::<16, _>(&three, &simd.zero());
        assert_eq!(simd.elements(&four), each(&a, &b, |a, b| (a - b) * Fr::from(3u64)));
        assert_eq!(simd.elements(&simd.mul(&four, &four)), each(&a, &b, |a, b| (a - b).square() * Fr::from(9u64)));
        let mut sum = simd.no_sum();
        for _ in 0..400 {
            simd.add_product(&mut sum, &x, &y);
        }
        simd.add_one(&mut sum, &x);
        simd.carry_sum(&mut sum);
        simd.add_product(&mut sum, &y, &y);
        let expected = each(&a, &b, |a, b| Fr::from(400u64) * a * b + a + b * b);
        assert_eq!(simd.elements(&simd.reduce_large(sum)), expected);
        assert_eq!(simd.total(&sum), expected.iter().sum());
        let mut twice = sum;
        simd.add_sum(&mut twice, &sum);
        assert_eq!(simd.total(&twice), expected.iter().sum::<Fr>().double());
        let all: Vec<Fr> = simd.unzip([&x, &y]).iter().flat_map(|x| simd.elements(x)).collect();
        let both: Vec<Fr> = a.into_iter().chain(b).collect();
        assert_eq!(all, [0, 1].iter().flat_map(|h| both.iter().skip(*h).step_by(2).copied()).collect::<Vec<_>>());
    }
}

/// The largest numbers that may be factors, and sums of them: all limbs full.
#[test]
fn full_limbs_do_not_overflow() {
    let Some(simd) = simd() else { return };
    let full: Scalars = Lanes([Simd::fill(MASK); 5]);
    let value = Fr::from(2u64).pow([260]) - Fr::ONE;
    // What a number is to scale.
    let unscale = Fr::from(2u64).pow([260]).inverse().unwrap();
    let x = value * unscale;
    assert_eq!(simd.elements(&full), [x; WIDTH]);
    // Such a product is below 36.3 r only.
    let mut product = simd.no_sum();
    simd.add_product(&mut product, &full, &full);
    assert_eq!(simd.elements(&simd.reduce_large(product)), [x.square(); WIDTH]);
    // Of 2^520: as many as stay below 2^525, and as many as the limbs can hold.
    let mut sum = simd.no_sum();
    for _ in 0..31 {
        simd.add_product(&mut sum, &full, &full);
    }
    assert_eq!(simd.elements(&simd.reduce_large(sum)), [Fr::from(31u64) * x.square(); WIDTH]);
    for _ in 31..400 {
        simd.add_product(&mut sum, &full, &full);
    }
    let expected = Fr::from(400u64 * 8) * x.square();
    assert_eq!(simd.total(&sum), expected);
    simd.carry_sum(&mut sum);
    assert_eq!(simd.total(&sum), expected);
    // Integers times numbers below 1.1 r: as many as stay below 2^312.
    let largest = simd.scalars(&[-Fr::ONE; WIDTH]);
    let mut short = simd.short(&simd.splat_short(x));
    for _ in 0..15 {
        simd.add_multiple(&mut short, simd.splat_multiplier(MASK as i64), &largest);
    }
    simd.add_number(&mut short, &simd.splat_short(Fr::ONE));
    let scale = Fr::from(1u64 << 52).inverse().unwrap();
    let expected = x + Fr::ONE - Fr::from(15 * MASK) * scale;
    assert_eq!(simd.elements(&simd.reduce_short(short)), [expected; WIDTH]);
    // Of 32 bits: as many as limbs take, and more once they are carried.
    let mut short = simd.short(&simd.zero());
    for _ in 0..3 {
        for _ in 0..2047 {
            simd.add_multiple(&mut short, simd.multipliers(&[u32::MAX.into(); WIDTH]), &largest);
        }
        simd.carry_short(&mut short);
    }
    let expected = -Fr::from(3 * 2047 * u64::from(u32::MAX)) * scale;
    assert_eq!(simd.elements(&simd.reduce_short(short)), [expected; WIDTH]);
}

#[test]
fn integers_are_spread_and_multiplied() {
    let Some(simd) = simd() else { return };
    let array = |x: Integers| bytemuck::cast::<_, [i32; 2 * WIDTH]>(x);
    let wide = |x: Multipliers| bytemuck::cast::<_, [i64; WIDTH]>(x);
    let a: [i32; 2 * WIDTH] =
        std::array::from_fn(|i| [1, -2, 3 << 20, i32::MIN, 5, -6, i32::MAX, 0][i % 8] ^ (i as i32 / 8));
    let (x, y) = (simd.integers(&a), simd.splat_integer(-7));
    let pairs = |f: fn(i64, i64) -> i64| std::array::from_fn(|l| f(a[2 * l].into(), a[2 * l + 1].into()));
    assert_eq!(wide(simd.cross(x, x)), pairs(|a, b| a * b));
    assert_eq!(wide(simd.cross(x, y)), pairs(|a, _| -7 * a));
    assert_eq!(wide(simd.first(x)), pairs(|a, _| a as u32 as i64));
    assert_eq!(wide(simd.second(x)), pairs(|_, b| b as u32 as i64));
    assert_eq!(
        wide(simd.add_multipliers(simd.splat_multiplier(1 << 50), simd.cross(x, x))),
        pairs(|a, b| a * b + (1 << 50))
    );
    assert_eq!(array(simd.add_integers(x, y)), a.map(|a| a.wrapping_sub(7)));
    assert_eq!(array(simd.sub_integers(x, y)), a.map(|a| a.wrapping_add(7)));
    let short = a.map(|a| a as i16);
    assert_eq!(array(simd.short_integers(&short)), short.map(i32::from));
    let spread = array(simd.spread(0b1010_0110_0000_0001, x));
    assert_eq!((spread[0], spread[9], spread[10], spread[13], spread[15]), (a[0], a[1], a[2], a[3], a[4]));
    assert_eq!(spread.iter().filter(|&&x| x != 0).count(), 5);
}

/// `cargo test --release -p zktorch-blocks --features prover -- --ignored lane_operations`: 10^8 of them.
#[test]
#[ignore = "seconds in a release build, minutes in others"]
fn a_hundred_million_lane_operations_are_those_of_the_field() {
    let Some(simd) = simd() else { return };
    simd.vectorize(Long { simd, rounds: 100_000_000 / (6 * WIDTH) });
}

struct Long {
    simd: Simd,
    rounds: usize,
}

impl NullaryFnOnce for Long {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, rounds } = self;
        let mut a: [Fr; WIDTH] = std::array::from_fn(|i| Fr::from(3 + i as u64).inverse().unwrap_or_default());
        let mut b = a.map(|x| x.square() + Fr::ONE);
        let (mut x, mut y) = (simd.scalars(&a), simd.scalars(&b));
        for round in 0..rounds {
            // Six operations: two products in a sum with its reduction, a difference, a product, a square, an integer's multiple, memory.
            let integer = (round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12;
            let mut sum = simd.no_sum();
            simd.add_product(&mut sum, &x, &y);
            simd.add_product(&mut sum, &y, &y);
            let packed: Packed = simd.put(&simd.reduce(sum));
            let difference = simd.sub::<4, _>(&simd.get(&packed), &x);
            let mut short = simd.short(&simd.square(&difference));
            simd.add_multiple(&mut short, simd.splat_multiplier(integer as i64), &y);
            (x, y) = (y, simd.mul(&simd.reduce_short(short), &simd.splat_short(Fr::ONE)));
            for (a, b) in a.iter_mut().zip(&mut b) {
                let difference = *a * *b + b.square() - *a;
                (*a, *b) = (*b, difference.square() + Fr::from(integer) * *b);
            }
            // Both ways round, so that nothing stays small.
            assert_eq!(simd.elements(&y), b, "{round}");
            if round % 7 == 0 {
                x = simd.scalars(&a);
            }
        }
    }
}
