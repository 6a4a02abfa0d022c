//! Eight elements of a field at a time, on processors with 52-bit multiply-add (AVX-512 IFMA).
//!
//! Both fields of the curve are worked on alike. A number is held in limbs of 52 bits, in Montgomery form for `2^(52 LIMBS)`: eight limbs for the
//! base field ([`base`]), five for the scalar field ([`scalar`]). Memory holds elements as arkworks does, in Montgomery form for `2^(64 WORDS)`,
//! and they are loaded and stored as they are. So what is loaded stands for `2^(64 WORDS - 52 LIMBS)` times the element: sums come out right, and
//! products are off by a power of two, which a constant mends ([`power_of_two`] has them for the base field; scalars enter by
//! [`splat_scalar`](Simd::splat_scalar) to scale).
//!
//! # Bounds
//! A multiply-add reads 52 bits of its factors, so limbs of factors are below `2^52`. A limb of 64 bits takes 4096 summands of 52 bits: the middle
//! limb of a [`Sum`] gets `2 LIMBS - 1` of them from a product, and as many from its reduction. A sum `T` of products reduces to less than `T / 2^(52 LIMBS) + p`, `p` the modulus,
//! without a last subtraction. The modulus of the base field is less than `2^-35` of `2^416`, that of the scalar field less than `0.0284` of `2^260`.

/// The block for each number below `count`, which is at most eight, written out. A loop of so many instructions the compiler leaves a loop, and
/// then the limbs of a sum go through memory at every step.
macro_rules! for_limbs {
    ($i:ident below $count:expr; $body:block) => { for_limbs!($i $count; $body 0 1 2 3 4 5 6 7) };
    ($i:ident $count:expr; $body:block $($k:literal)*) => {
        $({
            let $i: usize = $k;
            if $i < $count $body
        })*
    };
}

mod available;
pub mod base;
pub mod multiples;
pub mod nodes;
pub mod scalar;
pub mod table;
#[cfg(test)]
mod tests;

pub use available::{hide, simd};
pub use base::power_of_two;
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
pub struct Lanes<const LIMBS: usize>([__m512i; LIMBS]);

/// Eight elements of the base field.
pub type Base = Lanes<8>;
/// Eight elements of the scalar field.
pub type Scalars = Lanes<5>;

/// Eight sums of products that are not reduced, limb by limb, the lower half of the limbs first.
#[derive(Clone, Copy, Debug)]
pub struct Sum<const LIMBS: usize>([[__m512i; LIMBS]; 2]);

/// Elements as they are in memory, word by word.
pub type Words<const WORDS: usize> = [[u64; WIDTH]; WORDS];

/// Numbers that are worked on at a time.
pub const WIDTH: usize = 8;
/// Bits of a limb.
const BITS: u32 = 52;
/// The largest limb.
const MASK: u64 = (1 << BITS) - 1;

/// The prime that numbers of so many limbs are reduced by.
pub trait Modulus<const LIMBS: usize> {
    /// Its limbs.
    const P: [u64; LIMBS];
    /// `-1 / p` modulo `2^52`.
    const NEGATED_INVERSE: u64 = {
        // Newton's iteration doubles the bits that are right; p is odd.
        let (mut inverse, mut i) = (1u64, 0);
        while i < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(Self::P[0].wrapping_mul(inverse)));
            i += 1;
        }
        inverse.wrapping_neg() & MASK
    };
    /// Whether reductions are by the modulus' least multiple `k p` that is `-1` modulo `2^52`, `k` below `2^52`, in all rounds but the last. They
    /// take fewer steps that wait for one another, and give up to `(1 + k / 2^52) p` instead of `p`.
    const LOOSE: bool = false;
    /// `(k p + 1) / 2^52`.
    const LEAST: [u64; LIMBS] = {
        let (mut limbs, mut carry, mut i) = ([0; LIMBS], 1, 0);
        while i < LIMBS {
            let limb = Self::P[i] as u128 * Self::NEGATED_INVERSE as u128 + carry;
            if i > 0 {
                limbs[i - 1] = limb as u64 & MASK;
            }
            carry = limb >> BITS;
            i += 1;
        }
        limbs[LIMBS - 1] = carry as u64;
        limbs
    };
}

/// How many words an element has in memory whose number has so many limbs.
pub trait Memory<const WORDS: usize, const LIMBS: usize>: Modulus<LIMBS> {}

