//! Eight elements of the base field at a time, on processors with 52-bit multiply-add (AVX-512 IFMA).
//!
//! Numbers are eight limbs of 52 bits, in Montgomery form for `2^416`; memory holds them as arkworks does, in Montgomery form for `2^384`. They
//! are loaded and stored as they are. So what is loaded stands for `2^-32` times the element, and what is stored is `2^32` times what the lanes
//! stand for: sums come out right, and products are off by powers of `2^32`, which [`Simd::splat`] mends ([`power_of_two`] has them).
//!
//! Limbs are below `2^52`. A product of two numbers is below `1.001 p`, `p` the modulus, without a last subtraction, as long as it is one of
//! less than `2^25 p^2`.

use ark_bls12_381::Fq;
use ark_ff::{BigInt, PrimeField};
use bytemuck::cast;
pub use pulp::NullaryFnOnce;
use std::arch::x86_64::__m512i;

pulp::simd_type! {
    /// Shown to exist: the instructions that the lanes need.
    pub struct Simd {
        avx512f: "avx512f",
        ifma: "avx512ifma",
    }
}

/// Eight numbers, limb by limb.
#[derive(Clone, Copy, Debug)]
pub struct Lanes([__m512i; LIMBS]);

/// Numbers that are worked on at a time.
pub const WIDTH: usize = 8;
/// Limbs of a number.
const LIMBS: usize = 8;
/// Bits of a limb.
const BITS: u32 = 52;
/// The largest limb.
const MASK: u64 = (1 << BITS) - 1;
/// Words of an element in memory.
const WORDS: usize = 6;
/// `-1 / p` modulo `2^52`.
const NEGATED_INVERSE: u64 = {
    // Newton's iteration doubles the bits that are right; p is odd.
    let p = Fq::MODULUS.0[0];
    let (mut inverse, mut i) = (1u64, 0);
    while i < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg() & MASK
};

/// The limbs of `k p`.
const fn multiple(k: u64) -> [u64; LIMBS] {
    let p = Fq::MODULUS.0;
    let (mut limbs, mut carry, mut i) = ([0; LIMBS], 0, 0);
    while i < LIMBS {
        let (word, bit) = (BITS as usize * i / 64, BITS as usize * i % 64);
        let high = if bit > 12 && word + 1 < WORDS { p[word + 1] << (64 - bit) } else { 0 };
        let limb = k * ((p[word] >> bit | high) & MASK) + carry;
        (limbs[i], carry) = (limb & MASK, limb >> BITS);
        i += 1;
    }
    limbs
}

const P: [u64; LIMBS] = multiple(1);

/// `2^bits`, for bits below 381: lanes that are filled with it stand for `2^(bits - 32)`.
pub const fn power_of_two(bits: usize) -> Fq {
    let mut words = [0; WORDS];
    words[bits / 64] = 1 << (bits % 64);
    Fq::new(BigInt(words))
}

/// Elements as they are in memory, word by word.
pub type Words = [[u64; WIDTH]; WORDS];

/// Puts an element into a lane.
#[inline(always)]
pub fn set(words: &mut Words, lane: usize, element: &Fq) {
    for (word, own) in words.iter_mut().zip(element.0.0) {
        word[lane] = own;
    }
}

/// The element in a lane, which has to be below the modulus.
#[inline(always)]
pub fn get(words: &Words, lane: usize) -> Fq {
    Fq::new_unchecked(BigInt(words.map(|word| word[lane])))
}

/// Operations on lanes. They are inlined into the `call` of what [`Simd::vectorize`] is given, and slow anywhere else. That has to be a type of
/// its own: a closure that only borrows is not inlined itself, unless the whole build is for processors that have the instructions.
impl Simd {
    #[inline(always)]
    fn fill(x: u64) -> __m512i {
        cast([x; WIDTH])
    }

    /// The same element in all lanes.
    #[inline(always)]
    pub fn splat(self, element: &Fq) -> Lanes {
        self.load(&element.0.0.map(|word| [word; WIDTH]))
    }

    /// Elements from memory.
    #[inline(always)]
    pub fn load(self, words: &Words) -> Lanes {
        let f = self.avx512f;
        let w: [__m512i; WORDS] = words.map(cast);
        let join = |low, high| f._mm512_and_epi64(f._mm512_or_epi64(low, high), Self::fill(MASK));
        Lanes([
            f._mm512_and_epi64(w[0], Self::fill(MASK)),
            join(f._mm512_srli_epi64::<52>(w[0]), f._mm512_slli_epi64::<12>(w[1])),
            join(f._mm512_srli_epi64::<40>(w[1]), f._mm512_slli_epi64::<24>(w[2])),
            join(f._mm512_srli_epi64::<28>(w[2]), f._mm512_slli_epi64::<36>(w[3])),
            join(f._mm512_srli_epi64::<16>(w[3]), f._mm512_slli_epi64::<48>(w[4])),
            f._mm512_and_epi64(f._mm512_srli_epi64::<4>(w[4]), Self::fill(MASK)),
            join(f._mm512_srli_epi64::<56>(w[4]), f._mm512_slli_epi64::<8>(w[5])),
            f._mm512_srli_epi64::<44>(w[5]),
        ])
    }

