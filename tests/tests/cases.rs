//! Small models with the structure of those that people reported as failing somewhere, against onnxruntime's outputs.
//!
//! The folder `cases` of the zoo has one a folder. All of them are right, and none is refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use rayon::prelude::*;
use serde_json::Value;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_compiler::import::{ImportOptions, model_path};
use zktorch_compiler::inputs::{InputSpec, read};
use zktorch_compiler::{Compiled, Options, compile_model};
use zktorch_models::zoo::Zoo;
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_tests::random_models::reference::Reference;
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::{Verdict, verify};

/// Off by so much, in every column of every output and relative to the column's size, is right.
const RIGHT: f64 = 0.005;
/// A column of one sample counts as no smaller than this share of its output: its range is not known.
const SMALLEST: f64 = 0.25;

/// Cases that there are.
const CASES: usize = 80;

/// A case's files, read.
struct Case {
    folder: PathBuf,
    input: Vec<ArrayD<f64>>,
    compiled: Compiled,
    /// Per output its values and the sizes of its columns.
    expected: Vec<(Vec<f64>, Vec<f64>)>,
}

/// The compiled case, or why it is refused.
fn read_case(folder: &Path) -> Result<Case, String> {
    let model = model_path(&folder.join("model.onnx"), &ImportOptions::default()).map_err(|e| e.to_string())?;
    let specs = InputSpec::of(&model.graph);
    let input = read(&folder.join("input.json"), &specs).map_err(|e| e.to_string())?.remove(0);
    let calibration = match folder.join("calib.npy") {
        file if file.exists() => read(&file, &specs).map_err(|e| e.to_string())?,
        _ => vec![input.clone()],
    };
    let compiled = compile_model(&model, &calibration, &Options::default()).map_err(|e| e.to_string())?;
    let expected = expected(folder, &calibration);
    Ok(Case { folder: folder.to_owned(), input, compiled, expected })
}

/// Onnxruntime's outputs, and the size of every column: over all samples where there are several.
fn expected(folder: &Path, calibration: &[Vec<ArrayD<f64>>]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let text = std::fs::read(folder.join("expected.json")).expect("it is there");
    let json: Value = serde_json::from_slice(&text).expect("JSON");
    let lists = |name: &str| json[name].as_array().expect("a list").clone();
    let numbers = |list: &Value| list.as_array().expect("a list").iter().map(number).collect::<Vec<f64>>();
    let outputs: Vec<Vec<f64>> = lists("output_data").iter().map(numbers).collect();
    let shapes: Vec<Vec<f64>> = lists("shapes").iter().map(numbers).collect();
    let mut runs = vec![outputs.clone()];
    if calibration.len() > 1 {
        let reference = Reference::new(&std::fs::read(folder.join("model.onnx")).expect("it is there")).expect("it runs");
        let run = |sample: &Vec<ArrayD<f64>>| reference.run(sample).expect("it runs");
        let flat = |run: Vec<ArrayD<f64>>| run.into_iter().map(|o| o.into_iter().collect()).collect();
        runs.extend(calibration.iter().map(run).map(flat));
    }
    let columns = |index: usize| {
        let extent = shapes[index].last().map_or(1, |&extent| extent as usize).max(1);
        let mut sizes = vec![0f64; extent];
        for run in &runs {
            run[index].iter().enumerate().for_each(|(at, v)| sizes[at % extent] = sizes[at % extent].max(v.abs()));
        }
        let largest = sizes.iter().copied().fold(0.0, f64::max);
        let floor = if runs.len() > 1 { 0.0 } else { SMALLEST * largest };
        sizes.into_iter().map(|size| size.max(floor)).collect()
    };
    outputs.into_iter().enumerate().map(|(index, values)| (values, columns(index))).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_bool().map(|b| f64::from(u8::from(b)))).expect("a number")
}

impl Case {
    fn integers(&self) -> Result<Vec<Vec<i64>>, String> {
        let ports = self.compiled.inputs.iter().zip(&self.input);
        let quantise = |(port, values): (&zktorch_compiler::Port, &ArrayD<f64>)| {
            port.quantise(&values.iter().copied().collect::<Vec<_>>()).map_err(|e| e.to_string())
        };
        ports.map(quantise).collect()
    }

    /// How far the worst entry is off, relative to its column.
    fn error(&self) -> Result<f64, String> {
        let Compiled { program, weights, outputs, .. } = &self.compiled;
        let trace = execute(program, weights, &self.integers()?).map_err(|e| e.to_string())?;
        let got = outputs.iter().zip(&program.outputs).map(|(port, &id)| port.dequantise(&trace.values(program, id)));
        Ok(self.compare(got.collect()))
    }

    fn compare(&self, got: Vec<Vec<f64>>) -> f64 {
        assert_eq!(got.len(), self.expected.len(), "{}", self.folder.display());
        let mut worst = 0f64;
        for ((expected, sizes), got) in self.expected.iter().zip(got) {
            assert_eq!(got.len(), expected.len(), "{}", self.folder.display());
            for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
                worst = worst.max((expected - got).abs() / sizes[at % sizes.len()].max(f64::MIN_POSITIVE));
            }
        }
        worst
    }
}

#[test]
fn every_case_is_right() {
    let Some(folder) = cases("every_case_is_right") else { return };
    let entries = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let cases: BTreeSet<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    let one = |folder: &PathBuf| {
        let found = read_case(folder).and_then(|case| case.error());
        let name = folder.file_name().unwrap_or_default().display().to_string();
        let right = found.as_ref().is_ok_and(|error| *error <= RIGHT);
        let text = match found {
            Ok(error) => format!("| {name} | {:.3} % |", 100.0 * error),
            Err(reason) => format!("| {name} | refused: {} |", reason.replace('\n', " ")),
        };
        println!("{text}");
        (!right).then_some(text)
    };
    let wrong: Vec<String> = cases.par_iter().filter_map(one).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases.len() >= CASES, "{} of {CASES} cases are there", cases.len());
}

#[test]
fn some_cases_are_proved_and_verified() {
    let Some(folder) = cases("some_cases_are_proved_and_verified") else { return };
    let setup = Setup::insecure(12).expect("in range");
    for name in ["05_split_num_outputs_uneven", "28_averagepool_ceil_count_include_pad", "65_gemm_alpha_beta"] {
        let case = read_case(&folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let integers = case.integers().expect("in range");
        let Compiled { program, weights, inputs, outputs, .. } = case.compiled.clone();
        let ports = |ports: &[zktorch_compiler::Port]| {
            ports
                .iter()
                .map(|p| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element })
                .collect::<Vec<_>>()
        };
        let mut randomness = Randomness::from_os().expect("randomness");
        let ports = [ports(&inputs), ports(&outputs)];
        let (proving, verifying) = keygen(program, weights, &setup, 12, ports, &mut randomness).expect("keys");
        let proved = Prover::new(&proving, &verifying, randomness).prove(&integers).expect("a proof");
        assert_eq!(verify(&verifying, &proved.proof, None), Ok(Verdict::Accepted), "{name}");
        let got = outputs.iter().zip(&proved.outputs).map(|(port, values)| port.dequantise(values)).collect();
        let error = case.compare(got);
        assert!(error <= RIGHT, "{name}: {error}");
    }
}

fn cases(test: &str) -> Option<PathBuf> {
    let folder = Zoo::locate_or_skip(test)?.root().join("cases");
    if !folder.is_dir() {
        eprintln!("SKIPPED {test}: no {}", folder.display());
        return None;
    }
    Some(folder)
}
