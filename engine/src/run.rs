//! Integer inference.

use crate::failure::Failure;
use crate::folder::{ProgramFile, digest_of};
use crate::given::Given;
use crate::input::tensors;
use crate::refusals::run_failure;
use crate::text::{Asked, read_input, words_of};
use crate::watch::{Phases, Watch, guarded};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::Path;
use zktorch_blocks::execute::{Weights, execute};
use zktorch_verdict::{Tensor, texts};
use zktorch_verifier::key::VerifyingKey;

/// What it takes to run a compiled model: no keys but where it draws tokens.
pub struct Runnable<'m> {
    file: Cow<'m, ProgramFile>,
    weights: Cow<'m, Weights>,
    key: Key<'m>,
}

/// Where the verifying key is.
enum Key<'m> {
    Here(&'m VerifyingKey),
    In(&'m Path),
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What went in.
    pub inputs: Vec<Tensor>,
    /// What came out.
    pub outputs: Vec<Tensor>,
    /// What ids among them say, by their names.
    pub texts: Vec<(String, String)>,
    /// Seconds of the run alone.
    pub seconds: f64,
    /// Seconds by phases.
    pub phases: Vec<(&'static str, f64)>,
}

impl<'m> Runnable<'m> {
    pub(crate) fn of(file: &'m ProgramFile, weights: &'m Weights, key: &'m VerifyingKey) -> Self {
        Self { file: Cow::Borrowed(file), weights: Cow::Borrowed(weights), key: Key::Here(key) }
    }

    /// Reads a folder that was made by compiling: the program and the weights.
    ///
    /// # Errors
    /// If files are missing, damaged or of different compilations.
    pub fn read(dir: &'m Path) -> Result<Self, Failure> {
        let file = ProgramFile::read(dir)?;
        let weights = file.weights(dir)?;
        Ok(Self { file: Cow::Owned(file), weights: Cow::Owned(weights), key: Key::In(dir) })
    }

    /// Runs one sample.
    ///
    /// # Errors
    /// If the input does not fit the model, or leaves its ranges on the way.
    pub fn run(&self, given: &Given, asked: &Asked, watch: &mut dyn Watch) -> Result<Ran, Failure> {
        guarded(|| self.run_watched(given, asked, &mut Phases::new(watch)))
    }

    /// The program, with its ports.
    pub(crate) fn file(&self) -> &ProgramFile {
        &self.file
    }

    /// The weights.
    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    fn run_watched(&self, given: &Given, asked: &Asked, phases: &mut Phases<'_>) -> Result<Ran, Failure> {
        let (file, weights) = (&*self.file, &*self.weights);
        phases.begin("reading the input");
        let seed = words_of(file, asked.seed.as_deref(), || match &self.key {
            Key::Here(key) => digest_of(key),
            Key::In(dir) => digest_of(&file.verifying_key(dir)?),
        })?;
        let integers = read_input(given, file, weights, (asked, seed), phases)?;
        self.execute(&integers, asked, phases)
    }

    /// Runs integers that fit.
    pub(crate) fn execute(&self, integers: &[Vec<i64>], asked: &Asked, phases: &mut Phases<'_>) -> Result<Ran, Failure> {
        let (file, weights) = (&*self.file, &*self.weights);
        phases.begin("running");
        let start = phases.seconds();
        let trace = execute(&file.program, weights, integers).map_err(run_failure)?;
        let seconds = phases.seconds() - start;
        let values: Vec<Vec<i64>> =
            file.program.outputs.iter().map(|&id| trace.values(&file.program, id).to_vec()).collect();
        let (inputs, outputs) = (tensors(&file.inputs, integers), tensors(&file.outputs, &values));
        let shown = [inputs.as_slice(), outputs.as_slice()].concat();
        let texts = asked.tokenizer.as_ref().map(|tokenizer| tokenizer.texts(&shown)).unwrap_or_default();
        Ok(Ran { inputs, outputs, texts, seconds, phases: phases.finish() })
    }
}

impl Ran {
    /// For people.
    pub fn text(&self) -> String {
        let lines = self.outputs.iter().map(Tensor::text);
        lines.chain(texts::lines(&self.texts).into_iter().map(|(_, line)| line)).collect::<Vec<_>>().join("\n")
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "outputs": Tensor::list(&self.outputs),
            "texts": texts::to_json(&self.texts),
            "seconds": self.seconds,
            "phases": phases_json(&self.phases),
        })
    }
}

/// Phases and their seconds.
pub(crate) fn phases_json(phases: &[(&'static str, f64)]) -> Value {
    phases.iter().map(|(name, seconds)| json!({ "name": name, "seconds": seconds })).collect()
}
