//! Products with weights and between values: MatMul, Gemm, Einsum, Conv.

use tract_onnx::pb::AttributeProto;

use super::grower::{Domain, Grower, Value};
use super::pool::{Geometry, integers};
use super::writer::{float, int, ints, text};

impl Grower {
    /// How much larger the results of a product are than its operand.
    fn gain(&mut self) -> f64 {
        if self.random.chance(0.06) { self.random.sized(-5, 4) } else { self.random.uniform(0.3, 2.0) }
    }

    /// A product, whatever the value's rank admits.
    pub fn linear(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        match self.random.below(6) {
            0 | 1 if x.rank() == 2 => Some(self.gemm(x)),
            2 => self.weight_on_the_left(x),
            3 => self.between_values(x),
            4 if self.opset() >= 12 => self.einsum(x),
            _ => self.matmul(x),
        }
    }

    fn matmul(&mut self, x: &Value) -> Option<Value> {
        let k = *x.shape.last()?;
        let n = self.random.pick(&[1, 2, 3, 5, 7, 8, 11, 16]);
        let mut out = x.shape.clone();
        let gain = self.gain();
        // A vector of weights takes the axis away.
        let vector = self.random.chance(0.1) && x.rank() > 1;
        let shape = if vector { vec![k] } else { vec![k, n] };
        let last = shape.len() - 1;
        let weights = self.weights(&shape, gain / (k as f64).sqrt(), last);
        out.pop();
        if !vector {
            out.push(n);
        }
        let product = self.fits(&out).then(|| self.apply("MatMul", &[&x.name, &weights], vec![], &out, gain * x.size))?;
        Some(self.biased(product, gain))
    }

    fn biased(&mut self, x: Value, gain: f64) -> Value {
        let with_bias = self.random.chance(0.6);
        let Some(&n) = x.shape.last().filter(|_| with_bias) else { return x };
        let bias = self.weights(&[n], gain * x.size.min(10.0), 0);
        self.apply("Add", &[&x.name, &bias], vec![], &x.shape, 2.0 * x.size)
    }

    fn weight_on_the_left(&mut self, x: &Value) -> Option<Value> {
        let (rank, gain) = (x.rank(), self.gain());
        let k = if rank == 1 { x.shape[0] } else { x.shape[rank - 2] };
        let m = self.random.pick(&[1, 2, 3, 5, 8]);
        let mut out = x.shape.clone();
        out[rank.saturating_sub(2)] = m;
        let weights = self.weights(&[m, k], gain / (k as f64).sqrt(), 0);
        self.fits(&out).then(|| self.apply("MatMul", &[&weights, &x.name], vec![], &out, gain * x.size))
    }

    /// `x x^T` over the last two axes, scaled as in attention.
    fn between_values(&mut self, x: &Value) -> Option<Value> {
        let rank = x.rank();
        if rank < 2 {
            return None;
        }
        let x = self.within(x, Domain::Within(10.0));
        let mut perm: Vec<i64> = (0..rank as i64).collect();
        perm.swap(rank - 1, rank - 2);
        let mut turned = x.shape.clone();
        turned.swap(rank - 1, rank - 2);
        let (m, k) = (x.shape[rank - 2], x.shape[rank - 1]);
        let mut out = x.shape.clone();
        out[rank - 1] = m;
        if !self.fits(&out) {
            return None;
        }
        let attributes = vec![ints("perm", &perm)];
        let turned = self.apply("Transpose", &[&x.name], attributes, &turned, x.size);
        let scores = self.apply("MatMul", &[&x.name, &turned.name], vec![], &out, x.size * x.size * k as f64);
        let scale = self.scalar(1.0 / (k as f64).sqrt());
        let size = scores.size / (k as f64).sqrt();
        Some(self.apply("Mul", &[&scores.name, &scale], vec![], &out, size))
    }

