//! A key and a proof, from their bytes to an answer.

use crate::answer::{Answer, Outcome, Shown};
use crate::demands::{Demands, unmet};
use crate::model::{Checked, Model, Since, check_model};
use crate::ties::{bound, ties};
use crate::undecided::{File, Undecided};
use zktorch_accumulator::setup::Generators;
use zktorch_blocks::digest::KeyDigest;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::proof::Proof;
use zktorch_verifier::{Unverifiable, Verdict, verify, verify_drawn};

/// The bytes of what a verdict is about.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The verifying key.
    pub key: &'a [u8],
    /// The proof.
    pub proof: &'a [u8],
    /// The proof about the weights, if there is one.
    pub model_proof: Option<&'a [u8]>,
    /// How the proof is called in the verdict.
    pub name: &'a str,
}

/// Decides a proof, and says what it shows. `generators` are those of a transparent setup ([`crate::generators`]).
///
/// # Errors
/// If nothing could be decided: a file is none of ours or damaged, or the key cannot be used.
pub fn judge(files: &Files<'_>, generators: Option<&Generators>, demands: &Demands<'_>) -> Result<Answer, Undecided> {
    let case = Case::read(files.key, files.proof)?;
    let verdict = case.decide(generators, demands.seed)?;
    let model = match verdict {
        Verdict::Accepted => case.model(files.model_proof, "model.proof", generators)?,
        Verdict::Rejected(_) => Model::unneeded(),
    };
    Ok(case.conclude(files.name, &verdict, &model, demands))
}

/// A key and a proof that were read.
#[derive(Clone, Debug)]
pub struct Case {
    /// The key.
    pub key: VerifyingKey,
    /// The proof.
    pub proof: Proof,
    /// The key's digest.
    pub key_digest: KeyDigest,
    /// Bytes of the proof's file.
    pub file_bytes: usize,
}

impl Case {
    /// Reads both.
    ///
    /// # Errors
    /// If one of them does not decode.
    pub fn read(key: &[u8], proof: &[u8]) -> Result<Self, Undecided> {
        let unread = |file| move |e| Undecided::new("read", file, crate::Why::Decode(e));
        let key = VerifyingKey::from_bytes(key).map_err(unread(File::Key))?;
        let file_bytes = proof.len();
        let proof = Proof::from_bytes(proof).map_err(unread(File::Proof))?;
        let key_digest = key.digest().map_err(|e| Undecided::new("use", File::Key, e))?;
        Ok(Self { key, proof, key_digest, file_bytes })
    }

    /// Decides whether the proof holds, by the seed that draws must follow from.
    ///
    /// # Errors
    /// If the key or its setup cannot be used, or a seed is missing or given for nothing.
    pub fn decide(&self, generators: Option<&Generators>, seed: Option<&str>) -> Result<Verdict, Undecided> {
        let verdict = match seed {
            None => verify(&self.key, &self.proof, generators),
            Some(seed) => verify_drawn(&self.key, &self.proof, generators, seed.as_bytes()),
        };
        verdict.map_err(|error| {
            let action = match error {
                Unverifiable::NoSeed => "judge proofs for",
                Unverifiable::NoDraws => "use --seed for",
                Unverifiable::Key(_) | Unverifiable::Setup(_) => "use",
            };
            Undecided::new(action, File::Key, error)
        })
    }

    /// What is known of the weights by a model proof, which is called by a name.
    ///
    /// # Errors
    /// If it is none, or one of another model.
    pub fn model(&self, proof: Option<&[u8]>, name: &str, generators: Option<&Generators>) -> Result<Model, Undecided> {
        let Some(bytes) = proof else { return Ok(Model::absent()) };
        Ok(match check_model(&self.key, bytes, generators)? {
            Checked::Holds(level) => Model::of(level, String::new(), Since::Now),
            Checked::Refused(reason) => Model::Refused(format!("{name}: {reason}")),
        })
    }

    /// What is to be said, of a proof that is called by a name.
    pub fn conclude(&self, name: &str, verdict: &Verdict, model: &Model, demands: &Demands<'_>) -> Answer {
        let bound = bound(&self.key, &self.proof);
        let tied = demands.bind.iter().map(|named| ties(&bound, &self.key.setup, named).ok_or(&named.name));
        let tied = tied.collect::<Result<Vec<_>, _>>().map(|ties| ties.concat());
        let unmet = unmet(demands.require, &self.key, model);
        let differs = demands.input.as_ref().and_then(|input| input.differs(&self.key, &self.proof));
        let outcome = match (verdict, model, tied, differs) {
            (Verdict::Rejected(reason), ..) => Outcome::Rejected(reason.to_string()),
            (_, Model::Refused(reason), ..) => Outcome::Rejected(format!("the model proof does not hold: {reason}")),
            (_, _, Err(name), _) => Outcome::Rejected(format!("the proof is not about all of {name}")),
            (_, _, _, Some(difference)) => Outcome::Rejected(difference),
            _ if !unmet.is_empty() => Outcome::Rejected(unmet.join("; ")),
            (_, _, Ok(ties), None) => {
                Outcome::Accepted(Box::new(Shown::of((&self.key, &self.proof), model, (bound, ties), demands)))
            }
        };
        Answer {
            name: name.to_owned(),
            outcome,
            key_digest: self.key_digest,
            model_digest: self.key.model_digest(),
            setup: self.key.setup.clone(),
            proof_bytes: self.proof.bytes.len(),
            file_bytes: self.file_bytes,
            timing: None,
        }
    }
}
