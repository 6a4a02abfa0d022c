//! How a language model is asked: operators behind it that show a completion, or how likely a text is.
//!
//! A causal model that runs over a prompt and its completion at once gives at each token what it would give if the text ended there. So one
//! run, and one proof, shows a whole greedy completion. The graph of the model is extended by operators that ask for it; tokens,
//! scales and commitments are those of the model.

use std::borrow::Cow;

use ndarray::ArrayD;
use zktorch_blocks::program::{LARGEST_WORD, WORDS};

use crate::goal::{COMPLETION, COUNTED, Goal, LIKELIHOOD, PLACES, SEED, Temperature};
use crate::graph::{Domain, Graph, NodeId, NotCausal, causal};
use crate::ops::{Gather, Greedy, Likelihood, LogSoftmax, Ranges, Reshape, Sample, Slice};
use crate::quantise::Calibration;

/// Why a model cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misposed {
    /// It does not take a text.
    #[error("expected a model with one input, of token ids for one text; got {0}")]
    Text(String),
    /// Its outputs are not logits.
    #[error("expected one output, of logits for every token of the text: 1x{tokens}x(the vocabulary); got {got}")]
    Logits {
        /// Tokens of the text.
        tokens: usize,
        /// The outputs.
        got: String,
    },
    /// Ids of tokens that have no logit.
    #[error("token ids go up to {last}, logits to {logits}")]
    Vocabulary {
        /// The largest id.
        last: i64,
        /// The largest index of a logit.
        logits: usize,
    },
    /// A text that nobody sees.
    #[error(
        "a sample of a text that is private: its random numbers must follow from the prompt, and of a private text there is one commitment, to \
         prompt and completion together, which comes after them"
    )]
    Hidden,
    /// More new tokens than the text has room for.
    #[error("{tokens} new tokens behind a prompt do not fit a text of {room} tokens: expected 1 to {}", room - 1)]
    Long {
        /// Tokens asked for.
        tokens: usize,
        /// Tokens of the text.
        room: usize,
    },
    /// What it says at a token depends on later ones.
    #[error("the model is not causal: {0}")]
    NotCausal(#[from] NotCausal),
}

/// A language model's text and logits.
pub(super) struct Text {
    ids: NodeId,
    places: usize,
    tokens: usize,
    logits: NodeId,
    /// The logits' axis of tokens, and the vocabulary.
    axis: usize,
    vocabulary: usize,
}

/// Samples, and where texts may be shorter than the model's input, these as they are then: the first half of each twice.
pub(super) fn texts(goal: Goal, samples: &[Vec<ArrayD<f64>>]) -> Cow<'_, [Vec<ArrayD<f64>>]> {
    if goal == Goal::Outputs {
        return Cow::Borrowed(samples);
    }
    let again = |ids: &ArrayD<f64>| {
        let half = ids.iter().take(ids.len().div_ceil(2)).copied().cycle().take(ids.len());
        ArrayD::from_shape_vec(ids.raw_dim(), half.collect()).unwrap_or_else(|_| ids.clone())
    };
    let short = samples.iter().map(|sample| sample.iter().map(again).collect());
    Cow::Owned(samples.iter().cloned().chain(short).collect())
}

/// The graph that is asked.
///
/// # Errors
/// If the model is not one that can be.
pub fn extend(goal: Goal, graph: &Graph) -> Result<Cow<'_, Graph>, Misposed> {
    if goal == Goal::Outputs {
        return Ok(Cow::Borrowed(graph));
    }
    let text = Text::of(graph)?;
    text.is_causal(graph)?;
    let (model, mut graph) = (graph, graph.clone());
    match goal {
        Goal::Outputs => {}
        Goal::Generation { tokens } | Goal::Sample { tokens, .. } if tokens == 0 || tokens >= text.tokens => {
            return Err(Misposed::Long { tokens, room: text.tokens });
        }
        Goal::Generation { tokens } => text.ask_completion(&mut graph, tokens, None),
        Goal::Sample { tokens, temperature } => text.ask_completion(&mut graph, tokens, Some(temperature)),
        Goal::Likelihood => text.ask_likelihood(&mut graph),
    }
    graph.ask(model);
    Ok(Cow::Owned(graph))
}

/// States ranges of what was added: of logits, as they were seen.
pub(super) fn calibrate(extended: &Graph, calibration: &mut Calibration) {
    let new: Vec<NodeId> = extended.order().into_iter().filter(|id| extended.question().contains(id)).collect();
    for id in new {
        let operand = extended.operands(id).first().map(|&o| calibration.range(o));
        let inner = |range| Ranges::of(extended, id, |_| range);
        if let Some(range) = operand {
            calibration.assume(id, extended.op(id).operator().range(&inner(range)));
        }
    }
}

