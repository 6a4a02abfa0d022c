//! Normalisations and softmax.

use super::grower::{Domain, Grower, Value};
use super::writer::{float, int, ints};

impl Grower {
    /// A normalisation that the value's rank and the opset admit.
    pub fn norm(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        match self.random.below(9) {
            0 | 1 if x.rank() >= 2 => Some(self.batch_norm(x)),
            2 if x.rank() >= 3 => Some(self.instance_norm(x)),
            3 if self.opset() >= 17 => Some(self.layer_norm(x)),
            4 if self.opset() >= 21 && x.rank() >= 3 => Some(self.group_norm(x)),
            5 => Some(self.lp_norm(x)),
            6 if x.rank() == 4 => Some(self.lrn(x)),
            7 => Some(self.root_mean_square(x)),
            _ => Some(self.layer_norm_spelt(x)),
        }
    }

    fn batch_norm(&mut self, x: &Value) -> Value {
        let channels = x.shape[1];
        let scale = self.weights(&[channels], 1.5, 0);
        let bias = self.weights(&[channels], 1.0, 0);
        let mean = self.weights(&[channels], x.size, 0);
        let (lo, hi) = self.random.pick(&[(0.5, 2.0), (0.5, 2.0), (1e-4, 1.0), (1.0, 1e4)]);
        let variances: Vec<f32> = (0..channels).map(|_| self.random.uniform(lo, hi) as f32).collect();
        let variance = self.floats(&[channels], &variances);
        let attributes = if self.random.chance(0.5) { vec![float("epsilon", 1e-3)] } else { vec![] };
        let size = 3.0 * x.size / lo.sqrt() + 1.0;
        self.apply("BatchNormalization", &[&x.name, &scale, &bias, &mean, &variance], attributes, &x.shape, size)
    }

    fn instance_norm(&mut self, x: &Value) -> Value {
        let channels = x.shape[1];
        let (scale, bias) = (self.weights(&[channels], 1.5, 0), self.weights(&[channels], 1.0, 0));
        self.apply("InstanceNormalization", &[&x.name, &scale, &bias], vec![], &x.shape, 5.0)
    }

    fn layer_norm(&mut self, x: &Value) -> Value {
        let (axis, written) = self.axis(x.rank());
        let shape = x.shape[axis..].to_vec();
        let last = shape.len() - 1;
        let mut operands = vec![x.name.clone(), self.weights(&shape, 1.5, last)];
        if self.random.chance(0.6) {
            operands.push(self.weights(&shape, 1.0, last));
        }
        let names: Vec<&str> = operands.iter().map(String::as_str).collect();
        self.apply("LayerNormalization", &names, vec![int("axis", written)], &x.shape, 5.0)
    }

    fn group_norm(&mut self, x: &Value) -> Value {
        let channels = x.shape[1];
        let divisors: Vec<usize> = (1..=channels).filter(|d| channels.is_multiple_of(*d)).collect();
        let groups = self.random.pick(&divisors);
        let (scale, bias) = (self.weights(&[channels], 1.5, 0), self.weights(&[channels], 1.0, 0));
        let attributes = vec![int("num_groups", groups as i64)];
        self.apply("GroupNormalization", &[&x.name, &scale, &bias], attributes, &x.shape, 5.0)
    }

    fn lp_norm(&mut self, x: &Value) -> Value {
        let (_, axis) = self.axis(x.rank());
        let p = self.random.pick(&[1, 2]);
        self.map("LpNormalization", x, vec![int("axis", axis), int("p", p)], 1.0)
    }

    fn lrn(&mut self, x: &Value) -> Value {
        let x = self.within(x, Domain::Within(100.0));
        let size = self.random.pick(&[1, 3, 5]);
        let attributes = vec![int("size", size), float("alpha", 0.01), float("beta", 0.75), float("bias", 1.0)];
        self.map("LRN", &x, attributes, x.size)
    }

