//! Nodes and tensors that stand for others.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dimension;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use crate::import::check::display_name;
use crate::import::refusal::Refusal;
use crate::import::{descent, nearest, rewrite, tensors};

/// ONNX's numbers of types.
pub(super) const FLOAT: i32 = 1;
pub(super) const INT64: i32 = 7;
pub(super) const INT32: i32 = 6;
pub(super) const BOOL: i32 = 9;
pub(super) const DOUBLE: i32 = 11;

/// Entries of all tensors that nodes of a file are written with.
const MOST_ENTRIES: usize = 1 << 26;

/// A graph under construction.
pub(super) struct Emitter {
    nodes: Vec<NodeProto>,
    tensors: Vec<TensorProto>,
    taken: HashSet<String>,
    /// Types of inputs.
    types: HashMap<String, i32>,
    /// Extents of inputs, where all are declared.
    extents: HashMap<String, Vec<i64>>,
    /// Tensors of the file, and of its constants.
    known: HashMap<String, TensorProto>,
    /// How often values are used, outputs of the model included.
    used: HashMap<String, usize>,
    /// Nodes of the file by their results.
    makers: HashMap<String, NodeProto>,
    /// What is written in other operators now: names begin with it.
    name: String,
    /// Entries of the tensors that are made.
    entries: usize,
    /// The tensors of sequences, by name.
    pub sequences: HashMap<String, Vec<String>>,
    pub opset: i64,
}

/// An attribute of a node that is written.
pub(super) type Written<'a> = (&'a str, Setting<'a>);

/// Its value.
#[derive(Clone, Copy)]
pub(super) enum Setting<'a> {
    Int(i64),
    Ints(&'a [i64]),
}

impl Emitter {
    pub fn new(graph: &GraphProto, nodes: &[NodeProto], opset: i64) -> Self {
        let mut taken: HashSet<String> = nodes.iter().flat_map(|node| node.output.iter().cloned()).collect();
        taken.extend(graph.initializer.iter().map(|tensor| tensor.name.clone()));
        taken.extend(graph.input.iter().map(|input| input.name.clone()));
        let (mut types, mut extents) = (HashMap::new(), HashMap::new());
        for input in &graph.input {
            if let Some(Value::TensorType(declared)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) {
                types.insert(input.name.clone(), declared.elem_type);
                let dims = declared.shape.iter().flat_map(|shape| &shape.dim).map(|dim| match dim.value {
                    Some(Dimension::DimValue(extent)) => Some(extent),
                    _ => None,
                });
                extents.extend(dims.collect::<Option<Vec<i64>>>().map(|dims| (input.name.clone(), dims)));
            }
        }
        let constants = nodes.iter().filter(|node| node.op_type == "Constant");
        let constants = constants.filter_map(|node| Some((node.output.first()?.clone(), rewrite::constant(node)?)));
        let initializers = graph.initializer.iter().map(|tensor| (tensor.name.clone(), tensor.clone()));
        let operands = nodes.iter().flat_map(|node| node.input.iter().cloned());
        let mut used = HashMap::new();
        for name in operands.chain(graph.output.iter().map(|output| output.name.clone())) {
            *used.entry(name).or_default() += 1;
        }
        let makers = nodes.iter().flat_map(|node| node.output.iter().map(|name| (name.clone(), node.clone()))).collect();
        let known = initializers.chain(constants).collect();
        Self {
            nodes: Vec::new(),
            tensors: Vec::new(),
            taken,
            types,
            extents,
            known,
            used,
            makers,
            name: String::new(),
            entries: 0,
            sequences: HashMap::new(),
            opset,
        }
    }

    /// A node that stays.
    pub fn keep(&mut self, node: NodeProto) {
        self.nodes.push(node);
    }

    /// From here on nodes stand for this one.
    pub fn begin(&mut self, node: &NodeProto) {
        self.name = display_name(node);
    }

    /// Puts the nodes and tensors into the graph that they were made for.
    pub fn finish(self, graph: &mut GraphProto) {
        let Self { nodes, tensors, .. } = self;
        graph.node = nodes;
        graph.initializer.extend(tensors);
    }

