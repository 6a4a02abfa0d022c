//! What functions give of integers and booleans.

use super::Unary;
use crate::graph::Domain;

/// The domain of a function's results.
pub(super) fn of(function: &Unary, x: Domain) -> Domain {
    match (function, x.range()) {
        (Unary::NonZero | Unary::Not | Unary::NotFinite(_), _) => Domain::Boolean,
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
        Unary::NonZero | Unary::Not | Unary::NotFinite(_) => Domain::Boolean,
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