impl Text {
    /// The text and the logits of a graph that has these.
    pub(super) fn of(graph: &Graph) -> Result<Self, Misposed> {
        let shapes = |ids: &[NodeId]| {
            let all = ids.iter().map(|&id| format!("`{}` {:?}", graph.node(id).name, graph.shape(id)));
            all.collect::<Vec<_>>().join(", ")
        };
        let of_inputs = || Misposed::Text(shapes(graph.inputs()));
        let [ids] = *graph.inputs() else { return Err(of_inputs()) };
        let places = graph.shape(ids).iter().position(|&extent| extent > 1).ok_or_else(of_inputs)?;
        let tokens = graph.node(ids).len();
        let Some((0, last)) = graph.domain(ids).range().filter(|_| graph.shape(ids)[places] == tokens) else {
            return Err(of_inputs());
        };
        let of_outputs = || Misposed::Logits { tokens, got: shapes(graph.outputs()) };
        let [logits] = *graph.outputs() else { return Err(of_outputs()) };
        let shape = graph.shape(logits);
        let vocabulary = *shape.last().ok_or_else(of_outputs)?;
        let fits = shape.len() > 1 && graph.node(logits).len() == tokens * vocabulary && !graph.domain(logits).is_exact();
        let place = shape.iter().position(|&extent| extent == tokens).filter(|&axis| fits && axis + 1 < shape.len());
        let place = place.ok_or_else(of_outputs)?;
        if usize::try_from(last).is_ok_and(|last| last >= vocabulary) {
            return Err(Misposed::Vocabulary { last, logits: vocabulary - 1 });
        }
        Ok(Self { ids, places, tokens, logits, axis: place, vocabulary })
    }

    /// Makes sure that what is said at a token depends on none behind it.
    fn is_causal(&self, graph: &Graph) -> Result<(), Misposed> {
        let known = causal(graph, self.ids, self.places)?;
        let own = known.get(&self.logits).is_some_and(|axes| axes.iter().eq([&self.axis]));
        let got = || format!("`{}` {:?}, of other tokens", graph.node(self.logits).name, graph.shape(self.logits));
        if own { Ok(()) } else { Err(Misposed::Logits { tokens: self.tokens, got: got() }) }
    }

    /// The answers at given places, or what is drawn there at a temperature, and that they are the next tokens of the text.
    fn ask_completion(&self, graph: &mut Graph, tokens: usize, temperature: Option<Temperature>) {
        let last = self.tokens as i64 - 2;
        let places = graph.add_input_shown(Domain::Integer { lo: 0, hi: last }, PLACES, &[tokens], true);
        let shape = {
            let mut shape = graph.shape(self.logits).to_vec();
            shape[self.axis] = tokens;
            shape
        };
        let rows = graph.add("completion.logits", Gather { axis: self.axis }, &[self.logits, places], &shape);
        let rows = graph.add("completion.rows", Reshape, &[rows], &[tokens, self.vocabulary]);
        let text = graph.add("text", Reshape, &[self.ids], &[self.tokens]);
        let behind = Slice { axis: 0, start: 1, end: self.tokens, step: 1 };
        let next = graph.add("text.next", behind, &[text], &[self.tokens - 1]);
        let next = graph.add("completion.tokens", Gather { axis: 0 }, &[next, places], &[tokens]);
        let answers = match temperature {
            None => graph.add(COMPLETION, Greedy, &[rows, next], &[tokens]),
            Some(temperature) => {
                let seed = graph.add_input_shown(Domain::Integer { lo: 0, hi: LARGEST_WORD }, SEED, &[WORDS], true);
                graph.add(COMPLETION, Sample { temperature }, &[rows, next, self.ids, places, seed], &[tokens])
            }
        };
        graph.clear_outputs();
        graph.add_output(COMPLETION, answers);
    }

    /// The logarithm of the probability of the tokens that count.
    fn ask_likelihood(&self, graph: &mut Graph) {
        let counted = graph.add_input_shown(Domain::Boolean, COUNTED, &[self.tokens], true);
        let rows = self.tokens - 1;
        let mut shape = graph.shape(self.logits).to_vec();
        shape[self.axis] = rows;
        let before = Slice { axis: self.axis, start: 0, end: rows, step: 1 };
        let logits = graph.add("text.logits", before, &[self.logits], &shape);
        let logits = graph.add("text.rows", Reshape, &[logits], &[rows, self.vocabulary]);
        let logarithms = graph.add("text.logarithms", LogSoftmax { axes: vec![1] }, &[logits], &[rows, self.vocabulary]);
        let text = graph.add("text", Reshape, &[self.ids], &[self.tokens]);
        let likelihood = graph.add(LIKELIHOOD, Likelihood, &[logarithms, text, counted], &[]);
        graph.clear_outputs();
        graph.add_output(LIKELIHOOD, likelihood);
    }
}
