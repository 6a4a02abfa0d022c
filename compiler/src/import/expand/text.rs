//! Counts of n-grams of integers: `TfIdfVectorizer`.

use tract_onnx::pb::NodeProto;

use super::Expanded;
use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, INT64, Setting, operand};
use crate::import::refusal::Refusal;

pub(super) const RULES: &[Expanded] = &[(
    "",
    "TfIdfVectorizer",
    &[
        "max_gram_length",
        "max_skip_count",
        "min_gram_length",
        "mode",
        "ngram_counts",
        "ngram_indexes",
        "pool_int64s",
        "pool_strings",
        "weights",
    ],
    vectorizer,
)];

/// Comparisons of one vectorizer for each row of text, at most.
const MOST: usize = 1 << 24;

/// Columns of the result, at most.
const WIDEST: usize = 1 << 20;

/// N-grams of one length: those of the pool that are counted, and where their counts go.
struct Grams {
    length: usize,
    /// One after the other.
    tokens: Vec<i64>,
    columns: Vec<usize>,
    weights: Vec<f64>,
}

/// What the pool has of each length.
fn pool(attributes: &Attributes<'_>) -> Result<Vec<Grams>, Refusal> {
    let (tokens, begins) = (attributes.ints("pool_int64s")?, attributes.ints("ngram_counts")?);
    let (columns, weights) = (attributes.ints("ngram_indexes")?, attributes.floats("weights")?);
    if !attributes.strings("pool_strings")?.is_empty() {
        return Err(Refusal::Form("its n-grams are text, and a proof is about numbers: give tokens numbers before export"));
    }
    let within = |own: i64| usize::try_from(own).ok().filter(|&own| own <= tokens.len());
    let begins = begins.iter().map(|&own| within(own)).collect::<Option<Vec<usize>>>();
    let begins = begins.ok_or(Refusal::OutOfRange("one of the beginnings of its n-grams"))?;
    let columns =
        columns.iter().map(|&own| usize::try_from(own).ok().filter(|&own| own < WIDEST)).collect::<Option<Vec<_>>>();
    let columns = columns.ok_or(Refusal::OutOfRange("one of its columns"))?;
    if !weights.is_empty() && weights.len() != columns.len() {
        return Err(Refusal::Count { what: "weights", got: weights.len(), expected: columns.len() });
    }
    let (mut grams, mut before) = (Vec::new(), 0);
    for (n, &begin) in begins.iter().enumerate() {
        let (length, end) = (n + 1, begins.get(n + 1).copied().unwrap_or(tokens.len()));
        let own = tokens.get(begin..end).ok_or(Refusal::OutOfRange("one of the beginnings of its n-grams"))?;
        if own.len() % length != 0 {
            return Err(Refusal::Count { what: "tokens in n-grams of one length", got: own.len(), expected: length });
        }
        let count = own.len() / length;
        let here = columns.get(before..before + count).ok_or(Refusal::OutOfRange("the number of its columns"))?.to_vec();
        let weights = (before..before + count).map(|at| weights.get(at).map_or(1.0, |&weight| f64::from(weight))).collect();
        before += count;
        grams.push(Grams { length, tokens: own.to_vec(), columns: here, weights });
    }
    if before != columns.len() {
        return Err(Refusal::Count { what: "columns", got: columns.len(), expected: before });
    }
    Ok(grams)
}

