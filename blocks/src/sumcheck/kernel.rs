//! The prover's tables for batches of products.

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

/// A batch of products under one sumcheck.
pub struct Batch {
    instances: Vec<ProductTables>,
    degree: Degree,
    left: usize,
}

impl Batch {
    /// A batch over `variables` variables.
    pub fn new(instances: Vec<ProductTables>, variables: usize, degree: Degree) -> Self {
        Self { instances, degree, left: variables }
    }
}

impl Zeroize for Batch {
    fn zeroize(&mut self) {
        self.instances.iter_mut().flat_map(|i| &mut i.factors).for_each(Zeroize::zeroize);
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
            for factor in &mut instance.factors {
                for &r in &challenges[inactive..] {
                    bind_top(factor, r);
                }
            }
        });
        self.left -= challenges.len();
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

impl ProductTables {
    fn bits(&self) -> usize {
        self.factors[0].len().trailing_zeros() as usize
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

    /// Sums over the variables behind the first `b`, on the nodes of these.
    fn partial_sums(&self, b: usize, degree: Degree) -> Vec<Fr> {
        let rest = self.factors[0].len() >> b;
        let nodes = degree.message_len(b);
        let chunk = |range: Range<usize>| {
            sum_products(self.factors.len(), b, degree, range, |factor, e, i| self.factors[factor][e * rest + i])
        };
        let mut sums = if rest < GRAIN {
            chunk(0..rest)
        } else {
            let add = |mut a: Vec<Fr>, b: Vec<Fr>| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            };
            (0..rest / GRAIN)
                .into_par_iter()
                .map(|c| chunk(c * GRAIN..(c + 1) * GRAIN))
                .reduce(|| vec![Fr::ZERO; nodes], add)
        };
        if degree == Degree::Three && self.factors.len() == 2 {
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

/// Whether some digit of a node is infinity.
fn vanishes(mut node: usize, b: usize, degree: Degree) -> bool {
    (0..b).any(|_| {
        let digit = node % degree.nodes();
        node /= degree.nodes();
        digit + 1 == degree.nodes()
    })
}
