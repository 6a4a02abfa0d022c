//! Lanes of the scalar field: five limbs, Montgomery form for `2^260`, and sums of small integers times elements.
//!
//! The modulus is `r = 0.0283 2^260`. So a sum of products that is below `K r^2` reduces to less than `(1 + 0.0284 K) r`, and everything below
//! `35 r` can be a factor; tables hold numbers below `2.2 r`, which fit into four words ([`Packed`]).

use super::{BITS, Lanes, MASK, Memory, Modulus, Scalars, Simd, Sum, WIDTH, limbs, multiple};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use bytemuck::cast;
use std::arch::x86_64::__m512i;
use std::sync::LazyLock;

impl Modulus<5> for Simd {
    const P: [u64; 5] = limbs(Fr::MODULUS.0);
}

impl Memory<4, 5> for Simd {}

/// Eight numbers below `2^256` in memory, word by word.
pub type Packed = [__m512i; 4];

/// Sixteen integers of 32 bits and a sign among them: two a lane.
pub type Integers = __m512i;

/// Eight integers of 52 bits.
pub type Multipliers = __m512i;

/// Eight sums of integers times numbers, not reduced: a limb more than a number.
#[derive(Clone, Copy, Debug)]
pub struct Short(pub(super) [__m512i; 6]);

/// `2^260` modulo `r`: less than `r`, as `35 r` is the largest multiple below `2^260`.
const TOP: [u64; 5] = {
    let (multiple, mut negated, mut borrow, mut i) = (multiple(<Simd as Modulus<5>>::P, 35), [0; 5], 0, 0);
    while i < 5 {
        let limb = -(multiple[i] as i64) - borrow;
        (negated[i], borrow) = (limb as u64 & MASK, (limb < 0) as i64);
        i += 1;
    }
    negated
};

/// `2^52`.
static LIMB: LazyLock<Fr> = LazyLock::new(|| Fr::from(1u64 << BITS));
/// `2^-520`: what turns an unreduced product of two numbers into an element.
static UNSCALE: LazyLock<Fr> = LazyLock::new(|| LIMB.pow([10]).inverse().unwrap_or_default());

impl Simd {
    /// The same element in all lanes, to scale, below `r`.
    #[inline(always)]
    pub fn splat_scalar(self, x: Fr) -> Scalars {
        // Times 2^4, from one Montgomery form to the other.
        let scaled = x.double().double().double().double();
        Lanes(limbs(scaled.0.0).map(Self::fill))
    }

    /// The same element in all lanes for [`reduce_short`](Self::reduce_short), which divides by `2^52`.
    #[inline(always)]
    pub fn splat_short(self, x: Fr) -> Scalars {
        self.splat_scalar(x * *LIMB)
    }

    /// Elements, to scale, below `1.1 r`.
    #[inline(always)]
    pub fn scalars(self, elements: &[Fr; WIDTH]) -> Scalars {
        let words = std::array::from_fn(|j| elements.map(|x| x.0.0[j]));
        // (x 2^256) (2^8 2^256) / 2^260
        self.mul(&self.load(&words), &self.load(&Fr::from(256u64).0.0.map(|word| [word; WIDTH])))
    }

    /// The elements that numbers below `2^260` are to scale.
    #[inline(always)]
    pub fn elements(self, a: &Scalars) -> [Fr; WIDTH] {
        // (x 2^260) 2^256 / 2^260, below 2 r.
        let words = self.store(&self.mul(a, &self.load(&Fr::ONE.0.0.map(|word| [word; WIDTH]))));
        std::array::from_fn(|lane| Fr::new_unchecked(BigInt(words.map(|word: [u64; WIDTH]| word[lane]))))
    }

    /// Numbers from memory.
    #[inline(always)]
    pub fn get(self, packed: &Packed) -> Scalars {
        self.unpack(packed)
    }

    /// Numbers below `2.2 r` for memory.
    #[inline(always)]
    pub fn put(self, a: &Scalars) -> Packed {
        self.pack(a)
    }

    /// What a sum reduces to, as a factor, for sums below `2^525`: below `2^260`.
    ///
    /// Reduced it is below `2^265 + r`. Its bits from `2^260` on are a number of 32 at most, so that what stands for them is at most `32 r`, and all
    /// is below `2^260 + 32 r < 2 2^260`. One such bit at most is left then, above less than `32 r`: less than `33 r` in the end.
    #[inline(always)]
    pub fn reduce_large(self, sum: Sum<5>) -> Scalars {
        self.fold_top(self.fold_top(self.reduce(sum)))
    }

    #[inline(always)]
    fn fold_top(self, a: Scalars) -> Scalars {
        let f = self.avx512f;
        let top = f._mm512_srli_epi64::<BITS>(a.0[4]);
        let mut t = a.0;
        t[4] = f._mm512_and_epi64(t[4], Self::fill(MASK));
        for j in 0..5 {
            t[j] = self.low(t[j], top, Self::fill(TOP[j]));
            if j + 1 < 5 {
                t[j + 1] = self.high(t[j + 1], top, Self::fill(TOP[j]));
            }
        }
        self.carry(t)
    }

    /// The element that a sum of products is to scale, all lanes together.
    pub fn total(self, sum: &Sum<5>) -> Fr {
        let limb = |limb: &__m512i| cast::<_, [u64; WIDTH]>(*limb).into_iter().map(u128::from).sum::<u128>();
        let scaled = sum.0.iter().flatten().rev().fold(Fr::ZERO, |x, l| x * *LIMB + Fr::from(limb(l)));
        scaled * *UNSCALE
    }

