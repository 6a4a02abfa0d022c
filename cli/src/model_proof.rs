//! The model proof beside a key: made by `compile`, checked at the first use of a key, remembered by the key's digest.

use crate::cache;
use crate::failure::Failure;
use crate::files::read;
use crate::folder::{MODEL, decoded};
use crate::progress::Progress;
use crate::show;
use std::path::Path;
use zktorch_accumulator::setup::Generators;
use zktorch_prover::{ProvingKey, Randomness, prove_model};
use zktorch_verifier::codec::VERSION;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::model::{Level, ModelProof, verify_model};
use zktorch_verifier::{Unverifiable, Verdict};

/// What is known of a key's weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// They are integers of their declared widths, zero in their padding.
    Proved,
    /// Less, in words.
    Unproved(&'static str),
    /// There is a model proof, and it does not hold.
    Refused(String),
}

/// Makes the model proof of a key.
pub fn make(
    proving: &ProvingKey,
    verifying: &VerifyingKey,
    level: Level,
    progress: &mut Progress,
) -> Result<Vec<u8>, Failure> {
    progress.begin("proving the weights");
    let failed = |why: &dyn std::fmt::Display| Failure::undecided(format!("no model proof: {why}"));
    let mut randomness = Randomness::from_os().map_err(|e| failed(&e))?;
    let report = &mut |part, parts| progress.detail(format!("proving the weights, part {} of {parts}", part + 1));
    let proof = prove_model(proving, verifying, level, &mut randomness, report).map_err(|e| failed(&e))?;
    proof.to_bytes().map_err(|e| failed(&e))
}

/// The file that remembers that a key's weights were proved, to this version.
fn remembered(key: &[u8; 32]) -> String {
    format!("proved-models/{VERSION}-{}", show::hex(key))
}

/// What is known of the weights of a key, by the model proof in the key's folder or by an earlier check.
pub fn state(path: &Path, key: &VerifyingKey, digest: &[u8; 32], generators: Option<&Generators>) -> Result<Model, Failure> {
    let name = remembered(digest);
    if cache::path(&name).is_some_and(|p| p.is_file()) {
        return Ok(Model::Proved);
    }
    let file = path.with_file_name(MODEL);
    if !file.is_file() {
        return Ok(Model::Unproved("there is no model proof beside the key"));
    }
    let proof = decoded(&file, ModelProof::from_bytes(&read(&file)?))?;
    let verdict = verify_model(key, &proof, generators).map_err(|e: Unverifiable| Failure::file("use", path, e))?;
    Ok(match (verdict, proof.level) {
        (Verdict::Rejected(reason), _) => Model::Refused(format!("{}: {reason}", file.display())),
        (Verdict::Accepted, Level::Padding) => Model::Unproved("zero padding is proved, widths are not (--model-proof off)"),
        (Verdict::Accepted, Level::Widths) => {
            cache::keep(&name, b"");
            Model::Proved
        }
    })
}

impl Model {
    /// `proved` or `unproved`.
    pub fn word(&self) -> &'static str {
        if *self == Self::Proved { "proved" } else { "unproved" }
    }

    /// What that means.
    pub fn text(&self) -> String {
        match self {
            Self::Proved => "proved: the weights are integers of their declared widths".into(),
            Self::Unproved(why) => {
                format!("unproved: nothing is known of these weights but that they were fixed before ({why})")
            }
            Self::Refused(why) => format!("refused: {why}"),
        }
    }
}
