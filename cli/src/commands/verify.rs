//! `verify`: what a proof shows, or why it shows nothing.

use crate::args::Verify;
use crate::binding::read_commitment;
use crate::failure::Failure;
use crate::folder::{read_proof, read_verifying_key};
use crate::generators;
use crate::model_proof::{self, Model};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::show::soundness_bits;
use crate::show::{self, Tensor};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use zktorch_accumulator::setup::VerifierSetup;
use zktorch_blocks::program::{Program, TensorId};
use zktorch_verifier::commitment::{Commitment, Committed};
use zktorch_verifier::key::{Port, VerifyingKey};
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Verdict, verify};

pub fn command(args: &Verify) -> Result<Outcome, Failure> {
    let keys = match args.key.as_slice() {
        [key] => vec![key; args.proof.len()],
        keys if keys.len() == args.proof.len() => keys.iter().collect(),
        keys => {
            let (keys, proofs) = (show::things(keys.len(), "key"), show::things(args.proof.len(), "proof"));
            return Err(Failure::undecided(format!("{keys} for {proofs}: give one key for all, or one for each")));
        }
    };
    let wanted =
        args.bind.iter().map(|path| Ok((path.as_path(), read_commitment(path)?))).collect::<Result<Vec<_>, Failure>>()?;
    let mut progress = Progress::new();
    let judged = keys.iter().zip(&args.proof).map(|(key, proof)| judge(key, proof, &wanted, &mut progress));
    let mut judged = judged.collect::<Result<Vec<Judged>, Failure>>()?;
    drop(progress);
    if let [_] = judged.as_slice() {
        return Ok(judged.remove(0).outcome);
    }
    let shared = shared(&judged, &args.proof);
    let mut text: String =
        judged.iter().zip(&args.proof).map(|(j, path)| format!("{}: {}", path.display(), j.outcome.text)).collect();
    let none = "no private tensor is shared: nothing ties these proofs to each other".to_owned();
    let named = if shared.is_empty() { vec![none] } else { shared };
    text.push_str(&show::lines(&named.iter().map(|s| ("shared", s.clone())).collect::<Vec<_>>()));
    let accepted = judged.iter().all(|j| j.outcome.accepted);
    let verdict = if accepted { "accepted" } else { "rejected" };
    let proofs: Vec<Value> = judged.into_iter().map(|j| j.outcome.json).collect();
    Ok(Outcome {
        accepted,
        text: format!("{verdict}\n{text}"),
        json: json!({ "verdict": verdict, "proofs": proofs, "shared": named }),
    })
}

/// A verdict, and the private tensors of an accepted proof.
struct Judged {
    outcome: Outcome,
    setup: VerifierSetup,
    bound: Vec<Bound>,
}

fn judge(
    path: &Path,
    proof_path: &Path,
    wanted: &[(&Path, Commitment)],
    progress: &mut Progress,
) -> Result<Judged, Failure> {
    progress.begin("reading the key");
    let key = read_verifying_key(path)?;
    let (proof, file_bytes) = read_proof(proof_path)?;
    progress.begin("preparing the generators");
    let generators = generators::for_verifier(&key.setup)?;
    let digest = key.digest().map_err(|e| Failure::file("use", path, e))?;
    progress.begin("verifying");
    let start = progress.seconds();
    let verdict = verify(&key, &proof, generators.as_ref()).map_err(|e| Failure::file("use", path, e))?;
    let seconds = progress.seconds() - start;
    progress.begin("checking the model proof");
    let model = match verdict {
        Verdict::Accepted => model_proof::state(path, &key, &digest, generators.as_ref())?,
        Verdict::Rejected(_) => Model::Unproved("the proof is rejected"),
    };
    let bound = bound(&key, &proof);
    let tied = wanted.iter().map(|(path, commitment)| ties(&bound, &key.setup, commitment, path).ok_or(path));
    let tied = tied.collect::<Result<Vec<_>, _>>().map(|ties| ties.concat());
    let about = About { key: &key, proof: &proof, digest: &digest, model: &model, bound: &bound };
    let mut outcome = match (&verdict, &model, tied) {
        (Verdict::Rejected(reason), _, _) => about.rejected(&reason.to_string()),
        (_, Model::Refused(reason), _) => about.rejected(&format!("the model proof does not hold: {reason}")),
        (_, _, Err(path)) => about.rejected(&format!("the proof is not about all of {}", path.display())),
        (_, _, Ok(ties)) => about.accepted(&ties),
    };
    let size = format!(
        "{} ({}, with public values {})",
        proof_path.display(),
        show::bytes(proof.bytes.len()),
        show::bytes(file_bytes)
    );
    outcome.text.push_str(&show::lines(&[("proof", size), ("verified in", show::seconds(seconds))]));
    if let Value::Object(map) = &mut outcome.json {
        map.insert("proof_bytes".into(), json!(proof.bytes.len()));
        map.insert("file_bytes".into(), json!(file_bytes));
        map.insert("seconds".into(), json!(seconds));
    }
    let bound = if outcome.accepted { bound } else { Vec::new() };
    Ok(Judged { outcome, setup: key.setup, bound })
}

