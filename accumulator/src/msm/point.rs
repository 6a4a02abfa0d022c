//! Affine points without a flag.

use super::inverse::inverse;
use ark_bls12_381::{Fq, G1Affine, G1Projective};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, Field, Zero};

/// A point of the curve, or `(0, 0)`, which is not on it, for the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    pub(super) x: Fq,
    pub(super) y: Fq,
}

impl Default for CurvePoint {
    fn default() -> Self {
        Self::IDENTITY
    }
}

impl From<&G1Affine> for CurvePoint {
    fn from(point: &G1Affine) -> Self {
        point.xy().map_or(Self::IDENTITY, |(x, y)| Self { x, y })
    }
}

impl From<&G1Projective> for CurvePoint {
    fn from(point: &G1Projective) -> Self {
        inverse(&point.z).map_or(Self::IDENTITY, |z| {
            let square = z.square();
            Self { x: point.x * square, y: point.y * (square * z) }
        })
    }
}

impl From<&CurvePoint> for G1Affine {
    fn from(point: &CurvePoint) -> Self {
        if point.is_identity() { Self::identity() } else { Self::new_unchecked(point.x, point.y) }
    }
}

impl CurvePoint {
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

    /// A second point of the line through both: the other one, or one of the tangent where they are equal. Or their sum, where that takes no line.
    #[inline(always)]
    pub(super) fn line(&self, other: &Self) -> Result<Self, Self> {
        if self.x == other.x || self.is_identity() || other.is_identity() {
            self.exceptional_line(other)
        } else {
            Ok(*other)
        }
    }

    #[cold]
    fn exceptional_line(&self, other: &Self) -> Result<Self, Self> {
        if self.is_identity() {
            Err(*other)
        } else if self == other && !self.y.is_zero() {
            let square = self.x.square();
            Ok(Self { x: self.x + self.y.double(), y: self.y + square.double() + square })
        } else if other.is_identity() {
            Err(*self)
        } else {
            Err(Self::IDENTITY)
        }
    }

    /// The sum, given a second point of the line through both and the inverse of how far that is from the first, in `x`.
    pub(super) fn add(&self, other: &Self, line: &Self, inverse: Fq) -> Self {
        let slope = (line.y - self.y) * inverse;
        let x = slope.square() - self.x - other.x;
        Self { x, y: slope * (self.x - x) - self.y }
    }
}
