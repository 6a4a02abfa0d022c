//! What a graph would become, without samples and without a proof, and what stands in its way.

use std::fmt;

use ndarray::ArrayD;
use serde::Serialize;
use zktorch_blocks::program::{Element, Program, Role, Source};

use super::attempt::{COMMITTED, LEAF};
use super::task::random;
use super::{CompileError, Options};
use crate::graph::columns::Columns;
use crate::graph::{Graph, NodeId};
use crate::lower::{Interface, Part, Parts, Problem, explain as parts};
use crate::ops::Op;
use crate::quantise::{Calibration, Settings, candidates};

/// Bits of activations, if none are asked for: what most models come out with.
const BITS: u32 = 12;
/// Random inputs that ranges are made of. They stand for none of the model's own; widths with samples are others, and costs a little.
const PROBES: u64 = 4;

/// A node, and what it becomes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedNode {
    /// Its name.
    pub name: String,
    /// Its operation.
    pub op: String,
    /// The shape of its result.
    pub shape: Vec<usize>,
    /// What it becomes: how many tensors and lookups of each kind.
    pub lowering: String,
    /// Entries of weights.
    pub weights: usize,
    /// Values that a proof commits to.
    pub committed: usize,
    /// Entries that are looked up.
    pub lookups: usize,
    /// What these cost, in milliseconds of one core.
    pub milliseconds: f64,
}

/// What a model would become.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Nodes in the order in which they are computed; those of constants and inputs are left out.
    pub nodes: Vec<ExplainedNode>,
    /// What stands in the way, a line each.
    pub obstacles: Vec<String>,
    /// Nodes that could not be looked at, since they depend on one that stands in the way.
    pub waiting: Vec<String>,
}

/// Explains a graph.
///
/// # Errors
/// If an option is out of range, or not even the inputs have integers.
pub fn explain(graph: &Graph, options: &Options) -> Result<Explanation, CompileError> {
    if let Some(bits) = options.bits.filter(|b| !(8..=16).contains(b)) {
        return Err(CompileError::Bits(bits));
    }
    let (calibration, columns) = (calibration(graph), Columns::default());
    let settings = settings(options.bits);
    let Parts { program, parts, problems, waiting } =
        parts(graph, &calibration, settings, Interface::of(options, &columns))?;
    let nodes = parts.iter().filter(|part| !matches!(graph.op(part.node), Op::Input(_) | Op::Constant(_)));
    Ok(Explanation {
        nodes: nodes.map(|part| node(graph, &program, part)).collect(),
        obstacles: problems.iter().map(Problem::to_string).collect(),
        waiting: waiting.into_iter().map(|id| graph.node(id).name.clone()).collect(),
    })
}

fn settings(bits: Option<u32>) -> Settings {
    let all = candidates(Some(bits.unwrap_or(BITS)), 0);
    let widest = all.iter().copied().max_by_key(|settings| settings.shift);
    widest.unwrap_or_else(|| candidates(None, 0)[0])
}

/// Ranges by random inputs, or where the graph gives no numbers for these, by interval analysis.
fn calibration(graph: &Graph) -> Calibration {
    let mut bounds = Calibration::default();
    bounds.bound(graph, &[]);
    let mut seen = Calibration::default();
    for probe in 0..PROBES {
        let input = |(n, &id): (usize, &NodeId)| {
            let numbers = random(graph.shape(id), bounds.range(id), probe * 31 + n as u64);
            if graph.element(id) == Element::Real { numbers } else { numbers.mapv_into(f64::round) }
        };
        let inputs: Vec<ArrayD<f64>> = graph.inputs().iter().enumerate().map(input).collect();
        let Ok(evaluation) = graph.evaluate(&inputs) else { return bounds };
        let finite = |id: NodeId| evaluation.value(id).is_some_and(|v| v.iter().all(|x| x.is_finite()));
        if graph.nodes().any(|(id, _)| graph.constant(id).is_none() && !finite(id)) {
            return bounds;
        }
        let empty = ArrayD::zeros(vec![0]);
        seen.observe(graph, |id| evaluation.value(id).unwrap_or(&empty));
    }
    seen
}

fn node(graph: &Graph, program: &Program, part: &Part) -> ExplainedNode {
    let (mut weights, mut committed, mut kinds) = (0, 0, [("sum", 0), ("einsum", 0), ("view", 0), ("advice", 0)]);
    let own = program.tensors.iter().skip(part.tensors.start).take(part.tensors.len());
    for tensor in own {
        match tensor.role() {
            Role::Weight => weights += tensor.shape.len(),
            Role::Witness => committed += tensor.shape.len(),
            _ => {}
        }
        let kind = match &tensor.source {
            Source::Linear { .. } => 0,
            Source::Einsum(_) => 1,
            Source::View(_) => 2,
            Source::Advice(_) => 3,
            _ => continue,
        };
        kinds[kind].1 += 1;
    }
    let lookups = &program.lookups[part.lookups.clone()];
    let looked_up = lookups.iter().map(|lookup| program.tensors[lookup.columns[0]].shape.len()).sum::<usize>();
    let mut made: Vec<String> = kinds
        .iter()
        .chain(&[("lookup", lookups.len())])
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {kind}{}", if *count == 1 || *kind == "advice" { "" } else { "s" }))
        .collect();
    if made.is_empty() {
        made.push(if part.absorbed { "part of another".to_owned() } else { "nothing of its own".to_owned() });
    }
    ExplainedNode {
        name: graph.node(part.node).name.clone(),
        op: graph.op(part.node).name().to_owned(),
        shape: graph.shape(part.node).to_vec(),
        lowering: made.join(", "),
        weights,
        committed,
        lookups: looked_up,
        milliseconds: (COMMITTED * committed as f64 + LEAF * looked_up as f64) / 1000.0,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |shape: &[usize]| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        let mut rows =
            vec![["node", "operation", "shape", "becomes", "weights", "committed", "looked up", "ms"].map(str::to_owned)];
        let mut sums = (0, 0, 0, 0.0);
        for node in &self.nodes {
            sums = (sums.0 + node.weights, sums.1 + node.committed, sums.2 + node.lookups, sums.3 + node.milliseconds);
            let numbers = [node.weights, node.committed, node.lookups].map(|n| n.to_string());
            let [weights, committed, lookups] = numbers;
            let (name, op) = (node.name.clone(), node.op.clone());
            let cost = format!("{:.2}", node.milliseconds);
            rows.push([name, op, shape(&node.shape), node.lowering.clone(), weights, committed, lookups, cost]);
        }
        let numbers = [sums.0, sums.1, sums.2].map(|n| n.to_string());
        let [weights, committed, lookups] = numbers;
        let all = format!("{} nodes", self.nodes.len());
        rows.push([all, String::new(), String::new(), String::new(), weights, committed, lookups, format!("{:.2}", sums.3)]);
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..8).map(width).collect();
        for row in &rows {
            let cell = |(n, text): (usize, &String)| {
                let room = widths[n];
                if n < 4 { format!("{text:room$}") } else { format!("{text:>room$}") }
            };
            let line: Vec<String> = row.iter().enumerate().map(cell).collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        if self.obstacles.is_empty() {
            return writeln!(f, "\nnothing stands in the way");
        }
        writeln!(f, "\nin the way:")?;
        self.obstacles.iter().try_for_each(|obstacle| writeln!(f, "  {obstacle}"))?;
        match self.waiting.len() {
            0 => Ok(()),
            count => writeln!(f, "  and {count} nodes that depend on these"),
        }
    }
}
