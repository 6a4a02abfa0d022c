//! States that are handed on from step to step (docs/lowerings.md, section 28).

use ndarray::{ArrayD, Axis, IxDyn};
use zktorch_blocks::program::{Advice, Scale, TensorId};

use super::operator::{Imports, Nature, Operator, Ranges, empty};
use super::shape::{Misfit, arity, require};
use super::{Slice, Take};
use crate::graph::{Domain, NodeId};
use crate::import::{self, Import, Site, Steps, Translator};
use crate::lower::{Lowering, Refusal, Value, affine, pass};
use crate::quantise::Range;

pub(super) const IMPORT: Imports = &[
    Import::Named("States", states),
    Import::Named("Carry", carry),
    Import::Named("Reversed", reversed),
    Import::Named("Last", last),
];

/// The states before each step: the first axis counts steps. They are those that [`Carry`] hands on, and before the first step what the last
/// operand says, or 0. Other operands are what steps read, so that it is there before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States {
    /// Whether the states before the first step are an operand.
    pub given: bool,
}

/// The states after each step, of which all but the last are those before the next: the first operand, for states that are the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carry;

/// States before steps; before a single one they are what they begin with.
fn states(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let given = site.node.inputs.len() > 2;
    let read = t.operand(site, 0)?;
    let operands = if given { vec![read, t.operand(site, 2)?] } else { vec![read] };
    match (site.shape.first(), operands.get(1)) {
        (Some(1), Some(&initial)) => Ok(initial),
        (Some(1), None) => Ok(t.graph.add_constant(site.name.clone(), ArrayD::zeros(IxDyn(&site.shape)))),
        _ if t.graph.behind(read).is_some() => Err(import::Refusal::Form("a recurrence over constants is not supported")),
        _ => Ok(t.graph.add(site.name.clone(), States { given }, &operands, &site.shape)),
    }
}

fn carry(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let (next, states) = (t.operand(site, 0)?, t.operand(site, 1)?);
    if site.shape.first() == Some(&1) { Ok(next) } else { t.add(site, Carry, &[next, states]) }
}

fn reversed(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let x = t.operand(site, 0)?;
    let steps = site.op::<Steps>().and(site.shape.first().copied().ok_or(import::Refusal::OutOfRange("the axis")))?;
    t.add(site, Take { axis: 0, indices: (0..steps).rev().collect() }, &[x])
}

fn last(t: &mut Translator<'_>, site: &Site<'_>) -> Result<NodeId, import::Refusal> {
    let (x, steps) = (t.operand(site, 0)?, t.operand_shape(site, 0)?.first().copied().unwrap_or(0));
    t.add(site, Slice { axis: 0, start: steps.saturating_sub(1), end: steps, step: 1 }, &[x])
}

impl Operator for States {
    fn name(&self) -> &'static str {
        "States"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 1 + usize::from(self.given)..=usize::MAX)?;
        Ok(None)
    }

    fn check(&self, shape: &[usize], operands: &[&[usize]]) -> Result<(), Misfit> {
        self.shape(operands)?;
        let first = [&[1], shape.get(1..).unwrap_or_default()].concat();
        let fits = !self.given || operands.last() == Some(&&*first);
        require(fits && !shape.is_empty(), || Misfit::Shape { expected: first, got: shape.to_vec() })
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    /// They follow from more than operands: `graph::Recurrence` has their values.
    fn evaluate(&self, _: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        empty()
    }

    fn range(&self, _: &Ranges<'_>) -> Range {
        Range::UNBOUNDED
    }

    fn nature(&self) -> Nature {
        Nature::NONE
    }

    /// What is handed on is advice at the scale of states, and is pinned by [`Carry`]; before each step it is that of the step before.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (name, dims, scale) = (at.name(id), at.graph.shape(id).to_vec(), at.plan.scale(id));
        let after = {
            // What is handed on is not there yet.
            let rule = Advice::Carry { source: TensorId(0), divisor: 1 };
            at.builder.advice(&format!("{name}.after"), &dims, rule, at.signed(), scale)
        };
        at.carried.insert(id, after);
        let shifted = |steps: i64| -> Vec<_> {
            (0..dims.len()).map(|axis| if axis == 0 { affine(0, 0, 1, steps) } else { pass(axis, axis) }).collect()
        };
        let mut before = at.builder.view(&format!("{name}.shifted"), after, &dims, shifted(-1));
        if let Some(initial) = at.graph.initial(id) {
            let initial = first(at, &format!("{name}.initial"), initial, scale)?;
            let initial = at.builder.view(&format!("{name}.first"), initial, &dims, shifted(0));
            before = at.builder.linear(&name, &[(1, before), (1, initial)], 0, scale)?;
        }
        Ok(Value { tensor: before, scale, depth: 0 })
    }
}

