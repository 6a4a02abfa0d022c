//! A verdict in words and numbers.

use super::Wanted;
use super::ties::Bound;
use crate::answered;
use crate::model_proof::Model;
use crate::outcome::Outcome;
use crate::show::{self, Tensor, soundness_bits};
use crate::tokens;
use serde_json::{Value, json};
use zktorch_blocks::digest::KeyDigest;
use zktorch_blocks::program::{Program, TensorId};
use zktorch_compiler::Goal;
use zktorch_compiler::goal::Temperature;
use zktorch_verifier::key::{KeyPort, VerifyingKey};
use zktorch_verifier::proof::Proof;

/// What a verdict is about.
pub struct About<'a> {
    pub key: &'a VerifyingKey,
    pub proof: &'a Proof,
    pub digest: &'a KeyDigest,
    pub model: &'a Model,
    pub bound: &'a [Bound],
}

impl About<'_> {
    /// The verdict on a proof that shows all that was asked for.
    pub fn accepted(&self, ties: &[String], wanted: &Wanted<'_>) -> Outcome {
        let key = self.key;
        let setup = key.setup.describe();
        let bits = soundness_bits(key);
        let inputs = public(&key.program, &key.program.inputs, &key.inputs, self.proof);
        let outputs = public(&key.program, &key.program.outputs, &key.outputs, self.proof);
        let hidden = self.hidden();
        let warning = self.warning();
        let mut lines = vec![
            ("model", format!("{} (digest of the committed weights)", show::hex(&key.model_digest()))),
            ("", self.model.text()),
            ("key", show::hex(self.digest)),
            ("setup", setup.name.clone()),
            ("", setup.trust.to_owned()),
            ("soundness", format!("{bits} bits")),
        ];
        lines.extend(inputs.iter().map(|t| ("input", t.text())));
        lines.extend(outputs.iter().map(|t| ("output", t.text())));
        let shown = [inputs.clone(), outputs.clone()].concat();
        let texts = wanted.tokenizer.as_ref().map(|tokenizer| tokenizer.texts(&shown)).unwrap_or_default();
        lines.extend(tokens::lines(&texts));
        let answered = answered::ranges(&key.program, &self.proof.statement);
        lines.extend(answered::text(&answered).into_iter().map(|text| ("answered", text)));
        lines.push(("hidden", hidden.join(", ")));
        let drawn = wanted.seed.map(|seed| Drawn::by(seed, &key.program));
        lines.extend(drawn.iter().map(|drawn| ("drawn", drawn.text())));
        let name =
            |b: &Bound| ("commitment", format!("{} {}: {}", b.role, b.committed.name, show::hex(&b.committed.digest())));
        lines.extend(self.bound.iter().map(name));
        lines.extend(ties.iter().map(|tie| ("bound", tie.clone())));
        let compared = wanted.input.map(|file| file.display().to_string());
        lines.extend(compared.iter().map(|file| ("same input", file.clone())));
        let required: Vec<&str> = wanted.require.iter().map(|r| r.word()).collect();
        if !required.is_empty() {
            lines.push(("required", format!("{}: so it is", required.join(", "))));
        }
        let commitment = |b: &Bound| {
            let mut json = show::committed(&b.committed);
            json["role"] = json!(b.role);
            json
        };
        let commitments: Vec<Value> = self.bound.iter().map(commitment).collect();
        let mut text = "accepted\n".to_owned();
        if let Some(warning) = &warning {
            text.push_str(&format!("WARNING: {warning}\n"));
        }
        text.push_str(&show::lines(&lines));
        let json = json!({
            "verdict": "accepted",
            "reason": null,
            "warning": warning,
            "model": self.model.word(),
            "model_text": self.model.text(),
            "model_digest": show::hex(&key.model_digest()),
            "key_digest": show::hex(self.digest),
            "setup": setup,
            "soundness_bits": bits,
            "inputs": show::tensors(&inputs),
            "outputs": show::tensors(&outputs),
            "texts": tokens::to_json(&texts),
            "answered": answered,
            "drawn": drawn.as_ref().map(Drawn::json),
            "hidden": hidden,
            "commitments": commitments,
            "bound": ties,
            "same_input": compared,
            "required": required,
        });
        Outcome { accepted: true, text, json }
    }

    /// The verdict on one that does not.
    pub fn rejected(&self, reason: &str) -> Outcome {
        let lines = [("reason", reason.to_owned()), ("key", show::hex(self.digest))];
        let json = json!({
            "verdict": "rejected",
            "reason": reason,
            "model_digest": show::hex(&self.key.model_digest()),
            "key_digest": show::hex(self.digest),
            "setup": self.key.setup.describe(),
        });
        Outcome { accepted: false, text: format!("rejected\n{}", show::lines(&lines)), json }
    }

    fn hidden(&self) -> Vec<String> {
        if self.proof.seeded {
            return vec!["nothing".into()];
        }
        let port = |b: &Bound| format!("{} {} [{}]", b.role, b.committed.name, show::shape(&b.committed.shape));
        ["weights".into(), "all intermediate values".into()].into_iter().chain(self.bound.iter().map(port)).collect()
    }

    fn warning(&self) -> Option<String> {
        let insecure =
            self.key.setup.is_insecure().then_some("the setup is INSECURE: anybody can forge proofs for this key");
        let seeded = self
            .proof
            .seeded
            .then_some("the prover says that its randomness came from a fixed seed: the proof hides nothing");
        let all: Vec<String> = insecure.into_iter().chain(seeded).map(str::to_owned).chain(self.model.warning()).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// How tokens were drawn.
struct Drawn<'a> {
    seed: &'a str,
    /// As the key has it.
    temperature: Option<Temperature>,
}

impl<'a> Drawn<'a> {
    fn by(seed: &'a str, program: &Program) -> Self {
        let temperature = match Goal::claimed(program) {
            Goal::Sample { temperature, .. } => Some(temperature),
            Goal::Outputs | Goal::Generation { .. } | Goal::Likelihood => None,
        };
        Self { seed, temperature }
    }

    fn text(&self) -> String {
        let temperature = self.temperature.map_or("no known temperature".to_owned(), |t| format!("temperature {t}"));
        format!("at {temperature}, by the seed `{}`", self.seed)
    }

    fn json(&self) -> Value {
        json!({ "seed": self.seed, "temperature": self.temperature.map(Temperature::get) })
    }
}

/// The public ones among some tensors.
fn public(program: &Program, ids: &[TensorId], ports: &[KeyPort], proof: &Proof) -> Vec<Tensor> {
    let position = |id: TensorId| program.statement().position(|other| other == id);
    let tensor = |(&id, port): (&TensorId, &KeyPort)| {
        let integers = proof.statement.get(position(id)?)?.clone();
        let scale = program.tensors.get(id)?.scale;
        let columns = program.column_exponents(id).to_vec();
        Some(Tensor { name: port.name.clone(), shape: port.shape.clone(), element: port.element, scale, columns, integers })
    };
    ids.iter().zip(ports).filter_map(tensor).collect()
}
