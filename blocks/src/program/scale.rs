//! Scales: which real number an integer stands for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// How many bits of an integer stand behind the point: `real = value * 2^-scale`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scale(pub i32);

impl Scale {
    /// How many units one is: `2^scale`.
    pub fn units(self) -> f64 {
        f64::from(self.0).exp2()
    }
}

/// The scale of a product.
impl Add for Scale {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// The scale that is finer by so many bits.
impl Add<i32> for Scale {
    type Output = Self;

    fn add(self, bits: i32) -> Self {
        Self(self.0 + bits)
    }
}

/// The scale that is coarser by so many bits.
impl Sub<i32> for Scale {
    type Output = Self;

    fn sub(self, bits: i32) -> Self {
        Self(self.0 - bits)
    }
}

/// The bits by which one scale is finer than another: the shift from that to this.
impl Sub for Scale {
    type Output = i32;

    fn sub(self, other: Self) -> i32 {
        self.0 - other.0
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
