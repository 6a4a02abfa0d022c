//! Lanes of the base field: eight limbs, Montgomery form for `2^416`.
//!
//! What is loaded stands for `2^-32` times the element, and what is stored is `2^32` times what the lanes stand for. A product of two numbers is
//! below `1.001 p`, as long as it is one of less than `2^25 p^2`.

use super::{Base, Lanes, MASK, Memory, Modulus, Simd, WIDTH, Words, limbs};
use ark_bls12_381::Fq;
use ark_ff::{BigInt, PrimeField};

impl Modulus<8> for Simd {
    const P: [u64; 8] = limbs(Fq::MODULUS.0);
}

impl Memory<6, 8> for Simd {}

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
}
