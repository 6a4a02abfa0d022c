//! One case, compiled with its own input as the sample.

use std::panic::{AssertUnwindSafe, catch_unwind};

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
/// Rows of proofs have two to this many entries.
const ROW: u32 = 12;

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
    contained(|| match compile(&case.model, tensors) {
        Ok(case) => match case.error() {
            Ok(fate @ Fate::Right(_)) => (fate, Some(case)),
            Ok(fate) => (fate, None),
            Err(reason) => (Fate::Refused(reason), None),
        },
        Err(reason) => (Fate::Refused(reason), None),
    })
    .unwrap_or_else(|panic| (Fate::Panicked(panic), None))
}

/// Proves a case and verifies the proof.
///
/// # Errors
/// What went wrong: nothing should.
pub fn prove(case: &Case, setup: &Setup) -> Result<(), String> {
    contained(|| case.prove(setup)).unwrap_or_else(Err)
}

/// The setup that [`prove`] takes.
pub fn setup() -> Setup {
    Setup::insecure(ROW).expect("in range")
}

fn compile(model: &[u8], tensors: &Tensors) -> Result<Case, String> {
    let inputs: Vec<ArrayD<f64>> = tensors.inputs.iter().map(array).collect();
    let input_shapes = tensors.inputs.iter().map(|t| t.shape.clone()).collect();
    let model = model_bytes(model, &ImportOptions { input_shapes, ..ImportOptions::default() }).map_err(text)?;
    let options = Options { max_error: ENOUGH, ..Options::default() };
    let compiled = compile_model(&model, std::slice::from_ref(&inputs), &options).map_err(text)?;
    let quantise =
        |(port, values): (&Port, &ArrayD<f64>)| port.quantise(&values.iter().copied().collect::<Vec<_>>()).map_err(text);
    let integers = compiled.inputs.iter().zip(&inputs).map(quantise).collect::<Result<_, _>>()?;
    Ok(Case { compiled, integers, expected: tensors.outputs.clone() })
}

impl Case {
    fn error(&self) -> Result<Fate, String> {
        let Compiled { program, weights, outputs, .. } = &self.compiled;
        let trace = execute(program, weights, &self.integers).map_err(text)?;
        let values: Vec<_> = program.outputs.iter().map(|&id| trace.values(program, id)).collect();
        Ok(self.compare(outputs, &values))
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
            let real = matches!(expected.element, ElementType::F32 | ElementType::F64 | ElementType::F16);
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

    fn prove(&self, setup: &Setup) -> Result<(), String> {
        let Compiled { program, weights, inputs, outputs, .. } = self.compiled.clone();
        let port = |p: &Port| KeyPort { name: p.name.clone(), shape: p.shape.clone(), element: p.element };
        let ports = [&inputs, &outputs].map(|ports| ports.iter().map(port).collect());
        let mut randomness = Randomness::from_os().map_err(text)?;
        let (proving, verifying) = keygen(program, weights, setup, ROW, ports, &mut randomness).map_err(text)?;
        let proved = Prover::new(&proving, &verifying, randomness).prove(&self.integers).map_err(text)?;
        match verify(&verifying, &proved.proof, None) {
            Ok(Verdict::Accepted) => {}
            other => return Err(format!("{other:?}")),
        }
        match self.compare(&outputs, &proved.outputs) {
            Fate::Right(_) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    }
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
