//! The integer executor: every tensor of a program from its weights and inputs.
//!
//! Arithmetic is exact. [`Program::validate`] bounds every tensor by 2^62, so sums may pass through wrapping `i64`
//! arithmetic and still end at the right value, and products run in floating point only where every partial sum stays
//! below 2^53. A value outside its tensor's declared interval is an error that names the tensor: nothing saturates or
//! wraps silently.

mod advice;
mod check;
mod einsum;
mod looked_up;
mod recurrence;
#[cfg(test)]
mod tests;
mod view;

pub use check::{Violation, check_satisfied, definition, first_miss};

use crate::each_width;
use crate::integers::{Integer, Integers, Slice};
use crate::permute::is_free_view;
use crate::program::{Advice, IdVec, Interval, Invalid, Limits, Program, Role, Source, Tensor, TensorId};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Values of the weight tensors, row-major over their valid boxes.
pub type Weights = BTreeMap<TensorId, Integers>;

/// Below this many entries a loop is not worth a second thread.
const PARALLEL: usize = 1 << 14;

/// Entries of all tensors that a run makes, together: 4 GiB. Proving so many takes thirty times as much.
const MOST: usize = 1 << 29;

/// Why a program could not be run. The text names places and bounds, never a value of the run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The program is not well formed.
    #[error("the program is not well formed: {0}")]
    Invalid(#[from] Invalid),
    /// Its tensors do not fit.
    #[error("the program's tensors have {0} entries together, at most {MOST} are supported")]
    TooLarge(usize),
    /// A weight or input has the wrong number of entries, or is not there.
    #[error("tensor `{tensor}`: expected {expected} values, got {got}")]
    Length {
        /// The tensor's name.
        tensor: String,
        /// Entries of its valid box.
        expected: usize,
        /// Entries given.
        got: usize,
    },
    /// A value leaves the range that was calibrated for it.
    #[error(
        "tensor `{tensor}`: entry {position} is outside [{}, {}]; the input leaves the range seen at \
         calibration: compile again with samples like it, or with more bits",
        allowed.lo, allowed.hi
    )]
    OutOfRange {
        /// The tensor's name.
        tensor: String,
        /// Row-major position of the entry.
        position: usize,
        /// The value.
        value: i64,
        /// What is allowed.
        allowed: Interval,
    },
    /// A division by something that is not positive, a root of a negative number.
    #[error("tensor `{tensor}`: {what} at entry {position}")]
    Domain {
        /// The tensor's name.
        tensor: String,
        /// Row-major position of the entry.
        position: usize,
        /// The operation and its operand.
        what: String,
    },
    /// An entry beside which something stands that no row of its table has.
    #[error(
        "tensor `{tensor}`: entry {position} has no row in its table beside what else is there; the input leaves the range seen at \
         calibration: compile again with samples like it, or with more bits"
    )]
    NoRow {
        /// The tensor's name.
        tensor: String,
        /// Row-major position of the entry.
        position: usize,
    },
    /// A row of scores of which none counts.
    #[error(
        "tensor `{tensor}`: the mask takes out all entries of the row that begins at entry {position}, which has no softmax then"
    )]
    Masked {
        /// The tensor's name.
        tensor: String,
        /// Row-major position of the row's first entry.
        position: usize,
    },
    /// A recurrence that cannot be run step by step.
    #[error("tensor `{tensor}`: no step of the recurrence, {why}")]
    Recurrence {
        /// The tensor's name.
        tensor: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What the inputs say of each other, or of what follows from them, is not so.
    #[error(
        "`{tensor}`: entry {position} is not 0, as the program has it: the inputs contradict each other, or what follows from them"
    )]
    Contradiction {
        /// The tensor that should vanish.
        tensor: String,
        /// Row-major position of the entry.
        position: usize,
    },
}

/// All values of one run: secrets, which are overwritten when their last owner lets go of them.
#[derive(Clone)]
pub struct Trace {
    values: IdVec<TensorId, Option<Integers>>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a trace of {} tensors", self.values.len())
    }
}

impl Trace {
    /// A trace with no values yet.
    pub fn empty(program: &Program) -> Self {
        Self { values: vec![None; program.tensors.len()].into() }
    }

