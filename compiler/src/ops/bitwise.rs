//! Bits of integers, combined (docs/lowerings.md, section 23).

use ndarray::{ArrayD, IxDyn};
use tract_onnx::tract_core::ops::binary::BinMiniOp;
use tract_onnx::tract_core::ops::logic::{BitAnd, BitOr, BitXor};
use zktorch_blocks::program::{Advice, Interval, Scale, TensorId};

use super::operator::{Imports, Nature, Operator, Ranges, zip};
use super::shape::{Misfit, same};
use super::{Connective, Sub};
use crate::graph::{Domain, EXACT, NodeId};
use crate::import::{self, Import, Site, Translator, domain_of};
use crate::lower::{Lowering, Refusal, Value};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[Import::Binary(import), Import::Named("BitNot", complement)];

/// Bits that are looked up together.
const DIGIT: u32 = 4;
/// Bits of an operand, at most.
const MOST: u32 = 44;

/// A connective of the bits of two tensors of integers of one shape, negative ones in two's complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bitwise(pub Connective);

fn import(t: &mut Translator<'_>, site: &Site<'_>, op: &dyn BinMiniOp) -> Option<Result<NodeId, import::Refusal>> {
    let connective = match () {
        () if op.is::<BitAnd>() => Connective::And,
        () if op.is::<BitOr>() => Connective::Or,
        () if op.is::<BitXor>() => Connective::Xor,
        () => return None,
    };
    Some(t.binary(site, Bitwise(connective), false))
}

/// All bits turned: `-1 - x`, or the largest number of a type without sign less `x`.
fn complement(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let x = t.operand(site, 0)?;
    let kind = t.operand_type(site, 0)?;
    let (lo, hi) = domain_of(kind)?.range().ok_or(import::Refusal::Form("only integers have bits"))?;
    if kind.is_unsigned() && hi == EXACT {
        return Err(import::Refusal::Form("the complement of 64 bits without sign is not supported"));
    }
    let ones = if lo < 0 { -1 } else { hi };
    let ones = ArrayD::from_elem(IxDyn(&vec![1; site.shape.len()]), ones as f64);
    let ones = t.graph.add_constant_of(Domain::Integer { lo, hi }, site.name.clone(), ones);
    let ones = t.broadcast(site, ones, &site.shape);
    t.add(site, Sub, &[ones, x])
}

impl Connective {
    fn of_bits(self, a: i64, b: i64) -> i64 {
        match self {
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
        }
    }
}

/// The smallest interval of two's complement that contains others, or of numbers without sign.
fn around(all: [(i64, i64); 2]) -> (i64, i64) {
    let bits = all.iter().map(|&(lo, hi)| 64 - hi.max(!lo).max(0).leading_zeros()).max().unwrap_or(0).min(53);
    let half = 1i64 << bits;
    (if all.iter().any(|&(lo, _)| lo < 0) { -half } else { 0 }, half - 1)
}

impl Operator for Bitwise {
    fn name(&self) -> &'static str {
        match self.0 {
            Connective::And => "BitwiseAnd",
            Connective::Or => "BitwiseOr",
            Connective::Xor => "BitwiseXor",
        }
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        same(operands)
    }

    fn domain(&self, operands: &[Domain]) -> Domain {
        let [a, b] = operands else { return Domain::Real };
        let (Some(a), Some(b)) = (a.range(), b.range()) else { return Domain::Real };
        let (lo, hi) = around([a, b]);
        Domain::hull(&[lo.into(), hi.into()])
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        zip(operands, |a, b| self.0.of_bits(a as i64, b as i64) as f64)
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        let most = at.operand(0).magnitude().max(at.operand(1).magnitude());
        Range::symmetric(2.0 * most + 1.0)
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, a, b) = (at.name(id), at.operand(id, 0)?, at.operand(id, 1)?);
        let (a, b, _) = at.aligned(&name, a, b)?;
        let [i, j] = [a, b].map(|x| at.builder.interval(x));
        let (lo, hi) = around([(i.lo, i.hi), (j.lo, j.hi)]);
        let bits = (64 - hi.leading_zeros() + u32::from(lo < 0)).next_multiple_of(DIGIT).max(DIGIT);
        if bits > MOST {
            return Err(Refusal::Width(format!("the bits of integers from {lo} to {hi}, of at most {MOST} bits")));
        }
        let (first, second) =
            (digits(at, &format!("{name}.first"), a, bits)?, digits(at, &format!("{name}.second"), b, bits)?);
        let dims = at.builder.dims(a).to_vec();
        let size = 1i64 << DIGIT;
        let column = (0..size * size).map(|key| self.0.of_bits(key / size, key % size)).collect();
        let table = at.builder.data_table(&format!("{} of {DIGIT} bits", self.name()), 0, vec![column]);
        let mut terms = Vec::with_capacity(first.digits.len() + 1);
        for (n, (&a, &b)) in first.digits.iter().zip(&second.digits).enumerate() {
            let key = at.builder.linear(&format!("{name}.{n}.key"), &[(size, a), (1, b)], 0, Scale(0))?;
            let rule = Advice::Table { source: key, table, column: 1 };
            let made = at.builder.advice(&format!("{name}.{n}"), &dims, rule, Interval::new(0, size - 1), Scale(0));
            at.builder.lookup(&[key, made], table);
            terms.push((1i64 << (n as u32 * DIGIT), made));
        }
        if let Some(negative) = self.negative(at, &name, (first.negative, second.negative))? {
            terms.push((-(1i64 << bits), negative));
        }
        let sum = at.builder.linear(&format!("{name}.sum"), &terms, 0, Scale(0))?;
        let tensor = at.builder.copy_within(&name, sum, Interval::new(lo, hi));
        Ok(Value { tensor, scale: Scale(0), depth: 0 })
    }
}

