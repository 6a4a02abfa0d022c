//! Samples of a model's input.

use ndarray::{ArrayD, IxDyn, Zip};
use tract_onnx::pb::tensor_proto::DataType;

use super::random::Random;

/// How an input's entries are drawn.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Its shape.
    pub shape: Vec<usize>,
    /// What its entries are.
    pub element: DataType,
    /// The size of each column of the last axis.
    columns: Vec<f64>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Uniform,
    Normal,
    Positive,
    Sparse,
    Whole,
    Flag,
}

impl Feed {
    /// A way to draw the entries of a shape.
    pub fn draw(random: &mut Random, shape: &[usize]) -> Self {
        let size = random.pick(&[1.0, 1.0, 1.0, 1.0, 3.0, 8.0, 30.0, 60.0, 0.01, 1e-6, 1e3, 1e6]);
        let extent = shape.last().copied().unwrap_or(1);
        let uneven = random.chance(0.08);
        let columns = (0..extent).map(|_| if uneven { size * random.sized(-3, 3) } else { size }).collect();
        let kind = random.pick(&[Kind::Uniform, Kind::Uniform, Kind::Normal, Kind::Positive, Kind::Sparse, Kind::Whole]);
        let kind = if size < 1.0 { Kind::Uniform } else { kind };
        Self { shape: shape.to_vec(), element: DataType::Float, columns, kind }
    }

    /// A way to draw entries that are no floats of 32 bits.
    pub fn of_another_type(random: &mut Random, shape: &[usize]) -> Self {
        let (element, kind, size) = random.pick(&[
            (DataType::Int64, Kind::Whole, 5.0),
            (DataType::Int64, Kind::Whole, 3e4),
            (DataType::Int32, Kind::Whole, 1000.0),
            (DataType::Int8, Kind::Whole, 127.0),
            (DataType::Uint8, Kind::Flag, 255.0),
            (DataType::Bool, Kind::Flag, 1.0),
            (DataType::Bool, Kind::Flag, 1.0),
            (DataType::Double, Kind::Uniform, 10.0),
        ]);
        Self { shape: shape.to_vec(), element, columns: vec![size], kind }
    }

    /// The largest magnitude.
    pub fn size(&self) -> f64 {
        self.columns.iter().copied().fold(0.0, f64::max)
    }

    /// The least value.
    pub fn least(&self) -> f64 {
        if matches!(self.kind, Kind::Positive | Kind::Flag) { 0.0 } else { f64::NEG_INFINITY }
    }

    /// One sample.
    pub fn sample(&self, random: &mut Random) -> ArrayD<f64> {
        let one = |position: usize| {
            let size = self.columns[position % self.columns.len()];
            let value = match self.kind {
                Kind::Uniform => size * random.uniform(-1.0, 1.0),
                Kind::Normal => size * random.normal() / 3.5,
                Kind::Positive => size * random.uniform(0.0, 1.0),
                Kind::Sparse if random.chance(0.5) => 0.0,
                Kind::Sparse => size * random.uniform(-1.0, 1.0),
                Kind::Flag => random.below(size as usize + 1) as f64,
                Kind::Whole => (size * random.uniform(-1.0, 1.0)).round(),
            };
            // What a float of 32 bits holds.
            f64::from(value as f32)
        };
        let entries = self.shape.iter().product();
        let values = (0..entries).map(one).collect();
        ArrayD::from_shape_vec(IxDyn(&self.shape), values).unwrap_or_default()
    }
}

/// Samples of all inputs.
pub fn samples(feeds: &[Feed], seed: u64, count: usize) -> Vec<Vec<ArrayD<f64>>> {
    let mut random = Random::new(seed ^ 0x5a5a_5a5a);
    (0..count).map(|_| feeds.iter().map(|feed| feed.sample(&mut random)).collect()).collect()
}

/// Samples between two of the given ones each, so that every entry lies in their range; integers are one's or the other's.
pub fn between(feeds: &[Feed], samples: &[Vec<ArrayD<f64>>], seed: u64, count: usize) -> Vec<Vec<ArrayD<f64>>> {
    let mut random = Random::new(seed ^ 0x3c3c_3c3c);
    let mut one = || {
        let (a, b) = (random.below(samples.len()), random.below(samples.len()));
        let share = random.uniform(0.7, 1.0);
        let mut mix = |feed: &Feed, a: &ArrayD<f64>, b: &ArrayD<f64>| {
            let whole = matches!(feed.kind, Kind::Whole | Kind::Flag);
            Zip::from(a).and(b).map_collect(|&a, &b| match whole {
                true if random.chance(share) => a,
                true => b,
                false => f64::from((a * share + b * (1.0 - share)) as f32),
            })
        };
        feeds.iter().enumerate().map(|(input, feed)| mix(feed, &samples[a][input], &samples[b][input])).collect()
    };
    (0..count).map(|_| one()).collect()
}
