//! From the float graph and a plan to a program: one rule for each operation.
//!
//! A rule turns the values of a node's operands into the node's own [`Value`]: a tensor of the program and its scale.
//! Values stay as wide and as virtual as they come; a consumer that needs few bits asks for [`Lowering::narrow`],
//! which requantises once. Every advice tensor is pinned by lookups (docs/lowerings.md, section 2).

mod affine;
mod bits;
#[cfg(test)]
mod brute;
mod builder;
mod committed;
mod compare;
mod decisions;
#[cfg(test)]
mod deep;
mod division;
mod error;
mod even;
mod explain;
#[cfg(test)]
mod indexed;
mod interface;
mod limbs;
mod logarithm;
mod magnitudes;
mod maximum;
mod parts;
mod probabilities;
#[cfg(test)]
mod ranges;
mod requantise;
mod roots;
mod rows;
mod saturate;
mod table;
#[cfg(test)]
mod tests;
mod thresholds;
mod views;
mod weight;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::RangeInclusive;

use zktorch_blocks::execute::Weights;
use zktorch_blocks::integers::Integers;
use zktorch_blocks::program::{Program, Scale, TensorId};

use crate::graph::{Graph, NodeId};
use crate::ops::{Broadcast, Constant, Op};
pub(crate) use crate::quantise::Note;
use crate::quantise::{Calibration, Plan, SCALES, Settings};
pub(crate) use affine::kept_axes;
pub(crate) use builder::Builder;
use committed::Committed;
pub(crate) use compare::finest;
use decisions::Decisions;
pub(crate) use division::Magnitude;
pub(crate) use error::Refusal;
pub use error::{LowerError, Problem};
pub(crate) use explain::{Part, Parts, explain};
pub(crate) use interface::Interface;
pub(crate) use logarithm::{LONGEST, Precision};
pub(crate) use probabilities::{Gaps, Normaliser};
pub(crate) use requantise::{FINER, power};
pub(crate) use rows::Exponentials;
pub(crate) use views::{affine, pass};
pub(crate) use weight::{Weight, Withheld};

/// A node's tensor: `real = value * 2^-scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub tensor: TensorId,
    pub scale: Scale,
    /// Einsums between this tensor and committed ones.
    pub depth: u32,
}

/// A program, its weights, and which tensor stands for which node.
pub(crate) struct Lowered {
    pub program: Program,
    pub weights: Weights,
    pub nodes: BTreeMap<NodeId, Value>,
}

impl fmt::Debug for Lowered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a program of {} tensors", self.program.tensors.len())
    }
}

/// The state of a lowering.
pub(crate) struct Lowering<'g> {
    /// Operators and shapes; what constants hold is seen by [`Self::constant`].
    pub graph: &'g Graph,
    /// What samples say, and what was decided by them: reached by [`Self::decide`] alone, and for inputs, whose intervals the program has.
    calibration: &'g Calibration,
    pub plan: Plan,
    pub settings: Settings,
    interface: Interface<'g>,
    pub builder: Builder,
    values: HashMap<NodeId, Value>,
    narrow: HashMap<NodeId, Value>,
    /// What recurrences hand on from step to step, by the nodes of their states.
    pub carried: HashMap<NodeId, TensorId>,
    decisions: Decisions<'g>,
    committed: Option<Committed<'g>>,
    /// Nodes whose small entries count as much as large ones, where the settings make that matter.
    steep: BTreeSet<NodeId>,
}

/// Lowers a graph.
///
/// # Errors
/// Every node that has no rule, or the first node whose rule cannot be applied.
pub(crate) fn lower<'g>(
    graph: &'g Graph,
    calibration: &'g Calibration,
    settings: Settings,
    interface: Interface<'g>,
) -> Result<Lowered, LowerError> {
    lower_by(graph, calibration, settings, interface, Decisions::made(settings), None)
}

/// Lowers a graph again by the annotations of an earlier lowering. Of the graph's constants only those of one entry count.
///
/// # Errors
/// Every node that has no rule, or the first node whose rule cannot be applied with these annotations.
pub(crate) fn lower_again(graph: &Graph, annotations: &[i64], interface: Interface<'_>) -> Result<Lowered, LowerError> {
    let (settings, decisions) = Decisions::noted(annotations).map_err(Problem::annotations)?;
    lower_by(graph, &Calibration::default(), settings, interface, decisions, None)
}

