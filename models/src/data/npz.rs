//! Zip archives of two arrays: `X.npy`, the samples, and `y.npy`, their classes.

use std::io::Cursor;

use zip::ZipArchive;

use super::{Labelled, unpack};
use zktorch_formats::{FormatError, TensorData, npy};

pub(super) fn parse(bytes: Vec<u8>, shape: &[usize]) -> Result<Labelled, FormatError> {
    let archive = ZipArchive::new(Cursor::new(bytes));
    let mut archive = archive.map_err(|error| FormatError::unexpected("npz", "a zip archive", error))?;
    let samples = array(&mut archive, "X.npy")?;
    let classes = array(&mut archive, "y.npy")?;
    Labelled::from_tensors(&samples, &classes, shape.to_vec())
}

fn array(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Result<TensorData, FormatError> {
    let member = archive.by_name(name).map_err(|error| FormatError::unexpected("npz", name, error))?;
    npy::parse(&unpack(member)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused() {
        assert!(parse(Vec::new(), &[4]).is_err());
        assert!(parse(b"PK\x05\x06".to_vec(), &[4]).is_err());
        let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        assert!(parse(empty, &[4]).is_err());
    }
}
