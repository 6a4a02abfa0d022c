//! Affine points without a flag.

use super::inverse::inverse;
use ark_bls12_381::{Fq, G1Affine, G1Projective};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, Field, Zero};

/// A point of the curve, or `(0, 0)`, which is not on it, for the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub(super) x: Fq,
    pub(super) y: Fq,
}

impl Default for Point {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl From<&G1Affine> for Point {
    fn from(point: &G1Affine) -> Self {
        point.xy().map_or(Self::IDENTITY, |(x, y)| Self { x, y })
    }
}

impl From<&G1Projective> for Point {
    fn from(point: &G1Projective) -> Self {
        inverse(&point.z).map_or(Self::IDENTITY, |z| {
            let square = z.square();
            Self { x: point.x * square, y: point.y * (square * z) }
        })
    }
}

impl From<&Point> for G1Affine {
    fn from(point: &Point) -> Self {
        if point.is_identity() { Self::identity() } else { Self::new_unchecked(point.x, point.y) }
    }
}

impl Point {
    /// The neutral element.
    pub const IDENTITY: Self = Self { x: Fq::ZERO, y: Fq::ZERO };

    /// Whether this is the neutral element. (No point of the group has `y = 0`: that would have order two.)
    pub(super) fn is_identity(&self) -> bool {
        self.y.is_zero() && self.x.is_zero()
    }

    /// The inverse of the point, if asked for.
    pub(super) fn negate_if(mut self, negative: bool) -> Self {
        if negative {
            self.y = -self.y;
        }
        self
    }

    /// What [`add`](Self::add) divides by; never zero.
    pub(super) fn divisor(&self, other: &Self) -> Fq {
        let difference = other.x - self.x;
        if difference.is_zero() || self.is_identity() || other.is_identity() {
            self.exceptional_divisor(other)
        } else {
            difference
        }
    }

    #[cold]
    fn exceptional_divisor(&self, other: &Self) -> Fq {
        let doubling = self == other && !self.y.is_zero();
        if doubling { self.y.double() } else { Fq::ONE }
    }

    /// The sum, given the inverse of the divisor.
    pub(super) fn add(&self, other: &Self, inverse: Fq) -> Self {
        let difference = other.x - self.x;
        let slope = if difference.is_zero() || self.is_identity() || other.is_identity() {
            match self.exceptional_slope(other, inverse) {
                Ok(slope) => slope,
                Err(sum) => return sum,
            }
        } else {
            (other.y - self.y) * inverse
        };
        let x = slope.square() - self.x - other.x;
        Self { x, y: slope * (self.x - x) - self.y }
    }

    /// The tangent's slope, or the sum itself.
    #[cold]
    fn exceptional_slope(&self, other: &Self, inverse: Fq) -> Result<Fq, Self> {
        if self.is_identity() {
            Err(*other)
        } else if other.is_identity() {
            Err(*self)
        } else if self == other && !self.y.is_zero() {
            let square = self.x.square();
            Ok((square.double() + square) * inverse)
        } else {
            Err(Self::IDENTITY)
        }
    }
}