/// Words as limbs.
const fn limbs<const WORDS: usize, const LIMBS: usize>(words: [u64; WORDS]) -> [u64; LIMBS] {
    let (mut limbs, mut i) = ([0; LIMBS], 0);
    while i < LIMBS {
        let (word, bit) = (BITS as usize * i / 64, BITS as usize * i % 64);
        let high = if bit > 12 && word + 1 < WORDS { words[word + 1] << (64 - bit) } else { 0 };
        limbs[i] = (words[word] >> bit | high) & MASK;
        i += 1;
    }
    limbs
}

/// The limbs of `k` times a number.
const fn multiple<const LIMBS: usize>(number: [u64; LIMBS], k: u64) -> [u64; LIMBS] {
    let (mut limbs, mut carry, mut i) = ([0; LIMBS], 0, 0);
    while i < LIMBS {
        let limb = k * number[i] + carry;
        (limbs[i], carry) = (limb & MASK, limb >> BITS);
        i += 1;
    }
    limbs
}

impl<const LIMBS: usize> Sum<LIMBS> {
    #[inline(always)]
    fn limb(&mut self, k: usize) -> &mut __m512i {
        &mut self.0[k / LIMBS][k % LIMBS]
    }
}

/// Operations on lanes. They are inlined into the `call` of what [`Simd::vectorize`] is given, and slow anywhere else. That has to be a type of
/// its own: a closure that only borrows is not inlined itself, unless the whole build is for processors that have the instructions.
impl Simd {
    #[inline(always)]
    fn fill(x: u64) -> __m512i {
        cast([x; WIDTH])
    }

    #[inline(always)]
    fn low(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        self.ifma._mm512_madd52lo_epu64(sum, a, b)
    }

    #[inline(always)]
    fn high(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
        self.ifma._mm512_madd52hi_epu64(sum, a, b)
    }

    /// Zeros.
    #[inline(always)]
    pub fn zero<const LIMBS: usize>(self) -> Lanes<LIMBS> {
        Lanes([Self::fill(0); LIMBS])
    }

    /// Sums of nothing.
    #[inline(always)]
    pub fn no_sum<const LIMBS: usize>(self) -> Sum<LIMBS> {
        Sum([[Self::fill(0); LIMBS]; 2])
    }

    /// Elements from memory.
    #[inline(always)]
    pub fn load<const WORDS: usize, const LIMBS: usize>(self, words: &Words<WORDS>) -> Lanes<LIMBS>
    where
        Self: Memory<WORDS, LIMBS>,
    {
        self.unpack(&words.map(cast))
    }

    /// Limbs from words.
    #[inline(always)]
    fn unpack<const WORDS: usize, const LIMBS: usize>(self, words: &[__m512i; WORDS]) -> Lanes<LIMBS>
    where
        Self: Memory<WORDS, LIMBS>,
    {
        let f = self.avx512f;
        let limb = |i: usize| {
            let (word, bit) = (BITS as usize * i / 64, BITS as usize * i % 64);
            let mut limb = f._mm512_srlv_epi64(words[word], Self::fill(bit as u64));
            if bit > 12 && word + 1 < WORDS {
                limb = f._mm512_or_epi64(limb, f._mm512_sllv_epi64(words[word + 1], Self::fill(64 - bit as u64)));
            }
            // The last limb has what is left of the last word.
            if i + 1 < LIMBS { f._mm512_and_epi64(limb, Self::fill(MASK)) } else { limb }
        };
        Lanes(std::array::from_fn(limb))
    }

    /// Words from limbs, of numbers below `2^(64 WORDS)`.
    #[inline(always)]
    fn pack<const WORDS: usize, const LIMBS: usize>(self, a: &Lanes<LIMBS>) -> [__m512i; WORDS]
    where
        Self: Memory<WORDS, LIMBS>,
    {
        let f = self.avx512f;
        let word = |j: usize| {
            let first = 64 * j / BITS as usize;
            let mut word = f._mm512_srlv_epi64(a.0[first], Self::fill((64 * j - BITS as usize * first) as u64));
            for i in first + 1..LIMBS {
                let bit = BITS as usize * i - 64 * j;
                if bit < 64 {
                    word = f._mm512_or_epi64(word, f._mm512_sllv_epi64(a.0[i], Self::fill(bit as u64)));
                }
            }
            word
        };
        std::array::from_fn(word)
    }