/// A private input or output of a proof.
struct Bound {
    role: &'static str,
    committed: Committed,
}

/// The private inputs and outputs of a proof.
fn bound(key: &VerifyingKey, proof: &Proof) -> Vec<Bound> {
    let program = &key.program;
    let inputs = program.inputs.iter().zip(&key.inputs).map(|(id, port)| ("input", *id, port));
    let outputs = program.outputs.iter().zip(&key.outputs).map(|(id, port)| ("output", *id, port));
    let one = |(role, id, port): (_, _, &Port)| Some(Bound { role, committed: Committed::of(key, proof, id, &port.name)? });
    inputs.chain(outputs).filter_map(one).collect()
}

/// Which private tensor of a proof each tensor of a commitment is, in words; `None` if one of them is none. A tensor with the name
/// of a private input that it fits must be that input: otherwise a prover could exchange two inputs that were committed together.
fn ties(bound: &[Bound], setup: &VerifierSetup, commitment: &Commitment, path: &Path) -> Option<Vec<String>> {
    let tie = |c: &Committed| {
        let namesake = bound.iter().find(|b| b.role == "input" && b.committed.name == c.name && b.committed.fits(c));
        let other = || bound.iter().find(|b| b.committed.same(c));
        let own = namesake.or_else(other).filter(|b| b.committed.same(c))?;
        Some(format!("{} {} is {} of {}", own.role, own.committed.name, c.name, path.display()))
    };
    commitment.setup.shares_generators(setup).then(|| commitment.tensors.iter().map(tie).collect())?
}

/// The private tensors that several proofs have in common, in words.
fn shared(judged: &[Judged], paths: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    for (i, one) in judged.iter().enumerate() {
        for (j, two) in judged.iter().enumerate().skip(i + 1).filter(|(_, two)| one.setup.shares_generators(&two.setup)) {
            for (a, b) in one.bound.iter().flat_map(|a| two.bound.iter().map(move |b| (a, b))) {
                if a.committed.same(&b.committed) {
                    let of = |bound: &Bound, n: usize| {
                        let path = paths.get(n).map(|p| p.display().to_string()).unwrap_or_default();
                        format!("{} {} of {path}", bound.role, bound.committed.name)
                    };
                    found.push(format!("{} is {}", of(a, i), of(b, j)));
                }
            }
        }
    }
    found
}

/// What a verdict is about.
struct About<'a> {
    key: &'a VerifyingKey,
    proof: &'a Proof,
    digest: &'a [u8; 32],
    model: &'a Model,
    bound: &'a [Bound],
}

impl About<'_> {
    fn accepted(&self, ties: &[String]) -> Outcome {
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
        let name =
            |b: &Bound| ("commitment", format!("{} {}: {}", b.role, b.committed.name, show::hex(&b.committed.digest())));
        lines.extend(self.bound.iter().map(name));
        lines.extend(ties.iter().map(|tie| ("bound", tie.clone())));
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
            "hidden": hidden,
            "commitments": commitments,
            "bound": ties,
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
        let all: Vec<&str> = insecure.into_iter().chain(seeded).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

/// The public ones among some tensors.
fn public(program: &Program, ids: &[TensorId], ports: &[Port], proof: &Proof) -> Vec<Tensor> {
    let position = |id: TensorId| program.statement().position(|other| other == id);
    let tensor = |(&id, port): (&TensorId, &Port)| {
        let integers = proof.statement.get(position(id)?)?.clone();
        let scale = program.tensors.get(id)?.scale;
        let columns = program.column_exponents(id).to_vec();
        Some(Tensor { name: port.name.clone(), shape: port.shape.clone(), element: port.element, scale, columns, integers })
    };
    ids.iter().zip(ports).filter_map(tensor).collect()
}
