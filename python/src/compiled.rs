//! Compiling, and compiled models.

use crate::failure::{exception, input, internal};
use crate::files::committed;
use crate::values::{Crossing, Shown, arrays, blob, bytes_of, shown};
use crate::work::{Cancel, Terms, run, warn};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use zktorch_blocks::port::Port;
use zktorch_blocks::program::{Role, TensorId, Visibility};
use zktorch_engine::{Array, Asked, Binding, Blob, CompileOptions, Destination, Given, Model, ProveOptions, Watch, guarded};

/// What the caller chooses about a program: `zktorch.compile` says what each means.
#[pyclass(frozen, module = "zktorch._native")]
pub struct Options(CompileOptions);

/// An option that is said in a word of the command line's.
fn word<T: FromStr<Err: std::fmt::Display>>(py: Python<'_>, name: &str, text: &str) -> PyResult<T> {
    text.parse().map_err(|why| input(py, &format!("{name}=\"{text}\": {why}")))
}

#[pymethods]
impl Options {
    #[new]
    #[pyo3(signature = (*, private_input, private_output, bits, max_error, setup, task, new_tokens, temperature, target_kl, input_like,
        input_shapes, weights_of, model_proof, seed))]
    #[expect(clippy::too_many_arguments, reason = "all have names where it is called")]
    fn new(
        py: Python<'_>,
        private_input: bool,
        private_output: bool,
        bits: Option<u32>,
        max_error: Option<f64>,
        setup: &str,
        task: &str,
        new_tokens: Option<usize>,
        temperature: Option<f64>,
        target_kl: Option<f64>,
        input_like: Option<Vec<u8>>,
        input_shapes: Vec<Vec<usize>>,
        weights_of: Option<PathBuf>,
        model_proof: bool,
        seed: Option<u64>,
    ) -> PyResult<Self> {
        let visibility = |private| if private { Visibility::Private } else { Visibility::Public };
        let default = CompileOptions::default();
        Ok(Self(CompileOptions {
            calibrate: Vec::new(),
            task: word(py, "task", task)?,
            new_tokens,
            temperature: temperature.map(|t| word(py, "temperature", &t.to_string())).transpose()?,
            bits,
            max_error: max_error.unwrap_or(default.max_error),
            target_kl: target_kl.unwrap_or(default.target_kl),
            input: visibility(private_input),
            output: visibility(private_output),
            input_like: input_like.map(|bytes| Blob::Bytes { name: "input_like".into(), bytes }),
            setup: word(py, "setup", setup)?,
            weights_of,
            model_proof,
            input_shapes,
            test_seed: seed,
        }))
    }
}

/// A compiled model with its keys.
#[pyclass(frozen, module = "zktorch._native")]
pub struct Compiled {
    model: Arc<Model>,
    /// What the compiler found out, for people; none of a model that was read from a folder.
    text: Option<String>,
}

/// A proof, and what was proved.
#[pyclass(frozen, get_all, module = "zktorch._native")]
pub struct Proved {
    /// The file.
    proof: Py<PyBytes>,
    /// All outputs.
    outputs: Vec<Shown>,
    /// Public inputs.
    inputs: Vec<Shown>,
    /// Commitment and opening of private inputs and outputs.
    kept: Option<(Py<PyBytes>, Py<PyBytes>)>,
    /// What it took.
    seconds: f64,
    /// The same by phases.
    phases: Vec<(String, f64)>,
}

/// One of several samples, which stand in front.
fn sample(all: &[Array], n: usize, count: usize) -> Vec<Array> {
    let one = |array: &Array| {
        let len = array.values.len() / count.max(1);
        Array {
            shape: array.shape.get(1..).unwrap_or_default().to_vec(),
            values: array.values[n * len..(n + 1) * len].to_vec(),
        }
    };
    all.iter().map(one).collect()
}

/// Watches one run of many: what is said of each by itself is not told, but warnings.
struct Inner<'w>(&'w mut dyn Watch);

impl Watch for Inner<'_> {
    fn warn(&mut self, what: &str) {
        self.0.warn(what);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// A description of an input or output, for `Port` of `_ports.py`.
fn described<'py>(py: Python<'py>, port: &Port, private: bool) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    let [low, high] = port.limits(0);
    found.set_item("name", &port.name)?;
    found.set_item("shape", &port.shape)?;
    found.set_item("element", port.element.name())?;
    found.set_item("private", private)?;
    found.set_item("low", low)?;
    found.set_item("high", high)?;
    found.set_item("step", port.step(0))?;
    Ok(found)
}

impl Compiled {
    /// Whether a proof hides a tensor.
    fn is_private(&self, id: TensorId) -> bool {
        self.model.verifying_key().program.tensors.get(id).is_some_and(|t| t.role() == Role::Witness)
    }
}

#[pymethods]
impl Compiled {
    /// Compiles a file, which errors call `name` if the caller has no file.
    #[staticmethod]
    fn compile(
        py: Python<'_>,
        path: PathBuf,
        name: Option<String>,
        files: Vec<PathBuf>,
        samples: Vec<Crossing>,
        options: &Options,
        tell: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let model = blob(py, path, name)?;
        let mut options = options.0.clone();
        options.calibrate = files.into_iter().map(Given::File).collect();
        if !samples.is_empty() {
            options.calibrate.push(Given::Arrays(arrays(py, samples)?));
        }
        let terms = Terms { tell, ..Terms::default() };
        let made = run(py, terms, move |watch| zktorch_engine::compile(&model, &options, watch))?;
        made.warnings().iter().try_for_each(|what| warn(py, what))?;
        Ok(Self { text: Some(made.report().to_string()), model: Arc::new(made.model) })
    }

