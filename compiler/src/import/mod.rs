//! ONNX files to the typed graph, through tract's parser and shape inference.
//!
//! tract gives a typed model: ONNX operators taken apart into its core operators, shapes inferred. It is not asked to
//! optimise: a node of the typed model still belongs to one ONNX node and is reported under that node's name.
//! `registry` says which core operators are understood; whatever depends on constants only is evaluated.
//!
//! The parser trusts its input and ignores what it does not know. So a file is first freed of functions (`inline`) and of what the
//! parser reads wrongly (`rewrite`), held against a list of what is understood (`check`, `operators`), and its shapes are inferred node
//! by node with a look at each (`infer`, `shapes`).

mod axes;
mod bodies;
mod branches;
mod check;
mod contain;
mod control;
mod defect;
mod descent;
mod error;
mod expand;
mod external;
mod finite;
mod flow;
mod infer;
mod inline;
mod listing;
mod load;
mod names;
mod nan;
mod nearest;
mod operators;
mod own;
mod recurrent;
mod refusal;
mod rewrite;
mod scan;
mod shapes;
mod site;
mod sizes;
mod spelling;
mod steps;
mod strip;
mod tensors;
#[cfg(test)]
mod tests;
mod translate;
mod twins;
mod unfit;
mod unread;
mod untouched;
mod withheld;

use std::path::Path;

pub use contain::Failure;
pub use defect::{Defect, ExternalFault};
pub(crate) use descent::Descent;
pub use error::{ImportError, UnsupportedNode};
pub use listing::{Listed, listed};
pub(crate) use nearest::Nearest;
pub use refusal::{AttributeFault, Refusal};
pub(crate) use site::{Import, Site, Translator, domain_of, extent, integer, to_array, to_integers};
pub(crate) use steps::Steps;
pub use strip::{Stripped, strip};
pub use unfit::Unfit;
pub use untouched::Untouched;

use crate::graph::{Graph, passes};

/// How a model is imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The inputs' shapes, one per input; empty for the model's own, whose symbolic first axes become 1.
    pub input_shapes: Vec<Vec<usize>>,
    /// Lets tensors lack their data, this many entries at most: numbers without structure stand in for them. None if the model must be
    /// whole.
    pub withheld: Option<usize>,
    /// Leaves the graph as translated, without the simplifying passes.
    pub raw: bool,
}

/// A model as it was imported, and as its file says.
#[derive(Clone, Debug)]
pub struct Model {
    /// The typed graph.
    pub graph: Graph,
    /// What errors are measured against.
    pub untouched: Untouched,
    /// Inputs whose first axis the file leaves open, which is 1 in the graph.
    pub batched: Vec<String>,
}

/// Reads an ONNX file. Weights in other files are read from the file's folder.
///
/// # Errors
/// [`ImportError`]; unsupported nodes are all reported at once.
pub fn model_path(path: &Path, options: &ImportOptions) -> Result<Model, ImportError> {
    let loaded = read(path, options)?;
    let graph = graph(&loaded, options)?;
    Ok(Model { graph, untouched: untouched(&loaded)?, batched: loaded.batched })
}

/// Reads an ONNX model from its bytes, which must contain all weights.
///
/// # Errors
/// [`ImportError`]; unsupported nodes are all reported at once.
pub fn model_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Model, ImportError> {
    let loaded = load::load(bytes, None, options)?;
    let graph = graph(&loaded, options)?;
    Ok(Model { graph, untouched: untouched(&loaded)?, batched: loaded.batched })
}

/// Imports the graph of an ONNX file, as [`model_path`] does.
///
/// # Errors
/// As [`model_path`].
pub fn load_path(path: &Path, options: &ImportOptions) -> Result<Graph, ImportError> {
    graph(&read(path, options)?, options)
}

/// Imports the graph of an ONNX model, as [`model_bytes`] does.
///
/// # Errors
/// As [`model_bytes`].
pub fn load_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Graph, ImportError> {
    graph(&load::load(bytes, None, options)?, options)
}

fn read(path: &Path, options: &ImportOptions) -> Result<load::Loaded, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })?;
    load::load(&bytes, Some(path.parent().unwrap_or(Path::new(""))), options)
}

/// What errors are measured against: the model as the parser runs it, which knows of no recurrence; else its graph as it was translated.
fn untouched(loaded: &load::Loaded) -> Result<Untouched, ImportError> {
    if loaded.model.nodes().iter().any(|node| node.op_is::<Steps>()) {
        let translated = contain::contained(|| translate::translate(loaded));
        return translated.unwrap_or_else(|panic| Err(ImportError::invalid(panic))).map(Untouched::Translated);
    }
    Untouched::new(loaded.model.clone())
}

fn graph(loaded: &load::Loaded, options: &ImportOptions) -> Result<Graph, ImportError> {
    let graph = || {
        let mut graph = translate::translate(loaded)?;
        graph.validate()?;
        finite::check_graph(&graph)?;
        if !options.raw {
            passes::simplify(&mut graph);
            graph.validate()?;
        }
        Ok(graph)
    };
    contain::contained(graph).unwrap_or_else(|panic| Err(ImportError::invalid(panic)))
}
