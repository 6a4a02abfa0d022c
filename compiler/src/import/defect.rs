//! What is wrong with a model as a whole.

use std::io;

use super::contain::Failure;
use super::operators::OPSETS;

/// What is wrong with a model as a whole, or with a tensor of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// A step of the parser fails.
    #[error(transparent)]
    Parser(#[from] Failure),
    /// Messages that would take much more memory than the file.
    #[error("its {bytes} bytes hold messages that would take more than {most}")]
    Memory {
        /// The file's length.
        bytes: usize,
        /// Bytes that its messages may take.
        most: usize,
    },
    /// The file holds no graph.
    #[error("the file holds no graph")]
    NoGraph,
    /// The graph has no outputs.
    #[error("the graph has no outputs")]
    NoOutputs,
    /// All outputs lack entries.
    #[error("its outputs have no entries: there is nothing to prove")]
    Empty,
    /// No version of ONNX's operators is named.
    #[error("it does not say which operator set it uses")]
    NoOpset,
    /// Two versions are named.
    #[error("it uses two versions of ONNX's operators")]
    TwoOpsets,
    /// A version that is not understood.
    #[error("it uses operator set {0}; {least} to {most} are understood", least = OPSETS.start(), most = OPSETS.end())]
    Opset(i64),
    /// More nodes than are read.
    #[error("it has {got} nodes, at most {most} are read")]
    Nodes {
        /// The file's nodes.
        got: usize,
        /// As many as are read.
        most: usize,
    },
    /// A name that two have.
    #[error("there are two {what} `{name}`")]
    Two {
        /// Tensors or functions.
        what: &'static str,
        /// Their name.
        name: String,
    },
    /// A value that two nodes make.
    #[error("the value `{0}` is made twice")]
    MadeTwice(String),
    /// A node that makes what the file holds.
    #[error("node `{0}` makes a value that is a tensor of the file too")]
    MadeAndGiven(String),
    /// Outputs or operands that no node makes.
    #[error("nothing produces {}", list(.0))]
    Unmade(Vec<String>),
    /// A tensor that is stored as its entries that are not 0.
    #[error("the tensor `{0}` is sparse, which is not supported")]
    Sparse(String),
    /// An input that is not a tensor.
    #[error("input `{0}` is not a tensor")]
    Input(String),
    /// A tensor or an input of more axes than are read.
    #[error("{what} `{name}` has more than {most} axes")]
    Axes {
        /// Whether it is a tensor or an input.
        what: &'static str,
        /// Its name.
        name: String,
        /// Axes that it may have.
        most: usize,
    },
    /// A tensor of a shape that has no number of entries.
    #[error("tensor `{tensor}` has the shape {shape:?}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<i64>,
    },
    /// A tensor without entries.
    #[error("tensor `{0}` has no data: a model without its weights can be audited, and nothing else")]
    NoData(String),
    /// A tensor with entries for another shape.
    #[error("tensor `{0}` has not as many entries as its shape says")]
    Entries(String),
    /// A value with more entries than any may have.
    #[error("a value of node `{node}` has the shape {shape:?}, more than {most} entries")]
    Large {
        /// The node.
        node: String,
        /// The value's shape.
        shape: Vec<usize>,
        /// Entries that it may have.
        most: usize,
    },
    /// Views by lists that are longer together than they may be.
    #[error("node `{node}` and those before it pick more than {most} entries")]
    Picked {
        /// The first node that is too many.
        node: String,
        /// Entries that they may pick.
        most: usize,
    },
}

fn list(names: &[String]) -> String {
    match names {
        [name] => format!("the value `{name}`"),
        names => format!("the values {names:?}"),
    }
}

/// Why a file beside the model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExternalFault {
    /// The model has no folder.
    #[error("a model given as bytes must contain all of its weights")]
    NoFolder,
    /// The tensor names no file.
    #[error("it names no file")]
    NoName,
    /// The path leads out of the model's folder.
    #[error("expected a path inside the model's folder")]
    Outside,
    /// It is a folder, or another thing that is no file.
    #[error("it is not a file")]
    NoFile,
    /// The file ends before the tensor does.
    #[error("it has {bytes} bytes, the tensor's end at byte {end}")]
    Short {
        /// The file's length.
        bytes: u64,
        /// Where the tensor ends.
        end: u64,
    },
    /// The system's reason.
    #[error(transparent)]
    Read(#[from] io::Error),
}
