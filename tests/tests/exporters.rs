//! Transformer blocks as both exporters of PyTorch write them (`models/exporters.py`), against what torch computes.
//!
//! They lie in the folder `$ZKTORCH_EXPORTERS`, or are written anew where `python3` has torch; else the test says that it skips.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use zktorch_blocks::execute::{check_satisfied, execute};
use zktorch_compiler::import::{ImportOptions, model_path};
use zktorch_compiler::inputs::{self, InputSpec};
use zktorch_compiler::{Options, compile_model};

/// The largest error, as a part of the largest entry of what torch gives.
const MOST: f64 = 0.005;

/// A folder of blocks, and what keeps it.
fn exported(test: &str) -> Option<(PathBuf, Option<TempDir>)> {
    if let Some(folder) = std::env::var_os("ZKTORCH_EXPORTERS").filter(|folder| !folder.is_empty()) {
        return Some((folder.into(), None));
    }
    let python = |arguments: &[&str]| {
        let status = Command::new("python3").args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !python(&["-c", "import torch, onnxscript, onnxruntime"]) {
        // Written to the stream itself: the test harness would hide `eprintln!` of a passing test.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** SKIPPED {test}: python3 has no torch (run models/exporters.sh, and set ZKTORCH_EXPORTERS)"
        );
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/exporters.py");
    let [script, out] = [script.as_path(), folder.path()].map(|path| path.to_str().expect("a name"));
    assert!(python(&[script, out]), "models/exporters.py fails");
    Some((folder.path().to_owned(), Some(folder)))
}

/// The paths in a folder that end so, in their order.
fn within(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().unwrap_or_default() == extension).collect();
    paths.sort();
    paths
}

/// How far the integers of a file are from torch, on samples that it was not calibrated on.
fn error(block: &Path, file: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let model = model_path(file, &ImportOptions::default())?;
    let specs = InputSpec::of(&model.graph);
    let samples = |name: &str, specs: &[InputSpec]| inputs::read(&block.join(name), specs).expect("samples");
    // Logits as close as other outputs: widths that merely keep predictions would do with less.
    let options = Options { target_kl: 1e-6, ..Options::default() };
    let compiled = compile_model(&model, &samples("calibration.npz", &specs), &options)?;
    let port = &compiled.outputs[0];
    let output = InputSpec { name: port.name.clone(), shape: port.shape.clone() };
    let expected = samples("expected.npy", &[output]);
    let reach = expected.iter().flat_map(|sample| &sample[0]).fold(0f64, |most, v| most.max(v.abs()));
    let mut off = 0f64;
    for (sample, expected) in samples("held_out.npz", &specs).iter().zip(&expected) {
        let quantised = compiled
            .inputs
            .iter()
            .zip(sample)
            .map(|(port, values)| port.quantise(values.as_standard_layout().as_slice().expect("row-major")));
        let integers = quantised.collect::<Result<Vec<_>, _>>()?;
        let trace = execute(&compiled.program, &compiled.weights, &integers)?;
        assert_eq!(check_satisfied(&compiled.program, &trace), []);
        let given = port.dequantise(&trace.values(&compiled.program, compiled.program.outputs[0]));
        assert_eq!(given.len(), expected[0].len());
        off = given.iter().zip(&expected[0]).fold(off, |off, (given, wanted)| off.max((given - wanted).abs() / reach));
    }
    Ok(off)
}

#[test]
fn blocks_of_both_exporters_are_what_torch_computes() {
    let Some((folder, _kept)) = exported("blocks_of_both_exporters_are_what_torch_computes") else { return };
    let (mut files, mut wrong) = (0, Vec::new());
    for block in within(&folder, "") {
        let name = block.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in within(&block, "onnx") {
            let written = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            files += 1;
            match error(&block, &file) {
                Ok(off) if off <= MOST => {}
                result => wrong.push(format!("{name}, {written}: {result:?}")),
            }
        }
    }
    assert!(files > 0, "no files in {}", folder.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
