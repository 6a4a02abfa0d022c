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
    for tensor in proto.graph.iter().flat_map(|graph| &graph.initializer).filter(external) {
        let location = entry(tensor, "location").unwrap_or_default();
        let problem = match folder {
            None => Some("a model given as bytes must contain all of its weights".to_owned()),
            Some(folder) => problem(tensor, folder, location),
        };
        if let Some(reason) = problem {
            return Err(ImportError::ExternalData { tensor: tensor.name.clone(), location: location.to_owned(), reason });
        }
    }
    Ok(())
}

fn entry<'t>(tensor: &'t TensorProto, key: &str) -> Option<&'t str> {
    tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

fn problem(tensor: &TensorProto, folder: &Path, location: &str) -> Option<String> {
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
    let number = |key| entry(tensor, key).and_then(|value| value.parse::<u64>().ok());
    let end = number("offset").unwrap_or(0).saturating_add(number("length").or_else(|| bytes(tensor))?);
    (file.len() < end).then(|| format!("it has {} bytes, the tensor's end at byte {end}", file.len()))
}

/// Bytes of a tensor whose entry does not state them, by the element types of ONNX; `None` for those without a fixed size.
fn bytes(tensor: &TensorProto) -> Option<u64> {
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
