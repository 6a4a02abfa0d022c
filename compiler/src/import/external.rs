//! Weights in files beside the model: looked at before the parser maps them, so that errors name the tensor and its file.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};

use super::defect::ExternalFault;
use super::error::ImportError;
use super::tensors::{self, Element};

/// Checks that every file exists in the model's folder and holds its tensor.
///
/// # Errors
/// The first tensor whose data is not there.
pub(super) fn check(proto: &ModelProto, folder: Option<&Path>) -> Result<(), ImportError> {
    let external = |t: &&TensorProto| tensors::is_external(t);
    let mut tensors = proto.graph.iter().flat_map(|graph| &graph.initializer).filter(external);
    tensors.try_for_each(|tensor| problem(tensor, folder).map_or(Ok(()), |reason| Err(error(tensor, reason))))
}

/// Puts the data of all tensors into the graph.
///
/// # Errors
/// The first tensor whose data is not there.
pub(super) fn read_all(graph: &mut GraphProto, folder: Option<&Path>) -> Result<(), ImportError> {
    read_those(graph, folder, |_| true)
}

/// Puts the data of tensors into the graph whose type the parser cannot read.
///
/// # Errors
/// The first tensor whose data is not there.
pub(super) fn read_foreign(graph: &mut GraphProto, folder: Option<&Path>) -> Result<(), ImportError> {
    read_those(graph, folder, |tensor| Element::of(tensor.data_type) == Some(Element::Bfloat))
}

fn read_those(
    graph: &mut GraphProto,
    folder: Option<&Path>,
    wanted: impl Fn(&TensorProto) -> bool,
) -> Result<(), ImportError> {
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let constants = attributes.filter_map(|attribute| attribute.t.as_mut());
    for tensor in graph.initializer.iter_mut().chain(constants) {
        if tensors::is_external(tensor) && wanted(tensor) {
            let bytes = read(tensor, folder).map_err(|reason| error(tensor, reason))?;
            tensors::forget(tensor);
            tensor.raw_data = bytes;
        }
    }
    Ok(())
}

/// The bytes of a tensor in another file.
fn read(tensor: &TensorProto, folder: Option<&Path>) -> Result<Vec<u8>, ExternalFault> {
    problem(tensor, folder).map_or(Ok(()), Err)?;
    let (location, offset, length) = place(tensor);
    let mut contents = Vec::new();
    let mut copy = || -> std::io::Result<usize> {
        let mut file = std::fs::File::open(folder.unwrap_or(Path::new("")).join(location))?;
        file.seek(SeekFrom::Start(offset))?;
        file.take(length.or(bytes(tensor)).unwrap_or(u64::MAX)).read_to_end(&mut contents)
    };
    copy()?;
    Ok(contents)
}

/// What is wrong with a tensor's file.
pub(super) fn error(tensor: &TensorProto, reason: ExternalFault) -> ImportError {
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
pub(super) fn problem(tensor: &TensorProto, folder: Option<&Path>) -> Option<ExternalFault> {
    let Some(folder) = folder else { return Some(ExternalFault::NoFolder) };
    let (location, offset, length) = place(tensor);
    if location.is_empty() {
        return Some(ExternalFault::NoName);
    }
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(location).components().all(inside) {
        return Some(ExternalFault::Outside);
    }
    let file = match std::fs::metadata(folder.join(location)) {
        Ok(file) if file.is_file() => file,
        Ok(_) => return Some(ExternalFault::NoFile),
        Err(error) => return Some(error.into()),
    };
    let end = offset.saturating_add(length.or_else(|| bytes(tensor))?);
    (file.len() < end).then_some(ExternalFault::Short { bytes: file.len(), end })
}

/// Bytes of a tensor whose entry does not state them, by the element types of ONNX; `None` for those without a fixed size.
pub(super) fn bytes(tensor: &TensorProto) -> Option<u64> {
    let element = Element::of(tensor.data_type)?.bytes() as u64;
    tensor.dims.iter().try_fold(element, |size, &dim| u64::try_from(dim).ok()?.checked_mul(size))
}
