//! Weights in files beside the model: looked at before the parser maps them, so that errors name the tensor and its file.

use std::path::{Component, Path};

use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataLocation};

use super::error::ImportError;

/// Checks that every file exists in the model's folder and holds its tensor.
///
/// # Errors
/// The first tensor whose data is not there.
pub(super) fn check(proto: &ModelProto, folder: Option<&Path>) -> Result<(), ImportError> {
    let external = |t: &&TensorProto| t.data_location == Some(DataLocation::External as i32);
    let mut tensors = proto.graph.iter().flat_map(|graph| &graph.initializer).filter(external);
    tensors.try_for_each(|tensor| problem(tensor, folder).map_or(Ok(()), |reason| Err(error(tensor, reason))))
}

/// What is wrong with a tensor's file.
pub(super) fn error(tensor: &TensorProto, reason: String) -> ImportError {
    ImportError::ExternalData { tensor: tensor.name.clone(), location: place(tensor).0.to_owned(), reason }
}

/// File, first byte, and number of bytes if that is stated.
pub(super) fn place(tensor: &TensorProto) -> (&str, u64, Option<u64>) {
    let number = |key| entry(tensor, key).and_then(|value| value.parse::<u64>().ok());
    (entry(tensor, "location").unwrap_or_default(), number("offset").unwrap_or(0), number("length"))
}

fn entry<'t>(tensor: &'t TensorProto, key: &str) -> Option<&'t str> {
    tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

/// Why the tensor's file cannot be used, if it cannot.
pub(super) fn problem(tensor: &TensorProto, folder: Option<&Path>) -> Option<String> {
    let Some(folder) = folder else { return Some("a model given as bytes must contain all of its weights".to_owned()) };
    let (location, offset, length) = place(tensor);
    if location.is_empty() {
        return Some("it names no file".to_owned());
    }
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(location).components().all(inside) {
        return Some("expected a path inside the model's folder".to_owned());
    }
    let file = match std::fs::metadata(folder.join(location)) {
        Ok(file) if file.is_file() => file,
        Ok(_) => return Some("it is not a file".to_owned()),
        Err(error) => return Some(error.to_string()),
    };
    let end = offset.saturating_add(length.or_else(|| bytes(tensor))?);
    (file.len() < end).then(|| format!("it has {} bytes, the tensor's end at byte {end}", file.len()))
}

/// Bytes of a tensor whose entry does not state them, by the element types of ONNX; `None` for those without a fixed size.
pub(super) fn bytes(tensor: &TensorProto) -> Option<u64> {
    let element = match tensor.data_type {
        2 | 3 | 9 => 1,
        4 | 5 | 10 | 16 => 2,
        1 | 6 | 12 => 4,
        7 | 11 | 13 | 14 => 8,
        15 => 16,
        _ => return None,
    };
    tensor.dims.iter().try_fold(element, |size, &dim| u64::try_from(dim).ok()?.checked_mul(size))
}