/// States before the first step, at exactly the scale of the others.
fn first(at: &mut Lowering<'_>, name: &str, initial: NodeId, scale: Scale) -> Result<TensorId, Refusal> {
    if let Some(weight) = at.constant(initial) {
        let weight = weight.broadcast(at.graph.shape(initial)).ok_or("a constant does not broadcast")?;
        return at.weight(name, weight.shape(), &weight, scale);
    }
    let value = at.value(initial)?;
    let (x, divisor) = at.shifted(name, value, scale)?;
    if divisor == 1 {
        return Ok(x);
    }
    let rounded = at.divide(name, x, divisor, at.signed(), scale)?;
    let interval = at.signed();
    at.builder.loose_range(name, rounded.tensor, interval.lo, interval.hi - interval.lo + 1)?;
    Ok(rounded.tensor)
}

impl Operator for Carry {
    fn name(&self) -> &'static str {
        "Carry"
    }

    fn shape(&self, operands: &[&[usize]]) -> Result<Option<Vec<usize>>, Misfit> {
        arity(operands, 2..=2)?;
        let [next, states] = operands else { return Ok(None) };
        require(next == states, || Misfit::Shape { expected: states.to_vec(), got: next.to_vec() })?;
        Ok(Some(next.to_vec()))
    }

    fn domain(&self, _: &[Domain]) -> Domain {
        Domain::Real
    }

    fn evaluate(&self, operands: &[&ArrayD<f64>], _: &[usize]) -> ArrayD<f64> {
        operands.first().map_or_else(empty, |&next| next.clone())
    }

    fn range(&self, at: &Ranges<'_>) -> Range {
        at.operand(0)
    }

    fn nature(&self) -> Nature {
        Nature::ROUNDS
    }

    /// What is handed on is the first operand, rounded: the remainder is looked up, and what is handed on.
    fn lower(&self, at: &mut Lowering<'_>, id: NodeId) -> Result<Value, Refusal> {
        let (next, states) = (at.operand(id, 0)?, at.operand(id, 1)?);
        let (name, scale) = (at.name(id), at.plan.scale(states));
        let after = *at.carried.get(&states).ok_or("the states that it hands on have no integers")?;
        let x = at.value(next)?;
        let (x, divisor) = at.shifted(&name, x, scale)?;
        let x = if x < after { at.builder.copy(&format!("{name}.copy"), x) } else { x };
        at.builder.set_rule(after, Advice::Carry { source: x, divisor });
        at.remainder(&name, x, divisor, after)?;
        let interval = at.signed();
        at.builder.loose_range(&name, after, interval.lo, interval.hi - interval.lo + 1)?;
        Ok(Value { tensor: after, scale, depth: 0 })
    }
}

/// Whether states that are handed on are what they are computed to be: what a step reads are rows of its own.
pub(crate) fn is_handed_on(states: &ArrayD<f64>, next: &ArrayD<f64>) -> bool {
    let steps = states.len_of(Axis(0));
    let largest = next.iter().fold(1.0, |most: f64, v| most.max(v.abs()));
    let [own, handed] = [states.slice_axis(Axis(0), (1..steps).into()), next.slice_axis(Axis(0), (0..steps - 1).into())];
    own.iter().zip(&handed).all(|(a, b)| a == b || (a - b).abs() <= 1e-9 * largest || (a.is_nan() && b.is_nan()))
}