    /// Elements for memory: numbers below `4 p`, reduced.
    #[inline(always)]
    pub fn store(self, a: &Lanes) -> Words {
        let f = self.avx512f;
        let l = self.subtract_if_not_less(&self.subtract_if_not_less(a, &const { multiple(2) }), &P).0;
        let join = |low, high| f._mm512_or_epi64(low, high);
        let words = [
            join(l[0], f._mm512_slli_epi64::<52>(l[1])),
            join(f._mm512_srli_epi64::<12>(l[1]), f._mm512_slli_epi64::<40>(l[2])),
            join(f._mm512_srli_epi64::<24>(l[2]), f._mm512_slli_epi64::<28>(l[3])),
            join(f._mm512_srli_epi64::<36>(l[3]), f._mm512_slli_epi64::<16>(l[4])),
            join(join(f._mm512_srli_epi64::<48>(l[4]), f._mm512_slli_epi64::<4>(l[5])), f._mm512_slli_epi64::<56>(l[6])),
            join(f._mm512_srli_epi64::<8>(l[6]), f._mm512_slli_epi64::<44>(l[7])),
        ];
        words.map(cast)
    }

    /// `a - b + K p`, for `b` below `K p`.
    #[inline(always)]
    pub fn sub<const K: u64>(self, a: &Lanes, b: &Lanes) -> Lanes {
        let f = self.avx512f;
        let multiple = const { multiple(K) };
        let limb = |j: usize| f._mm512_add_epi64(f._mm512_sub_epi64(a.0[j], b.0[j]), Self::fill(multiple[j]));
        self.carry(std::array::from_fn(limb))
    }

    /// `a b / 2^416` modulo `p`, below `1.001 p`.
    #[inline(always)]
    pub fn mul(self, a: &Lanes, b: &Lanes) -> Lanes {
        let (f, ifma) = (self.avx512f, self.ifma);
        let mut t = [Self::fill(0); LIMBS];
        // Limb by limb of `b`; a limb of `t` takes at most 32 summands of 52 bits.
        for own in &b.0 {
            for (t, a) in t.iter_mut().zip(&a.0) {
                *t = ifma._mm512_madd52lo_epu64(*t, *a, *own);
            }
            let m = ifma._mm512_madd52lo_epu64(Self::fill(0), t[0], Self::fill(NEGATED_INVERSE));
            for (t, p) in t.iter_mut().zip(P) {
                *t = ifma._mm512_madd52lo_epu64(*t, m, Self::fill(p));
            }
            let carry = f._mm512_srli_epi64::<BITS>(t[0]);
            t.rotate_left(1);
            t[0] = f._mm512_add_epi64(t[0], carry);
            t[LIMBS - 1] = Self::fill(0);
            for ((t, a), p) in t.iter_mut().zip(&a.0).zip(P) {
                *t = ifma._mm512_madd52hi_epu64(*t, *a, *own);
                *t = ifma._mm512_madd52hi_epu64(*t, m, Self::fill(p));
            }
        }
        self.carry(t)
    }

    /// `a^2 / 2^416` modulo `p`, below `1.001 p`.
    #[inline(always)]
    pub fn square(self, a: &Lanes) -> Lanes {
        let (f, ifma) = (self.avx512f, self.ifma);
        let mut t = [Self::fill(0); 2 * LIMBS];
        // Every product of two different limbs once, then twice.
        for i in 0..LIMBS {
            for j in i + 1..LIMBS {
                t[i + j] = ifma._mm512_madd52lo_epu64(t[i + j], a.0[i], a.0[j]);
                t[i + j + 1] = ifma._mm512_madd52hi_epu64(t[i + j + 1], a.0[i], a.0[j]);
            }
        }
        for (i, own) in a.0.iter().enumerate() {
            let twice = |j: usize| f._mm512_add_epi64(t[2 * i + j], t[2 * i + j]);
            let (low, high) = (twice(0), twice(1));
            t[2 * i] = ifma._mm512_madd52lo_epu64(low, *own, *own);
            t[2 * i + 1] = ifma._mm512_madd52hi_epu64(high, *own, *own);
        }
        for i in 0..LIMBS {
            let m = ifma._mm512_madd52lo_epu64(Self::fill(0), t[i], Self::fill(NEGATED_INVERSE));
            for (j, p) in P.into_iter().enumerate() {
                t[i + j] = ifma._mm512_madd52lo_epu64(t[i + j], m, Self::fill(p));
                t[i + j + 1] = ifma._mm512_madd52hi_epu64(t[i + j + 1], m, Self::fill(p));
            }
            t[i + 1] = f._mm512_add_epi64(t[i + 1], f._mm512_srli_epi64::<BITS>(t[i]));
        }
        self.carry(std::array::from_fn(|j| t[LIMBS + j]))
    }

