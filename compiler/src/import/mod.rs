//! ONNX files to the typed graph, through tract's parser and shape inference.
//!
//! tract gives a typed model: ONNX operators taken apart into its core operators, shapes inferred. It is not asked to
//! optimise: a node of the typed model still belongs to one ONNX node and is reported under that node's name.
//! `registry` says which core operators are understood; whatever depends on constants only is evaluated.

mod error;
mod external;
mod load;
mod names;
mod ops;
mod registry;
mod sizes;
#[cfg(test)]
mod tests;
mod translate;
mod withheld;

use std::path::Path;

pub use error::{ImportError, UnsupportedNode};
pub use withheld::{Stripped, strip};

use crate::graph::{Graph, passes};

/// How a model is imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The inputs' shapes, one per input; empty for the model's own, whose symbolic first axes become 1.
    pub input_shapes: Vec<Vec<usize>>,
    /// Lets tensors of floats lack their data, this many entries at most: numbers without structure stand in for them. None if the
    /// model must be whole.
    pub withheld: Option<usize>,
    /// Leaves the graph as translated, without the simplifying passes.
    pub raw: bool,
}

/// Imports an ONNX file. Weights in other files are read from the file's folder.
///
/// # Errors
/// [`ImportError`]; unsupported nodes are all reported at once.
pub fn load_path(path: &Path, options: &ImportOptions) -> Result<Graph, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    import(&bytes, Some(folder), options)
}

/// Imports an ONNX model from its bytes, which must contain all weights.
///
/// # Errors
/// [`ImportError`]; unsupported nodes are all reported at once.
pub fn load_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Graph, ImportError> {
    import(bytes, None, options)
}

fn import(bytes: &[u8], folder: Option<&Path>, options: &ImportOptions) -> Result<Graph, ImportError> {
    let loaded = load::load(bytes, folder, options)?;
    let graph = || {
        let mut graph = translate::translate(&loaded)?;
        graph.validate()?;
        if !options.raw {
            passes::simplify(&mut graph);
            graph.validate()?;
        }
        Ok(graph)
    };
    load::contained(graph).unwrap_or_else(|reason| Err(ImportError::Malformed { reason }))
}
