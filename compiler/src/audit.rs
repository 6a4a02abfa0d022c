//! Whether a program is the lowering of a model, found out without the model's weights.
//!
//! A lowering is a function of the architecture and of the decisions that stand in the program as annotations. Who has the ONNX file
//! without its weights repeats it and compares. What is left to the program's maker are the decisions themselves: scales, widths, and
//! where tables begin. They may make a model coarse, not make it another one.
//!
//! Names are not compared: they come from the exporter, change with every version of it, and no proof depends on them. Those that differ
//! are told.

use std::borrow::Cow;
use std::fmt::Debug;

use zktorch_blocks::program::{Element, Interval, Program, Source, Tensor, TensorId, Visibility};

use crate::compile::{Misposed, extend, scaled};
use crate::graph::columns::Columns;
use crate::graph::{Graph, NodeId};
use crate::lower::{Interface, LowerError, lower_again};
use crate::{Goal, Like};

/// Largest magnitude of an input's scale, and of an end of its interval.
const SCALE: u32 = 128;
const END: u64 = 1 << 48;

/// Why a program is not a model's lowering.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// Another number of inputs.
    #[error("the model has {model} inputs, the key's program {key}")]
    Inputs {
        /// Inputs of the model.
        model: usize,
        /// Inputs of the program.
        key: usize,
    },
    /// Scales or intervals of inputs that no compiler would choose.
    #[error("input {0} of the key's program has a scale or an interval beyond all bounds")]
    Bounds(usize),
    /// Powers of two that do not fit the columns of an input or output.
    #[error("the exponents of the columns of tensor {0} of the key's program do not fit the model")]
    Columns(TensorId),
    /// The model cannot be asked for what the program shows.
    #[error("the model cannot be asked for what the key's program shows: {0}")]
    Goal(#[from] Misposed),
    /// The model cannot be lowered by the annotations.
    #[error("the model cannot be lowered by the key's annotations: {0}")]
    Lower(#[from] LowerError),
    /// The lowering gives something else.
    #[error(transparent)]
    Differs(#[from] Difference),
}

/// The first place where two programs differ.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: the model gives {model}, the key has {key}")]
pub struct Difference {
    /// Where.
    pub place: String,
    /// What stands there by the model.
    pub model: String,
    /// What stands there in the key.
    pub key: String,
}

/// A tensor that has another name in the key's program than in the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    /// The tensor.
    pub tensor: TensorId,
    /// Its name by the model.
    pub model: String,
    /// Its name in the key.
    pub key: String,
}

/// Lowers a graph, whose weights may be any, by the annotations of `claimed`, and compares all but names. Returns the names that
/// differ.
///
/// # Errors
/// What differs first.
pub fn audit(graph: &Graph, claimed: &Program) -> Result<Vec<Renamed>, AuditError> {
    let own = graph.inputs().len() == claimed.inputs.len();
    let goal = if own { Goal::Outputs } else { Goal::claimed(claimed) };
    let extended = extend(goal, graph)?;
    let graph = &*extended;
    let inputs: Vec<&Tensor> = claimed.inputs.iter().filter_map(|&id| claimed.tensors.get(id)).collect();
    if inputs.len() != graph.inputs().len() {
        return Err(AuditError::Inputs { model: graph.inputs().len(), key: inputs.len() });
    }
    let within = |t: &&Tensor| {
        t.scale.0.unsigned_abs() <= SCALE && [t.interval.lo, t.interval.hi].iter().all(|e| e.unsigned_abs() <= END)
    };
    if let Some(n) = inputs.iter().position(|t| !within(t)) {
        return Err(AuditError::Bounds(n));
    }
    let like = |t: &&Tensor| Like { scale: t.scale, interval: t.interval, columns: Vec::new() };
    let like: Vec<Like> = inputs.iter().map(like).collect();
    let columns = columns(graph, claimed)?;
    let scaled = if columns.is_none() { Cow::Borrowed(graph) } else { Cow::Owned(scaled(graph, &columns)) };
    let visibility =
        |ids: &[TensorId]| ids.first().and_then(|&id| claimed.tensors.get(id)).map_or(Visibility::Private, |t| t.visibility);
    let interface = Interface {
        inputs: visibility(&claimed.inputs),
        outputs: visibility(&claimed.outputs),
        inputs_like: &like,
        columns: &columns,
    };
    let own = lower_again(&scaled, &claimed.annotations, interface)?.program;
    match difference(&own, claimed) {
        Some(difference) => Err(difference.into()),
        None => Ok(renamed(&own, claimed)),
    }
}

/// The tensors whose names differ, of programs that are the same otherwise.
fn renamed(model: &Program, key: &Program) -> Vec<Renamed> {
    let pairs = model.tensors.enumerate().zip(&key.tensors).filter(|((_, model), key)| model.name != key.name);
    pairs.map(|((tensor, model), key)| Renamed { tensor, model: model.name.clone(), key: key.name.clone() }).collect()
}

/// A program under the names of another, as far as it has tensors and tables.
fn named_as(program: &Program, other: &Program) -> Program {
    let mut program = program.clone();
    for (own, other) in program.tensors.iter_mut().zip(&other.tensors) {
        own.name.clone_from(&other.name);
    }
    for (own, other) in program.tables.iter_mut().zip(&other.tables) {
        own.name.clone_from(&other.name);
    }
    program
}

/// The powers of two of columns that a program claims, if they fit the graph's inputs and outputs.
fn columns(graph: &Graph, claimed: &Program) -> Result<Columns, AuditError> {
    let of = |nodes: &[NodeId], ids: &[TensorId]| -> Result<Vec<Vec<i32>>, AuditError> {
        nodes
            .iter()
            .zip(ids)
            .map(|(&node, &id)| {
                let exponents = claimed.column_exponents(id);
                let fits = exponents.is_empty() || graph.shape(node).last() == Some(&exponents.len());
                let within = exponents.iter().all(|e| e.unsigned_abs() <= SCALE);
                // Integers and booleans are what they say, in every column.
                let real = exponents.is_empty() || graph.element(node) == Element::Real;
                if fits && within && real { Ok(exponents.to_vec()) } else { Err(AuditError::Columns(id)) }
            })
            .collect()
    };
    Ok(Columns { inputs: of(graph.inputs(), &claimed.inputs)?, outputs: of(graph.outputs(), &claimed.outputs)? })
}

fn difference(model: &Program, key: &Program) -> Option<Difference> {
    let key = &named_as(key, model);
    tensors(&model.tensors, &key.tensors)
        .or_else(|| list("table", &model.tables, &key.tables))
        .or_else(|| list("lookup", &model.lookups, &key.lookups))
        .or_else(|| list("zero constraint", &model.zeros, &key.zeros))
        .or_else(|| list("input", &model.inputs, &key.inputs))
        .or_else(|| list("output", &model.outputs, &key.outputs))
        .or_else(|| list("exponents of columns", &model.columns, &key.columns))
        // Whatever else a program may come to consist of.
        .or_else(|| (model != key).then(|| differs("the program", "another", "another")))
}

fn tensors(model: &[Tensor], key: &[Tensor]) -> Option<Difference> {
    let mut pairs = model.iter().zip(key).enumerate();
    let Some((id, (own, theirs))) = pairs.find(|(_, (own, theirs))| own != theirs) else {
        let names = |tensors: &[Tensor]| tensors.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
        return list("tensor", &names(model), &names(key));
    };
    let (mut a, mut b) = (describe(own), describe(theirs));
    if a == b {
        (a, b) = (format!("{:?}", own.source), format!("{:?}", theirs.source));
    }
    Some(differs(&format!("tensor {id}"), &a, &b))
}

fn list<T: PartialEq + Debug>(what: &str, model: &[T], key: &[T]) -> Option<Difference> {
    let at = model.iter().zip(key).position(|(a, b)| a != b);
    let at = at.or((model.len() != key.len()).then_some(model.len().min(key.len())))?;
    let show = |list: &[T]| list.get(at).map_or("none".to_owned(), |item| format!("{item:?}"));
    Some(differs(&format!("{what} {at}"), &show(model), &show(key)))
}

/// Text of a difference; what is long is cut.
fn differs(place: &str, model: &str, key: &str) -> Difference {
    let cut = |text: &str| match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    };
    Difference { place: place.to_owned(), model: cut(model), key: cut(key) }
}

fn describe(tensor: &Tensor) -> String {
    let source = match &tensor.source {
        Source::Input(_) => "input",
        Source::Weight => "weight",
        Source::Fill(_) | Source::Constant(_) => "constant",
        Source::Advice(_) => "advice",
        Source::Linear { .. } => "linear expression",
        Source::Einsum(_) => "einsum",
        Source::View(_) => "view",
        Source::Marks(_) => "marks",
        Source::Draws(_) => "draws",
    };
    let seen = if tensor.visibility == Visibility::Public { "public " } else { "" };
    let Interval { lo, hi } = tensor.interval;
    format!("{seen}{source} `{}` {:?} in {lo}..={hi} at scale {}", tensor.name, tensor.shape.dims(), tensor.scale)
}
