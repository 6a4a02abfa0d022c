//! Lanes of the base field: eight limbs, Montgomery form for `2^416`.
//!
//! What is loaded stands for `2^-32` times the element, and what is stored is `2^32` times what the lanes stand for. A product of two numbers is
//! below `1.251 p`, as long as it is one of less than `2^25 p^2`: reductions are [loose](Modulus::LOOSE).
//!
//! Elements that are worked on again and again are kept in [`Limbs`] instead: to scale, one after the other, each in one line of the cache. Eight
//! of them from anywhere become lanes by a transposition ([`gather`](Simd::gather)), where word after word put into lanes would be stored
//! narrowly and loaded widely, which waits for the cache.

use super::{BITS, Base, Lanes, MASK, Memory, Modulus, Simd, WIDTH, Words, limbs, multiple};
use ark_bls12_381::Fq;
use ark_ff::{BigInt, BigInteger, PrimeField};
use bytemuck::cast;
use std::arch::x86_64::__m512i;

impl Modulus<8> for Simd {
    const P: [u64; 8] = limbs(Fq::MODULUS.0);
    const LOOSE: bool = true;
}

impl Memory<6, 8> for Simd {}

/// The limbs of one number.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub struct Limbs(pub [u64; 8]);

impl From<&Fq> for Limbs {
    fn from(x: &Fq) -> Self {
        Self(limbs((*x * const { power_of_two(32) }).0.0))
    }
}

impl From<&Limbs> for Fq {
    /// Of a number below `2 p`.
    fn from(a: &Limbs) -> Self {
        let mut words = BigInt([0; 6]);
        for (i, limb) in a.0.iter().enumerate() {
            let (word, bit) = (BITS as usize * i / 64, BITS as usize * i % 64);
            words.0[word] |= limb << bit;
            if let Some(above) = words.0.get_mut(word + 1).filter(|_| bit > 12) {
                *above |= limb >> (64 - bit);
            }
        }
        if words >= Self::MODULUS {
            words.sub_with_borrow(&Self::MODULUS);
        }
        Self::new_unchecked(words) * const { DOWN }
    }
}

/// `2^bits`, for bits below 381: lanes that are filled with it stand for `2^(bits - 32)`.
pub const fn power_of_two(bits: usize) -> Fq {
    let mut words = [0; 6];
    words[bits / 64] = 1 << (bits % 64);
    Fq::new(BigInt(words))
}

/// Puts an element into a lane.
#[inline(always)]
pub fn set(words: &mut Words<6>, lane: usize, element: &Fq) {
    for (word, own) in words.iter_mut().zip(element.0.0) {
        word[lane] = own;
    }
}

/// The element in a lane, which has to be below the modulus.
#[inline(always)]
pub fn get(words: &Words<6>, lane: usize) -> Fq {
    Fq::new_unchecked(BigInt(words.map(|word| word[lane])))
}

impl Simd {
    /// The same element in all lanes.
    #[inline(always)]
    pub fn splat(self, element: &Fq) -> Base {
        self.load(&element.0.0.map(|word| [word; WIDTH]))
    }

    /// `2^16 a`, for `a` below `2^400`.
    #[inline(always)]
    pub fn shift_left(self, a: &Base) -> Base {
        let f = self.avx512f;
        let limb = |j: usize| {
            let own = f._mm512_and_epi64(f._mm512_slli_epi64::<16>(a.0[j]), Self::fill(MASK));
            if j == 0 { own } else { f._mm512_or_epi64(own, f._mm512_srli_epi64::<36>(a.0[j - 1])) }
        };
        Lanes(std::array::from_fn(limb))
    }

    /// Rows of a square of numbers as its columns.
    #[inline(always)]
    fn transpose(self, rows: [__m512i; 8]) -> [__m512i; 8] {
        let f = self.avx512f;
        // Squares of two by two numbers, then of these, twice.
        let pair = |i: usize| {
            let (a, b) = (rows[i], rows[i + 1]);
            [f._mm512_unpacklo_epi64(a, b), f._mm512_unpackhi_epi64(a, b)]
        };
        let pairs = [pair(0), pair(2), pair(4), pair(6)];
        let halves = |a, b| [f._mm512_shuffle_i64x2::<0x88>(a, b), f._mm512_shuffle_i64x2::<0xdd>(a, b)];
        let mut columns = rows;
        for odd in 0..2 {
            let first = halves(pairs[0][odd], pairs[1][odd]);
            let second = halves(pairs[2][odd], pairs[3][odd]);
            for two in 0..2 {
                let [low, high] = halves(first[two], second[two]);
                (columns[odd + 2 * two], columns[odd + 2 * two + 4]) = (low, high);
            }
        }
        columns
    }

