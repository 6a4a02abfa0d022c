//! `verify`: what a proof shows, or why it shows nothing.

use crate::args::Verify;
use crate::failure::Failure;
use crate::folder::{read_proof, read_verifying_key};
use crate::generators;
use crate::model_proof::{self, Model};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::show::{self, Tensor};
use crate::show::soundness_bits;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zktorch_blocks::program::{Program, TensorId};
use zktorch_verifier::key::{Port, VerifyingKey};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify};

pub fn command(args: &Verify) -> Result<Outcome, Failure> {
    let mut progress = Progress::new();
    progress.begin("reading the key");
    let key = read_verifying_key(&args.key)?;
    let (proof, file_bytes) = read_proof(&args.proof)?;
    progress.begin("preparing the generators");
    let generators = generators::for_verifier(&key.setup)?;
    let digest = key.digest().map_err(|e| Failure::file("use", &args.key, e))?;
    progress.begin("verifying");
    let start = progress.seconds();
    let verdict = verify(&key, &proof, generators.as_ref()).map_err(|e| Failure::file("use", &args.key, e))?;
    let seconds = progress.seconds() - start;
    progress.begin("checking the model proof");
    let model = match verdict {
        Verdict::Accepted => model_proof::state(&args.key, &key, &digest, generators.as_ref())?,
        Verdict::Rejected(_) => Model::Unproved("the proof is rejected"),
    };
    drop(progress);
    let about = About { key: &key, proof: &proof, digest: &digest, model: &model };
    let mut outcome = match (&verdict, &model) {
        (Verdict::Rejected(reason), _) => about.rejected(&reason.to_string()),
        (Verdict::Accepted, Model::Refused(reason)) => about.rejected(&format!("the model proof does not hold: {reason}")),
        (Verdict::Accepted, _) => about.accepted(),
    };
    let size =
        format!("{} ({}, with public values {})", args.proof.display(), show::bytes(proof.bytes.len()), show::bytes(file_bytes));
    outcome.text.push_str(&show::lines(&[("proof", size), ("verified in", show::seconds(seconds))]));
    if let Value::Object(map) = &mut outcome.json {
        map.insert("proof_bytes".into(), json!(proof.bytes.len()));
        map.insert("file_bytes".into(), json!(file_bytes));
        map.insert("seconds".into(), json!(seconds));
    }
    Ok(outcome)
}

/// A private input or output, and the digest of its commitment.
struct Bound<'a> {
    role: &'static str,
    port: &'a Port,
    digest: [u8; 32],
}

/// What a verdict is about.
struct About<'a> {
    key: &'a VerifyingKey,
    proof: &'a Proof,
    digest: &'a [u8; 32],
    model: &'a Model,
}

impl About<'_> {
    fn accepted(&self) -> Outcome {
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
        lines.push(("hidden", hidden.join(", ")));
        let bound = self.commitments();
        lines.extend(bound.iter().map(|c| ("commitment", format!("{} {}: {}", c.role, c.port.name, show::hex(&c.digest)))));
        let commitments: Vec<Value> = bound
            .iter()
            .map(|c| json!({ "role": c.role, "name": c.port.name, "shape": c.port.shape, "digest": show::hex(&c.digest) }))
            .collect();
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
            "hidden": hidden,
            "commitments": commitments,
        });
        Outcome { accepted: true, text, json }
    }

    fn rejected(&self, reason: &str) -> Outcome {
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
        let ports = self.commitments().into_iter().map(|c| format!("{} {} [{}]", c.role, c.port.name, show::shape(&c.port.shape)));
        ["weights".into(), "all intermediate values".into()].into_iter().chain(ports).collect()
    }

    /// The private inputs and outputs.
    fn commitments(&self) -> Vec<Bound<'_>> {
        let Ok(layout) = self.key.layout() else { return Vec::new() };
        let program = &self.key.program;
        let inputs = program.inputs.iter().zip(&self.key.inputs).map(|(id, port)| ("input", *id, port));
        let outputs = program.outputs.iter().zip(&self.key.outputs).map(|(id, port)| ("output", *id, port));
        let bound = |(role, id, port)| {
            let digest = Sha256::digest(self.proof.bound(&layout, id)?.concat()).into();
            Some(Bound { role, port, digest })
        };
        inputs.chain(outputs).filter_map(bound).collect()
    }

    fn warning(&self) -> Option<String> {
        let insecure = self.key.setup.is_insecure().then_some("the setup is INSECURE: anybody can forge proofs for this key");
        let seeded =
            self.proof.seeded.then_some("the prover says that its randomness came from a fixed seed: the proof hides nothing");
        let all: Vec<&str> = insecure.into_iter().chain(seeded).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// The public ones among some tensors, as floats.
fn public(program: &Program, ids: &[TensorId], ports: &[Port], proof: &Proof) -> Vec<Tensor> {
    let position = |id: TensorId| program.statement().position(|other| other == id);
    let tensor = |(&id, port): (&TensorId, &Port)| {
        let values = proof.statement.get(position(id)?)?;
        let unit = f64::from(-program.tensors.get(id)?.scale).exp2();
        let data = values.iter().map(|&v| v as f64 * unit).collect();
        Some(Tensor { name: port.name.clone(), shape: port.shape.clone(), data })
    };
    ids.iter().zip(ports).filter_map(tensor).collect()
}
