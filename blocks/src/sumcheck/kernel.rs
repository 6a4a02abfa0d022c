//! The prover's tables for batches of products.

#[cfg(target_arch = "x86_64")]
use super::eight::{Factors, LARGE};
use super::{Degree, Rounds};
use crate::field::Fr;
use ark_ff::AdditiveGroup;
use rayon::prelude::*;
use std::ops::Range;
use zeroize::Zeroize;

/// Nodes of the largest message.
pub const MAX_NODES: usize = 81;
/// Work below which a loop stays on one thread.
const GRAIN: usize = 1 << 10;

/// `weight * sum_x prod_j factors[j][x]` over the last `bits` of the batch's variables.
#[derive(Clone, Debug)]
pub struct ProductTables {
    /// Weight in the batch.
    pub weight: Fr,
    /// Two or three tables of `2^bits` elements.
    pub factors: Vec<Vec<Fr>>,
}

/// The tables of a product, on lanes while they are large.
enum Tables {
    Plain(Vec<Vec<Fr>>),
    #[cfg(target_arch = "x86_64")]
    Lanes(Factors),
}

struct Instance {
    weight: Fr,
    tables: Tables,
}

/// A batch of products under one sumcheck.
pub struct Batch {
    instances: Vec<Instance>,
    degree: Degree,
    left: usize,
}

impl Batch {
    /// A batch over `variables` variables.
    pub fn new(instances: Vec<ProductTables>, variables: usize, degree: Degree) -> Self {
        let instance = |ProductTables { weight, factors }: ProductTables| Instance { weight, tables: Tables::new(factors) };
        Self { instances: instances.into_par_iter().map(instance).collect(), degree, left: variables }
    }

    /// The same without lanes: for comparison.
    pub fn one_by_one(instances: Vec<ProductTables>, variables: usize, degree: Degree) -> Self {
        let instance = |i: ProductTables| Instance { weight: i.weight, tables: Tables::Plain(i.factors) };
        Self { instances: instances.into_iter().map(instance).collect(), degree, left: variables }
    }
}

impl Zeroize for Batch {
    fn zeroize(&mut self) {
        for instance in &mut self.instances {
            match &mut instance.tables {
                Tables::Plain(factors) => factors.iter_mut().for_each(Zeroize::zeroize),
                #[cfg(target_arch = "x86_64")]
                Tables::Lanes(factors) => factors.zeroize(),
            }
        }
    }
}

impl Rounds for Batch {
    fn message(&mut self, b: usize) -> Vec<Fr> {
        let (left, degree) = (self.left, self.degree);
        let zero = || vec![Fr::ZERO; degree.message_len(b)];
        let add = |mut sum: Vec<Fr>, part: Vec<Fr>| {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            sum
        };
        self.instances.par_iter().map(|i| i.message(b, left, degree)).reduce(zero, add)
    }

    fn bind(&mut self, challenges: &[Fr]) {
        let left = self.left;
        self.instances.par_iter_mut().for_each(|instance| {
            let inactive = (left - instance.bits()).min(challenges.len());
            instance.tables.bind(&challenges[inactive..]);
        });
        self.left -= challenges.len();
    }
}

impl Tables {
    fn new(factors: Vec<Vec<Fr>>) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = crate::lanes::simd().filter(|_| factors[0].len() >= LARGE) {
            return Self::Lanes(Factors::new(simd, factors));
        }
        Self::Plain(factors)
    }

    fn entries(&self) -> usize {
        match self {
            Self::Plain(factors) => factors[0].len(),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(factors) => factors.entries(),
        }
    }

    fn bind(&mut self, challenges: &[Fr]) {
        match self {
            Self::Plain(factors) => {
                factors.iter_mut().for_each(|factor| challenges.iter().for_each(|&r| bind_top(factor, r)));
            }
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(factors) => {
                factors.bind(challenges);
                if factors.entries() < LARGE {
                    *self = Self::Plain(factors.elements());
                }
            }
        }
    }

    /// How many tables there are.
    fn count(&self) -> usize {
        match self {
            Self::Plain(factors) => factors.len(),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(factors) => factors.count(),
        }
    }

    /// Sums over the variables behind the first `b`, on the nodes of these.
    fn partial_sums(&self, b: usize, degree: Degree) -> Vec<Fr> {
        match self {
            Self::Plain(factors) => partial_sums(factors, b, degree),
            #[cfg(target_arch = "x86_64")]
            Self::Lanes(factors) => factors.partial_sums(b, degree),
        }
    }
}

