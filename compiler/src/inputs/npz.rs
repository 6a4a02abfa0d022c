//! Archives of arrays.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zktorch_models::npy;

use super::{InputSpec, SampleProblem, Tensor};

/// Bytes that a small archive may hold; a larger one may hold [`EXPANSION`] times its own.
const LEAST: usize = 1 << 24;
/// How much smaller than its arrays an archive may be.
const EXPANSION: usize = 32;

/// The arrays of the archive in the inputs' order: by name if all names are there, else as they come.
pub(super) fn parse(bytes: &[u8], inputs: &[InputSpec]) -> Result<Vec<Tensor>, SampleProblem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let position = |input: &InputSpec| names.iter().position(|name| name.trim_end_matches(".npy") == input.name);
    let by_name: Option<Vec<usize>> = inputs.iter().map(position).collect();
    let order = by_name.unwrap_or_else(|| (0..names.len()).collect());
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

fn malformed(error: impl ToString) -> SampleProblem {
    SampleProblem::Malformed { format: "npz", reason: error.to_string() }
}