    fn gemm(&mut self, x: &Value) -> Value {
        let (trans_a, trans_b) = (self.random.chance(0.3), self.random.chance(0.5));
        let (m, k) = if trans_a { (x.shape[1], x.shape[0]) } else { (x.shape[0], x.shape[1]) };
        let n = self.random.pick(&[1, 2, 3, 5, 7, 10]);
        let gain = self.gain();
        let (shape, axis) = if trans_b { ([n, k], 0) } else { ([k, n], 1) };
        let weights = self.weights(&shape, gain / (k as f64).sqrt(), axis);
        let mut attributes: Vec<AttributeProto> = Vec::new();
        for (name, set) in [("transA", trans_a), ("transB", trans_b)] {
            if set || self.random.chance(0.2) {
                attributes.push(int(name, i64::from(set)));
            }
        }
        let mut size = gain * x.size;
        if self.random.chance(0.3) {
            let alpha = self.random.pick(&[0.5, -1.0, 2.0]);
            attributes.push(float("alpha", alpha));
            size *= alpha.abs();
        }
        let shapes: [&[usize]; 6] = [&[n], &[1, n], &[m, 1], &[1], &[], &[m, n]];
        if self.random.chance(0.25) {
            return self.apply("Gemm", &[&x.name, &weights], attributes, &[m, n], size);
        }
        if self.random.chance(0.3) {
            attributes.push(float("beta", self.random.pick(&[0.5, -2.0, 0.0])));
        }
        let shape = self.random.pick(&shapes);
        let bias = self.weights(shape, size.min(10.0), shape.len().saturating_sub(1));
        self.apply("Gemm", &[&x.name, &weights, &bias], attributes, &[m, n], 2.0 * size)
    }

    fn einsum(&mut self, x: &Value) -> Option<Value> {
        let (gain, n, form) = (self.gain(), self.random.pick(&[1, 3, 4]), self.random.below(3));
        let s = &x.shape;
        let (equation, weights, out): (&str, Vec<usize>, Vec<usize>) = match x.rank() {
            1 => ("i,j->ij", vec![n], vec![s[0], n]),
            2 if form == 0 => ("ij,jk->ik", vec![s[1], n], vec![s[0], n]),
            2 if form == 1 => ("ij,kj->ki", vec![n, s[1]], vec![n, s[0]]),
            2 => ("ij,i->j", vec![s[0]], vec![s[1]]),
            3 => ("bij,jk->bki", vec![s[2], n], vec![s[0], n, s[1]]),
            4 => ("bhid,hdk->bhik", vec![s[1], s[3], n], vec![s[0], s[1], s[2], n]),
            _ => return None,
        };
        if !self.fits(&out) {
            return None;
        }
        let last = weights.len() - 1;
        let weights = self.weights(&weights, gain, last);
        Some(self.apply("Einsum", &[&x.name, &weights], vec![text("equation", equation)], &out, 3.0 * gain * x.size))
    }

    /// A convolution over one or two axes.
    pub fn conv(&mut self, x: &Value) -> Option<Value> {
        if !(3..=4).contains(&x.rank()) {
            return None;
        }
        let channels = x.shape[1];
        let divisors: Vec<usize> = (1..=channels).filter(|d| channels.is_multiple_of(*d)).collect();
        let groups = if self.random.chance(0.5) { 1 } else { self.random.pick(&divisors) };
        let made = groups * self.random.between(1, (8 / groups).max(1));
        let geometry = Geometry::draw(self, &x.shape[2..], true);
        let out = [&[x.shape[0], made], &geometry.output(&x.shape[2..])?[..]].concat();
        if !self.fits(&out) {
            return None;
        }
        let kernel = [&[made, channels / groups], &geometry.kernel[..]].concat();
        let (gain, taps) = (self.gain(), kernel[1..].iter().product::<usize>());
        let weights = self.weights(&kernel, gain / (taps as f64).sqrt(), 0);
        let mut attributes = geometry.attributes();
        if self.random.chance(0.7) {
            attributes.push(ints("kernel_shape", &integers(&geometry.kernel)));
        }
        if groups > 1 || self.random.chance(0.2) {
            attributes.push(int("group", groups as i64));
        }
        let mut operands = vec![x.name.clone(), weights];
        if self.random.chance(0.6) {
            operands.push(self.weights(&[made], gain * x.size.min(10.0), 0));
        }
        let names: Vec<&str> = operands.iter().map(String::as_str).collect();
        Some(self.apply("Conv", &names, attributes, &out, 1.5 * gain * x.size))
    }
}
