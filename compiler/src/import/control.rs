//! Branches and loops, put in the place of the nodes that have them. Nothing that comes after knows of graphs within graphs.
//!
//! | in the file | afterwards |
//! |---|---|
//! | `If` with a constant condition | the branch that is taken |
//! | `If` with another one | both branches, and a choice for each result |
//! | `Loop` so many times, a constant, whose condition stays true | its body as often |
//! | `Scan` over inputs or tensors of the file | its body, once for each step |

use std::collections::{HashMap, HashSet};

use prost::Message;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Extent;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use super::check::{self, MOST_NODES, display_name};
use super::error::{ImportError, UnsupportedNode};
use super::operators::ONNX;
use super::refusal::Refusal;
use super::{rewrite, tensors};

/// Graphs within graphs.
const DEPTH: usize = 16;
/// Bytes that all nodes may come to.
const MOST_BYTES: usize = 1 << 27;

/// Replaces every branch and loop by the nodes that it stands for. What is refused stays.
///
/// # Errors
/// All nodes that cannot be replaced.
pub(super) fn flatten(proto: &mut ModelProto) -> Result<(), ImportError> {
    let opset = check::opset(proto).unwrap_or_default();
    let Some(graph) = proto.graph.as_mut().filter(|graph| graph.node.iter().any(is_control)) else { return Ok(()) };
    let steps = graph.input.iter().filter_map(|input| Some((input.name.clone(), extents(input)?)));
    let mut flattener = Flattener {
        opset,
        extents: steps.collect(),
        constants: HashMap::new(),
        nodes: Vec::new(),
        initializers: Vec::new(),
        shared: HashSet::new(),
        bytes: 0,
        refused: Vec::new(),
    };
    for tensor in std::mem::take(&mut graph.initializer) {
        flattener.initializer(tensor);
    }
    for node in std::mem::take(&mut graph.node) {
        flattener.node(node, 0);
    }
    let Flattener { nodes, initializers, refused, .. } = flattener;
    (graph.node, graph.initializer) = (nodes, initializers);
    if refused.is_empty() { Ok(()) } else { Err(ImportError::Unsupported(refused)) }
}

fn is_control(node: &NodeProto) -> bool {
    ONNX.contains(&node.domain.as_str()) && matches!(node.op_type.as_str(), "If" | "Loop" | "Scan")
}

/// The extents that a file declares of an input.
fn extents(input: &ValueInfoProto) -> Option<Vec<Option<usize>>> {
    let Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let extent = |value: &Option<Extent>| match value {
        Some(Extent::DimValue(extent)) => usize::try_from(*extent).ok(),
        _ => None,
    };
    Some(tensor.shape.as_ref()?.dim.iter().map(|dim| extent(&dim.value)).collect())
}

/// Gives what graphs within a node capture other names.
pub(super) fn rename_captured(node: &mut NodeProto, rename: &dyn Fn(&str) -> String) {
    let graphs = node.attribute.iter_mut().flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs));
    for graph in graphs {
        let made = defined(graph);
        let outer = |name: &str| if made.contains(name) { name.to_owned() } else { rename(name) };
        for node in &mut graph.node {
            node.input.iter_mut().for_each(|name| *name = outer(name));
            rename_captured(node, &outer);
        }
        // A result may be a value of outside.
        graph.output.iter_mut().for_each(|output| output.name = outer(&output.name));
    }
}

/// The values that a graph makes.
fn defined(graph: &GraphProto) -> HashSet<String> {
    let tensors = graph.initializer.iter().map(|tensor| &tensor.name);
    let inputs = graph.input.iter().map(|input| &input.name);
    graph.node.iter().flat_map(|node| &node.output).chain(tensors).chain(inputs).cloned().collect()
}

/// One integer of an attribute, or one of a list for each of several things.
fn integer(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.i)
}

fn listed(node: &NodeProto, name: &str, at: usize) -> i64 {
    let list = node.attribute.iter().find(|attribute| attribute.name == name);
    list.and_then(|attribute| attribute.ints.get(at)).copied().unwrap_or(0)
}

struct Flattener {
    opset: i64,
    /// Extents of inputs and of tensors.
    extents: HashMap<String, Vec<Option<usize>>>,
    /// Tensors of one entry.
    constants: HashMap<String, f64>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    /// Tensors that steps share.
    shared: HashSet<String>,
    /// Size of what was put in.
    bytes: usize,
    refused: Vec<UnsupportedNode>,
}

