//! Files that are taken for ONNX models, told by how they begin: what they are, and what to do.

use crate::blob::Blob;
use std::io::Read;

/// Beginnings of files of others, with where they stand.
const KNOWN: [(usize, &[u8], &str); 6] = [
    (0, b"PK\x03\x04", PYTORCH),
    (0, b"\x80\x02", PYTORCH),
    (4, b"TFL3", "a TensorFlow Lite model: convert it to ONNX (tf2onnx)"),
    (0, b"\x89HDF", "an HDF5 file, such as Keras writes: export the model to ONNX"),
    (0, b"zktrch", "a file of zktorch, not a model"),
    (0, b"{", "JSON, not a model"),
];

const PYTORCH: &str = "a PyTorch checkpoint: load the model, call model.eval(), and export it with torch.onnx.export";

/// What a file that is no ONNX model seems to be.
pub(crate) fn guess(blob: &Blob) -> Option<&'static str> {
    let mut head = Vec::new();
    match blob {
        Blob::Path(path) => std::fs::File::open(path).ok()?.take(64).read_to_end(&mut head).ok()?,
        Blob::Bytes { bytes, .. } => bytes.as_slice().take(64).read_to_end(&mut head).ok()?,
    };
    let known = KNOWN.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    // The length of a safetensors file's header, then the header.
    let tensors = head.get(8..).is_some_and(|rest| rest.starts_with(b"{\""));
    let tensors =
        tensors.then_some("a safetensors file: weights without a network; export the model with torch.onnx.export");
    known.map(|(_, _, what)| *what).or(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write() {
        let guess = |bytes: &[u8]| super::guess(&Blob::Bytes { name: "file".into(), bytes: bytes.to_vec() });
        assert_eq!(guess(b"PK\x03\x04archive/data.pkl"), Some(PYTORCH));
        assert!(guess(b"\x1c\0\0\0TFL3").is_some_and(|what| what.contains("Lite")));
        assert!(guess(b"\x40\0\0\0\0\0\0\0{\"w\":").is_some_and(|what| what.contains("safetensors")));
        // Noise, and a model as PyTorch writes it.
        assert_eq!((guess(&[0xa5; 99]), guess(b"\x08\x08\x12\x07pytorch"), guess(b"")), (None, None, None));
    }
}