/// Lowers a graph by the annotations of another program of the same model, on the weights that are committed for that one. What is asked about
/// the model may be something else, for which samples decide.
///
/// # Errors
/// As [`lower_again`], and if a weight is another than the committed one.
pub(crate) fn lower_alike<'g>(
    graph: &'g Graph,
    calibration: &'g Calibration,
    annotations: &'g [i64],
    interface: Interface<'g>,
    committed: Vec<&'g Integers>,
) -> Result<Lowered, LowerError> {
    let (settings, decisions) = Decisions::noted(annotations).map_err(Problem::annotations)?;
    lower_by(graph, calibration, settings, interface, decisions.begun(), Some(Committed::new(committed)))
}

fn lower_by<'g>(
    graph: &'g Graph,
    calibration: &'g Calibration,
    settings: Settings,
    interface: Interface<'g>,
    decisions: Decisions<'g>,
    committed: Option<Committed<'g>>,
) -> Result<Lowered, LowerError> {
    check(graph)?;
    let asks = |id: NodeId| graph.question().contains(&id);
    let mut lowering = Lowering::new(graph, calibration, settings, interface, decisions, committed)?;
    let at = |id: NodeId, why: Refusal| LowerError::from(Problem::refused(graph, id, why));
    // What is decided about the model comes first, and is the same whatever is asked about it.
    let (question, model): (Vec<NodeId>, Vec<NodeId>) = graph.order().into_iter().partition(|&id| asks(id));
    for id in model {
        lowering.node(id).map_err(|why| at(id, why))?;
    }
    lowering.decisions.ask();
    let Lowering { plan, decisions, .. } = &mut lowering;
    plan.decide(graph, asks, settings, |note, allowed, made| decisions.next(note, allowed, || made))
        .map_err(Problem::annotations)?;
    for id in question {
        lowering.node(id).map_err(|why| at(id, why))?;
    }
    for (&id, name) in graph.outputs().iter().zip(graph.output_names()) {
        lowering.output(id, name).map_err(|why| at(id, why))?;
    }
    lowering.committed.take().map_or(Ok(()), Committed::finish).map_err(Problem::annotations)?;
    let best = |id: &NodeId| lowering.narrow.get(id).or(lowering.values.get(id));
    let nodes = lowering.values.keys().chain(lowering.narrow.keys());
    let nodes = nodes.filter_map(|id| best(id).map(|value| (*id, *value))).collect();
    let (mut program, weights) = lowering.builder.finish();
    let mut columns: Vec<(TensorId, Vec<i32>)> = Vec::new();
    let [inputs, outputs] = [&program.inputs, &program.outputs].map(|ids| ids.iter().copied());
    let all = inputs.zip(&interface.columns.inputs).chain(outputs.zip(&interface.columns.outputs));
    for (id, exponents) in all.filter(|(_, exponents)| !exponents.is_empty()) {
        // A tensor that is an output twice has the same columns both times.
        if columns.iter().all(|(other, _)| *other != id) {
            columns.push((id, exponents.clone()));
        }
    }
    program.columns = columns;
    program.annotations = lowering.decisions.finish().map_err(Problem::annotations)?;
    Ok(Lowered { program, weights, nodes })
}

/// All nodes that have no integers.
fn check(graph: &Graph) -> Result<(), LowerError> {
    let refused = |(id, why): (NodeId, &str)| Problem {
        hint: "replace it by supported operations before export".to_owned(),
        ..Problem::refused(graph, id, why.into())
    };
    let missing = graph.nodes().filter_map(|(id, node)| Some((id, node.op.operator().unsupported()?)));
    let problems: Vec<Problem> = missing.map(refused).collect();
    if problems.is_empty() { Ok(()) } else { Err(LowerError { problems }) }
}

impl<'g> Lowering<'g> {
    /// The plan, and the inputs.
    fn new(
        graph: &'g Graph,
        calibration: &'g Calibration,
        settings: Settings,
        interface: Interface<'g>,
        mut decisions: Decisions<'g>,
        committed: Option<Committed<'g>>,
    ) -> Result<Self, LowerError> {
        let mut plan = Plan::new(graph, calibration, settings);
        plan.decide(
            graph,
            |id| !graph.question().contains(&id),
            settings,
            |note, allowed, made| decisions.next(note, allowed, || made),
        )
        .map_err(Problem::annotations)?;
        let mut lowering = Self {
            graph,
            calibration,
            plan,
            settings,
            interface,
            builder: Builder::new(settings.shared),
            values: HashMap::new(),
            narrow: HashMap::new(),
            carried: HashMap::new(),
            decisions,
            committed,
            steep: if settings.wide { graph.before_steep() } else { BTreeSet::new() },
        };
        for (n, &id) in graph.inputs().iter().enumerate() {
            let value = lowering.input(id, n).map_err(|why| Problem::refused(graph, id, why))?;
            lowering.values.insert(id, value);
        }
        Ok(lowering)
    }
}