impl Flattener {
    fn initializer(&mut self, tensor: TensorProto) {
        let extents = tensor.dims.iter().map(|&extent| usize::try_from(extent).ok()).collect();
        self.extents.insert(tensor.name.clone(), extents);
        self.constant(tensor.name.clone(), &tensor);
        self.initializers.push(tensor);
    }

    fn constant(&mut self, name: String, tensor: &TensorProto) {
        if tensors::entries(tensor) == Some(1)
            && let Some(&[value]) = tensors::numbers(tensor).as_deref()
        {
            self.constants.insert(name, value);
        }
    }

    /// Appends a node, or the nodes that it stands for.
    fn node(&mut self, node: NodeProto, depth: usize) {
        if let (Some(tensor), Some(name)) = (rewrite::constant(&node), node.output.first())
            && node.op_type == "Constant"
        {
            self.constant(name.clone(), &tensor);
        }
        if let ("Identity", [x], [y]) = (node.op_type.as_str(), &node.input[..], &node.output[..])
            && let Some(&value) = self.constants.get(x)
        {
            self.constants.insert(y.clone(), value);
        }
        let nodes = self.nodes.len();
        if !is_control(&node) {
            self.nodes.push(node);
            return;
        }
        let replaced = match node.op_type.as_str() {
            _ if depth == DEPTH => Err(Refusal::Form("branches and loops stand too deeply within others")),
            "If" => self.branch(&node, depth),
            "Loop" => self.repeated(&node, depth),
            _ => self.scanned(&node, depth),
        };
        if let Err(hint) = replaced {
            self.nodes.truncate(nodes);
            self.refused.push(UnsupportedNode { name: display_name(&node), op: node.op_type.clone(), hint });
            self.nodes.push(node);
        }
    }

