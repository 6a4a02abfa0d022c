//! Shapes of inputs whose file leaves axes open: by their names in the file, what is said of one input holds for all.

use std::collections::HashMap;

use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::Value;
use tract_onnx::pb::{GraphProto, ValueInfoProto};

use super::error::ImportError;

/// Inputs of a graph that are no tensors of it.
pub(super) fn inputs(graph: &GraphProto) -> impl Iterator<Item = &ValueInfoProto> {
    graph.input.iter().filter(|input| graph.initializer.iter().all(|tensor| tensor.name != input.name))
}

/// The axes of an input, where the file says how many there are.
fn declared(input: &ValueInfoProto) -> Option<&[Dimension]> {
    let Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    tensor.shape.as_ref().map(|shape| shape.dim.as_slice())
}

/// The shapes that inputs have by those that are given, for the first inputs, and by the names of axes; none where neither says it all. A
/// first axis that is open is 1.
///
/// # Errors
/// If more shapes are given than there are inputs, or an axis is open, by its name.
pub(super) fn shapes(graph: &GraphProto, given: &[Vec<usize>]) -> Result<Vec<Option<Vec<usize>>>, ImportError> {
    let inputs: Vec<&ValueInfoProto> = inputs(graph).collect();
    if given.len() > inputs.len() {
        return Err(ImportError::InputShapeCount { expected: inputs.len(), got: given.len() });
    }
    let mut named: HashMap<&str, usize> = HashMap::new();
    let name = |dim: &'_ Dimension| match &dim.value {
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => Some(name.clone()),
        _ => None,
    };
    for (input, shape) in inputs.iter().zip(given) {
        for (dim, &extent) in declared(input).unwrap_or_default().iter().zip(shape) {
            if let Some(dimension::Value::DimParam(name)) = &dim.value
                && !name.is_empty()
                && *named.entry(name).or_insert(extent) != extent
            {
                let declared = written(declared(input).unwrap_or_default());
                return Err(ImportError::InputShape { name: input.name.clone(), declared, got: shape.clone() });
            }
        }
    }
    // Batches are one only where nothing else is said of them.
    for input in inputs.iter().skip(given.len()) {
        if let Some(dimension::Value::DimParam(name)) =
            declared(input).unwrap_or_default().first().and_then(|dim| dim.value.as_ref())
            && !name.is_empty()
        {
            named.entry(name).or_insert(1);
        }
    }
    let one = |(n, input): (usize, &&ValueInfoProto)| {
        if let Some(shape) = given.get(n) {
            return Ok(Some(shape.clone()));
        }
        let Some(dims) = declared(input) else { return Ok(None) };
        let extents = dims.iter().enumerate().map(|(axis, dim)| match &dim.value {
            Some(dimension::Value::DimValue(extent)) if *extent >= 0 => usize::try_from(*extent).ok(),
            Some(dimension::Value::DimParam(name)) if named.contains_key(name.as_str()) => named.get(name.as_str()).copied(),
            _ if axis == 0 => Some(1),
            _ => None,
        });
        let extents: Vec<Option<usize>> = extents.collect();
        match extents.iter().position(Option::is_none) {
            None => Ok(Some(extents.into_iter().flatten().collect())),
            Some(axis) => Err(ImportError::OpenAxis {
                name: input.name.clone(),
                declared: written(dims),
                axis,
                symbol: name(&dims[axis]).map_or_else(String::new, |name| format!(" (`{name}`)")),
            }),
        }
    };
    inputs.iter().enumerate().map(one).collect()
}

/// Whether the first axis of an input is open.
pub(super) fn is_batched(input: &ValueInfoProto) -> bool {
    let fixed = |dim: &Dimension| matches!(dim.value, Some(dimension::Value::DimValue(extent)) if extent >= 0);
    declared(input).and_then(<[Dimension]>::first).is_some_and(|dim| !fixed(dim))
}

fn written(dims: &[Dimension]) -> String {
    let one = |dim: &Dimension| match &dim.value {
        Some(dimension::Value::DimValue(extent)) => extent.to_string(),
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => name.clone(),
        _ => "?".to_owned(),
    };
    format!("[{}]", dims.iter().map(one).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{TensorShapeProto, TypeProto, type_proto};

    use super::*;

    fn graph(inputs: &[&[&str]]) -> GraphProto {
        let dim = |text: &&str| {
            let value = text.parse().map_or_else(|_| dimension::Value::DimParam((*text).into()), dimension::Value::DimValue);
            Dimension { value: Some(value), ..Dimension::default() }
        };
        let input = |(n, dims): (usize, &&[&str])| {
            let shape = Some(TensorShapeProto { dim: dims.iter().map(dim).collect() });
            let value = Some(Value::TensorType(type_proto::Tensor { elem_type: 1, shape }));
            let r#type = Some(TypeProto { value, ..TypeProto::default() });
            ValueInfoProto { name: format!("i{n}"), r#type, ..ValueInfoProto::default() }
        };
        GraphProto { input: inputs.iter().enumerate().map(input).collect(), ..GraphProto::default() }
    }

    #[test]
    fn one_shape_sets_the_axes_of_its_names() {
        let graph = graph(&[&["batch", "length"], &["batch", "1", "length"], &["length", "4"]]);
        let all = shapes(&graph, &[vec![2, 7]]).unwrap();
        assert_eq!(all, [Some(vec![2, 7]), Some(vec![2, 1, 7]), Some(vec![7, 4])]);
        let open = shapes(&graph, &[]);
        let all = open.unwrap();
        // The third input's first axis has a name, which is that of the others' axis: it is 1 as any first axis.
        assert_eq!(all, [Some(vec![1, 1]), Some(vec![1, 1, 1]), Some(vec![1, 4])]);
    }

    #[test]
    fn an_axis_that_is_open_is_named() {
        let error = shapes(&graph(&[&["batch", "length"], &["batch", "width"]]), &[vec![2, 7]]).unwrap_err().to_string();
        assert!(error.contains("`i1`") && error.contains("axis 1 (`width`)") && error.contains("--input-shape"), "{error}");
        let error = shapes(&graph(&[&["a", "a"]]), &[vec![2, 7]]).unwrap_err().to_string();
        assert!(error.contains("does not admit [2, 7]"), "{error}");
        assert!(shapes(&graph(&[&["2"]]), &[vec![2], vec![2]]).is_err());
    }
}
