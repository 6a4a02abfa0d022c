//! Clips at places where nobody expects them, in all spellings.

use super::grower::{Grower, Value};
use super::writer::{float, int};

impl Grower {
    /// The value, bounded from one side or both.
    pub fn clip(&mut self, x: &Value) -> Value {
        let (lo, hi) = self.bounds(x.size);
        match self.random.below(9) {
            0 => self.map("Relu", x, vec![], x.size),
            1 | 2 => self.clip_operator(x, lo, hi),
            3 => self.minimum_of_maximum(x, lo, hi),
            4 => {
                let (op, bound) = self.random.pick(&[("Max", lo), ("Min", hi)]);
                let bound = self.number(bound);
                let shape = self.joined(x, &bound);
                self.apply(op, &[&bound, &x.name], vec![], &shape, x.size)
            }
            5 => self.difference_of_relus(x, hi.abs()),
            6 => self.capped_by_where(x, hi),
            7 => {
                let leaky = self.map("LeakyRelu", x, vec![float("alpha", 0.1)], x.size);
                self.clip_operator(&leaky, -1000.0, hi)
            }
            _ => self.map("HardSigmoid", x, vec![float("alpha", 1.0 / (2.0 * x.size.max(1e-6)))], 1.0),
        }
    }

    /// Bounds inside the range, at its ends, or round numbers that people write.
    fn bounds(&mut self, size: f64) -> (f64, f64) {
        let usual = [(0.0, 6.0), (-1.0, 1.0), (-20.0, 20.0), (-1000.0, 20.0), (0.0, 12.0), (-3.0, 15.0), (-11.0, 40.0)];
        if self.random.chance(0.5) {
            return self.random.pick(&usual);
        }
        let lo = -size * self.random.uniform(-0.1, 1.2);
        (lo, lo + size * self.random.uniform(0.05, 1.5))
    }

    fn clip_operator(&mut self, x: &Value, lo: f64, hi: f64) -> Value {
        let (lo_name, hi_name) = (self.scalar(lo), self.scalar(hi));
        let operands: Vec<&str> = match self.random.below(6) {
            0 => vec![&x.name, &lo_name],
            1 => vec![&x.name, "", &hi_name],
            _ => vec![&x.name, &lo_name, &hi_name],
        };
        self.apply("Clip", &operands, vec![], &x.shape, x.size.min(lo.abs().max(hi.abs())))
    }

    fn minimum_of_maximum(&mut self, x: &Value, lo: f64, hi: f64) -> Value {
        let (lo, hi) = (self.number(lo), self.number(hi));
        let shape = self.joined(x, &lo);
        let below = self.apply("Max", &[&x.name, &lo], vec![], &shape, x.size);
        let shape = self.joined(&below, &hi);
        self.apply("Min", &[&below.name, &hi], vec![], &shape, x.size)
    }

    /// `relu(x) - relu(x - c)`
    fn difference_of_relus(&mut self, x: &Value, c: f64) -> Value {
        let c = self.scalar(c);
        let low = self.map("Relu", x, vec![], x.size);
        let shifted = self.apply("Sub", &[&x.name, &c], vec![], &x.shape, x.size);
        let high = self.map("Relu", &shifted, vec![], x.size);
        self.apply("Sub", &[&low.name, &high.name], vec![], &x.shape, x.size)
    }

    /// `where(x > c, c, f(x))`, which is continuous for the identity alone.
    fn capped_by_where(&mut self, x: &Value, c: f64) -> Value {
        let bound = self.scalar(c);
        let condition = self.writer.node("Greater", &[&x.name, &bound], vec![]);
        let other = match self.random.below(4) {
            0 => {
                self.jumps = true;
                self.unary(x)
            }
            _ => x.clone(),
        };
        if self.random.chance(0.2) && other.shape == x.shape {
            // The same by arithmetic on the condition.
            self.jumps = true;
            let flag = self.writer.node("Cast", &[&condition], vec![int("to", 1)]);
            return self.apply("Add", &[&other.name, &flag], vec![], &x.shape, other.size + 1.0);
        }
        if other.shape != x.shape {
            return other;
        }
        self.apply("Where", &[&condition, &bound, &other.name], vec![], &x.shape, other.size.max(c.abs()))
    }
}
