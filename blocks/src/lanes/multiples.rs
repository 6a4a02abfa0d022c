//! Integers of every width as multipliers, and what sums of their multiples come to.

use super::scalar::{Multipliers, Short};
use super::{Simd, WIDTH};
use crate::integers::Integer;
use bytemuck::cast;

/// Integers that are loaded eight at a time.
pub trait Loaded: Integer {
    /// Eight integers, with their signs.
    fn load(simd: Simd, x: &[Self; WIDTH]) -> Multipliers;
}

impl Loaded for i8 {
    #[inline(always)]
    fn load(simd: Simd, x: &[Self; WIDTH]) -> Multipliers {
        simd.avx512f._mm512_cvtepi8_epi64(cast([cast::<_, u64>(*x), 0]))
    }
}

impl Loaded for i16 {
    #[inline(always)]
    fn load(simd: Simd, x: &[Self; WIDTH]) -> Multipliers {
        simd.avx512f._mm512_cvtepi16_epi64(cast(*x))
    }
}

impl Loaded for i32 {
    #[inline(always)]
    fn load(simd: Simd, x: &[Self; WIDTH]) -> Multipliers {
        simd.avx512f._mm512_cvtepi32_epi64(cast(*x))
    }
}

impl Loaded for i64 {
    #[inline(always)]
    fn load(simd: Simd, x: &[Self; WIDTH]) -> Multipliers {
        simd.multipliers(x)
    }
}

impl Simd {
    /// The sum of the lanes of each of eight sums, below `2^312` together, in a lane of its own.
    #[inline(always)]
    pub fn across(self, mut sums: [Short; WIDTH]) -> Short {
        for sum in &mut sums {
            // Limbs of 52 bits then: eight of them are a limb of 55.
            self.carry_short(sum);
        }
        let limbs: [[[u64; WIDTH]; 6]; WIDTH] = sums.map(|Short(limbs)| limbs.map(cast));
        Short(std::array::from_fn(|j| cast::<[u64; WIDTH], _>(std::array::from_fn(|row| limbs[row][j].iter().sum()))))
    }
}