    /// `2^16 a`.
    #[inline(always)]
    pub fn shift_left(self, a: &Lanes) -> Lanes {
        let f = self.avx512f;
        let limb = |j: usize| {
            let own = f._mm512_and_epi64(f._mm512_slli_epi64::<16>(a.0[j]), Self::fill(MASK));
            if j == 0 { own } else { f._mm512_or_epi64(own, f._mm512_srli_epi64::<36>(a.0[j - 1])) }
        };
        Lanes(std::array::from_fn(limb))
    }

    /// Limbs of 52 bits again, from signed ones; the last one keeps the sign of the number.
    #[inline(always)]
    fn carry(self, mut t: [__m512i; LIMBS]) -> Lanes {
        let f = self.avx512f;
        for j in 1..LIMBS {
            t[j] = f._mm512_add_epi64(t[j], f._mm512_srai_epi64::<BITS>(t[j - 1]));
            t[j - 1] = f._mm512_and_epi64(t[j - 1], Self::fill(MASK));
        }
        Lanes(t)
    }

    #[inline(always)]
    fn subtract_if_not_less(self, a: &Lanes, limbs: &[u64; LIMBS]) -> Lanes {
        let f = self.avx512f;
        let rest = self.carry(std::array::from_fn(|j| f._mm512_sub_epi64(a.0[j], Self::fill(limbs[j]))));
        // All ones where the difference is negative.
        let negative = f._mm512_srai_epi64::<63>(rest.0[LIMBS - 1]);
        let pick =
            |j: usize| f._mm512_or_epi64(f._mm512_and_epi64(negative, a.0[j]), f._mm512_andnot_epi64(negative, rest.0[j]));
        Lanes(std::array::from_fn(pick))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::Field;

    fn words(elements: &[Fq]) -> Words {
        let mut words = Words::default();
        elements.iter().enumerate().for_each(|(lane, element)| set(&mut words, lane, element));
        words
    }

    fn elements(words: &Words) -> Vec<Fq> {
        (0..WIDTH).map(|lane| get(words, lane)).collect()
    }

    /// Pairs of unusual and of any numbers, eight at a time.
    fn pairs() -> Vec<(Vec<Fq>, Vec<Fq>)> {
        // As they are in memory: words of all ones, single bits, the modulus less a little.
        let p = Fq::MODULUS.0;
        let mut raw = vec![[0; WORDS], [p[0] - 1, p[1], p[2], p[3], p[4], p[5]], [p[0], p[1], p[2], p[3] - 1, p[4], p[5]]];
        raw.extend([[u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, p[5] - 1], [u64::MAX, 0, u64::MAX, 0, u64::MAX, 0]]);
        raw.extend((0..380).step_by(13).map(|bit| std::array::from_fn(|w| if bit / 64 == w { 1 << (bit % 64) } else { 0 })));
        let unusual = raw.into_iter().map(|words| Fq::new_unchecked(BigInt(words)));
        let any = std::iter::successors(Some(Fq::from(3u64)), |x| Some(x.square() + Fq::from(5u64))).take(50);
        let all: Vec<Fq> = unusual.chain(any).collect();
        let products = all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b))).collect::<Vec<_>>();
        products.chunks_exact(WIDTH).map(|pairs| pairs.iter().copied().unzip()).collect()
    }

    #[test]
    #[expect(clippy::disallowed_macros, reason = "a test that skips says so")]
    fn arithmetic_is_that_of_the_field() {
        let Some(simd) = Simd::try_new() else {
            return eprintln!("skipped: this processor has no 52-bit multiply-add");
        };
        let down = power_of_two(32).inverse().unwrap();
        for (a, b) in pairs() {
            let each = |f: fn(Fq, Fq) -> Fq| a.iter().zip(&b).map(|(a, b)| f(*a, *b)).collect::<Vec<Fq>>();
            let (x, y) = (simd.load(&words(&a)), simd.load(&words(&b)));
            let one = simd.splat(&power_of_two(32));
            let stored = |lanes: Lanes| elements(&simd.store(&lanes));
            assert_eq!(stored(x), a);
            assert_eq!(stored(simd.sub::<1>(&x, &y)), each(|a, b| a - b));
            assert_eq!(stored(simd.sub::<2>(&simd.sub::<1>(&x, &y), &y)), each(|a, b| a - b - b));
            assert_eq!(stored(simd.mul(&x, &y)), each(|a, b| a * b).iter().map(|c| *c * down).collect::<Vec<_>>());
            assert_eq!(stored(simd.square(&x)), a.iter().map(|a| a.square() * down).collect::<Vec<_>>());
            // The largest factors that are used.
            let large = simd.shift_left(&simd.sub::<4>(&x, &y));
            assert_eq!(stored(simd.mul(&large, &one)), each(|a, b| (a - b) * power_of_two(16)));
            assert_eq!(stored(simd.mul(&one, &large)), each(|a, b| (a - b) * power_of_two(16)));
        }
    }
}
