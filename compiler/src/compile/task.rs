//! What is compiled: a graph, what samples say about it, and what the model gives for them.

use std::borrow::Cow;

use ndarray::{ArrayD, IxDyn, Zip};
use zktorch_blocks::program::Element;

use super::ask::Text;
use super::{CompileError, Like, Options};
use crate::graph::columns::Columns;
use crate::graph::{Evaluation, Graph, NodeId, passes};
use crate::ops::Op;
use crate::quantise::{Calibration, Range, to_real};
use crate::reference::{Reference, Unevaluated};

/// Samples that candidates are tried on.
const SEARCHED: usize = 8;
/// Random inputs where there are no samples.
const PROBES: usize = 4;

/// One sample of the search.
pub(super) struct Searched {
    /// Inputs.
    pub inputs: Vec<ArrayD<f64>>,
    /// Outputs by the reference.
    pub wanted: Vec<ArrayD<f64>>,
    /// Outputs by the graph.
    pub own: Vec<ArrayD<f64>>,
}

/// One text that is held back.
pub(super) struct Heard {
    /// Inputs.
    pub inputs: Vec<ArrayD<f64>>,
    /// Outputs by the reference.
    pub wanted: Vec<ArrayD<f64>>,
}

/// All that a compilation starts from.
pub(super) struct Task<'s> {
    /// The graph, on inputs and with outputs that are less the columns' powers of two.
    pub graph: Cow<'s, Graph>,
    pub columns: Columns,
    pub reference: &'s dyn Reference,
    pub samples: &'s [Vec<ArrayD<f64>>],
    pub options: &'s Options,
    pub calibration: Calibration,
    /// Samples spread over the set, or random inputs where there is none.
    pub search: Vec<Searched>,
    /// Texts of a language model that ranges are made without.
    pub held: Vec<Heard>,
    /// Whether the model is one: its predictions are judged, and not its outputs.
    pub language: bool,
    /// What entries of outputs can reach, where their operators bound it.
    pub bounds: Vec<Option<ArrayD<f64>>>,
    /// Why the reference cannot run the model at all, if it cannot: the graph's own evaluation stands in, and the report says so.
    pub unrunnable: Option<Unevaluated>,
}

impl<'s> Task<'s> {
    /// Evaluates the samples.
    ///
    /// # Errors
    /// A sample that the model cannot be run on.
    pub fn new(
        graph: &'s Graph,
        columns: Columns,
        reference: &'s dyn Reference,
        samples: &'s [Vec<ArrayD<f64>>],
        options: &'s Options,
    ) -> Result<Self, CompileError> {
        let bounds = graph.outputs().iter().map(|&id| bound(graph, id)).collect();
        let calibration = Calibration::default();
        let graph = if columns.is_none() { Cow::Borrowed(graph) } else { Cow::Owned(scaled(graph, &columns)) };
        let unrunnable = samples.first().and_then(|sample| reference.outputs(sample).err());
        let search = Vec::new();
        let (held, language) = (Vec::new(), Text::of(&graph).is_ok() && !samples.is_empty());
        let mut task =
            Self { graph, columns, reference, samples, options, calibration, search, held, language, bounds, unrunnable };
        if samples.is_empty() {
            task.probe()
        } else {
            task.observe()?
        }
        Ok(task)
    }

    /// Takes in texts that ranges are made without, but for those on which the model itself cannot be run.
    pub fn hold(&mut self, texts: &[Vec<ArrayD<f64>>]) {
        let heard = |inputs: &Vec<_>| Some(Heard { wanted: self.reference.outputs(inputs).ok()?, inputs: inputs.clone() });
        self.held = texts.iter().filter_map(heard).collect();
    }

    /// The graph's inputs for a sample.
    pub fn inputs(&self, sample: usize) -> Vec<ArrayD<f64>> {
        let mut inputs = self.samples[sample].clone();
        inputs.iter_mut().zip(&self.columns.inputs).for_each(|(values, exponents)| shift(values, exponents, -1));
        inputs
    }

    /// The real numbers of the graph's outputs.
    pub fn outputs(&self, evaluation: &Evaluation) -> Vec<ArrayD<f64>> {
        let mut outputs: Vec<ArrayD<f64>> = evaluation.outputs().into_iter().cloned().collect();
        outputs.iter_mut().zip(&self.columns.outputs).for_each(|(values, exponents)| shift(values, exponents, 1));
        outputs
    }

    /// What the reference gives for a sample; where its floats overflow and those of the graph, which are wider, do not, what the graph
    /// gives: `log(1 + exp 100)` is 100.
    pub fn wanted(&self, sample: usize, evaluation: &Evaluation) -> Result<Vec<ArrayD<f64>>, CompileError> {
        if self.unrunnable.is_some() {
            return Ok(self.outputs(evaluation));
        }
        let mut wanted =
            self.reference.outputs(&self.samples[sample]).map_err(|reason| CompileError::Reference { sample, reason })?;
        for (wanted, own) in wanted.iter_mut().zip(self.outputs(evaluation)) {
            if wanted.shape() == own.shape() {
                Zip::from(wanted)
                    .and(&own)
                    .for_each(|wanted, &own| *wanted = if wanted.is_finite() { *wanted } else { own });
            }
        }
        Ok(wanted)
    }

