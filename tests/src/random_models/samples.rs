//! Samples of a model's input.

use ndarray::{ArrayD, IxDyn};

use super::random::Random;

/// How an input's entries are drawn.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Its shape.
    pub shape: Vec<usize>,
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
        Self { shape: shape.to_vec(), columns, kind }
    }

    /// The largest magnitude.
    pub fn size(&self) -> f64 {
        self.columns.iter().copied().fold(0.0, f64::max)
    }

    /// The least value.
    pub fn least(&self) -> f64 {
        if matches!(self.kind, Kind::Positive) { 0.0 } else { f64::NEG_INFINITY }
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

/// Samples between two of the given ones each, so that every entry lies in their range.
pub fn between(samples: &[Vec<ArrayD<f64>>], seed: u64, count: usize) -> Vec<Vec<ArrayD<f64>>> {
    let mut random = Random::new(seed ^ 0x3c3c_3c3c);
    let mut one = || {
        let (a, b) = (random.below(samples.len()), random.below(samples.len()));
        let share = random.uniform(0.7, 1.0);
        samples[a]
            .iter()
            .zip(&samples[b])
            .map(|(a, b)| (a * share + b * (1.0 - share)).mapv(|v| f64::from(v as f32)))
            .collect()
    };
    (0..count).map(|_| one()).collect()
}
