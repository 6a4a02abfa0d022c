//! Operators that move entries.

use super::binary::broadcast;
use super::grower::{Grower, Value};
use super::pool::integers;
use super::writer::{int, ints, text};

impl Grower {
    /// A view that the value's rank and the opset admit.
    pub fn view(&mut self, x: &Value) -> Option<Value> {
        let made = match self.random.below(14) {
            0 | 1 => self.reshape(x),
            2 | 3 => self.transpose(x),
            4 | 5 => self.slice(x),
            6 => self.gather(x),
            7 => self.split(x),
            8 => self.concat(x),
            9 => self.pad(x),
            10 => self.tile(x),
            11 => self.expand(x),
            12 => self.squeeze(x),
            _ => self.depth(x),
        }?;
        self.fits(&made.shape).then_some(made)
    }

    fn keep(&mut self, op: &str, operands: &[&str], x: &Value, shape: &[usize]) -> Value {
        let y = self.apply(op, operands, vec![], shape, x.size);
        Value { least: x.least, ..y }
    }

    fn reshape(&mut self, x: &Value) -> Option<Value> {
        if self.random.chance(0.2) {
            return Some(self.flatten(x));
        }
        let mut shape = Vec::new();
        let mut left = x.entries();
        while left > 1 && shape.len() < 4 {
            let divisors: Vec<usize> = (1..=left).filter(|d| left.is_multiple_of(*d)).collect();
            let extent = self.random.pick(&divisors);
            shape.push(extent);
            left /= extent;
        }
        if left > 1 || shape.is_empty() {
            shape.push(left);
        }
        let mut written = integers(&shape);
        if self.random.chance(0.4) {
            let axis = self.random.below(written.len());
            written[axis] = -1;
        }
        if shape.first() == x.shape.first() && written[0] > 0 && self.random.chance(0.4) {
            written[0] = 0;
        }
        let written = self.writer.integers(&written);
        Some(self.keep("Reshape", &[&x.name, &written], x, &shape))
    }

    fn flatten(&mut self, x: &Value) -> Value {
        let axis = self.random.below(x.rank() + 1);
        let shape = [x.shape[..axis].iter().product(), x.shape[axis..].iter().product()];
        self.apply("Flatten", &[&x.name], vec![int("axis", axis as i64)], &shape, x.size)
    }

    fn transpose(&mut self, x: &Value) -> Option<Value> {
        let reversed = self.random.chance(0.2);
        let order = if reversed { (0..x.rank()).rev().collect() } else { self.random.permutation(x.rank()) };
        let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
        let attributes = if reversed { vec![] } else { vec![ints("perm", &integers(&order))] };
        (x.rank() > 0).then(|| self.apply("Transpose", &[&x.name], attributes, &shape, x.size))
    }

    fn slice(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        let axes = self.axes(x.rank());
        let (mut starts, mut ends, mut steps) = (vec![], vec![], vec![]);
        let mut shape = x.shape.clone();
        for &axis in &axes {
            let extent = x.shape[axis];
            let (first, step) = (self.random.below(extent), self.random.pick(&[1, 1, 1, 2, 3]));
            let backwards = self.random.chance(0.3);
            let last = if backwards { self.random.below(first + 1) } else { self.random.between(first, extent - 1) };
            shape[axis] = first.abs_diff(last) / step + 1;
            let (extent, first, last, step) = (extent as i64, first as i64, last as i64, step as i64);
            let from_end = self.random.chance(0.3);
            starts.push(if from_end { first - extent } else { first });
            ends.push(match (backwards, from_end) {
                (false, _) if last == extent - 1 => self.random.pick(&[extent, i64::MAX, extent + 5]),
                (false, true) => last + 1 - extent,
                (false, false) => last + 1,
                (true, _) if last == 0 => self.random.pick(&[i64::MIN, -extent - 1]),
                (true, false) => last - 1,
                (true, true) => last - 1 - extent,
            });
            steps.push(if backwards { -step } else { step });
        }
        let rank = x.rank() as i64;
        let negative = self.random.chance(0.4);
        let axes: Vec<i64> = integers(&axes).into_iter().map(|a| if negative { a - rank } else { a }).collect();
        let [starts, ends, axes, steps_name] =
            [&starts, &ends, &axes, &steps].map(|values: &Vec<i64>| self.writer.integers(values));
        let mut operands = vec![&x.name[..], &starts, &ends, &axes];
        if steps.iter().any(|&s| s != 1) || self.random.chance(0.5) {
            operands.push(&steps_name);
        }
        Some(self.keep("Slice", &operands, x, &shape))
    }

    fn gather(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        let (axis, written) = self.axis(x.rank());
        let extent = x.shape[axis] as i64;
        let indices: Vec<i64> =
            (0..self.random.between(1, 5)).map(|_| self.random.below(2 * extent as usize) as i64 - extent).collect();
        let mut shape = x.shape.clone();
        shape[axis] = indices.len();
        let indices = self.writer.integers(&indices);
        let y = self.apply("Gather", &[&x.name, &indices], vec![int("axis", written)], &shape, x.size);
        Some(y)
    }

