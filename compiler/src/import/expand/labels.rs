//! The labels of classes.

use super::emit::{Emitter, INT64, Setting};
use crate::import::refusal::Refusal;

/// Labels of integers, or none where they are text.
///
/// # Errors
/// Labels that are text: these are no numbers, and a proof is about numbers.
pub(super) fn integers<'l>((labels, strings): (&'l [i64], &[Vec<u8>])) -> Result<&'l [i64], Refusal> {
    if strings.is_empty() {
        return Ok(labels);
    }
    Err(Refusal::Form(
        "its labels are text, and a proof is about numbers: use the scores alone, or give the classes numbers before export",
    ))
}

/// The label of a class by its number.
pub(super) fn of_class(e: &mut Emitter, class: &str, labels: &[i64]) -> String {
    if labels.iter().enumerate().all(|(class, &label)| label == class as i64) {
        return class.to_owned();
    }
    if let [first, second] = *labels {
        let [first, step] = [first, second - first].map(|number| e.single(number, INT64));
        let moved = e.op("Mul", &[class, &step], &[]);
        return e.op("Add", &[&moved, &first], &[]);
    }
    let labels = e.ints("labels", labels);
    e.op("Gather", &[&labels, class], &[("axis", Setting::Int(0))])
}

/// The number of the largest score of each sample.
pub(super) fn largest(e: &mut Emitter, scores: &str) -> String {
    e.op("ArgMax", &[scores], &[("axis", Setting::Int(1)), ("keepdims", Setting::Int(0))])
}

/// 1 where a single score of each sample is above a number, else 0.
pub(super) fn above(e: &mut Emitter, score: &str, number: f64, kind: i32) -> String {
    let number = e.number(number, kind);
    let above = e.op("Greater", &[score, &number], &[]);
    let above = e.reshape(&above, &[-1]);
    e.cast(&above, INT64)
}
