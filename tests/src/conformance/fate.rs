//! One case, compiled with its own input as the sample.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use ndarray::{ArrayD, IxDyn};
use serde::Serialize;
use zktorch_accumulator::setup::Setup;
use zktorch_blocks::execute::execute;
use zktorch_compiler::import::{ImportOptions, model_bytes};
use zktorch_compiler::{Compiled, Options, Port, compile_model};
use zktorch_formats::{ElementType, TensorData};
use zktorch_models::node_cases::{NodeCase, Tensors};
use zktorch_prover::{Prover, Randomness, keygen};
use zktorch_verifier::key::KeyPort;
use zktorch_verifier::{Verdict, verify};

/// Floats may be so far from what is expected, relative to the largest entry.
const ENOUGH: f64 = 0.01;
/// Rows of proofs have two to this many entries at least, and at most.
const ROW: u32 = 12;
const LONGEST: u32 = 18;

/// What becomes of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Integers and booleans are as expected, floats this far off, relative to the largest entry.
    Right(f64),
    /// It does not compile, or does not take its input, for this reason.
    Refused(String),
    /// It gives something else.
    Wrong(String),
    /// Something panicked.
    Panicked(String),
}

/// A case that compiles.
#[derive(Clone)]
pub struct Case {
    compiled: Compiled,
    integers: Vec<Vec<i64>>,
    expected: Vec<TensorData>,
}

/// What becomes of a case; the case itself, where it is right.
pub fn judge(case: &NodeCase) -> (Fate, Option<Case>) {
    let Some(tensors) = &case.tensors else {
        return (Fate::Refused("a type of tensors that is not read".to_owned()), None);
    };
    contained(|| match Case::compile(&case.model, tensors, ENOUGH) {
        Ok(case) => match case.error() {
            Ok(fate @ Fate::Right(_)) => (fate, Some(case)),
            Ok(fate) => (fate, None),
            Err(reason) => (Fate::Refused(reason), None),
        },
        Err(reason) => (Fate::Refused(reason), None),
    })
    .unwrap_or_else(|panic| (Fate::Panicked(panic), None))
}

/// A proof that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Proved {
    /// Its length.
    pub bytes: usize,
    /// How long it took.
    pub seconds: f64,
}

/// Proves a case and verifies the proof.
///
/// # Errors
/// What went wrong: nothing should.
pub fn prove(case: &Case, setup: &Setup) -> Result<Proved, String> {
    contained(|| case.prove(setup)).unwrap_or_else(Err)
}

/// The setup that [`prove`] takes, of a small case.
pub fn setup() -> Setup {
    Setup::insecure(ROW).expect("in range")
}

