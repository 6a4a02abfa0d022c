//! What the entries of a tensor are: reals, integers or booleans.
//!
//! A domain follows from the types that the ONNX file declares and from the operations, never from values: an audit repeats it without
//! weights. It says of integers where they lie as far as types tell.

use ndarray::ArrayD;
use zktorch_blocks::program::Element;

use super::{Op, ReduceKind, Unary};

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
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (a, b) => match (a.range(), b.range()) {
                (Some((a, b)), Some((c, d))) => Self::Integer { lo: a.min(c), hi: b.max(d) },
                _ => Self::Real,
            },
        }
    }

    /// Integers between the smallest and the largest of some numbers.
    fn hull(corners: &[i128]) -> Self {
        let bound = |v: i128| v.clamp(-i128::from(EXACT), i128::from(EXACT)) as i64;
        let (lo, hi) = corners.iter().fold((i128::MAX, i128::MIN), |(lo, hi), &v| (lo.min(v), hi.max(v)));
        if corners.is_empty() { Self::ANY } else { Self::Integer { lo: bound(lo), hi: bound(hi) } }
    }
}

/// What an operation gives on operands of these domains. Inputs and constants have domains of their own.
pub(super) fn infer(op: &Op, operands: &[Domain]) -> Domain {
    let first = operands.first().copied().unwrap_or(Domain::Real);
    let exact = !operands.is_empty() && operands.iter().all(|d| d.is_exact());
    let integers = if exact { Domain::ANY } else { Domain::Real };
    match op {
        Op::Input { .. } | Op::Constant(_) => Domain::Real,
        Op::Conv { .. } | Op::Einsum { .. } | Op::PRelu | Op::Reduce { kind: ReduceKind::Sum, .. } => integers,
        Op::Add | Op::Sub | Op::Mul | Op::Max | Op::Min => pair(op, operands),
        Op::Compare(_) => Domain::Boolean,
        Op::Select => operands.get(1).zip(operands.get(2)).map_or(Domain::Real, |(a, b)| a.join(*b)),
        Op::Unary(function) => unary(function, first),
        Op::Div
        | Op::AveragePool { .. }
        | Op::Reduce { kind: ReduceKind::Mean, .. }
        | Op::Softmax { .. }
        | Op::LogSoftmax { .. }
        | Op::MaskedSoftmax { .. }
        | Op::ColumnScale(_) => Domain::Real,
        Op::Concat { .. } => operands.iter().copied().reduce(Domain::join).unwrap_or(Domain::Real),
        Op::Pad { value, .. } if value.fract() == 0.0 && value.abs() <= EXACT as f64 => match first {
            Domain::Real => Domain::Real,
            inner => inner.join(Domain::Integer { lo: *value as i64, hi: *value as i64 }),
        },
        Op::Pad { .. } => Domain::Real,
        Op::MaxPool(_)
        | Op::Reduce { kind: ReduceKind::Max | ReduceKind::Min, .. }
        | Op::Reshape
        | Op::Transpose(_)
        | Op::Slice { .. }
        | Op::Broadcast
        | Op::Take { .. } => first,
    }
}

fn pair(op: &Op, operands: &[Domain]) -> Domain {
    let [a, b] = operands else { return Domain::Real };
    let (Some((a_lo, a_hi)), Some((b_lo, b_hi))) = (a.range(), b.range()) else { return Domain::Real };
    let [a_lo, a_hi, b_lo, b_hi] = [a_lo, a_hi, b_lo, b_hi].map(i128::from);
    match op {
        Op::Max | Op::Min if *a == Domain::Boolean && *b == Domain::Boolean => Domain::Boolean,
        Op::Max => Domain::hull(&[a_lo.max(b_lo), a_hi.max(b_hi)]),
        Op::Min => Domain::hull(&[a_lo.min(b_lo), a_hi.min(b_hi)]),
        Op::Add => Domain::hull(&[a_lo + b_lo, a_hi + b_hi]),
        Op::Sub => Domain::hull(&[a_lo - b_hi, a_hi - b_lo]),
        _ => Domain::hull(&[a_lo * b_lo, a_lo * b_hi, a_hi * b_lo, a_hi * b_hi]),
    }
}

fn unary(function: &Unary, x: Domain) -> Domain {
    match (function, x.range()) {
        (Unary::NonZero, _) => Domain::Boolean,
        (Unary::Trunc, None) => Domain::ANY,
        (&Unary::Wrap { lo, hi }, _) => Domain::Integer { lo, hi },
        (Unary::ToReal, _) => Domain::Real,
        // Whole numbers among reals are reals by their type.
        (_, None) => Domain::Real,
        (function, Some((lo, hi))) => of_integers(function, x, [lo, hi].map(i128::from)),
    }
}

