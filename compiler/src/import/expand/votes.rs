//! From scores to classes and to what is shown of scores, as onnxruntime does it, which of two classes does what ONNX leaves open.

use tract_onnx::pb::NodeProto;

use super::emit::{Emitter, Setting};
use super::labels;
use crate::import::refusal::Refusal;

/// What becomes of scores in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Post {
    None,
    Softmax,
    Logistic,
}

impl Post {
    /// # Errors
    /// Those that are not computed here.
    pub fn of(word: &str) -> Result<Self, Refusal> {
        match word {
            "NONE" => Ok(Self::None),
            "SOFTMAX" => Ok(Self::Softmax),
            "LOGISTIC" => Ok(Self::Logistic),
            "SOFTMAX_ZERO" => {
                Err(Refusal::Form("the post transform SOFTMAX_ZERO is not supported, whose result jumps at 0"))
            }
            "PROBIT" => Err(Refusal::Form("the post transform PROBIT is not supported")),
            _ => Err(Refusal::Form("its post transform is none of ONNX's")),
        }
    }

    /// What is shown of the scores of all classes.
    pub fn apply(self, e: &mut Emitter, scores: &str) -> String {
        match self {
            Self::None => scores.to_owned(),
            Self::Softmax => e.op("Softmax", &[scores], &[("axis", Setting::Int(1))]),
            Self::Logistic => e.op("Sigmoid", &[scores], &[]),
        }
    }
}

/// What is known of the votes for classes, without a sample.
pub(super) struct Ballot {
    /// Classes that some leaf votes for.
    pub voted: Vec<bool>,
    /// Classes that have a vote whatever the features are.
    pub always: Vec<bool>,
    /// No vote is negative.
    pub positive: bool,
    /// Every vote is positive.
    pub strictly: bool,
    pub kind: i32,
}

impl Ballot {
    /// Whether there are two classes, and one score for both.
    pub fn single(&self) -> bool {
        self.voted == [true, false]
    }

    /// Both results of a classifier.
    pub fn classify(
        &self,
        e: &mut Emitter,
        node: &NodeProto,
        scores: &str,
        named: (&[i64], &[Vec<u8>]),
        base: &[f64],
        post: Post,
    ) -> Result<(), Refusal> {
        let classes = self.voted.len();
        if classes < 2 {
            return Err(Refusal::Count { what: "classes", got: classes, expected: 2 });
        }
        if classes == 2 && base.len() > usize::from(self.single()) {
            return Err(Refusal::Form(
                "base values of two classes are supported where leaves vote for the first class alone, and then one: \
                 ONNX leaves open what others mean",
            ));
        }
        let scores = based(e, scores.to_owned(), base, if self.single() { 1 } else { classes }, self.kind)?;
        if self.single() {
            let threshold = if self.positive { 0.5 } else { 0.0 };
            self.label(e, node, named, |e| Ok(labels::above(e, &scores, threshold, self.kind)))?;
            let both = second(e, &scores, if self.positive { 1.0 } else { 0.0 }, post, self.kind);
            e.result(node, 1, &both);
            return Ok(());
        }
        self.label(e, node, named, |e| {
            if classes == 2 {
                return Err(Refusal::Form(
                    "onnxruntime's label of two classes with votes for the second is not ONNX's: use the scores alone, \
                     or let leaves vote for the first class only",
                ));
            }
            if !(self.strictly && base.is_empty() || self.always.iter().all(|&always| always)) {
                return Err(Refusal::Form(
                    "its label is the best of the classes that have a vote, and which these are depends on the sample: use \
                     the scores alone",
                ));
            }
            Ok(labels::largest(e, &scores))
        })?;
        let shown = post.apply(e, &scores);
        e.result(node, 1, &shown);
        Ok(())
    }

    /// The first result, if something uses it.
    fn label(
        &self,
        e: &mut Emitter,
        node: &NodeProto,
        named: (&[i64], &[Vec<u8>]),
        class: impl FnOnce(&mut Emitter) -> Result<String, Refusal>,
    ) -> Result<(), Refusal> {
        if e.uses(node, 0) {
            let named = labels::integers(named)?;
            let class = class(e)?;
            let label = labels::of_class(e, &class, named);
            e.result(node, 0, &label);
        }
        Ok(())
    }
}

/// The scores of two classes by that of the second: `rest - s` and `s`, or the logistic function of `-s` and `s`.
pub(super) fn second(e: &mut Emitter, score: &str, rest: f64, post: Post, kind: i32) -> String {
    let rest = e.number(if post == Post::Logistic { 0.0 } else { rest }, kind);
    let first = e.op("Sub", &[&rest, score], &[]);
    let both = e.op("Concat", &[&first, score], &[("axis", Setting::Int(1))]);
    if post == Post::Logistic { post.apply(e, &both) } else { both }
}

/// Scores with what they begin at.
///
/// # Errors
/// If there is not one for each.
pub(super) fn based(e: &mut Emitter, scores: String, base: &[f64], targets: usize, kind: i32) -> Result<String, Refusal> {
    if base.is_empty() {
        return Ok(scores);
    }
    if base.len() != targets {
        return Err(Refusal::Count { what: "base values", got: base.len(), expected: targets });
    }
    let base = e.floats("base", &[1, targets], base, kind);
    Ok(e.op("Add", &[&scores, &base], &[]))
}

/// What is shown of the scores of a regression.
///
/// # Errors
/// Where onnxruntime does not do what ONNX asks for.
pub(super) fn regress(e: &mut Emitter, scores: String, targets: usize, post: Post) -> Result<String, Refusal> {
    match (targets, post) {
        (_, Post::None) => Ok(scores),
        (1, _) => Err(Refusal::Form("a post transform of one target, which onnxruntime leaves out, is not supported")),
        _ => Ok(post.apply(e, &scores)),
    }
}
