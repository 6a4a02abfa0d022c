//! The functions and their values.

use std::sync::Arc;

use super::finite::NotFinite;
use crate::graph::Composite;

/// A function `R -> R` applied to each entry. Parameters are the ONNX attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Unary {
    /// `max(x, 0)`
    Relu,
    /// `x` if `x >= 0`, else `slope x`
    LeakyRelu(f32),
    /// `min(max(x, lo), hi)`; a bound may be infinite
    Clip {
        /// Lower bound.
        lo: f64,
        /// Upper bound.
        hi: f64,
    },
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x clip(x / 6 + 1/2, 0, 1)`
    HardSwish,
    /// `clip(alpha x + beta, 0, 1)`
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// Error function.
    Erf,
    /// `x (1 + erf(x / sqrt 2)) / 2`
    Gelu,
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`
    GeluTanh,
    /// `x sigmoid(x)`
    Silu,
    /// `x tanh(log(1 + exp x))`
    Mish,
    /// Exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / sqrt(x)`
    Rsqrt,
    /// `1 / x`
    Recip,
    /// Absolute value.
    Abs,
    /// `-x`
    Neg,
    /// `x^2`
    Square,
    /// `x^exponent`
    Pow(f64),
    /// `log(1 + exp x)`
    Softplus,
    /// `x / (1 + |x|)`
    Softsign,
    /// `x` if `x >= 0`, else `alpha (exp(x) - 1)`
    Elu(f32),
    /// `gamma x` if `x > 0`, else `gamma alpha (exp(x) - 1)`
    Selu {
        /// Scale of the negative part.
        alpha: f32,
        /// Scale of both parts.
        gamma: f32,
    },
    /// `max(x, 0) + min(0, alpha (exp(x / alpha) - 1))`
    Celu(f32),
    /// `x` if `x > alpha`, else 0
    ThresholdedRelu(f32),
    /// -1, 0 or 1
    Sign,
    /// Largest integer not above.
    Floor,
    /// Smallest integer not below.
    Ceil,
    /// Nearest integer, ties to even.
    Round,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
    /// The integer or boolean itself, from here on a real number.
    ToReal,
    /// Nearest integer towards zero: a cast to integers.
    Trunc,
    /// The integer of `lo..=hi` that is congruent modulo their number: a cast to fewer bits.
    Wrap {
        /// Smallest.
        lo: i64,
        /// Largest.
        hi: i64,
    },
    /// 1 unless the entry is 0: a cast to booleans.
    NonZero,
    /// 1 for 0, else 0: of booleans the other.
    Not,
    /// 1 for floats that are not finite, else 0.
    NotFinite(NotFinite),
    /// Any other function of one entry, fused out of elementwise nodes.
    Composite(Arc<Composite>),
}

impl Unary {
    /// The function's value. NaN outside its domain.
    pub fn eval(&self, x: f64) -> f64 {
        match *self {
            Unary::Relu => x.max(0.0),
            Unary::Clip { lo, hi } => x.max(lo).min(hi),
            Unary::Sigmoid => sigmoid(x),
            Unary::Tanh => x.tanh(),
            Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Unary::HardSigmoid { alpha, beta } => (f64::from(alpha) * x + f64::from(beta)).clamp(0.0, 1.0),
            Unary::Erf => erf(x),
            Unary::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Unary::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Unary::Silu => x * sigmoid(x),
            Unary::Mish => x * softplus(x).tanh(),
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Rsqrt => x.sqrt().recip(),
            Unary::Recip => x.recip(),
            Unary::Abs => x.abs(),
            Unary::Neg => -x,
            Unary::Square => x * x,
            Unary::Pow(exponent) => x.powf(exponent),
            Unary::Softplus => softplus(x),
            Unary::Softsign => x / (1.0 + x.abs()),
            Unary::Floor => x.floor(),
            Unary::Ceil => x.ceil(),
            Unary::Round => x.round_ties_even(),
            Unary::ToReal => x,
            Unary::Trunc => x.trunc(),
            Unary::Wrap { lo, hi } => lo as f64 + (x - lo as f64).rem_euclid((hi - lo + 1) as f64),
            Unary::NonZero => f64::from(u8::from(x != 0.0)),
            Unary::Not => f64::from(u8::from(x == 0.0)),
            Unary::NotFinite(of) => of.eval(x),
            Unary::Composite(ref function) => function.eval(x),
            _ => self.eval_piecewise(x),
        }
    }

