//! What kind of model a seed gives: which operators are frequent in it, its inputs and outputs.

use tract_onnx::pb::tensor_proto::DataType;

use super::grower::{Grower, Value};
use super::random::Random;
use super::samples::Feed;
use super::writer::{Writer, int};

/// A model, and where samples of its inputs come from.
pub struct RandomModel {
    /// Everything follows from it.
    pub seed: u64,
    /// The file.
    pub bytes: Vec<u8>,
    /// One for each input.
    pub feeds: Vec<Feed>,
    /// Whether a function in it jumps.
    pub jumps: bool,
    /// The operators, a line each.
    pub listing: Vec<String>,
}

/// Families of operators.
#[derive(Clone, Copy)]
enum Family {
    Unary,
    Clip,
    Binary,
    Linear,
    Conv,
    Pool,
    Norm,
    Recurrent,
    Softmax,
    Reduce,
    View,
}

use Family::{Binary, Clip, Conv, Linear, Norm, Pool, Recurrent, Reduce, Softmax, Unary, View};

const CHAIN: [Family; 4] = [Unary, Unary, Clip, Clip];
const IMAGE: [Family; 12] = [Conv, Conv, Conv, Pool, Pool, Unary, Unary, Clip, Norm, Binary, View, Linear];
const SEQUENCE: [Family; 10] = [Linear, Linear, Linear, Softmax, Norm, Unary, Binary, Clip, View, Reduce];
const LAYERS: [Family; 6] = [Recurrent, Recurrent, Recurrent, Linear, Unary, View];
const ANYTHING: [Family; 10] = [Unary, Clip, Binary, Linear, Conv, Pool, Norm, Softmax, Reduce, View];

/// The model of a seed: a chain of functions, something like an image classifier, like a language model, or anything.
pub fn model(seed: u64) -> RandomModel {
    let mut random = Random::new(seed);
    let (families, ranks): (&[Family], &[usize]) = match random.below(8) {
        0 | 1 => (&CHAIN, &[1, 2, 2, 3]),
        2 | 3 => (&IMAGE, &[4, 4, 4, 3]),
        4 | 5 => (&SEQUENCE, &[2, 3, 3, 4]),
        _ => (&ANYTHING, &[1, 2, 3, 4, 5]),
    };
    grow(seed, random, families, ranks)
}

/// The chain of a seed: functions of one entry with clips among them, and nothing else.
pub fn chain(seed: u64) -> RandomModel {
    grow(seed, Random::new(!seed), &CHAIN, &[1, 2])
}

/// The recurrent model of a seed.
pub fn sequence(seed: u64) -> RandomModel {
    grow(seed, Random::new(seed ^ 0x5e9), &LAYERS, &[3])
}

fn grow(seed: u64, mut random: Random, families: &[Family], ranks: &[usize]) -> RandomModel {
    let opset = random.between(11, 21) as i64;
    let rank = random.pick(ranks);
    let mut grower = Grower { random, writer: Writer::new(opset), values: vec![], jumps: false };
    let inputs = if grower.random.chance(0.15) { 2 } else { 1 };
    let mut feeds = Vec::new();
    for _ in 0..inputs {
        let shape = shape(&mut grower.random, rank);
        let other = grower.random.chance(0.12);
        let feed =
            if other { Feed::of_another_type(&mut grower.random, &shape) } else { Feed::draw(&mut grower.random, &shape) };
        let name = grower.input(&feed);
        grower.values.push(Value { name, shape, size: feed.size(), least: feed.least() });
        feeds.push(feed);
    }
    let first = grower.values.len();
    let steps = grower.random.between(1, 7);
    for _ in 0..steps {
        step(&mut grower, families);
    }
    if grower.values.len() == first {
        let x = grower.values[0].clone();
        let y = grower.map("LeakyRelu", &x, vec![], x.size);
        grower.values.push(y);
    }
    outputs(&mut grower, first);
    let Grower { writer, jumps, .. } = grower;
    RandomModel { seed, listing: writer.listing(), bytes: writer.encode(), feeds, jumps }
}

impl Grower {
    /// An input as floats: what is none is cast, a boolean sometimes chooses instead.
    fn input(&mut self, feed: &Feed) -> String {
        let name = self.writer.input(&feed.shape, feed.element);
        if feed.element == DataType::Float {
            return name;
        }
        if feed.element == DataType::Bool && self.random.chance(0.3) {
            let (one, zero) = (self.scalar(1.0), self.scalar(0.0));
            return self.writer.node("Where", &[&name, &one, &zero], vec![]);
        }
        self.writer.node("Cast", &[&name], vec![int("to", DataType::Float as i64)])
    }
}

/// Extents: 1, primes, and what is usual; no axis stands for a batch more than another.
fn shape(random: &mut Random, rank: usize) -> Vec<usize> {
    let extents: &[usize] = match rank {
        1 => &[1, 7, 13, 16, 31],
        2 => &[1, 1, 3, 4, 7, 8, 16],
        3 => &[1, 2, 3, 4, 5, 7, 8],
        4 => &[1, 2, 3, 4, 5, 6, 7],
        _ => &[1, 1, 2, 3],
    };
    let mut shape: Vec<usize> = (0..rank).map(|_| random.pick(extents)).collect();
    // Images have a batch and some room.
    if rank >= 3 && random.chance(0.6) {
        shape[0] = random.pick(&[1, 1, 1, 2, 4]);
    }
    if rank == 4 && random.chance(0.6) {
        shape[2] = random.pick(&[5, 6, 7, 8, 9]);
        shape[3] = random.pick(&[5, 6, 7, 8, 11]);
    }
    shape
}

fn step(grower: &mut Grower, families: &[Family]) {
    let count = grower.values.len();
    let newest = grower.random.chance(0.8);
    let x = grower.values[if newest { count - 1 } else { grower.random.below(count) }].clone();
    for _ in 0..8 {
        let made = match grower.random.pick(families) {
            Unary => Some(grower.unary(&x)),
            Clip => Some(grower.clip(&x)),
            Binary => Some(grower.binary(&x)),
            Linear => grower.linear(&x),
            Conv => grower.conv(&x),
            Pool => grower.pool(&x),
            Norm => grower.norm(&x),
            Recurrent => grower.recurrent(&x),
            Softmax => grower.softmax(&x),
            Reduce => grower.reduce(&x),
            View => grower.view(&x),
        };
        if let Some(made) = made {
            grower.values.push(made);
            return;
        }
    }
}

/// The newest value, and sometimes values before it, which others use.
fn outputs(grower: &mut Grower, first: usize) {
    let last = grower.values.len() - 1;
    let mut chosen = vec![last];
    while grower.random.chance(0.2) && chosen.len() < 3 {
        chosen.push(grower.random.between(first, last));
    }
    chosen.dedup();
    for index in chosen {
        let name = grower.values[index].name.clone();
        grower.writer.output(&name);
    }
}