/// Fixes the most significant variable of a table.
pub fn bind_top(table: &mut Vec<Fr>, r: Fr) {
    let half = table.len() / 2;
    let (low, high) = table.split_at_mut(half);
    let step = |(l, h): (&mut Fr, &Fr)| *l += r * (*h - *l);
    if half >= GRAIN {
        low.par_iter_mut().with_min_len(GRAIN).zip(high.par_iter()).for_each(|(l, h)| step((l, h)));
    } else {
        low.iter_mut().zip(high.iter()).for_each(|(l, h)| step((l, h)));
    }
    table.truncate(half);
}

/// Extends values on `{0,1}^b` to the nodes: `values[..2^b]` in, `values[..nodes^b]` out, first variable slowest.
fn extend(values: &mut [Fr; MAX_NODES], b: usize, degree: Degree) {
    // The last variable first: each step turns one binary digit into a node digit, from the slow end of the array
    // backwards so that nothing is overwritten before it is read.
    let mut inner = 1;
    for done in 0..b {
        let outer = 1 << (b - 1 - done);
        for o in (0..outer).rev() {
            for i in (0..inner).rev() {
                let (low, high) = (values[2 * o * inner + i], values[(2 * o + 1) * inner + i]);
                let to = o * degree.nodes() * inner + i;
                let difference = high - low;
                scratch_write(values, to, inner, degree, [low, high, difference]);
            }
        }
        inner *= degree.nodes();
    }
}

/// Writes the node values of one variable at stride `inner`.
fn scratch_write(values: &mut [Fr; MAX_NODES], to: usize, inner: usize, degree: Degree, [low, high, difference]: [Fr; 3]) {
    match degree {
        Degree::Two => {
            values[to + 2 * inner] = difference;
        }
        Degree::Three => {
            values[to + 2 * inner] = low - difference;
            values[to + 3 * inner] = difference;
        }
    }
    values[to] = low;
    values[to + inner] = high;
}

/// Sums of products of two or three factors, on the nodes of `b` variables: `value(factor, e, i)` is a factor's value where these are the bits
/// of `e` and the others are `i`.
pub fn sum_products(
    factors: usize,
    b: usize,
    degree: Degree,
    range: Range<usize>,
    value: impl Fn(usize, usize, usize) -> Fr,
) -> Vec<Fr> {
    let mut sums = vec![Fr::ZERO; degree.message_len(b)];
    let mut scratch = [[Fr::ZERO; MAX_NODES]; 3];
    for i in range {
        for (factor, values) in scratch.iter_mut().enumerate().take(factors) {
            for (e, slot) in values.iter_mut().enumerate().take(1 << b) {
                *slot = value(factor, e, i);
            }
            extend(values, b, degree);
        }
        for (n, sum) in sums.iter_mut().enumerate() {
            let product = scratch[0][n] * scratch[1][n];
            *sum += if factors == 3 { product * scratch[2][n] } else { product };
        }
    }
    sums
}

impl Instance {
    fn bits(&self) -> usize {
        self.tables.entries().trailing_zeros() as usize
    }