    fn eval_piecewise(&self, x: f64) -> f64 {
        match *self {
            Unary::LeakyRelu(slope) => {
                if x >= 0.0 {
                    x
                } else {
                    f64::from(slope) * x
                }
            }
            Unary::Elu(alpha) => {
                if x >= 0.0 {
                    x
                } else {
                    f64::from(alpha) * x.exp_m1()
                }
            }
            Unary::Selu { alpha, gamma } => f64::from(gamma) * if x > 0.0 { x } else { f64::from(alpha) * x.exp_m1() },
            Unary::Celu(alpha) => x.max(0.0) + (f64::from(alpha) * (x / f64::from(alpha)).exp_m1()).min(0.0),
            Unary::ThresholdedRelu(alpha) => {
                if x > f64::from(alpha) {
                    x
                } else {
                    0.0
                }
            }
            Unary::Sign => {
                if x > 0.0 {
                    1.0
                } else if x < 0.0 {
                    -1.0
                } else {
                    0.0 * x
                }
            }
            _ => self.eval_trigonometric(x),
        }
    }

    fn eval_trigonometric(&self, x: f64) -> f64 {
        match *self {
            Unary::Sin => x.sin(),
            Unary::Cos => x.cos(),
            Unary::Tan => x.tan(),
            Unary::Asin => x.asin(),
            Unary::Acos => x.acos(),
            Unary::Atan => x.atan(),
            Unary::Sinh => x.sinh(),
            Unary::Cosh => x.cosh(),
            Unary::Asinh => x.asinh(),
            Unary::Acosh => x.acosh(),
            Unary::Atanh => x.atanh(),
            _ => f64::NAN,
        }
    }

    /// Whether the function is non-decreasing on the whole real line, so that it commutes with maxima.
    pub fn is_monotone(&self) -> bool {
        match *self {
            Unary::LeakyRelu(slope) => slope >= 0.0,
            Unary::HardSigmoid { alpha, .. } | Unary::Elu(alpha) => alpha >= 0.0,
            Unary::Selu { alpha, gamma } => alpha >= 0.0 && gamma >= 0.0,
            Unary::Celu(alpha) => alpha > 0.0,
            Unary::ThresholdedRelu(alpha) => alpha >= 0.0,
            Unary::Relu
            | Unary::Clip { .. }
            | Unary::Sigmoid
            | Unary::Tanh
            | Unary::Erf
            | Unary::Exp
            | Unary::Softplus
            | Unary::Softsign
            | Unary::Sign
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::Atan
            | Unary::Sinh
            | Unary::Trunc
            | Unary::Asinh => true,
            _ => false,
        }
    }

