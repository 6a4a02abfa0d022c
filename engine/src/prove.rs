//! Inference, and a proof of it.

use crate::binding::{Binding, Bound, Committed, private};
use crate::commit::entropy;
use crate::failure::{Failure, Kind};
use crate::given::Given;
use crate::input::tensors;
use crate::model::Model;
use crate::refusals::run_failure;
use crate::run::phases_json;
use crate::text::{Asked, read_input, words_of};
use crate::watch::{Phases, Watch, guarded};
use serde_json::{Value, json};
use zktorch_blocks::port::Port;
use zktorch_blocks::program::TensorId;
use zktorch_prover::binding::{Opened, Opening};
use zktorch_prover::{ProveError, Prover};
use zktorch_verdict::{Tensor, show, texts};
use zktorch_verifier::codec::DecodeError;
use zktorch_verifier::commitment::{Commitment, Committed as CommittedTensor};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify, verify_drawn};

/// What a proof is to be about.
#[derive(Clone)]
pub struct ProveOptions {
    /// The input; not needed if all inputs are bound.
    pub input: Option<Given>,
    /// What is asked of a text.
    pub asked: Asked,
    /// Commitments to private inputs that the proof shall be about.
    pub bind: Vec<Binding>,
    /// Whether the proof is verified before it is handed out.
    pub check: bool,
    /// **For tests**: makes the same proof each time, which hides nothing and says so.
    pub test_seed: Option<u64>,
}

impl Default for ProveOptions {
    fn default() -> Self {
        Self { input: None, asked: Asked::default(), bind: Vec::new(), check: true, test_seed: None }
    }
}

/// A proof, and what it is about.
pub struct Proved {
    /// The proof.
    pub proof: Proof,
    /// All inputs, private ones too.
    pub inputs: Vec<Tensor>,
    /// All outputs, private ones too.
    pub outputs: Vec<Tensor>,
    /// Commitments to private inputs and outputs, for other proofs to be bound to; none if all are public.
    pub committed: Option<Committed>,
    /// What ids among inputs and outputs say, by their names.
    pub texts: Vec<(String, String)>,
    /// Seconds by phases.
    pub phases: Vec<(&'static str, f64)>,
    /// Seconds of all of it.
    pub seconds: f64,
    /// Bytes of the proof's file.
    pub file_bytes: usize,
}

impl Model {
    /// Whether an input or an output is private.
    pub fn is_private(&self) -> bool {
        self.file.program.bound().next().is_some()
    }

    /// Runs the model and proves the outputs.
    ///
    /// # Errors
    /// If the input does not fit the model, or is not what a commitment says.
    pub fn prove(&self, options: &ProveOptions, watch: &mut dyn Watch) -> Result<Proved, Failure> {
        guarded(|| self.prove_watched(options, &mut Phases::new(watch)))
    }

    fn prove_watched(&self, options: &ProveOptions, phases: &mut Phases<'_>) -> Result<Proved, Failure> {
        let Self { file, proving, verifying, .. } = self;
        phases.begin("input");
        let bound = Bound::of(&options.bind, file, proving, verifying)?;
        let seed = options.asked.seed.as_deref();
        let integers = self.inputs_of(options, &bound, phases)?;
        let randomness =
            entropy(options.test_seed).randomness().map_err(|e| Failure::internal(format!("no randomness: {e}")))?;
        let prover = Prover::new(proving, verifying, randomness).bound(&bound.blinders);
        let proved = prover.progress(|stage| phases.begin(stage.name())).prove(&integers).map_err(prove_failure)?;
        if options.check {
            phases.begin("check");
            self.check(&proved.proof, seed)?;
        }
        let committed = self.is_private().then(|| self.committed(&proved, &integers));
        let file_bytes = encoded(&proved.proof)?.len();
        let (inputs, outputs) = (tensors(&file.inputs, &integers), tensors(&file.outputs, &proved.outputs));
        let shown = [inputs.as_slice(), outputs.as_slice()].concat();
        let texts = options.asked.tokenizer.as_ref().map(|tokenizer| tokenizer.texts(&shown)).unwrap_or_default();
        let (seconds, phases) = (phases.seconds(), phases.finish());
        Ok(Proved { proof: proved.proof, inputs, outputs, committed, texts, phases, seconds, file_bytes })
    }

