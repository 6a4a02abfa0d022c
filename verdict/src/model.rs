//! What is known of a key's weights.

use crate::undecided::{File, Undecided, Why};
use zktorch_accumulator::setup::Generators;
use zktorch_verifier::Verdict;
use zktorch_verifier::key::VerifyingKey;
use zktorch_verifier::model::{Level, ModelProof, verify_model};

/// When a model proof was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// For this verdict.
    Now,
    /// For an earlier one.
    Before,
}

/// What is known of a key's weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// They are integers of their declared widths, zero in their padding.
    Proved {
        /// SHA-256 of the model proof, in hexadecimal; empty where nobody keeps it.
        proof: String,
        /// When it was checked.
        since: Since,
    },
    /// Less, in words.
    Unproved(String),
    /// There is a model proof, and it does not hold.
    Refused(String),
}

/// A model proof that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It holds, and shows this.
    Holds(Level),
    /// It does not.
    Refused(String),
}

/// Checks the bytes of a model proof against a key.
///
/// # Errors
/// If they are no model proof, or one of another model: then nothing is decided.
pub fn check_model(key: &VerifyingKey, bytes: &[u8], generators: Option<&Generators>) -> Result<Checked, Undecided> {
    let proof = ModelProof::from_bytes(bytes).map_err(|e| Undecided::new("read", File::ModelProof, e))?;
    if proof.model != key.model_digest() {
        return Err(Undecided::new("use", File::ModelProof, Why::OtherModel(proof.model)));
    }
    let verdict = verify_model(key, &proof, generators).map_err(|e| Undecided::new("use", File::Key, e))?;
    Ok(match verdict {
        Verdict::Accepted => Checked::Holds(proof.level),
        Verdict::Rejected(reason) => Checked::Refused(reason.to_string()),
    })
}

impl Model {
    /// Of a model proof that holds.
    pub fn of(level: Level, proof: String, since: Since) -> Self {
        match level {
            Level::Widths => Self::Proved { proof, since },
            Level::Padding => Self::Unproved("zero padding is proved, widths are not (--model-proof off)".into()),
        }
    }

    /// Where there is no model proof.
    pub fn absent() -> Self {
        Self::Unproved("there is no model proof beside the key".into())
    }

    /// Where nobody looked, as the proof itself is rejected.
    pub fn unneeded() -> Self {
        Self::Unproved("the proof is rejected".into())
    }

    /// Whether the weights are what a compiler would have committed to.
    pub fn is_proved(&self) -> bool {
        matches!(self, Self::Proved { .. })
    }

    /// `proved` or `unproved`.
    pub fn word(&self) -> &'static str {
        if self.is_proved() { "proved" } else { "unproved" }
    }

    /// What that means.
    pub fn text(&self) -> String {
        match self {
            Self::Proved { since: Since::Now, .. } => "proved: the weights are integers of their declared widths".into(),
            Self::Proved { proof, since: Since::Before } => {
                format!("proved: the weights are integers of their declared widths (model proof {proof}, accepted before)")
            }
            Self::Unproved(why) => {
                format!("unproved: nothing is known of these weights but that they were fixed before ({why})")
            }
            Self::Refused(why) => format!("refused: {why}"),
        }
    }

    /// What a reader of a verdict is warned of, if the weights may be anything.
    pub fn warning(&self) -> Option<String> {
        let Self::Unproved(why) = self else { return None };
        Some(format!("the model is UNPROVED, the output may be a function of weights that no model has: {why}"))
    }
}
