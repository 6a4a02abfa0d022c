//! Many samples at once, and how many of them a model gets right.

use crate::failure::{Failure, Kind};
use crate::given::{Given, specs};
use crate::input::{of_sample, quantise};
use crate::refusals::run_failure;
use crate::run::{Ran, Runnable, phases_json};
use crate::text::{Asked, is_about_texts};
use crate::watch::{Phases, Watch, guarded};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use zktorch_blocks::execute::execute;
use zktorch_blocks::port::Port;
use zktorch_blocks::program::Element;
use zktorch_compiler::inputs::{Array, Sample, to_npz};
use zktorch_formats::npy;
use zktorch_verdict::show;

/// What came of all samples.
#[derive(Clone, Debug)]
pub struct Batch {
    /// How many there were.
    pub samples: usize,
    /// One an output, with the samples along the first axis.
    pub outputs: Vec<Stacked>,
    /// Seconds of the runs alone.
    pub seconds: f64,
    /// Seconds by phases.
    pub phases: Vec<(&'static str, f64)>,
}

/// An output of all samples.
#[derive(Clone, Debug)]
pub struct Stacked {
    /// The ONNX name.
    pub name: String,
    /// What its entries are.
    pub element: Element,
    /// The samples stand in for a first axis of extent 1, or along one more axis in front.
    pub array: Array,
}

/// What came of an input: of one sample, or of several.
#[derive(Clone, Debug)]
pub enum Outputs {
    /// One.
    One(Box<Ran>),
    /// Several.
    All(Batch),
}

/// How many samples a model gets right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accuracy {
    /// Samples whose label it gives.
    pub correct: usize,
    /// The label that it gives to each.
    pub predicted: Vec<i64>,
    /// The output that was looked at, and how.
    pub by: String,
}

impl Runnable<'_> {
    /// Runs what is given, be it one sample or several.
    ///
    /// # Errors
    /// If a sample does not fit the model, or leaves its ranges on the way.
    pub fn run_given(&self, given: &Given, asked: &Asked, watch: &mut dyn Watch) -> Result<Outputs, Failure> {
        // A text is one sample, whatever its length.
        if is_about_texts(self.file()) || asked.seed.is_some() || asked.generate.is_some() {
            return Ok(Outputs::One(Box::new(self.run(given, asked, watch)?)));
        }
        guarded(|| {
            let mut phases = Phases::new(watch);
            phases.begin("reading the input");
            let ports = &self.file().inputs;
            let samples = given.samples(&specs(ports))?;
            if let [sample] = samples.as_slice() {
                let integers = of_sample(given, sample, ports, &mut phases)?;
                return Ok(Outputs::One(Box::new(self.execute(&integers, asked, &mut phases)?)));
            }
            self.run_samples(given, &samples, &mut phases).map(Outputs::All)
        })
    }

    fn run_samples(&self, given: &Given, samples: &[Sample], phases: &mut Phases<'_>) -> Result<Batch, Failure> {
        let (file, weights) = (self.file(), self.weights());
        phases.begin("running");
        let start = phases.seconds();
        let one = |(number, sample): (usize, &Sample)| {
            let at = |failure: Failure| failure.at(&format!("sample {number}"));
            let integers = quantise(&file.inputs, sample).map_err(|e| at(given.unfit(e)))?;
            let trace = execute(&file.program, weights, &integers).map_err(|e| at(run_failure(e)))?;
            let outputs = file.program.outputs.iter().zip(&file.outputs);
            Ok(outputs.map(|(&id, port)| port.dequantise(&trace.values(&file.program, id))).collect::<Vec<Vec<f64>>>())
        };
        let numbered: Vec<(usize, &Sample)> = samples.iter().enumerate().collect();
        let mut runs = Vec::with_capacity(samples.len());
        for some in numbered.chunks(rayon::current_num_threads().max(1)) {
            phases.part(runs.len() as f64 / samples.len() as f64);
            runs.extend(some.par_iter().map(|&numbered| one(numbered)).collect::<Result<Vec<_>, Failure>>()?);
        }
        let seconds = phases.seconds() - start;
        let stack = |(n, port): (usize, &Port)| {
            let values: Vec<f64> = runs.iter().flat_map(|outputs| outputs[n].iter().copied()).collect();
            let shape = match port.shape.as_slice() {
                [1, rest @ ..] => [&[samples.len()], rest].concat(),
                all => [&[samples.len()], all].concat(),
            };
            Stacked { name: port.name.clone(), element: port.element, array: Array { shape, values } }
        };
        let outputs = file.outputs.iter().enumerate().map(stack).collect();
        Ok(Batch { samples: samples.len(), outputs, seconds, phases: phases.finish() })
    }
}

/// Reads one label a sample: whole numbers of a `.npy`, of a JSON list, or of the lines of a text.
///
/// # Errors
/// If the file holds anything else.
pub fn read_labels(path: &Path) -> Result<Vec<i64>, Failure> {
    let unfit = |why: &dyn std::fmt::Display| Failure::file("use", path, why).of(Kind::Input);
    let bytes = crate::files::read(path)?;
    let numbers: Vec<f64> = match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
        "npy" => npy::parse(&bytes).map_err(|e| unfit(&e))?.values.to_f64(),
        "json" => serde_json::from_slice(&bytes).map_err(|e| unfit(&format!("expected a list of labels: {e}")))?,
        _ => {
            let text = String::from_utf8(bytes).map_err(|_| unfit(&"it is not UTF-8"))?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines
                .map(|line| line.parse().map_err(|_| unfit(&"expected one whole number a line")))
                .collect::<Result<_, _>>()?
        }
    };
    match numbers.iter().position(|n| n.fract() != 0.0 || n.abs() > 1e15) {
        Some(at) => Err(unfit(&format!("label {at} is no whole number"))),
        None => Ok(numbers.into_iter().map(|n| n as i64).collect()),
    }
}

