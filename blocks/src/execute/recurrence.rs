//! Recurrences, step by step: what a tensor of [`Advice::Carry`] is.
//!
//! A program has all steps of a recurrence in one tensor, whose first axis counts them. Here its rows are computed one after the other,
//! by the very tensors of the program, cut to one step each.

use super::{ExecuteError, MOST, Trace, Weights, evaluate};
use crate::integers::Integers;
use crate::program::{Advice, GroupMap, IdVec, Program, Source, TensorId, View};
use std::collections::{BTreeMap, BTreeSet};

/// How a tensor of the program is read by a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Its row of this step.
    Row,
    /// All of it.
    Whole,
}

/// What is computed at each step.
struct Recurrence {
    /// Tensors that are handed on: what each takes, when it is there.
    carried: BTreeMap<TensorId, TensorId>,
    /// Tensors of the program that depend on these, in order.
    body: Vec<TensorId>,
    /// Views of the last step's rows.
    before: BTreeMap<TensorId, TensorId>,
    /// What the body reads of the rest.
    read: BTreeMap<TensorId, Read>,
    steps: usize,
}

/// A program whose tensors are cut to one step while it is computed, and their values there.
pub(super) struct Step {
    program: Program,
    now: Trace,
}

/// Computes a tensor that is handed on from step to step, and all others of its recurrence that are. `step` is made by the first of a run.
pub(super) fn run(
    program: &Program,
    weights: &Weights,
    inputs: &[Vec<i64>],
    trace: &mut Trace,
    (lazy, step): (&IdVec<TensorId, bool>, &mut Option<Step>),
    first: TensorId,
) -> Result<(), ExecuteError> {
    let needed = needed(program, trace, first);
    let mut users: BTreeMap<TensorId, Vec<TensorId>> = BTreeMap::new();
    let mut waiting: BTreeMap<TensorId, usize> = BTreeMap::new();
    for &id in &needed {
        let own = operands(&program.tensors[id].source).into_iter().filter(|operand| needed.contains(operand));
        let count = own.map(|operand| users.entry(operand).or_default().push(id)).count();
        waiting.insert(id, count);
    }
    // What depends on no state, in an order in which it can be computed.
    let mut ready: Vec<TensorId> = waiting.iter().filter(|(_, count)| **count == 0).map(|(&id, _)| id).collect();
    while let Some(id) = ready.pop() {
        waiting.remove(&id);
        if !lazy[id] {
            trace.values[id] = Some(evaluate(program, weights, inputs, trace, id, &program.tensors[id])?);
        }
        for user in users.remove(&id).unwrap_or_default() {
            if let Some(count) = waiting.get_mut(&user) {
                *count -= 1;
                if *count == 0 {
                    ready.push(user);
                }
            }
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let of = |id: TensorId| carried(program, id).map(|source| (id, source));
    let carried: BTreeMap<TensorId, TensorId> = waiting.keys().filter_map(|&id| of(id)).collect();
    let body = waiting.keys().copied().filter(|id| !carried.contains_key(id)).collect();
    let moving = waiting.into_keys().collect();
    let step = step.get_or_insert_with(|| Step { program: program.clone(), now: Trace::empty(program) });
    for (id, rows) in Recurrence::new(program, carried, &moving, body, first)?.rows(program, trace, step)? {
        trace.values[id] = Some(rows.into());
    }
    Ok(())
}

/// What a tensor takes over from a step, if it is handed on.
fn carried(program: &Program, id: TensorId) -> Option<TensorId> {
    match program.tensors[id].source {
        Source::Advice(Advice::Carry { source, .. }) => Some(source),
        _ => None,
    }
}

/// The tensors that one is made of; what is handed on stands on what is later.
fn operands(source: &Source) -> Vec<TensorId> {
    match source {
        Source::Linear { terms, .. } => terms.iter().map(|&(_, id)| id).collect(),
        Source::Einsum(e) => vec![e.lhs, e.rhs],
        Source::View(v) => [v.source].into_iter().chain(v.indices()).collect(),
        Source::Advice(Advice::Carry { source, .. }) => vec![*source],
        Source::Advice(advice) => advice.operands().collect(),
        Source::Marks(marks) => vec![marks.indices],
        Source::Draws(draws) => vec![draws.seed, draws.text, draws.places],
        Source::Input(_) | Source::Weight | Source::Fill(_) | Source::Constant(_) => Vec::new(),
    }
}

/// All tensors without values that one stands on, and itself.
fn needed(program: &Program, trace: &Trace, first: TensorId) -> BTreeSet<TensorId> {
    let (mut needed, mut stack) = (BTreeSet::new(), vec![first]);
    while let Some(id) = stack.pop() {
        if trace.values[id].is_none() && needed.insert(id) {
            stack.extend(operands(&program.tensors[id].source));
        }
    }
    needed
}

impl Recurrence {
    /// Finds out how a step reads what it stands on.
    fn new(
        program: &Program,
        carried: BTreeMap<TensorId, TensorId>,
        moving: &BTreeSet<TensorId>,
        body: Vec<TensorId>,
        first: TensorId,
    ) -> Result<Self, ExecuteError> {
        let refuse = |id: TensorId, why| Err(ExecuteError::Recurrence { tensor: program.tensors[id].name.clone(), why });
        let steps = program.first_extent(first);
        let mut recurrence = Self { carried, body, before: BTreeMap::new(), read: BTreeMap::new(), steps };
        let Self { carried, body, before, read, .. } = &mut recurrence;
        if let Some(&id) = carried.keys().chain(&*body).find(|&&id| program.tensors[id].shape.dims().first() != Some(&steps))
        {
            return refuse(id, "as its first axis has another extent");
        }
        for &id in &*body {
            if let Some(source) = of_last_step(program, id).filter(|source| carried.contains_key(source)) {
                before.insert(id, source);
                continue;
            }
            let Some(operands) = reads(program, id) else {
                return refuse(id, "as one of its rows stands on several");
            };
            for (operand, how) in operands {
                let early = carried.get(&operand).is_some_and(|&source| id < source);
                let whole = how == Read::Whole && moving.contains(&operand);
                let other = how == Read::Row && program.tensors[operand].shape.dims().first() != Some(&steps);
                let both = *read.entry(operand).or_insert(how) != how;
                if early || whole || other || both {
                    return refuse(id, "as one of its rows stands on a later one, or on several");
                }
            }
        }
        read.retain(|operand, _| !moving.contains(operand));
        Ok(recurrence)
    }

    /// The rows of all that is handed on.
    fn rows(
        &self,
        program: &Program,
        trace: &Trace,
        Step { program: step, now }: &mut Step,
    ) -> Result<BTreeMap<TensorId, Vec<i64>>, ExecuteError> {
        // Views that a run does not keep are made here.
        let made = self.read.keys().filter(|&&id| trace.values[id].is_none()).chain(&self.body);
        let entries = made.map(|&id| program.tensors[id].shape.len()).fold(0, usize::saturating_add);
        if entries > MOST {
            return Err(ExecuteError::TooLarge(entries));
        }
        let by_row = self.read.iter().filter(|(_, how)| **how == Read::Row).map(|(&id, _)| id);
        let cut: Vec<TensorId> = self.carried.keys().chain(&self.body).copied().chain(by_row.clone()).collect();
        cut.iter().for_each(|&id| step.tensors[id].shape.0[0] = 1);
        for &id in self.read.keys() {
            now.values[id] = Some(trace.integers(program, id));
        }
        let by_row: Vec<(TensorId, Integers)> = by_row.map(|id| (id, trace.integers(program, id))).collect();
        let zeros = |id: TensorId| -> Integers { vec![0; step.tensors[id].shape.len()].into() };
        let mut last: BTreeMap<TensorId, Integers> = self.carried.keys().map(|&id| (id, zeros(id))).collect();
        let mut rows: BTreeMap<TensorId, Vec<i64>> = self.carried.keys().map(|&id| (id, Vec::new())).collect();
        let mut after: BTreeMap<TensorId, Vec<TensorId>> = BTreeMap::new();
        for (&id, &source) in &self.carried {
            after.entry(source).or_default().push(id);
        }
        for t in 0..self.steps {
            for (id, all) in &by_row {
                let len = step.tensors[*id].shape.len();
                now.values[*id] = Some(all.range(t * len..(t + 1) * len));
            }
            for &id in &self.body {
                let value = match self.before.get(&id) {
                    Some(source) => last[source].clone(),
                    None => evaluate(step, &Weights::new(), &[], now, id, &step.tensors[id])?,
                };
                now.values[id] = Some(value);
                for &id in after.get(&id).into_iter().flatten() {
                    now.values[id] = Some(evaluate(step, &Weights::new(), &[], now, id, &step.tensors[id])?);
                }
            }
            for (id, rows) in &mut rows {
                let row = now.values[*id].clone().unwrap_or_default();
                rows.extend(row.iter());
                last.insert(*id, row);
            }
        }
        for id in cut {
            step.tensors[id].shape.0[0] = self.steps;
            now.values[id] = None;
        }
        self.read.keys().for_each(|&id| now.values[id] = None);
        Ok(rows)
    }
}

/// What a view shows the last row of, at each of its own, with zeros first.
fn of_last_step(program: &Program, id: TensorId) -> Option<TensorId> {
    let Source::View(View { source, groups }) = &program.tensors[id].source else { return None };
    let one = |axis: usize, of: &[usize]| *of == [axis];
    let found = groups.iter().all(|group| match (&group.map, group.out_axes.first()) {
        (GroupMap::Affine { strides, offset: -1 }, Some(0)) => {
            one(0, &group.out_axes) && one(0, &group.source_axes) && *strides == [1]
        }
        (GroupMap::Reshape, Some(&axis)) => axis > 0 && one(axis, &group.out_axes) && one(axis, &group.source_axes),
        _ => false,
    });
    found.then_some(*source)
}

/// How each row of a tensor stands on its operands; `None` if it is not by rows of theirs, or all of them.
fn reads(program: &Program, id: TensorId) -> Option<Vec<(TensorId, Read)>> {
    let by_row = |ids: &mut dyn Iterator<Item = TensorId>| Some(ids.map(|id| (id, Read::Row)).collect());
    match &program.tensors[id].source {
        Source::Linear { terms, .. } => by_row(&mut terms.iter().map(|&(_, id)| id)),
        Source::Einsum(e) => {
            let label = e.out_labels.first()?;
            let how = |labels: &[u8]| match labels.iter().position(|own| own == label) {
                Some(0) => Some(Read::Row),
                None => Some(Read::Whole),
                Some(_) => None,
            };
            Some(vec![(e.lhs, how(&e.lhs_labels)?), (e.rhs, how(&e.rhs_labels)?)])
        }
        Source::View(view) => {
            let steps = view.groups.iter().find(|group| group.out_axes.contains(&0))?;
            let passes = match &steps.map {
                GroupMap::Reshape => true,
                GroupMap::Affine { strides, offset } => *strides == [1] && *offset == 0,
                GroupMap::Broadcast | GroupMap::List(_) | GroupMap::Indices(_) => false,
            };
            let alone = steps.out_axes == [0] && steps.source_axes == [0];
            (passes && alone)
                .then(|| [(view.source, Read::Row)].into_iter().chain(view.indices().map(|id| (id, Read::Whole))).collect())
        }
        Source::Advice(Advice::Max { axes, .. } | Advice::FirstZero { axes, .. }) if axes.contains(&0) => None,
        Source::Advice(Advice::ArgMax { source } | Advice::Top { source } | Advice::Descent { bits: source, .. })
            if program.tensors[*source].shape.rank() < 2 =>
        {
            None
        }
        Source::Advice(Advice::Rows { source, indices }) => Some(vec![(*source, Read::Whole), (*indices, Read::Row)]),
        Source::Advice(advice) => by_row(&mut advice.operands()),
        _ => None,
    }
}