    /// Sixteen integers.
    #[inline(always)]
    pub fn integers(self, x: &[i32; 2 * WIDTH]) -> Integers {
        cast(*x)
    }

    /// The same of half as many bits.
    #[inline(always)]
    pub fn short_integers(self, x: &[i16; 2 * WIDTH]) -> Integers {
        self.avx512f._mm512_cvtepi16_epi32(cast(*x))
    }

    /// The same integer sixteen times.
    #[inline(always)]
    pub fn splat_integer(self, x: i32) -> Integers {
        cast([x; 2 * WIDTH])
    }

    /// `a + b`.
    #[inline(always)]
    pub fn add_integers(self, a: Integers, b: Integers) -> Integers {
        self.avx512f._mm512_add_epi32(a, b)
    }

    /// `a - b`.
    #[inline(always)]
    pub fn sub_integers(self, a: Integers, b: Integers) -> Integers {
        self.avx512f._mm512_sub_epi32(a, b)
    }

    /// The integers in order at the places where `mask` has ones, and zeros elsewhere.
    #[inline(always)]
    pub fn spread(self, mask: u16, a: Integers) -> Integers {
        self.avx512f._mm512_maskz_expand_epi32(mask, a)
    }

    /// The first of each two integers, which are not negative.
    #[inline(always)]
    pub fn first(self, a: Integers) -> Multipliers {
        self.avx512f._mm512_and_epi64(a, Self::fill(u32::MAX as u64))
    }

    /// The second of each two integers, which are not negative.
    #[inline(always)]
    pub fn second(self, a: Integers) -> Multipliers {
        self.avx512f._mm512_srli_epi64::<32>(a)
    }

    /// The first of each two integers of `a` times the second of those of `b`.
    #[inline(always)]
    pub fn cross(self, a: Integers, b: Integers) -> Multipliers {
        self.avx512f._mm512_mul_epi32(a, self.avx512f._mm512_srli_epi64::<32>(b))
    }

    /// Eight integers from 0 to `2^52`, or what becomes that when something is added.
    #[inline(always)]
    pub fn multipliers(self, x: &[i64; WIDTH]) -> Multipliers {
        cast(*x)
    }

    /// The same multiplier eight times.
    #[inline(always)]
    pub fn splat_multiplier(self, x: i64) -> Multipliers {
        Self::fill(x as u64)
    }

    /// `a + b`.
    #[inline(always)]
    pub fn add_multipliers(self, a: Multipliers, b: Multipliers) -> Multipliers {
        self.avx512f._mm512_add_epi64(a, b)
    }

    /// The numbers at even and at odd places among sixteen.
    #[inline(always)]
    pub fn unzip(self, [a, b]: [&Scalars; 2]) -> [Scalars; 2] {
        let pick = |first: u64| {
            let places: [u64; WIDTH] = std::array::from_fn(|i| first + 2 * i as u64);
            Lanes(std::array::from_fn(|j| self.avx512f._mm512_permutex2var_epi64(a.0[j], cast(places), b.0[j])))
        };
        [pick(0), pick(1)]
    }

    /// A sum that starts from numbers.
    #[inline(always)]
    pub fn short(self, a: &Scalars) -> Short {
        let [a, b, c, d, e] = a.0;
        Short([a, b, c, d, e, Self::fill(0)])
    }

    /// Adds numbers.
    #[inline(always)]
    pub fn add_number(self, sum: &mut Short, a: &Scalars) {
        for (limb, own) in sum.0.iter_mut().zip(a.0) {
            *limb = self.avx512f._mm512_add_epi64(*limb, own);
        }
    }

    /// Adds `x a`, for integers from 0 to `2^52`. A limb takes 2048 of these.
    #[inline(always)]
    pub fn add_multiple(self, sum: &mut Short, x: Multipliers, a: &Scalars) {
        for j in 0..5 {
            sum.0[j] = self.low(sum.0[j], x, a.0[j]);
            sum.0[j + 1] = self.high(sum.0[j + 1], x, a.0[j]);
        }
    }

    /// Limbs of 52 bits again, so that more can be added; the last limb keeps what is left.
    #[inline(always)]
    pub fn carry_short(self, Short(t): &mut Short) {
        let f = self.avx512f;
        for j in 1..6 {
            t[j] = f._mm512_add_epi64(t[j], f._mm512_srli_epi64::<BITS>(t[j - 1]));
            t[j - 1] = f._mm512_and_epi64(t[j - 1], Self::fill(MASK));
        }
    }

    /// The sum over `2^52`, modulo `r`: below `sum / 2^52 + r`, which has to be below `2^260`.
    #[inline(always)]
    pub fn reduce_short(self, Short(mut t): Short) -> Scalars {
        let (f, p) = (self.avx512f, <Self as Modulus<5>>::P);
        let m = self.low(Self::fill(0), t[0], Self::fill(<Self as Modulus<5>>::NEGATED_INVERSE));
        for j in 1..5 {
            t[j] = self.low(t[j], m, Self::fill(p[j]));
        }
        for j in 0..5 {
            t[j + 1] = self.high(t[j + 1], m, Self::fill(p[j]));
        }
        let up = f._mm512_srli_epi64::<BITS>(f._mm512_add_epi64(t[0], Self::fill(MASK)));
        self.carry([f._mm512_add_epi64(t[1], up), t[2], t[3], t[4], t[5]])
    }
}
