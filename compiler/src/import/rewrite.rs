//! What the parser reads wrongly or not at all, written so that it reads it right.
//!
//! | in the file | afterwards |
//! |---|---|
//! | nodes and tensors that no output depends on | gone |
//! | operands and results left out at the end (empty names) | gone |
//! | the domain `ai.onnx` | the same by its shorter name |
//! | nodes that have one name | with names of their own |
//! | an output that is an input or a tensor of the file | the result of an `Identity` |
//! | `Dropout` | `Identity`, and a mask of ones; in training mode refused |
//! | `Scatter` | `ScatterElements`, its later name |
//! | `Where(IsNaN(x), y, x)` | `Identity` of `x` |
//! | `ConstantOfShape` without a value | with a zero of `float32`, as the standard says |
//! | `Pad` by negative numbers | `Slice`, then `Pad` |
//! | `pads` beside an `auto_pad` that says otherwise | gone |
//! | `bfloat16` tensors | `float32` tensors |

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

use super::check::display_name;
use super::error::{ImportError, UnsupportedNode};
use super::nan;
use super::operators::ONNX;
use super::refusal::Refusal;
use super::tensors::{self, Element};

/// Rewrites a model without functions.
///
/// # Errors
/// Nodes that mean something which is not computed here.
pub(super) fn rewrite(proto: &mut ModelProto, opset: i64) -> Result<(), ImportError> {
    let Some(graph) = &mut proto.graph else { return Ok(()) };
    for node in &mut graph.node {
        let given = node.input.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        node.input.truncate(given);
        let made = node.output.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        node.output.truncate(made);
        if ONNX.contains(&node.domain.as_str()) {
            node.domain.clear();
        }
    }
    nan::unguard(graph);
    remove_dead(graph);
    each_tensor(graph, &mut widen);
    let mut refused = Vec::new();
    let nodes = std::mem::take(&mut graph.node);
    let (constants, used) = (Constants::of(graph, &nodes), used(graph, &nodes));
    let mut rewritten = Vec::with_capacity(nodes.len());
    for mut node in nodes.iter().cloned() {
        let result = match node.op_type.as_str() {
            "Dropout" => dropout(&mut node, &constants, &used, opset, &mut rewritten),
            "Scatter" => {
                node.op_type = "ScatterElements".to_owned();
                Ok(())
            }
            "ConstantOfShape" => {
                fill(&mut node);
                Ok(())
            }
            "Pad" => crop(&mut node, &constants, opset, &mut rewritten),
            _ => {
                choose_padding(&mut node);
                Ok(())
            }
        };
        if let Err(hint) = result {
            refused.push(UnsupportedNode { name: display_name(&node), op: node.op_type.clone(), hint });
        }
        rewritten.push(node);
    }
    graph.node = rewritten;
    name_outputs(graph);
    distinguish(graph);
    if refused.is_empty() { Ok(()) } else { Err(ImportError::Unsupported(refused)) }
}

/// Integers that are known before the parser has seen anything.
struct Constants(HashMap<String, TensorProto>);

impl Constants {
    fn of(graph: &GraphProto, nodes: &[NodeProto]) -> Self {
        const SMALL: usize = 1 << 10;
        let small =
            |tensor: &TensorProto| !tensors::is_external(tensor) && tensors::entries(tensor).is_some_and(|n| n <= SMALL);
        let known = nodes.iter().filter(|node| node.op_type == "Constant");
        let values = known.filter_map(|node| Some((node.output.first()?.clone(), constant(node)?)));
        let initializers = graph.initializer.iter().filter(|tensor| small(tensor));
        let initializers = initializers.map(|tensor| (tensor.name.clone(), tensor.clone()));
        Self(initializers.chain(values.filter(|(_, tensor)| small(tensor))).collect())
    }

    fn get(&self, node: &NodeProto, position: usize) -> Option<&TensorProto> {
        self.0.get(node.input.get(position)?)
    }
}

/// The value of a `Constant` as a tensor.
pub(super) fn constant(node: &NodeProto) -> Option<TensorProto> {
    let attribute = node.attribute.first()?;
    let float =
        |dims: Vec<i64>, float_data: Vec<f32>| TensorProto { dims, data_type: 1, float_data, ..TensorProto::default() };
    let int =
        |dims: Vec<i64>, int64_data: Vec<i64>| TensorProto { dims, data_type: 7, int64_data, ..TensorProto::default() };
    Some(match attribute.name.as_str() {
        "value" => attribute.t.clone()?,
        "value_float" => float(Vec::new(), vec![attribute.f]),
        "value_int" => int(Vec::new(), vec![attribute.i]),
        "value_floats" => float(vec![attribute.floats.len() as i64], attribute.floats.clone()),
        "value_ints" => int(vec![attribute.ints.len() as i64], attribute.ints.clone()),
        _ => return None,
    })
}