    /// Verifies a proof before anybody has it.
    fn check(&self, proof: &Proof, seed: Option<&str>) -> Result<(), Failure> {
        let refused = |why: &dyn std::fmt::Display| {
            Failure::new(Kind::Mismatch, format!("the proof does not verify, and is not written: {why}")).hint(
                "are proving.key and verifying.key as `zktorch compile` made them, together? If they are, this is a defect of zktorch",
            )
        };
        let generators = Some(&self.proving.generators);
        let verdict = match seed {
            None => verify(&self.verifying, proof, generators),
            Some(seed) => verify_drawn(&self.verifying, proof, generators, seed.as_bytes()),
        };
        match verdict.map_err(|e| refused(&e))? {
            Verdict::Accepted => Ok(()),
            Verdict::Rejected(reason) => Err(refused(&reason)),
        }
    }

    /// Integers of all inputs: the bound ones from their openings, the others as they are given, which must not contradict.
    fn inputs_of(&self, options: &ProveOptions, bound: &Bound, phases: &mut Phases<'_>) -> Result<Vec<Vec<i64>>, Failure> {
        let file = &self.file;
        let seed = words_of(file, options.asked.seed.as_deref(), || crate::folder::digest_of(&self.verifying))?;
        let Some(input) = &options.input else {
            let all: Option<Vec<Vec<i64>>> = (0..file.inputs.len()).map(|n| bound.values.get(&n).cloned()).collect();
            return all.ok_or_else(|| Failure::usage("not all inputs are bound").hint("give the others with --input FILE"));
        };
        let given = read_input(input, file, &self.proving.weights, (&options.asked, seed), phases)?;
        for (n, values) in &bound.values {
            if given.get(*n) != Some(values) {
                let name = &file.inputs[*n].name;
                return Err(input
                    .unfit(format!("its input `{name}` is not the committed one"))
                    .hint("leave --input out to take the inputs from the openings"));
            }
        }
        Ok(given)
    }

    /// The private inputs and outputs of a proof, for other proofs to be bound to.
    fn committed(&self, proved: &zktorch_prover::Proved, inputs: &[Vec<i64>]) -> Committed {
        let (file, key) = (&self.file, &self.verifying);
        let inputs = private(file, &file.program.inputs, &file.inputs).map(|(n, id, port)| (id, port, &inputs[n]));
        let outputs =
            private(file, &file.program.outputs, &file.outputs).map(|(n, id, port)| (id, port, &proved.outputs[n]));
        let tensor = |(id, port, values): (TensorId, &Port, &Vec<i64>)| {
            let committed = CommittedTensor::of(key, &proved.proof, id, &port.name)?;
            Some((committed, Opened::new(values.clone(), proved.blinders.get(&id)?)))
        };
        let (tensors, openings) = inputs.chain(outputs).filter_map(tensor).unzip();
        Committed { commitment: Commitment { setup: key.setup.clone(), tensors }, opening: Opening { tensors: openings } }
    }
}

/// Why there is no proof.
fn prove_failure(error: ProveError) -> Failure {
    match error {
        ProveError::Execute(error) => run_failure(error),
        ProveError::Inconsistent { .. } => Failure::internal(format!("internal error: {error}"))
            .hint("this is a defect of zktorch; please report it with the model"),
        ProveError::Foreign => Failure::new(Kind::Mismatch, format!("no proof: {error}")),
        other => Failure::internal(format!("no proof: {other}")),
    }
}

fn encoded(proof: &Proof) -> Result<Vec<u8>, Failure> {
    proof.to_bytes().map_err(|e: DecodeError| Failure::internal(format!("the proof does not encode: {e}")))
}

impl Proved {
    /// The bytes of the proof's file.
    ///
    /// # Errors
    /// If it cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        encoded(&self.proof)
    }

    /// For people, of a proof that is called by a name.
    pub fn text(&self, name: &str) -> String {
        let mut text: String = self.outputs.iter().map(|t| t.text() + "\n").collect();
        text.extend(texts::lines(&self.texts).into_iter().map(|(_, line)| line + "\n"));
        let shown: Vec<String> = self.phases.iter().map(|(name, s)| format!("{name} {}", show::seconds(*s))).collect();
        let (bytes, file) = (show::bytes(self.proof.bytes.len()), show::bytes(self.file_bytes));
        text.push_str(&show::lines(&[
            ("proof", format!("{name} ({bytes}, with public values {file})")),
            ("time", format!("{} ({})", show::seconds(self.seconds), shown.join(", "))),
        ]));
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "outputs": Tensor::list(&self.outputs),
            "texts": texts::to_json(&self.texts),
            "proof_bytes": self.proof.bytes.len(),
            "file_bytes": self.file_bytes,
            "seconds": self.seconds,
            "threads": rayon::current_num_threads(),
            "phases": phases_json(&self.phases),
        })
    }
}