/// How often each n-gram stands in a text, whose tokens may be some places apart: comparisons with all tokens of the pool, one number each.
fn vectorizer(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let number =
        |name: &str| usize::try_from(attributes.int(name, 0)?).map_err(|_| Refusal::OutOfRange("a number of tokens"));
    let (shortest, longest, skips) = (number("min_gram_length")?, number("max_gram_length")?, number("max_skip_count")?);
    let mode = attributes.word("mode", "")?;
    let declared = e.dims_of(operand(node, 0)?);
    let declared = declared.ok_or(Refusal::Variable("the shape of its operand must be declared: it is an input"))?;
    let (rows, length) = match *declared {
        [length] => (None, length),
        [rows, length] => (Some(rows), length),
        _ => return Err(Refusal::OutOfRange("the number of its operand's axes")),
    };
    let tokens = usize::try_from(length).map_err(|_| Refusal::OutOfRange("the length of its operand"))?;
    let all = pool(attributes)?;
    let width = all.iter().flat_map(|grams| &grams.columns).max().map_or(0, |&column| column + 1);
    let asked = |grams: &&Grams| (shortest..=longest).contains(&grams.length) && !grams.columns.is_empty();
    let looks =
        all.iter().filter(asked).map(|grams| grams.tokens.len().saturating_mul(tokens)).fold(0, usize::saturating_add);
    if looks.saturating_mul(skips + 1) > MOST || width == 0 {
        return Err(Refusal::Form("it compares more than 2^24 tokens, or none"));
    }
    let x = e.cast(operand(node, 0)?, INT64);
    let x = e.reshape(&x, &[-1, length, 1]);
    let (mut counts, mut columns, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for grams in all.iter().filter(asked) {
        let mut sum: Option<String> = None;
        for step in 1..=(if grams.length == 1 { 1 } else { skips + 1 }) {
            let Some(places) = tokens.checked_sub((grams.length - 1) * step).filter(|&places| places > 0) else { break };
            let mut all: Option<String> = None;
            for n in 0..grams.length {
                let own: Vec<i64> = (0..places).map(|place| (place + n * step) as i64).collect();
                let own = e.ints("places", &own);
                let own = e.op("Gather", &[&x, &own], &[("axis", Setting::Int(1))]);
                let wanted: Vec<i64> = grams.tokens.iter().skip(n).step_by(grams.length).copied().collect();
                let wanted = e.ints("tokens", &wanted);
                let equal = e.op("Equal", &[&own, &wanted], &[]);
                all = Some(match all {
                    None => equal,
                    Some(others) => e.op("And", &[&others, &equal], &[]),
                });
            }
            let Some(all) = all else { continue };
            let found = e.cast(&all, INT64);
            let found = e.reduce("ReduceSum", &found, 1, false);
            sum = Some(match sum {
                None => found,
                Some(others) => e.op("Add", &[&others, &found], &[]),
            });
        }
        if let Some(sum) = sum {
            counts.push(sum);
            columns.extend_from_slice(&grams.columns);
            weights.extend_from_slice(&grams.weights);
        }
    }
    let zero = e.ints("zero", &[0]);
    let extents = e.ints("extents", &[rows.unwrap_or(1), 1]);
    // Columns that no n-gram has are the last one.
    counts.push(e.op("Expand", &[&zero, &extents], &[]));
    let parts: Vec<&str> = counts.iter().map(String::as_str).collect();
    let joined = e.op("Concat", &parts, &[("axis", Setting::Int(1))]);
    let mut order = vec![columns.len(); width];
    for (place, &column) in columns.iter().enumerate() {
        if std::mem::replace(&mut order[column], place) != columns.len() {
            return Err(Refusal::Form("two of its n-grams have one column"));
        }
    }
    let indices: Vec<i64> = order.iter().map(|&place| place as i64).collect();
    let indices = e.ints("columns", &indices);
    let mut result = e.op("Gather", &[&joined, &indices], &[("axis", Setting::Int(1))]);
    let weights: Vec<f64> = order.iter().map(|&place| weights.get(place).copied().unwrap_or(0.0)).collect();
    match mode.as_str() {
        "TF" => result = e.cast(&result, FLOAT),
        "IDF" | "TFIDF" => {
            if mode == "IDF" {
                let none = e.single(0, INT64);
                result = e.op("Greater", &[&result, &none], &[]);
            }
            let numbers = e.cast(&result, FLOAT);
            let weights = e.floats("weights", &[width], &weights, FLOAT);
            result = e.op("Mul", &[&numbers, &weights], &[]);
        }
        _ => return Err(Refusal::Form("its mode is none of TF, IDF and TFIDF")),
    }
    if rows.is_none() {
        result = e.reshape(&result, &[-1]);
    }
    e.result(node, 0, &result);
    Ok(())
}