    /// The instance's part of a message over the next `b` of `left` variables.
    fn message(&self, b: usize, left: usize, degree: Degree) -> Vec<Fr> {
        let inactive = (left - self.bits()).min(b);
        let active = b - inactive;
        // Variables behind this group in which the instance is still constant double its sum.
        let later = left - b - (self.bits() - active);
        let scale = (0..later).fold(self.weight, |w, _| w.double());
        let own = self.partial_sums(active, degree);
        let mut message = vec![Fr::ZERO; degree.message_len(b)];
        for outer in 0..degree.message_len(inactive) {
            if vanishes(outer, inactive, degree) {
                continue;
            }
            let slots = &mut message[outer * own.len()..(outer + 1) * own.len()];
            slots.iter_mut().zip(&own).for_each(|(slot, v)| *slot = scale * v);
        }
        message
    }

    fn partial_sums(&self, b: usize, degree: Degree) -> Vec<Fr> {
        let mut sums = self.tables.partial_sums(b, degree);
        if degree == Degree::Three && self.tables.count() == 2 {
            // A product of two has no cubic coefficient; its value at infinity is 0.
            for (n, sum) in sums.iter_mut().enumerate() {
                if vanishes(n, b, degree) {
                    *sum = Fr::ZERO;
                }
            }
        }
        sums
    }
}

fn partial_sums(factors: &[Vec<Fr>], b: usize, degree: Degree) -> Vec<Fr> {
    let rest = factors[0].len() >> b;
    let chunk =
        |range: Range<usize>| sum_products(factors.len(), b, degree, range, |factor, e, i| factors[factor][e * rest + i]);
    if rest < GRAIN {
        return chunk(0..rest);
    }
    let add = |mut a: Vec<Fr>, b: Vec<Fr>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        a
    };
    let nodes = degree.message_len(b);
    (0..rest / GRAIN).into_par_iter().map(|c| chunk(c * GRAIN..(c + 1) * GRAIN)).reduce(|| vec![Fr::ZERO; nodes], add)
}

/// Whether some digit of a node is infinity.
fn vanishes(mut node: usize, b: usize, degree: Degree) -> bool {
    (0..b).any(|_| {
        let digit = node % degree.nodes();
        node /= degree.nodes();
        digit + 1 == degree.nodes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sumcheck::Span;
    use ark_ff::Field;

    fn scalars(seed: u64, n: usize) -> Vec<Fr> {
        std::iter::successors(Some(-Fr::from(seed)), |x| Some(x.square() + Fr::from(seed))).take(n).collect()
    }

    /// Messages of batches of small and large products, with entries that are any numbers, and the largest.
    #[test]
    fn lanes_say_what_tables_say_one_by_one() {
        for (degree, sizes) in [
            (Degree::Two, vec![(13, 2)]),
            (Degree::Two, vec![(8, 2), (0, 2), (7, 2), (9, 2), (12, 2), (11, 2)]),
            (Degree::Three, vec![(12, 3), (12, 2), (3, 3), (8, 2), (8, 3), (9, 3), (0, 2)]),
            (Degree::Three, vec![(15, 3), (14, 2), (10, 3)]),
        ] {
            for largest in [false, true] {
                let tables = |seed: u64, bits: usize| {
                    if largest { vec![-Fr::from(1u64); 1 << bits] } else { scalars(seed, 1 << bits) }
                };
                let product = |(i, &(bits, count)): (usize, &(usize, usize))| ProductTables {
                    weight: Fr::from(7 + i as u64),
                    factors: (0..count).map(|j| tables((3 * i + j + 2) as u64, bits)).collect(),
                };
                let products: Vec<ProductTables> = sizes.iter().enumerate().map(product).collect();
                let variables = sizes.iter().map(|s| s.0).max().unwrap_or(0) + 1;
                let mut lanes = Batch::new(products.clone(), variables, degree);
                let mut plain = Batch::one_by_one(products, variables, degree);
                let challenges = if largest { vec![-Fr::from(1u64); variables] } else { scalars(5, variables) };
                let mut at = 0;
                for b in degree.groups(Span::all(variables)) {
                    assert_eq!(lanes.message(b), plain.message(b), "{degree:?}, {b} variables behind {at}");
                    lanes.bind(&challenges[at..at + b]);
                    plain.bind(&challenges[at..at + b]);
                    at += b;
                }
            }
        }
    }
}
