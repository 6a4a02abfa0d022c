//! What the entries of a tensor are: reals, integers or booleans.
//!
//! A domain follows from the types that the ONNX file declares and from the operations, never from values: an audit repeats it without
//! weights. It says of integers where they lie as far as types tell.

use ndarray::ArrayD;
use zktorch_blocks::program::Element;

/// Integers up to this magnitude are floats of 64 bits.
pub const EXACT: i64 = 1 << 53;

/// What the entries of a tensor are. Integers and booleans are carried exactly, at scale 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Real numbers.
    Real,
    /// Integers from `lo` to `hi`; nothing is known of where they lie if these are `-2^53` and `2^53`.
    Integer {
        /// Smallest.
        lo: i64,
        /// Largest.
        hi: i64,
    },
    /// 0 and 1.
    Boolean,
}

impl Domain {
    /// Any integer.
    pub const ANY: Self = Self::Integer { lo: -EXACT, hi: EXACT };

    /// Whether entries are integers.
    pub fn is_exact(self) -> bool {
        self != Self::Real
    }

    /// What this is for an input or output.
    pub fn element(self) -> Element {
        match self {
            Self::Real => Element::Real,
            Self::Integer { .. } => Element::Integer,
            Self::Boolean => Element::Boolean,
        }
    }

    /// Where integers lie; none for reals.
    pub fn range(self) -> Option<(i64, i64)> {
        match self {
            Self::Real => None,
            Self::Integer { lo, hi } => Some((lo, hi)),
            Self::Boolean => Some((0, 1)),
        }
    }

    /// Whether a value is one of these.
    pub fn contains(self, value: f64) -> bool {
        self.range().is_none_or(|(lo, hi)| value.fract() == 0.0 && value >= lo as f64 && value <= hi as f64)
    }

    /// Any integers if all of the values are integers, else reals.
    pub(super) fn of_values(values: &ArrayD<f64>) -> Self {
        if values.iter().all(|v| v.fract() == 0.0 && v.abs() <= EXACT as f64) { Self::ANY } else { Self::Real }
    }

    /// What is known of values of which both are known.
    pub(super) fn meet(self, other: Self) -> Self {
        match (self, other) {
            (Self::Real, known) | (known, Self::Real) => known,
            (Self::Boolean, _) | (_, Self::Boolean) => Self::Boolean,
            (Self::Integer { lo: a, hi: b }, Self::Integer { lo: c, hi: d }) => {
                Self::Integer { lo: a.max(c), hi: b.min(d).max(a.max(c)) }
            }
        }
    }

    /// What is known of values of either.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (a, b) => match (a.range(), b.range()) {
                (Some((a, b)), Some((c, d))) => Self::Integer { lo: a.min(c), hi: b.max(d) },
                _ => Self::Real,
            },
        }
    }

    /// Integers between the smallest and the largest of some numbers.
    pub(crate) fn hull(corners: &[i128]) -> Self {
        let bound = |v: i128| v.clamp(-i128::from(EXACT), i128::from(EXACT)) as i64;
        let (lo, hi) = corners.iter().fold((i128::MAX, i128::MIN), |(lo, hi), &v| (lo.min(v), hi.max(v)));
        if corners.is_empty() { Self::ANY } else { Self::Integer { lo: bound(lo), hi: bound(hi) } }
    }

    /// Integers between the smallest and the largest of the corners that a function of two entries has on `[a, b]` and `[c, d]`; reals
    /// unless both are integers.
    pub(crate) fn of_pair(operands: &[Self], corners: impl Fn([i128; 4]) -> Vec<i128>) -> Self {
        let [x, y] = operands else { return Self::Real };
        let (Some((a, b)), Some((c, d))) = (x.range(), y.range()) else { return Self::Real };
        Self::hull(&corners([a, b, c, d].map(i128::from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Add, Max, Mul, Op, Select, Sub, Unary};

    fn infer(op: &Op, operands: &[Domain]) -> Domain {
        op.operator().domain(operands)
    }

    fn integers(lo: i64, hi: i64) -> Domain {
        Domain::Integer { lo, hi }
    }

    #[test]
    fn ranges_of_integers() {
        let (a, b) = (integers(-3, 5), integers(2, 4));
        assert_eq!(infer(&Op::Add(Add), &[a, b]), integers(-1, 9));
        assert_eq!(infer(&Op::Sub(Sub), &[a, b]), integers(-7, 3));
        assert_eq!(infer(&Op::Mul(Mul), &[a, b]), integers(-12, 20));
        assert_eq!(infer(&Op::Max(Max), &[a, b]), integers(2, 5));
        assert_eq!(infer(&Op::Unary(Unary::Square), &[a]), integers(0, 25));
        assert_eq!(infer(&Op::Unary(Unary::Abs), &[a]), integers(0, 5));
        assert_eq!(infer(&Op::Unary(Unary::Clip { lo: 0.0, hi: f64::INFINITY }), &[a]), integers(0, 5));
        assert_eq!(infer(&Op::Mul(Mul), &[Domain::ANY, Domain::ANY]), Domain::ANY);
        assert_eq!(infer(&Op::Add(Add), &[a, Domain::Real]), Domain::Real);
        assert_eq!(infer(&Op::Select(Select), &[Domain::Boolean, a, b]), integers(-3, 5));
    }

    #[test]
    fn what_is_known_of_booleans() {
        assert_eq!(infer(&Op::Max(Max), &[Domain::Boolean; 2]), Domain::Boolean);
        assert_eq!(infer(&Op::Add(Add), &[Domain::Boolean; 2]), integers(0, 2));
        assert_eq!(infer(&Op::Unary(Unary::ToReal), &[Domain::Boolean]), Domain::Real);
        assert_eq!(Domain::Real.meet(Domain::Boolean), Domain::Boolean);
        assert!(Domain::Boolean.contains(1.0) && !Domain::Boolean.contains(0.5) && !Domain::Boolean.contains(2.0));
    }
}
