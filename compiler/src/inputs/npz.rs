//! Archives of arrays.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};
use zktorch_formats::npy;

use super::{Array, InputSpec, SampleProblem};

/// Bytes that a small archive may hold; a larger one may hold [`EXPANSION`] times its own.
const LEAST: usize = 1 << 24;
/// How much smaller than its arrays an archive may be.
const EXPANSION: usize = 32;
/// Names of arrays that an error lists.
const NAMED: usize = 8;

/// The arrays of the archive in the inputs' order, by the inputs' names. Where none is named as an input, `arr_0`, `arr_1`, .. are
/// the inputs in order, as `numpy.savez` writes arrays that it is given without names, and a single array is a single input.
pub(super) fn parse(bytes: &[u8], inputs: &[InputSpec]) -> Result<Vec<Array>, SampleProblem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
    let names: Vec<String> = archive.file_names().map(|name| name.trim_end_matches(".npy").to_owned()).collect();
    let order = order(&names, inputs)?;
    let mut left = bytes.len().saturating_mul(EXPANSION).max(LEAST);
    let mut array = |index: usize| {
        let mut file = Vec::new();
        let member = archive.by_index(index).map_err(malformed)?;
        member.take(left as u64 + 1).read_to_end(&mut file).map_err(malformed)?;
        left = left.checked_sub(file.len()).ok_or_else(|| malformed("its arrays are too large for its size"))?;
        Ok(npy::parse(&file).map_err(|e| malformed(format!("array `{}`: {e}", names[index])))?.into())
    };
    order.into_iter().map(&mut array).collect()
}

/// The archive of arrays by their names, as `numpy.savez` writes it.
///
/// # Errors
/// If two arrays have one name.
pub fn write<'a>(arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) -> std::io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(format!("{name}.npy"), plain)?;
        archive.write_all(&npy::write(&array.shape, &array.values))?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Which array is which input. The order in the file says nothing: it is that of a dictionary.
fn order(names: &[String], inputs: &[InputSpec]) -> Result<Vec<usize>, SampleProblem> {
    let find = |wanted: &str| names.iter().position(|name| name == wanted);
    let named: Option<Vec<usize>> = inputs.iter().map(|input| find(&input.name)).collect();
    if let Some(order) = named {
        return Ok(order);
    }
    let strange = inputs.iter().all(|input| find(&input.name).is_none());
    let numbered: Option<Vec<usize>> = (0..inputs.len()).map(|n| find(&format!("arr_{n}"))).collect();
    match numbered.filter(|_| strange && names.len() == inputs.len()) {
        Some(order) => Ok(order),
        None if names.len() == 1 && inputs.len() == 1 => Ok(vec![0]),
        None => {
            let list = |names: &mut dyn Iterator<Item = &String>| {
                names.take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            };
            let (expected, got) = (list(&mut inputs.iter().map(|input| &input.name)), list(&mut names.iter()));
            Err(SampleProblem::Names { expected, got })
        }
    }
}

fn malformed(error: impl ToString) -> SampleProblem {
    SampleProblem::Malformed { format: "npz", reason: error.to_string() }
}