    /// Elements for memory: numbers below `4 p`, reduced.
    #[inline(always)]
    pub fn store<const WORDS: usize, const LIMBS: usize>(self, a: &Lanes<LIMBS>) -> Words<WORDS>
    where
        Self: Memory<WORDS, LIMBS>,
    {
        let rest = self.subtract_if_not_less(a, &const { multiple(Self::P, 2) });
        self.pack(&self.subtract_if_not_less(&rest, &Self::P)).map(cast)
    }

    /// `a + b`, below `2^(52 LIMBS)`.
    #[inline(always)]
    pub fn add<const LIMBS: usize>(self, a: &Lanes<LIMBS>, b: &Lanes<LIMBS>) -> Lanes<LIMBS> {
        self.carry(std::array::from_fn(|j| self.avx512f._mm512_add_epi64(a.0[j], b.0[j])))
    }

    /// `a - b + K p`, for `b` below `K p`.
    #[inline(always)]
    pub fn sub<const K: u64, const LIMBS: usize>(self, a: &Lanes<LIMBS>, b: &Lanes<LIMBS>) -> Lanes<LIMBS>
    where
        Self: Modulus<LIMBS>,
    {
        let f = self.avx512f;
        let multiple = const { multiple(Self::P, K) };
        let limb = |j: usize| f._mm512_add_epi64(f._mm512_sub_epi64(a.0[j], b.0[j]), Self::fill(multiple[j]));
        self.carry(std::array::from_fn(limb))
    }

    /// `a b / 2^(52 LIMBS)` modulo `p`.
    ///
    /// Product first, reduction then: interleaved they are one chain of instructions that wait for one another.
    #[inline(always)]
    pub fn mul<const LIMBS: usize>(self, a: &Lanes<LIMBS>, b: &Lanes<LIMBS>) -> Lanes<LIMBS>
    where
        Self: Modulus<LIMBS>,
    {
        let mut sum = self.no_sum();
        self.add_product(&mut sum, a, b);
        self.reduce(sum)
    }

    /// `a^2 / 2^(52 LIMBS)` modulo `p`.
    #[inline(always)]
    pub fn square<const LIMBS: usize>(self, a: &Lanes<LIMBS>) -> Lanes<LIMBS>
    where
        Self: Modulus<LIMBS>,
    {
        let mut sum = self.no_sum();
        // Every product of two different limbs once, then twice.
        for_limbs!(i below LIMBS; {
            for j in i + 1..LIMBS {
                *sum.limb(i + j) = self.low(*sum.limb(i + j), a.0[i], a.0[j]);
                *sum.limb(i + j + 1) = self.high(*sum.limb(i + j + 1), a.0[i], a.0[j]);
            }
        });
        for (i, own) in a.0.iter().enumerate() {
            let (low, high) = (*sum.limb(2 * i), *sum.limb(2 * i + 1));
            let twice = |x| self.avx512f._mm512_add_epi64(x, x);
            *sum.limb(2 * i) = self.low(twice(low), *own, *own);
            *sum.limb(2 * i + 1) = self.high(twice(high), *own, *own);
        }
        self.reduce(sum)
    }

    /// Adds `a b`.
    #[inline(always)]
    pub fn add_product<const LIMBS: usize>(self, sum: &mut Sum<LIMBS>, a: &Lanes<LIMBS>, b: &Lanes<LIMBS>) {
        for_limbs!(i below LIMBS; {
            for j in 0..LIMBS {
                *sum.limb(i + j) = self.low(*sum.limb(i + j), a.0[i], b.0[j]);
            }
            for j in 0..LIMBS {
                *sum.limb(i + j + 1) = self.high(*sum.limb(i + j + 1), a.0[i], b.0[j]);
            }
        });
    }

    /// Adds `2^(52 LIMBS) a`: Montgomery's one times `a`.
    #[inline(always)]
    pub fn add_one<const LIMBS: usize>(self, sum: &mut Sum<LIMBS>, a: &Lanes<LIMBS>) {
        for (limb, own) in sum.0[1].iter_mut().zip(&a.0) {
            *limb = self.avx512f._mm512_add_epi64(*limb, *own);
        }
    }

