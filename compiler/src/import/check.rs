//! What a file must be like before the parser sees it.
//!
//! The parser trusts its input: an attribute that it does not know is ignored, an axis that does not exist is an index or a bound of a
//! loop, and two axes that should be one are a loop without end. Everything that it goes by is looked at here, by the list of
//! [`operators`]; what depends on shapes follows in [`infer`](super::infer).

use std::collections::HashSet;

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use super::defect::Defect;
use super::error::{ImportError, UnsupportedNode};
use super::operators::{self, BROADCASTING, Kind, ONNX, OPSETS};
use super::refusal::{AttributeFault, Refusal};
use super::tensors::{self, Element};
use super::unread;

/// Nodes of a model: the parser compares the names of all with all.
pub(super) const MOST_NODES: usize = 1 << 15;
/// Axes of a tensor, and entries of an attribute's list.
pub(super) const MOST_AXES: usize = 16;
/// Extents of windows, and padding.
const LARGEST: i64 = 1 << 20;
/// Labels and signs of an equation.
const EQUATION: usize = 80;

/// Checks a model whose functions are gone.
///
/// # Errors
/// What is malformed, or all nodes that are not understood.
pub(super) fn check(proto: &ModelProto) -> Result<(), ImportError> {
    structure(proto).map_err(ImportError::invalid)?;
    let graph = proto.graph.as_ref().ok_or_else(|| ImportError::invalid(Defect::NoGraph))?;
    let opset = opset(proto).map_err(ImportError::invalid)?;
    graph.initializer.iter().try_for_each(|t| tensor(&t.name, t))?;
    graph.input.iter().try_for_each(input)?;
    let mut refused = Vec::new();
    for node in &graph.node {
        for t in node.attribute.iter().filter_map(|a| a.t.as_ref()) {
            tensor(&display_name(node), t)?;
        }
        if let Err(hint) = check_node(node, opset) {
            refused.push(UnsupportedNode { name: display_name(node), op: node.op_type.clone(), hint });
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(ImportError::Unsupported(refused)) }
}

/// The name of a node, or of its first output.
pub(super) fn display_name(node: &NodeProto) -> String {
    let output = || node.output.first().cloned().unwrap_or_default();
    if node.name.is_empty() { output() } else { node.name.clone() }
}

/// The version of ONNX's operators that a model uses.
pub(super) fn opset(proto: &ModelProto) -> Result<i64, Defect> {
    let own = |domain: &str| ONNX.contains(&domain);
    let mut versions = proto.opset_import.iter().filter(|import| own(&import.domain)).map(|import| import.version);
    let mut nodes = proto.graph.iter().flat_map(|graph| &graph.node);
    let version = match versions.next() {
        Some(version) => version,
        None if nodes.any(|node| own(&node.domain)) => return Err(Defect::NoOpset),
        None => *OPSETS.end(),
    };
    if versions.any(|other| other != version) {
        return Err(Defect::TwoOpsets);
    }
    if OPSETS.contains(&version) { Ok(version) } else { Err(Defect::Opset(version)) }
}

/// Checks values: each made once, outputs made at all.
///
/// # Errors
/// The first that is not.
pub(super) fn structure(proto: &ModelProto) -> Result<(), Defect> {
    let graph = proto.graph.as_ref().ok_or(Defect::NoGraph)?;
    if graph.output.is_empty() {
        return Err(Defect::NoOutputs);
    }
    if graph.node.len() > MOST_NODES {
        return Err(Defect::Nodes { got: graph.node.len(), most: MOST_NODES });
    }
    if let Some(sparse) = graph.sparse_initializer.first() {
        return Err(Defect::Sparse(sparse.values.as_ref().map_or_else(String::new, |values| values.name.clone())));
    }
    let mut initializers = HashSet::new();
    if let Some(twice) = graph.initializer.iter().find(|tensor| !initializers.insert(tensor.name.as_str())) {
        return Err(Defect::Two { what: "tensors", name: twice.name.clone() });
    }
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let outputs = graph.node.iter().flat_map(|node| &node.output).map(String::as_str).filter(|name| !name.is_empty());
    let mut made = HashSet::new();
    if let Some(twice) = inputs.chain(outputs).find(|name| !made.insert(*name)) {
        return Err(Defect::MadeTwice(twice.to_owned()));
    }
    if let Some(node) = graph.node.iter().find(|node| node.output.iter().any(|name| initializers.contains(name.as_str()))) {
        return Err(Defect::MadeAndGiven(display_name(node)));
    }
    match graph.output.iter().find(|o| !made.contains(o.name.as_str()) && !initializers.contains(o.name.as_str())) {
        Some(output) => Err(Defect::Unmade(vec![output.name.clone()])),
        None => Ok(()),
    }
}

/// A tensor whose entries can be read.
fn tensor(name: &str, tensor: &TensorProto) -> Result<(), ImportError> {
    let invalid = |defect: Defect| Err(ImportError::invalid(defect));
    let Some(element) = Element::of(tensor.data_type) else {
        return Err(ImportError::Element { tensor: name.to_owned(), element: tensors::type_name(tensor.data_type) });
    };
    if tensor.dims.len() > MOST_AXES {
        return invalid(Defect::Axes { what: "tensor", name: name.to_owned(), most: MOST_AXES });
    }
    let Some(count) = tensors::entries(tensor).and_then(|n| n.checked_mul(element.bytes())) else {
        return invalid(Defect::Shape { tensor: name.to_owned(), shape: tensor.dims.clone() });
    };
    if tensors::is_external(tensor) || count == 0 {
        return Ok(());
    }
    match tensors::has_data(tensor) {
        false => invalid(Defect::NoData(name.to_owned())),
        true if tensors::raw(tensor).is_none() => invalid(Defect::Entries(name.to_owned())),
        true => Ok(()),
    }
}

/// An input that is a tensor of entries that are read.
fn input(input: &ValueInfoProto) -> Result<(), ImportError> {
    let Some(Value::TensorType(declared)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Err(ImportError::invalid(Defect::Input(input.name.clone())));
    };
    if declared.shape.as_ref().is_some_and(|shape| shape.dim.len() > MOST_AXES) {
        let name = input.name.clone();
        return Err(ImportError::invalid(Defect::Axes { what: "input", name, most: MOST_AXES }));
    }
    match Element::of(declared.elem_type) {
        Some(element) if element != Element::Bfloat => Ok(()),
        _ => Err(ImportError::Element { tensor: input.name.clone(), element: tensors::type_name(declared.elem_type) }),
    }
}

/// Whether a node is understood, with all of its attributes.
fn check_node(node: &NodeProto, opset: i64) -> Result<(), Refusal> {
    let Some(operator) = operators::operator(&node.domain, &node.op_type) else {
        return Err(match node.domain.as_str() {
            domain if ONNX.contains(&domain) => unread::reason(&node.op_type).map_or(Refusal::Operator, Refusal::Form),
            domain => Refusal::Domain(domain.to_owned()),
        });
    };
    if opset < *BROADCASTING.start() && !operators::EARLY.contains(&node.op_type.as_str()) {
        return Err(Refusal::Early(opset));
    }
    if node.op_type == "BatchNormalization" && node.output.iter().filter(|name| !name.is_empty()).count() > 1 {
        return Err(Refusal::Training("it was exported for training"));
    }
    // The parser takes it and forgets it; whether onnxruntime adds it depends on its version.
    if node.op_type == "SkipSimplifiedLayerNormalization" && node.input.get(3).is_some_and(|name| !name.is_empty()) {
        return Err(Refusal::Form("its bias is not supported: add it to the operand before"));
    }
    let mut names = HashSet::new();
    for attribute in &node.attribute {
        let name = attribute.name.as_str();
        let refused = |fault: AttributeFault| Refusal::Attribute { name: name.to_owned(), fault };
        if !names.insert(name) {
            return Err(refused(AttributeFault::Twice));
        }
        let known = operator.attributes.iter().find(|(known, _, _)| *known == name);
        let Some((_, kind, (first, last))) = known else {
            return Err(refused(AttributeFault::Unknown));
        };
        if !(*first..=*last).contains(&opset) {
            return Err(refused(AttributeFault::Opset(opset)));
        }
        check_attribute(attribute, *kind).map_err(|fault| match (node.op_type.as_str(), name) {
            ("BatchNormalization", "training_mode") => refused(AttributeFault::Training),
            _ => refused(fault),
        })?;
    }
    let values = node.attribute.len();
    if node.op_type == "Constant" && values != 1 {
        return Err(Refusal::Count { what: "values", got: values, expected: 1 });
    }
    Ok(())
}

/// What is wrong with an attribute, after its name.
pub(super) fn check_attribute(attribute: &AttributeProto, kind: Kind) -> Result<(), AttributeFault> {
    if !attribute.ref_attr_name.is_empty() {
        return Err(AttributeFault::Reference);
    }
    let declared = AttributeType::try_from(attribute.r#type).unwrap_or(AttributeType::Undefined);
    let mistyped =
        |expected: &dyn ToString| AttributeFault::Type { got: declared.to_string(), expected: expected.to_string() };
    let of = |expected: AttributeType| {
        if declared == expected { Ok(()) } else { Err(mistyped(&expected)) }
    };
    let refuse = |good: bool, fault: &dyn Fn() -> AttributeFault| if good { Ok(()) } else { Err(fault()) };
    let (i, ints) = (attribute.i, &attribute.ints);
    let integer = |range: std::ops::RangeInclusive<i64>| {
        of(AttributeType::Int)?;
        refuse(range.contains(&i), &|| AttributeFault::Integer { got: i, least: *range.start(), most: *range.end() })
    };
    let list = |range: std::ops::RangeInclusive<i64>| {
        of(AttributeType::Ints)?;
        let (length, least, most) = (2 * MOST_AXES, *range.start(), *range.end());
        let good = ints.len() <= length && ints.iter().all(|v| range.contains(v));
        refuse(good, &|| AttributeFault::Integers { got: ints.clone(), length, least, most })
    };
    let axis = MOST_AXES as i64;
    match kind {
        Kind::Flag => integer(0..=1),
        // A slope of 1 is a float, all others are integers.
        Kind::Only(only) if declared == AttributeType::Float => {
            refuse(attribute.f == only as f32, &|| AttributeFault::Only { got: attribute.f.to_string(), only })
        }
        Kind::Only(only) => {
            of(AttributeType::Int)?;
            refuse(i == only, &|| AttributeFault::Only { got: i.to_string(), only })
        }
        Kind::Positive => integer(1..=LARGEST),
        Kind::Integer => integer(-(1 << 31)..=1 << 31),
        Kind::Axis => integer(-axis..=axis),
        Kind::Axes => {
            list(-axis..=axis)?;
            refuse(distinct(ints), &|| AttributeFault::AxisTwice(ints.clone()))
        }
        Kind::Permutation => {
            list(0..=axis)?;
            let all = distinct(ints) && ints.iter().all(|&v| v < ints.len() as i64);
            refuse(all, &|| AttributeFault::Permutation(ints.clone()))
        }
        Kind::Extents => list(1..=LARGEST),
        Kind::Pads => {
            list(0..=LARGEST)?;
            refuse(ints.len() % 2 == 0, &|| AttributeFault::Pairs(ints.clone()))
        }
        Kind::Frame => {
            list(-LARGEST..=LARGEST)?;
            refuse(ints.len() % 2 == 0, &|| AttributeFault::Pairs(ints.clone()))
        }
        Kind::Bounds => list(i64::MIN..=i64::MAX),
        Kind::Number => {
            of(AttributeType::Float)?;
            refuse(attribute.f.is_finite(), &|| AttributeFault::Number(attribute.f))
        }
        Kind::Word(words) => {
            of(AttributeType::String)?;
            let word = String::from_utf8_lossy(&attribute.s);
            refuse(words.contains(&&*word), &|| AttributeFault::Word { got: word.clone().into_owned(), words })
        }
        Kind::Words(words) => {
            of(AttributeType::Strings)?;
            let unknown = attribute.strings.iter().map(|word| String::from_utf8_lossy(word));
            let unknown = unknown.into_iter().find(|word| !words.iter().any(|known| known.eq_ignore_ascii_case(word)));
            unknown.map_or(Ok(()), |got| Err(AttributeFault::Word { got: got.into_owned(), words }))
        }
        Kind::Numbers => {
            of(AttributeType::Floats)?;
            let infinite = attribute.floats.iter().find(|number| !number.is_finite());
            infinite.map_or(Ok(()), |&number| Err(AttributeFault::Number(number)))
        }
        Kind::Equation => {
            of(AttributeType::String)?;
            let allowed = |c: &u8| c.is_ascii_alphabetic() || b" ,->.".contains(c);
            // What axes the result has where it is not said, the parser does not find out of an ellipsis; others it does not look at.
            let text = String::from_utf8_lossy(&attribute.s).replace(' ', "");
            let ellipses = text.split("...").count() - 1;
            let terms: Vec<&str> = text.split([',', '>']).collect();
            let each = terms.iter().all(|term| term.matches("...").count() <= 1);
            let whole = 3 * ellipses == text.matches('.').count() && each && (ellipses == 0 || text.contains("->"));
            refuse(whole, &|| AttributeFault::Ellipsis)?;
            let good = attribute.s.len() <= EQUATION && attribute.s.iter().all(allowed);
            refuse(good, &|| AttributeFault::Equation(EQUATION))
        }
        Kind::Type => {
            of(AttributeType::Int)?;
            let element = i32::try_from(i).ok().and_then(Element::of);
            let known = element.is_some_and(|e| e != Element::Bfloat);
            refuse(known, &|| AttributeFault::Element(tensors::type_name(i as i32)))
        }
        Kind::Single => {
            of(AttributeType::Tensor)?;
            let one = attribute.t.as_ref().and_then(tensors::entries) == Some(1);
            refuse(one, &|| AttributeFault::Single)
        }
        Kind::Constant => {
            let numbers = matches!(declared, AttributeType::Tensor | AttributeType::Floats | AttributeType::Ints);
            refuse(numbers, &|| mistyped(&"numbers"))
        }
        Kind::Idle => Ok(()),
    }
}

/// Whether no axis is named twice. One that is counted from the end is another, for all that is known yet.
fn distinct(axes: &[i64]) -> bool {
    let mut seen = HashSet::new();
    axes.iter().all(|axis| seen.insert(axis))
}