    /// All values of the graph for the first samples of the search, or fewer. They are many, so that they are made again where they are needed.
    pub fn evaluations(&self, count: usize) -> Vec<Evaluation> {
        self.search.iter().take(count).map_while(|sample| self.graph.evaluate(&sample.inputs).ok()).collect()
    }

    /// Indices of the search's samples.
    pub fn searched(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.samples.len()).step_by(self.samples.len().div_ceil(SEARCHED).max(1))
    }

    fn observe(&mut self) -> Result<(), CompileError> {
        let searched: Vec<usize> = self.searched().collect();
        for index in 0..self.samples.len() {
            let inputs = self.inputs(index);
            let evaluation = self.graph.evaluate(&inputs).map_err(|error| CompileError::Sample { sample: index, error })?;
            let finite = |id: NodeId| evaluation.value(id).is_some_and(|v| v.iter().all(|x| x.is_finite()));
            if let Some((_, node)) = self.graph.nodes().find(|&(id, _)| self.graph.constant(id).is_none() && !finite(id)) {
                return Err(CompileError::NotFinite { sample: index, tensor: node.name.clone() });
            }
            let empty = ArrayD::zeros(vec![0]);
            self.calibration.observe(&self.graph, |id| evaluation.value(id).unwrap_or(&empty));
            if searched.contains(&index) {
                let wanted = self.wanted(index, &evaluation)?;
                self.search.push(Searched { inputs, wanted, own: self.outputs(&evaluation) });
            }
        }
        Ok(())
    }

    /// Ranges by interval analysis, and random inputs within them.
    fn probe(&mut self) {
        let like = &self.options.inputs_like;
        let range =
            |like: &Like| Range { lo: to_real(like.interval.lo, like.scale), hi: to_real(like.interval.hi, like.scale) };
        self.calibration.bound(&self.graph, &like.iter().map(range).collect::<Vec<_>>());
        for probe in 0..PROBES {
            let inputs: Vec<ArrayD<f64>> = self
                .graph
                .inputs()
                .iter()
                .enumerate()
                .map(|(n, &id)| {
                    let numbers = random(self.graph.shape(id), self.calibration.range(id), (probe * 31 + n) as u64);
                    if self.graph.element(id) == Element::Real { numbers } else { numbers.mapv_into(f64::round) }
                })
                .collect();
            let (Ok(evaluation), Ok(wanted)) = (self.graph.evaluate(&inputs), self.reference.outputs(&inputs)) else {
                return;
            };
            if wanted.iter().flatten().all(|v| v.is_finite()) {
                self.search.push(Searched { inputs, wanted, own: self.outputs(&evaluation) });
            }
        }
    }
}

/// A graph whose columns are of one size.
pub(crate) fn scaled(graph: &Graph, columns: &Columns) -> Graph {
    let mut graph = columns.apply(graph);
    passes::simplify(&mut graph);
    graph
}

/// Multiplies columns by powers of two, or divides them.
fn shift(values: &mut ArrayD<f64>, exponents: &[i32], sign: i32) {
    let powers = exponents.iter().cycle().map(|&e| f64::from(sign * e).exp2());
    values.iter_mut().zip(powers).for_each(|(value, power)| *value *= power);
}

/// Numbers spread over a range (SplitMix64).
pub(super) fn random(shape: &[usize], range: Range, seed: u64) -> ArrayD<f64> {
    let mut counter = seed << 32;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        counter += 1;
        let mut z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let part = ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
        range.lo + (range.hi - range.lo) * part
    })
}

/// What entries of a node can reach by the operators that they come from, which views and joints hand on; infinite where these set no bound,
/// and none where no entry has one.
fn bound(graph: &Graph, id: NodeId) -> Option<ArrayD<f64>> {
    let (op, shape) = (graph.op(id).operator(), graph.shape(id));
    if let Some(bound) = op.bound() {
        return Some(ArrayD::from_elem(IxDyn(shape), bound));
    }
    if !op.nature().layout && !matches!(graph.op(id), Op::Concat(_)) {
        return None;
    }
    let operands = graph.operands(id);
    if let [table, _, ..] = operands[..]
        && !matches!(graph.op(id), Op::Concat(_))
    {
        // Rows of a table at places that are not known here.
        let largest = bound(graph, table)?.into_iter().fold(0.0, f64::max);
        return Some(ArrayD::from_elem(IxDyn(shape), largest));
    }
    let bounds: Vec<Option<ArrayD<f64>>> = operands.iter().map(|&operand| bound(graph, operand)).collect();
    bounds.iter().any(Option::is_some).then_some(())?;
    let all = bounds.into_iter().zip(&operands);
    let all =
        all.map(|(bound, &operand)| bound.unwrap_or_else(|| ArrayD::from_elem(IxDyn(graph.shape(operand)), f64::INFINITY)));
    let all: Vec<ArrayD<f64>> = all.collect();
    Some(op.evaluate(&all.iter().collect::<Vec<_>>(), shape))
}