    /// Adds other sums.
    #[inline(always)]
    pub fn add_sum<const LIMBS: usize>(self, sum: &mut Sum<LIMBS>, other: &Sum<LIMBS>) {
        for (limb, own) in sum.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *limb = self.avx512f._mm512_add_epi64(*limb, *own);
        }
    }

    /// Limbs of 52 bits again, so that more can be added; the last limb keeps what is left.
    #[inline(always)]
    pub fn carry_sum<const LIMBS: usize>(self, sum: &mut Sum<LIMBS>) {
        let f = self.avx512f;
        for k in 1..2 * LIMBS {
            let before = *sum.limb(k - 1);
            *sum.limb(k) = f._mm512_add_epi64(*sum.limb(k), f._mm512_srli_epi64::<BITS>(before));
            *sum.limb(k - 1) = f._mm512_and_epi64(before, Self::fill(MASK));
        }
    }

    /// The sum over `2^(52 LIMBS)`, modulo `p`: below `sum / 2^(52 LIMBS) + p`, or a little more than `p` where reductions are
    /// [loose](Modulus::LOOSE).
    #[inline(always)]
    pub fn reduce<const LIMBS: usize>(self, mut sum: Sum<LIMBS>) -> Lanes<LIMBS>
    where
        Self: Modulus<LIMBS>,
    {
        let f = self.avx512f;
        for_limbs!(i below LIMBS; {
            if Self::LOOSE && i + 1 < LIMBS {
                // The lowest limb is the multiplier, and goes: m (k p + 1) less m itself.
                let m = f._mm512_and_epi64(*sum.limb(i), Self::fill(MASK));
                let up = f._mm512_srli_epi64::<BITS>(*sum.limb(i));
                *sum.limb(i + 1) = f._mm512_add_epi64(*sum.limb(i + 1), up);
                for j in 0..LIMBS {
                    *sum.limb(i + 1 + j) = self.low(*sum.limb(i + 1 + j), m, Self::fill(Self::LEAST[j]));
                }
                for j in 0..LIMBS {
                    *sum.limb(i + 2 + j) = self.high(*sum.limb(i + 2 + j), m, Self::fill(Self::LEAST[j]));
                }
            } else {
                let m = self.low(Self::fill(0), *sum.limb(i), Self::fill(Self::NEGATED_INVERSE));
                for j in 1..LIMBS {
                    *sum.limb(i + j) = self.low(*sum.limb(i + j), m, Self::fill(Self::P[j]));
                }
                for j in 0..LIMBS {
                    *sum.limb(i + j + 1) = self.high(*sum.limb(i + j + 1), m, Self::fill(Self::P[j]));
                }
                // The lowest limb would become a multiple of 2^52, the next one above or itself: it is rounded up.
                let up = f._mm512_srli_epi64::<BITS>(f._mm512_add_epi64(*sum.limb(i), Self::fill(MASK)));
                *sum.limb(i + 1) = f._mm512_add_epi64(*sum.limb(i + 1), up);
            }
        });
        self.carry(sum.0[1])
    }

    /// Limbs of 52 bits again, from signed ones; the last one keeps the sign of the number, and what is left.
    #[inline(always)]
    fn carry<const LIMBS: usize>(self, mut t: [__m512i; LIMBS]) -> Lanes<LIMBS> {
        let f = self.avx512f;
        for j in 1..LIMBS {
            t[j] = f._mm512_add_epi64(t[j], f._mm512_srai_epi64::<BITS>(t[j - 1]));
            t[j - 1] = f._mm512_and_epi64(t[j - 1], Self::fill(MASK));
        }
        Lanes(t)
    }

    #[inline(always)]
    fn subtract_if_not_less<const LIMBS: usize>(self, a: &Lanes<LIMBS>, limbs: &[u64; LIMBS]) -> Lanes<LIMBS> {
        let f = self.avx512f;
        let rest: Lanes<LIMBS> = self.carry(std::array::from_fn(|j| f._mm512_sub_epi64(a.0[j], Self::fill(limbs[j]))));
        // All ones where the difference is negative.
        let negative = f._mm512_srai_epi64::<63>(rest.0[LIMBS - 1]);
        let pick =
            |j: usize| f._mm512_or_epi64(f._mm512_and_epi64(negative, a.0[j]), f._mm512_andnot_epi64(negative, rest.0[j]));
        Lanes(std::array::from_fn(pick))
    }
}