    fn fresh(&mut self, part: &str) -> String {
        let mut name = format!("{}/{part}", self.name);
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// The type of an operand, if it is an input or a tensor of the file.
    pub fn type_of(&self, value: &str) -> Option<i32> {
        self.known.get(value).map(|tensor| tensor.data_type).or_else(|| self.types.get(value).copied())
    }

    /// The extents of an operand, if it is an input that declares them or a tensor of the file.
    pub fn dims_of(&self, value: &str) -> Option<Vec<i64>> {
        let known = self.known.get(value).map(|tensor| &tensor.dims);
        known.or_else(|| self.extents.get(value)).cloned()
    }

    /// The tensor of an operand, if the file has it.
    pub fn tensor_of(&self, value: &str) -> Option<&TensorProto> {
        self.known.get(value)
    }

    /// The node of the file that makes a value.
    pub fn made_by(&self, value: &str) -> Option<NodeProto> {
        self.makers.get(value).cloned()
    }

    /// The same, if the value is used once.
    pub fn made_for_one(&self, value: &str) -> Option<NodeProto> {
        if self.used.get(value) == Some(&1) { self.made_by(value) } else { None }
    }

    /// Whether something uses a result.
    pub fn uses(&self, node: &NodeProto, result: usize) -> bool {
        node.output.get(result).is_some_and(|name| !name.is_empty() && self.used.contains_key(name))
    }

    /// A node; the name of its result.
    pub fn op(&mut self, op: &str, input: &[&str], settings: &[Written<'_>]) -> String {
        let output = self.fresh(op);
        self.op_as(op, input, settings, &output);
        output
    }

    /// A node whose result has this name.
    pub fn op_as(&mut self, op: &str, input: &[&str], settings: &[Written<'_>], output: &str) {
        let attribute = settings.iter().map(|&(name, setting)| {
            let named = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
            match setting {
                Setting::Int(i) => AttributeProto { r#type: AttributeType::Int as i32, i, ..named },
                Setting::Ints(ints) => AttributeProto { r#type: AttributeType::Ints as i32, ints: ints.to_vec(), ..named },
            }
        });
        let own = [descent::NAME, descent::WHOLE_CONV, nearest::NAME].contains(&op);
        let domain = if own { descent::DOMAIN } else { "" };
        self.nodes.push(NodeProto {
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: if output.starts_with(&self.name) { output.to_owned() } else { self.name.clone() },
            op_type: op.to_owned(),
            domain: domain.to_owned(),
            attribute: attribute.collect(),
            ..NodeProto::default()
        });
    }

    /// A node with the attributes of another.
    pub fn like(&mut self, op: &str, node: &NodeProto, input: &[&str]) -> String {
        let result = self.op(op, input, &[]);
        if let Some(last) = self.nodes.last_mut() {
            last.attribute.clone_from(&node.attribute);
        }
        result
    }

    /// Entries of the same values in another type.
    pub fn cast(&mut self, x: &str, to: i32) -> String {
        self.op("Cast", &[x], &[("to", Setting::Int(to.into()))])
    }

    /// A reduction over one axis, which stays with extent 1.
    pub fn reduce(&mut self, op: &str, x: &str, axis: i64, keep: bool) -> String {
        let kept = ("keepdims", Setting::Int(keep.into()));
        let by_operand = self.opset >= if op == "ReduceSum" { 13 } else { 18 };
        if by_operand {
            let axes = self.ints("axes", &[axis]);
            return self.op(op, &[x, &axes], &[kept]);
        }
        self.op(op, &[x], &[("axes", Setting::Ints(&[axis])), kept])
    }

    /// A value with one more axis, of extent 1.
    pub fn unsqueeze(&mut self, x: &str, axis: i64) -> String {
        if self.opset >= 13 {
            let axes = self.ints("axes", &[axis]);
            return self.op("Unsqueeze", &[x, &axes], &[]);
        }
        self.op("Unsqueeze", &[x], &[("axes", Setting::Ints(&[axis]))])
    }

    /// The first operand in another shape; -1 is what follows from it.
    pub fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.ints("shape", shape);
        self.op("Reshape", &[x, &shape], &[])
    }

    /// Whether tensors of so many further entries have room: few bytes of a file may stand for many.
    ///
    /// # Errors
    /// If they do not.
    pub fn room(&self, further: Option<usize>) -> Result<(), Refusal> {
        match further.and_then(|further| self.entries.checked_add(further)) {
            Some(entries) if entries <= MOST_ENTRIES => Ok(()),
            _ => Err(Refusal::Form("written in ONNX's own operators it has more than 2^26 numbers")),
        }
    }

    /// A tensor of floats of 32 bits, or of 64.
    pub fn floats(&mut self, part: &str, dims: &[usize], values: &[f64], kind: i32) -> String {
        self.entries = self.entries.saturating_add(values.len());
        let name = self.fresh(part);
        let raw_data = match kind {
            DOUBLE => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            _ => values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect(),
        };
        let data_type = if kind == DOUBLE { DOUBLE } else { FLOAT };
        let dims = dims.iter().map(|&dim| dim as i64).collect();
        self.tensors.push(TensorProto { name: name.clone(), dims, data_type, raw_data, ..TensorProto::default() });
        name
    }

    /// One number.
    pub fn number(&mut self, value: f64, kind: i32) -> String {
        self.floats("number", &[], &[value], kind)
    }

    /// A vector of integers.
    pub fn ints(&mut self, part: &str, values: &[i64]) -> String {
        self.entries = self.entries.saturating_add(values.len());
        let name = self.fresh(part);
        self.tensors.push(tensors::vector(&name, values));
        name
    }

    /// A tensor of a type, of one entry.
    pub fn single(&mut self, value: i64, data_type: i32) -> String {
        let name = self.fresh("number");
        let (int32_data, int64_data) = if data_type == INT64 { (vec![], vec![value]) } else { (vec![value as i32], vec![]) };
        self.tensors.push(TensorProto { name: name.clone(), data_type, int32_data, int64_data, ..TensorProto::default() });
        name
    }

    /// Gives the result of the node that is being written its own name.
    pub fn result(&mut self, node: &NodeProto, position: usize, x: &str) {
        if let Some(name) = node.output.get(position).filter(|name| !name.is_empty()) {
            let name = name.clone();
            self.op_as("Identity", &[x], &[], &name);
        }
    }
}

/// The operand of a node.
///
/// # Errors
/// If it is left out.
pub(super) fn operand(node: &NodeProto, position: usize) -> Result<&str, Refusal> {
    let found = node.input.get(position).filter(|name| !name.is_empty());
    found.map(String::as_str).ok_or(Refusal::Missing("an operand is missing"))
}