    fn split(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        let (axis, written) = self.axis(x.rank());
        let extent = x.shape[axis];
        if extent < 2 {
            return None;
        }
        let first = self.random.between(1, extent - 1);
        let sizes = [first, extent - first];
        let mut attributes = vec![int("axis", written)];
        let operand;
        let mut operands = vec![&x.name[..]];
        if self.opset() >= 13 {
            operand = self.writer.integers(&integers(&sizes));
            operands.push(&operand);
        } else {
            attributes.push(ints("split", &integers(&sizes)));
        }
        let parts = self.writer.nodes("Split", &operands, attributes, 2);
        let part = |index: usize| {
            let mut shape = x.shape.clone();
            shape[axis] = sizes[index];
            Value { name: parts[index].clone(), shape, ..x.clone() }
        };
        self.values.push(part(0));
        Some(part(1))
    }

    fn concat(&mut self, x: &Value) -> Option<Value> {
        if x.rank() == 0 {
            return None;
        }
        let (axis, written) = self.axis(x.rank());
        let fits = |v: &Value| v.rank() == x.rank() && (0..v.rank()).all(|a| a == axis || v.shape[a] == x.shape[a]);
        let others: Vec<Value> = self.values.iter().filter(|v| fits(v)).cloned().collect();
        let mut shape = x.shape.clone();
        let (other, size) = if self.random.chance(0.25) || others.is_empty() {
            let mut constant = x.shape.clone();
            constant[axis] = self.random.between(1, 2);
            shape[axis] += constant[axis];
            let size = if self.random.chance(0.2) { 1e-3 } else { 1.0 } * x.size.min(100.0);
            (self.weights(&constant, size, axis), x.size)
        } else {
            let other = &others[self.random.below(others.len())];
            shape[axis] += other.shape[axis];
            (other.name.clone(), x.size.max(other.size))
        };
        Some(self.apply("Concat", &[&x.name, &other], vec![int("axis", written)], &shape, size))
    }

    fn pad(&mut self, x: &Value) -> Option<Value> {
        let mode = self.random.pick(&["constant", "constant", "reflect", "edge"]);
        let rank = x.rank();
        let mut pads = vec![0i64; 2 * rank];
        let mut shape = x.shape.clone();
        for (axis, extent) in shape.iter_mut().enumerate() {
            let most = if mode == "reflect" { *extent - 1 } else { 2 };
            for side in [axis, axis + rank] {
                let pad = if self.random.chance(0.5) { self.random.between(0, most.min(2)) } else { 0 };
                pads[side] = pad as i64;
                *extent += pad;
            }
        }
        if rank == 0 || !self.fits(&shape) {
            return None;
        }
        let pads = self.writer.integers(&pads);
        let value = self.random.pick(&[0.0, 1.0, -2.5]);
        let value = self.scalar(value);
        let mut operands = vec![&x.name[..], &pads];
        if mode == "constant" && self.random.chance(0.6) {
            operands.push(&value);
        }
        Some(self.apply("Pad", &operands, vec![text("mode", mode)], &shape, x.size + 2.5))
    }

    fn tile(&mut self, x: &Value) -> Option<Value> {
        let repeats: Vec<usize> = x.shape.iter().map(|_| self.random.pick(&[1, 1, 2, 3])).collect();
        let shape: Vec<usize> = x.shape.iter().zip(&repeats).map(|(extent, count)| extent * count).collect();
        if x.rank() == 0 || !self.fits(&shape) {
            return None;
        }
        let repeats = self.writer.integers(&integers(&repeats));
        Some(self.keep("Tile", &[&x.name, &repeats], x, &shape))
    }

    fn expand(&mut self, x: &Value) -> Option<Value> {
        let mut wanted: Vec<usize> =
            x.shape.iter().map(|&e| if e == 1 { self.random.pick(&[1, 2, 3]) } else { self.random.pick(&[1, e]) }).collect();
        if self.random.chance(0.3) {
            wanted.insert(0, 2);
        }
        let shape = broadcast(&x.shape, &wanted).filter(|shape| self.fits(shape) && !wanted.is_empty())?;
        let wanted = self.writer.integers(&integers(&wanted));
        Some(self.keep("Expand", &[&x.name, &wanted], x, &shape))
    }

    /// An axis of extent 1 more or less.
    fn squeeze(&mut self, x: &Value) -> Option<Value> {
        let ones: Vec<usize> = (0..x.rank()).filter(|&axis| x.shape[axis] == 1).collect();
        let mut shape = x.shape.clone();
        let (op, axis) = if ones.is_empty() || self.random.chance(0.5) {
            let axis = self.random.below(x.rank() + 1);
            shape.insert(axis, 1);
            ("Unsqueeze", axis)
        } else {
            let axis = self.random.pick(&ones);
            shape.remove(axis);
            ("Squeeze", axis)
        };
        if self.opset() >= 13 {
            let axes = self.writer.integers(&[axis as i64]);
            return Some(self.keep(op, &[&x.name, &axes], x, &shape));
        }
        Some(self.apply(op, &[&x.name], vec![ints("axes", &[axis as i64])], &shape, x.size))
    }

    fn depth(&mut self, x: &Value) -> Option<Value> {
        let &[n, c, h, w] = &x.shape[..] else { return None };
        let block = int("blocksize", 2);
        if c.is_multiple_of(4) && self.random.chance(0.7) {
            let mode = self.random.pick(&["DCR", "CRD"]);
            let shape = [n, c / 4, h * 2, w * 2];
            return Some(self.apply("DepthToSpace", &[&x.name], vec![block, text("mode", mode)], &shape, x.size));
        }
        let even = h.is_multiple_of(2) && w.is_multiple_of(2);
        even.then(|| self.apply("SpaceToDepth", &[&x.name], vec![block], &[n, c * 4, h / 2, w / 2], x.size))
    }
}
