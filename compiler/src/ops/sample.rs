//! A token that is drawn from what a model says of the next one, by numbers that nobody chose (docs/lowerings.md, section 21).

use ndarray::{ArrayD, IxDyn};
use zktorch_blocks::program::{Advice, Draws, Interval, LARGEST_WORD, Marks, Relation, Role, Scale, TensorId, WORDS};

use super::label::Label;
use super::operator::{Demand, Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, arity, require};
use super::softmax::softmax;
use crate::goal::Temperature;
use crate::graph::{Domain, NodeId};
use crate::lower::{Exponentials, Lowering, Refusal, Value};
use crate::quantise::{Range, Settings};

/// No file has it: it is asked for.
pub(super) const IMPORT: Imports = &[];

/// Scale of the exponentials: `exp(0) = 2^24`.
const EXPONENTIAL: Scale = Scale(24);
/// `2^16`: a number is two words.
const WORD: i64 = LARGEST_WORD + 1;
/// Entries of a row, at most: products of their sum and a word have 61 bits.
const LONGEST: usize = 1 << 19;

/// `out[i]` is the token whose part of `[0, 1)` a number lies in, if each token has as much of it as `softmax(x[i] / temperature)` gives
/// it, in order. The number follows from the seed (operand 4) and the text (operand 2) up to its place `places[i]` (operand 3). The token is held
/// to be the one that operand 1 has at `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What logits are divided by.
    pub temperature: Temperature,
}

impl Operator for Sample {
    fn name(&self) -> &'static str {
        "Sample"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 5..=5)?;
        let fits = matches!(operands, [[rows, _], [tokens], _, [places], [WORDS]] if rows == tokens && rows == places);
        require(fits, || Misfit::Broadcast { from: operands[1].to_vec(), to: operands[0].to_vec() })?;
        Ok(Some(operands[1].to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::ANY
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], shape: &[usize]) -> ArrayD<f64> {
        let [logits, _, text, places, seed] = *operands else { return empty() };
        let given = [seed, text, places].map(|array| array.iter().map(|&v| v as i64).collect::<Vec<i64>>());
        let [seed, text, places] = [0, 1, 2].map(TensorId);
        let words = [0, 1].map(|word| Draws { seed, text, places, word }.entries(|id| given[id.0].clone()));
        let p = softmax(&[1], &logits.mapv(|x| x / self.temperature.get()));
        let drawn = |(row, (high, low)): (ndarray::ArrayView1<'_, f64>, (&i64, &i64))| {
            let number = (WORD * high + low) as f64 / (WORD * WORD) as f64;
            let mut sum = 0.0;
            let above = |p: &f64| {
                sum += p;
                sum > number
            };
            row.iter().position(above).unwrap_or(row.len() - 1) as f64
        };
        let rows = p.rows().into_iter().zip(words[0].iter().zip(&words[1])).map(drawn).collect();
        ArrayD::from_shape_vec(IxDyn(shape), rows).unwrap_or_else(|_| empty())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        Range { lo: 0.0, hi: at.shape(0).last().map_or(0.0, |&extent| extent as f64 - 1.0) }
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    fn demand(&self, settings: Settings) -> Option<Demand> {
        Some(Demand { rows: rows(settings), finest: Scale(14) })
    }

    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let logits = at.operand(id, 0)?;
        let x = at.value(logits)?;
        let mut known = |n| at.operand(id, n).and_then(|operand| at.value(operand)).map(|value| value.tensor);
        let (wanted, text, places, seed) = (known(1)?, known(2)?, known(3)?, known(4)?);
        if at.builder.role(text) != Role::Public {
            return Err("what is drawn must follow from a text that is shown".into());
        }
        let (name, scale, rows) = (at.name(id), at.plan.scale(logits), rows(at.settings));
        let (_, d) = at.gaps(&name, x, scale, &[1], &[0], rows)?;
        let table = Exponentials { rows, scale: EXPONENTIAL, temperature: Some(self.temperature) };
        let e = at.exponentials(&name, d, scale, &[1], table, None)?;
        let words = [("high", 0), ("low", 1)];
        let words =
            words.map(|(part, word)| at.builder.draws(&format!("{name}.{part}"), Draws { seed, text, places, word }));
        let token = drawn(at, &name, e, words)?;
        let other = at.builder.linear(&format!("{name}.other"), &[(1, token), (-1, wanted)], 0, Scale(0))?;
        at.builder.zero(other);
        Ok(Value { tensor: token, scale: Scale(0), depth: 0 })
    }
}

