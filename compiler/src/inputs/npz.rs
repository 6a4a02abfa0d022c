//! Archives of arrays.

use std::fs::File;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, ReadNpyError, ReadNpzError, ReadableElement};

use super::{InputSpec, SampleProblem, Tensor};

/// The arrays of the archive in the inputs' order: by name if all names are there, else as they come.
pub(super) fn parse(file: File, inputs: &[InputSpec]) -> Result<Vec<Tensor>, SampleProblem> {
    let mut archive = NpzReader::new(file).map_err(malformed)?;
    let names = archive.names().map_err(malformed)?;
    let position = |input: &InputSpec| names.iter().position(|name| name.trim_end_matches(".npy") == input.name);
    let by_name: Option<Vec<usize>> = inputs.iter().map(position).collect();
    let order = by_name.unwrap_or_else(|| (0..names.len()).collect());
    order.into_iter().map(|index| tensor(&mut archive, &names[index])).collect()
}

fn malformed(error: ReadNpzError) -> SampleProblem {
    SampleProblem::Malformed { format: "npz", reason: error.to_string() }
}

/// Reads an array of any of the element types that hold numbers.
fn tensor(archive: &mut NpzReader<File>, name: &str) -> Result<Tensor, SampleProblem> {
    macro_rules! first_type_that_fits {
        ($($element:ty => $convert:expr),* $(,)?) => {
            $(if let Some(tensor) = typed::<$element>(archive, name, $convert)? {
                return Ok(tensor);
            })*
        };
    }
    first_type_that_fits! {
        f32 => |v| v,
        f64 => |v| v as f32,
        u8 => f32::from,
        i8 => f32::from,
        i16 => f32::from,
        i32 => |v| v as f32,
        i64 => |v| v as f32,
        bool => |v| f32::from(u8::from(v)),
    }
    let reason = format!("array `{name}` has elements that are no numbers of a known type");
    Err(SampleProblem::Malformed { format: "npz", reason })
}

/// The array, or `None` if its elements are of another type.
fn typed<T: ReadableElement + Copy>(
    archive: &mut NpzReader<File>,
    name: &str,
    convert: impl Fn(T) -> f32,
) -> Result<Option<Tensor>, SampleProblem> {
    let read: Result<ArrayD<T>, _> = archive.by_name::<OwnedRepr<T>, IxDyn>(name);
    match read {
        Ok(array) => {
            let values = array.iter().map(|&v| convert(v)).collect();
            Ok(Some(Tensor { shape: array.shape().to_vec(), values }))
        }
        Err(ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_))) => Ok(None),
        Err(error) => Err(malformed(error)),
    }
}