    /// The function's name in errors and reports.
    pub fn name(&self) -> &'static str {
        match self {
            Unary::Relu => "Relu",
            Unary::LeakyRelu(_) => "LeakyRelu",
            Unary::Clip { .. } => "Clip",
            Unary::Sigmoid => "Sigmoid",
            Unary::Tanh => "Tanh",
            Unary::HardSwish => "HardSwish",
            Unary::HardSigmoid { .. } => "HardSigmoid",
            Unary::Erf => "Erf",
            Unary::Gelu | Unary::GeluTanh => "Gelu",
            Unary::Silu => "Silu",
            Unary::Mish => "Mish",
            Unary::Exp => "Exp",
            Unary::Log => "Log",
            Unary::Sqrt => "Sqrt",
            Unary::Rsqrt => "Rsqrt",
            Unary::Recip => "Reciprocal",
            Unary::Abs => "Abs",
            Unary::Neg => "Neg",
            Unary::Square => "Square",
            Unary::Pow(_) => "Pow",
            Unary::Softplus => "Softplus",
            Unary::Softsign => "Softsign",
            Unary::Elu(_) => "Elu",
            Unary::Selu { .. } => "Selu",
            Unary::Celu(_) => "Celu",
            Unary::ThresholdedRelu(_) => "ThresholdedRelu",
            Unary::Sign => "Sign",
            Unary::Floor => "Floor",
            Unary::Ceil => "Ceil",
            Unary::Round => "Round",
            Unary::Sin => "Sin",
            Unary::Cos => "Cos",
            Unary::Tan => "Tan",
            Unary::Asin => "Asin",
            Unary::Acos => "Acos",
            Unary::Atan => "Atan",
            Unary::Sinh => "Sinh",
            Unary::Cosh => "Cosh",
            Unary::Asinh => "Asinh",
            Unary::Acosh => "Acosh",
            Unary::Atanh => "Atanh",
            Unary::NotFinite(of) => of.name(),
            Unary::ToReal | Unary::Trunc | Unary::Wrap { .. } | Unary::NonZero => "Cast",
            Unary::Not => "Not",
            Unary::Composite(function) => function.name(),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The error function, to about 1e-14: the Taylor series near 0, the continued fraction of `erfc` in the tails.
fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a < 2.5 {
        let (mut term, mut sum) = (x, x);
        let mut n = 0.0;
        while term.abs() > 1e-17 * sum.abs() {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        return sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    if a.is_nan() {
        return x;
    }
    if a > 6.0 {
        return x.signum();
    }
    // erfc(a) = exp(-a^2) / sqrt(pi) / (a + (1/2)/(a + 1/(a + (3/2)/(a + ..))))
    let fraction = (1..=60).rev().fold(a, |tail, k| a + 0.5 * f64::from(k) / tail);
    let erfc = (-a * a).exp() * std::f64::consts::FRAC_2_SQRT_PI * 0.5 / fraction;
    x.signum() * (1.0 - erfc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_matches_published_values() {
        let cases = [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (2.6, 0.999_763_965_583_470_7),
            (3.5, 0.999_999_256_901_627_7),
        ];
        for (x, expected) in cases {
            assert!((erf(x) - expected).abs() < 1e-13, "erf({x}) = {}", erf(x));
            assert!((erf(-x) + expected).abs() < 1e-13);
        }
        assert!(erf(f64::NAN).is_nan());
    }

    #[test]
    fn monotone_functions_do_not_decrease() {
        let all = [
            Unary::Relu,
            Unary::LeakyRelu(0.1),
            Unary::Clip { lo: -1.0, hi: 2.0 },
            Unary::Sigmoid,
            Unary::Tanh,
            Unary::HardSwish,
            Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
            Unary::Erf,
            Unary::Gelu,
            Unary::Silu,
            Unary::Softplus,
            Unary::Elu(1.0),
            Unary::Selu { alpha: 1.67, gamma: 1.05 },
            Unary::Celu(1.5),
            Unary::Sign,
            Unary::Round,
        ];
        for unary in all.into_iter().filter(|u: &Unary| u.is_monotone()) {
            let values: Vec<f64> = (-400..=400).map(|i| unary.eval(f64::from(i) / 50.0)).collect();
            assert!(values.windows(2).all(|w| w[0] <= w[1] + 1e-12), "{}", unary.name());
        }
        assert!(!Unary::HardSwish.is_monotone() && !Unary::Gelu.is_monotone());
    }

    #[test]
    fn large_arguments_stay_finite() {
        for unary in [Unary::Sigmoid, Unary::Softplus, Unary::Silu, Unary::Mish, Unary::Gelu] {
            assert!(unary.eval(800.0).is_finite() && unary.eval(-800.0).is_finite(), "{}", unary.name());
        }
    }
}
