//! Functions of one entry, under their names and as they are spelt out.

use tract_onnx::pb::tensor_proto::DataType;

use super::grower::{Domain, Grower, Value};
use super::writer::{float, int, text};

/// A function that needs no attributes: operator, first version, where it is defined, size and least value of its results.
struct Plain {
    op: &'static str,
    since: i64,
    domain: Domain,
    size: fn(f64) -> f64,
    least: f64,
}

const fn plain(op: &'static str, since: i64, domain: Domain, size: fn(f64) -> f64, least: f64) -> Plain {
    Plain { op, since, domain, size, least }
}

const ANY: f64 = f64::NEG_INFINITY;

const PLAIN: [Plain; 28] = [
    plain("Relu", 1, Domain::Any, |s| s, 0.0),
    plain("Sigmoid", 1, Domain::Any, |_| 1.0, 0.0),
    plain("Tanh", 1, Domain::Any, |_| 1.0, -1.0),
    plain("HardSwish", 14, Domain::Any, |s| s, -0.4),
    plain("Selu", 6, Domain::Any, |s| 1.8 + 1.1 * s, -1.8),
    plain("Softplus", 1, Domain::Any, |s| s + 0.7, 0.0),
    plain("Softsign", 1, Domain::Any, |_| 1.0, -1.0),
    plain("Erf", 9, Domain::Any, |_| 1.0, -1.0),
    plain("Mish", 18, Domain::Any, |s| s, -0.4),
    plain("Abs", 6, Domain::Any, |s| s, 0.0),
    plain("Neg", 6, Domain::Any, |s| s, ANY),
    plain("Exp", 6, Domain::Within(6.0), f64::exp, 0.0),
    plain("Log", 6, Domain::AtLeast(0.05), |s| 3.0 + s.max(1.0).ln(), ANY),
    plain("Sqrt", 6, Domain::AtLeast(0.001), f64::sqrt, 0.0),
    plain("Reciprocal", 6, Domain::AtLeast(0.1), |_| 10.0, 0.0),
    plain("Sin", 7, Domain::Within(30.0), |_| 1.0, -1.0),
    plain("Cos", 7, Domain::Within(30.0), |_| 1.0, -1.0),
    plain("Tan", 7, Domain::Within(1.2), |_| 2.6, ANY),
    plain("Asin", 7, Domain::Within(0.95), |_| 1.3, ANY),
    plain("Acos", 7, Domain::Within(0.95), |_| 2.9, 0.0),
    plain("Atan", 7, Domain::Any, |_| 1.6, ANY),
    plain("Sinh", 9, Domain::Within(5.0), f64::sinh, ANY),
    plain("Cosh", 9, Domain::Within(5.0), f64::cosh, 1.0),
    plain("Asinh", 9, Domain::Any, |s| 1.0 + s.max(1.0).ln(), ANY),
    plain("Acosh", 9, Domain::AtLeast(1.05), |s| 1.0 + s.max(1.0).ln(), 0.0),
    plain("Atanh", 9, Domain::Within(0.9), |_| 1.5, ANY),
    plain("Identity", 1, Domain::Any, |s| s, ANY),
    plain("Dropout", 7, Domain::Any, |s| s, ANY),
];

const JUMPS: [&str; 4] = ["Floor", "Ceil", "Round", "Sign"];

impl Grower {
    /// Some function of each entry.
    pub fn unary(&mut self, x: &Value) -> Value {
        match self.random.below(20) {
            0..10 => self.plain(x),
            10..14 => self.parametric(x),
            14..19 => self.spelt(x),
            _ => self.jump(x),
        }
    }

    fn plain(&mut self, x: &Value) -> Value {
        let known: Vec<&Plain> = PLAIN.iter().filter(|f| f.since <= self.opset()).collect();
        let function = self.random.pick(&known);
        let x = self.within(x, function.domain);
        let y = self.map(function.op, &x, vec![], (function.size)(x.size));
        Value { least: function.least, ..y }
    }

    fn parametric(&mut self, x: &Value) -> Value {
        let alpha = self.random.pick(&[0.01, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0]);
        match self.random.below(8) {
            0 | 1 => {
                let alpha = if self.random.chance(0.1) { -alpha } else { alpha };
                self.map("LeakyRelu", x, vec![float("alpha", alpha)], x.size * alpha.abs().max(1.0))
            }
            2 => self.map("Elu", x, vec![float("alpha", alpha)], x.size.max(alpha)),
            3 if self.opset() >= 12 => self.map("Celu", x, vec![float("alpha", alpha)], x.size.max(alpha)),
            4 => {
                let beta = self.random.pick(&[0.0, 0.3, 0.5]);
                self.map("HardSigmoid", x, vec![float("alpha", alpha), float("beta", beta)], 1.0)
            }
            5 => {
                self.jumps |= alpha > 0.0;
                self.map("ThresholdedRelu", x, vec![float("alpha", alpha)], x.size)
            }
            6 if self.opset() >= 20 => {
                let approximate = self.random.pick(&["none", "tanh"]);
                self.map("Gelu", x, vec![text("approximate", approximate)], x.size)
            }
            _ => self.power(x),
        }
    }

