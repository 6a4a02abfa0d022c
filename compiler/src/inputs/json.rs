//! `{"input_data": [..]}`, one flat or nested array per input.

use serde_json::Value;

use super::{Array, SampleProblem};

/// The arrays of the file.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Array>, SampleProblem> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let arrays = value.get("input_data").and_then(Value::as_array);
    let arrays = arrays.ok_or_else(|| malformed("expected {\"input_data\": [[..], ..]}".to_owned()))?;
    arrays.iter().enumerate().map(|(index, array)| tensor(index, array)).collect()
}

fn malformed(reason: String) -> SampleProblem {
    SampleProblem::Malformed { format: "JSON input", reason }
}

fn tensor(index: usize, array: &Value) -> Result<Array, SampleProblem> {
    if !array.is_array() {
        return Err(malformed(format!("entry {index} of input_data is not an array: one array per input")));
    }
    let mut shape = Vec::new();
    let mut level = array;
    while let Value::Array(entries) = level {
        shape.push(entries.len());
        let Some(first) = entries.first() else { break };
        level = first;
    }
    let mut values = Vec::new();
    flatten(array, &shape, &mut values).map_err(|reason| malformed(format!("entry {index} of input_data: {reason}")))?;
    Ok(Array { shape, values })
}

/// Why nested arrays are no tensor. It says what stands where, and not its value: the file may be a private input.
#[derive(Debug, thiserror::Error)]
enum Ragged {
    #[error("the nested arrays have different lengths, {first} and {other}")]
    Length { first: usize, other: usize },
    #[error("expected {expected}, got {got} after {after} values")]
    Kind { expected: &'static str, got: &'static str, after: usize },
}

/// Appends all numbers in order; every level must have the extent of its first entry.
fn flatten(value: &Value, shape: &[usize], values: &mut Vec<f64>) -> Result<(), Ragged> {
    match (value, shape) {
        (Value::Array(entries), [extent, rest @ ..]) if entries.len() == *extent => {
            entries.iter().try_for_each(|entry| flatten(entry, rest, values))
        }
        (Value::Array(entries), [extent, ..]) => Err(Ragged::Length { first: *extent, other: entries.len() }),
        (Value::Number(number), []) => {
            values.push(number.as_f64().unwrap_or(f64::NAN));
            Ok(())
        }
        (Value::Bool(holds), []) => {
            values.push(f64::from(u8::from(*holds)));
            Ok(())
        }
        (other, _) => {
            let expected = if shape.is_empty() { "a number" } else { "an array" };
            Err(Ragged::Kind { expected, got: kind(other), after: values.len() })
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