/// Drops nodes and tensors that no output depends on.
pub(super) fn remove_dead(graph: &mut GraphProto) {
    let producer: HashMap<&str, usize> =
        graph.node.iter().enumerate().flat_map(|(n, node)| node.output.iter().map(move |o| (o.as_str(), n))).collect();
    let mut live = vec![false; graph.node.len()];
    let mut values: HashSet<&str> = HashSet::new();
    let mut stack: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    while let Some(name) = stack.pop() {
        if name.is_empty() || !values.insert(name) {
            continue;
        }
        if let Some(&n) = producer.get(name)
            && !std::mem::replace(&mut live[n], true)
        {
            stack.extend(graph.node[n].input.iter().map(String::as_str));
        }
    }
    let unused: HashSet<String> = graph
        .initializer
        .iter()
        .map(|tensor| &tensor.name)
        .filter(|name| !values.contains(name.as_str()))
        .cloned()
        .collect();
    let mut live = live.into_iter();
    graph.node.retain(|_| live.next() == Some(true));
    graph.initializer.retain(|tensor| !unused.contains(&tensor.name));
    // Old files list tensors among the inputs too.
    graph.input.retain(|input| !unused.contains(&input.name));
}

/// All values that are used.
fn used<'n>(graph: &'n GraphProto, nodes: &'n [NodeProto]) -> HashSet<&'n str> {
    let operands = nodes.iter().flat_map(|node| &node.input).map(String::as_str);
    operands.chain(graph.output.iter().map(|output| output.name.as_str())).collect()
}

/// The tensors of a graph and of its constants.
fn each_tensor(graph: &mut GraphProto, visit: &mut dyn FnMut(&mut TensorProto)) {
    graph.initializer.iter_mut().for_each(&mut *visit);
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    attributes.filter_map(|attribute| attribute.t.as_mut()).for_each(visit);
}

/// Makes a tensor of `float32` of one of `bfloat16`: the same numbers.
fn widen(tensor: &mut TensorProto) {
    if Element::of(tensor.data_type) != Some(Element::Bfloat) {
        return;
    }
    let Some(raw) = tensors::raw(tensor).map(|raw| raw.into_owned()) else { return };
    let (pairs, _) = raw.as_chunks::<2>();
    let wide = pairs.iter().flat_map(|[low, high]| [0, 0, *low, *high]).collect();
    tensors::forget(tensor);
    (tensor.data_type, tensor.raw_data) = (1, wide);
}

/// A dropout that leaves its operand as it is, and whose mask, if it is used, is true everywhere.
fn dropout(
    node: &mut NodeProto,
    constants: &Constants,
    used: &HashSet<&str>,
    opset: i64,
    before: &mut Vec<NodeProto>,
) -> Result<(), Refusal> {
    let training = match node.input.get(2).filter(|name| !name.is_empty()) {
        None => false,
        Some(_) => {
            let mode = constants.get(node, 2).and_then(tensors::numbers);
            mode.ok_or(Refusal::Training("its mode must be a constant"))? != [0.0]
        }
    };
    let ratio = constants.get(node, 1).and_then(tensors::numbers);
    if training && ratio.as_deref() != Some(&[0.0]) {
        return Err(Refusal::Training("it is in training mode"));
    }
    if let (Some(mask), Some(x)) = (node.output.get(1).filter(|mask| used.contains(mask.as_str())), node.input.first()) {
        if opset < 10 {
            return Err(Refusal::Form("its mask is used; only its first result is supported"));
        }
        let name = display_name(node);
        let shape = format!("{mask}/shape");
        let one = TensorProto { dims: vec![1], data_type: 9, int32_data: vec![1], ..TensorProto::default() };
        let made = |op: &str, from: &str, to: &str| NodeProto {
            op_type: op.to_owned(),
            name: format!("{name}/{}", op.to_lowercase()),
            input: vec![from.to_owned()],
            output: vec![to.to_owned()],
            ..NodeProto::default()
        };
        before.push(made("Shape", x, &shape));
        before.push(NodeProto { attribute: vec![value(one)], ..made("ConstantOfShape", &shape, mask) });
    }
    node.op_type = "Identity".to_owned();
    node.input.truncate(1);
    node.output.truncate(1);
    node.attribute.clear();
    Ok(())
}

/// A tensor as the attribute of its name.
fn value(tensor: TensorProto) -> AttributeProto {
    AttributeProto {
        name: "value".to_owned(),
        r#type: AttributeType::Tensor as i32,
        t: Some(tensor),
        ..AttributeProto::default()
    }
}

/// Says what a `ConstantOfShape` without a value is made of.
fn fill(node: &mut NodeProto) {
    if node.attribute.is_empty() {
        let zero = TensorProto { dims: vec![1], data_type: 1, float_data: vec![0.0], ..TensorProto::default() };
        node.attribute.push(value(zero));
    }
}