    fn body<'n>(&self, node: &'n NodeProto, name: &str) -> Result<&'n GraphProto, Refusal> {
        let body = node.attribute.iter().find(|attribute| attribute.name == name).and_then(|attribute| attribute.g.as_ref());
        let body = body.ok_or(Refusal::Missing("a graph of the node is missing"))?;
        match body.sparse_initializer.is_empty() {
            true => Ok(body),
            false => Err(Refusal::Form("a graph within a node has sparse tensors")),
        }
    }

    /// A graph's nodes, under names that begin with `prefix`, and its tensors, which all steps share. Its inputs are other values. What its
    /// results are.
    fn put(
        &mut self,
        body: &GraphProto,
        (shared, prefix): (&str, &str),
        given: &HashMap<String, String>,
        depth: usize,
    ) -> Result<Vec<String>, Refusal> {
        self.bytes = self.bytes.saturating_add(256 + body.encoded_len() + body.node.len() * (64 + prefix.len()));
        if self.nodes.len() > MOST_NODES || self.bytes > MOST_BYTES {
            return Err(Refusal::Form("its steps, one after the other, are too many nodes"));
        }
        let tensors: HashSet<&str> = body.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let made = defined(body);
        let rename = |name: &str| match given.get(name) {
            Some(value) => value.clone(),
            None if tensors.contains(name) => format!("{shared}/{name}"),
            None if made.contains(name) && !name.is_empty() => format!("{prefix}/{name}"),
            None => name.to_owned(),
        };
        for tensor in &body.initializer {
            let name = rename(&tensor.name);
            if self.shared.insert(name.clone()) {
                self.initializer(TensorProto { name, ..tensor.clone() });
            }
        }
        for node in &body.node {
            let mut node = node.clone();
            node.name = format!("{prefix}/{}", display_name(&node));
            node.input.iter_mut().chain(&mut node.output).for_each(|name| *name = rename(name));
            rename_captured(&mut node, &rename);
            self.node(node, depth + 1);
        }
        Ok(body.output.iter().map(|output| rename(&output.name)).collect())
    }

    /// The branch that is taken, or both.
    fn branch(&mut self, node: &NodeProto, depth: usize) -> Result<(), Refusal> {
        let condition = node.input.first().ok_or(Refusal::Missing("a condition is missing"))?.clone();
        let prefix = node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let results = |at: &mut Self, name: &str| {
            let prefix = format!("{prefix}/{name}");
            at.put(at.body(node, name)?, (&prefix, &prefix), &HashMap::new(), depth)
        };
        if let Some(&taken) = self.constants.get(&condition) {
            let results = results(self, if taken == 0.0 { "else_branch" } else { "then_branch" })?;
            return self.results(node, results);
        }
        let (yes, no) = (results(self, "then_branch")?, results(self, "else_branch")?);
        if yes.len() != no.len() {
            return Err(Refusal::Form("its branches have other results"));
        }
        let mut chosen = Vec::new();
        for (n, (yes, no)) in yes.iter().zip(&no).enumerate() {
            // Results of two shapes would be broadcast, which is no choice; those of one shape stand in one tensor.
            let name = |part: &str| format!("{prefix}/{part}.{n}");
            let parts = [self.unsqueezed(yes, &name("then"), 0), self.unsqueezed(no, &name("else"), 0)];
            let both = self.make("Concat", &[&parts[0], &parts[1]], &name("both"), &[("axis", 0)]);
            let [yes, no] = [0, 1].map(|side| self.entry(&both, side, &name(&format!("side{side}")), 0));
            chosen.push(self.make("Where", &[&condition, &yes, &no], &name("chosen"), &[]));
        }
        self.results(node, chosen)
    }

    /// The body of a loop, as often as it is run.
    fn repeated(&mut self, node: &NodeProto, depth: usize) -> Result<(), Refusal> {
        let body = self.body(node, "body")?;
        let constant = |at: usize| node.input.get(at).filter(|name| !name.is_empty()).map(|name| self.constants.get(name));
        let Some(Some(&count)) = constant(0) else {
            return Err(Refusal::Variable("how often it is run must be a constant"));
        };
        let count = match constant(1) {
            None | Some(Some(1.0)) => count.max(0.0) as usize,
            Some(Some(_)) => 0,
            Some(None) => return Err(Refusal::Variable("whether it is run must be a constant")),
        };
        let states = node.input.len().saturating_sub(2);
        if body.input.len() != states + 2 || body.output.len() < states + 1 || node.output.len() + 1 > body.output.len() {
            return Err(Refusal::Form("its body has other inputs or results than the standard says"));
        }
        let prefix = node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let truth = format!("{prefix}/true");
        self.initializer(TensorProto { data_type: 9, int32_data: vec![1], name: truth.clone(), ..TensorProto::default() });
        let mut state: Vec<String> = node.input.iter().skip(2).cloned().collect();
        let mut scanned = vec![Vec::new(); body.output.len() - states - 1];
        for step in 0..count {
            let number = format!("{prefix}/step{step}");
            let index = tensors::vector(&number, &[step as i64]);
            self.initializer(TensorProto { dims: Vec::new(), ..index });
            let given = [&number, &truth].into_iter().chain(&state).cloned();
            let given = body.input.iter().map(|input| input.name.clone()).zip(given).collect();
            let results = self.put(body, (&prefix, &format!("{prefix}/{step}")), &given, depth)?;
            if self.constants.get(&results[0]) != Some(&1.0) {
                return Err(Refusal::Variable("whether it goes on must be a constant, and true"));
            }
            state = results[1..=states].to_vec();
            scanned.iter_mut().zip(&results[states + 1..]).for_each(|(all, one)| all.push(one.clone()));
        }
        let mut results = state;
        for (n, parts) in scanned.into_iter().enumerate().take(node.output.len().saturating_sub(states)) {
            results.push(self.stacked(parts, &format!("{prefix}/scan{n}"), 0)?);
        }
        self.results(node, results)
    }

    /// The body of a scan, for each step.
    fn scanned(&mut self, node: &NodeProto, depth: usize) -> Result<(), Refusal> {
        if self.opset < 9 {
            return Err(Refusal::Form("scans are read from operator set 9 on"));
        }
        let body = self.body(node, "body")?;
        let over = usize::try_from(integer(node, "num_scan_inputs").unwrap_or(0)).unwrap_or(usize::MAX);
        let states = node.input.len().checked_sub(over).filter(|_| over > 0);
        let states = states.ok_or(Refusal::Form("it has fewer operands than it scans"))?;
        if body.input.len() != node.input.len() || body.output.len() < states || node.output.len() > body.output.len() {
            return Err(Refusal::Form("its body has other inputs or results than the standard says"));
        }
        let axis = |list: &str, n: usize| match listed(node, list, n) {
            axis if axis < 0 => Err(Refusal::Form("its axes count from the end")),
            axis => Ok(axis),
        };
        let mut steps = None;
        for (n, name) in node.input[states..].iter().enumerate() {
            let extents = self.extents.get(name).map_or(&[][..], |extents| extents);
            let own = extents.get(axis("scan_input_axes", n)? as usize).copied().flatten();
            let own = own.ok_or(Refusal::Variable("how many steps it has must be seen in the shapes of inputs"))?;
            if *steps.get_or_insert(own) != own {
                return Err(Refusal::Form("what it scans has other numbers of steps"));
            }
        }
        let steps = steps.unwrap_or(0);
        let prefix = node.output.iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let mut state: Vec<String> = node.input[..states].to_vec();
        let mut scanned = vec![Vec::new(); body.output.len() - states];
        for step in 0..steps {
            let mut given = state.clone();
            for (n, name) in node.input[states..].iter().enumerate() {
                let at = if listed(node, "scan_input_directions", n) == 1 { steps - 1 - step } else { step };
                let entry = format!("{prefix}/{step}/scanned{n}");
                given.push(self.entry(name, at as i64, &entry, axis("scan_input_axes", n)?));
            }
            let given = body.input.iter().map(|input| input.name.clone()).zip(given).collect();
            let results = self.put(body, (&prefix, &format!("{prefix}/{step}")), &given, depth)?;
            state = results[..states].to_vec();
            scanned.iter_mut().zip(&results[states..]).for_each(|(all, one)| all.push(one.clone()));
        }
        let mut results = state;
        for (n, mut parts) in scanned.into_iter().enumerate().take(node.output.len().saturating_sub(states)) {
            if listed(node, "scan_output_directions", n) == 1 {
                parts.reverse();
            }
            results.push(self.stacked(parts, &format!("{prefix}/scan{n}"), axis("scan_output_axes", n)?)?);
        }
        self.results(node, results)
    }

    /// The results of a node, by the names that it has for them.
    fn results(&mut self, node: &NodeProto, results: Vec<String>) -> Result<(), Refusal> {
        if results.len() < node.output.len() {
            return Err(Refusal::Form("its graph has fewer results"));
        }
        for (result, name) in results.iter().zip(&node.output).filter(|(_, name)| !name.is_empty()) {
            self.make("Identity", &[result], name, &[]);
        }
        Ok(())
    }

    /// Values one after the other, along a new axis.
    fn stacked(&mut self, parts: Vec<String>, name: &str, axis: i64) -> Result<String, Refusal> {
        if parts.is_empty() {
            return Err(Refusal::Form("it is never run, and its results have no shape"));
        }
        let part = |(n, part): (usize, &String)| self.unsqueezed(part, &format!("{name}.part{n}"), axis);
        let parts: Vec<String> = parts.iter().enumerate().map(part).collect();
        Ok(self.make("Concat", &parts.iter().map(String::as_str).collect::<Vec<_>>(), name, &[("axis", axis)]))
    }

    fn unsqueezed(&mut self, x: &str, name: &str, axis: i64) -> String {
        if self.opset >= 13 {
            let axes = format!("{name}.axes");
            self.initializer(tensors::vector(&axes, &[axis]));
            return self.make("Unsqueeze", &[x, &axes], name, &[]);
        }
        let y = self.make("Unsqueeze", &[x], name, &[]);
        let axes = AttributeProto { name: "axes".to_owned(), r#type: 7, ints: vec![axis], ..AttributeProto::default() };
        self.nodes.last_mut().into_iter().for_each(|node| node.attribute.push(axes.clone()));
        y
    }

    /// One entry along an axis, which is gone then.
    fn entry(&mut self, x: &str, index: i64, name: &str, axis: i64) -> String {
        let at = format!("{name}.index");
        self.initializer(TensorProto { dims: Vec::new(), ..tensors::vector(&at, &[index]) });
        self.make("Gather", &[x, &at], name, &[("axis", axis)])
    }

    fn make(&mut self, op: &str, operands: &[&str], name: &str, attributes: &[(&str, i64)]) -> String {
        let attribute =
            |&(name, i): &(&str, i64)| AttributeProto { name: name.to_owned(), r#type: 2, i, ..AttributeProto::default() };
        self.nodes.push(NodeProto {
            input: operands.iter().map(|&operand| operand.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute: attributes.iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        name.to_owned()
    }
}
