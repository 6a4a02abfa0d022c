//! Tables of features.

use tract_onnx::pb::NodeProto;

use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, INT64, Setting, operand};
use super::{Expanded, LEARNING};
use crate::import::refusal::Refusal;

pub(super) const RULES: &[Expanded] = &[
    (LEARNING, "Scaler", &["offset", "scale"], scaler),
    (LEARNING, "Normalizer", &["norm"], normalizer),
    (LEARNING, "Binarizer", &["threshold"], binarizer),
    (LEARNING, "FeatureVectorizer", &["inputdimensions"], vectorizer),
    (LEARNING, "ArrayFeatureExtractor", &[], extractor),
    (LEARNING, "ZipMap", &["classlabels_int64s", "classlabels_strings"], zip_map),
    (LEARNING, "Imputer", &["imputed_value_floats", "replaced_value_float"], imputer),
    (
        LEARNING,
        "LabelEncoder",
        &["default_float", "default_int64", "keys_floats", "keys_int64s", "values_floats", "values_int64s"],
        label_encoder,
    ),
    (LEARNING, "OneHotEncoder", &["cats_int64s", "zeros"], one_hot),
];

/// Columns that are put beside each other, at most.
const MOST_COLUMNS: i64 = 1 << 20;

fn list(e: &mut Emitter, part: &str, values: &[f32]) -> String {
    let values: Vec<f64> = values.iter().map(|&v| v.into()).collect();
    e.floats(part, &[values.len()], &values, FLOAT)
}

fn scaler(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let mut x = e.cast(operand(node, 0)?, FLOAT);
    for (name, op) in [("offset", "Sub"), ("scale", "Mul")] {
        let values = attributes.floats(name)?;
        if !values.is_empty() {
            let values = list(e, name, values);
            x = e.op(op, &[&x, &values], &[]);
        }
    }
    e.result(node, 0, &x);
    Ok(())
}

/// A row divided by its norm. onnxruntime's largest entry is that of the entries, not of their magnitudes.
fn normalizer(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let x = e.cast(operand(node, 0)?, FLOAT);
    let reduce = match attributes.word("norm", "MAX")?.as_str() {
        "MAX" => "ReduceMax",
        "L1" => "ReduceL1",
        "L2" => "ReduceL2",
        _ => return Err(Refusal::Form("its norm is none of MAX, L1 and L2")),
    };
    let norm = e.reduce(reduce, &x, 1, true);
    let result = e.op("Div", &[&x, &norm], &[]);
    e.result(node, 0, &result);
    Ok(())
}

fn binarizer(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let threshold = e.number(attributes.float("threshold", 0.0)?.into(), FLOAT);
    let above = e.op("Greater", &[operand(node, 0)?, &threshold], &[]);
    let above = e.cast(&above, FLOAT);
    e.result(node, 0, &above);
    Ok(())
}

fn vectorizer(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let extents = attributes.ints("inputdimensions")?;
    if extents.len() != node.input.len() {
        return Err(Refusal::Count { what: "operands", got: node.input.len(), expected: extents.len() });
    }
    let widest = extents.iter().fold(0i64, |sum, &extent| sum.saturating_add(extent.max(0)));
    if extents.iter().any(|&extent| extent < 1) || widest > MOST_COLUMNS {
        return Err(Refusal::OutOfRange("the number of its columns"));
    }
    let mut parts = Vec::new();
    for (position, &extent) in extents.iter().enumerate() {
        let x = e.cast(operand(node, position)?, FLOAT);
        let columns: Vec<i64> = (0..extent).collect();
        let columns = e.ints("columns", &columns);
        parts.push(e.op("Gather", &[&x, &columns], &[("axis", Setting::Int(1))]));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let joined = e.op("Concat", &parts, &[("axis", Setting::Int(1))]);
    e.result(node, 0, &joined);
    Ok(())
}

fn extractor(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let indices = e.reshape(operand(node, 1)?, &[-1]);
    let taken = e.op("Gather", &[operand(node, 0)?, &indices], &[("axis", Setting::Int(-1))]);
    e.result(node, 0, &taken);
    Ok(())
}

/// The scores that it gives names to.
fn zip_map(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    e.result(node, 0, operand(node, 0)?);
    Ok(())
}

/// What stands for a missing value; inputs are numbers, so that a missing one that is none never comes.
fn imputer(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let replaced = node.attribute.iter().find(|attribute| attribute.name == "replaced_value_float").map(|a| a.f);
    let x = operand(node, 0)?;
    let Some(replaced) = replaced.filter(|v| !v.is_nan()) else {
        e.result(node, 0, x);
        return Ok(());
    };
    let replaced = e.number(replaced.into(), FLOAT);
    let missing = e.op("Equal", &[x, &replaced], &[]);
    let values = list(e, "values", attributes.floats("imputed_value_floats")?);
    let result = e.op("Where", &[&missing, &values, x], &[]);
    e.result(node, 0, &result);
    Ok(())
}

/// Booleans along a new last axis: which of some numbers an entry is.
fn which(e: &mut Emitter, x: &str, numbers: &str) -> String {
    let x = e.unsqueeze(x, -1);
    e.op("Equal", &[&x, numbers], &[])
}

/// `default + sum_k [x = key_k] (value_k - default)`.
fn label_encoder(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let (keys, reals) = (attributes.ints("keys_int64s")?, attributes.floats("keys_floats")?);
    let (values, numbers) = (attributes.ints("values_int64s")?, attributes.floats("values_floats")?);
    let (count, expected) = (values.len().max(numbers.len()), keys.len().max(reals.len()));
    if count != expected || count == 0 {
        return Err(Refusal::Count { what: "values", got: count, expected });
    }
    let distinct: std::collections::BTreeSet<u64> =
        keys.iter().map(|&k| k as u64).chain(reals.iter().map(|k| u64::from(k.to_bits()))).collect();
    if distinct.len() != count {
        return Err(Refusal::Form("two keys are the same"));
    }
    let keys = if reals.is_empty() { e.ints("keys", keys) } else { list(e, "keys", reals) };
    let bits = which(e, operand(node, 0)?, &keys);
    let (kind, others, values) = if numbers.is_empty() {
        let default = attributes.int("default_int64", -1)?;
        let moved: Vec<i64> = values.iter().map(|v| v.saturating_sub(default)).collect();
        (INT64, e.single(default, INT64), e.ints("values", &moved))
    } else {
        let default = attributes.float("default_float", -0.0)?;
        let moved: Vec<f32> = numbers.iter().map(|v| v - default).collect();
        (FLOAT, e.number(default.into(), FLOAT), list(e, "values", &moved))
    };
    let bits = e.cast(&bits, kind);
    let chosen = e.op("Mul", &[&bits, &values], &[]);
    let sum = e.reduce("ReduceSum", &chosen, -1, false);
    let result = e.op("Add", &[&sum, &others], &[]);
    e.result(node, 0, &result);
    Ok(())
}

fn one_hot(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    if attributes.int("zeros", 1)? != 1 {
        return Err(Refusal::Form(
            "a category that it does not know is an error, which no proof can be about: let `zeros` be 1",
        ));
    }
    let x = e.cast(operand(node, 0)?, INT64);
    let categories = e.ints("categories", attributes.ints("cats_int64s")?);
    let bits = which(e, &x, &categories);
    let bits = e.cast(&bits, FLOAT);
    e.result(node, 0, &bits);
    Ok(())
}