    fn power(&mut self, x: &Value) -> Value {
        let exponent = self.random.pick(&[2.0, 3.0, 0.5, 1.5, -1.0, 1.0, 4.0, -0.5]);
        let whole = [1.0, 2.0, 3.0, 4.0].contains(&exponent);
        let x = if whole { self.within(x, Domain::Within(1e6)) } else { self.within(x, Domain::AtLeast(0.1)) };
        let size = if exponent < 0.0 { 10.0 } else { x.size.powf(exponent) };
        let written = self.number(exponent);
        let shape = self.joined(&x, &written);
        let y = self.apply("Pow", &[&x.name, &written], vec![], &shape, size);
        Value { least: if whole && exponent != 2.0 && exponent != 4.0 { ANY } else { 0.0 }, ..y }
    }

    /// A function with jumps.
    pub fn jump(&mut self, x: &Value) -> Value {
        self.jumps = true;
        let op = self.random.pick(&JUMPS);
        self.map(op, x, vec![], x.size + 1.0)
    }

    /// Functions as exporters write them where the operator has no name in an opset.
    fn spelt(&mut self, x: &Value) -> Value {
        match self.random.below(8) {
            0 => {
                let gate = self.map("Sigmoid", x, vec![], 1.0);
                self.apply("Mul", &[&x.name, &gate.name], vec![], &x.shape, x.size)
            }
            1 => self.gelu(x),
            2 => self.apply("Mul", &[&x.name, &x.name], vec![], &x.shape, x.size * x.size),
            3 => {
                let negative = self.map("Neg", x, vec![], x.size);
                self.apply("Max", &[&x.name, &negative.name], vec![], &x.shape, x.size)
            }
            4 => {
                let x = self.within(x, Domain::Within(8.0));
                let exponential = self.map("Exp", &x, vec![], x.size.exp());
                let one = self.scalar(1.0);
                let sum = self.apply("Add", &[&exponential.name, &one], vec![], &x.shape, x.size.exp());
                self.map("Log", &sum, vec![], x.size + 0.7)
            }
            5 => {
                let tanh = self.map("Tanh", x, vec![], 1.0);
                self.apply("Sub", &[&x.name, &tanh.name], vec![], &x.shape, x.size + 1.0)
            }
            6 => self.there_and_back(x),
            _ => {
                let relu = self.map("Relu", x, vec![], x.size);
                let factor = self.random.uniform(-2.0, 2.0);
                let factor = self.scalar(factor);
                let scaled = self.apply("Mul", &[&relu.name, &factor], vec![], &x.shape, 2.0 * x.size);
                self.apply("Sub", &[&x.name, &scaled.name], vec![], &x.shape, 3.0 * x.size)
            }
        }
    }

    /// Another type and back.
    fn there_and_back(&mut self, x: &Value) -> Value {
        let (element, domain) = self.random.pick(&[
            (DataType::Double, Domain::Any),
            (DataType::Double, Domain::Any),
            (DataType::Float16, Domain::Within(1e4)),
            (DataType::Int32, Domain::Within(100.0)),
            (DataType::Int64, Domain::Within(100.0)),
            (DataType::Bool, Domain::Any),
        ]);
        self.jumps |= element != DataType::Double;
        let x = self.within(x, domain);
        let there = self.map("Cast", &x, vec![int("to", element as i64)], x.size);
        self.map("Cast", &there, vec![int("to", DataType::Float as i64)], x.size)
    }

    fn gelu(&mut self, x: &Value) -> Value {
        let root = self.scalar(std::f64::consts::SQRT_2);
        let ratio = self.apply("Div", &[&x.name, &root], vec![], &x.shape, x.size);
        let erf = self.map("Erf", &ratio, vec![], 1.0);
        let (one, half) = (self.scalar(1.0), self.scalar(0.5));
        let sum = self.apply("Add", &[&erf.name, &one], vec![], &x.shape, 2.0);
        let product = self.apply("Mul", &[&x.name, &sum.name], vec![], &x.shape, x.size);
        self.apply("Mul", &[&product.name, &half], vec![], &x.shape, x.size)
    }
}