/// What a function gives of integers in a range.
fn of_integers(function: &Unary, x: Domain, [lo, hi]: [i128; 2]) -> Domain {
    let bounds = |f: &dyn Fn(i128) -> i128| {
        // All of these functions turn at 0 at most.
        let turn = (lo <= 0 && 0 <= hi).then(|| f(0));
        Domain::hull(&[f(lo), f(hi)].into_iter().chain(turn).collect::<Vec<_>>())
    };
    match *function {
        Unary::Relu => bounds(&|v| v.max(0)),
        Unary::Abs => bounds(&|v| v.abs()),
        Unary::Neg => bounds(&|v| -v),
        Unary::Square => bounds(&|v| v * v),
        Unary::Sign => bounds(&|v| v.signum()),
        Unary::Clip { lo, hi } if [lo, hi].iter().all(|b| b.is_infinite() || b.fract() == 0.0) => {
            bounds(&|v| (v as f64).max(lo).min(hi) as i128)
        }
        Unary::NonZero => Domain::Boolean,
        Unary::Wrap { lo, hi } => Domain::Integer { lo, hi },
        Unary::Trunc | Unary::Floor | Unary::Ceil | Unary::Round => x,
        Unary::ThresholdedRelu(_) => Domain::ANY,
        Unary::ToReal
        | Unary::Clip { .. }
        | Unary::LeakyRelu(_)
        | Unary::Sigmoid
        | Unary::Tanh
        | Unary::HardSwish
        | Unary::HardSigmoid { .. }
        | Unary::Erf
        | Unary::Gelu
        | Unary::GeluTanh
        | Unary::Silu
        | Unary::Mish
        | Unary::Exp
        | Unary::Log
        | Unary::Sqrt
        | Unary::Rsqrt
        | Unary::Recip
        | Unary::Pow(_)
        | Unary::Softplus
        | Unary::Softsign
        | Unary::Elu(_)
        | Unary::Selu { .. }
        | Unary::Celu(_)
        | Unary::Sin
        | Unary::Cos
        | Unary::Tan
        | Unary::Asin
        | Unary::Acos
        | Unary::Atan
        | Unary::Sinh
        | Unary::Cosh
        | Unary::Asinh
        | Unary::Acosh
        | Unary::Atanh
        | Unary::Composite(_) => Domain::Real,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(lo: i64, hi: i64) -> Domain {
        Domain::Integer { lo, hi }
    }

    #[test]
    fn ranges_of_integers() {
        let (a, b) = (integers(-3, 5), integers(2, 4));
        assert_eq!(infer(&Op::Add, &[a, b]), integers(-1, 9));
        assert_eq!(infer(&Op::Sub, &[a, b]), integers(-7, 3));
        assert_eq!(infer(&Op::Mul, &[a, b]), integers(-12, 20));
        assert_eq!(infer(&Op::Max, &[a, b]), integers(2, 5));
        assert_eq!(infer(&Op::Unary(Unary::Square), &[a]), integers(0, 25));
        assert_eq!(infer(&Op::Unary(Unary::Abs), &[a]), integers(0, 5));
        assert_eq!(infer(&Op::Unary(Unary::Clip { lo: 0.0, hi: f64::INFINITY }), &[a]), integers(0, 5));
        assert_eq!(infer(&Op::Mul, &[Domain::ANY, Domain::ANY]), Domain::ANY);
        assert_eq!(infer(&Op::Add, &[a, Domain::Real]), Domain::Real);
        assert_eq!(infer(&Op::Select, &[Domain::Boolean, a, b]), integers(-3, 5));
    }

    #[test]
    fn what_is_known_of_booleans() {
        assert_eq!(infer(&Op::Max, &[Domain::Boolean; 2]), Domain::Boolean);
        assert_eq!(infer(&Op::Add, &[Domain::Boolean; 2]), integers(0, 2));
        assert_eq!(infer(&Op::Unary(Unary::ToReal), &[Domain::Boolean]), Domain::Real);
        assert_eq!(Domain::Real.meet(Domain::Boolean), Domain::Boolean);
        assert!(Domain::Boolean.contains(1.0) && !Domain::Boolean.contains(0.5) && !Domain::Boolean.contains(2.0));
    }
}