    /// The values of a tensor, row-major over its valid box. Windows that only einsums read are not stored: they are
    /// made anew at each call.
    ///
    /// # Panics
    /// If `id` is not a tensor of the program that was run.
    pub fn integers(&self, program: &Program, id: TensorId) -> Integers {
        match (&self.values[id], &program.tensors[id].source) {
            (Some(values), _) => values.clone(),
            (None, Source::View(v)) => {
                let source = self.integers(program, v.source);
                view::materialise(v, &program.tensors[v.source].shape, &program.tensors[id].shape, source.slice())
            }
            (None, _) => Integers::default(),
        }
    }

    /// The same in 64 bits.
    ///
    /// # Panics
    /// As [`integers`](Self::integers).
    pub fn values(&self, program: &Program, id: TensorId) -> Arc<[i64]> {
        self.integers(program, id).to_vec().into()
    }

    /// The values of a tensor if they are stored.
    pub fn stored(&self, id: TensorId) -> Option<&Integers> {
        self.values.get(id)?.as_ref()
    }

    /// Forgets what a proof of the run does not read: linear expressions, constants and free views that neither an einsum nor a view nor a lookup reads. A
    /// claim on one of them is a claim on what it is made of.
    pub fn forget(&mut self, program: &Program) {
        let mut read: IdVec<TensorId, bool> =
            program.tensors.iter().map(|t| matches!(t.role(), Role::Weight | Role::Witness | Role::Public)).collect();
        program.lookups.iter().flat_map(|lookup| &lookup.columns).for_each(|&id| read[id] = true);
        program.row_lookups.iter().flat_map(|l| [l.indices, l.rows, l.source]).for_each(|id| read[id] = true);
        // From the last one, so that what reads a tensor is known before.
        for (id, tensor) in (0..program.tensors.len()).map(TensorId).zip(&program.tensors).rev() {
            match &tensor.source {
                Source::Einsum(e) => [id, e.lhs, e.rhs].into_iter().for_each(|id| read[id] = true),
                Source::View(v) => {
                    read[id] |= !is_free_view(v, &tensor.shape, &program.tensors[v.source].shape);
                    read[v.source] |= read[id];
                }
                _ => {}
            }
        }
        self.values.iter_mut().zip(&read).filter(|(_, read)| !**read).for_each(|(values, _)| *values = None);
    }

    /// States a tensor's values: for tests of what checkers and verifiers refuse.
    pub fn replace(&mut self, id: TensorId, values: Vec<i64>) {
        self.values[id] = Some(values.into());
    }
}

/// Runs a program.
///
/// # Errors
/// If the program is not well formed, or weights or inputs do not fit it, or a value leaves its interval.
pub fn execute(program: &Program, weights: &Weights, inputs: &[Vec<i64>]) -> Result<Trace, ExecuteError> {
    program.validate(&Limits::default())?;
    let lazy = lazy_views(program);
    let made = |(tensor, lazy): (&Tensor, &bool)| !lazy && !matches!(tensor.source, Source::Input(_) | Source::Weight);
    let lengths = program.tensors.iter().zip(&lazy).filter(|of| made(*of)).map(|(tensor, _)| tensor.shape.len());
    let entries = lengths.fold(0, usize::saturating_add);
    if entries > MOST {
        return Err(ExecuteError::TooLarge(entries));
    }
    let (mut trace, mut step) = (Trace::empty(program), None);
    for (id, tensor) in program.tensors.enumerate() {
        match &tensor.source {
            _ if lazy[id] || trace.values[id].is_some() => {}
            Source::Advice(Advice::Carry { .. }) => {
                recurrence::run(program, weights, inputs, &mut trace, (&lazy, &mut step), id)?;
            }
            _ => trace.values[id] = Some(evaluate(program, weights, inputs, &trace, id, tensor)?),
        }
    }
    looked_up::check(program, &trace)?;
    Ok(trace)
}

/// Checks that what a program has to vanish does. Rules of advice see to most of it; what programs say of their inputs is known when they are run.
///
/// # Errors
/// [`ExecuteError::Contradiction`] with the first entry that is not 0.
pub fn check_zeros(program: &Program, trace: &Trace) -> Result<(), ExecuteError> {
    for &id in &program.zeros {
        if let Some(position) = trace.integers(program, id).iter().position(|v| v != 0) {
            return Err(ExecuteError::Contradiction { tensor: program.tensors[id].name.clone(), position });
        }
    }
    Ok(())
}

