//! Losses: the entries of the classes that are meant, negated, weighed and averaged.

use super::{FLOAT, INT64, Known, Spelling};
use crate::import::refusal::Refusal;

/// `NegativeLogLikelihoodLoss` of logarithms of probabilities.
pub(super) fn likelihood(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    let logs = s.operand(0)?;
    loss(s, known, &logs)
}

/// `SoftmaxCrossEntropyLoss` of scores, with the logarithms of their probabilities as a further result.
pub(super) fn cross_entropy(s: &mut Spelling<'_>, known: &Known) -> Result<(), Refusal> {
    let scores = s.operand(0)?;
    let logs = if known.opset >= 13 {
        let logs = s.put("LogSoftmax", &[&scores]);
        s.with("axis", 1);
        logs
    } else {
        // All axes from the stated one on are taken for one.
        let flat = s.shaped(&scores, &[0, 0, -1]);
        let flat = s.transposed(&flat, &[0, 2, 1]);
        let logs = s.put("LogSoftmax", &[&flat]);
        s.with("axis", 2);
        let logs = s.transposed(&logs, &[0, 2, 1]);
        let shape = s.put("Shape", &[&scores]);
        s.put("Reshape", &[&logs, &shape])
    };
    loss(s, known, &logs)?;
    s.result(1, &logs);
    Ok(())
}

fn loss(s: &mut Spelling<'_>, known: &Known, logs: &str) -> Result<(), Refusal> {
    let axes = (known.opset, 13);
    let target = s.operand(1)?;
    let target = s.cast(&target, INT64);
    let mut places = s.over("Unsqueeze", &target, &[1], axes);
    let ignored = s.integer("ignore_index").map(|index| {
        let (index, first) = (s.scalar(index), s.scalar(0));
        let ignored = s.put("Equal", &[&places, &index]);
        places = s.put("Where", &[&ignored, &first, &places]);
        ignored
    });
    let chosen = s.put("GatherElements", &[logs, &places]);
    s.with("axis", 1);
    let mut loss = s.put("Neg", &[&chosen]);
    let mut weights = s.optional(2).map(|weights| s.along(&weights, &places, 0));
    if let Some(ignored) = ignored {
        let kept = s.put("Not", &[&ignored]);
        let kept = s.cast(&kept, FLOAT);
        weights = Some(weights.map_or_else(|| kept.clone(), |weights| s.put("Mul", &[&weights, &kept])));
    }
    if let Some(weights) = &weights {
        loss = s.put("Mul", &[&loss, weights]);
    }
    let whole = |s: &mut Spelling<'_>, op: &str, x: &str| {
        let result = s.put(op, &[x]);
        s.with("keepdims", 0);
        result
    };
    let reduction = s.word("reduction");
    let result = match (reduction.as_deref(), &weights) {
        (Some("none"), _) => s.over("Squeeze", &loss, &[1], axes),
        (Some("sum"), _) => whole(s, "ReduceSum", &loss),
        (_, None) => whole(s, "ReduceMean", &loss),
        (_, Some(weights)) => {
            let (sum, all) = (whole(s, "ReduceSum", &loss), whole(s, "ReduceSum", weights));
            s.put("Div", &[&sum, &all])
        }
    };
    s.result(0, &result);
    Ok(())
}
