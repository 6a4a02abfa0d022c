//! A model that grows operator by operator, and what is known of its values on the way.

use tract_onnx::pb::AttributeProto;

use super::random::Random;
use super::writer::Writer;

/// Entries of the largest value.
const MOST: usize = 1 << 11;

/// A tensor of the model.
#[derive(Clone, Debug)]
pub struct Value {
    /// Its name in the file.
    pub name: String,
    /// Its extents.
    pub shape: Vec<usize>,
    /// About the largest magnitude that it takes.
    pub size: f64,
    /// No entry is smaller.
    pub least: f64,
}

impl Value {
    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Values that a function is defined on.
#[derive(Clone, Copy, Debug)]
pub enum Domain {
    /// All.
    Any,
    /// Of at most this magnitude.
    Within(f64),
    /// Not below this.
    AtLeast(f64),
}

/// The model so far.
pub struct Grower {
    /// Where decisions come from.
    pub random: Random,
    /// The file.
    pub writer: Writer,
    /// Values that later operators may use.
    pub values: Vec<Value>,
    /// Whether a function that jumps was used: there, the least rounding shows.
    pub jumps: bool,
}

impl Grower {
    /// The version of the operators.
    pub fn opset(&self) -> i64 {
        self.writer.opset
    }

    /// Whether a value of this shape is small enough.
    pub fn fits(&self, shape: &[usize]) -> bool {
        let entries = shape.iter().try_fold(1usize, |entries, &extent| entries.checked_mul(extent));
        entries.is_some_and(|entries| (1..=MOST).contains(&entries)) && shape.len() <= 6
    }

    /// A node of one output of the given shape.
    pub fn apply(
        &mut self,
        op: &str,
        operands: &[&str],
        attributes: Vec<AttributeProto>,
        shape: &[usize],
        size: f64,
    ) -> Value {
        let name = self.writer.node(op, operands, attributes);
        Value { name, shape: shape.to_vec(), size, least: f64::NEG_INFINITY }
    }

    /// A function of each entry.
    pub fn map(&mut self, op: &str, x: &Value, attributes: Vec<AttributeProto>, size: f64) -> Value {
        self.apply(op, &[&x.name], attributes, &x.shape, size)
    }

    /// A constant of the given entries.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        let as_node = self.random.chance(0.2);
        self.writer.floats(shape, values, as_node)
    }

    /// A constant of one entry, without axes or with one of extent 1.
    pub fn number(&mut self, value: f64) -> String {
        let shape: &[usize] = if self.random.chance(0.7) { &[] } else { &[1] };
        self.floats(shape, &[value as f32])
    }

    /// A constant without axes.
    pub fn scalar(&mut self, value: f64) -> String {
        self.floats(&[], &[value as f32])
    }

    /// Weights of about this size, of columns (along `axis`) that may differ much in theirs.
    pub fn weights(&mut self, shape: &[usize], size: f64, axis: usize) -> String {
        let values = self.weight_values(shape, size, axis);
        self.floats(shape, &values)
    }

    /// The entries of [`Self::weights`].
    pub fn weight_values(&mut self, shape: &[usize], size: f64, axis: usize) -> Vec<f32> {
        let uneven = self.random.chance(0.15);
        let columns: Vec<f64> = match shape.get(axis) {
            Some(&extent) if uneven => (0..extent).map(|_| size * self.random.sized(-3, 0)).collect(),
            other => vec![size; other.copied().unwrap_or(1)],
        };
        let after: usize = shape.iter().skip(axis + 1).product();
        let sparse = self.random.chance(0.05);
        let one = |position: usize| {
            let zero = sparse && self.random.chance(0.5);
            if zero { 0.0 } else { (self.random.normal() * 0.6 * columns[position / after % columns.len()]) as f32 }
        };
        (0..shape.iter().product()).map(one).collect()
    }

    /// The value, moved into a domain where it is not in it already.
    pub fn within(&mut self, x: &Value, domain: Domain) -> Value {
        match domain {
            Domain::Any => x.clone(),
            Domain::Within(bound) if x.size <= bound => x.clone(),
            Domain::Within(bound) => self.shrink(x, bound),
            Domain::AtLeast(floor) if x.least >= floor => x.clone(),
            Domain::AtLeast(floor) => self.raise(x, floor),
        }
    }

    fn shrink(&mut self, x: &Value, bound: f64) -> Value {
        match self.random.below(3) {
            0 => {
                let factor = self.number(bound / x.size);
                self.apply("Mul", &[&x.name, &factor], vec![], &self.joined(x, &factor), bound)
            }
            1 => {
                let divisor = self.number(x.size / bound);
                self.apply("Div", &[&x.name, &divisor], vec![], &self.joined(x, &divisor), bound)
            }
            _ => {
                let (lo, hi) = (self.scalar(-bound), self.scalar(bound));
                self.apply("Clip", &[&x.name, &lo, &hi], vec![], &x.shape, bound)
            }
        }
    }

    fn raise(&mut self, x: &Value, floor: f64) -> Value {
        let mut raised = match self.random.below(4) {
            0 => {
                let lo = self.scalar(floor);
                self.apply("Clip", &[&x.name, &lo], vec![], &x.shape, x.size + floor)
            }
            1 => {
                let lo = self.number(floor);
                self.apply("Max", &[&x.name, &lo], vec![], &self.joined(x, &lo), x.size + floor)
            }
            choice => {
                let (op, size) = if choice == 2 { ("Abs", x.size) } else { ("Sigmoid", 1.0) };
                let positive = self.map(op, x, vec![], size);
                let lo = self.number(floor);
                self.apply("Add", &[&positive.name, &lo], vec![], &self.joined(x, &lo), size + floor)
            }
        };
        raised.least = floor;
        raised
    }

    /// The shape of an elementwise result with a number: one axis where there was none and the number has one.
    pub fn joined(&self, x: &Value, number: &str) -> Vec<usize> {
        if x.shape.is_empty() && self.writer.has_axis(number) { vec![1] } else { x.shape.clone() }
    }

    /// One of the axes, counted from the front, and as it is written: from the front or the end.
    pub fn axis(&mut self, rank: usize) -> (usize, i64) {
        let axis = self.random.below(rank);
        let written = if self.random.chance(0.4) { axis as i64 - rank as i64 } else { axis as i64 };
        (axis, written)
    }

    /// Some of the axes, ascending, at least one.
    pub fn axes(&mut self, rank: usize) -> Vec<usize> {
        let count = self.random.between(1, rank);
        let mut axes = self.random.permutation(rank);
        axes.truncate(count);
        axes.sort_unstable();
        axes
    }
}
