//! A proof that is being verified.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;
use zktorch_accumulator::setup::Generators;
use zktorch_verdict::generators::{Needed, needed};
use zktorch_verdict::{Case, Demands, Model, Requirement, Timing, Undecided, error_json};
use zktorch_verifier::Verdict;

/// The phase that a verdict's `seconds` are about.
const PROOF: &str = "proof";
/// As the command line calls them.
const PHASES: [&str; 4] = ["reading", "generators", PROOF, "model proof"];

/// A key and a proof, and what is known of them so far.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
pub struct Verification {
    case: Case,
    needed: Option<Needed>,
    generators: Option<Generators>,
    seed: Option<String>,
    require: Vec<Requirement>,
    verdict: Option<Verdict>,
    model: Model,
}

fn undecided(why: &Undecided) -> String {
    why.json().to_string()
}

/// A call that makes no sense where it stands.
fn misused(what: &str) -> String {
    error_json(what, None, 2).to_string()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Verification {
    /// Reads the files of a key and of a proof. `require` is a list of requirements by their names, separated by commas.
    ///
    /// # Errors
    /// JSON, if a file is none of these or damaged, the key's setup asks for too much, or a requirement is none.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen(constructor))]
    pub fn new(key: &[u8], proof: &[u8], seed: Option<String>, require: &str) -> Result<Self, String> {
        let named = |word| Requirement::named(word).ok_or_else(|| misused(&format!("`{word}` is no requirement")));
        let require = require.split(',').filter(|word| !word.is_empty()).map(named).collect::<Result<Vec<_>, _>>()?;
        let case = Case::read(key, proof).map_err(|e| undecided(&e))?;
        let needed = needed(&case.key.setup).map_err(|e| undecided(&e))?;
        Ok(Self { case, needed, generators: None, seed, require, verdict: None, model: Model::unneeded() })
    }

    /// How many generators must be hashed before the proof can be decided: none but for a transparent setup.
    pub fn generators(&self) -> usize {
        self.needed.map_or(0, |needed| needed.columns)
    }

    /// Takes generators that were derived before, and says whether they are the ones that are needed.
    pub fn recall(&mut self, kept: &[u8]) -> bool {
        self.generators = self.needed.and_then(|needed| needed.read(kept));
        self.generators.is_some()
    }

    /// Hashes the generators, which takes seconds, and returns them to be kept.
    ///
    /// # Errors
    /// JSON, if the key names others.
    pub fn derive(&mut self) -> Result<Vec<u8>, String> {
        let Some(needed) = self.needed else { return Ok(Vec::new()) };
        let derived = needed.derive().map_err(|e| undecided(&e))?;
        let bytes = derived.to_bytes();
        self.generators = Some(derived);
        Ok(bytes)
    }

    /// Decides the proof; whether it holds.
    ///
    /// # Errors
    /// JSON, if the key cannot be used, or a seed is missing or given for nothing.
    pub fn decide(&mut self) -> Result<bool, String> {
        let verdict = self.case.decide(self.generators.as_ref(), self.seed.as_deref()).map_err(|e| undecided(&e))?;
        let holds = verdict == Verdict::Accepted;
        self.verdict = Some(verdict);
        Ok(holds)
    }

    /// Checks the proof about the weights, if there is one.
    ///
    /// # Errors
    /// JSON, if it is none, or one of another model.
    pub fn model(&mut self, proof: Option<Box<[u8]>>) -> Result<(), String> {
        let model = self.case.model(proof.as_deref(), "model.proof", self.generators.as_ref());
        self.model = model.map_err(|e| undecided(&e))?;
        Ok(())
    }

    /// The verdict as JSON. The proof is called by `name`; `times` are the seconds that reading, generators, the proof and the model proof took.
    ///
    /// # Errors
    /// JSON, if nothing was decided before.
    pub fn conclude(&self, name: &str, times: &[f64]) -> Result<String, String> {
        let verdict = self.verdict.as_ref().ok_or_else(|| misused("nothing was decided"))?;
        let demands = Demands { seed: self.seed.as_deref(), require: &self.require, ..Demands::default() };
        let phases: Vec<(&str, f64)> = PHASES.into_iter().zip(times.iter().copied()).collect();
        let seconds = phases.iter().find(|(name, _)| *name == PROOF).map_or(0.0, |(_, seconds)| *seconds);
        let timing = Timing { seconds, total_seconds: times.iter().sum(), phases };
        Ok(self.case.conclude(name, verdict, &self.model, &demands).timed(timing).json().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_undecided() {
        let error = |key: &[u8], require| Verification::new(key, b"", None, require).err().unwrap();
        let what = "cannot read the verifying key: not a zktorch file: it does not begin with `zktrch`";
        assert_eq!(error(b"", ""), error_json(what, None, 2).to_string());
        assert_eq!(error(b"", "model-proof,secure-setup"), error_json(what, None, 2).to_string());
        assert_eq!(error(b"", "kindness"), error_json("`kindness` is no requirement", None, 2).to_string());
    }
}
