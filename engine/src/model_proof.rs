//! The model proof beside a key: made by `compile`, checked at the first use of a model. What was accepted is noted in the cache: model, proof,
//! level, and by which verifier.

use crate::blob::Blob;
use crate::cache;
use crate::failure::Failure;
use crate::plan::{Part, Plan};
use crate::watch::Phases;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::digest::ModelDigest;
use zktorch_prover::{ProvingKey, Randomness, prove_model};
use zktorch_verdict::{Checked, Model, Since, Undecided, check_model, show};
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::model::Level;
use zktorch_verifier::{REVISION, verify};

/// Makes the model proof of a key.
pub(crate) fn make(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    level: Level,
    mut randomness: Randomness,
    (phases, plan): (&mut Phases<'_>, &Plan),
) -> Result<Vec<u8>, Failure> {
    phases.begin("proving the weights");
    let failed = |why: &dyn std::fmt::Display| Failure::internal(format!("no model proof: {why}"));
    let report = &mut |part: usize, parts: usize| {
        phases.detail(&format!("proving the weights, part {} of {parts}", part + 1));
        phases.part(plan.done(Part::Prove, part as f64 / parts.max(1) as f64));
    };
    let proof = prove_model(proving, verifying, level, &mut randomness, report).map_err(|e| failed(&e))?;
    proof.to_bytes().map_err(|e| failed(&e))
}

/// A model proof that was accepted: what the cache keeps of a model. Anything else that lies there is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    /// Digest of the model, in hexadecimal.
    model: String,
    /// SHA-256 of the model proof's file.
    proof: String,
    /// What it proves.
    level: Level,
    /// The protocol by which it was made and checked.
    protocol: String,
    /// Number of the verifier that accepted it.
    verifier: u32,
}

impl Accepted {
    fn new(key: &VerifyingKey, model: &ModelDigest, file: &[u8], level: Level) -> Self {
        let (model, protocol) = (show::hex(model), verify::protocol(key).to_owned());
        Self { model, proof: show::hex(&Sha256::digest(file)), level, protocol, verifier: REVISION }
    }

    /// The name in the cache, by the model alone: the last word on it replaces what was known of it.
    fn name(digest: &ModelDigest) -> String {
        format!("proved-models/{}.json", show::hex(digest))
    }

    /// What is kept of a model, if this verifier accepted it under the key's protocol.
    fn recall(key: &VerifyingKey, digest: &ModelDigest) -> Option<Self> {
        let bytes = std::fs::read(cache::path(&Self::name(digest))?).ok()?;
        let kept: Self = serde_json::from_slice(&bytes).ok()?;
        let hexadecimal = kept.proof.len() == 64 && kept.proof.bytes().all(|b| b.is_ascii_hexdigit());
        let fits = kept == Self { proof: kept.proof.clone(), level: kept.level, ..Self::new(key, digest, b"", kept.level) };
        (hexadecimal && fits).then_some(kept)
    }

    fn keep(&self, digest: &ModelDigest) {
        if let Ok(bytes) = serde_json::to_vec(self) {
            cache::keep(&Self::name(digest), &bytes);
        }
    }

    fn model(&self, since: Since) -> Model {
        Model::of(self.level, self.proof.clone(), since)
    }
}

/// What is known of the weights of a key, by a model proof, or by one that was accepted before, beside this key or another one of the same
/// model: the note of that names it by its digest. Where nothing is to be remembered, notes are neither read nor made.
///
/// # Errors
/// If there is a file that is no model proof, or one of another model: then nothing is decided.
pub(crate) fn state(
    proof: Option<&Blob>,
    key: &VerifyingKey,
    generators: Option<&Generators>,
    remember: bool,
    named: &impl Fn(Undecided) -> Failure,
) -> Result<Model, Failure> {
    let digest = &key.model_digest();
    let kept = remember.then(|| Accepted::recall(key, digest)).flatten();
    let Some(proof) = proof else {
        return Ok(kept.map_or_else(Model::absent, |kept| kept.model(Since::Before)));
    };
    let bytes = proof.read()?;
    let of = |level| Accepted::new(key, digest, &bytes, level);
    if let Some(kept) = kept.as_ref().filter(|kept| **kept == of(kept.level)) {
        return Ok(kept.model(Since::Before));
    }
    let level = match check_model(key, &bytes, generators).map_err(named)? {
        Checked::Holds(level) => level,
        Checked::Refused(reason) => return Ok(Model::Refused(format!("{}: {reason}", proof.name()))),
    };
    // What is known already and says more stays.
    if let Some(kept) = kept.filter(|kept| kept.level == Level::Widths && level == Level::Padding) {
        return Ok(kept.model(Since::Before));
    }
    let accepted = of(level);
    if remember {
        accepted.keep(digest);
    }
    Ok(accepted.model(Since::Now))
}