    /// The mean over one axis, which stays.
    fn mean(&mut self, x: &Value, axis: i64, out: &[usize]) -> Value {
        if self.opset() >= 18 {
            let axes = self.writer.integers(&[axis]);
            return self.apply("ReduceMean", &[&x.name, &axes], vec![], out, x.size);
        }
        self.apply("ReduceMean", &[&x.name], vec![ints("axes", &[axis])], out, x.size)
    }

    /// `x / sqrt(mean x^2 + epsilon)`
    fn root_mean_square(&mut self, x: &Value) -> Value {
        let x = self.within(x, Domain::Within(1e4));
        let (axis, written) = self.axis(x.rank());
        let mut out = x.shape.clone();
        out[axis] = 1;
        let square = self.apply("Mul", &[&x.name, &x.name], vec![], &x.shape, x.size * x.size);
        let mean = self.mean(&square, written, &out);
        let epsilon = self.scalar(1e-5);
        let sum = self.apply("Add", &[&mean.name, &epsilon], vec![], &out, mean.size);
        let root = self.map("Sqrt", &sum, vec![], x.size);
        if self.random.chance(0.6) {
            let inverse = self.map("Reciprocal", &root, vec![], 1.0);
            return self.apply("Mul", &[&x.name, &inverse.name], vec![], &x.shape, 3.0);
        }
        self.apply("Div", &[&x.name, &root.name], vec![], &x.shape, 3.0)
    }

    fn layer_norm_spelt(&mut self, x: &Value) -> Value {
        let x = self.within(x, Domain::Within(1e4));
        let (axis, written) = self.axis(x.rank());
        let mut out = x.shape.clone();
        out[axis] = 1;
        let mean = self.mean(&x, written, &out);
        let centred = self.apply("Sub", &[&x.name, &mean.name], vec![], &x.shape, 2.0 * x.size);
        let two = self.scalar(2.0);
        let square = self.apply("Pow", &[&centred.name, &two], vec![], &x.shape, 4.0 * x.size * x.size);
        let variance = self.mean(&square, written, &out);
        let epsilon = self.random.pick(&[1e-5, 1e-12, 1e-3]);
        let epsilon = self.scalar(epsilon);
        let sum = self.apply("Add", &[&variance.name, &epsilon], vec![], &out, variance.size);
        let root = self.map("Sqrt", &sum, vec![], 2.0 * x.size);
        if self.random.chance(0.6) {
            let inverse = self.map("Reciprocal", &root, vec![], 1.0);
            return self.apply("Mul", &[&centred.name, &inverse.name], vec![], &x.shape, 3.0);
        }
        self.apply("Div", &[&centred.name, &root.name], vec![], &x.shape, 3.0)
    }

    /// Softmax or its logarithm along some axis (before opset 13: over all from there on).
    pub fn softmax(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        let confident = self.random.pick(&[4.0, 10.0, 40.0]);
        let x = self.within(x, Domain::Within(confident));
        let (_, axis) = self.axis(x.rank());
        let attributes = if self.random.chance(0.2) { vec![] } else { vec![int("axis", axis)] };
        // The default axis of old is 1.
        if attributes.is_empty() && self.opset() < 13 && x.rank() < 2 {
            return None;
        }
        let masked = if self.random.chance(0.15) { self.masked(&x) } else { x.clone() };
        if self.random.chance(0.2) {
            return Some(self.map("LogSoftmax", &x, attributes, 2.0 * x.size + 3.0));
        }
        let softmax = self.map("Softmax", &masked, attributes, 1.0);
        Some(Value { least: 0.0, ..softmax })
    }

    /// A mask of large negative numbers is added, which leaves an entry of each row.
    fn masked(&mut self, x: &Value) -> Value {
        let Some(&n) = x.shape.last() else { return x.clone() };
        let out = self.random.pick(&[-1e4, -1e9, f64::from(f32::MIN), f64::NEG_INFINITY]);
        let mask: Vec<f32> = (0..n).map(|i| if i > 0 && self.random.chance(0.4) { out as f32 } else { 0.0 }).collect();
        let mask = self.floats(&[n], &mask);
        self.apply("Add", &[&x.name, &mask], vec![], &x.shape, x.size)
    }
}
