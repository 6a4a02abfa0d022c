//! ONNX's own conformance cases: a model of one operator or few, its inputs, and what they give.
//!
//! The zoo has them as one archive, with operands that say what shapes are made constants; the `onnx` package has them as folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zktorch_formats::{ElementType, TensorData, tensor_proto};

use crate::error::read as read_file;
use crate::zoo::Zoo;
use crate::{Error, archive as tar};

/// What a case's folder has its first sample in.
const SAMPLE: &str = "test_data_set_0";

/// A case.
#[derive(Clone, Debug)]
pub struct NodeCase {
    /// Its name, as `test_add_bcast`.
    pub name: String,
    /// The ONNX file.
    pub model: Vec<u8>,
    /// Its first sample; none where something in it is no tensor, or one of a type that is not read.
    pub tensors: Option<Tensors>,
}

/// The inputs of a case and the outputs that they give, in order.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// The inputs.
    pub inputs: Vec<TensorData>,
    /// The outputs.
    pub outputs: Vec<TensorData>,
}

impl NodeCase {
    /// Whether all of its tensors are of 32-bit floats, of integers with 32 or 64 bits, or of booleans.
    pub fn is_usual(&self) -> bool {
        use ElementType::{Bool, F32, I32, I64};
        self.tensors.as_ref().is_some_and(|tensors| {
            tensors.inputs.iter().chain(&tensors.outputs).all(|tensor| matches!(tensor.element, F32 | I32 | I64 | Bool))
        })
    }

    /// Whether it is another case with a function written out.
    pub fn is_expanded(&self) -> bool {
        self.name.contains("_expanded")
    }
}

/// The archive of a zoo.
pub fn archive(zoo: &Zoo) -> PathBuf {
    zoo.root().join("onnx-node-tests/conformance_node_frozen.tgz")
}

/// The cases of an archive, or of a folder that has one folder for each, by name.
///
/// # Errors
/// If something cannot be read.
pub fn read(path: &Path) -> Result<Vec<NodeCase>, Error> {
    let files = if path.is_dir() { folders(path)? } else { unpacked(path)? };
    let sample = |case: &str, kind: &str| {
        (0..)
            .map_while(|index| files.get(&format!("{case}/{SAMPLE}/{kind}_{index}.pb")))
            .map(|bytes| tensor_proto::parse(bytes).ok())
            .collect::<Option<Vec<_>>>()
    };
    let one = |(path, model): (&String, &Vec<u8>)| {
        let case = path.strip_suffix("/model.onnx")?;
        let tensors = sample(case, "input").zip(sample(case, "output"));
        let tensors = tensors.map(|(inputs, outputs)| Tensors { inputs, outputs });
        let name = case.rsplit('/').next().unwrap_or(case).to_owned();
        Some(NodeCase { name, model: model.clone(), tensors })
    };
    Ok(files.iter().filter_map(one).collect())
}

fn unpacked(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    tar::files(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// The models and the samples below a folder, by path.
fn folders(root: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    let mut todo = vec![(root.to_owned(), String::new())];
    while let Some((folder, name)) = todo.pop() {
        let unreadable = |source| Error::Io { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let below = if name.is_empty() { file } else { format!("{name}/{file}") };
            if path.is_dir() {
                todo.push((path, below));
            } else if path.extension().is_some_and(|e| e == "onnx" || e == "pb") {
                files.insert(below, read_file(&path)?);
            }
        }
    }
    Ok(files)
}