    /// Reads a folder.
    #[staticmethod]
    fn load(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        let model = run(py, Terms::default(), move |_| guarded(|| Model::read(&folder)))?;
        Ok(Self { model: Arc::new(model), text: None })
    }

    /// Writes the five files of a folder.
    fn save(&self, py: Python<'_>, folder: PathBuf, force: bool) -> PyResult<()> {
        let model = self.model.clone();
        run(py, Terms::default(), move |_| guarded(|| model.write(Destination::new(&folder, force)?))).map(drop)
    }

    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let model = &self.model;
        let private = model.verifying_key().program.inputs.iter().map(|&id| self.is_private(id));
        model.inputs().iter().zip(private).map(|(port, private)| described(py, port, private)).collect()
    }

    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let model = &self.model;
        let private = model.verifying_key().program.outputs.iter().map(|&id| self.is_private(id));
        model.outputs().iter().zip(private).map(|(port, private)| described(py, port, private)).collect()
    }

    /// `report.json`.
    fn report<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.model.report_json().map(|bytes| PyBytes::new(py, bytes))
    }

    fn report_text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn verifying_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.model.verifying_key().to_bytes().map_err(|e| internal(py, &e.to_string()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn model_proof<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.model.model_proof().map(|bytes| PyBytes::new(py, bytes))
    }

    /// Outputs of one sample.
    fn run(
        &self,
        py: Python<'_>,
        inputs: Vec<Crossing>,
        generate: Option<usize>,
        seed: Option<String>,
    ) -> PyResult<Vec<Shown>> {
        let (model, given) = (self.model.clone(), Given::Arrays(arrays(py, inputs)?));
        let asked = Asked { generate, seed, tokenizer: None };
        let ran = run(py, Terms::default(), move |watch| model.runnable().run(&given, &asked, watch))?;
        Ok(shown(py, &ran.outputs))
    }

    /// Outputs of several samples, which stand in front: floats, also of integers.
    fn run_batch<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        inputs: Vec<Crossing>,
        tell: Option<Py<PyAny>>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let (model, all) = (self.model.clone(), arrays(py, inputs)?);
        let terms = Terms { tell, ..Terms::default() };
        let outputs = run(py, terms, move |watch| {
            let runnable = model.runnable();
            let mut outputs = vec![Vec::new(); model.outputs().len()];
            for n in 0..count {
                watch.part(n as f64 / count as f64);
                let ran = runnable.run(&Given::Arrays(sample(&all, n, count)), &Asked::default(), &mut Inner(watch))?;
                outputs
                    .iter_mut()
                    .zip(&ran.outputs)
                    .for_each(|(all, own): (&mut Vec<u8>, _)| all.extend(bytes_of(&own.data())));
            }
            Ok(outputs)
        })?;
        Ok(outputs.iter().map(|bytes| PyBytes::new(py, bytes)).collect())
    }

    /// Proves one sample.
    #[expect(clippy::too_many_arguments, reason = "the package calls it in one place")]
    fn prove(
        &self,
        py: Python<'_>,
        inputs: Option<Vec<Crossing>>,
        bind: Vec<(String, Vec<u8>, Vec<u8>)>,
        generate: Option<usize>,
        seed: Option<String>,
        check: bool,
        threads: Option<usize>,
        insecure_seed: Option<u64>,
        tell: Option<Py<PyAny>>,
        cancel: Option<Cancel>,
    ) -> PyResult<Proved> {
        let model = self.model.clone();
        let input = inputs.map(|inputs| arrays(py, inputs).map(Given::Arrays)).transpose()?;
        let bind = bind
            .into_iter()
            .map(|(name, commitment, opening)| Binding::new(&name, committed(&name, &commitment, &opening)?));
        let bind = bind.collect::<Result<Vec<_>, _>>().map_err(|failure| exception(py, &failure))?;
        let asked = Asked { generate, seed, tokenizer: None };
        let options = ProveOptions { input, asked, bind, check, test_seed: insecure_seed };
        let terms = Terms { tell, cancel: cancel.unwrap_or_default(), threads };
        let (made, bytes, kept) = run(py, terms, move |watch| {
            let made = model.prove(&options, watch)?;
            let bytes = made.to_bytes()?;
            let kept = made.committed.as_ref().map(|kept| kept.to_bytes()).transpose()?;
            Ok((made, bytes, kept))
        })?;
        let python = |bytes: &[u8]| PyBytes::new(py, bytes).unbind();
        Ok(Proved {
            proof: python(&bytes),
            outputs: shown(py, &made.outputs),
            inputs: shown(py, &made.inputs),
            kept: kept.map(|[commitment, opening]| (python(&commitment), python(&opening))),
            seconds: made.seconds,
            phases: made.phases.iter().map(|(name, seconds)| ((*name).to_owned(), *seconds)).collect(),
        })
    }

    /// Commits to private inputs: commitment and opening.
    fn commit<'py>(
        &self,
        py: Python<'py>,
        inputs: Vec<Crossing>,
        insecure_seed: Option<u64>,
    ) -> PyResult<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)> {
        let (model, given) = (self.model.clone(), Given::Arrays(arrays(py, inputs)?));
        let work = move |watch: &mut dyn Watch| model.commit(&given, insecure_seed, watch)?.to_bytes();
        let [commitment, opening] = run(py, Terms::default(), work)?;
        Ok((PyBytes::new(py, &commitment), PyBytes::new(py, &opening)))
    }
}
