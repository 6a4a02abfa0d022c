//! Functions of one, two or three entries.

use tract_onnx::tract_core::ops::binary::{BinMiniOp, TypedBinOp};
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::element_wise::{ElementWiseMiniOp, ElementWiseOp};
use tract_onnx::tract_core::ops::logic::{CompEq, CompGT, CompGTE, CompLT, CompLTE};
use tract_onnx::tract_core::ops::{math, nn};

use crate::graph::{Comparison, Domain, NodeId, Op, Unary};
use crate::import::translate::{Refusal, Site, Translator, domain_of};

const UNKNOWN: &str = "this operator is not supported";

/// Any operator that tract keeps behind its unary and binary wrappers.
pub(in crate::import) fn by_mini_op(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    if let Some(op) = site.node.op_as::<TypedBinOp>() {
        return binary(t, site, &*op.0);
    }
    if let Some(op) = site.node.op_as::<ElementWiseOp>() {
        let x = t.operand(site, 0)?;
        let unary = unary(&*op.0).ok_or(UNKNOWN)?;
        return t.add(site, Op::Unary(unary), &[x]);
    }
    Err(UNKNOWN.to_owned())
}

fn unary(op: &dyn ElementWiseMiniOp) -> Option<Unary> {
    if let Some(op) = op.downcast_ref::<nn::LeakyRelu>() {
        return Some(Unary::LeakyRelu(op.alpha));
    }
    if let Some(op) = op.downcast_ref::<math::PowConst>() {
        return Some(power(op.exponent.into()));
    }
    if let Some(op) = op.downcast_ref::<nn::gelu_approximate::GeluApproximate>() {
        return (!op.fast_impl).then_some(Unary::GeluTanh);
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

fn binary(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Result<NodeId, Refusal> {
    if op.is::<math::Pow>() {
        let exponent = t.uniform(site, 1).ok_or("only a constant exponent, one for all entries, is supported")?;
        let x = t.operand(site, 0)?;
        let power = t.add(site, Op::Unary(power(exponent)), &[x])?;
        return Ok(t.broadcast(site, power, &site.shape));
    }
    if op.is::<math::Max>() || op.is::<math::Min>() {
        for (bound, x) in [(1, 0), (0, 1)] {
            if let Some(bound) = t.uniform(site, bound) {
                return clip(t, site, x, bound, op.is::<math::Max>());
            }
        }
    }
    if op.is::<math::Div>() && t.operand_type(site, 0)?.is_integer() {
        return Err("integer division of values that depend on inputs is not supported".to_owned());
    }
    let (op, swapped) = binary_op(op).ok_or(UNKNOWN)?;
    let (a, b) = (t.operand(site, usize::from(swapped))?, t.operand(site, usize::from(!swapped))?);
    let a = t.broadcast(site, a, &site.shape);
    let b = t.broadcast(site, b, &site.shape);
    t.add(site, op, &[a, b])
}

/// The op, and whether its operands change places.
fn binary_op(op: &dyn BinMiniOp) -> Option<(Op, bool)> {
    macro_rules! plain {
        ($($tract:path => $op:expr, $swapped:literal;)*) => {
            $(if op.is::<$tract>() { return Some(($op, $swapped)); })*
        };
    }
    plain! {
        math::Add => Op::Add, false;
        math::Sub => Op::Sub, false;
        math::SubF => Op::Sub, true;
        math::Mul => Op::Mul, false;
        math::Div => Op::Div, false;
        math::Max => Op::Max, false;
        math::Min => Op::Min, false;
        CompLT => Op::Compare(Comparison::Less), false;
        CompGT => Op::Compare(Comparison::Less), true;
        CompLTE => Op::Compare(Comparison::LessEqual), false;
        CompGTE => Op::Compare(Comparison::LessEqual), true;
        CompEq => Op::Compare(Comparison::Equal), false;
    }
    None
}

/// The larger (`lower`) or smaller of an operand and a constant bound.
fn clip(t: &mut Translator<'_>, site: &Site<'_>, x: usize, bound: f64, lower: bool) -> Result<NodeId, Refusal> {
    let x = t.operand(site, x)?;
    let unary = match (lower, bound) {
        (true, 0.0) => Unary::Relu,
        (true, lo) => Unary::Clip { lo, hi: f64::INFINITY },
        (false, hi) => Unary::Clip { lo: f64::NEG_INFINITY, hi },
    };
    let clipped = t.add(site, Op::Unary(unary), &[x])?;
    Ok(t.broadcast(site, clipped, &site.shape))
}

/// A cast: reals to integers round towards zero, integers to fewer bits wrap around, and whatever is not 0 is true.
pub(in crate::import) fn cast(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
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
    t.add(site, Op::Unary(function), &[x])
}

/// `where(condition, a, b)`; a known, uniform condition picks its branch.
pub(in crate::import) fn select(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, Refusal> {
    if let Some(condition) = t.uniform(site, 0) {
        let branch = t.operand(site, if condition != 0.0 { 1 } else { 2 })?;
        return Ok(t.broadcast(site, branch, &site.shape));
    }
    let mut operands = Vec::with_capacity(3);
    for index in 0..3 {
        let operand = t.operand(site, index)?;
        operands.push(t.broadcast(site, operand, &site.shape));
    }
    t.add(site, Op::Select, &operands)
}