impl Case {
    /// Compiles a model with its own input as the sample.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn compile(model: &[u8], tensors: &Tensors, max_error: f64) -> Result<Self, String> {
        // Those without entries are constants.
        let filled = |tensor: &&TensorData| !tensor.shape.contains(&0);
        let inputs: Vec<ArrayD<f64>> = tensors.inputs.iter().filter(filled).map(array).collect();
        let input_shapes = tensors.inputs.iter().map(|t| t.shape.clone()).collect();
        let model = model_bytes(model, &ImportOptions { input_shapes, ..ImportOptions::default() }).map_err(text)?;
        let options = Options { max_error, ..Options::default() };
        let compiled = compile_model(&model, std::slice::from_ref(&inputs), &options).map_err(text)?;
        let quantise =
            |(port, values): (&Port, &ArrayD<f64>)| port.quantise(&values.iter().copied().collect::<Vec<_>>()).map_err(text);
        let integers = compiled.inputs.iter().zip(&inputs).map(quantise).collect::<Result<_, _>>()?;
        Ok(Self { compiled, integers, expected: tensors.outputs.iter().filter(filled).cloned().collect() })
    }

    fn error(&self) -> Result<Fate, String> {
        Ok(self.compare(&self.compiled.outputs, &self.run()?))
    }

    fn run(&self) -> Result<Vec<Vec<i64>>, String> {
        let Compiled { program, weights, .. } = &self.compiled;
        let trace = execute(program, weights, &self.integers).map_err(text)?;
        Ok(program.outputs.iter().map(|&id| trace.values(program, id).to_vec()).collect())
    }

    /// How far off the worst entry of reals is, relative to the largest of its output, and how many integers and booleans are others.
    ///
    /// # Errors
    /// Why the program does not run.
    pub fn off(&self) -> Result<(f64, usize), String> {
        let (mut worst, mut others) = (0f64, 0);
        for ((port, got), expected) in self.compiled.outputs.iter().zip(self.run()?).zip(&self.expected) {
            let (got, real, expected) = (port.dequantise(&got), is_real(expected), expected.values.to_f64());
            let largest = expected.iter().fold(f64::MIN_POSITIVE, |most, v| most.max(v.abs()));
            let off = got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs());
            match real {
                true => worst = off.fold(worst, |worst, off| worst.max(off / largest)),
                false => others += off.filter(|&off| off != 0.0).count(),
            }
        }
        Ok((worst, others))
    }

    /// A setup for this program, with few rows.
    pub fn setup(&self) -> Setup {
        let entries: usize = self.compiled.program.tensors.iter().map(|t| t.shape.len()).sum();
        Setup::insecure(entries.max(1).ilog2().saturating_sub(6).clamp(ROW, LONGEST)).expect("in range")
    }

    fn compare(&self, ports: &[Port], outputs: &[impl AsRef<[i64]>]) -> Fate {
        if ports.len() != self.expected.len() {
            return Fate::Wrong(format!("{} outputs instead of {}", ports.len(), self.expected.len()));
        }
        let mut worst = 0f64;
        for ((port, got), expected) in ports.iter().zip(outputs).zip(&self.expected) {
            let (name, got) = (&port.name, port.dequantise(got.as_ref()));
            if port.shape != expected.shape {
                return Fate::Wrong(format!("`{name}` has the shape {:?} instead of {:?}", port.shape, expected.shape));
            }
            let real = is_real(expected);
            let expected = expected.values.to_f64();
            let largest = expected.iter().fold(0f64, |most, v| most.max(v.abs()));
            for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
                let off = if got == expected { 0.0 } else { (got - expected).abs() / largest.max(f64::MIN_POSITIVE) };
                // Not a number is not less than anything.
                let holds = if real { off <= ENOUGH } else { off == 0.0 };
                if !holds {
                    return Fate::Wrong(format!("`{name}` entry {at} is {got} instead of {expected}"));
                }
                worst = worst.max(off);
            }
        }
        Fate::Right(worst)
    }

    fn prove(&self, setup: &Setup) -> Result<Proved, String> {
        let Compiled { program, weights, inputs, outputs, .. } = self.compiled.clone();
        let port = |p: &Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
        let ports = [&inputs, &outputs].map(|ports| ports.iter().map(port).collect());
        let mut randomness = Randomness::from_os().map_err(text)?;
        let (proving, verifying) =
            keygen(program, weights, setup, setup.generators.columns().ilog2(), ports, &mut randomness).map_err(text)?;
        let start = Instant::now();
        let proved = Prover::new(&proving, &verifying, randomness).prove(&self.integers).map_err(text)?;
        let seconds = start.elapsed().as_secs_f64();
        match verify(&verifying, &proved.proof, None) {
            Ok(Verdict::Accepted) => {}
            other => return Err(format!("{other:?}")),
        }
        if self.run()? != proved.outputs {
            return Err("the proof has other outputs than the run".to_owned());
        }
        let bytes = proved.proof.to_bytes().map_err(text)?.len();
        Ok(Proved { bytes, seconds })
    }
}

fn is_real(tensor: &TensorData) -> bool {
    matches!(tensor.element, ElementType::F32 | ElementType::F64 | ElementType::F16)
}

fn array(tensor: &TensorData) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(&tensor.shape), tensor.values.to_f64()).expect("the values are the shape's")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}

fn contained<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default()
    })
}
