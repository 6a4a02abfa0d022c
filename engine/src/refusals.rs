//! Why a model is not compiled, or does not run, with what to do about it.

use crate::blob::Blob;
use crate::failure::{Failure, Inexact, Kind, Node};
use crate::foreign;
use zktorch_blocks::execute::ExecuteError;
use zktorch_compiler::goal::COMPLETION;
use zktorch_compiler::import::{ImportError, UnsupportedNode};
use zktorch_compiler::{CompileError, LowerError, Misposed, Problem};

/// A model that cannot be imported: unsupported, or not readable.
pub(crate) fn import_failure(blob: &Blob, error: &ImportError) -> Failure {
    let model = blob.name();
    let bad = |kind| Failure::new(kind, format!("`{model}`: {error}"));
    let failure = match error {
        ImportError::Unsupported(nodes) => {
            Failure::unsupported(format!("`{model}` uses operators that cannot be proved yet: {error}"))
                .hint(
                    error
                        .way_out()
                        .unwrap_or("docs/operators.md lists the operators that are proved, and ways around others"),
                )
                .about(nodes.iter().map(unsupported).collect())
        }
        ImportError::Read { .. } => Failure::new(Kind::File, error.to_string()),
        ImportError::Malformed { .. } => {
            let seems = foreign::guess(blob).map(|what| format!("the file seems to be {what}"));
            let complete = || "is the file complete, and was it written by torch.onnx.export?".into();
            bad(Kind::File).hint(seems.unwrap_or_else(complete))
        }
        ImportError::ExternalData { .. } => {
            bad(Kind::File).hint("keep the weight files that the export wrote beside the .onnx file")
        }
        ImportError::DynamicInput { .. } | ImportError::InputShape { .. } | ImportError::InputShapeCount { .. } => {
            bad(Kind::Usage)
        }
        _ => bad(Kind::File),
    };
    // The parser's words for further outputs.
    if error.of_training() || error.to_string().contains("Wrong number of outputs") {
        return failure.hint("was the model exported in training mode? call model.eval() before torch.onnx.export");
    }
    failure
}

/// A node that is not read.
fn unsupported(node: &UnsupportedNode) -> Node {
    Node { name: node.name.clone(), op: node.op.clone(), why: node.hint.to_string() }
}

/// A node that has no integers.
fn lowered(problem: &Problem) -> Node {
    Node { name: problem.node.clone(), op: problem.op.clone(), why: problem.why.to_string() }
}

/// How far the integers are off.
fn off(output: &str, entries: &str, error: f64, accepted: Option<f64>) -> Inexact {
    Inexact { output: output.to_owned(), entries: entries.to_owned(), error, accepted }
}

/// A model that is not compiled.
pub(crate) fn compile_failure(model: &Blob, error: &CompileError) -> Failure {
    let text = format!("`{}`: {error}", model.name());
    match error {
        CompileError::Lower(LowerError { problems, .. }) => Failure::unsupported(text).about(problems.iter().map(lowered).collect()),
        CompileError::Goal(Misposed::Long { .. }) => {
            Failure::usage(text).hint("choose --new-tokens, or export the model for a longer text")
        }
        CompileError::Goal(_) => Failure::unsupported(text)
            .hint("--task generate, sample and likelihood are for causal language models; --task outputs proves what any model gives"),
        CompileError::Unlike(_) => {
            Failure::usage(text).hint("--weights-of takes a folder of the same model, compiled with the same options for a longer text")
        }
        CompileError::Execute(ExecuteError::OutOfRange { allowed, .. }) if allowed.lo > 0 => Failure::unsupported(text),
        CompileError::Execute(_) => Failure::new(Kind::Inexact, text).hint(
            "numbers of very different size share a tensor: divide each by its usual size before the model, or give more samples (--calibrate), \
             which show the size of every column",
        ),
        CompileError::Inexact { output, entries, error, accepted, .. } => Failure::new(Kind::Inexact, text).off_by(off(output, entries, *error, Some(*accepted))).hint(
            "more samples (--calibrate) or more --bits may bring it closer; --max-error accepts a larger error, which the report states",
        ),
        CompileError::Uncalibrated { output, entries, error } => {
            Failure::new(Kind::Inexact, text).off_by(off(output, entries, *error, None)).hint("give typical inputs: --calibrate FILE (.npy, .npz, .json, .pb)")
        }
        CompileError::Reference { .. } => Failure::new(Kind::Input, text).hint("does the model run on this sample in onnxruntime?"),
        CompileError::Sample { .. } | CompileError::NotFinite { .. } => {
            Failure::new(Kind::Input, text).hint("check the --calibrate files")
        }
        CompileError::Bits(_) => Failure::usage(text),
        CompileError::Invalid(_) => Failure::internal(text),
    }
}

/// A run that failed: a program that is broken is a bad file, a value out of range a bad input.
pub(crate) fn run_failure(error: ExecuteError) -> Failure {
    let failure = Failure::new(Kind::Input, error.to_string());
    match error {
        ExecuteError::Contradiction { tensor, .. } if tensor.starts_with(COMPLETION) => {
            failure.hint("a token of the text is not the model's answer to those before it, or not what the seed draws; --generate N writes what is")
        }
        _ => failure,
    }
}
