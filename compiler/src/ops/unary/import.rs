//! From tract's functions of one entry, and functions of two of which one is a constant.

use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::element_wise::ElementWiseMiniOp;
use tract_onnx::tract_core::ops::{logic, math, nn};

use super::{NotFinite, Unary};
use crate::graph::{Domain, NodeId};
use crate::import::{Refusal, Site, Translator, domain_of};

/// A function of tract's.
pub(super) fn function(op: &dyn ElementWiseMiniOp) -> Option<Unary> {
    if let Some(op) = op.downcast_ref::<nn::LeakyRelu>() {
        return Some(Unary::LeakyRelu(op.alpha));
    }
    if let Some(op) = op.downcast_ref::<math::PowConst>() {
        return Some(power(op.exponent.into()));
    }
    if let Some(op) = op.downcast_ref::<nn::gelu_approximate::GeluApproximate>() {
        return (!op.fast_impl).then_some(Unary::GeluTanh);
    }
    if let Some(&math::IsInf { detect_positive: positive, detect_negative: negative }) = op.downcast_ref() {
        return Some(Unary::NotFinite(NotFinite { nan: false, positive, negative }));
    }
    macro_rules! plain {
        ($($tract:path => $unary:expr),* $(,)?) => {
            $(if op.is::<$tract>() { return Some($unary); })*
        };
    }
    plain! {
        nn::Sigmoid => Unary::Sigmoid,
        nn::HardSwish => Unary::HardSwish,
        nn::silu::Silu => Unary::Silu,
        nn::gelu_exact::GeluExact => Unary::Gelu,
        logic::Not => Unary::Not,
        math::IsNan => Unary::NotFinite(NotFinite { nan: true, positive: false, negative: false }),
        math::Tanh => Unary::Tanh,
        math::Erf => Unary::Erf,
        math::Exp => Unary::Exp,
        math::Ln => Unary::Log,
        math::Sqrt => Unary::Sqrt,
        math::Rsqrt => Unary::Rsqrt,
        math::Recip => Unary::Recip,
        math::Abs => Unary::Abs,
        math::Neg => Unary::Neg,
        math::Square => Unary::Square,
        math::Sign => Unary::Sign,
        math::Floor => Unary::Floor,
        math::Ceil => Unary::Ceil,
        math::RoundHalfToEven => Unary::Round,
        math::Sin => Unary::Sin,
        math::Cos => Unary::Cos,
        math::Tan => Unary::Tan,
        math::Asin => Unary::Asin,
        math::Acos => Unary::Acos,
        math::Atan => Unary::Atan,
        math::Sinh => Unary::Sinh,
        math::Cosh => Unary::Cosh,
        math::Asinh => Unary::Asinh,
        math::Acosh => Unary::Acosh,
        math::Atanh => Unary::Atanh,
    }
    None
}

/// `x^exponent` under its common name.
fn power(exponent: f64) -> Unary {
    match exponent {
        2.0 => Unary::Square,
        0.5 => Unary::Sqrt,
        -0.5 => Unary::Rsqrt,
        -1.0 => Unary::Recip,
        other => Unary::Pow(other),
    }
}

/// A power with a constant exponent.
pub(super) fn with_constant(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, Refusal>> {
    op.is::<math::Pow>().then(|| {
        let Some(exponent) = t.uniform(site, 1) else { return super::super::power::import(t, site) };
        let x = t.operand(site, 0)?;
        let power = t.add(site, power(exponent), &[x])?;
        Ok(t.broadcast(site, power, &site.shape))
    })
}

/// The larger (`lower`) or smaller of an operand and a constant bound.
pub(crate) fn clip(t: &mut Translator<'_>, site: &Site<'_>, x: usize, bound: f64, lower: bool) -> Result<NodeId, Refusal> {
    let x = t.operand(site, x)?;
    let unary = match (lower, bound) {
        (true, 0.0) => Unary::Relu,
        (true, lo) => Unary::Clip { lo, hi: f64::INFINITY },
        (false, hi) => Unary::Clip { lo: f64::NEG_INFINITY, hi },
    };
    let clipped = t.add(site, unary, &[x])?;
    Ok(t.broadcast(site, clipped, &site.shape))
}

/// A cast: reals to integers round towards zero, integers to fewer bits wrap around, and whatever is not 0 is true.
pub(super) fn cast(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    let to = domain_of(site.op::<Cast>()?.to)?;
    let x = t.operand(site, 0)?;
    let function = match (t.graph.domain(x), to) {
        (Domain::Real, Domain::Real) | (Domain::Boolean, Domain::Boolean) => return Ok(x),
        // It stays what it is, and is no boolean any more.
        (Domain::Boolean, Domain::Integer { .. }) => Unary::Wrap { lo: 0, hi: 1 },
        (_, Domain::Real) => Unary::ToReal,
        (_, Domain::Boolean) => Unary::NonZero,
        (Domain::Real, Domain::Integer { .. }) => Unary::Trunc,
        // What does not fit the type wraps around like any result.
        (Domain::Integer { .. }, Domain::Integer { .. }) => return Ok(x),
    };
    t.add(site, function, &[x])
}