/// The first token of each row of `e` up to which its entries add up to more than the part of their sum `S` that a number of two words says:
/// `u` of `b^2`, where `b` is above a word. With `C` the sum of the entries before the token, `b^2 C <= u S < b^2 (C + e_token)`: both sides by `b`,
/// and of the middle, which has too many bits for an integer, what is left of it rounded down.
pub(crate) fn drawn(
    at: &mut Lowering<'_>,
    name: &str,
    e: TensorId,
    [high, low]: [TensorId; 2],
) -> Result<TensorId, Refusal> {
    let [rows, extent] = at.builder.dims(e)[..] else { return Err("weights without an axis".into()) };
    if extent > LONGEST {
        return Err(format!("{extent} tokens to draw from, at most {LONGEST} are possible").into());
    }
    let (base, most) = (at.builder.interval(low).hi + 1, at.builder.interval(e).hi);
    let labels = Label::of(0..2);
    let sum = at.sum_axes(&format!("{name}.sum"), e, &[1], false)?;
    let sum = at.builder.copy(&format!("{name}.total"), sum);
    let mut part = |suffix: &str, word: TensorId| {
        at.builder.einsum(&format!("{name}.{suffix}"), (word, &labels[..1]), (sum, &labels[..1]), &labels[..1])
    };
    let (high, low) = (part("high.part", high)?, part("low.part", low)?);

    let reach = at.builder.interval(sum).hi;
    let rule = Advice::Floor { source: low, divisor: base };
    let carry = at.builder.advice(&format!("{name}.carry"), &[rows], rule, Interval::new(0, reach - 1), Scale(0));
    at.builder.loose_range(&format!("{name}.carry"), carry, 0, reach)?;
    let rest = at.builder.linear(&format!("{name}.rest"), &[(1, low), (-base, carry)], 0, Scale(0))?;
    at.builder.remainder(&format!("{name}.rest"), rest, base)?;
    let number = at.builder.linear(&format!("{name}.number"), &[(1, high), (1, carry)], 0, Scale(0))?;

    let rule = Advice::Quantile { weights: e, threshold: number, scale: base };
    let token = at.builder.advice(name, &[rows], rule, Interval::new(0, extent as i64 - 1), Scale(0));
    at.builder.show(token);
    let mut weight = |suffix: &str, relation| {
        let marks = at.builder.marks(&format!("{name}.{suffix}"), Marks { indices: token, relation }, extent);
        at.builder.einsum(&format!("{name}.{suffix}.weight"), (e, &labels), (marks, &labels), &labels[..1])
    };
    let (own, before) = (weight("own", Relation::Equal)?, weight("before", Relation::Below)?);
    // Honest numbers lie within the token's own entry, which is at most as large as any.
    let past = at.builder.linear(&format!("{name}.past"), &[(1, number), (-base, before)], 0, Scale(0))?;
    at.builder.loose_range(&format!("{name}.past"), past, 0, base * most)?;
    let terms = [(base, before), (base, own), (-1, number)];
    let short = at.builder.linear(&format!("{name}.short"), &terms, -1, Scale(0))?;
    at.builder.loose_range(&format!("{name}.short"), short, 0, base * most)?;
    Ok(token)
}

/// Rows of the table of exponentials.
fn rows(settings: Settings) -> usize {
    1 << settings.bits.max(14)
}
