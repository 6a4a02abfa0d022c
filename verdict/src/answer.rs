//! A verdict in words and numbers.

use crate::answered;
use crate::demands::Demands;
use crate::describe::{committed, soundness_bits};
use crate::model::Model;
use crate::show;
use crate::tensor::{Tensor, public};
use crate::texts;
use crate::ties::Bound;
use serde_json::{Map, Value, json};
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::digest::{KeyDigest, ModelDigest};
use zktorch_blocks::goal::{Goal, Temperature};
use zktorch_blocks::program::Program;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;

/// A verdict.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How the proof is called.
    pub name: String,
    /// What came out.
    pub outcome: Outcome,
    /// SHA-256 of the verifying key: to be compared with what its maker says.
    pub key_digest: KeyDigest,
    /// SHA-256 of the commitments to the weights: the model's name.
    pub model_digest: ModelDigest,
    /// What the key rests on.
    pub setup: VerifierSetup,
    /// Bytes of the proof alone.
    pub proof_bytes: usize,
    /// Bytes of its file, which has the public values too.
    pub file_bytes: usize,
    /// What it took, if the caller has a clock.
    pub timing: Option<Timing>,
}

/// What came out.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The proof shows all that was asked for.
    Accepted(Box<Shown>),
    /// It does not, for this reason.
    Rejected(String),
}

/// What a verification took, in seconds.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Of the proof alone.
    pub seconds: f64,
    /// From the first byte read.
    pub total_seconds: f64,
    /// By phases, in order.
    pub phases: Vec<(&'static str, f64)>,
}

/// What an accepted proof shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What the reader must know before trusting it.
    pub warning: Option<String>,
    /// What is known of the weights.
    pub model: Model,
    /// Whole bits of soundness, of proof and model proof together.
    pub soundness_bits: u32,
    /// Public inputs.
    pub inputs: Vec<Tensor>,
    /// Public outputs.
    pub outputs: Vec<Tensor>,
    /// What ids among them say, by their names.
    pub texts: Vec<(String, String)>,
    /// The first and the last of all tokens that are the model's and stand together.
    pub answered: Vec<[i64; 2]>,
    /// How tokens were drawn.
    pub drawn: Option<Drawn>,
    /// What the proof does not show.
    pub hidden: Vec<String>,
    /// Private inputs and outputs, by their commitments.
    pub commitments: Vec<Bound>,
    /// Which of them the commitments are that were asked for, in words.
    pub bound: Vec<String>,
    /// The known input that the public one is equal to.
    pub same_input: Option<String>,
    /// What was required and is so.
    pub required: Vec<&'static str>,
}

impl Shown {
    pub(crate) fn of(
        (key, proof): (&VerifyingKey, &Proof),
        model: &Model,
        (commitments, bound): (Vec<Bound>, Vec<String>),
        demands: &Demands<'_>,
    ) -> Self {
        let inputs = public(&key.program, &key.program.inputs, &key.inputs, proof);
        let outputs = public(&key.program, &key.program.outputs, &key.outputs, proof);
        let shown = [inputs.as_slice(), outputs.as_slice()].concat();
        Self {
            warning: warning(key, proof, model),
            model: model.clone(),
            soundness_bits: soundness_bits(key),
            texts: demands.decode.map(|decode| texts::texts(&shown, decode)).unwrap_or_default(),
            inputs,
            outputs,
            answered: answered::ranges(&key.program, &proof.statement),
            drawn: demands.seed.map(|seed| Drawn::by(seed, &key.program)),
            hidden: hidden(proof, &commitments),
            commitments,
            bound,
            same_input: demands.input.as_ref().map(|input| input.name().to_owned()),
            required: demands.require.iter().map(|r| r.word()).collect(),
        }
    }
}

fn hidden(proof: &Proof, commitments: &[Bound]) -> Vec<String> {
    if proof.seeded {
        return vec!["nothing".into()];
    }
    let port = |b: &Bound| format!("{} {} [{}]", b.role, b.committed.name, show::shape(&b.committed.shape));
    ["weights".into(), "all intermediate values".into()].into_iter().chain(commitments.iter().map(port)).collect()
}

