//! Functions of two and more entries: with constants of any shape that broadcasts, and with other values.

use super::grower::{Domain, Grower, Value};
use super::writer::{float, int};

/// The shape that two shapes have together, by ONNX's (NumPy's) rule.
pub fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |index| shape[index]);
    let joined = |axis| match (extent(a, axis), extent(b, axis)) {
        (l, r) if l == r || r == 1 => Some(l),
        (1, r) => Some(r),
        _ => None,
    };
    (0..rank).map(joined).collect()
}

impl Grower {
    /// An elementwise operator on a value and a constant, or on two values.
    pub fn binary(&mut self, x: &Value) -> Value {
        match self.random.below(10) {
            0..3 => self.with_constant(x),
            3..7 => self.with_value(x),
            7 if x.rank() > 0 => self.prelu(x),
            8 => self.compared(x),
            _ => self.many(x),
        }
    }

    /// A shape that broadcasts to another.
    fn smaller(&mut self, shape: &[usize]) -> Vec<usize> {
        let dropped = if self.random.chance(0.4) { self.random.between(0, shape.len()) } else { 0 };
        let kept = shape[dropped..].to_vec();
        kept.into_iter().map(|extent| if self.random.chance(0.3) { 1 } else { extent }).collect()
    }

    fn with_constant(&mut self, x: &Value) -> Value {
        let mut shape = self.smaller(&x.shape);
        if self.random.chance(0.1) && self.fits(&[&[2], &x.shape[..]].concat()) {
            // The constant is the larger one.
            shape = [&[2], &x.shape[..]].concat();
        }
        let out = broadcast(&x.shape, &shape).unwrap_or_else(|| x.shape.clone());
        let last = shape.len().saturating_sub(1);
        let op = self.random.pick(&["Add", "Sub", "Mul", "Div", "Max", "Min", "Add", "Mul"]);
        let size = if self.random.chance(0.1) { self.random.sized(-4, 4) } else { x.size.clamp(1e-3, 1e3) };
        let mut values = self.weight_values(&shape, if op == "Mul" || op == "Div" { 2.0 } else { size }, last);
        let swapped = matches!(op, "Sub" | "Max" | "Min" | "Add" | "Mul") && self.random.chance(0.4);
        if op == "Div" {
            for value in &mut values {
                *value = if *value < 0.0 { *value - 0.3 } else { *value + 0.3 };
            }
        }
        let constant = self.floats(&shape, &values);
        let operands = if swapped { [&constant[..], &x.name] } else { [&x.name[..], &constant] };
        let size = match op {
            "Mul" | "Div" => 4.0 * x.size,
            _ => x.size + size,
        };
        self.apply(op, &operands, vec![], &out, size)
    }

    /// Another value of the model whose shape goes with this one's.
    fn partner(&mut self, x: &Value) -> Option<(Value, Vec<usize>)> {
        let shape = |v: &Value| broadcast(&x.shape, &v.shape).filter(|shape| self.fits(shape));
        let partners: Vec<(Value, Vec<usize>)> = self.values.iter().filter_map(|v| Some((v.clone(), shape(v)?))).collect();
        (!partners.is_empty()).then(|| partners[self.random.below(partners.len())].clone())
    }

    fn with_value(&mut self, x: &Value) -> Value {
        let Some((other, out)) = self.partner(x) else { return self.with_constant(x) };
        let (x, other) = if self.random.chance(0.5) { (x.clone(), other) } else { (other, x.clone()) };
        match self.random.below(9) {
            0..3 => self.apply("Add", &[&x.name, &other.name], vec![], &out, x.size + other.size),
            3 => self.apply("Sub", &[&x.name, &other.name], vec![], &out, x.size + other.size),
            4 | 5 => self.apply("Mul", &[&x.name, &other.name], vec![], &out, x.size * other.size),
            6 => {
                let divisor = self.within(&other, Domain::AtLeast(0.3 * other.size.clamp(0.1, 10.0)));
                let out = broadcast(&x.shape, &divisor.shape).unwrap_or(out);
                let size = x.size / divisor.least.max(1e-6);
                self.apply("Div", &[&x.name, &divisor.name], vec![], &out, size)
            }
            7 => self.apply("Max", &[&x.name, &other.name], vec![], &out, x.size.max(other.size)),
            _ => self.apply("Min", &[&x.name, &other.name], vec![], &out, x.size.max(other.size)),
        }
    }

    fn prelu(&mut self, x: &Value) -> Value {
        let mut slope = self.smaller(&x.shape);
        if slope.is_empty() {
            slope = vec![1];
        }
        let out = broadcast(&x.shape, &slope).unwrap_or_else(|| x.shape.clone());
        let (size, last) = (self.random.pick(&[0.3, 0.3, 1.0, 2.0]), slope.len() - 1);
        let slope = self.weights(&slope, size, last);
        self.apply("PRelu", &[&x.name, &slope], vec![], &out, x.size * size.max(1.0))
    }

    /// A comparison, used as a number or to choose.
    fn compared(&mut self, x: &Value) -> Value {
        self.jumps = true;
        let (other, out) = match self.partner(x) {
            Some(found) if self.random.chance(0.4) => found,
            _ => {
                let bound = self.random.uniform(-0.5, 0.5) * x.size;
                let constant = self.scalar(bound);
                let least = f64::NEG_INFINITY;
                (Value { name: constant, shape: vec![], size: bound.abs(), least }, x.shape.clone())
            }
        };
        let known = if self.opset() >= 12 { 4 } else { 2 };
        let op = ["Less", "Greater", "LessOrEqual", "GreaterOrEqual"][self.random.below(known)];
        let condition = self.writer.node(op, &[&x.name, &other.name], vec![]);
        if self.random.chance(0.4) {
            return self.apply("Cast", &[&condition], vec![int("to", 1)], &out, 1.0);
        }
        let branch = self.map("LeakyRelu", x, vec![float("alpha", 0.5)], x.size);
        self.apply("Where", &[&condition, &branch.name, &other.name], vec![], &out, x.size.max(other.size))
    }

    /// Operators of any number of operands.
    fn many(&mut self, x: &Value) -> Value {
        let op = self.random.pick(&["Sum", "Mean", "Max", "Min"]);
        let mut operands = vec![x.name.clone()];
        let (mut out, mut size) = (x.shape.clone(), x.size);
        for _ in 0..self.random.between(0, 2) {
            let Some((other, _)) = self.partner(x) else { continue };
            let Some(joined) = broadcast(&out, &other.shape).filter(|shape| self.fits(shape)) else { continue };
            operands.push(other.name);
            out = joined;
            size += other.size;
        }
        let names: Vec<&str> = operands.iter().map(String::as_str).collect();
        self.apply(op, &names, vec![], &out, size)
    }
}