impl Bitwise {
    /// Whether the result is negative, by whether the operands are; none where it cannot be.
    fn negative(
        self,
        at: &mut Lowering<'_>,
        name: &str,
        (a, b): (Option<TensorId>, Option<TensorId>),
    ) -> Result<Option<TensorId>, Refusal> {
        let (a, b) = match (a, b) {
            (None, None) => return Ok(None),
            (Some(one), None) | (None, Some(one)) => return Ok((self.0 != Connective::And).then_some(one)),
            (Some(a), Some(b)) => (a, b),
        };
        let value = |tensor| Value { tensor, scale: Scale(0), depth: 0 };
        let both = at.product(&format!("{name}.both"), value(a), value(b))?.tensor;
        let of_both = match self.0 {
            Connective::And => return Ok(Some(both)),
            Connective::Or => -1,
            Connective::Xor => -2,
        };
        at.builder.linear(&format!("{name}.negative"), &[(1, a), (1, b), (of_both, both)], 0, Scale(0)).map(Some)
    }
}

/// An integer's digits in two's complement, the lowest first, and whether it is negative.
struct Digits {
    digits: Vec<TensorId>,
    negative: Option<TensorId>,
}

/// `x + 2^bits [x < 0]` in digits, each of which is looked up: the rests of repeated division, of which the last is a digit itself.
fn digits(at: &mut Lowering<'_>, name: &str, x: TensorId, bits: u32) -> Result<Digits, Refusal> {
    let dims = at.builder.dims(x).to_vec();
    let mut negative = None;
    let mut left = x;
    if at.builder.interval(x).lo < 0 {
        let sign = at.nonnegative(name, x)?;
        negative = Some(at.builder.linear(&format!("{name}.negative"), &[(-1, sign)], 1, Scale(0))?);
        let raised =
            at.builder.linear(&format!("{name}.raised"), &[(1, x), (-(1i64 << bits), sign)], 1 << bits, Scale(0))?;
        left = at.builder.copy_within(&format!("{name}.unsigned"), raised, Interval::new(0, (1 << bits) - 1));
    }
    let (size, count) = (1i64 << DIGIT, bits / DIGIT);
    let mut digits = Vec::with_capacity(count as usize);
    for n in 0..count {
        let part = |suffix: &str| format!("{name}.{n}.{suffix}");
        let digit = if n + 1 == count {
            left
        } else {
            let rule = Advice::Floor { source: left, divisor: size };
            let most = (1i64 << (bits - (n + 1) * DIGIT)) - 1;
            let rest = at.builder.advice(&part("rest"), &dims, rule, Interval::new(0, most), Scale(0));
            let digit = at.builder.linear(&part("digit"), &[(1, left), (-size, rest)], 0, Scale(0))?;
            left = rest;
            digit
        };
        at.builder.within(&part("digit"), digit, Interval::new(0, size - 1))?;
        digits.push(digit);
    }
    Ok(Digits { digits, negative })
}
