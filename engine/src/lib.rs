//! What one does with zktorch, as functions on data and on folders: the command line and the Python package call these and no others.
//!
//! Every function takes typed options and gives a typed result, which also says itself in words (`text`) and as JSON (`json`), or a
//! [`Failure`] of a [`Kind`]. Nothing is printed: what long work has to say goes to a [`Watch`], which may also end it.

mod audit;
mod batch;
mod binding;
mod blob;
mod cache;
mod commit;
mod compile;
mod failure;
mod files;
mod folder;
mod foreign;
mod generators;
mod given;
mod header;
mod input;
mod inspect;
mod leftover;
mod model;
mod model_proof;
mod options;
mod place;
mod plan;
mod prove;
mod refusals;
mod run;
pub mod setup;
mod strip;
mod text;
mod tokens;
mod verify;
mod watch;
mod words;

pub use audit::{Audited, audit};
pub use batch::{Accuracy, Batch, Outputs, Stacked, read_labels};
pub use binding::{Binding, Committed, Destination as CommitmentDestination, opening_of};
pub use blob::Blob;
pub use compile::{Compiled, compile, explain};
pub use failure::{Failure, Inexact, Kind, Node};
pub use files::{Pending, write};
pub use folder::{
    ALL as FOLDER_FILES, Destination, KeyFiles, MODEL, PROGRAM, PROVING, ProgramFile, REPORT, Replaced, VERIFYING,
};
pub use generators::{for_verifier as generators_for, transparent as transparent_setup};
pub use given::Given;
pub use inspect::{Inspected, inspect};
pub use leftover::{Leftover, Listed, make as make_listed, remove_all};
pub use model::Model;
pub use options::{CompileOptions, SetupChoice, Task, Unknown};
pub use place::Files;
pub use prove::{ProveOptions, Proved};
pub use run::{Ran, Runnable};
pub use strip::{Stripped, strip};
pub use text::Asked;
pub use tokens::Tokenizer;
pub use verify::{Subject, Verified, VerifyOptions, paired, verify};
pub use watch::{Phases, Silent, Watch, guarded};
pub use zktorch_compiler::inputs::Array;
pub use zktorch_verdict::Tensor;