/// Of padding that is stated and padding that follows from extents, the latter counts; the parser takes the former.
fn choose_padding(node: &mut NodeProto) {
    let automatic = |a: &AttributeProto| a.name == "auto_pad" && a.s != b"NOTSET";
    if node.attribute.iter().any(automatic) {
        node.attribute.retain(|a| a.name != "pads");
    }
}

/// Padding by negative numbers is a slice; what is positive stays with the node.
fn crop(node: &mut NodeProto, constants: &Constants, opset: i64, before: &mut Vec<NodeProto>) -> Result<(), Refusal> {
    let by_attribute = opset < 11;
    let attribute = node.attribute.iter().position(|attribute| attribute.name == "pads");
    let pads = match attribute.filter(|_| by_attribute) {
        Some(n) => Some(node.attribute[n].ints.clone()),
        None => constants.get(node, 1).and_then(tensors::integers),
    };
    // Numbers that are computed are looked at when they are known.
    let Some(pads) = pads.filter(|pads| pads.iter().any(|&p| p < 0) && !node.input.is_empty()) else { return Ok(()) };
    if node.attribute.iter().any(|a| a.name == "mode" && a.s != b"constant") {
        return Err(Refusal::Form("negative pads are supported in the mode `constant` only"));
    }
    let axes = match node.input.get(3).filter(|name| !name.is_empty()) {
        None => (0..pads.len() as i64 / 2).collect(),
        Some(_) => {
            let axes = constants.get(node, 3).and_then(tensors::integers);
            axes.ok_or(Refusal::Variable("the axes of negative pads must be constants"))?
        }
    };
    if pads.len() != 2 * axes.len() {
        return Err(Refusal::Count { what: "pads", got: pads.len(), expected: 2 * axes.len() });
    }
    let (begin, end) = pads.split_at(axes.len());
    let starts: Vec<i64> = begin.iter().map(|&p| p.saturating_neg().max(0)).collect();
    let ends: Vec<i64> = end.iter().map(|&p| if p < 0 { p } else { i64::MAX }).collect();
    let name = format!("{}/crop", display_name(node));
    let cropped = format!("{}/cropped", node.output.first().cloned().unwrap_or_default());
    let mut slice = NodeProto {
        op_type: "Slice".to_owned(),
        name: name.clone(),
        input: vec![node.input.first().cloned().unwrap_or_default()],
        output: vec![cropped.clone()],
        ..NodeProto::default()
    };
    for (list, values) in [("starts", starts), ("ends", ends), ("axes", axes)] {
        let ints = AttributeProto { name: list.to_owned(), r#type: 7, ints: values.clone(), ..AttributeProto::default() };
        if opset < 10 {
            slice.attribute.push(ints);
        } else {
            let value = format!("{name}/{list}");
            before.push(listed(&value, &values));
            slice.input.push(value);
        }
    }
    before.push(slice);
    node.input[0] = cropped;
    let positive: Vec<i64> = pads.iter().map(|&p| p.max(0)).collect();
    match attribute.filter(|_| by_attribute) {
        Some(n) => node.attribute[n].ints = positive,
        None => {
            let value = format!("{name}/pads");
            before.push(listed(&value, &positive));
            node.input[1] = value;
        }
    }
    Ok(())
}

/// A `Constant` that is a vector of integers.
fn listed(name: &str, values: &[i64]) -> NodeProto {
    NodeProto {
        op_type: "Constant".to_owned(),
        name: name.to_owned(),
        output: vec![name.to_owned()],
        attribute: vec![value(tensors::vector("", values))],
        ..NodeProto::default()
    }
}

/// Gives nodes of one name names of their own. They are for people alone, but the parser takes no name twice.
fn distinguish(graph: &mut GraphProto) {
    let values = graph.initializer.iter().map(|tensor| &tensor.name).chain(graph.input.iter().map(|input| &input.name));
    let mut taken: HashSet<String> = values.cloned().collect();
    for (n, node) in graph.node.iter_mut().enumerate() {
        let name = display_name(node);
        node.name = if taken.contains(&name) { format!("{name}#{n}") } else { name };
        taken.insert(node.name.clone());
    }
}

/// Gives outputs that no node makes a node: the parser would take what is declared of them for what is known of the input.
fn name_outputs(graph: &mut GraphProto) {
    let made: HashSet<&str> = graph.node.iter().flat_map(|node| &node.output).map(String::as_str).collect();
    let mut copies: HashMap<String, NodeProto> = HashMap::new();
    for output in graph.output.iter_mut().filter(|output| !made.contains(output.name.as_str())) {
        let name = format!("{}/output", output.name);
        let input = std::mem::replace(&mut output.name, name.clone());
        copies.entry(name.clone()).or_insert_with(|| NodeProto {
            op_type: "Identity".to_owned(),
            name: name.clone(),
            input: vec![input],
            output: vec![name],
            ..NodeProto::default()
        });
    }
    let mut copies: Vec<NodeProto> = copies.into_values().collect();
    copies.sort_by(|a, b| a.name.cmp(&b.name));
    graph.node.append(&mut copies);
}
