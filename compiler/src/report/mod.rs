//! What a compilation did: scales, errors, and what proving will cost.

mod accuracy;
mod language;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zktorch_blocks::execute::Trace;
use zktorch_blocks::program::{Program, Role, Scale, Source, TensorId};

use crate::graph::{Evaluation, Graph, NodeId};
use crate::lower::Value;
use crate::quantise::to_real;
pub use accuracy::{Accuracy, GroupError, Yardstick};
pub(crate) use accuracy::{Measure, by_chance};
pub(crate) use language::Hearing;
pub use language::Language;

/// Everything that is known about a compiled model before it is proved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Bits of activations.
    pub bits: u32,
    /// Bits that a requantisation usually drops.
    pub shift: u32,
    /// Calibration samples; 0 if ranges come from interval analysis.
    pub samples: usize,
    /// The error of the worst group of outputs over the samples that were measured, relative to the group's own size. `None` without samples.
    pub output_error: Option<f64>,
    /// The groups with the largest errors, and how many samples were measured. `None` without samples.
    pub accuracy: Option<Accuracy>,
    /// What is said of texts, of a language model.
    pub language: Option<Language>,
    /// Columns of inputs of which the calibration samples say nothing.
    pub gaps: Vec<Gap>,
    /// By how much outputs move, relative to their size, where what samples do not show of inputs is lost between the integers.
    pub unseen: f64,
    /// One for each node that has a tensor.
    pub tensors: Vec<TensorReport>,
    /// One for each kind of block.
    pub blocks: Vec<BlockReport>,
    /// Sums.
    pub totals: Totals,
    /// What a proof will cost, where that has been predicted.
    pub predictions: Option<Predictions>,
}

/// Columns of an input (entries of one index of its last axis) of which the calibration samples say nothing, or nothing but one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The input's name.
    pub input: String,
    /// The columns.
    pub columns: Vec<usize>,
    /// How many the input has.
    pub of: usize,
    /// Whether they are 0 in all samples, or another number.
    pub zero: bool,
}

/// A node's tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorReport {
    /// The node's name.
    pub name: String,
    /// Its operation.
    pub op: String,
    /// Shape, as text.
    pub shape: String,
    /// Committed, public, virtual, ...
    pub role: String,
    /// `real = value * 2^-scale`.
    pub scale: Scale,
    /// Bits of the declared interval.
    pub width: u32,
    /// Largest error against the float graph on the samples of the search; `None` without samples.
    pub max_error: Option<f64>,
    /// Mean error.
    pub mean_error: Option<f64>,
}

/// The instances of one kind of block.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockReport {
    /// add, matmul, lookup or permute.
    pub kind: String,
    /// Number of instances.
    pub instances: usize,
    /// Committed values that its instances define or pin.
    pub committed: usize,
    /// Lookups.
    pub lookups: usize,
}

/// Sums over the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Tensors.
    pub tensors: usize,
    /// Weights.
    pub weights: usize,
    /// Values committed in a proof.
    pub committed: usize,
    /// Values of the statement.
    pub public: usize,
    /// Lookups.
    pub lookups: usize,
    /// Rows of all tables, padded.
    pub table_rows: usize,
    /// Tables.
    pub tables: usize,
    /// Multiplications of all einsums.
    pub multiplications: u64,
}

/// What a proof is predicted to cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// Bytes of a proof.
    pub proof_bytes: Option<u64>,
    /// Seconds on one thread.
    pub prove_seconds: Option<f64>,
    /// Peak memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// Counts of a program.
pub fn totals(program: &Program) -> Totals {
    let volume = |role: Role| program.with_role(role).map(|id| program.tensors[id].shape.len()).sum();
    Totals {
        tensors: program.tensors.len(),
        weights: volume(Role::Weight),
        committed: volume(Role::Witness),
        public: volume(Role::Public),
        lookups: program.lookups.iter().map(|l| entries(program, l.columns[0])).sum(),
        table_rows: program.tables.iter().map(|t| t.padded_rows()).sum(),
        tables: program.tables.len(),
        multiplications: program.tensors.ids().map(|id| multiplications(program, id)).sum(),
    }
}

fn entries(program: &Program, id: TensorId) -> usize {
    program.tensors[id].shape.len()
}

/// Products of entries that an einsum sums up.
fn multiplications(program: &Program, id: TensorId) -> u64 {
    let Source::Einsum(einsum) = &program.tensors[id].source else { return 0 };
    let lhs = program.tensors[einsum.lhs].shape.dims();
    let contracted = einsum.lhs_labels.iter().zip(lhs).filter(|(l, _)| !einsum.out_labels.contains(l));
    contracted.map(|(_, &d)| d as u64).product::<u64>() * entries(program, id) as u64
}

/// Instances, committed values and lookups by kind of block.
pub fn blocks(program: &Program) -> Vec<BlockReport> {
    let mut kinds: BTreeMap<&str, BlockReport> = BTreeMap::new();
    for (id, tensor) in program.tensors.enumerate() {
        let kind = match &tensor.source {
            Source::Linear { .. } => "add",
            Source::Einsum(_) => "matmul",
            Source::View(_) => "permute",
            Source::Advice(_) if tensor.role() == Role::Witness => "lookup",
            _ => continue,
        };
        let block = kinds.entry(kind).or_default();
        if kind == "lookup" {
            block.committed += entries(program, id);
        } else {
            block.instances += 1;
        }
    }
    let block = kinds.entry("lookup").or_default();
    block.instances = program.lookups.len();
    block.lookups = program.lookups.iter().map(|l| entries(program, l.columns[0])).sum();
    kinds.into_iter().map(|(kind, block)| BlockReport { kind: kind.to_owned(), ..block }).collect()
}

/// Compares every node's tensor with its float value on some samples.
pub(crate) fn tensors(
    graph: &Graph,
    program: &Program,
    nodes: &BTreeMap<NodeId, Value>,
    runs: &[(Trace, Evaluation)],
) -> Vec<TensorReport> {
    nodes
        .iter()
        .map(|(&node, &Value { tensor: id, scale, .. })| {
            let (mut largest, mut sum, mut count) = (0f64, 0f64, 0usize);
            for (trace, evaluation) in runs {
                let Some(float) = evaluation.value(node) else { continue };
                for (&value, &float) in trace.values(program, id).iter().zip(float) {
                    let error = (to_real(value, scale) - float).abs();
                    largest = largest.max(error);
                    sum += error;
                    count += 1;
                }
            }
            let tensor = &program.tensors[id];
            TensorReport {
                name: graph.node(node).name.clone(),
                op: graph.op(node).name().to_owned(),
                shape: tensor.shape.to_string(),
                role: format!("{:?}", tensor.role()).to_lowercase(),
                scale,
                width: tensor.interval.bits(),
                max_error: (count > 0).then_some(largest),
                mean_error: (count > 0).then(|| sum / count as f64),
            }
        })
        .collect()
}
