//! Linear models.

use tract_onnx::pb::NodeProto;

use super::attributes::Attributes;
use super::emit::{Emitter, FLOAT, operand};
use super::votes::{self, Post};
use super::{Expanded, LEARNING, labels};
use crate::import::refusal::Refusal;

pub(super) const RULES: &[Expanded] = &[
    (LEARNING, "LinearRegressor", &["coefficients", "intercepts", "post_transform", "targets"], regressor),
    (
        LEARNING,
        "LinearClassifier",
        &["classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class", "post_transform"],
        classifier,
    ),
];

/// `x W^T + b`, of shape samples by targets.
fn scores(
    e: &mut Emitter,
    node: &NodeProto,
    coefficients: &[f32],
    intercepts: &[f32],
    targets: usize,
) -> Result<String, Refusal> {
    let features = coefficients.len() / targets.max(1);
    if features == 0 || coefficients.len() != features * targets {
        return Err(Refusal::Count { what: "coefficients", got: coefficients.len(), expected: targets });
    }
    let x = e.cast(operand(node, 0)?, FLOAT);
    let turned: Vec<f64> =
        (0..features * targets).map(|at| coefficients[at % targets * features + at / targets].into()).collect();
    let weights = e.floats("coefficients", &[features, targets], &turned, FLOAT);
    let product = e.op("MatMul", &[&x, &weights], &[]);
    let base: Vec<f64> = intercepts.iter().map(|&v| v.into()).collect();
    votes::based(e, product, &base, targets, FLOAT)
}

fn regressor(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let targets =
        usize::try_from(attributes.int("targets", 1)?).map_err(|_| Refusal::OutOfRange("the number of targets"))?;
    let scores = scores(e, node, attributes.floats("coefficients")?, attributes.floats("intercepts")?, targets)?;
    let post = Post::of(&attributes.word("post_transform", "NONE")?)?;
    let scores = votes::regress(e, scores, targets, post)?;
    e.result(node, 0, &scores);
    Ok(())
}

fn classifier(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let (named, strings) = (attributes.ints("classlabels_ints")?, attributes.strings("classlabels_strings")?);
    let intercepts = attributes.floats("intercepts")?;
    let (classes, targets) = (named.len().max(strings.len()), intercepts.len());
    let post = Post::of(&attributes.word("post_transform", "NONE")?)?;
    let scores = scores(e, node, attributes.floats("coefficients")?, intercepts, targets)?;
    let single = targets == 1 && classes == 2;
    if !single && (targets != classes || classes < 2) {
        return Err(Refusal::Count { what: "intercepts", got: targets, expected: classes });
    }
    if e.uses(node, 0) {
        let named = labels::integers((named, strings))?;
        let class = if single { labels::above(e, &scores, 0.0, FLOAT) } else { labels::largest(e, &scores) };
        let label = labels::of_class(e, &class, named);
        e.result(node, 0, &label);
    }
    let shown = if single { votes::second(e, &scores, 1.0, post, FLOAT) } else { post.apply(e, &scores) };
    e.result(node, 1, &shown);
    Ok(())
}