impl Lowering<'_> {
    pub fn name(&self, id: NodeId) -> String {
        self.graph.node(id).name.clone()
    }

    /// What depends on samples, or on weights: made here and noted, or read from the notes of an earlier lowering, so that all else is a
    /// function of the architecture.
    ///
    /// # Errors
    /// If the notes end, or have what is not allowed.
    pub fn decide(
        &mut self,
        note: Note,
        allowed: RangeInclusive<i64>,
        make: impl FnOnce(&Withheld<'_>) -> i64,
    ) -> Result<i64, Refusal> {
        let withheld = Withheld::new(self.calibration);
        self.decisions.next(note, allowed, || make(&withheld))
    }

    /// A scale that depends on samples or weights.
    ///
    /// # Errors
    /// As [`Self::decide`].
    pub fn decide_scale(&mut self, note: Note, make: impl FnOnce(&Withheld<'_>) -> Scale) -> Result<Scale, Refusal> {
        self.decide(note, SCALES, |withheld| i64::from(make(withheld).0)).map(|scale| Scale(scale as i32))
    }

    /// Whether the small entries of a node count as much as its large ones: they go into a function that is steep near 0.
    pub fn is_steep(&self, id: NodeId) -> bool {
        self.steep.contains(&id) && !self.exact(id)
    }

    /// Lowers a node, if it is not part of another's rule.
    fn node(&mut self, id: NodeId) -> Result<(), Refusal> {
        let op = self.graph.op(id);
        let stands = matches!(op, Op::Input(_)) || self.constant(id).is_some();
        if !stands && !self.plan.absorbed.contains(&id) {
            let value = op.operator().lower(self, id)?;
            self.values.insert(id, value);
        }
        Ok(())
    }

    /// The `n`-th operand of a node.
    pub fn operand(&self, id: NodeId, n: usize) -> Result<NodeId, Refusal> {
        self.graph.operands(id).get(n).copied().ok_or_else(|| format!("operand {n} is missing").into())
    }

    /// A compile-time tensor, before broadcasts of it: axes may have extent 1.
    pub fn constant(&self, id: NodeId) -> Option<Weight> {
        match self.graph.op(id) {
            Op::Constant(Constant(entries)) => Some(Weight::new(entries.clone())),
            Op::Broadcast(Broadcast) => self.constant(*self.graph.operands(id).first()?),
            _ => None,
        }
    }

    pub fn is_constant(&self, id: NodeId) -> bool {
        match self.graph.op(id) {
            Op::Constant(_) => true,
            Op::Broadcast(Broadcast) => self.graph.operands(id).first().is_some_and(|&o| self.is_constant(o)),
            _ => false,
        }
    }

    /// The value of a node as it is: narrow if that exists already.
    pub fn value(&mut self, id: NodeId) -> Result<Value, Refusal> {
        if let Some(value) = self.narrow.get(&id).or(self.values.get(&id)) {
            return Ok(*value);
        }
        let weight = self.constant(id).ok_or("its operand has no value yet")?;
        let weight = weight.broadcast(self.graph.shape(id)).ok_or("a constant does not broadcast")?;
        let limit = f64::from(1u32 << (self.settings.bits - 1)) - 1.0;
        let scale = match self.graph.domain(id).is_exact() {
            true => Scale(0),
            false => self.decide_scale(Note::WeightScale, |w| crate::quantise::scale_for(weight.largest(w), limit))?,
        };
        let tensor = self.weight(&self.name(id), weight.shape(), &weight, scale)?;
        let value = Value { tensor, scale, depth: 0 };
        self.values.insert(id, value);
        Ok(value)
    }

    /// A constant that several nodes use as it is: one weight for all of them, at the one scale that it has by itself.
    pub fn shared(&mut self, id: NodeId) -> Result<Option<Value>, Refusal> {
        let users = self.graph.users(id).into_iter();
        let users = users.filter(|(user, _)| matches!(self.graph.op(*user), Op::Einsum(_) | Op::Gather(_)));
        let shared = matches!(self.graph.op(id), Op::Constant(_)) && users.count() > 1;
        if shared { self.value(id).map(Some) } else { Ok(None) }
    }
}
