//! Reductions, with axes as an attribute or as an input.

use super::grower::{Domain, Grower, Value};
use super::pool::integers;
use super::writer::{int, ints};

/// Operators, how often each is drawn, and the domain that they need.
const KINDS: [(&str, Domain); 10] = [
    ("ReduceMean", Domain::Any),
    ("ReduceMean", Domain::Any),
    ("ReduceSum", Domain::Any),
    ("ReduceSum", Domain::Any),
    ("ReduceMax", Domain::Any),
    ("ReduceMin", Domain::Any),
    ("ReduceL1", Domain::Any),
    ("ReduceL2", Domain::Within(1e4)),
    ("ReduceSumSquare", Domain::Within(1e4)),
    ("ReduceLogSumExp", Domain::Within(8.0)),
];

impl Grower {
    /// A reduction over some axes.
    pub fn reduce(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        let (op, domain) = match self.random.below(20) {
            0 => ("ReduceLogSum", Domain::AtLeast(0.1)),
            1 => ("ReduceProd", Domain::Within(2.0)),
            _ => self.random.pick(&KINDS),
        };
        let x = self.within(x, domain);
        let (axes, keep) = (self.axes(x.rank()), self.random.chance(0.6));
        let reduced: usize = axes.iter().map(|&axis| x.shape[axis]).product();
        let mut out = x.shape.clone();
        axes.iter().for_each(|&axis| out[axis] = 1);
        if !keep {
            let kept = |axis: &usize| !axes.contains(axis);
            out = (0..x.rank()).filter(kept).map(|axis| x.shape[axis]).collect();
        }
        let size = match op {
            "ReduceSum" | "ReduceL1" => x.size * (reduced as f64).sqrt() * 2.0,
            "ReduceSumSquare" => x.size * x.size * reduced as f64,
            "ReduceL2" => x.size * (reduced as f64).sqrt(),
            "ReduceProd" => x.size.max(1.0).powi(reduced.min(20) as i32),
            _ => x.size + 3.0,
        };
        if op == "ReduceProd" && reduced > 8 {
            return None;
        }
        let least = if op == "ReduceL1" || op == "ReduceSumSquare" { 0.0 } else { f64::NEG_INFINITY };
        Some(Value { least, ..self.reduction(op, &x, &axes, keep, &out, size) })
    }

    fn reduction(&mut self, op: &str, x: &Value, axes: &[usize], keep: bool, out: &[usize], size: f64) -> Value {
        let all = axes.len() == x.rank();
        let rank = x.rank() as i64;
        let negative = self.random.chance(0.4);
        let written: Vec<i64> = integers(axes).into_iter().map(|axis| if negative { axis - rank } else { axis }).collect();
        let mut attributes = if keep && self.random.chance(0.5) { vec![] } else { vec![int("keepdims", i64::from(keep))] };
        let as_input = self.opset() >= 18 || (op == "ReduceSum" && self.opset() >= 13);
        if all && self.random.chance(0.5) {
            return self.apply(op, &[&x.name], attributes, out, size);
        }
        if as_input {
            let axes = self.writer.integers(&written);
            return self.apply(op, &[&x.name, &axes], attributes, out, size);
        }
        attributes.push(ints("axes", &written));
        self.apply(op, &[&x.name], attributes, out, size)
    }
}