fn warning(key: &VerifyingKey, proof: &Proof, model: &Model) -> Option<String> {
    let insecure = key.setup.is_insecure().then_some("the setup is INSECURE: anybody can forge proofs for this key");
    let seeded =
        proof.seeded.then_some("the prover says that its randomness came from a fixed seed: the proof hides nothing");
    let all: Vec<String> = insecure.into_iter().chain(seeded).map(str::to_owned).chain(model.warning()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

impl Answer {
    /// Whether the proof shows all that was asked for.
    pub fn accepted(&self) -> bool {
        self.shown().is_some()
    }

    /// What it shows, if it is accepted.
    pub fn shown(&self) -> Option<&Shown> {
        if let Outcome::Accepted(shown) = &self.outcome { Some(shown) } else { None }
    }

    /// Why it is rejected.
    pub fn reason(&self) -> Option<&str> {
        if let Outcome::Rejected(reason) = &self.outcome { Some(reason) } else { None }
    }

    /// What the reader must know before trusting an accepted proof.
    pub fn warning(&self) -> Option<&str> {
        self.shown()?.warning.as_deref()
    }

    /// `accepted` or `rejected`.
    pub fn word(&self) -> &'static str {
        word(self.accepted())
    }

    /// With what it took.
    pub fn timed(mut self, timing: Timing) -> Self {
        self.timing = Some(timing);
        self
    }

    /// As the command line prints it: docs/json.md lists the fields.
    pub fn json(&self) -> Value {
        let mut map = match &self.outcome {
            Outcome::Accepted(shown) => self.of_accepted(shown),
            Outcome::Rejected(_) => Map::new(),
        };
        let common = [
            ("verdict", json!(self.word())),
            ("reason", json!(self.reason())),
            ("model_digest", json!(show::hex(&self.model_digest))),
            ("key_digest", json!(show::hex(&self.key_digest))),
            ("setup", json!(self.setup.describe())),
            ("proof_bytes", json!(self.proof_bytes)),
            ("file_bytes", json!(self.file_bytes)),
        ];
        map.extend(common.map(|(name, value)| (name.to_owned(), value)));
        if let Some(Timing { seconds, total_seconds, phases }) = &self.timing {
            let phases = phases.iter().map(|(name, seconds)| json!({ "name": name, "seconds": seconds }));
            map.insert("seconds".into(), json!(seconds));
            map.insert("total_seconds".into(), json!(total_seconds));
            map.insert("phases".into(), phases.collect());
        }
        Value::Object(map)
    }

    /// What only an accepted proof has.
    fn of_accepted(&self, shown: &Shown) -> Map<String, Value> {
        let commitment = |b: &Bound| {
            let mut json = committed(&b.committed);
            if let Value::Object(map) = &mut json {
                map.insert("role".into(), json!(b.role));
            }
            json
        };
        let fields = [
            ("warning", json!(shown.warning)),
            ("model", json!(shown.model.word())),
            ("model_text", json!(shown.model.text())),
            ("soundness_bits", json!(shown.soundness_bits)),
            ("inputs", Tensor::list(&shown.inputs)),
            ("outputs", Tensor::list(&shown.outputs)),
            ("texts", texts::to_json(&shown.texts)),
            ("answered", json!(shown.answered)),
            ("drawn", json!(shown.drawn.as_ref().map(Drawn::json))),
            ("hidden", json!(shown.hidden)),
            ("commitments", shown.commitments.iter().map(commitment).collect()),
            ("bound", json!(shown.bound)),
            ("same_input", json!(shown.same_input)),
            ("required", json!(shown.required)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.word());
        if let Some(warning) = self.warning() {
            text.push_str(&format!("WARNING: {warning}\n"));
        }
        text.push_str(&show::lines(&match &self.outcome {
            Outcome::Accepted(shown) => self.lines(shown),
            Outcome::Rejected(reason) => vec![("reason", reason.clone()), ("key", show::hex(&self.key_digest))],
        }));
        let (bytes, file) = (show::bytes(self.proof_bytes), show::bytes(self.file_bytes));
        let mut lines = vec![("proof", format!("{} ({bytes}, with public values {file})", self.name))];
        lines.extend(self.timing.iter().map(|timing| ("verified in", timing.text())));
        text.push_str(&show::lines(&lines));
        text
    }

    /// What is said of an accepted proof.
    fn lines(&self, shown: &Shown) -> Vec<(&'static str, String)> {
        let setup = self.setup.describe();
        let mut lines = vec![
            ("model", format!("{} (digest of the committed weights)", show::hex(&self.model_digest))),
            ("", shown.model.text()),
            ("key", show::hex(&self.key_digest)),
            ("setup", setup.name),
            ("", setup.trust.to_owned()),
            ("soundness", format!("{} bits", shown.soundness_bits)),
        ];
        lines.extend(shown.inputs.iter().map(|t| ("input", t.text())));
        lines.extend(shown.outputs.iter().map(|t| ("output", t.text())));
        lines.extend(texts::lines(&shown.texts));
        lines.extend(answered::text(&shown.answered).into_iter().map(|text| ("answered", text)));
        lines.push(("hidden", shown.hidden.join(", ")));
        lines.extend(shown.drawn.iter().map(|drawn| ("drawn", drawn.text())));
        let name =
            |b: &Bound| ("commitment", format!("{} {}: {}", b.role, b.committed.name, show::hex(&b.committed.digest())));
        lines.extend(shown.commitments.iter().map(name));
        lines.extend(shown.bound.iter().map(|tie| ("bound", tie.clone())));
        lines.extend(shown.same_input.iter().map(|name| ("same input", name.clone())));
        if !shown.required.is_empty() {
            lines.push(("required", format!("{}: so it is", shown.required.join(", "))));
        }
        lines
    }
}

/// `accepted` or `rejected`.
pub(crate) fn word(accepted: bool) -> &'static str {
    if accepted { "accepted" } else { "rejected" }
}

impl Timing {
    fn text(&self) -> String {
        let parts: Vec<String> = self.phases.iter().map(|(name, s)| format!("{name} {}", show::seconds(*s))).collect();
        format!("{} ({})", show::seconds(self.total_seconds), parts.join(", "))
    }
}

/// How tokens were drawn.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The seed.
    pub seed: String,
    /// As the key has it.
    pub temperature: Option<Temperature>,
}

impl Drawn {
    fn by(seed: &str, program: &Program) -> Self {
        let temperature = match Goal::claimed(program) {
            Goal::Sample { temperature, .. } => Some(temperature),
            Goal::Outputs | Goal::Generation { .. } | Goal::Likelihood => None,
        };
        Self { seed: seed.to_owned(), temperature }
    }

    fn text(&self) -> String {
        let temperature = self.temperature.map_or("no known temperature".to_owned(), |t| format!("temperature {t}"));
        format!("at {temperature}, by the seed `{}`", self.seed)
    }

    fn json(&self) -> Value {
        json!({ "seed": self.seed, "temperature": self.temperature.map(Temperature::get) })
    }
}