impl Outputs {
    /// For people.
    pub fn text(&self) -> String {
        match self {
            Self::One(ran) => ran.text(),
            Self::All(batch) => batch.text(),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        match self {
            Self::One(ran) => ran.json(),
            Self::All(batch) => batch.json(),
        }
    }

    /// One array an output.
    pub fn arrays(&self) -> Vec<Stacked> {
        match self {
            Self::One(ran) => ran
                .outputs
                .iter()
                .map(|tensor| {
                    let array = Array { shape: tensor.shape.clone(), values: tensor.data() };
                    Stacked { name: tensor.name.clone(), element: tensor.element, array }
                })
                .collect(),
            Self::All(batch) => batch.outputs.clone(),
        }
    }

    /// How many samples there were.
    pub fn samples(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::All(batch) => batch.samples,
        }
    }

    /// The outputs as an input of another model: `{"input_data": [[..]]}`, one flat array an output.
    pub fn as_input(&self) -> Value {
        json!({ "input_data": self.arrays().into_iter().map(|stacked| stacked.array.values).collect::<Vec<_>>() })
    }

    /// The outputs as a file whose name ends so: `npy` for one output, `npz` for several, by their names, else JSON.
    ///
    /// # Errors
    /// If a `.npy` is to hold several outputs.
    pub fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let arrays = self.arrays();
        match path.extension().and_then(|e| e.to_str()).unwrap_or_default() {
            "npy" => match arrays.as_slice() {
                [one] => Ok(npy::write(&one.array.shape, &one.array.values)),
                several => {
                    let why = format!("the model has {} outputs, a .npy file holds one", several.len());
                    Err(Failure::file("write", path, why).of(Kind::Usage).hint("name a .npz or a .json file"))
                }
            },
            "npz" => {
                let named = arrays.iter().map(|stacked| (stacked.name.as_str(), &stacked.array));
                to_npz(named).map_err(|e| Failure::file("write", path, e))
            }
            _ => Ok(self.as_input().to_string().into_bytes()),
        }
    }

    /// Compares the outputs with labels: the place of the largest entry of the first output that has several an sample, or a whole number
    /// that a model gives itself.
    ///
    /// # Errors
    /// If there is no such output, or another number of labels.
    pub fn accuracy(&self, labels: &[i64]) -> Result<Accuracy, Failure> {
        let (arrays, samples) = (self.arrays(), self.samples());
        if labels.len() != samples {
            let (labels, samples) = (show::things(labels.len(), "label"), show::things(samples, "sample"));
            return Err(Failure::new(
                Kind::Input,
                format!("{labels} for {samples}: give one label a sample, in their order"),
            ));
        }
        let entries = |stacked: &Stacked| stacked.array.values.len() / samples.max(1);
        let own = |stacked: &&Stacked| stacked.element != Element::Real && entries(stacked) == 1;
        let scores = |stacked: &&Stacked| entries(stacked) > 1;
        let Some(output) = arrays.iter().find(own).or(arrays.iter().find(scores)) else {
            return Err(Failure::usage("no output is a label, or has a score for each label: --labels compares nothing")
                .hint("write the outputs with -o FILE.npy and compare them as your model means them"));
        };
        let (predicted, by): (Vec<i64>, String) = if entries(output) == 1 {
            (output.array.values.iter().map(|&v| v as i64).collect(), format!("output `{}`", output.name))
        } else {
            let largest = |scores: &[f64]| {
                let all = scores.iter().enumerate();
                all.fold((0, f64::NEG_INFINITY), |best, (n, &v)| if v > best.1 { (n as i64, v) } else { best }).0
            };
            let rows = output.array.values.chunks(entries(output)).map(largest).collect();
            (rows, format!("the largest entry of output `{}`", output.name))
        };
        let correct = predicted.iter().zip(labels).filter(|(own, label)| own == label).count();
        Ok(Accuracy { correct, predicted, by })
    }
}

impl Batch {
    fn text(&self) -> String {
        let one = |s: &Stacked| {
            let (name, shape) = (show::plain(&s.name), show::shape(&s.array.shape));
            ("output", format!("{name} [{shape}], the first axis are samples"))
        };
        let each = self.seconds / self.samples.max(1) as f64;
        let time = format!("{} ({} a sample)", show::seconds(self.seconds), show::seconds(each));
        let mut lines = vec![("samples", show::count(self.samples))];
        lines.extend(self.outputs.iter().map(one));
        lines.push(("time", time));
        show::lines(&lines)
    }

    fn json(&self) -> Value {
        let one = |s: &Stacked| json!({ "name": s.name, "shape": s.array.shape, "element": s.element.name(), "data": s.array.values });
        json!({
            "samples": self.samples,
            "outputs": self.outputs.iter().map(one).collect::<Vec<_>>(),
            "seconds": self.seconds,
            "phases": phases_json(&self.phases),
        })
    }
}

impl Accuracy {
    /// The part that is right.
    pub fn part(&self) -> f64 {
        self.correct as f64 / self.predicted.len().max(1) as f64
    }

    /// For people.
    pub fn text(&self) -> String {
        let part = format!(
            "{:.2} % ({} of {}), by {}",
            100.0 * self.part(),
            self.correct,
            self.predicted.len(),
            show::plain(&self.by)
        );
        show::lines(&[("accuracy", part)])
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "correct": self.correct, "of": self.predicted.len(), "part": self.part(), "by": self.by, "predicted": self.predicted })
    }
}