/// Views that are larger than what they look at and that only einsums read, straight through their index maps.
fn lazy_views(program: &Program) -> IdVec<TensorId, bool> {
    let mut lazy: IdVec<TensorId, bool> = program
        .tensors
        .iter()
        .map(|tensor| match &tensor.source {
            Source::View(v) => {
                let source = &program.tensors[v.source].shape;
                tensor.shape.len() > source.len() && view::strides(v, source, &tensor.shape).is_some()
            }
            _ => false,
        })
        .collect();
    let mut stored = |id: TensorId| lazy[id] = false;
    for tensor in &program.tensors {
        match &tensor.source {
            Source::Linear { terms, .. } => terms.iter().for_each(|&(_, id)| stored(id)),
            Source::View(v) => stored(v.source),
            Source::Advice(Advice::Carry { source, .. }) => stored(*source),
            Source::Advice(advice) => advice.operands().for_each(&mut stored),
            Source::Marks(marks) => stored(marks.indices),
            Source::Draws(draws) => [draws.seed, draws.text, draws.places].into_iter().for_each(&mut stored),
            _ => {}
        }
    }
    program.lookups.iter().flat_map(|l| &l.columns).chain(&program.zeros).for_each(|&id| stored(id));
    program.row_lookups.iter().flat_map(|l| [l.indices, l.rows, l.source]).for_each(stored);
    lazy
}

fn evaluate(
    program: &Program,
    weights: &Weights,
    inputs: &[Vec<i64>],
    trace: &Trace,
    id: TensorId,
    tensor: &Tensor,
) -> Result<Integers, ExecuteError> {
    let len = tensor.shape.len();
    let stored = |id: TensorId| trace.values[id].as_ref().map_or(Slice::EMPTY, Integers::slice);
    Ok(match &tensor.source {
        Source::Input(n) => given(tensor, inputs.get(*n).map(|v| Integers::from(v.as_slice())))?,
        Source::Weight => given(tensor, weights.get(&id).cloned())?,
        Source::Fill(value) => vec![*value; len].into(),
        Source::Constant(values) => values.as_slice().into(),
        Source::Linear { terms, constant } => linear(terms, *constant, len, &stored).into(),
        Source::Einsum(e) => einsum::evaluate(program, e, &tensor.shape, &stored).into(),
        Source::View(v) => {
            let view = v.with_lists(|id| Some(stored(id).to_vec()));
            view::materialise(&view, &program.tensors[v.source].shape, &tensor.shape, stored(v.source))
        }
        Source::Marks(marks) => marks.entries(&tensor.shape, &stored(marks.indices).to_vec()).into(),
        Source::Draws(draws) => draws.entries(|id| stored(id).to_vec()).into(),
        Source::Advice(rule) => {
            let values = advice::evaluate(program, rule, tensor, &stored)?;
            check_within(&tensor.name, tensor.interval, values.slice())?;
            values
        }
    })
}

/// Values from outside, checked.
fn given(tensor: &Tensor, values: Option<Integers>) -> Result<Integers, ExecuteError> {
    let (expected, got) = (tensor.shape.len(), values.as_ref().map_or(0, Integers::len));
    let values = values.filter(|v| v.len() == expected).ok_or_else(|| ExecuteError::Length {
        tensor: tensor.name.clone(),
        expected,
        got,
    })?;
    check_within(&tensor.name, tensor.interval, values.slice())?;
    Ok(values)
}

fn check_within(name: &str, allowed: Interval, values: Slice<'_>) -> Result<(), ExecuteError> {
    // One pass says whether all fit; which one does not is looked for where one does not.
    let [low, high] = values.extremes();
    if allowed.contains(low) && allowed.contains(high) {
        return Ok(());
    }
    match values.iter().position(|v| !allowed.contains(v)) {
        None => Ok(()),
        Some(position) => {
            Err(ExecuteError::OutOfRange { tensor: name.to_owned(), position, value: values.at(position), allowed })
        }
    }
}

/// `sum_j c_j T_j + constant`.
fn linear<'t>(
    terms: &[(i64, TensorId)],
    constant: i64,
    len: usize,
    stored: &(impl Fn(TensorId) -> Slice<'t> + Sync),
) -> Vec<i64> {
    let mut out = vec![constant; len];
    let chunk = if len < PARALLEL { len.max(1) } else { PARALLEL / 4 };
    out.par_chunks_mut(chunk).enumerate().for_each(|(index, out)| {
        for &(coefficient, id) in terms {
            each_width!(stored(id), values => {
                for (out, value) in out.iter_mut().zip(values.get(index * chunk..).unwrap_or(&[])) {
                    *out = out.wrapping_add(coefficient.wrapping_mul(value.wide()));
                }
            });
        }
    });
    out
}