    /// Numbers from where they are.
    #[inline(always)]
    pub fn gather(self, numbers: [&Limbs; WIDTH]) -> Base {
        let mut rows = [Self::fill(0); 8];
        for (row, number) in rows.iter_mut().zip(numbers) {
            *row = cast(number.0);
        }
        Lanes(self.transpose(rows))
    }

    /// The inverse of [`gather`](Self::gather).
    #[inline(always)]
    pub fn scatter(self, a: &Base) -> [Limbs; WIDTH] {
        let mut numbers = [Limbs::default(); WIDTH];
        for (number, row) in numbers.iter_mut().zip(self.transpose(a.0)) {
            number.0 = cast(row);
        }
        numbers
    }

    /// The numbers of `a`, or those of `b` where `mask` has ones.
    #[inline(always)]
    pub fn pick(self, mask: u8, a: &Base, b: &Base) -> Base {
        Lanes(std::array::from_fn(|j| self.avx512f._mm512_mask_blend_epi64(mask, a.0[j], b.0[j])))
    }

    /// `a`, or `-a` where `mask` has ones: limbs with a sign, for [`sub`](Self::sub) and [`settle`](Self::settle) alone.
    #[inline(always)]
    pub fn negate(self, mask: u8, a: &Base) -> Base {
        Lanes(std::array::from_fn(|j| self.avx512f._mm512_mask_sub_epi64(a.0[j], mask, Self::fill(0), a.0[j])))
    }

    /// `a - b - c` modulo `p`, below `1.47 p`, of numbers below that; `a` or `b` may have been [negated](Self::negate) where `c` is zero.
    ///
    /// By the highest limb, in units of `2^380`, it is known to half a unit what is to be added. It is between `-4.8` and `2.4`, a unit is `p / 1.625`,
    /// and limbs that were not carried make a difference of `2^-14` units: to what rounds to
    /// `-5, -4, .., 2` are added `4, 3, 3, 2, 1, 1, 0, 0` times `p`, which gives less than `1.24`, `0.85`, `1.47`, `1.08`, `0.70`, `1.31`, `0.93`
    /// and, as at most `2.4` units are left alone, `1.47` times `p`, and never less than nothing.
    #[inline(always)]
    pub fn settle(self, a: &Base, b: &Base, c: &Base) -> Base {
        let f = self.avx512f;
        let raw: [__m512i; 8] = std::array::from_fn(|j| f._mm512_sub_epi64(f._mm512_sub_epi64(a.0[j], b.0[j]), c.0[j]));
        // Modulo eight, which is all that a permutation reads of a place.
        let units = f._mm512_srli_epi64::<16>(f._mm512_add_epi64(raw[7], Self::fill(1 << 15)));
        let add = |j: usize| f._mm512_permutexvar_epi64(units, cast(const { SETTLING }[j]));
        self.carry(std::array::from_fn(|j| f._mm512_add_epi64(raw[j], add(j))))
    }
}

/// `2^-32`.
const DOWN: Fq = {
    // Raw words are 2^384 times an element.
    let mut words = [0; 6];
    words[5] = 1 << 32;
    Fq::new_unchecked(BigInt(words))
};

/// Limbs of what [`Simd::settle`] adds, by units modulo eight.
const SETTLING: [[u64; 8]; 8] = {
    let (times, mut limbs, mut unit) = ([1, 0, 0, 4, 3, 3, 2, 1], [[0; 8]; 8], 0);
    while unit < 8 {
        let (number, mut j) = (multiple(<Simd as Modulus<8>>::P, times[unit]), 0);
        while j < 8 {
            limbs[j][unit] = number[j];
            j += 1;
        }
        unit += 1;
    }
    limbs
};
