//! Sequences of tensors and optional ones, where the file says which they are: they are no values, but names of values.

use tract_onnx::pb::NodeProto;

use super::Expanded;
use super::attributes::Attributes;
use super::emit::{BOOL, Emitter, INT64, Setting, operand};
use crate::import::refusal::Refusal;
use crate::import::tensors;

pub(super) const RULES: &[Expanded] = &[
    ("", "SequenceEmpty", &["dtype"], |e, node, _| made(e, node, Vec::new())),
    ("", "SequenceConstruct", &[], |e, node, _| made(e, node, node.input.clone())),
    ("", "SequenceInsert", &[], insert),
    ("", "SequenceErase", &[], erase),
    ("", "SequenceAt", &[], at),
    ("", "SequenceLength", &[], length),
    ("", "ConcatFromSequence", &["axis", "new_axis"], concat),
    ("", "SplitToSequence", &["axis", "keepdims"], split),
    ("", "Optional", &["type"], |e, node, _| same(e, node)),
    ("", "OptionalGetElement", &[], |e, node, _| same(e, node)),
    ("", "OptionalHasElement", &[], has_element),
];

/// Tensors of a sequence that is split, at most.
const MOST: usize = 1 << 12;
/// Entries of one of them along the axis, at most.
const LONGEST: i64 = 1 << 20;

fn made(e: &mut Emitter, node: &NodeProto, tensors: Vec<String>) -> Result<(), Refusal> {
    let name = node.output.first().cloned().unwrap_or_default();
    e.sequences.insert(name, tensors);
    Ok(())
}

fn sequence(e: &Emitter, node: &NodeProto) -> Result<Vec<String>, Refusal> {
    let found = e.sequences.get(operand(node, 0)?).cloned();
    found.ok_or(Refusal::Variable("which tensors its sequence has must be seen in the file: it is made there"))
}

/// A place in a sequence of `count` tensors, which may be counted from the end.
fn place(e: &Emitter, node: &NodeProto, position: usize, count: usize) -> Result<Option<usize>, Refusal> {
    let Some(name) = node.input.get(position).filter(|name| !name.is_empty()) else { return Ok(None) };
    let known = e.tensor_of(name).and_then(tensors::integers);
    let known = known.ok_or(Refusal::Variable("its position must be a constant"))?;
    let &[place] = known.as_slice() else { return Err(Refusal::OutOfRange("its position")) };
    let place = if place < 0 { place + count as i64 } else { place };
    usize::try_from(place).ok().filter(|&place| place < count).map(Some).ok_or(Refusal::OutOfRange("its position"))
}

fn insert(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let mut tensors = sequence(e, node)?;
    let at = place(e, node, 2, tensors.len() + 1)?.unwrap_or(tensors.len());
    tensors.insert(at, operand(node, 1)?.to_owned());
    made(e, node, tensors)
}

fn erase(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let mut tensors = sequence(e, node)?;
    let last = tensors.len().checked_sub(1).ok_or(Refusal::OutOfRange("its position"))?;
    let at = place(e, node, 1, tensors.len())?.unwrap_or(last);
    tensors.remove(at);
    made(e, node, tensors)
}

fn at(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let tensors = sequence(e, node)?;
    let at = place(e, node, 1, tensors.len())?.ok_or(Refusal::Missing("an operand is missing"))?;
    e.result(node, 0, &tensors[at]);
    Ok(())
}

fn length(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let count = sequence(e, node)?.len();
    let count = e.single(count as i64, INT64);
    e.result(node, 0, &count);
    Ok(())
}

/// Tensors of a sequence, one behind the other.
fn concat(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let mut tensors = sequence(e, node)?;
    let axis = attributes.int("axis", 0)?;
    if tensors.is_empty() {
        return Err(Refusal::Form("its sequence has no tensors"));
    }
    if attributes.int("new_axis", 0)? == 1 {
        tensors = tensors.iter().map(|tensor| e.unsqueeze(tensor, axis)).collect();
    }
    let parts: Vec<&str> = tensors.iter().map(String::as_str).collect();
    let result = e.op("Concat", &parts, &[("axis", Setting::Int(axis))]);
    e.result(node, 0, &result);
    Ok(())
}

/// Parts of a tensor along an axis: of one entry, which may be gone then, of as many as a number says, or as a list says.
fn split(e: &mut Emitter, node: &NodeProto, attributes: &Attributes<'_>) -> Result<(), Refusal> {
    let x = operand(node, 0)?;
    let dims = e.dims_of(x).ok_or(Refusal::Variable("the shape of its operand must be declared"))?;
    let axis = attributes.int("axis", 0)?;
    let own = if axis < 0 { axis + dims.len() as i64 } else { axis };
    let extent = usize::try_from(own).ok().and_then(|own| dims.get(own).copied()).ok_or(Refusal::OutOfRange("its axis"))?;
    let stated = match node.input.get(1).filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => {
            let tensor = e.tensor_of(name).ok_or(Refusal::Variable("the extents of its parts must be constants"))?;
            Some((tensor.dims.is_empty(), tensors::integers(tensor).unwrap_or_default()))
        }
    };
    let extents = match &stated {
        None => vec![1; usize::try_from(extent).unwrap_or(0).min(MOST + 1)],
        Some((true, one)) => {
            let each =
                one.first().copied().filter(|&each| each > 0).ok_or(Refusal::OutOfRange("the extent of its parts"))?;
            (0..extent)
                .step_by(usize::try_from(each).unwrap_or(usize::MAX))
                .take(MOST + 1)
                .map(|at| each.min(extent - at))
                .collect()
        }
        Some((false, list)) => list.clone(),
    };
    if extents.is_empty() || extents.len() > MOST || extents.iter().any(|own| !(1..=LONGEST).contains(own)) {
        return Err(Refusal::OutOfRange("the number of its parts"));
    }
    let (mut parts, mut first) = (Vec::new(), 0i64);
    for extent in extents {
        let last = first.saturating_add(extent);
        let indices = match (&stated, attributes.int("keepdims", 1)?) {
            (None, 0) => e.single(first, INT64),
            _ => e.ints("part", &(first..last).collect::<Vec<_>>()),
        };
        parts.push(e.op("Gather", &[x, &indices], &[("axis", Setting::Int(own))]));
        first = last;
    }
    if first != extent {
        return Err(Refusal::OutOfRange("the extents of its parts"));
    }
    made(e, node, parts)
}

fn same(e: &mut Emitter, node: &NodeProto) -> Result<(), Refusal> {
    let x = operand(node, 0)?.to_owned();
    if let Some(tensors) = e.sequences.get(&x).cloned() {
        return made(e, node, tensors);
    }
    e.result(node, 0, &x);
    Ok(())
}

/// Whether there is something: what a file has is there.
fn has_element(e: &mut Emitter, node: &NodeProto, _: &Attributes<'_>) -> Result<(), Refusal> {
    let there = e.single(i64::from(operand(node, 0).is_ok()), BOOL);
    e.result(node, 0, &there);
    Ok(())
}
